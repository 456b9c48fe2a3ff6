"""Adding a device, a learner and a market is adding one file each; nothing else is touched."""

import json
import os
import subprocess
import sys

import pytest

from wattflock.core.registry import ROOMS

TANK = '''
"""A hot-water tank: the only file a new device needs."""

from typing import ClassVar, Self

import jax.numpy as jnp
import numpy as np

from wattflock.homes.device import Device, effect, ratio, share
from wattflock.types import Scalar


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
        return jnp.zeros((world.homes, world.fleet.controls)), jnp.asarray(jnp.inf)

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
FILES = {"homes/tank.py": TANK, "learn/guess.py": GUESS, "market/flat.py": FLAT}
SETS = (
    "homes.count=20", "homes.homes_per_agent=100", "homes.mix={tank=0.6}", "homes.panel_share_without=0",
    "market.part=flat", "market.settings.price_per_kwh=0.5", "learn.part=guess", "learn.settings.size=0.3",
    "judge.methods=['guess']", "judge.bound_days=0", "judge.test_days=2",
)  # fmt: skip


@pytest.fixture(scope="module")
def wattflock(tmp_path_factory):
    """Runs a command with a folder of three new parts in WATTFLOCK_PARTS."""
    folder = tmp_path_factory.mktemp("add")
    for name, text in FILES.items():
        (folder / "mine" / name).parent.mkdir(parents=True)
        (folder / "mine" / name).write_text(text)
    command = [sys.executable, "-c", "from wattflock.apps.cli import main; main()"]
    environment = {**os.environ, "WATTFLOCK_PARTS": str(folder / "mine"), "COLUMNS": "200"}

    def run(*words: str) -> subprocess.CompletedProcess:
        result = subprocess.run([*command, *words], capture_output=True, text=True, cwd=folder, env=environment)
        assert result.returncode == 0, result.stderr
        return result

    run.folder = folder  # type: ignore
    return run


@pytest.mark.study
def test_three_new_files_are_a_study(wattflock):
    wattflock("compare", *(word for each in SETS for word in ("--set", each)))
    (run,) = (wattflock.folder / "runs").iterdir()
    summary = json.loads((run / "summary.json").read_text())
    assert summary["scenario"]["homes"]["mix"] == {"tank": 0.6}
    methods = summary["methods"]
    assert set(methods) == {"idle", "guess"}
    energy = {name: method["import_kwh_per_home_day"] for name, method in methods.items()}
    for name, method in methods.items():
        assert method["cost_per_home_day"] == pytest.approx(0.5 * energy[name])
    assert energy["guess"] != pytest.approx(energy["idle"])
    judged = wattflock("evaluate", run.name, "--method", "guess", "--days", "2")
    assert "guess" in judged.stdout


@pytest.mark.study
def test_they_are_listed_and_explained(wattflock):
    listed = wattflock("parts").stdout
    assert all(word in listed for word in ("tank", "guess", "flat"))
    assert "size_kwh = 6" in wattflock("explain", "tank").stdout
    assert "market.settings.price_per_kwh = 0.3" in wattflock("explain", "flat").stdout


@pytest.mark.study
def test_they_pass_the_contract_tests(wattflock):
    """The tests of a room run over new parts as they stand."""
    from pathlib import Path

    tests = Path(__file__).parents[1]
    environment = {**os.environ, "WATTFLOCK_PARTS": str(wattflock.folder / "mine")}
    files = [str(tests / "contract" / name) for name in ("test_homes.py", "test_market.py")]
    command = [sys.executable, "-m", "pytest", "-q", "-k", "tank or flat", "-p", "no:cacheprovider", *files]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tests.parent, env=environment)
    assert result.returncode == 0, result.stdout[-3000:]
    assert "passed" in result.stdout


def test_every_kind_of_part_that_is_added_has_its_room():
    assert {name.split("/")[0] for name in FILES} <= set(ROOMS)
