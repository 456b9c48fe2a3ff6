"""Pages of a what-if: the boundary, cells without a solution, the headline, and a map of one cell; no run is needed."""

import dataclasses
from io import StringIO
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from wattflock.apps.render import shown
from wattflock.report.theme import spec
from wattflock.report.whatif_charts import figures
from wattflock.report.whatif_map import shown_cell
from wattflock.report.whatif_tables import before_and_after, taken_table, told_cells, worth_table, worths
from wattflock.report.whatif_words import few_homes, glossary, headline, reach, story
from wattflock.study.whatif.cells import Asked
from wattflock.study.whatif.left import CAP_KW
from wattflock.study.whatif.outcome import NO_SOLUTION, OF_FLOW, OF_SUMMARY, Swept
from wattflock.study.whatif.value import hosted, worth
from wattflock.verbs.results import WhatIf

SHARES = {"heat_pumps": (0.0, 1.0), "cars": (0.0, 0.5, 1.0)}
METHODS = ("idle", "timer")


def swept(use, sweeps=SHARES, seeds: int = 2, together: bool = False) -> Swept:
    """A sweep of 10 homes whose use of the tightest limit is `use(method, seed, **shares)`; None: no solution."""
    rows, asked = [], Asked("ieee13", sweeps, 10, seeds, 2, METHODS, together=together)
    for seed in range(seeds):
        for shares in asked.combinations:
            for method in METHODS:
                used = use(method, seed, **shares)
                row = dict.fromkeys((*OF_FLOW, *OF_SUMMARY), 0.5) | shares
                row |= {"method": method, "seed": seed, "places": 10, "unsolved_share": 0.0, "kept_days_share": 1.0}
                row |= {"more_kw_capped": False, "least_more_kw_capped": False}
                row |= {"use_share": used, "limit": "low voltage", "kept": used is not None and used <= 1}
                if used is None:
                    row |= dict.fromkeys(OF_FLOW) | {"limit": NO_SOLUTION, "unsolved_share": 0.1}
                rows.append(row)
    found = Swept(asked, (), pl.DataFrame(rows, infer_schema_length=None))
    section = {"low_pu": 0.9, "high_pu": 1.1, "loading": 1.0, "unbalance": 0.02}
    found.__dict__["summary"] = {"currency": "GBP", "test_days": 2, "scenario": {"feeder": section}, "data": {}}
    return found


def altered(found: Swept, **fields) -> Swept:
    """The sweep with other fields and the same summary."""
    other = dataclasses.replace(found, **fields)
    other.__dict__["summary"] = found.summary
    return other


def usual(method, seed, heat_pumps, cars):
    """Timers take one step more of cars than nobody; heat pumps are too many with cars; the second seed is worse."""
    return 0.5 + heat_pumps * cars + (1.2 if method == "idle" else 0.45) * cars * (1 + seed / 4)


def rows_of(chart, what: str) -> dict[str, list[dict]]:
    """Rows of the cells, or edges, of each panel."""
    made = spec(chart)
    (rows,) = made["datasets"].values()
    panels = dict.fromkeys(row["panel"] for row in rows)
    return {panel: [row for row in rows if (row["panel"], row["what"]) == (panel, what)] for panel in panels}


def test_the_boundary_stands_where_the_first_limit_breaks():
    lines = rows_of(figures(swept(usual))["limits"], "edge")
    assert list(lines) == ["uncontrolled (idle)", "fitted timer (timer)"]
    idle, timer = ([(row["x"], row["y"], row["x2"], row["y2"]) for row in some] for some in lines.values())
    assert idle == [(1, 0, 1, 1), (1, 1, 1, 2)]  # between no cars and half of them, whatever the heat pumps
    assert sorted(timer) == [(1, 1, 1, 2), (1, 1, 2, 1), (2, 0, 2, 1)]  # half of the cars without heat pumps
    most = rows_of(figures(swept(usual, seeds=3))["limits"], "most")["fitted timer (timer)"]
    assert [(row["x"], row["y"], row["x2"], row["y2"]) for row in most if row["y"] == 0] == [(2, 0, 2, 1)]
    cells = [row for some in rows_of(figures(swept(usual))["limits"], "cell").values() for row in some]
    assert {row["value"] > 100 for row in cells if row["broken"]} == {True}  # one bad seed is enough for its colour
    assert {row["value"] > 100 for row in cells if not row["broken"]} == {False}


def test_a_cell_without_a_solution_has_no_number_and_no_colour():
    found = swept(lambda method, seed, heat_pumps, cars: None if heat_pumps * cars * (1 + seed) > 1 else 0.5)
    for name in ("limits", "lowest_pu"):
        for cells in rows_of(figures(found)[name], "cell").values():
            (unknown,) = [row for row in cells if row["value"] is None]
            assert (unknown["mark"], unknown["broken"], unknown["x"], unknown["y"]) == ("×", True, 2, 1)
    assert any("without a power flow solution" in line for line in story(found))
    assert "–" in [row.cells[1] for row in before_and_after(found, {"heat_pumps": 1.0, "cars": 1.0}).rows]
    assert shown_cell(found, {}) == {"heat_pumps": 1.0, "cars": 1.0}


def test_before_and_after_shows_the_worst_seed_of_an_extreme_and_says_so():
    found = swept(usual)
    table = found.table.with_columns(lowest_pu=0.96 - 0.03 * pl.col("seed"))
    one = before_and_after(altered(found, table=table), {"heat_pumps": 0.0, "cars": 0.5})
    assert one.rows[0].cells[:2] == ["lowest voltage [pu]", "0.930"]
    assert "worst seed" in one.note and one.note in one.markdown()


def test_what_is_left_at_the_end_of_the_search_is_so_much_or_more():
    found = swept(usual)
    capped = (pl.col("cars") == 0) & (pl.col("seed") == 0)
    table = found.table.with_columns(more_kw=pl.when(capped).then(CAP_KW).otherwise(12.0), more_kw_capped=capped)
    found = altered(found, table=table)
    told = {share: before_and_after(found, {"heat_pumps": 0.0, "cars": share}).rows for share in (0.0, 0.5)}
    said = {share: {row.cells[0]: row.cells[1] for row in rows} for share, rows in told.items()}
    assert said[0.0]["hosting left, median place [kW]"] == "17.0 or more"
    assert said[0.5]["hosting left, median place [kW]"] == "12.0"
    assert said[0.0]["hosting left, least place [kW]"] == "0.50"
    drawn = {row["x"]: row["capped"] for row in rows_of(figures(found)["more_kw"], "cell")["uncontrolled (idle)"]}
    assert drawn == {0: True, 1: False, 2: False}
    assert "datum.capped" in str(spec(figures(found)["more_kw"]))
    assert "so much or more" in glossary()["hosting left"]


def test_the_headline_says_what_is_taken_of_each_alone():
    found = swept(usual)
    assert headline(found) == (
        "ieee13 with 10 homes takes all 10 heat pumps or 0 cars uncontrolled; "
        "all 10 heat pumps or 5 to 10 cars under a fitted timer"
    )
    assert any(
        "Cars that are taken beside heat pumps in 100 % of the homes: uncontrolled 0" in line for line in story(found)
    )
    assert [row.cells for row in taken_table(found, "cars").rows] == [["0 %", "0", "5 to 10"], ["100 %", "0", "0"]]


def test_few_homes_on_a_large_feeder_are_said_to_be_no_answer_about_it():
    calm = swept(lambda *_, **__: 0.3)
    table = calm.table.with_columns(peak_kw=40.0 + pl.col("cars"))
    large, small = (
        altered(calm, table=table, asked=dataclasses.replace(calm.asked, spot_kva=kva)) for kva in (4100, 200)
    )
    (said,) = few_homes(large)
    assert said.startswith("This is about 10 homes, not the feeder: ") and "at most 1.0 % of" in said
    assert story(large)[0] == said
    assert few_homes(small) == few_homes(calm) == []
    text = Console(width=200, record=True, file=StringIO())
    text.print(shown(WhatIf(Path(), large)))
    assert "not the feeder" in text.export_text()


def test_a_sweep_in_which_nothing_or_everything_breaks_says_so():
    calm = swept(lambda *_, **__: 0.3)
    assert headline(calm) == "No limit is broken in this sweep: ieee13 with 10 homes takes 10 heat pumps and 10 cars"
    assert not any(rows_of(figures(calm)["limits"], "edge").values())
    told = {title: tuple(shares.values()) for title, shares in told_cells(calm)}
    assert told == {"the smallest shares": (0, 0), "shares in the middle": (0, 0.5), "the largest shares": (1, 1)}
    failed = altered(calm, failed=("cars 50 %: failed",))
    assert not headline(failed).startswith("No limit")
    assert "broken in every cell" in headline(swept(lambda *_, **__: 1.3))


def test_a_method_that_breaks_what_was_kept_is_named():
    worse = swept(lambda method, seed, **_: 1.2 if method == "timer" and seed else 0.8)
    assert any(line.startswith("fitted timer (timer) breaks a limit in 6 of 12 runs in which") for line in story(worse))


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ((3, 3, 0, None, None), "none"),
        ((3, 1, 0, None, 4), "none to 4"),
        ((3, 1, 0, None, 0), "none or 0"),
        ((3, 0, 0, 2, 4), "2 to 4"),
        ((3, 0, 0, 4, 4), "4"),
        ((3, 0, 3, 4, 4), "4 or more"),
        ((3, 0, 3, 10, 10), "all 10"),
    ],
)
def test_what_is_taken_in_words(row, said):
    names = ("seeds", "none_seeds", "whole_seeds", "least_homes", "most_homes")
    assert reach(dict(zip(names, row, strict=True)), 10) == said


@pytest.mark.parametrize("sweeps", [{"cars": (0.0, 1.0)}, SHARES | {"panels": (0.0, 0.5)}, {"cars": (0.3,)}])
def test_one_sweep_or_three_are_drawn_with_a_text_alternative(sweeps):
    found = swept(lambda method, seed, **shares: 0.4 + sum(shares.values()) / 2, sweeps)
    drawn = figures(found)
    assert {"limits", "taken", "lowest_pu", "cost_per_home_day"} <= set(drawn)
    assert all("all limits kept in" in spec(drawn[name])["description"] for name in ("limits", "taken"))
    assert len(rows_of(drawn["limits"], "cell")) == len(METHODS) * len(sweeps.get("panels", (0,)))


def test_worth_is_the_share_at_the_limit_the_years_until_then_and_the_money_saved_by_waiting():
    """Uses of 0.5 to 1.5 uncontrolled, 0.4 to 0.8 with a timer, and a seed that is a little worse."""

    def use(method, seed, cars):
        return (0.5 + cars if method == "idle" else 0.4 + 0.4 * cars) + 0.1 * seed

    found = swept(use, {"cars": (0.0, 0.4, 1.0)})
    table = hosted(found, "cars")
    assert table["share"].to_list() == pytest.approx([0.5, 1.0, 0.4, 1.0])
    assert table["capped"].to_list() == [False, True, False, True]
    idle, timer = worth(found, "cars").iter_rows(named=True)
    assert idle["homes"] == pytest.approx(4.5)
    assert (timer["more_homes"], timer["years_later"]) == pytest.approx((5.5, 11.0))  # 5 % of the homes a year
    each = [1.035 ** -(20 * share) - 1.035**-20.0 for share in (0.5, 0.4)]
    assert timer["saved_share"] == pytest.approx(sum(each) / 2)
    assert timer["saved_share_half"] == pytest.approx(12.706 * abs(each[0] - each[1]) / 2, rel=1e-3)
    assert (timer["ahead_homes"], idle["ahead_homes"]) == (None, None), "a timer reaches no limit here"

    def more(method, seed, cars):
        return use(method, seed, cars) + 0.3 * (method != "idle")

    short = swept(more, {"cars": (0.0, 0.4, 1.0)})
    idle, timer = worth(short, "cars").iter_rows(named=True)
    assert timer["ahead_homes"] == pytest.approx(timer["homes"] - idle["homes"]), "of the best beside the next"
    assert idle["ahead_homes"] is None
    assert "10.0 or more" in worth_table(found, "cars").markdown()


def test_a_cell_without_a_solution_ends_what_fits_at_the_one_before():
    found = swept(lambda method, seed, cars: None if cars else 0.5, {"cars": (0.0, 1.0)})
    assert hosted(found, "cars")["share"].to_list() == [0.0] * 4
    found = swept(lambda method, seed, cars: 1.5, {"cars": (0.2, 1.0)})
    assert hosted(found, "cars")["share"].to_list() == [0.2] * 4
    found = swept(lambda method, seed, cars: 0.5, {"cars": (0.0, 0.5, 1.0)})
    failed = (pl.col("cars") > 0.4) & (pl.col("seed") == 1)
    some = altered(found, table=found.table.filter(~failed))
    assert hosted(some, "cars").filter(pl.col("seed") == 1).select("share", "capped").rows() == [(0.0, False)] * 2
    assert altered(found, asked=dataclasses.replace(found.asked, reliability=0.9)).fingerprint != found.fingerprint


def test_shares_that_rise_together_are_one_row_of_cells():
    sweeps = {"heat_pumps": (0.0, 0.5, 1.0), "cars": (0.0, 0.25, 0.5)}
    found = swept(lambda method, seed, **shares: 0.5 + shares["cars"] * (2 if method == "idle" else 1), sweeps, 1, True)
    assert headline(found) == (
        "ieee13 with 10 homes takes 5 heat pumps and 3 cars uncontrolled; all 10 heat pumps and 5 or more cars "
        "under a fitted timer"
    )
    assert "Shares rise together." in " ".join(story(found))
    assert [each.title for each in worths(found)] == [
        "What a method is worth: heat pumps, cars rising with them",
        "What a method is worth: cars, heat pumps rising with them",
    ]
    fixed = swept(lambda method, seed, **shares: 0.5 + shares["cars"], sweeps | {"panels": (0.3,)}, 1, True)
    assert "panels" not in headline(fixed) and "homes with panels in 30 % of the homes" in " ".join(story(fixed))
    drawn = figures(found)
    assert "homes with cars, heat pumps rising with them [%]" in str(spec(drawn["growth"])["layer"])
    assert len(rows_of(drawn["limits"], "cell")) == len(METHODS)
    assert drawn["taken"] is not None
    thousands = altered(found, asked=dataclasses.replace(found.asked, homes_per_agent=100))
    assert headline(thousands).startswith("ieee13 with 1,000 homes takes 500 heat pumps and 300 cars uncontrolled")
    assert "10 homes are simulated" in " ".join(story(thousands))
    (only,) = taken_table(found, "cars").rows
    assert only.cells[0] == "heat pumps rising with them"
