"""Boxes of powers: their corners, the worst of them, and how far a box can grow before a limit is reached."""

import dataclasses
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import combinations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from wattflock.feeder.circuit import Matrix
from wattflock.feeder.limits import stress, stress_names
from wattflock.feeder.solve import solve
from wattflock.study.hosting.capacity import reach, stress_of, worst_stress
from wattflock.study.hosting.sensitivity import MOST, Point, tolerance_of

SOUGHT = 32  # rows for which the adversarial corner is looked for, each time
ROUNDS = 2  # times it is looked for
KINDS = 6  # phases of which every subset is a corner
BACK = 0.98  # step back where a refined scale is still violated


@dataclass(frozen=True, eq=False)
class Box:
    """Resolved rules; corners of 0 and 1 have shape (corners, terminals), their last places are for those found."""

    point: Point
    sign: float
    homes: Matrix
    request: Matrix
    ceiling: Matrix
    corners: Matrix


@dataclass(frozen=True, eq=False)
class Filled:
    """A verified allocation."""

    limit: Matrix
    row: int  # just beyond it; -1: CAP
    corners: Matrix


def fixed_corners(terminals: tuple[str, ...], count: int, seed: int) -> Matrix:
    """All at their limit, every subset of the phases, and random ones of every density, (corners, terminals)."""
    phase = np.array([name.partition(".")[2] for name in terminals])
    kinds = sorted(set(phase))
    sizes = range(1, len(kinds) + 1) if len(kinds) <= KINDS else (1, len(kinds) - 1, len(kinds))
    subsets = [np.isin(phase, one) for size in sizes for one in combinations(kinds, size)]
    random = np.random.default_rng(seed)
    density = random.uniform(size=(count, 1))
    drawn = random.uniform(size=(count, len(terminals))) < density
    return np.concatenate([np.stack(subsets), drawn]).astype(float)


def fill(box: Box, request: Matrix, most: float) -> Filled:
    """The largest scale up to `most` at which min(scale · request, ceiling) keeps all limits at all corners."""
    asked = request > 0
    if not asked.any():
        return Filled(np.zeros_like(request), -1, box.corners)
    most = min(most, float((box.ceiling[asked] / request[asked]).max()))
    corners, places = box.corners, len(box.corners) - ROUNDS * SOUGHT

    def limit(scale):
        return np.minimum(scale * request, box.ceiling)

    def worst(scale):
        values, rows = worst_stress(box.point, box.sign * corners * limit(scale[0]))
        at = values.argmax()
        return values[at : at + 1], rows[at : at + 1]

    found = reach(worst, np.array([most]))
    for _ in range(ROUNDS):
        corners = corners.copy()
        corners[places : places + SOUGHT] = adversaries(box, corners, limit(found.scale[0]))[0]
        places += SOUGHT
        if worst(found.scale)[0][0] <= 0:
            break
        row = found.row
        found = reach(worst, np.maximum(found.scale, 1e-12 * most))
        found = dataclasses.replace(found, row=np.where(found.row < 0, row, found.row))
    scale = found.scale[0]
    while scale > 0 and worst(np.array([scale]))[0][0] > 0:
        scale = BACK * scale if scale > 1e-9 * most else 0.0
    return Filled(limit(scale), int(found.row[0]), corners)


def adversaries(box: Box, corners: Matrix, limit: Matrix) -> tuple[Matrix, Matrix]:
    """For the most binding rows, the corner of only those terminals whose power brings the row up, and the rows.

    Sensitivities are taken at the worst corner known for the row, and once more at the corner that they give.
    """
    rows = stress_of(box.point, box.sign * corners * limit)
    rows = np.where(np.isfinite(rows), rows, -1.0)
    chosen = _most_binding(rows.max(0), _groups(stress_names(box.point.feeder)))
    corner = corners[rows.argmax(0)[chosen]]
    for _ in range(2):
        slope = planes_at(box, corner * limit, chosen)[1]
        corner = np.where(limit > 0, slope > 0, 1).astype(float)
    return corner, chosen


def _most_binding(value: Matrix, group: Matrix) -> Matrix:
    """`SOUGHT` rows: the highest of each group, then the second of each, and so on; neighbours have one corner."""
    order = np.lexsort((-value, group))
    starts = np.r_[0, np.flatnonzero(np.diff(group[order])) + 1]
    rank = np.empty(len(value), int)
    rank[order] = np.arange(len(value)) - np.repeat(starts, np.diff(np.r_[starts, len(value)]))
    found = np.lexsort((-value, rank))[:SOUGHT]
    return np.resize(found, SOUGHT)


def planes_at(box: Box, extra_kw: Matrix, rows: Matrix) -> tuple[Matrix, Matrix]:
    """Value (n,) of one row each at one extra power each, and its slope [1/kW of extra], (n, terminals)."""
    extra = jnp.asarray(box.sign * extra_kw, box.point.load_kw.dtype)
    value, slope = _value_and_slope(box.point, extra, jnp.asarray(rows), tolerance_of(box.point))
    return np.asarray(value, float), box.sign * np.asarray(slope, float)


@partial(jax.jit, static_argnums=3)
def _value_and_slope(point: Point, extra_kw: Array, rows: Array, tolerance: float) -> tuple[Array, Array]:
    load_kvar = jnp.broadcast_to(point.load_kvar, extra_kw.shape)

    def total(extra_kw):
        load_kw = jnp.broadcast_to(point.load_kw, extra_kw.shape) + extra_kw
        flow = solve(point.feeder, load_kw, load_kvar, tolerance, MOST)
        value = jnp.take_along_axis(stress(point.limits, point.feeder, flow), rows[:, None], -1)[:, 0]
        return value.sum(), value

    (_, value), slope = jax.value_and_grad(total, has_aux=True)(extra_kw)
    return value, slope


@lru_cache
def _groups(names: tuple[str, ...]) -> Matrix:
    """A number for each row's kind and phase: "over-voltage .1"."""
    label = [f"{name.partition(' ')[0]} {name.rpartition('.')[2] if '.' in name else ''}" for name in names]
    return np.unique(label, return_inverse=True)[1]
