"""Settling metered energy: a worked file, every problem of a file, files for spreadsheets, and a run."""

import datetime
import json
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from wattflock.apps.cli import make_app
from wattflock.core.errors import ScenarioError
from wattflock.data.meter_file import read_communities, read_meters, read_tariffs
from wattflock.market.market import ITEMS
from wattflock.market.markets.mid_market import MidMarket
from wattflock.market.markets.tariff import Tariff
from wattflock.report.bills import totals
from wattflock.report.spreadsheet import to_csv, to_xlsx
from wattflock.report.theme import spec
from wattflock.study.metered import Metered
from wattflock.study.settlement import settled, sums
from wattflock.verbs.settling import settle

STEPS = [(2.0, 1.0, -1.2), (0.5, -2.0, -1.0), (1.0, -1.0, 0.0), (1.0, 2.0, 0.0)]
BILLS = np.array([[0.52, 0.26, -0.24], [0.1, -7 / 30, -7 / 60], [0.2, -0.2, 0], [0.3, 0.6, 0]])  # at mid-market rate
HOMES = ("a", "b", "=1+1")


def rows(steps=STEPS, homes=HOMES, prices=(0.3, 0.1)) -> list[dict]:
    start = datetime.datetime(2026, 1, 1)
    return [
        {"time": str(start + datetime.timedelta(hours=k)), "home": home, "net_kwh": kwh,
         "import_per_kwh": prices[0], "export_per_kwh": prices[1]}
        for k, step in enumerate(steps) for home, kwh in zip(homes, step, strict=True)
    ]  # fmt: skip


def written(path: Path, table: list[dict]) -> Path:
    frame = pl.DataFrame(table, infer_schema_length=None, strict=False)
    frame.write_parquet(path) if path.suffix == ".parquet" else frame.write_csv(path)
    return path


@pytest.mark.parametrize("name", ["meters.csv", "meters.parquet"])
def test_a_file_is_settled_to_the_bills_worked_out_by_hand(tmp_path, name):
    found = settle(str(written(tmp_path / name, rows())), ["mid_market", "tariff"])
    table = found.table.filter(pl.col("market") == "mid_market")
    np.testing.assert_allclose(table["total"], BILLS.sum(0), atol=1e-12)
    np.testing.assert_allclose(table["own_tariff"], [1.35, 0.9 - 0.3, -0.22], atol=1e-12)
    np.testing.assert_allclose(table["difference"], BILLS.sum(0) - [1.35, 0.6, -0.22], atol=1e-12)
    np.testing.assert_allclose(table.select(ITEMS).sum_horizontal(), table["total"], atol=1e-12)
    np.testing.assert_allclose(table["import_kwh"] + table["bought_kwh"], [4.5, 3, 0], atol=1e-12)
    np.testing.assert_allclose(table["export_kwh"] + table["sold_kwh"], [0, 3, 2.2], atol=1e-12)
    totals = found.totals.row(0, named=True)
    np.testing.assert_allclose([totals["grid_bill"], totals["margin"]], [0.54 - 0.25 + 0.9, 0], atol=1e-12)
    assert (totals["pay_less"], totals["pay_more"]) == (3, 0)
    assert set(found.totals["market"]) == {"mid_market", "tariff"}


def test_two_columns_of_energy_bids_and_rows_in_any_order(tmp_path):
    table = [
        {key: value for key, value in row.items() if key != "net_kwh"}
        | {
            "import_kwh": max(row["net_kwh"], 0) + 0.25,
            "export_kwh": max(-row["net_kwh"], 0) + 0.25,
            "bid_per_kwh": 0.2,
        }
        for row in reversed(rows())
    ]
    file = read_meters(written(tmp_path / "m.csv", table))
    assert file.homes == HOMES[::-1]
    np.testing.assert_allclose(file.net_kwh, np.array(STEPS)[:, ::-1])
    assert file.bid_per_kwh is not None and (file.bid_per_kwh == 0.2).all()


def test_every_problem_of_a_file_is_told_at_once(tmp_path):
    table = rows()
    table[0]["net_kwh"], table[4]["net_kwh"], table[1]["export_per_kwh"] = "nan", "much", "30"
    del table[8]  # the third step of the last home
    table = [*table, table[-1]]
    table = [row for row in table if not row["time"].startswith("2026-01-01 01")]
    with pytest.raises(ScenarioError) as error:
        read_meters(written(tmp_path / "m.csv", table))
    said = str(error.value)
    for words in (
        "m.csv:2: net_kwh = 'nan'; allowed: a number of kWh",
        "m.csv:3: export_per_kwh = '30'; allowed: a price within ±10",
        "m.csv: time = '2026-01-01 02:00:00'; allowed: a step every 1:00:00: the one before is 2:00:00 earlier",
        "time of home =1+1 = '2026-01-01 03:00:00'; allowed: each step once for a home",
        "steps of home =1+1 = 2; allowed: a row for each of 3 steps; 1 missing, the first at 2026-01-01 02:00:00",
    ):
        assert words in said
    assert len(error.value.problems) == 6  # and the prices of the first step differ


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"net_kwh": None}, r"net_kwh = None; allowed: a number of kWh, at most 1e\+09 in size; 12 such rows"),
        ({"net_kwh": -1e300}, r"net_kwh = '-1e\+?300'; allowed: a number of kWh, at most 1e\+09 in size; 12 such rows"),
        ({"time": "soon"}, "time = 'soon'; allowed: a date and time"),
        ({"home": None}, "home = None; allowed: the name of a home"),
    ],
)
def test_a_column_of_nothing_is_told(tmp_path, change, words):
    with pytest.raises(ScenarioError, match=words):
        read_meters(written(tmp_path / "m.csv", [row | change for row in rows()]))


def test_columns_that_are_missing_are_told(tmp_path):
    with pytest.raises(ScenarioError) as error:
        read_meters(written(tmp_path / "m.csv", [{"when": 1, "home": "a"}]))
    assert [problem.field for problem in error.value.problems] == ["time", "net_kwh"]
    assert "a column of that name, or import_kwh and export_kwh, or load_kw; there are when, home" in str(error.value)
    with pytest.raises(ScenarioError) as error:
        read_meters(written(tmp_path / "m.csv", [{"time": 1, "home": "a", "import_kwh": 1}]))
    assert [problem.field for problem in error.value.problems] == ["export_kwh"]


def test_prices_that_differ_between_homes_are_no_prices_of_the_grid(tmp_path):
    table = rows()
    table[0]["import_per_kwh"] = 0.4
    with pytest.raises(ScenarioError, match="one price of the grid at each step; 1 steps have several"):
        read_meters(written(tmp_path / "m.csv", table))


def test_import_below_export_is_refused_with_its_steps_and_the_tariff_alone_settles(tmp_path):
    table = rows()
    for row in table[3:6]:
        row["import_per_kwh"] = 0.05
    path = str(written(tmp_path / "m.csv", table))
    for market in ("mid_market", "auction"):
        with pytest.raises(ScenarioError, match=r"so at 1 of 4 steps: day 0 step 1"):
            settle(path, [market])
    assert settle(path, ["all"]).totals["market"].to_list() == ["tariff"]
    assert len(settle(path, ["all"]).notes) == 5  # the file, and four markets that are left out


def test_prices_may_come_from_a_contract(tmp_path):
    bare = [{key: row[key] for key in ("time", "home", "net_kwh")} for row in rows()]
    path = str(written(tmp_path / "m.csv", bare))
    with pytest.raises(ScenarioError, match=r"import_per_kwh = '\(missing\)'.*--set prices_from=flat"):
        settle(path)
    flat = ["prices_from=flat", "flat_per_kwh=0.3", "exports_from=fixed", "export_per_kwh=0.1"]
    np.testing.assert_allclose(settle(path, sets=flat).table["total"], BILLS.sum(0), atol=1e-12)
    with pytest.raises(ScenarioError, match="whole days from midnight"):
        settle(path, sets=["prices_from=bands", "bands=[[0, 24, 0.3]]"])


def test_own_tariffs_by_home_and_who_has_none(tmp_path):
    meters = str(written(tmp_path / "m.csv", rows()))
    said = [
        {"home": home, "import_per_kwh": price, "export_per_kwh": 0.05}
        for home, price in zip(HOMES, (0.2, 0.4, 0.3), strict=True)
    ]
    found = settle(meters, tariffs=written(tmp_path / "t.csv", said)).table
    np.testing.assert_allclose(found["own_tariff"], [4.5 * 0.2, 3 * 0.4 - 3 * 0.05, -2.2 * 0.05], atol=1e-12)
    wrong = [said[0], said[0], {"home": "bb", "import_per_kwh": "cheap", "export_per_kwh": 0.1}]
    with pytest.raises(ScenarioError) as error:
        read_tariffs(written(tmp_path / "w.csv", wrong), HOMES)
    lines = str(error.value)
    assert "home = 'b'; allowed: a row: this home has no tariff" in lines
    assert "w.csv:4: home = 'bb'; allowed: a home of the readings, one of =1+1, a, b; did you mean 'b'?" in lines
    assert "w.csv:4: import_per_kwh = 'cheap'" in lines and "w.csv:2: home = 'a'; allowed: each home once" in lines


def test_communities_of_a_file(tmp_path):
    meters = str(written(tmp_path / "m.csv", rows()))
    said = [{"home": home, "community": "all", "share": 1.0} for home in HOMES]
    path = written(tmp_path / "c.csv", said)
    np.testing.assert_allclose(settle(meters, communities=path).table["total"], BILLS.sum(0), atol=1e-12)
    alone = written(tmp_path / "c.csv", [{"home": home, "community": home} for home in HOMES])
    np.testing.assert_allclose(settle(meters, communities=alone).table["difference"], 0, atol=1e-12)
    with pytest.raises(ScenarioError, match=r"c.csv:2: home = 'z'; allowed: a home of the readings"):
        settle(meters, communities=written(tmp_path / "c.csv", [{"home": "z", "community": "x"}]))


def test_communities_in_which_homes_are_twice_or_nobody_is(tmp_path):
    def refused(*shares: tuple[str, str, float]) -> str:
        said = [dict(zip(("home", "community", "share"), row, strict=True)) for row in shares]
        with pytest.raises(ScenarioError) as error:
            read_communities(written(tmp_path / "c.csv", said), HOMES)
        return str(error.value)

    said = refused(("a", "x", 0.5), ("a", "x", 0.4), ("b", "x", 0.7), ("b", "y", 0.6))
    assert "c.csv:2: home = 'a'; allowed: each home once in a community; 2 such rows" in said
    assert "c.csv: share of home b = 1.3" in said and "share of home a" not in said
    assert "rows = 1; allowed: one row or more with a share above 0" in refused(("a", "x", 0.0))
    (tmp_path / "c.csv").write_text("home,community,share\n")
    with pytest.raises(ScenarioError, match="rows = 0"):
        read_communities(tmp_path / "c.csv", HOMES)


def test_options_that_would_change_nothing_are_refused(tmp_path):
    meters = str(written(tmp_path / "m.csv", rows()))

    def refused(run: str, **options) -> list[str]:
        with pytest.raises(ScenarioError) as error:
            settle(run, runs=tmp_path, **options)
        return [f"{problem.field}: {problem.allowed}" for problem in error.value.problems]

    assert refused(meters, days=2, method="idle") == ["--method: of a run only", "--days: of a run only"]
    assert refused(meters, period_days=-1) == ["--period-days: 0 or more"]
    assert refused("latest", period_days=1, currency="EUR") == [
        f"{name}: of a file of readings only" for name in ("--period-days", "--currency")
    ]
    beside = tmp_path / "m.csv" / "bills.csv"  # in a file; a folder that is not there is made
    assert refused(meters, out=beside) == ["--out: a file in a folder that can be written"]
    (tmp_path / "b.png").mkdir()
    assert refused(meters, out=tmp_path / "new" / "b.csv", picture=tmp_path / "b.png") == [
        "--picture: a file in a folder that can be written"
    ]
    (tmp_path / "m.ods").write_text("")
    assert refused(str(tmp_path / "m.ods"))[0].startswith("run: a run, a scenario.toml, or a file that ends with .csv")


def test_marks_of_a_picture_stand_within_its_edges(tmp_path):
    found = settle(str(written(tmp_path / "m.csv", rows())), ["mid_market"])
    assert spec(found.figures["bills"])["spec"]["encoding"]["x"]["scale"]["domain"] == [0.5, 3.5]
    assert totals(found.settled, "EUR", 1.0).note.startswith("3 homes, 1 day;")


def test_what_was_asked_wrongly_is_told_at_once():
    with pytest.raises(ScenarioError) as error:
        settle("none.csv", ["mid-market"], sets=["fee=1"], out=Path("bills.ods"), picture=Path("bills.gif"))
    assert [problem.field for problem in error.value.problems] == ["--out", "--picture", "--market", "--set"]
    words = (
        r"--set communities: .*communities.0.1 = 1; allowed: a list, each a list of a whole number, a text, a number"
    )
    with pytest.raises(ScenarioError, match=words):
        settle("none.csv", sets=["communities=[[0, 1, 1.0]]"])
    with pytest.raises(ScenarioError, match="export_share = 2"):
        settle("none.csv", sets=["export_share=2"])


def test_text_that_looks_like_a_formula_stays_text(tmp_path):
    table = pl.DataFrame({"home": ["=1+1", "+a", "-b", "@c", "d", 'e"<&>', None], "bill": [-1.5, 2, 3, 4, 5, 6, 7]})
    lines = to_csv({"bills": table}).decode().splitlines()
    assert [line.split(",")[0] for line in lines[1:6]] == ["'=1+1", "'+a", "'-b", "'@c", "d"]
    assert lines[1].endswith(",-1.5")
    (tmp_path / "b.xlsx").write_bytes(to_xlsx({"bills": table, "totals": table}))
    with zipfile.ZipFile(tmp_path / "b.xlsx") as book:
        assert book.testzip() is None
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert (
        "<f>" not in sheet
        and '<c t="inlineStr"><is><t xml:space="preserve">=1+1</t></is></c><c><v>-1.5</v></c>' in sheet
    )
    assert 'e"&lt;&amp;&gt;' in sheet


def test_the_command_writes_files_and_json(tmp_path):
    from wattflock.verbs import GROUPS, VERBS

    meters, out = written(tmp_path / "m.csv", rows()), tmp_path / "bills.xlsx"
    call = ["settle", str(meters), "--market", "mid_market", "--market", "auction", "--out", str(out)]
    said = CliRunner().invoke(make_app(VERBS, GROUPS), [*call, "--picture", str(tmp_path / "b.svg"), "--json"])
    assert said.exit_code == 0, said.output
    found = json.loads(said.output)
    assert [row["market"] for row in found["markets"]] == ["mid_market", "auction"]
    assert len(found["homes"]) == 6 and found["days"] == pytest.approx(4 / 24)
    assert out.stat().st_size > 1000 and b"<svg" in (tmp_path / "b.svg").read_bytes()


def test_long_readings_are_settled_in_parts_with_the_same_sums(monkeypatch):
    random = np.random.default_rng(0)
    net = random.normal(0, 1, (7, 4, 5))
    price = random.uniform(0.2, 0.4, (7, 4))
    read = Metered(tuple("abcde"), net, price, price / 2, np.full((7, 4), 6.0), "EUR")
    market = MidMarket(demand_per_kw_day=0.3, standing_per_day=0.1)
    whole, margin, grid = sums(market, read)
    monkeypatch.setattr("wattflock.study.settlement.AT_ONCE", 45)
    parts, *_ = sums(market, read)
    for name, values in whole.items():
        np.testing.assert_allclose(parts[name], values, rtol=1e-12)
    bills = sum(whole[name].sum() for name in ITEMS)
    assert bills + margin == pytest.approx(grid, rel=1e-12)
    own = settled(read, {"tariff": Tariff(demand_per_kw_day=0.3, standing_per_day=0.1)}, Tariff())[0].homes
    np.testing.assert_allclose(own["peak"], 0.3 * np.maximum(net / 6, 0).max(1).sum(0), rtol=1e-12)
    np.testing.assert_allclose(own["fixed"], 0.7, rtol=1e-12)


@pytest.mark.slow
def test_a_scenario_is_metered_under_a_rule(tmp_path):
    """Bills of three days by nodal prices and in a community, against the bills that the world itself makes."""
    scenario = tmp_path / "s.toml"
    scenario.write_text(
        'name = "s"\n[homes]\ncount = 4\nhomes_per_agent = 20\n[feeder]\npart = "ieee13"\n'
        '[market]\npart = "mid_market"\nsettings = {export_share = 0.3}\n'
    )
    found = settle(str(scenario), ["nodal", "mid_market"], days=2, method="idle")
    totals = {row["market"]: row for row in found.totals.iter_rows(named=True)}
    assert found.days == pytest.approx(2)
    assert totals["nodal"]["network"] != 0 and totals["nodal"]["margin"] == pytest.approx(-totals["nodal"]["network"])
    assert totals["mid_market"]["difference"] < 0
    assert totals["nodal"]["grid_bill"] == pytest.approx(totals["mid_market"]["grid_bill"])
    with pytest.raises(ScenarioError, match="beside its prices"):
        settle(str(scenario), sets=["flat_per_kwh=0.2"])


def test_the_front_door_settles_as_the_command_does(tmp_path):
    import wattflock as wf

    path = written(tmp_path / "m.csv", rows())
    found = wf.settle(path, ["mid_market"], {"wheeling_per_kwh": 0.06})
    assert isinstance(found, wf.Bills)
    local = found.table["bought_kwh"] + found.table["sold_kwh"]
    np.testing.assert_allclose(found.table["total"], BILLS.sum(0) + 0.03 * local.to_numpy(), atol=1e-12)
    assert list(found.figures) == ["bills"]


def test_a_market_of_places_is_refused_by_name_and_left_out_of_all(tmp_path):
    path = str(written(tmp_path / "m.csv", rows()))
    with pytest.raises(ScenarioError, match="a market without places"):
        settle(path, ["network_tariff"])
    assert "network_tariff" not in settle(path, ["all"]).totals["market"].to_list()
