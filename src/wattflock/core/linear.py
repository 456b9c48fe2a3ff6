"""A linear or mixed-integer program as a HiGHS model; without JAX, so that a process starts fast."""

import dataclasses
from typing import Any

import highspy
import numpy as np


@dataclasses.dataclass(frozen=True)
class LinearProgram:
    """min cost·x with lower ≤ x ≤ upper and row_lower ≤ matrix x ≤ row_upper."""

    cost: np.ndarray  # (columns,)
    lower: np.ndarray  # (columns,)
    upper: np.ndarray  # (columns,)
    matrix: Any  # (rows, columns) sparse, by column
    row_lower: np.ndarray  # (rows,)
    row_upper: np.ndarray  # (rows,)
    whole: np.ndarray | None = None  # (columns,) where x is an integer; None: nowhere


def highs_of(program: LinearProgram, options: dict[str, Any]) -> Any:
    """A HiGHS model of the program: silent, on one thread, with these options of HiGHS; its `run` solves it."""
    highs: Any = highspy.Highs()
    for option, value in ({"output_flag": False, "threads": 1} | options).items():
        highs.setOptionValue(option, value)
    matrix, (height, width) = program.matrix, program.matrix.shape
    highs.passModel(
        width, height, matrix.nnz,
        int(highspy.MatrixFormat.kColwise), int(highspy.ObjSense.kMinimize), 0.0,
        program.cost, program.lower, program.upper, program.row_lower, program.row_upper,
        matrix.indptr.astype(np.int32), matrix.indices.astype(np.int32), matrix.data.astype(float),
        np.zeros(width, np.int32) if program.whole is None else program.whole.astype(np.int32),
    )  # fmt: skip
    return highs
