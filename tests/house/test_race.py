"""The race of learners: first and sustained seconds, factors over seeds, and figures beside those of the same seed."""

import numpy as np
import polars as pl
import pytest

from benchmarks.pages.race import ALL_DAYS, BOUND_DAYS, factor, hits, levels, table

COLUMNS = (*ALL_DAYS, *BOUND_DAYS)


def marks(method: str, seed: int, *course: tuple[float, float]) -> list[dict]:
    """A course of (seconds, J); other figures are J too, and at its end it captures 90 % with a violation of 0.3 %."""
    rows = [{"method": method, "seed": seed, "seconds": at} | dict.fromkeys(COLUMNS, value) for at, value in course]
    ends = {"captured": 0.9, "violation": 0.003}
    return [row | ({"captured": 0.5, "violation": 1.0} if row is not rows[-1] else ends) for row in rows]


def test_a_bar_is_reached_first_and_from_then_on():
    course = marks("a", 0, (1.0, 5.0), (2.0, 4.0), (3.0, 4.6), (4.0, 4.1), (5.0, 4.2))
    assert hits(course, lambda mark: mark["J"] <= 4.5) == (2.0, 4.0)
    assert hits(course, lambda mark: mark["J"] <= 4.15) == (2.0, np.inf)
    assert hits(course, lambda mark: mark["J"] <= 1) == (np.inf, np.inf)


def test_a_factor_over_seeds_is_the_mean_of_logarithms_with_students_interval():
    """2 and 2.5 times as long: √5, and t(1, 0.975) = 12.7062 times (ln 2.5 - ln 2) / 2 to both sides."""
    half = 12.7062 * np.log(1.25) / 2
    low, high = 5**0.5 / np.exp(half), 5**0.5 * np.exp(half)
    assert factor({0: 2.0, 1: 2.5}, {0: 1.0, 1: 1.0, 2: 9.0}) == f"2.24 ({low:.2f} to {high:.2f})"
    assert factor({0: 3.0}, {0: 2.0}) == "1.50"
    assert factor({0: 3.0, 1: np.inf}, {0: 2.0, 1: 1.0}) == "1 of 2 and 2 of 2"
    assert factor({0: 0.0}, {0: 2.0}) == factor({0: 1.0}, {}) == "–"


def test_levels_are_where_the_worst_run_of_through_ends_and_three_per_cent_above():
    found = levels(pl.DataFrame(marks("through", 0, (1.0, 6.0), (2.0, 4.0)) + marks("through", 1, (1.0, 5.0))))
    assert list(found) == ["J ≤ 5.15", "J ≤ 5.00"] and found["J ≤ 5.00"]({"J": 5.0})
    assert levels(pl.DataFrame(marks("gradmap", 0, (1.0, 6.0)))) == {}


def test_the_table_has_every_bar_method_and_seed_and_differences_on_the_same_seed():
    log = [*marks("gradmap", 0, (1.0, 4.0)), *marks("gradmap", 1, (2.0, 5.0))]
    log += [*marks("through", 0, (2.0, 4.5)), *marks("through", 1, (4.0, 5.7)), *marks("rules", 0, (0.0, 9.0))]
    bars, ends, planned = table(pl.DataFrame(log)).split("\n\n")
    assert (
        "| 85 % captured, violation ≤ 0.5 % | through | 2, 4 | 2, 4 | 2.00 (2.00 to 2.00) | 2.00 (2.00 to 2.00) |"
        in bars
    )
    assert len(bars.splitlines()) == 2 + 4 * 3
    half = 12.7062 * (0.7 - 0.5) / 2  # differences 0.5 and 0.7
    assert f"| through | 5.100 (+0.600 ± {half:.3f}) |" in ends and "| gradmap | 4.500 |" in ends
    assert "| rules | 9.000 (+5.000) |" in ends
    assert "| gradmap | 90.0 |" in planned and "captured" not in ends


@pytest.mark.parametrize("column", COLUMNS)
def test_no_figure_stands_in_both_tables(column):
    assert (column in ALL_DAYS) != (column in BOUND_DAYS)
