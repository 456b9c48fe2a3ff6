"""Adding a device, a learner, a market, a source or a feeder of any size is adding one file, and nothing else."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from wattflock.core.registry import ROOMS

TANK = '''
"""A hot-water tank: the only file a new device needs."""

from typing import ClassVar, Self

import jax.numpy as jnp
import numpy as np

from wattflock.homes.device import Device, effect, ratio, share
from wattflock.core.types import Scalar


class Tank(Device):
    """Mixed hot-water tank that is drawn from all day. Source: energy balance of one volume."""

    sizes: ClassVar = ("limit_kw", "size_kwh")
    level: ClassVar = ("stored heat", "kWh")
    ranges: ClassVar = {"size_kwh": (4.0, 9.0)}

    limit_kw: Scalar
    size_kwh: Scalar

    @classmethod
    def example(cls) -> Self:
        return cls(*map(jnp.asarray, (2.0, 6.0)))

    def init(self, now):
        return self.size_kwh * (0.3 + 0.4 * now.start)

    def step(self, state, action, now):
        """Heat with a share of full power, never above `size_kwh`; a thirtieth is used each hour."""
        used_kwh = state * now.dt_h / 30
        room_kw = (self.size_kwh - state + used_kwh) / now.dt_h
        power_kw = jnp.minimum(share(action[0]) * self.limit_kw, room_kw)
        return state - used_kwh + power_kw * now.dt_h, effect(power_kw, now.dt_h, used_kwh=used_kwh)

    def stored_kwh(self, state):
        return state

    def observe(self, state, now):
        return ratio(state, self.size_kwh)[None]

    def idle(self, state, now):
        return jnp.zeros_like(state)[None]

    def plan(self, program, day, state):
        present = np.broadcast_to(self.size_kwh > 0, day.load_kw.shape)
        power = program.columns(0.0, self.limit_kw, 0.0, present)
        return [(power, 1.0)]
'''
GUESS = '''
"""Random search: the only file a new learner needs."""

from typing import Annotated

import jax
import jax.numpy as jnp
from pydantic import Field

from wattflock.learn.learner import Learner
from wattflock.world.rollout import Policy, judge, rollout
from wattflock.world.world import measures


class _Still(Policy):
    action: jax.Array

    def __call__(self, memory, seen, key):
        return memory, self.action


class Guess(Learner):
    """Keep a action_offset if the day went better. Source: Rastrigin 1963."""

    size: Annotated[float, Field(gt=0)] = 0.1

    @classmethod
    def example(cls):
        return cls()

    def init(self, world, key):
        return jnp.zeros((world.homes, world.fleet.controls)), jnp.array(jnp.inf, jnp.float32)

    def policy(self, state):
        return _Still(state[0])

    def rounds(self):
        return 10

    def update(self, state, world, draw, key):
        action, best = state
        trial = action + self.size * jax.random.normal(key, action.shape)
        profile = draw(key, 1)
        outcome = judge(world, rollout(world, _Still(trial), profile, key), profile)
        found = measures(world.limits, outcome)
        better = found["cost"] < best
        state = jnp.where(better, trial, action), jnp.where(better, found["cost"], best)
        return state, found | {"objective": found["cost"]}
'''
FLAT = '''
"""One price for all: the only file a new market needs."""

from typing import Annotated

import jax.numpy as jnp
from pydantic import Field

from wattflock.market.market import Market, Settlement


class Flat(Market):
    """The same price at all hours, both ways. Source: definition."""

    price_per_kwh: Annotated[float, Field(ge=0, description="[currency per kWh]")] = 0.3

    @classmethod
    def example(cls):
        return cls()

    def settle(self, meter):
        bill = self.price_per_kwh * meter.net_kwh
        return Settlement(bill, jnp.zeros_like(bill.sum(-1)), bill.sum(-1))
'''
CROWDED = '''
"""A feeder of more than 300 terminals: the only file a new feeder needs."""

import dataclasses
import itertools

from wattflock.feeder.circuit import GROUND, Circuit
from wattflock.feeder.feeders.ieee123 import IEEE123
from wattflock.feeder.source import FeederSource


class Crowded(FeederSource):
    """IEEE 123 with a load at every node and between any two phases of a bus. Source: IEEE PES Test Feeders."""

    def network(self):
        return None

    def circuit(self) -> Circuit:
        circuit = IEEE123().circuit()
        at = {name: number for number, name in enumerate(circuit.nodes) if not name.startswith("610")}  # it floats
        buses = itertools.groupby(at, key=lambda node: node.rpartition(".")[0])
        places = [(number, GROUND) for number in at.values()]
        places += [pair for _, nodes in buses for pair in itertools.combinations([at[n] for n in nodes], 2)]
        spots = [
            dataclasses.replace(
                circuit.spots[0], name=f"s{number}", plus=plus, minus=minus, kw=5.0, kvar=1.0,
                rated_kv=circuit.node_kv[plus] * (1 if minus == GROUND else 3**0.5),
            )
            for number, (plus, minus) in enumerate(places)
        ]
        return dataclasses.replace(circuit, spots=tuple(spots))
'''
METERS = '''
"""Files of its own layout: the only file a new source needs."""

import datetime

import equinox as eqx
import polars as pl

from wattflock.data.complete import PriceSource, to_readings
from wattflock.data.files import listed
from wattflock.data.raw import Raw, period
from wattflock.data.source import DataSource, FilePath

DAYS = 42


class Meters(DataSource):
    """A column of kW for each of two homes, a row for each hour from 5 January 2015. Source: made here."""

    path: FilePath = eqx.field(default="", static=True)

    @classmethod
    def example(cls, folder):
        file = folder / "meters.csv"
        file.write_text("".join(f"{0.3 + hour % 24 / 40},{1 - hour % 24 / 40}\\n" for hour in range(24 * DAYS)))
        return cls(str(file))

    def raw(self):
        (file,) = listed(self.path, "a CSV with a column for each home")
        table = pl.read_csv(file, has_header=False, new_columns=["one", "two"]).with_row_index("row", 1)
        hours = pl.duration(hours=pl.col("row").cast(pl.Int64) - 1)
        homes = table.with_columns(time=pl.lit(datetime.datetime(2015, 1, 5)) + hours, file=pl.lit(0, pl.UInt16))
        homes = homes.unpivot(["one", "two"], index=["file", "row", "time"], variable_name="home", value_name="load_kw")
        card = {"source": "meters", "owner": "nobody", "licence": "none", "period": period(homes["time"])}
        return Raw((file.name,), "", "whole", "USD", card, homes.with_columns(pl.col("row").cast(pl.UInt32)))

    def read(self):
        return to_readings(self.raw(), PriceSource("california", ""))
'''
FILES = {
    "homes/tank.py": TANK, "learn/guess.py": GUESS, "market/flat.py": FLAT,
    "feeder/crowded.py": CROWDED, "data/meters.py": METERS,
}  # fmt: skip
SETS = (
    "homes.count=20", "homes.homes_per_agent=100", "homes.kinds=[{name='tank', share=0.6, devices=['tank']}]",
    "market.part=flat", "market.settings.price_per_kwh=0.5", "learn.part=guess", "learn.settings.size=0.3",
    "judge.methods=['guess']", "judge.bound_days=0", "judge.test_days=2",
)  # fmt: skip


@pytest.fixture(scope="module")
def wattflock(tmp_path_factory):
    """Runs a command with a folder of new parts in WATTFLOCK_PARTS."""
    folder = tmp_path_factory.mktemp("add")
    for name, text in FILES.items():
        (folder / "mine" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "mine" / name).write_text(text)
    command = [sys.executable, "-c", "from wattflock.apps.cli import main; main()"]
    environment = {**os.environ, "WATTFLOCK_PARTS": str(folder / "mine"), "COLUMNS": "200"}

    def run(*words: str) -> subprocess.CompletedProcess:
        result = subprocess.run([*command, *words], capture_output=True, text=True, cwd=folder, env=environment)
        assert result.returncode == 0, result.stderr
        return result

    run.folder = folder  # type: ignore
    return run


@pytest.mark.slow
def test_three_new_files_are_a_study(wattflock):
    wattflock("compare", *(word for each in SETS for word in ("--set", each)))
    (run,) = (wattflock.folder / "runs").iterdir()
    summary = json.loads((run / "summary.json").read_text())
    assert summary["scenario"]["homes"]["kinds"] == [{"name": "tank", "share": 0.6, "devices": {"tank": {}}}]
    methods = summary["methods"]
    assert set(methods) == {"idle", "guess"}
    energy = {name: method["import_kwh_per_home_day"] for name, method in methods.items()}
    for name, method in methods.items():
        assert method["cost_per_home_day"] == pytest.approx(0.5 * energy[name])
    assert energy["guess"] != pytest.approx(energy["idle"])
    judged = wattflock("evaluate", run.name, "--method", "guess", "--days", "2")
    assert "guess" in judged.stdout


@pytest.mark.slow
def test_they_are_listed_and_explained(wattflock):
    listed = wattflock("parts").stdout
    assert all(word in listed for word in ("tank", "guess", "flat"))
    assert "size_kwh = 6" in wattflock("explain", "tank").stdout
    assert "market.settings.price_per_kwh = 0.3" in wattflock("explain", "flat").stdout


@pytest.mark.slow
def test_they_pass_the_tests_of_their_rooms(wattflock):
    """The tests of a room run over new parts as they stand."""
    tests = Path(__file__).parents[1]
    environment = {**os.environ, "WATTFLOCK_PARTS": str(wattflock.folder / "mine")}
    files = [str(tests / "contract" / f"test_{room}.py") for room in ("homes", "market", "learn", "data", "feeder")]
    names = [Path(name).stem for name in FILES]
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "-k", " or ".join(names), "-p", "no:cacheprovider", *files]
    command.append(str(tests / "properties" / "test_energy.py"))
    result = subprocess.run(command, capture_output=True, text=True, cwd=tests.parent, env=environment)
    assert result.returncode == 0, result.stdout[-3000:]
    for name in names:
        assert f"[{name}" in result.stdout.replace("-", "["), name


def test_every_kind_of_part_that_is_added_has_its_room():
    assert {name.split("/")[0] for name in FILES} <= set(ROOMS)
