"""Power laws: what was put in is found, and the interval is Student's."""

import numpy as np
import pytest

from wattflock.study.scaling import power_law


def test_a_power_law_is_found_as_it_is():
    law = power_law([1, 2, 5, 30], [3 * n**1.25 for n in (1, 2, 5, 30)])
    assert law and (law.factor, law.exponent, law.half_width) == pytest.approx((3, 1.25, 0), abs=1e-9)
    assert law.at(10) == pytest.approx(3 * 10**1.25)


def test_its_interval_is_students():
    """log x = 0, 1, 2 and log y = 0, 1, 1: slope 1/2, residuals -1/6, 1/3, -1/6; s² = 1/6; t(1, 0.975) = 12.7062."""
    law = power_law(np.exp([0, 1, 2]).tolist(), np.exp([0, 1, 1]).tolist())
    assert law and (law.exponent, law.half_width) == pytest.approx((0.5, 12.706205 * (1 / 6 / 2) ** 0.5), rel=1e-6)


def test_too_few_points_have_no_law_or_no_interval():
    assert power_law([3, 3], [1, 2]) is None and power_law([1, 2], [0, 2]) is None and power_law([], []) is None
    law = power_law([1, 4], [1, 2])
    assert law and (law.exponent, law.half_width) == (pytest.approx(0.5), None)
