# ruff: noqa: E501 (a case is a line)
"""Every reader of a file, with what is thrown at it; a reader gives what it read, or raises a WattflockError."""

import contextlib
import dataclasses
import datetime
import gzip
import io
import json
import os
import tempfile
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.data.bombs import sheet
from tests.data.make import MONDAY, agile_text, ausgrid_text, london_text, long, sessions_text
from tests.properties import bent
from wattflock.assistant import dialogue
from wattflock.assistant.files import lines_of
from wattflock.core.errors import WattflockError
from wattflock.core.files import load_tree, pack, read_card, unpack
from wattflock.core.registry import interface, part
from wattflock.core.run_files import read_summary, read_table, sealed
from wattflock.core.scenario import Scenario, load
from wattflock.data import limit_table, price_table
from wattflock.data.check import refuse
from wattflock.data.layout import format_of
from wattflock.data.look import look
from wattflock.data.meter_file import read_communities, read_meters, read_tariffs
from wattflock.data.source import DataSource, Readings, recognised
from wattflock.edge import card as edge_card
from wattflock.edge.audit import records
from wattflock.edge.envelope import Envelope
from wattflock.feeder.feeders.ieee13 import IEEE13
from wattflock.feeder.file import from_bytes, to_bytes
from wattflock.feeder.opendss.commands import Script
from wattflock.game import game_file
from wattflock.homes.device import Device
from wattflock.report.card_input import read_flock
from wattflock.study import homes_file
from wattflock.study.run import table_of_runs
from wattflock.synth import bundle

Read = Callable[[Path], Any]  # of a file in an empty folder


@dataclasses.dataclass(frozen=True)
class Reader:
    """One reader: names of the file it is given, what is thrown at it, and how it is read."""

    name: str
    thrown: st.SearchStrategy[bytes]
    read: Read


def throw(reader: Reader, examples: int, number: int) -> Counter:
    """What the reader did with so many files: `read`, `refused`; raises at whatever else it does.

    Args:
        number: of this round; another number throws other files.
    """
    done = Counter()

    @seed(number)
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(reader.thrown)
    def one(data: bytes) -> None:
        done[outcome(reader, data)] += 1

    one()
    return done


def outcome(reader: Reader, data: bytes) -> str:
    """`read` or `refused`; AssertionError where the reader has no plain words for it, or a library says its own."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        path = Path(folder) / reader.name
        path.write_bytes(data)
        try:
            with _heard() as native:
                reader.read(path)
        except WattflockError:
            done = "refused"
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise AssertionError(f"{reader.name}: {type(error).__name__}: {error}") from error
        else:
            done = "read"
    assert not native, f"{reader.name}: a library says {native[0][:300]!r}"
    return done


@contextlib.contextmanager
def _heard() -> Iterator[list[bytes]]:
    """What native code writes to the terminal meanwhile, at the end."""
    said: list[bytes] = []
    with tempfile.TemporaryFile() as file:
        kept = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            yield said
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            file.seek(0)
            said += [found] if (found := file.read()) else []


def by_layout(path: Path) -> None:
    """As `data check` reads a file, and then as a run does."""
    _studied(part("data", interface("data"), recognised(str(path)))(str(path)))


def as_table(**fields: Any) -> Read:
    """As a table, with settings."""
    return lambda path: _studied(part("data", interface("data"), "table")(str(path), **fields))


def _studied(source: DataSource) -> None:
    refuse(look(source.raw()).findings)
    source.read()


def _csv(table: pl.DataFrame) -> bytes:
    return table.write_csv().encode()


def _parquet(table: pl.DataFrame) -> bytes:
    content = io.BytesIO()
    table.write_parquet(content)
    return content.getvalue()


def _zip(files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in files.items():
            packed.writestr(name, data)
    return content.getvalue()


ONES = np.ones((3, 4))
READINGS = Readings(
    load_kw=ONES[..., None], sun_kw_per_kwp=ONES[..., None], outdoor_c=ONES, import_price_per_kwh=0.2 * ONES,
    export_price_per_kwh=0.1 * ONES, carbon_kg_per_kwh=0.5 * ONES, weekend=np.array([0.0, 0.0, 1.0]), month=np.ones(3),
    first_day=datetime.date(2024, 1, 8), homes=("H0", "H1"), currency="GBP", card={},
)  # fmt: skip
HOMES, WEEKS = long(days=9), long(homes=1, days=36)
METERS = HOMES.select(
    "time", "home", net_kwh=pl.col("load_kw") - pl.col("pv_kw"), import_per_kwh=pl.lit(0.3), export_per_kwh=pl.lit(0.1)
)
WIDE = HOMES.pivot("home", index="time", values="load_kw").rename({"H0": "house 1 (kWh)", "H1": "house 2 (kWh)"})
DAILY = b"Date," + ",".join(f"{k:02d}:00" for k in range(24)).encode() + b"\n" + b"".join(
    f"{5 + k}/01/2025".encode() + b",0.5" * 24 + b"\n" for k in range(14))  # fmt: skip
GERMAN = _csv(HOMES).replace(b",", b";").replace(b".", b",")
LAYOUTS = [_csv(WEEKS), _csv(WEEKS.drop("home")), _csv(HOMES), _csv(METERS), _csv(WIDE), DAILY, GERMAN, _csv(HOMES).decode().encode("utf-16"),
           ausgrid_text(2, 8, MONDAY.date()).encode(), london_text(2, 4, MONDAY).encode(), agile_text(3, MONDAY).encode(),
           b"utc,kWh\n" + b"".join(f"{1736121600 + 1800 * k},{k}\n".encode() for k in range(400))]  # fmt: skip
GREEN = """<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom" xmlns:espi="http://naesb.org/espi">
<entry><link rel="self" href="/a/ReadingType/1"/><content><espi:ReadingType><espi:uom>72</espi:uom>
<espi:powerOfTenMultiplier>0</espi:powerOfTenMultiplier><espi:flowDirection>1</espi:flowDirection></espi:ReadingType></content></entry>
<entry><link rel="self" href="/a/MeterReading/1"/><link rel="related" href="/a/ReadingType/1"/><content><espi:MeterReading/></content></entry>
<entry><link rel="self" href="/a/MeterReading/1/IntervalBlock/1"/><link rel="up" href="/a/MeterReading/1/IntervalBlock"/><content>
<espi:IntervalBlock>{}</espi:IntervalBlock></content></entry></feed>""".format("".join(
    f"<espi:IntervalReading><espi:timePeriod><espi:duration>3600</espi:duration><espi:start>{1736121600 + 3600 * k}</espi:start>"
    f"</espi:timePeriod><espi:value>{500 + 37 * k % 300}</espi:value></espi:IntervalReading>" for k in range(200))).encode()  # fmt: skip
CELLS = "".join(
    f'<row r="{k}"><c r="A{k}"><v>{45000 + k / 24}</v></c><c r="B{k}"><v>{k / 9}</v></c></row>' for k in range(1, 99)
).encode()
EVSE = json.dumps({"_items": [{"connectionTime": f"Mon, {6 + k:02d} Jan 2025 18:00:00 GMT", "disconnectTime": f"Tue, {7 + k:02d} Jan 2025 07:00:00 GMT",
                               "kWhDelivered": 8.5 + k, "userID": "1"} for k in range(9)]}).encode()  # fmt: skip
SESSIONS = sessions_text(3, 9, MONDAY).encode()
CHARGED = {
    "columns": {"user": "user_id", "plug_in": "plugin_time", "plug_out": "plugout_time", "energy": "energy_session"}
}
PRICES = b"time,import_per_kwh,export_per_kwh\n" + b"".join(
    f"2024-01-{8 + k // 4:02d} {6 * (k % 4):02d}:00,0.3,0.1\n".encode() for k in range(12))  # fmt: skip
LIMITS = [
    b"hour,limit_kw\n" + b"".join(f"{k},{9 + k}\n".encode() for k in range(24)),
    PRICES.replace(b"import_per_kwh", b"limit_kw"),
]
TARIFFS = b"home,import_per_kwh,export_per_kwh,standing_per_day\nH0,0.3,0.1,0.5\nH1,0.25,0.05,0.4\n"
BELONGS = b"home,community,share\nH0,north,0.5\nH0,south,0.5\nH1,north,1\n"
DEVICES = {name: part("homes", Device, name) for name in ("battery", "ev")}
SCENARIO = Scenario(name="x")
OWN = homes_file.Known(SCENARIO.homes.kinds, DEVICES, ("s1a", "s2b"), ("H0", "H1"), ("H1",))
HOMES_FILE = b"home,kind,terminal,source,homes_per_agent,battery.size_kwh\n1,battery,s1a,H0,5,9\n2,,,,,\n"
FORMAT = b'about = "x"\nheader = ["time", "kWh"]\ncolumns = { time = "time", load = "kWh" }\nunits = { load = "kWh" }\nskip = 1\nstamps = "end"\nzone = "Europe/London"\n'
TOML = b"""name = "x"\nseed = 3\n[data]\npart = "table"\nsettings = { path = "a.csv", zone = "Europe/Oslo" }\n[homes]\ncount = 5\n
[[homes.kinds]]\nname = "a"\nshare = 0.5\ndevices = ["battery"]\n[devices.battery]\nsize_kwh = [3, 9]\n[learn]\npart = "through"\nrounds = 3\n"""
FLAGS = ["homes.count", "homes.kinds", "data.settings", "data.part", "learn.rounds", "learn", "feeder.part", "judge.methods", "homes", "seed", "name",
         "coordinator.limit", "devices.battery.size_kwh", "market.settings", "learn.others", "data.months", "homes.volt_var", "x", ""]  # fmt: skip
GAMES = [{"values": [0, 0, 1], "names": ["a", "b"]}, {"players": 2, "values": ["0.5", 1, 3]}, {"quota": 3, "weights": [1, 2, 3]},
         {"rule": {"kind": "weighted_voting", "quota": 2, "weights": [1, 1]}},
         {"rule": {"kind": "mcst_savings", "cost_matrix_source_first": [[0, 1, 2], [1, 0, 1], [2, 1, 0]]}},
         {"rule": {"kind": "assignment", "matrix": [[1, 2]], "rows": [0], "columns": [1, 2]}}]  # fmt: skip
TALK = dialogue.turn(dialogue.begun(today=datetime.date(2026, 1, 5)), None)[0]
TALKS = [
    json.loads(json.dumps(dialogue.saved(dialogue.turn(TALK, words)[0])))
    for words in ("I have an electric car, 60 kWh", "around 20 degrees")
]
LINES = [
    {"id": "a", "question": "Which car?", "asked": ["comfort_temp_min_c"], "utterance": "20 degrees", "locale": "en-GB"}
]
EVENT = {
    "mRID": "a",
    "creationTime": 0,
    "interval": {"start": 0, "duration": 60},
    "DERControlBase": {"opModExpLimW": {"value": 5, "multiplier": 3}},
}
ORDERS = {
    "DefaultDERControl": {"setGradW": 100, "DERControlBase": {"opModImpLimW": {"value": 5, "multiplier": 3}}},
    "DERControlList": [EVENT],
}
KEPT = {"default": {"import_kw": 1.0, "export_kw": None, "share_per_s": None}, "events": [
    {"mrid": "a", "primacy": 1, "created_s": 0, "start_s": 0, "duration_s": 60, "ramp_s": None, "import_kw": None, "export_kw": 2.0}]}  # fmt: skip
SUMMARY = {
    "methods": {"idle": {"cost": 1.0, "train_seconds": 2.0}},
    "versions": {"jax": "1"},
    "sha256": {"days.parquet": "0" * 64},
    "notes": [],
}
BOX = {"name": "home-1", "step_s": 900, "reach": 1, "adds": [], "gives": ["b"],
       "observation": [{"name": word, "unit": "kW", "offset": 0, "scale": 1} for word in "ab"],
       "controls": [{"name": "battery", "device": "battery", "unit": "kW", "low": -5, "high": 5, "least": -5, "most": 5, "base": 0,
                     "fallback": 0, "power_kw": [-5, 0, 5], "follows": "a"}]}  # fmt: skip
LAYERS = {"weight0": np.ones((2, 1), np.float32), "bias0": np.ones(1, np.float32)}
TREE = {"done": np.int32(7), "weights": np.ones((4, 3), np.float32), "key": np.zeros(2, np.uint32)}
ARRAYS = {name: np.asarray(each) for name, each in TREE.items()}
DSS = b"""clear\nnew circuit.a basekv=11 pu=1.0\nnew linecode.c nphases=3 r1=0.1 x1=0.1 units=km\nnew line.l bus1=sourcebus bus2=b linecode=c length=1
new load.a bus1=b.1 phases=1 kv=6.35 kw=5\n~ pf=0.95\nredirect more.dss\nset mode=daily\nsolve\nexport voltages\nbusxy b.csv\nnew loadshape.s npts=24 mult=(file=a.csv)\n"""
VERBS = [
    "new",
    "edit",
    "more",
    "~",
    "set",
    "solve",
    "export",
    "redirect",
    "compile",
    "clear",
    "show",
    "plot",
    "buscoords",
    "calcv",
    "var",
]


def _checkpoint(path: Path) -> None:
    read_card(path)
    load_tree(path, TREE)


def _policy(path: Path) -> None:
    """A folder whose card has the right checksum."""
    given = json.loads(path.read_bytes())
    edge_card.read(edge_card.write(path.parent / "box", bytes.fromhex(given.pop("packed", "")), given))


def _policies() -> st.SearchStrategy[bytes]:
    packed = st.one_of(bent.arrays_of((LAYERS, {"format": 1})), st.just(pack(LAYERS, {})))
    cards = st.one_of(bent.trees([BOX], floats=False), st.just(BOX)).filter(lambda card: isinstance(card, dict))
    return st.builds(lambda card, data: bent.text_of(card | {"packed": data.hex()}), cards, packed)


def _orders(path: Path) -> None:
    """A message of limits, and what was kept of one."""
    told = json.loads(path.read_bytes())
    box = Envelope(5.0, path.with_name("kept.json"), lambda: 0.5)
    box.receive(1.0, told)
    box.limits(2.0)


def _kept(path: Path) -> None:
    list(records(path))
    limits = Envelope(5.0, path, lambda: 0.5).limits(2.0)
    assert min(limits.import_kw, limits.export_kw) >= 0


def _run(path: Path) -> None:
    """A run whose summary this is."""
    folder = path.parent / "a-1"
    folder.mkdir()
    (folder / "scenario.toml").touch()
    (folder / "days.parquet").write_bytes(_parquet(HOMES))
    told = path.read_bytes()
    with contextlib.suppress(ValueError):
        if isinstance(tree := json.loads(told), dict):
            told = json.dumps(sealed(tree)).encode()
    (folder / "summary.json").write_bytes(told)
    table_of_runs(path.parent)
    try:
        read_summary(folder)
    finally:
        read_table(folder, "days")


def _flags() -> st.SearchStrategy[bytes]:
    values = st.one_of(
        st.sampled_from(bent.VALUES).map(json.dumps),
        st.text(max_size=30),
        st.sampled_from(["{a=1}", '{part="idle"}', "[[1]]", "1..5"]),
    )
    return st.builds(lambda *told: "\n".join(f"{a}={b}" for a, b in told).encode("utf-8", "replace"),
                     *[st.tuples(st.sampled_from(FLAGS), values)] * 2)  # fmt: skip


def _chat(path: Path) -> None:
    talk = dialogue.opened(path)
    dialogue.turn(talk, None)
    dialogue.turn(talk, "yes, and 20 degrees")


def _flock(path: Path) -> None:
    read_flock(path, {})


READERS: dict[str, Reader] = {
    "meter file, bytes": Reader("a.csv", bent.damaged(LAYOUTS), by_layout),
    "meter file, tables": Reader("a.csv", st.one_of(bent.tables(), bent.tables(("time", "load_kwh"))), by_layout),
    "meter file, with settings": Reader("a.csv", bent.tables(("time", "kWh")), as_table(zone="Europe/Oslo", net="split", columns={"load": "kWh"}, units={"load": "kWh"})),
    "meter file, Parquet": Reader("a.parquet", st.one_of(bent.frames(), bent.frames(), bent.damaged([_parquet(HOMES)])), by_layout),
    "flock to be judged": Reader("a.csv", st.one_of(bent.damaged([_csv(WEEKS), _csv(HOMES)]), bent.tables(("home", "time", "load_kw"))), _flock),
    "flock to be judged, Parquet": Reader("a.parquet", st.one_of(bent.frames(), bent.damaged([_parquet(HOMES)])), _flock),
    "meters to settle": Reader("a.csv", st.one_of(bent.damaged([_csv(METERS)]), bent.tables(("time", "home", "net_kwh"))), read_meters),
    "gzip": Reader("a.csv.gz", st.one_of(bent.damaged([gzip.compress(_csv(WIDE), mtime=0)]), bent.tables().map(gzip.compress)), by_layout),
    "zip": Reader("a.zip", st.one_of(bent.damaged([_zip({"a.csv": _csv(WIDE), "b/c.csv": _csv(WIDE)})]),
                                     bent.tables().map(lambda data: _zip({"a.csv": data, "b.csv": data}))), by_layout),
    "XLSX": Reader("a.xlsx", st.one_of(bent.damaged([sheet(CELLS.decode())]), bent.damaged([CELLS]).map(lambda cells: sheet(cells.decode("latin-1")))), by_layout),
    "Green Button XML": Reader("a.xml", bent.damaged([GREEN]), as_table(zone="America/Los_Angeles")),
    "sessions": Reader("a.csv", st.one_of(bent.damaged([SESSIONS]), bent.tables(("user_id", "plugin_time", "plugout_time", "energy_session"))), by_layout),
    "sessions by mapping": Reader("a.csv", bent.tables(("user_id", "plugin_time", "plugout_time", "energy_session")), as_table(zone="Europe/Oslo", **CHARGED)),
    "sessions, JSON": Reader("a.json", st.one_of(bent.damaged([EVSE]), bent.trees([json.loads(EVSE)]).map(bent.text_of)), by_layout),
    "prices": Reader("a.csv", st.one_of(bent.damaged([PRICES]), bent.tables(("time", "import_per_kwh", "export_per_kwh"))),
                     lambda path: price_table.from_file(str(path), READINGS)),
    "limits of charging": Reader("a.csv", st.one_of(bent.damaged(LIMITS), bent.tables(("time", "limit_kw")), bent.tables(("hour", "limit_kw"))),
                                 lambda path: limit_table.from_file(str(path), READINGS)),
    "tariffs": Reader("a.csv", st.one_of(bent.damaged([TARIFFS]), bent.tables(("home", "import_per_kwh", "export_per_kwh"))),
                      lambda path: read_tariffs(path, ("H0", "H1"))),
    "communities": Reader("a.csv", st.one_of(bent.damaged([BELONGS]), bent.tables(("home", "community", "share"))),
                          lambda path: read_communities(path, ("H0", "H1"))),
    "homes.file": Reader("a.csv", st.one_of(bent.damaged([HOMES_FILE]), bent.tables(("home", "kind", "terminal"))), lambda path: homes_file.read(
        SCENARIO.homes.model_copy(update={"file": str(path), "count": 2}), OWN)),
    "format of a meter file": Reader("a.toml", bent.damaged([FORMAT]), lambda path: format_of(str(path))),
    "scenario": Reader("a.toml", bent.damaged([TOML]), load),
    "flags of a scenario": Reader("flags", _flags(), lambda path: load(None, path.read_text().split("\n"))),
    "feeder file": Reader("a.feeder", st.one_of(bent.damaged([to_bytes(IEEE13().circuit())]), bent.arrays_of(unpack(to_bytes(IEEE13().circuit())))),
                          lambda path: from_bytes(path.read_bytes(), str(path))),
    "region": Reader("a.safetensors", st.one_of(bent.damaged([bundle.bundled()["london"].read_bytes()]), *[bent.arrays_of(
        unpack(bundle.bundled()["london"].read_bytes()))] * 3), bundle.load),
    "checkpoint": Reader("a.safetensors", st.one_of(bent.damaged([pack(ARRAYS, {"rounds": 7})]), bent.arrays_of((ARRAYS, {"rounds": 7, "curve": [{"round": 1}]}))),
                         _checkpoint),
    "policy of a box": Reader("policy", _policies(), _policy),
    "limits told to a box": Reader("orders", bent.trees([ORDERS]).map(bent.text_of), _orders),
    "state of a box": Reader("state", st.one_of(bent.damaged([bent.text_of(KEPT)]), bent.trees([KEPT]).map(bent.text_of)), _kept),
    "summary of a run": Reader("summary", st.one_of(bent.damaged([bent.text_of(SUMMARY)]), bent.trees([SUMMARY]).map(bent.text_of)), _run),
    "game": Reader("a.json", st.one_of(bent.damaged([bent.text_of(each) for each in GAMES]), bent.trees(GAMES).map(bent.text_of)), game_file.read),
    "conversation": Reader("a.json", st.one_of(bent.damaged([bent.text_of(TALKS[0])]), bent.trees(TALKS).map(bent.text_of)), _chat),
    "answers of residents": Reader("a.jsonl", st.one_of(bent.damaged([bent.text_of(LINES[0])]), bent.trees(LINES).map(bent.text_of)), lines_of),
    "OpenDSS text": Reader("a.dss", bent.damaged([DSS]), lambda path: Script(path, VERBS, ["mode", "datapath", "voltagebases"])),
}  # fmt: skip
