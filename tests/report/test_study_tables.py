"""What the tables of a study say: parts that add up, who is ahead in words, growth with homes, published figures."""

import json
import shutil

import polars as pl
import pytest

from tests.report.conftest import make_run
from wattflock.core.run_files import sealed
from wattflock.report.charging_charts import levels, reached
from wattflock.report.study_charts import band, growth, marks, time_to_quality
from wattflock.report.study_data import ALL, Done, Findings, figures, laws, spreads
from wattflock.report.study_page import write_study
from wattflock.report.study_tables import GROWING, differences, money, pace, published, scaling, verdict
from wattflock.report.tables import MISSED, compared
from wattflock.study.quantities import CHARGING, QUANTITIES
from wattflock.study.study_file import Published
from wattflock.study.summary import PARTS

COUNTS = (10, 20, 40)
PAPER = {"paper": "38.9", "source": "somebody 2024, p. 9", "method": "gradmap"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("one") / "run")


@pytest.fixture
def swept(tmp_path, folder) -> list[Done]:
    """Two seeds of three numbers of homes; seconds of gradmap, compiled, are homes^1.5, those of through 6 · homes."""
    found = []
    for count, seed in ((count, seed) for count in COUNTS for seed in (0, 1)):
        copy = shutil.copytree(folder, tmp_path / f"{count}-{seed}")
        summary = json.loads((copy / "summary.json").read_text())
        summary["homes"] = count
        summary["methods"]["gradmap"]["warm_seconds"] = count**1.5
        summary["methods"]["through"]["warm_seconds"] = 6 * count
        (copy / "summary.json").write_text(json.dumps(sealed(summary)))
        found.append(Done(f"size-{count}", seed, copy, "size"))
    return found


def test_the_parts_of_a_saving_add_up_in_the_table(tmp_path, folder):
    summary = json.loads((folder / "summary.json").read_text())
    for part, share in (("energy", 0.7), ("carbon", 0.4), ("wear", -0.1)):
        row = summary["methods"]["gradmap"]
        row[f"saving_{part}_per_home_month"] = share * row["saving_per_home_month"]
    copy = shutil.copytree(folder, tmp_path / "run")
    (copy / "summary.json").write_text(json.dumps(sealed(summary)))
    table = money(spreads(figures([Done("main", 0, copy)])[0]).filter(judged_on=ALL), "GBP")
    heads = [name for name, _ in table.heads]
    assert heads[3:] == ["saving a month", "energy", "carbon", "wear", "operating cost", "daily peak"]
    (cells,) = [row.cells for row in table.rows if "(gradmap)" in row.cells[1]]
    total, *parts = (float(cells[heads.index(name)]) for name in ("saving a month", "energy", "carbon", "wear"))
    assert total > 1 and sum(parts) == pytest.approx(total, abs=0.02)
    assert {name for name in QUANTITIES if name.startswith("saving_") and name.endswith("_per_home_month")} == {
        "saving_per_home_month", *(f"saving_{part}_per_home_month" for part in PARTS)
    }  # fmt: skip


def test_the_verdict_says_in_words_where_the_reference_is_not_ahead():
    quantities = [QUANTITIES[name] for name in ("cost_per_home_day", "saving_captured", "daily_peak_kw")]
    assert verdict(dict(zip(quantities, [(0.3, 0.1), (-5.0, 2.0), (1.0, 2.0)], strict=True))) == (
        "ahead in cost, captured; not ahead in daily peak"
    )
    assert verdict(dict(zip(quantities, [(-0.3, 0.1), (5.0, 2.0), (1.0, None)], strict=True))) == (
        "behind in cost, captured; not ahead in daily peak"
    )


def test_any_method_can_be_the_reference(folder):
    runs, _ = figures([Done("main", 0, folder)])
    (table,) = differences(runs, "GBP", ("through",))
    assert {row.cells[1] for row in table.rows} >= {"learned (gradmap)", "rule-based (rules)"}
    assert {row.cells[2] for row in table.rows} == {"through"}
    assert differences(runs, "GBP", ("ppo",)) == []
    (both,) = differences(runs, "GBP", ("through", "gradmap"))
    assert [row.cells for row in both.rows[: len(table.rows)]] == [row.cells for row in table.rows]
    assert {row.cells[2] for row in both.rows} == {"through", "gradmap"}


def test_exponents_are_those_of_the_seconds(swept):
    runs, _ = figures(swept)
    fitted = laws(runs, GROWING)
    assert fitted["size", "gradmap", "warm_seconds"].exponent == pytest.approx(1.5)
    assert fitted["size", "through", "warm_seconds"].exponent == pytest.approx(1)
    table, exponents = scaling(spreads(runs), fitted, "GBP")
    assert [row.cells[0] for row in table.rows][:: len(table.rows) // 3] == ["size-10", "size-20", "size-40"]
    assert [row.cells[3] for row in exponents.rows if "(gradmap)" in row.cells[1]] == ["1.50 ± 0"]
    assert scaling(spreads(runs.with_columns(sweep=pl.lit(""))), {}, "GBP") == []
    drawn = growth(spreads(runs), fitted, "GBP").to_dict()
    assert len(drawn["hconcat"]) == 2 and "size" in drawn["description"]


def test_published_figures_stand_beside_ours_with_their_source(swept):
    runs, _ = figures(swept)
    facts = (
        Published(**PAPER, quantity="warm_seconds", row="size-40", over="through"),
        Published(**PAPER, quantity="exponent", row="size"),
        Published(**PAPER, quantity="daily_peak_kw", row="size-10", about="Other homes."),
        Published(**PAPER, quantity="daily_peak_kw", row="nowhere"),
    )
    study = Findings("mine", "how?", swept, [], published=facts)
    rows = [row.cells for row in published(study, spreads(runs), laws(runs, GROWING), "GBP").rows]
    assert [cells[5] for cells in rows] == ["1.05", "1.50 ± 0", "5,312"]  # `nowhere` is left out; 40^1.5 / 240
    assert {cells[6] for cells in rows} == {"38.9"} and rows[2][4] == "somebody 2024, p. 9. Other homes."
    assert rows[2][2:4] == ["daily peak", "kW"] and rows[0][2] == "training, compiled, over through"


def test_the_pace_counts_from_where_all_is_compiled(folder):
    """Marks of a run every 20 rounds and 59 / 29 s: the first, at round 0 and 1 s, is 0 s after compilation."""
    found = marks([("main", folder)]).filter(method="gradmap")
    assert found["warm"].min() == 0 and found["seconds"].min() == 1
    assert (found["seconds"] - found["warm"]).unique().round(9).to_list() == [1]
    steady = pl.DataFrame({
        "row": "main", "run": ["a", "a", "b", "b"], "method": "gradmap", "warm": [0.0, 20.0] * 2,
        "captured": [0.0, 80.0, 20.0, 60.0],
    })  # fmt: skip
    table = pace(steady)
    assert [name for name, _ in table.heads] == ["row", "method", "10 s", "last", "best"]
    assert table.rows[0].cells[2:] == ["40.0 ± 0", "70.0 ± 14", "70.0 ± 14"]
    assert not pace(steady.with_columns(captured=pl.lit(None, pl.Float64))).rows


def test_a_limit_that_uncontrolled_homes_keep_is_spared_only_without_excess(tmp_path, folder):
    copy = shutil.copytree(folder, tmp_path / "run")
    summary = json.loads((copy / "summary.json").read_text())
    found = marks([("main", folder)])
    idle = 1000 * summary["methods"]["idle"]["violation_pu_h"]
    assert found["excess"].to_list() == pytest.approx((found["violation"] / idle).to_list())
    summary["methods"]["idle"]["violation_pu_h"] = 0.0
    (copy / "summary.json").write_text(json.dumps(sealed(summary)))
    assert marks([("main", copy)])["excess"].null_count() == found.height, "they keep every limit"


def test_losses_alone_are_drawn_as_they_are(folder):
    lost = marks([("main", folder)]).with_columns(saving=-1 - pl.col("saving").abs(), captured=pl.lit(None, pl.Float64))
    drawn = str(time_to_quality(lost, "GBP").to_dict())
    assert str(float(lost["saving"].min()))[:6] in drawn


def test_curves_show_the_share_of_the_optimum_where_it_is_known(folder):
    found = marks([("main", folder)])
    drawn = time_to_quality(found, "GBP").to_dict()["concat"]
    titles = [panel["layer"][0]["encoding"]["y"]["title"] for panel in drawn]
    assert titles == ["share of the optimum's saving [%]"] * 3 + ["violation [mpu·h per node and day]"]
    across = [panel["layer"][0]["encoding"]["x"]["title"] for panel in drawn]
    seconds = "training, compilation included [s]"
    assert across == [seconds, "training, compiled [s]", "rounds", seconds]
    alone = found.with_columns(pl.lit(None, pl.Float64).alias(name) for name in ("captured", "violation"))
    assert len(time_to_quality(alone, "GBP").to_dict()["concat"]) == 3
    paid = found.with_columns(reward=pl.col("saving"))
    shared = time_to_quality(paid, "GBP").to_dict()["concat"]
    assert [panel["layer"][0]["encoding"]["y"]["title"] for panel in shared][:3] == ["reward [1/episode]"] * 3
    assert band(found.filter(method="gradmap"), "captured", "round")["round"].max() == pytest.approx(580)


@pytest.mark.slow
def test_the_page_of_a_study_with_several_numbers_of_homes(tmp_path, swept):
    facts = (Published(**PAPER, quantity="exponent", row="size"),)
    write_study(tmp_path / "out", Findings("mine", "how?", swept, [], "gradmap", facts))
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"runs.csv", "table.csv", "table.md", "study.html", "scaling-size.png"}
    page = (tmp_path / "out" / "study.html").read_text()
    assert "Against the number of homes" in page and "somebody 2024" in page and "size-20" in page
    assert pl.read_csv(tmp_path / "out" / "table.csv")["homes"].unique().sort().to_list() == list(COUNTS)


def test_missed_departures_stand_where_there_are_any():
    """In the short table of a shared limit, in place of what loads lack."""
    row = dict.fromkeys((*CHARGING, MISSED), 1.0)
    for missed, last in ((0.5, "missed departures"), (0.0, "shortfall")):
        summary = {"methods": {"idle": row | {MISSED: missed}}, "homes": 3, "test_days": 7, "currency": "GBP"}
        heads = compared(summary)[-1].heads
        assert heads[-1][0] == last


def test_figures_of_a_shared_limit_have_a_panel_for_each_quantity_and_method(tmp_path):
    """Methods by their reward; four homes at most, four methods, and days that follow one another."""
    names = ("reward_per_episode", "capacity_used_share", "fairness", "low_h_per_home_day")
    runs = pl.DataFrame(
        [
            {"row": "one", "sweep": "", "homes": 3, "method": method, "judged_on": ALL, "seed": seed}
            | dict.fromkeys(names, value + seed)
            for method, value in (("worse", 1.0), ("better", 2.0))
            for seed in (0, 1)
        ]
    )
    drawn = reached(spreads(runs)).to_dict()["concat"]
    assert [panel["layer"][1]["encoding"]["x"]["title"].split(" [")[0] for panel in drawn] == [
        "reward", "limit used", "fairness", "hours below"
    ]  # fmt: skip
    assert drawn[0]["layer"][0]["encoding"]["y"]["sort"] == ["better", "worse"]
    series = [
        {"method": f"m{k}", "home": home, "day": day, "step": step, "series": "state of charge", "value": 50.0}
        for k in range(6)
        for home in range(5)
        for day in (3, 4, 33)
        for step in range(24)
    ]
    pl.DataFrame(series).write_parquet(tmp_path / "examples.parquet")
    chart = levels(tmp_path, [f"m{k}" for k in range(6)], 0.2).to_dict()
    data = pl.DataFrame(next(iter(chart["datasets"].values())))
    assert set(data["method"]) == {"m0", "m1", "m2", "m3"} and set(data["home"]) == {f"home {k}" for k in range(4)}
    assert (data["hour"].min(), data["hour"].max()) == (1, 48)
