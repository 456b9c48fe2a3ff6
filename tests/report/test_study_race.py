"""Seconds of training until a method saves enough and spares the wires."""

import numpy as np
import polars as pl
import pytest

from wattflock.report.study_race import race, reached


def marks(method: str, run: str, saving: list[float], excess: list[float]) -> pl.DataFrame:
    warm = [10.0 * (place + 1) for place in range(len(saving))]
    return pl.DataFrame({"row": "main", "method": method, "run": run, "warm": warm, "saving": saving, "excess": excess})


def test_a_bar_is_reached_first_and_for_good_only_while_the_wires_are_spared():
    run = marks("a", "r", [0.5, 0.9, 0.7, 0.9, 0.9], [0.0, 0.0, 0.0, 0.05, 0.02])
    assert reached(run, 0.8) == (20, 40)
    assert reached(run.with_columns(excess=pl.Series([0.0, 0.3, 0.0, 0.05, 0.02])), 0.8) == (40, 40)
    first, lasting = reached(run.with_columns(excess=pl.Series([0.0, 0.0, 0.0, 0.0, 0.3])), 0.8)
    assert first == 20
    assert np.isnan(lasting), "the last mark breaks it"
    assert np.isnan(reached(run, 1.0)).all()


def test_the_measure_is_what_the_reference_saves_at_its_end_and_seeds_that_fail_are_counted():
    table = pl.concat([
        marks("gradmap", "0", [0.5, 1.0], [0.0, 0.0]),
        marks("gradmap", "1", [0.9, 1.0], [0.0, 0.0]),
        marks("through", "0", [0.2, 0.85], [0.0, 0.0]),
        marks("through", "1", [0.2, 0.85], [0.0, 0.5]),
        marks("own-bill", "0", [1.2, 1.3], [9.0, 9.0]),
    ])  # fmt: skip
    (found,) = race(table, "gradmap")
    cells = {row.cells[1]: row.cells[2:] for row in found.rows}
    assert cells["learned (gradmap)"] == ["2", "15 (15)", "15 (15)", "20 (20)"]
    assert cells["learned (through)"][:2] == ["2", "20, 1 of 2 (20, 1 of 2)"]
    assert cells["own-bill"] == ["1", "– (–)", "– (–)", "– (–)"]
    assert race(table, "pdl") == []
    assert race(table.with_columns(excess=pl.lit(None, pl.Float64)), "gradmap") == []


@pytest.mark.parametrize("saving", [[0.9, 0.9], [0.1, 0.2]])
def test_a_bar_from_the_first_mark_on_or_never(saving):
    first, lasting = reached(marks("a", "r", saving, [0.0, 0.0]), 0.8)
    assert (first, lasting) == (10, 10) if saving[0] > 0.8 else np.isnan([first, lasting]).all()
