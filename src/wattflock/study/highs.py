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


def minimise(program: Program, solver: str = "ipx") -> Solution:
    """The optimum by an interior-point method without crossover, one thread; equal programs, equal results.

    HiGHS releases the interpreter's lock, so that programs can be solved side by side in threads.

    Raises:
        WattflockError: no optimum, e.g. an end of the day that a device cannot reach.

    Source: Huangfu & Hall 2018, DOI 10.1007/s12532-017-0130-5; Schork & Gondzio 2020 (IPX).
    """
    solve = highspy.Highs()
    for name, value in (
        ("output_flag", False), ("solver", solver), ("run_crossover", "off"), ("threads", 1),
    ):  # fmt: skip
        solve.setOptionValue(name, value)
    shape = (program.height, program.width)
    row, column, value = (
        (np.concatenate(x) for x in zip(*program.entries, strict=True)) if shape[0] else ([],) * 3
    )
    matrix = sparse.csc_matrix((value, (row, column)), shape=shape)
    cost, lower, upper, row_lower, row_upper = (
        np.concatenate([np.zeros(0), *x])
        for x in (program.cost, program.lower, program.upper, program.row_lower, program.row_upper)
    )
    solve.passModel(
        *(program.width, program.height, matrix.nnz, int(highspy.MatrixFormat.kColwise)),
        *(int(highspy.ObjSense.kMinimize), 0.0, cost, lower, upper, row_lower, row_upper),
        *(matrix.indptr, matrix.indices, matrix.data, np.zeros(program.width, np.int32)),
    )
    solve.run()
    status = solve.getModelStatus()
    if status != highspy.HighsModelStatus.kOptimal:
        raise WattflockError(f"bound: HiGHS found no optimum: {solve.modelStatusToString(status)}")
    best = np.clip(np.array(solve.getSolution().col_value), lower, upper)
    return Solution(best, float(cost @ best))
