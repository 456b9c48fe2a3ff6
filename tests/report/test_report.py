"""Report: whatever a run folder says is shown in full, escaped and offline; what it lacks is said by name."""

import dataclasses
import html
import io
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import altair as alt
import numpy as np
import polars as pl
import pytest
from rich.console import Console

from tests.report.conftest import BOUND_DAYS, TEST_DAYS
from wattflock.core.errors import RunError
from wattflock.core.files import write_whole
from wattflock.core.run_files import sealed
from wattflock.report import charging_charts, market_table, run_charts, run_data
from wattflock.report.html import figure
from wattflock.report.html import page as html_page
from wattflock.report.run_data import COLUMNS, LATER, RunData, best, read
from wattflock.report.run_page import _charging, is_drawn, page, tiles, write_report
from wattflock.report.tables import comparison, markdown, overview
from wattflock.report.theme import NIGHT, OKABE_ITO, methods, save, spec, themed
from wattflock.report.words import cell, headline, number, percent, story
from wattflock.study.quantities import QUANTITIES, SHORT, WIDE

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
TABLES = (*COLUMNS, *LATER)


def summary_of(folder: Path) -> dict:
    return json.loads((folder / "summary.json").read_text())


def change_summary(folder: Path, change) -> dict:
    summary = summary_of(folder)
    change(summary)
    (folder / "summary.json").write_text(json.dumps(sealed(summary)))
    return summary


def change_table(folder: Path, name: str, change) -> None:
    path = folder / f"{name}.parquet"
    change(pl.read_parquet(path)).write_parquet(path)


def own_part(text: str) -> str:
    """The page without Vega's own code."""
    scripts = sorted(re.findall(r"<script>.*?</script>", text, flags=re.S), key=len)
    return text.replace(scripts[-1], "")


def in_words(text: str) -> str:
    """The page without any code, and without the numbers that are packed."""
    return re.sub(r"<script( type=.text/plain. .*?)?>.*?</script>", "", text, flags=re.S)


def specs(text: str) -> list[dict]:
    """The figures of a page."""
    return [json.loads(each) for each in re.findall(r'type="application/json">(.*?)</script>', text, flags=re.S)]


def terminal(summary: dict, width: int = 140, wide: bool = False) -> str:
    console = Console(width=width, file=io.StringIO())
    console.print(comparison(summary, wide))
    return console.file.getvalue()


@pytest.fixture(scope="module")
def busy(runs) -> RunData:
    """A run with violations."""
    return read(runs["busy"])


@pytest.fixture(scope="module")
def calm(runs) -> RunData:
    """A run without any."""
    return read(runs["calm"])


@pytest.fixture(scope="module")
def whole(busy) -> str:
    """The page of a run with violations."""
    return page(busy)


@pytest.mark.slow
def test_a_report_is_a_page_and_a_picture_of_every_figure(run_folder):
    assert write_report(run_folder) == run_folder / "report.html"
    pictures = {path.stem: path.read_bytes() for path in run_folder.glob("*.png")}
    assert pictures.keys() == run_charts.CHARTS.keys() >= {"tradeoff", "voltage", "feeder", "curves", "homes", "days"}
    assert all(picture.startswith(b"\x89PNG") and len(picture) > 10_000 for picture in pictures.values())


def test_a_chart_is_written_in_every_format(busy, tmp_path):
    chart = run_charts.gains(busy)
    starts = {"png": b"\x89PNG", "svg": b"<svg", "pdf": b"%PDF"}
    for ending, start in starts.items():
        assert save(chart, tmp_path / f"one.{ending}").read_bytes().startswith(start)


@pytest.mark.slow
def test_page_holds_every_method_and_number(busy, whole):
    for name, row in busy.methods.items():
        assert methods(busy.methods)[name].label in whole.replace("&#x27;", "'")
        assert all(html.escape(cell(QUANTITIES[figure], row)) in whole for figure in WIDE)
    saved = 365 * busy.methods["gradmap"]["saving_per_home_day"]
    assert f"<b>{number(saved)} <small>USD a year" in whole
    assert html.escape(headline(busy)).replace(" %", "&nbsp;%") in whole


def test_page_says_whose_readings_they_are_and_what_was_mended(whole):
    for words in ("some homes", "Owner: somebody", "sun from california", "gap filled 1,234"):
        assert words in whole


def test_page_loads_nothing_and_holds_one_copy_of_vega(whole):
    own = own_part(whole)
    assert not re.search(r"(src|href)\s*=\s*[\"']?\s*(https?:)?//|url\(|@import|<link|<iframe", own)
    assert not re.search(r"https?://(?!vega\.github\.io/schema/)", own)
    assert "default-src 'none'" in whole and "unsafe-eval" not in whole
    assert len(re.findall(r"window\.vegaEmbed\s*=", whole)) == 1 and len(specs(whole)) == len(run_charts.CHARTS)
    assert len(whole) < 2_000_000


def test_every_figure_has_a_text_alternative_and_its_data_inside(whole):
    for found in specs(whole):
        assert len(found["description"]) > 20
        assert f'aria-label="{html.escape(found["description"])}"' in whole
        assert '"url"' not in json.dumps(found)


def test_a_dark_page_has_a_colour_for_every_one_that_the_light_one_uses_for_words(whole):
    for day, night in NIGHT.items():
        assert f'[fill="{day}"] {{ fill: {night}; }}' in whole
    assert len(set(OKABE_ITO)) == len(OKABE_ITO) == 8


def test_table_says_what_the_summary_says(busy):
    summary = busy.summary
    gradmap = summary["methods"]["gradmap"]
    text = markdown(summary)
    line = next(line for line in text.splitlines() if line.startswith("| learned (gradmap) "))
    assert line.split(" | ")[1:3] == [
        f"{gradmap['cost_per_home_day']:.2f}",
        cell(QUANTITIES["saving_per_home_day"], gradmap),
    ]
    assert f"| {percent(gradmap['violated_share'])} |" in line


def test_methods_in_one_table_are_judged_on_the_same_days(busy):
    every, same = markdown(busy.summary).split("| method |")[1:]
    assert "perfect foresight |" not in every and "70 test days" in every
    assert "captured" not in every and "| captured [%] |" in same
    assert all(look.label in same for look in methods(busy.methods).values())
    some = busy.days.filter(pl.col("day").is_in(BOUND_DAYS))
    for name, row in busy.shared.items():
        costs = some.filter(pl.col("method") == name)["cost_per_home"]
        assert row["cost_per_home_day"] == pytest.approx(costs.mean()) and f"| {costs.mean():.2f} |" in same


def test_picture_of_the_trade_off_shows_the_numbers_of_the_tables(busy):
    table = run_data.tradeoff(busy)
    for name, days, cost in table.select("method", "days", "cost").rows():
        figures = busy.methods if days == f"{len(TEST_DAYS)} days, all" else busy.shared
        assert cost == pytest.approx(figures[name]["cost_per_home_day"]), (name, days)
    assert table.filter(method="bound")["days"].to_list() == [f"{len(BOUND_DAYS)} days with perfect foresight"]


def test_range_of_the_trade_off_holds_its_intervals(busy):
    found = spec(run_charts.tradeoff(busy))
    low, high = found["spec"]["layer"][0]["encoding"]["y"]["scale"]["domain"]
    table = run_data.tradeoff(busy)
    assert high >= table["violation_high"].max() and low < table["violation"].filter(table["violation"] > 0).min()


@pytest.mark.parametrize("wide", [False, True])
def test_terminal_never_breaks_a_number(busy, wide):
    summary = json.loads(json.dumps(busy.summary))
    for row in (*summary["methods"].values(), *summary["on_bound_days"].values()):
        row |= {"cost_per_home_day": 24.25, "saving_half_width": 0.31, "peak_kw": 123_456.0, "violation_of_idle": 2.145}
    shown = terminal(summary, width=250 if wide else 120, wide=wide)
    lines = [line.rstrip() for line in shown.splitlines()]
    assert max(map(len, lines)) <= (250 if wide else 120) and "…" not in shown
    every = [(name, row) for name, row in summary["methods"].items() if row["days"] == len(TEST_DAYS)]
    for name, row in (*every, *summary["on_bound_days"].items()):
        known = [each for each in SHORT if each != "saving_captured" or row[each] is not None]
        label, cells = (
            methods(summary["methods"])[name].label.split()[-1],
            [cell(QUANTITIES[each], row) for each in known],
        )
        assert any(label in line and all(text in line for text in cells) for line in lines), (label, cells)
    assert ("% of idle" in shown) == wide


def test_the_list_of_runs_keeps_names_and_numbers_whole(busy):
    names = ["through-300homes-1a2b", "gradmap-0123456789"]
    rows = [{"run": run, "state": "done", "method": name} | row for run in names for name, row in busy.methods.items()]
    console = Console(width=80, file=io.StringIO())
    console.print(overview(pl.DataFrame(rows, infer_schema_length=None)))
    shown = console.file.getvalue()
    assert all(shown.count(name) == len(busy.methods) for name in names) and "…" not in shown
    assert all(f"{row['cost_per_home_day']:.2f}" in shown for row in busy.methods.values())


def test_the_answer_is_the_cheapest_within_the_limit_whatever_its_name(busy):
    def named(**rows: tuple[float, float]) -> str:
        figures = {
            name: {"cost_per_home_day": cost, "violation_of_idle": left, "rounds": 0}
            for name, (cost, left) in rows.items()
        }
        planned = {"cost_per_home_day": 1.0, "violation_of_idle": 0.0, "rounds": None}
        return best({"methods": {"idle": {"cost_per_home_day": 0.5, "rounds": 0}, "bound": planned} | figures})

    assert named(gradmap=(3.0, 0.002), through=(2.9, 0.003)) == "through"
    assert named(gradmap=(3.0, 0.002), rules=(2.0, 2.0), mine=(2.9, 0.009)) == "mine"
    assert named(gradmap=(3.0, 0.30), rules=(2.0, 2.0)) == "gradmap"
    assert named(gradmap=(3.0, 0.0), rules=(2.9, 0.0)) == "rules"


@pytest.mark.slow
def test_headline_and_maps_follow_the_rule(run_folder):
    def swap(summary):
        summary["methods"]["through"]["cost_per_home_day"] = 3.0

    change_summary(run_folder, swap)
    run = read(run_folder)
    assert headline(run).startswith("Learned control (through) saves an average home")
    for found in (run_charts.feeder(run), run_charts.voltage(run)):
        (pick,) = [param for param in spec(found)["params"] if "bind" in param and "input" in param["bind"]]
        assert pick["value"] == "learned (through)"
    assert re.search(r'<tr class="best"><th scope="row">[^/]*/span>learned \(through\)', page(run))


@pytest.mark.parametrize(("half", "said"), [(0.1, False), (9.0, True)])
def test_a_saving_whose_interval_holds_nothing_says_so(run_folder, half, said):
    change_summary(run_folder, lambda s: [row.update(saving_half_width=half) for row in s["methods"].values()])
    assert ("which may be chance" in headline(read(run_folder))) == said


def test_carbon_that_rises_is_in_the_headline(busy, run_folder):
    assert "raises CO₂ emissions by 8.2 %" in headline(busy)
    carbon = dict.fromkeys(busy.methods, 4.0) | {"idle": 5.0}
    change_summary(
        run_folder, lambda s: [row.update(co2_kg_per_home_day=carbon[name]) for name, row in s["methods"].items()]
    )
    assert "lowers CO₂ emissions by 20 %" in headline(read(run_folder))


def test_what_a_run_says_of_its_tables_stands_below_them(run_folder):
    said = "an optimum breaks a <limit>"
    change_summary(run_folder, lambda summary: summary.update(notes=[said]))
    run = read(run_folder)
    assert f"<li>{html.escape(said)}</li>" in page(run)
    assert markdown(run.summary).endswith("\n- an optimum breaks a &lt;limit>\n")


def test_homes_that_pay_more_are_counted_and_the_worst_is_told(run_folder):
    def dearer(homes: pl.DataFrame) -> pl.DataFrame:
        worse = (pl.col("method") == "gradmap") & pl.col("home").is_in([3, 4])
        idle = homes.filter(pl.col("method") == "idle").group_by("home").agg(pl.col("cost").mean().alias("usual"))
        found = homes.join(idle, on="home")
        extra = pl.when(pl.col("home") == 3).then(385 / 365).otherwise(0.1)
        return found.with_columns(cost=pl.when(worse).then(pl.col("usual") + extra).otherwise("cost")).drop("usual")

    change_table(run_folder, "homes", dearer)
    run = read(run_folder)
    assert any("2 of 200 homes pay more than before" in text and "by 385 USD a year" in text for text in story(run))
    assert tiles(run)[3] == ("2", "of 200 homes", "pay more than when nobody steers; the worst by 385 USD a year")


@pytest.mark.slow
def test_money_is_in_the_currency_of_the_run(run_folder):
    change_summary(run_folder, lambda s: s.update(currency="NOK"))
    write_report(run_folder)
    run = read(run_folder)
    assert "NOK a year" in headline(run) and "USD" not in own_part((run_folder / "report.html").read_text())
    assert "USD" not in terminal(run.summary) + markdown(run.summary)


def test_a_state_stands_at_the_end_of_its_step_and_a_power_on_all_of_it(busy):
    table = run_data.home_days(busy)
    state = table.filter(pl.col("unit") != "kW").sort("start")
    assert (state["end"] - state["start"]).unique().to_list() == [1.0]
    shown = spec(run_charts.homes(busy))
    states = shown["vconcat"][1]
    rows = shown["datasets"][states["data"]["name"]]
    assert (min(row["hour"] for row in rows), max(row["hour"] for row in rows)) == (1.0, 24.0)


def test_powers_of_a_home_stack_to_its_net_power(busy):
    table = run_data.home_days(busy).filter(pl.col("unit") == "kW")
    keys = ["choice", "method", "start"]
    parts = table.filter(pl.col("series") != "net").group_by(keys).agg(
        total=pl.col("value").sum(), top=pl.col("high").max().clip(0), bottom=pl.col("low").min().clip(None, 0)
    )  # fmt: skip
    net = table.filter(pl.col("series") == "net").select(*keys, "value")
    both = parts.join(net, on=keys)
    assert both.height == net.height and ((both["total"] - both["value"]).abs() < 1e-9).all()
    assert ((both["top"] + both["bottom"] - both["value"]).abs() < 1e-9).all()


def test_a_day_is_a_day_wide_however_few_were_judged(busy):
    found = spec(run_charts.days(busy))
    rows = next(iter(found["datasets"].values()))
    assert {round(row["right"] - row["left"], 9) for row in rows} == {0.86}
    count = pl.Series([row["method"] for row in rows]).value_counts().rows()
    assert dict(count)["perfect foresight"] == len(BOUND_DAYS) and dict(count)["learned (gradmap)"] == len(TEST_DAYS)


@pytest.mark.study
def test_a_world_without_violations_says_so(calm):
    assert "keeps every voltage within its limits" in headline(calm)
    text = page(calm)
    assert text.count(run_charts.CALM) >= 2 and "NaN" not in in_words(text)
    assert tiles(calm)[2] == ("no", "violations", "of voltage limits, steered or not")


def cut_down(folder: Path, days: int, kept: tuple[str, ...]) -> RunData:
    """A run with one home, so many days and these methods."""
    some = TEST_DAYS[:days]
    for name in TABLES:

        def change(table: pl.DataFrame) -> pl.DataFrame:
            table = table.filter(pl.col("method").is_in(kept))
            table = table.filter(pl.col("day").is_in(some)) if "day" in table.columns else table
            return table.filter(pl.col("home") <= table["home"].min()) if "home" in table.columns else table

        change_table(folder, name, change)
    change_summary(
        folder,
        lambda s: s.update(methods={name: s["methods"][name] for name in kept}, test_days=days, on_bound_days={}),
    )
    return read(folder)


@pytest.mark.slow
@pytest.mark.parametrize("name", run_charts.CHARTS)
@pytest.mark.parametrize("kept", [("idle",), ("idle", "gradmap")])
def test_every_figure_of_a_tiny_run(run_folder, tmp_path, name, kept):
    run = cut_down(run_folder, 1, kept)
    assert save(run_charts.CHARTS[name](run), tmp_path / "tiny.svg").stat().st_size > 900


@pytest.mark.study
def test_page_of_a_tiny_run(run_folder):
    text = in_words(page(cut_down(run_folder, 1, ("idle",))))
    assert "None" not in text and "NaN" not in text


@pytest.mark.slow
def test_nothing_known_is_shown_as_a_dash(run_folder):
    def forget(summary):
        summary["methods"] = {name: dict.fromkeys(row) for name, row in summary["methods"].items()}
        summary["on_bound_days"] = {}

    summary = change_summary(run_folder, forget)
    assert "None" not in terminal(summary) + markdown(summary)
    text = in_words(page(read(run_folder)))
    assert "None" not in text and "NaN" not in text


def test_empty_tables_leave_room_for_a_word(run_folder):
    for name in TABLES:
        change_table(run_folder, name, pl.DataFrame.clear)
    write_report(run_folder)
    text = (run_folder / "report.html").read_text()
    assert "Nothing was trained in this run" in text and "No example homes in this run" in text


@pytest.mark.slow
def test_strange_names_are_escaped_everywhere(run_folder):
    name = "<b>$a|[red]&\"'_x</b></script>"
    for table in TABLES:
        frame = pl.read_parquet(run_folder / f"{table}.parquet")
        names = [column for column in ("method", "kind", "series") if column in frame.columns]
        swap = [pl.col(column).replace(["gradmap", "battery+panel", "load"], [name] * 3) for column in names]
        frame.with_columns(swap).write_parquet(run_folder / f"{table}.parquet")

    def rename(summary):
        for figures in (summary["methods"], summary["on_bound_days"]):
            figures[name] = figures.pop("gradmap")

    summary = change_summary(run_folder, rename)
    write_report(run_folder)
    text = own_part((run_folder / "report.html").read_text())
    assert "<b>$a" not in text and html.escape(name) in text
    assert name in terminal(summary)
    assert "\\|[red]" in markdown(summary)


def test_the_shell_escapes_what_it_is_given():
    chart = themed(alt.Chart(pl.DataFrame({"x": ["</script><b>"]})).mark_text().encode(text="x:N"), '"<i>')
    text = own_part(html_page("<h>", [], figure(chart), "<k>"))
    assert "</script><b>" not in text and "&lt;h&gt;" in text and "&lt;k&gt;" in text and "&quot;&lt;i&gt;" in text


@pytest.mark.parametrize("name", ["summary.json", "chart.json", *(f"{table}.parquet" for table in COLUMNS)])
def test_missing_or_damaged_file_is_named(run_folder, name):
    (run_folder / name).write_text("{")
    with pytest.raises(RunError, match=re.escape(name)):
        write_report(run_folder)
    (run_folder / name).unlink()
    with pytest.raises(RunError, match=f"{re.escape(name)}: is missing"):
        write_report(run_folder)
    assert not (run_folder / "report.html").exists()


def test_a_report_of_older_figures_is_drawn_again(run_folder):
    assert not is_drawn(run_folder)
    (run_folder / "report.html").touch()
    assert is_drawn(run_folder)
    later = (run_folder / "report.html").stat().st_mtime + 1
    os.utime(run_folder / "summary.json", (later, later))
    assert not is_drawn(run_folder)


def test_missing_column_is_named(run_folder):
    change_table(run_folder, "steps", lambda table: table.drop("voltage_p05_pu"))
    with pytest.raises(RunError, match=r"steps\.parquet: lacks the columns voltage_p05_pu"):
        read(run_folder)


def test_failed_write_leaves_the_old_file(run_folder, monkeypatch):
    path = run_folder / "report.html"
    path.write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    before = sorted(run_folder.iterdir())
    with pytest.raises(RunError, match=r"report\.html: cannot be written .No space left"):
        write_whole(path, b"new")
    assert path.read_text() == "old" and sorted(run_folder.iterdir()) == before


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0, "0"), (0.0017, "0.0017"), (0.996, "1.00"), (86.55, "86.5"), (5312.0, "5,312"), (-2.5, "-2.50")],
)
def test_numbers_have_no_exponent(value, text):
    assert number(value) == text


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: the page is not opened in a browser")
def test_browser_draws_every_plot(run_folder, tmp_path):
    report = write_report(run_folder)
    flags = [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ]  # fmt: skip
    flags += [f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=15000", "--dump-dom", report.as_uri()]
    found = subprocess.run([str(CHROMIUM), *flags], capture_output=True, text=True, timeout=120, check=True).stdout
    assert "cannot be drawn" not in re.sub(r"<script>.*?</script>", "", found, flags=re.S)
    assert found.count('data-drawn="yes"') == len(run_charts.CHARTS)


def test_page_of_homes_without_wires(run_folder):
    """Tables as a scenario with `feeder.part = "none"` leaves them: no nodes, and nothing known of voltages."""
    run = read(run_folder)
    wired = ("voltage_", "violat", "over_", "under_", "worst_pu", "loading_max")

    def bare(table: pl.DataFrame) -> pl.DataFrame:
        return table.with_columns(
            pl.lit(None, pl.Float64).alias(name) for name in table.columns if name.startswith(wired)
        )

    figures = {
        name: {
            key: None if key.startswith(wired) or key == "days_with_violation_share" else value
            for key, value in row.items()
        }
        for name, row in run.methods.items()
    }
    run = dataclasses.replace(
        run, steps=bare(run.steps), days=bare(run.days), nodes=run.nodes.clear(), branches=run.branches.clear(),
        summary=run.summary | {"methods": figures, "on_bound_days": {}},
        chart={"bus": [], "x": [], "y": [], "edges": [], "source": None},
        worst_day=run.worst_day.filter(pl.col("of").is_in(["home", "all"])),
    )  # fmt: skip
    text = in_words(page(run))
    assert "bills alone are judged" in text and "No voltages in this run" in text and "No loadings in this run" in text
    assert "None" not in text.replace("None of 200 homes", "") and "NaN" not in text
    assert tiles(run)[2] == ("no", "wires", "in this world: bills alone are judged")


def test_loading_is_that_of_the_worst_branch_of_each_hour(run_folder):
    run = read(run_folder)
    table = run_data.loadings(run)
    hour = run.steps.filter((pl.col("method") == "idle") & (pl.col("hour") == 19.0))
    found = table.filter((pl.col("method") == "idle") & (pl.col("hour") == 19.0))["loading"].item()
    assert found > 100 and found == pytest.approx(100 * hour["loading_max"].max())
    assert "uncontrolled (idle): at most 140 %." in spec(run_charts.loading(run))["description"]


def test_the_last_hour_of_loadings_is_drawn_to_its_end(run_folder):
    found = spec(run_charts.loading(read(run_folder)))["datasets"].values()
    [drawn] = [rows for rows in found if "loading" in rows[0]]
    last = {each["hour"]: each["loading"] for each in drawn if each["method"] == "uncontrolled (idle)"}
    assert last[24.0] == last[23.0] and len(last) == 25


def test_map_of_loadings_shows_each_branch_by_its_worst_phase(run_folder):
    run = read(run_folder)
    table = run_data.loaded(run)
    first, *_ = run.chart["branches"]  # the first line, of which phase 2 is loaded the most
    mine = table.filter(method="idle", bus=first[1], other=first[2])
    worst = run.branches.filter(method="idle", branch=first[0].replace(".1", ".2"))["loading_max"].item()
    assert mine["loading"].item() == pytest.approx(100 * worst)
    places = {bus: (x, y) for bus, x, y in run_data.places(run).iter_rows()}
    assert mine.select("x", "y", "x2", "y2").row(0) == (*places[first[1]], *places[first[2]])
    ends = {(first, second) for _, first, second in run.chart["branches"] if {first, second} <= places.keys()}
    assert table.filter(method="idle").height == len(ends)
    many = table.filter((pl.col("loading") > 100) & (pl.col("method") == "idle")).height
    found = spec(run_charts.feeder_loading(run))
    assert f"uncontrolled (idle): {many} of {len(ends)} branches above 100 % of their rating." in found["description"]
    lines, squares = found["hconcat"][0]["layer"][-2:]
    assert lines["encoding"]["color"]["scale"]["domain"] == [0, 50, 100, 150, 200]
    assert lines["encoding"]["strokeWidth"]["condition"]["test"] == "datum.above"
    shown = {row["branch"]: row for each in found["datasets"].values() for row in each if "above" in row}
    assert all(row["above"] == (row["loading"] > 100) for row in shown.values())
    kinds = [{row["kind"] for row in found["datasets"][part["data"]["name"]]} for part in (lines, squares)]
    assert kinds == [{"line", "switch"}, {"transformer", "regulator"}]


def test_map_of_loadings_of_a_feeder_without_ratings_says_so(run_folder):
    run = read(run_folder)
    for bare, said in (
        (dataclasses.replace(run, branches=run.branches.clear()), "no rating is known"),
        (dataclasses.replace(run, chart={**run.chart, "branches": []}), "places of branches are not known"),
    ):
        assert said in json.dumps(spec(run_charts.feeder_loading(bare)))


def test_what_homes_pay_is_told_for_methods_of_the_same_days(run_folder):
    def change(homes: pl.DataFrame) -> pl.DataFrame:
        some = homes.filter((pl.col("method") == "rules") & (pl.col("day") == homes["day"].min()))
        return pl.concat([homes, some.with_columns(method=pl.lit("bound"))])

    change_table(run_folder, "homes", change)
    run = read(run_folder)
    rows = {row.cells[0]: row.cells[1:] for row in market_table.paid(run).rows}
    assert list(rows) == [methods(run.methods)[name].label for name in ("idle", "rules", "through", "gradmap")]
    mine = run.homes.filter(method="gradmap").group_by("home").agg(pl.col("bill").mean(), pl.col("cost").mean())
    low, half, high = (np.quantile(mine["bill"], share) for share in (0.1, 0.5, 0.9))
    assert rows["learned (gradmap)"][:4] == [f"{each:.2f}" for each in (mine["bill"].mean(), low, half, high)]
    assert rows["learned (gradmap)"][4] == str((run_data.savings(run, "gradmap")["saving"] < 0).sum())
    assert rows["uncontrolled (idle)"][4:] == ["–", "–", "–"]
    first = run.homes["day"].min()
    cost = {name: run.homes.filter(method=name, day=first).sort("home")["cost"] for name in ("idle", "rules")}
    saved = run_data.savings(run, "bound").sort("home")["saving"]  # judged on one day: of the same day's idle homes
    np.testing.assert_allclose(saved, run_data.DAYS_A_YEAR * (cost["idle"] - cost["rules"]), atol=1e-9)


def test_a_shared_limit_and_who_got_what_stand_in_the_page(busy):
    values = {("limit", "chargers"): [4.0] * 24, ("granted", "0"): [1.0] * 24, ("granted", "1"): [2.5] * 24}
    rows = [
        {"method": "idle", "day": 0, "date": "2018-01-01", "of": of, "name": name, "series": of, "unit": "kW",
         "values": each}
        for (of, name), each in values.items()
    ]  # fmt: skip
    shared = pl.DataFrame(rows, schema_overrides={"values": pl.List(pl.Float32)})
    run = dataclasses.replace(
        busy, worst_day=pl.concat([busy.worst_day, shared.select(busy.worst_day.columns)], how="vertical_relaxed")
    )
    found = spec(charging_charts.granted(run))
    assert found["description"].endswith("uncontrolled (idle): 24.0 to 60.0 kWh a home.")
    assert {row["kW"] for rows in found["datasets"].values() for row in rows if row.get("start") == 0.0} == {3.5, 4.0}
    assert [each.name for each in _charging(run)] == ["charging"] and _charging(busy) == []
