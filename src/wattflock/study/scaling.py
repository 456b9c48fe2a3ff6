"""How a figure grows with the number of homes: a power law, fitted in logarithms."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

EXPONENT = "exponent"  # what a study's file calls it


@dataclass(frozen=True)
class PowerLaw:
    """`at(x)` = factor · x^exponent."""

    factor: float
    exponent: float
    half_width: float | None  # of the 95 % interval of the exponent; None of two points

    def at(self, x: float) -> float:
        """The value at x."""
        return self.factor * x**self.exponent


def power_law(x: Sequence[float], y: Sequence[float]) -> PowerLaw | None:
    """Least squares of log y on log x; None where fewer than two numbers x differ, or any value is not positive.

    The interval is Student's t with n - 2 degrees of freedom. Source: Draper & Smith 1998, Applied Regression Analysis,
    eq. 1.4.9.
    """
    if len(set(x)) < 2 or min(x) <= 0 or min(y) <= 0:
        return None
    across, up = np.log(x), np.log(y)
    spread = float(((across - across.mean()) ** 2).sum())
    slope = float(((across - across.mean()) * up).sum()) / spread
    start = float(up.mean() - slope * across.mean())
    free = len(across) - 2
    if not free:
        return PowerLaw(float(np.exp(start)), slope, None)
    from scipy.special import stdtrit  # a list of runs needs no numerics

    error = float(((up - start - slope * across) ** 2).sum() / free / spread) ** 0.5
    return PowerLaw(float(np.exp(start)), slope, float(stdtrit(free, 0.975)) * error)
