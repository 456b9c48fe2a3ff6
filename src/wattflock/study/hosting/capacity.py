"""How much more each terminal alone can feed in or draw before a limit of the feeder is reached."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from wattflock.core.errors import Problem, ScenarioError
from wattflock.feeder.circuit import Matrix
from wattflock.feeder.limits import stress, stress_names
from wattflock.feeder.solve import solve
from wattflock.study.hosting.sensitivity import MOST, Point, tolerance_of

EXPORT = "export"  # feeding in more
IMPORT = "import"  # drawing more
SIGN = {EXPORT: -1.0, IMPORT: 1.0}  # of the power drawn
CAP = "cap"  # the binding row where the cap is reached
NO_SOLUTION = "no power flow solution"

GRID = 8  # coarse steps up to the cap, looked at first
STEPS = 40  # refinements at most
CLOSE = 1e-7  # refined enough: so near to the limit [pu, share], or this share of the cap
WIDEST = 2**24  # numbers in one array of a batch; a larger batch is cut
NAMED = 5  # violated rows that an error names

Worst = Callable[[Matrix], tuple[Matrix, Matrix]]  # scale (n,) → largest stress (n,) and its row (n,)


@dataclass(frozen=True, eq=False)
class Hosting:
    """The most that each terminal alone can feed in or draw on top of the base, at unity power factor."""

    direction: str
    terminals: tuple[str, ...]
    capacity_kw: Matrix  # (terminals,)
    binding: tuple[str, ...]  # row of `stress_names` that is reached just beyond it, or CAP
    monotone: Matrix  # (terminals,) False: further out, on the coarse grid, all limits are kept again
    cap_kw: float


@dataclass(frozen=True, eq=False)
class Reach:
    """How far a power can grow from zero until a limit is reached, each entry (n,)."""

    scale: Matrix  # every limit is kept at it
    row: Matrix  # worst row just beyond it; -1: `most` was reached
    monotone: Matrix


def hosting_capacity(point: Point, direction: str, cap_kw: float) -> Hosting:
    """Every terminal alone, all at once: a batch of terminals × terminals for each step of the search.

    Feasibility need not be monotone, so `GRID` steps up to the cap are tried first and the search continues between the
    last kept one before the first violated one, and that one: below the answer all limits are kept at every point of
    the grid and the refinement.

    Args:
        point: base load and limits, from `operating_point`.
        direction: EXPORT or IMPORT.
        cap_kw: largest power per terminal that is searched [kW].

    Raises:
        ScenarioError: the base itself violates a limit (then no capacity is safe from 0 upwards, even in a direction
            that would help), or a direction or cap that does not exist.
    """
    refuse(direction, cap_kw)
    refuse_violations(point)
    count = len(point.feeder.terminals)
    each = np.eye(count) * SIGN[direction]

    def worst(scale_kw: Matrix) -> tuple[Matrix, Matrix]:
        return worst_stress(point, each * scale_kw[:, None])

    found = reach(worst, np.full(count, float(cap_kw)))
    names = (*stress_names(point.feeder), NO_SOLUTION, CAP)
    return Hosting(
        direction=direction,
        terminals=point.feeder.terminals,
        capacity_kw=found.scale,
        binding=tuple(names[row] for row in found.row),
        monotone=found.monotone,
        cap_kw=float(cap_kw),
    )


def refuse(direction: str, cap_kw: float) -> None:
    """Raise a ScenarioError for a direction or cap that does not exist."""
    problems = []
    if direction not in SIGN:
        problems.append(Problem("hosting", "direction", direction, f"{EXPORT} or {IMPORT}"))
    if not (np.isfinite(cap_kw) and cap_kw > 0):
        problems.append(Problem("hosting", "cap_kw", cap_kw, "above 0 [kW]"))
    if problems:
        raise ScenarioError(problems)


def refuse_violations(point: Point) -> None:
    """Raise a ScenarioError that names the worst rows which the base load itself violates."""
    rows = stress_of(point, np.zeros((1, len(point.feeder.terminals))))[0]
    if np.isinf(rows).any():
        raise ScenarioError([Problem("base load", "power flow", NO_SOLUTION, "a load that converges")])
    names = stress_names(point.feeder)
    worst = [int(row) for row in np.argsort(-rows)[:NAMED] if rows[row] > 0]
    if worst:
        allowed = "at most 0 beyond its limit [pu, or share]: mend the base load, the taps or the limits"
        raise ScenarioError([Problem("base load", names[row], round(float(rows[row]), 5), allowed) for row in worst])


def worst_stress(point: Point, extra_kw: Matrix) -> tuple[Matrix, Matrix]:
    """Largest stress of the base with each of some extra loads, and its row.

    Args:
        point: the base.
        extra_kw: drawn on top of it [kW], shape (n, terminals).

    Returns:
        (n,) each; infinite, with the row after the last, where the power flow has no solution.
    """
    chunks, count = _chunked(point, extra_kw)
    worst, row = _worst(point, chunks, tolerance_of(point))
    return np.asarray(worst, float).ravel()[:count], np.asarray(row).ravel()[:count]


def stress_of(point: Point, extra_kw: Matrix) -> Matrix:
    """Every row of `limits.stress` for each of some extra loads, (n, rows); infinite without a solution."""
    chunks, count = _chunked(point, extra_kw)
    rows = np.asarray(_rows(point, chunks, tolerance_of(point)), float)
    return rows.reshape(-1, rows.shape[-1])[:count]


def reach(worst: Worst, most: Matrix) -> Reach:
    """The largest scales up to `most` (n,) below which the worst stress stays ≤ 0, all n searched together.

    Coarse grid, then a bracket that shrinks by false position in the Illinois form, with a bisection every third
    step and wherever there is no solution; stress is nearly linear, so about seven steps do.
    Source: M. Dowell, P. Jarratt, "A modified regula falsi method for computing the root of an equation", BIT 11, 1971.
    """
    low, high, at_low, at_high, row, monotone = _coarse(worst, most)
    bounded = row >= 0
    weight_low, weight_high, last = at_low, at_high, np.zeros(len(most))
    for step in range(STEPS):
        going = bounded & (at_low < -CLOSE) & (high - low > CLOSE * most)
        if not going.any():
            break
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.clip(weight_low / (weight_low - weight_high), 0.01, 0.99)
        share = np.where((step % 3 == 2) | ~np.isfinite(weight_high), 0.5, share)
        scale = np.where(going, low + share * (high - low), low)
        value, at = worst(scale)
        up, down = going & (value <= 0), going & (value > 0)
        low, high = np.where(up, scale, low), np.where(down, scale, high)
        at_low, row = np.where(up, value, at_low), np.where(down, at, row)
        weight_low = np.where(up, value, np.where(down & (last < 0), weight_low / 2, weight_low))
        weight_high = np.where(down, value, np.where(up & (last > 0), weight_high / 2, weight_high))
        last = np.where(up, 1, np.where(down, -1, last))
    return Reach(low, row, monotone)


def _coarse(worst: Worst, most: Matrix) -> tuple[Matrix, Matrix, Matrix, Matrix, Matrix, Matrix]:
    """Bracket, stress at both its ends, row at the upper end, and whether what follows it is violated as well."""
    tried = [(most * step / GRID, *worst(most * step / GRID)) for step in range(GRID + 1)]
    scale, value, row = (np.stack(parts) for parts in zip(*tried, strict=True))
    bad = value > 0
    bad[0] = False  # the base is kept, up to rounding
    some, each = bad.any(0), np.arange(len(most))
    first = np.where(some, bad.argmax(0), GRID)
    before = np.where(some, first - 1, GRID)
    beyond = np.arange(GRID + 1)[:, None] >= first
    monotone = np.asarray((bad == beyond).all(0) | ~some)
    found = np.where(some, row[first, each], -1)
    return scale[before, each], scale[first, each], value[before, each], value[first, each], found, monotone


def _chunked(point: Point, extra_kw: Matrix) -> tuple[Array, int]:
    """The same rows as (chunks, size, terminals), filled up with zeros, and how many are real."""
    count, terminals = extra_kw.shape
    feeder = point.feeder
    widest = 2 * (len(feeder.nodes) + len(feeder.branch.names))
    chunks = -(-count // max(1, WIDEST // widest))
    size = -(-count // chunks)
    filled = np.zeros((chunks * size, terminals))
    filled[:count] = extra_kw
    return jnp.asarray(filled.reshape(chunks, size, terminals), point.load_kw.dtype), count


@partial(jax.jit, static_argnums=2)
def _worst(point: Point, extra_kw: Array, tolerance: float) -> tuple[Array, Array]:
    def chunk(extra_kw):
        rows = _stress(point, extra_kw, tolerance)
        worst = rows.max(-1)
        return worst, jnp.where(jnp.isinf(worst), rows.shape[-1], rows.argmax(-1))

    return jax.lax.map(chunk, extra_kw)


@partial(jax.jit, static_argnums=2)
def _rows(point: Point, extra_kw: Array, tolerance: float) -> Array:
    return jax.lax.map(lambda each: _stress(point, each, tolerance), extra_kw)


def _stress(point: Point, extra_kw: Array, tolerance: float) -> Array:
    load_kw, load_kvar = jnp.broadcast_to(point.load_kw, extra_kw.shape), point.load_kvar[None]
    flow = solve(point.feeder, load_kw + extra_kw, jnp.broadcast_to(load_kvar, extra_kw.shape), tolerance, MOST)
    return jnp.where(flow.converged[:, None], stress(point.limits, point.feeder, flow), jnp.inf)
