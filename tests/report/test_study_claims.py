"""Claims of publications against paired differences."""

import polars as pl
import pytest

from wattflock.report.study_claims import claims, verdict
from wattflock.report.study_data import ALL
from wattflock.study.study_file import Claim

RISES = Claim(text="It rises", quantity="fairness", way="rises", rows=("a", "b"), method="ppo")
FALLS = RISES.model_copy(update={"way": "falls"})


@pytest.mark.parametrize(
    ("claim", "changes", "said"),
    [
        (RISES, [(2.0, 1.0), (3.0, 0.1)], "reproduced"),
        (FALLS, [(2.0, 1.0)], "refuted"),
        (RISES, [(2.0, 1.0), (-1.0, 0.5)], "refuted"),
        (RISES, [(2.0, 1.0), (0.1, 0.5)], "not decided"),
        (RISES, [(2.0, None)], "not decided: too few seeds"),
        (RISES, [(None, None)], "not decided: too few seeds"),
    ],
)
def test_a_claim_is_held_against_intervals(claim, changes, said):
    assert verdict(claim, changes) == said


def test_the_table_pairs_seeds():
    runs = pl.DataFrame(
        [
            {"row": row, "method": "ppo", "judged_on": ALL, "seed": seed, "fairness": value + seed}
            for row, value in (("a", 0.1), ("b", 0.4))
            for seed in range(3)
        ]
    )
    (line,) = claims((RISES,), runs).rows
    assert line.cells[2] == "a → b"
    assert line.cells[-2].startswith("0.30 ± ")
    assert line.cells[-1] == "reproduced"
