# ruff: noqa: E501 (a case is a line)
"""What a verb writes, another reads: the same homes, numbers and names. A file that is written for people is named."""

import dataclasses
import datetime
import inspect
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

from tests.data.make import MONDAY, long, sessions_text
from wattflock.apps.cli import command_name
from wattflock.assistant import dialogue
from wattflock.assistant.plan.parameters import of_slots
from wattflock.core.files import csv_bytes, load_tree, pack, save_tree, unpack, write_json, write_whole
from wattflock.core.registry import part
from wattflock.core.run_files import sealed
from wattflock.core.scenario import fingerprint, load
from wattflock.data.clean import clean
from wattflock.data.files import table_of
from wattflock.data.limit_table import from_file
from wattflock.data.look import look
from wattflock.data.meter_file import read_communities, read_meters, read_tariffs
from wattflock.data.network_table import table_of_homes
from wattflock.data.numbers import numbers
from wattflock.data.source import recognised
from wattflock.edge import card as edge_card
from wattflock.feeder.feeders.ieee13 import IEEE13
from wattflock.feeder.file import to_bytes
from wattflock.feeder.source import FeederSource
from wattflock.game import game_file
from wattflock.learn.learners.tariff_design import Tariff
from wattflock.report.spreadsheet import write_sheets
from wattflock.sources.california import California
from wattflock.sources.norway_ev import NorwayEv
from wattflock.sources.table import Table
from wattflock.study.homes_file import Known, read
from wattflock.study.run import Run, table_of_runs
from wattflock.synth import bundle
from wattflock.verbs import GROUPS, VERBS, planning
from wattflock.verbs.api import read_feeder, write_feeder
from wattflock.verbs.tariffs import table_of as table_of_tariff

Trip = Callable[[Path], tuple[Any, Any]]  # a folder to write to -> what was written, and what was read
HOUSE = {
    "city": "San Diego",
    "ev_battery_kwh": 60,
    "home_battery_kwh": 9,
    "date_start": "2024-03-30",
    "date_end": "2024-03-31",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """The folder that `generate` writes."""
    from wattflock.verbs.generate import generate

    folder = tmp_path_factory.mktemp("homes")
    generate(homes=2, days=7, out=folder)
    return folder


def of_generate(made: Path, folder: Path) -> Path:
    return made


def as_csv(made: Path, folder: Path) -> Path:
    pl.read_parquet(made / "homes.parquet").write_csv(folder / "homes.csv")
    return folder / "homes.csv"


def as_sheet(made: Path, folder: Path) -> Path:
    write_sheets(folder / "homes.xlsx", {"homes": pl.read_parquet(made / "homes.parquet")})
    return folder / "homes.xlsx"


def as_spreadsheet_csv(made: Path, folder: Path) -> Path:
    write_sheets(folder / "homes.csv", {"homes": pl.read_parquet(made / "homes.parquet")})
    return folder / "homes.csv"


def as_zip(made: Path, folder: Path) -> Path:
    with zipfile.ZipFile(folder / "homes.zip", "w") as packed:
        packed.write(made / "homes.parquet", "homes.parquet")
    return folder / "homes.zip"


def cleaned(made: Path, folder: Path) -> Path:
    clean(Table(str(made)).raw()).table().write_parquet(folder / "clean.parquet")
    return folder / "clean.parquet"


@pytest.mark.slow
@pytest.mark.parametrize("writes", [of_generate, as_csv, as_sheet, as_spreadsheet_csv, as_zip, cleaned])
def test_made_homes_are_read_as_they_were_made(made, tmp_path, writes):
    path = str(writes(made, tmp_path))
    seen, table = look(Table(path).raw()), pl.read_parquet(made / "homes.parquet")
    assert recognised(path) == "table"
    assert seen.cleaned is not None, seen.findings
    flock = seen.cleaned.flock
    for column in ("load_kw", "pv_kw", "ev_plugged", "ev_driving_kwh", "heat_kw"):
        own = table.group_by("home", maintain_order=True).agg(pl.col(column).mean())
        assert flock.homes == tuple(own["home"])
        assert np.allclose(getattr(flock, column).mean((1, 2)), own[column], rtol=1e-3, atol=1e-4), column


@pytest.mark.study
def test_made_homes_can_be_billed(made):
    """Load less sun as net energy."""
    table = pl.read_parquet(made / "homes.parquet")
    meters = read_meters(made / "homes.parquet")
    drawn = table.group_by("home", maintain_order=True).agg((pl.col("load_kw") - pl.col("pv_kw").fill_null(0)).sum())
    assert meters.homes == tuple(drawn["home"])
    assert np.allclose(meters.net_kwh.sum(0), meters.dt_h * drawn["load_kw"].to_numpy(), rtol=1e-4)


def sheet(ending: str) -> Trip:
    def trip(folder: Path) -> tuple[Any, Any]:
        table = pl.DataFrame({"home": ["H1", "=2+3", "ä;b"], "bill": [1.5, -2.25, 1e-7], "days": [7, 7, 7]})
        write_sheets(folder / f"bills.{ending}", {"bills": table})
        return _rows(table), _rows(table_of(folder / f"bills.{ending}"))

    return trip


def plain_csv(folder: Path) -> tuple[Any, Any]:
    """As `compare`, `runs`, `whatif`, `feeder solve` and `feeder hosting` write with `--csv`."""
    table = pl.DataFrame({"home": ["H1", "-x", "ä,b"], "bill": [1.5, -2.25, 1e-7], "days": [7, 7, 7]})
    return _rows(table), _rows(table_of(write_whole(folder / "a.csv", csv_bytes(table))))


def _rows(table: pl.DataFrame) -> list[Any]:
    told = table["home"].str.strip_prefix("'").to_list()
    return [*told, *numbers(table["bill"])[0].to_list(), *numbers(table["days"])[0].to_list()]


def settled(folder: Path) -> tuple[Any, Any]:
    table = long(days=35).select("time", "home", net_kwh=pl.col("load_kw") - pl.col("pv_kw"))
    table.write_csv(folder / "meters.csv")
    one, two = read_meters(folder / "meters.csv"), clean(Table(str(folder / "meters.csv"), net="split").raw()).flock
    net = np.asarray(two.load_kw - two.pv_kw).reshape(len(two.homes), -1).T
    return [*one.homes, one.net_kwh], [*two.homes, net]


def sessions(folder: Path) -> tuple[Any, Any]:
    (folder / "sessions.csv").write_text(sessions_text(3, 9, MONDAY))
    same = ["user", "plug_in", "plug_out", "energy_kwh"]
    one = NorwayEv(str(folder / "sessions.csv")).raw().sessions.select(same)
    one.write_csv(folder / "again.csv")
    columns = {"user": "user", "plug_in": "plug_in", "plug_out": "plug_out", "energy": "energy_kwh"}
    return one.rows(), Table(str(folder / "again.csv"), columns=columns).raw().sessions.select(same).rows()


def feeder(folder: Path) -> tuple[Any, Any]:
    circuit = IEEE13().circuit()
    path = write_feeder(circuit, folder / "mine.feeder")
    own = part("feeder", FeederSource, "imported")(str(path)).circuit()
    return [to_bytes(circuit)] * 2, [to_bytes(read_feeder(path)), to_bytes(own)]


def region(folder: Path) -> tuple[Any, Any]:
    fitted, card = bundle.load("london")
    path = write_whole(folder / "mine.safetensors", bundle.packed(fitted, card))
    again, told = bundle.load(path)
    return [*jax.tree.leaves(fitted), card], [*jax.tree.leaves(again), told]


def checkpoint(folder: Path) -> tuple[Any, Any]:
    tree = {"done": jnp.asarray(7), "weights": jnp.arange(6.0).reshape(2, 3)}
    save_tree(folder / "a.safetensors", tree, {"rounds": 7})
    return jax.tree.leaves(tree), jax.tree.leaves(load_tree(folder / "a.safetensors", tree))


def run(folder: Path) -> tuple[Any, Any]:
    scenario, one = load(None, ["homes.count=7"]), Run(folder / "mine-1")
    one.begin(scenario)
    days = pl.DataFrame({"method": ["idle"], "cost": [1.5]})
    one.write({"days": days}, {"methods": {"idle": {"cost": 1.5, "train_seconds": 2.0}}, "date": "today"}, {"x": []})
    listed = table_of_runs(folder).row(0, named=True)
    again = load(one.folder / "scenario.toml")
    found = [listed["cost"], listed["train_seconds"], one.summary()["date"], fingerprint(again)]
    return [1.5, 2.0, "today", fingerprint(scenario), days.rows()], [*found, one.tables()["days"].rows()]


def box(folder: Path) -> tuple[Any, Any]:
    seen = [{"name": word, "unit": "kW", "offset": 0.5, "scale": 2} for word in "ab"]
    control = {"name": "battery", "device": "battery", "unit": "kW", "low": -5, "high": 5, "least": -4, "most": 4}
    card = {"name": "home-1", "step_s": 900, "observation": seen, "controls": [control | {"base": 0}], "reach": 1}
    arrays = {"weight0": np.ones((2, 1), np.float32), "bias0": np.ones(1, np.float32)}
    told, found = edge_card.read(edge_card.write(folder / "box", pack(arrays, {}), card | {"adds": [], "gives": ["b"]}))
    told_names = [each.name for each in told.observation] + [told.controls[0].most, told.step_s, *told.gives]
    return ["a", "b", 4.0, 900.0, "b", *arrays.values()], [*told_names, *(found[name] for name in arrays)]


def conversation(folder: Path) -> tuple[Any, Any]:
    """Kept by `chat`; read by `chat --resume` and by `assistant plan`."""
    talk = dataclasses.replace(dialogue.begun(today=datetime.date(2024, 3, 1)), values=HOUSE)
    path = write_json(folder / "home.json", dialogue.saved(talk))
    one, two = planning.planned_for(of_slots(HOUSE)).table, planning.planned(path).table
    return [talk, one.write_csv()], [dialogue.opened(path), two.write_csv()]


def plan(folder: Path) -> tuple[Any, Any]:
    """Written by `assistant plan --out`; read by `data check`."""
    found = planning.planned_for(of_slots(HOUSE))
    planning.write_table(found, folder / "plan.csv")
    flock = look(Table(str(folder / "plan.csv")).raw()).cleaned.flock
    planning.write_table(found, folder / "plan.json")
    facts = json.loads((folder / "plan.json").read_text())
    steps = 48 * (len(found.table) // 48)
    return [found.table["load_kw"][:steps].mean(), json.loads(json.dumps(found.facts))], [
        np.nanmean(flock.load_kw),
        facts,
    ]


def joining(folder: Path) -> tuple[Any, Any]:
    """Written by `assistant export`; read by `compare`."""
    write_json(folder / "home.json", dialogue.saved(dataclasses.replace(dialogue.begun(), values=HOUSE)))
    planning.export(folder / "home.json", to="scenario", out=folder / "home.toml")
    homes = load(folder / "home.toml").homes
    mine = next(each for each in homes.kinds if each.name == "my home")
    return [20, 60, 9], [homes.count, mine.devices["ev"]["size_kwh"], mine.devices["battery"]["size_kwh"]]


def listed_homes(folder: Path) -> tuple[Any, Any]:
    """As `share FILE` writes the homes of a file; read as `homes.file`."""
    names = California().read().homes
    (folder / "homes.csv").write_text("home,source\n" + "".join(f"{name},{name}\n" for name in names))
    homes = load(None, [f"homes.file={folder / 'homes.csv'}", f"homes.count={len(names)}"]).homes
    return list(range(len(names))), list(read(homes, Known(homes.kinds, {}, ("",), names)).source)


def tariffs(folder: Path) -> tuple[Any, Any]:
    table = pl.DataFrame({"home": ["b", "a"], "import_per_kwh": [0.3, 0.2], "export_per_kwh": [0.1, 0.05]})
    path = write_whole(folder / "tariffs.csv", csv_bytes(table))
    found = read_tariffs(path, ("a", "b"))
    return np.array([[0.2, 0.3], [0.05, 0.1]]), [found.import_per_kwh, found.export_per_kwh]


def communities(folder: Path) -> tuple[Any, Any]:
    table = pl.DataFrame({"home": ["b", "a"], "community": ["north", "south"], "share": [0.5, 1.0]})
    path = write_whole(folder / "communities.csv", csv_bytes(table))
    return [(1, "north", 0.5), (0, "south", 1.0)], list(read_communities(path, ("a", "b")))


def limits(folder: Path) -> tuple[Any, Any]:
    """Envelopes by hour, as `coordinator.limit.file`."""
    readings, kw = California().read(), np.arange(24) / 4
    path = write_whole(folder / "limit.csv", csv_bytes(pl.DataFrame({"hour": range(24), "limit_kw": kw})))
    return kw, from_file(str(path), readings)[3]


def network_tariff(folder: Path) -> tuple[Any, Any]:
    price = np.arange(3 * 24 * 2.0).reshape(3, 24, 2) / 1000
    tariff = Tariff(np.zeros((3, 24, 3)), np.array([1, 0, 1]), price, np.array(0))
    path = write_sheets(folder / "network.parquet", {"network": table_of_tariff(tariff, ("a.1", "b.1", "c.2"))})
    return price[..., [1, 0, 0, 1]], table_of_homes(str(path), ("c.2", "b.1", "b.1", "a.1"))


def game(folder: Path) -> tuple[Any, Any]:
    (folder / "a.json").write_text('{"values": [0, 0, 4, 1, 2, 3, 9], "names": ["a", "b", "c"]}')
    one = game_file.read(folder / "a.json")
    told = {"values": [float(one.values(np.array([[m >> k & 1 for k in range(3)]], bool))[0]) for m in range(1, 8)]}
    write_json(folder / "b.json", told | {"names": list(one.names)})
    two = game_file.read(folder / "b.json")
    return [*one.names, one.worth, one.alone], [*two.names, two.worth, two.alone]


def arrays(folder: Path) -> tuple[Any, Any]:
    """As demonstrations and values of coalitions are kept between processes."""
    made = {"a": np.arange(6).reshape(2, 3).T, "b": np.array(1.5), "c": np.zeros((0, 3), np.float32)}
    found, card = unpack(write_whole(folder / "a", pack(made, {"work": "x"})).read_bytes())
    return [*made.values(), {"work": "x"}], [*(found[name] for name in made), card]


def summary(folder: Path) -> tuple[Any, Any]:
    write_json(folder / "summary.json", sealed({"methods": {"idle": {"cost": 1.0}}}))
    return {"idle": {"cost": 1.0}}, Run(folder).summary()["methods"]


TRIPS: dict[str, Trip] = {
    each.__name__: each
    for each in (plain_csv, settled, sessions, feeder, region, checkpoint, run, box, conversation, plan, joining,
                 listed_homes, tariffs, communities, limits, network_tariff, game, arrays, summary)
} | {f"sheet {ending}": sheet(ending) for ending in ("csv", "xlsx", "parquet")}  # fmt: skip


@pytest.mark.study
@pytest.mark.parametrize("name", TRIPS)
def test_what_is_written_is_read_again(tmp_path, name):
    written, found = TRIPS[name](tmp_path)
    assert len(written) == len(found)
    for one, two in zip(
        *((each.items() if isinstance(each, dict) else each) for each in (written, found)), strict=True
    ):
        if isinstance(one, np.ndarray | jax.Array | float):
            np.testing.assert_allclose(two, one, rtol=1e-6, atol=1e-9)
        else:
            assert two == one


READ_BY: dict[tuple[str, str], str] = {  # verb and option that write -> the trip above, or whom it is for
    ("generate", "out"): "test_made_homes_are_read_as_they_were_made",
    ("settle", "out"): "sheet csv", ("share", "out"): "sheet csv", ("tune", "csv"): "plain_csv", ("runs", "csv"): "plain_csv",
    ("whatif", "csv"): "plain_csv", ("feeder solve", "csv"): "plain_csv", ("feeder hosting", "csv"): "plain_csv", ("chat", "out"): "conversation",
    ("assistant plan", "out"): "plan", ("assistant export", "out"): "joining", ("feeder import", "out"): "feeder",
    ("data fit", "out"): "region", ("export", "out"): "box", ("edge trial", "out"): "box",
    ("settle", "picture"): "people", ("share", "picture"): "people", ("assistant plan", "picture"): "people",
    ("data check", "plot"): "people", ("data card", "out"): "people", ("feeder show", "out"): "people",
    ("tariff", "out"): "network_tariff", ("game", "out"): "other programs", ("assistant extract", "out"): "other programs", ("edge run", "state"): "test_envelope, test_shell",
}  # fmt: skip
WRITES = (
    "write",
    "draw",
    "also write",
    "folder to write",
    "file to write",
    "folder for",
    "the conversation is kept",
    "where audit log",
)


def test_every_option_that_writes_a_file_has_a_reader():
    verbs = [(command_name(verb), verb) for verb in VERBS]
    verbs += [(f"{group} {command_name(verb)}", verb) for group, module in GROUPS.items() for verb in module.VERBS]
    found = set()
    for name, verb in verbs:
        for option in inspect.signature(verb).parameters.values():
            words = get_args(option.annotation)[1:] if get_origin(option.annotation) is Annotated else ()
            if words and "Path" in str(option.annotation) and str(words[0]).lower().startswith(WRITES):
                found.add((name, option.name))
    assert found == set(READ_BY)
    for reader in READ_BY.values():
        assert (
            reader in TRIPS
            or reader in globals()
            or reader in ("people", "other programs", "test_envelope, test_shell")
        )
