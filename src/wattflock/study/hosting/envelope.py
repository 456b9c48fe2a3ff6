"""Dynamic operating envelopes: limits per connection under which the feeder's limits are kept."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import linprog

from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.fairness import jain
from wattflock.feeder.circuit import Matrix
from wattflock.feeder.limits import Limits, stress_names
from wattflock.feeder.solve import Feeder
from wattflock.study.hosting.capacity import CAP, EXPORT, NO_SOLUTION, SIGN, refuse, refuse_violations, worst_stress
from wattflock.study.hosting.corners import ROUNDS, SOUGHT, Box, Filled, adversaries, fill, fixed_corners, planes_at
from wattflock.study.hosting.sensitivity import Point, operating_point, stress_sensitivity

EQUAL = "equal"  # the same for every home
PROPORTIONAL = "proportional"  # in proportion to a request
MAXIMUM = "maximum"  # the largest total
ALLOCATIONS = (EQUAL, PROPORTIONAL, MAXIMUM)

PROGRAMS = 20  # linear programs of MAXIMUM
GAIN = 1e-4  # of the total that is worth another program
TINY = 1e-9  # homes, or kW, in place of none
BEYOND = 1.25  # how far the result of a linear program may still grow

Planes = tuple[Matrix, Matrix, Matrix]  # row (n,), level (n,), rise (n, terminals): level + rise · limit ≤ 0


@dataclass(frozen=True, eq=False)
class EnvelopeRules:
    """The request. Arrays have shape (terminals,)."""

    direction: str = EXPORT  # or IMPORT
    allocation: str = EQUAL  # or PROPORTIONAL or MAXIMUM
    cap_kw: float = 10.0  # of one home, such as its inverter or its fuse [kW]
    homes: ArrayLike | None = None  # at each terminal; None: one each. Where there is none the limit is 0
    request_kw: ArrayLike | None = None  # for PROPORTIONAL, such as installed kW; None: the nominal load, or homes
    random_corners: int = 64
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Envelope:
    """Limits at one time; `worst_stress` ≤ 0 at every corner that was checked."""

    rules: EnvelopeRules
    terminals: tuple[str, ...]
    homes: Matrix  # (terminals,)
    limit_kw: Matrix  # (terminals,) of all homes at it together, ≥ 0 in the direction of the rules
    total_kw: float
    fairness: float  # Jain's index over homes: 1 all equal, 1/n one home has all
    corners: int  # different ones, verified by power flow
    worst_stress: float  # over all corners [pu, or share]; above 0 where the base itself violates: limits are 0
    worst_row: str
    worst_corner: Matrix  # (terminals,) True: at its limit there, False: at 0
    binding: str  # the row just beyond the limits, or CAP

    @property
    def home_kw(self) -> Matrix:
        """Limit of one home at each terminal [kW], 0 where there is none, (terminals,)."""
        return self.limit_kw / np.maximum(self.homes, TINY)


def envelope(point: Point, rules: EnvelopeRules) -> Envelope:
    """Limits such that every checked corner keeps every limit of the feeder, each home anywhere below its own.

    Extra power is at unity power factor. How corners are chosen, and what is not proven: docs/feeder-hosting.md.

    Args:
        point: the base load, without the powers that are limited here, and the limits of the feeder.
        rules: direction, allocation, cap and corners.

    Raises:
        ScenarioError: rules that cannot be, or a base that violates a limit: with every home at 0 it would still.

    Source of the idea: K. Petrou et al., "Ensuring distribution network integrity using dynamic operating limits
    for prosumers", IEEE Trans. Smart Grid, 2021, DOI 10.1109/TSG.2021.3081371.
    """
    box = _box(point, rules)
    refuse_violations(point)
    return _verified(box, rules, _allocate(box, rules.allocation))


def envelopes(
    feeder: Feeder, limits: Limits, load_kw: ArrayLike, load_kvar: ArrayLike, rules: EnvelopeRules
) -> Iterator[Envelope]:
    """One envelope after the other, for base loads of shape (steps, terminals) [kW, kvar].

    Where the base of a step violates a limit, its limits are 0 and `worst_stress` is above 0. Nothing is computed
    before the first is requested, except that rules and shapes are checked.

    Raises:
        ScenarioError: rules or loads that cannot be.
    """
    load_kw, load_kvar = np.atleast_2d(load_kw), np.atleast_2d(load_kvar)
    if load_kw.shape != load_kvar.shape:
        raise ScenarioError([Problem("base load", "load_kvar", load_kvar.shape, f"shape {load_kw.shape}")])
    first = operating_point(feeder, limits, load_kw[0], load_kvar[0])
    _box(first, rules)
    return (_step(first, kw, kvar, rules) for kw, kvar in zip(load_kw, load_kvar, strict=True))


def _step(point: Point, load_kw: Matrix, load_kvar: Matrix, rules: EnvelopeRules) -> Envelope:
    point = operating_point(point.feeder, point.limits, load_kw, load_kvar)
    box = _box(point, rules)
    worst, row = worst_stress(point, np.zeros((1, len(box.homes))))
    if worst[0] > 0:
        nothing = np.zeros(len(box.homes))
        return _verified(box, rules, Filled(nothing, int(row[0]), np.zeros_like(box.corners)))
    return _verified(box, rules, _allocate(box, rules.allocation))


def _verified(box: Box, rules: EnvelopeRules, found: Filled) -> Envelope:
    corners = found.corners
    worst, row = worst_stress(box.point, box.sign * corners * found.limit)
    names = (*stress_names(box.point.feeder), NO_SOLUTION, CAP)
    at = worst.argmax()
    per_home = found.limit / np.maximum(box.homes, TINY)
    return Envelope(
        rules=rules,
        terminals=box.point.feeder.terminals,
        homes=box.homes,
        limit_kw=found.limit,
        total_kw=float(found.limit.sum()),
        fairness=float(jain(per_home, box.homes)),
        corners=len(np.unique(corners, axis=0)),
        worst_stress=float(worst[at]),
        worst_row=names[row[at]],
        worst_corner=corners[at] > 0,
        binding=names[found.row],
    )


def _box(point: Point, rules: EnvelopeRules) -> Box:
    refuse(rules.direction, rules.cap_kw)
    terminals = point.feeder.terminals
    homes = np.ones(len(terminals)) if rules.homes is None else np.asarray(rules.homes, float)
    nominal = np.maximum(np.asarray(point.feeder.nominal_kw, float), 0)
    asked = (nominal if nominal.any() else homes) if rules.request_kw is None else rules.request_kw
    request = np.asarray(asked, float)
    problems = [
        Problem("envelope", name, np.shape(value), f"{len(terminals)} numbers, none below 0, some above")
        for name, value in {"homes": homes, "request_kw": request}.items()
        if value.shape != (len(terminals),) or not (value >= 0).all() or not np.isfinite(value).all() or not value.any()
    ]
    if rules.allocation not in ALLOCATIONS:
        problems.append(Problem("envelope", "allocation", rules.allocation, ", ".join(ALLOCATIONS)))
    if problems:
        raise ScenarioError(problems)
    fixed = fixed_corners(terminals, rules.random_corners, rules.seed)
    free = np.ones((ROUNDS * SOUGHT, len(terminals)))
    return Box(
        point=point,
        sign=SIGN[rules.direction],
        homes=homes,
        request=request * (homes > 0),
        ceiling=rules.cap_kw * homes,
        corners=np.concatenate([fixed, free]),
    )


def _allocate(box: Box, allocation: str) -> Filled:
    if allocation == EQUAL:
        return fill(box, box.homes, np.inf)
    if allocation == PROPORTIONAL:
        return fill(box, box.request, np.inf)
    return _maximum(box)


def _maximum(box: Box) -> Filled:
    """The largest total, by linear programs around the best so far, each one scaled back to what power flow keeps.

    A row that is convex in the power (loading, unbalance) is at least its tangent, over the whole box at least
    value - slope · z + Σ max(slope, 0) x: its planes are all kept. Voltages are nearly linear and keep the newest
    one. All rows have a plane half way up; the binding ones get more, at their own worst corner of each aim and of
    what power flow leaves of it.
    Source: J. E. Kelley, "The cutting-plane method for solving convex programs", J. SIAM 8(4), 1960.
    """
    best = max((_allocate(box, one) for one in (EQUAL, PROPORTIONAL)), key=lambda one: one.limit.sum())
    planes, radius = [_halfway(box, best.limit), _at_worst(box, best.corners, best.limit)], 1.0
    for _ in range(PROGRAMS):
        aim = _program(_newest(planes, 2 * len(box.point.feeder.nodes)), best.limit, radius * box.ceiling, box.ceiling)
        if aim is None:
            break
        found = fill(dataclasses.replace(box, corners=best.corners), aim, BEYOND)
        planes += [_at_worst(box, found.corners, aim), _at_worst(box, found.corners, found.limit)]
        gain = found.limit.sum() / max(best.limit.sum(), TINY) - 1
        best = found if gain > 0 else best
        radius = radius if gain > GAIN else radius / 2
        if gain <= GAIN and abs(aim.sum() - best.limit.sum()) <= GAIN * best.limit.sum():
            break
    return best


def _halfway(box: Box, limit: Matrix) -> Planes:
    """Of every row, with all terminals at half of a limit."""
    middle = dataclasses.replace(box.point, load_kw=box.point.load_kw + jnp.asarray(box.sign * limit / 2))
    found = stress_sensitivity(middle)
    slope = box.sign * np.asarray(found.per_kw, float)
    return np.arange(len(slope)), np.asarray(found.value, float) - slope @ limit / 2, np.maximum(slope, 0)


def _at_worst(box: Box, corners: Matrix, limit: Matrix) -> Planes:
    """Of the most binding rows, each at its own worst corner of a box."""
    corner, row = adversaries(box, corners, limit)
    value, slope = planes_at(box, corner * limit, row)
    solved = slope.any(-1)
    level = value - (slope * corner) @ limit
    return row[solved], level[solved], np.maximum(slope, 0)[solved]


def _newest(planes: list[Planes], voltages: int) -> Planes:
    """All planes together, of each of the first `voltages` rows only the newest."""
    row, level, rise = (np.concatenate(parts)[::-1] for parts in zip(*planes, strict=True))
    first = np.unique(row, return_index=True)[1]
    kept = np.isin(np.arange(len(row)), first) | (row >= voltages)
    return row[kept], level[kept], rise[kept]


def _program(planes: Planes, best: Matrix, radius: Matrix, ceiling: Matrix) -> Matrix | None:
    """The largest total that the planes allow within a radius of the best so far; None: no solution."""
    _, level, rise = planes
    low, high = np.maximum(best - radius, 0), np.minimum(best + radius, ceiling)
    near = level + rise @ high > 0
    if not near.any():
        return high
    found = linprog(-np.ones(len(low)), rise[near], -level[near], bounds=np.stack([low, high], -1), method="highs")
    return np.maximum(found.x, 0) if found.status == 0 else None
