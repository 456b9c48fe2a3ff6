"""A `Program` solved by HiGHS; no state, no output."""

import dataclasses

import highspy
import numpy as np
from scipy import sparse

from wattflock.errors import WattflockError
from wattflock.homes.program import Program


@dataclasses.dataclass(frozen=True)
class Solution:
    """The best columns of a program and what they cost."""

    column: np.ndarray
    cost: float


def minimise(program: Program, solver: str = "ipx", presolve: str = "choose") -> Solution:
    """The optimum by an interior-point method without crossover, one thread; equal programs, equal results.

    Presolve is quicker, but may decide ties of a few columns at a corner before the interior is looked for.

    HiGHS releases the interpreter's lock, so that programs can be solved side by side in threads.

    Raises:
        WattflockError: no optimum, e.g. an end of the day that a device cannot reach.

    Source: Huangfu & Hall 2018, DOI 10.1007/s12532-017-0130-5; Schork & Gondzio 2020 (IPX).
    """
    solve = highspy.Highs()
    solve.setOptionValue("output_flag", False)
    solve.setOptionValue("solver", solver)
    solve.setOptionValue("presolve", presolve)
    solve.setOptionValue("run_crossover", "off")
    solve.setOptionValue("threads", 1)
    cost, lower, upper = (np.concatenate(x) for x in (program.cost, program.lower, program.upper))
    matrix = coefficients(program)
    solve.passModel(
        program.width, program.height, matrix.nnz,
        int(highspy.MatrixFormat.kColwise), int(highspy.ObjSense.kMinimize), 0.0,
        cost, lower, upper,
        np.concatenate([np.zeros(0), *program.row_lower]), np.concatenate([np.zeros(0), *program.row_upper]),
        matrix.indptr.astype(np.int32), matrix.indices.astype(np.int32), matrix.data.astype(np.float64),
        np.zeros(program.width, np.int32),  # all continuous
    )  # fmt: skip
    solve.run()
    status = solve.getModelStatus()
    if status != highspy.HighsModelStatus.kOptimal:
        raise WattflockError(f"bound: HiGHS found no optimum: {solve.modelStatusToString(status)}")
    best = np.clip(np.array(solve.getSolution().col_value), lower, upper)
    return Solution(best, float(cost @ best))


def coefficients(program: Program) -> sparse.csc_matrix:
    """The constraints' matrix; entries that meet are added."""
    nothing = (np.zeros(0, int), np.zeros(0, int), np.zeros(0))
    row, column, value = (np.concatenate(x) for x in zip(nothing, *program.entries, strict=True))
    return sparse.csc_matrix((value, (row, column)), shape=(program.height, program.width))
