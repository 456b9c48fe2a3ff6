"""A day of all homes as a linear program, solved by HiGHS."""

import dataclasses
from collections.abc import Callable

import highspy
import numpy as np
from scipy import sparse

from wattflock.core.errors import WattflockError
from wattflock.core.linear import LinearProgram, highs_of
from wattflock.core.types import Profile
from wattflock.homes.home import Home
from wattflock.homes.program import ONE, Program, Terms

OTHERWISE = (("ipx", "on"), ("simplex", "on"))  # solver and presolve where the first way does not get there


@dataclasses.dataclass(frozen=True)
class Solution:
    """The best columns of a program and what they cost."""

    column: np.ndarray
    cost: float


def minimise(program: Program, solver: str = "ipx", presolve: str = "choose") -> Solution:
    """The optimum by an interior-point method without crossover, one thread; equal programs, equal results.

    Presolve is faster, but may decide ties of a few columns at a corner. Where the method stops short of its accuracy
    (status "unknown"), presolve and then the simplex method are tried.

    HiGHS releases the interpreter's lock, so that programs can be solved in parallel threads.

    Raises:
        WattflockError: no optimum, e.g. an end of the day that a device cannot reach.

    Source: Huangfu & Hall 2018, DOI 10.1007/s12532-017-0130-5; Schork & Gondzio 2020 (IPX).
    """
    cost, lower, upper = (np.concatenate(x) for x in (program.cost, program.lower, program.upper))
    sides = (np.concatenate([np.zeros(0), *side]) for side in (program.row_lower, program.row_upper))
    solve = highs_of(LinearProgram(cost, lower, upper, coefficients(program), *sides), {"run_crossover": "off"})
    status = highspy.HighsModelStatus.kUnknown
    for way in ((solver, presolve), *OTHERWISE):
        solve.clearSolver()
        for option, value in zip(("solver", "presolve"), way, strict=True):
            solve.setOptionValue(option, value)
        solve.run()
        status = solve.getModelStatus()
        if status != highspy.HighsModelStatus.kUnknown:
            break
    if status != highspy.HighsModelStatus.kOptimal:
        raise WattflockError(f"bound: HiGHS found no optimum: {solve.modelStatusToString(status)}")
    best = np.clip(np.array(solve.getSolution().col_value), lower, upper)
    return Solution(best, float(cost @ best))


def coefficients(program: Program) -> sparse.csc_matrix:
    """The constraints' matrix; entries that meet are added."""
    nothing = (np.zeros(0, int), np.zeros(0, int), np.zeros(0))
    row, column, value = (np.concatenate(x) for x in zip(nothing, *program.entries, strict=True))
    return sparse.csc_matrix((value, (row, column)), shape=(program.height, program.width))


Bills = Callable[[Program, sparse.csr_matrix, Profile], None]
MPU = 1e-3  # rows of limits are in thousandths of a per unit, so that all numbers are of like size


@dataclasses.dataclass(frozen=True)
class DayProgram:
    """The program of a day without wires, and the columns of its powers: columns → (steps · homes) [kW]."""

    program: Program
    devices: dict[str, sparse.csr_matrix]  # power drawn by each device
    power: sparse.csr_matrix  # net power of the homes
    width: int  # columns of the devices; those of bills follow
    shape: tuple[int, int]  # (steps, homes)

    def plan(self, column: np.ndarray) -> dict[str, np.ndarray]:
        """Device → power drawn, (steps, homes) [kW]."""
        own = column[: self.width]
        return {name: (power @ own).reshape(self.shape) for name, power in self.devices.items()}


def draft(fleet: Home, day: Profile, state: dict, bills: Bills, own: dict[str, Profile] | None = None) -> DayProgram:
    """Devices and bills of a day, or the rest of one, of shape (steps, homes), from the devices' states (homes,).

    `bills(program, power, day)` is a market's `plan`, or its `plan_alone`. A device that `own` names has that day: a
    clock of its own, say.
    """
    program, shape = Program(), (day.load_kw.shape[0], day.load_kw.shape[1])
    terms = {
        name: device.plan(program, (own or {}).get(name, day), state[name]) for name, device in fleet.devices.items()
    }
    width = program.width
    devices = {name: gather(some, shape, width) for name, some in terms.items()}
    power = sum(devices.values(), gather([(np.asarray(ONE), day.load_kw)], shape, width))
    bills(program, power, day)
    return DayProgram(program, devices, power, width, shape)


def only_load(day: Profile) -> tuple[Program, sparse.csr_matrix]:
    """The program of a day of homes without devices, and their power: enough to ask a market for its plan."""
    program, shape = Program(), (day.load_kw.shape[0], day.load_kw.shape[1])
    return program, gather([(np.asarray(ONE), day.load_kw)], shape, 1)


def gather(terms: Terms, shape: tuple[int, int], width: int) -> sparse.csr_matrix:
    """The sum of terms as a matrix with one row per step and home; axes before these are summed as well."""
    total = sparse.csr_matrix((np.prod(shape), width))
    for term in terms:
        column, value, _ = (x.reshape(-1, *shape) for x in np.broadcast_arrays(*term, np.zeros(shape)))
        block, step, home = np.nonzero(column >= 0)
        here = block, step, home
        total += sparse.csr_matrix((value[here], (step * shape[1] + home, column[here])), shape=total.shape)
    return total


@dataclasses.dataclass(frozen=True)
class Wires:
    """What is limited around the last plan: level_pu + slope · (power - power_kw), at every row and step."""

    power_kw: np.ndarray  # (steps, terminals)
    level_pu: np.ndarray  # (steps, rows): a row is a node's voltage, a branch's loading or a bus's unbalance
    slope: np.ndarray  # (steps, rows, terminals) [pu per kW]
    low_pu: np.ndarray  # (rows,); -inf: none
    high_pu: np.ndarray  # (rows,)


def with_wires(draft: DayProgram, placement, wires: Wires, rows, price_per_pu, trust_kw) -> tuple[Program, np.ndarray]:
    """The program with a row for every (side, step, row) in `rows`; returns it and the rows' slack columns.

    Args:
        placement: (homes, terminals).
        rows: booleans (2, steps, rows): keep above the lower limit, keep below the upper one.
        price_per_pu: (steps,) of a violation.
        trust_kw: (steps,) how far a terminal's power may move.
    """
    program = draft.program.copy()
    if not rows.any():
        return program, np.zeros(0, int)
    terminal = terminal_columns(program, draft, placement, wires, rows.any((0, 2)), trust_kw)
    side, step, row = np.nonzero(rows)
    slope = wires.slope[step, row] / MPU
    still = wires.level_pu[step, row] / MPU - (slope * wires.power_kw[step]).sum(-1)
    sign = np.where(side == 0, 1.0, -1.0)
    slack = program.columns(0.0, np.inf, price_per_pu[step] * MPU)
    program.block(
        np.where(side == 0, wires.low_pu[row] / MPU - still, -np.inf),
        np.where(side == 0, np.inf, wires.high_pu[row] / MPU - still),
        np.concatenate([np.repeat(np.arange(len(side)), slope.shape[1]), np.arange(len(side))]),
        np.concatenate([terminal[step].ravel(), slack]), np.concatenate([slope.ravel(), sign]),
    )  # fmt: skip
    return program, slack


def terminal_columns(program: Program, draft: DayProgram, placement, wires: Wires, active, trust_kw) -> np.ndarray:
    """Columns (steps, terminals) of each terminal's power in active steps, and the rows that define them."""
    here = np.flatnonzero(active)
    number = np.full(wires.power_kw.shape, -1)
    middle = wires.power_kw[here]
    number[here] = program.columns(middle - trust_kw[here, None], middle + trust_kw[here, None], 0.0)
    to_terminals = sparse.kron(sparse.csr_matrix(np.eye(len(number))[here]), sparse.csr_matrix(placement.T))
    sums = sparse.coo_matrix(sparse.csr_matrix(to_terminals) @ draft.power)
    own = number[here].ravel()
    program.block(
        np.zeros(len(own)), np.zeros(len(own)), np.concatenate([sums.row, np.arange(len(own))]),
        np.concatenate([sums.col, own]), np.concatenate([sums.data, -np.ones(len(own))]),
    )  # fmt: skip
    return number
