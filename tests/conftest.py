"""What all tests share: strict numerics, a compile cache, and one small flock of many devices, built once."""

import gc
from collections import Counter
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wattflock.core import compile_cache
from wattflock.core.scenario import Scenario, load
from wattflock.core.types import Profile, cast, on_device
from wattflock.study.build import Built, build
from wattflock.synth import generate
from wattflock.world.world import World

compile_cache.enable()
gc.freeze()
gc.set_threshold(100_000, 20, 100)  # a trace makes millions of small objects that all live on
jax.config.update("jax_traceback_in_locations_limit", 0)  # which nobody reads
jax.config.update("jax_numpy_rank_promotion", "raise")


def kinds_of(panels: float = 0.6, **shares: float) -> str:
    """`homes.kinds` with one device a home, in these shares; a share `panels` of each also has a panel."""
    kinds = [
        f'{{name="{device}{more}", share={share * part:.6g}, devices={[device, *more.split("+")[1:]]}}}'
        for device, share in shares.items()
        for more, part in (("", 1 - panels), ("+panel", panels))
        if part
    ]
    return f"homes.kinds=[{', '.join(kinds)}]"


EVERY = kinds_of(battery=0.2, heat_pump=0.2, generator=0.15, ev=0.15, appliance=0.15, inverter=0.15)
SMALL = ["homes.count=20", "homes.homes_per_agent=100", EVERY]
FEWER_MADE = {name: ["data.settings.homes=20"] for name in ("flexibility", "flexibility-lv", "thousand")}
NOW = {
    "start": 0.5, "load_kw": 0.7, "load_last_kw": 0.6, "load_recent_kwh": 3.5, "sun_kw_per_kwp": 0.6,
    "sun_ahead_kw_per_kwp": 0.5, "sun_rest_kwh_per_kwp": 2.0, "ev_plugged": 1.0, "ev_driving_kwh": 0.0,
    "sun_error": 0.0, "outdoor_c": 5.0,
    "import_price_per_kwh": 0.25, "export_price_per_kwh": 0.2, "price_ahead_per_kwh": 0.3,
    "carbon_kg_per_kwh": 0.2, "hour": 12.0, "weekend": 0.0, "dt_h": 1.0,
}  # fmt: skip


MAPS = Path("/proc/self/maps")
MOST_MAPS = 20_000  # of the 65,530 that Linux grants a process: beyond them LLVM crashes while it compiles


def pytest_collection_modifyitems(items: list[pytest.Item]):
    """Files with few tests that take long begin first: no worker is left alone with one at the end."""
    tests = Counter(item.path for item in items)
    long = {item.path for item in items for mark in ("study", "slow") if item.get_closest_marker(mark)}
    items.sort(key=lambda item: (item.path not in long, tests[item.path]))


@pytest.fixture(scope="module", autouse=True)
def compiled_programs_are_given_back():
    """Each compiled program holds some ten memory maps: thousands of programs in one process are too many."""
    yield
    if MAPS.exists() and MAPS.read_bytes().count(b"\n") > MOST_MAPS:
        jax.clear_caches()


@pytest.fixture(scope="module")
def small_blocks():
    """Homes are made by 40 at a time instead of 1,000, whatever is asked for: where only laws are looked at."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generate, "BLOCK", 40)
        yield


@pytest.fixture(scope="session")
def small() -> list[str]:
    """What `--set` is told to make the small scenario of the demo's."""
    return SMALL


@pytest.fixture(scope="session")
def scenario() -> Scenario:
    """Twenty agents that stand for 2,000 homes, of all devices but `house` and `deferrable` (see `flexibility`)."""
    return load(None, SMALL)


@pytest.fixture(scope="session")
def built(scenario) -> Built:
    """World and sampler of the small scenario, float64 on the host."""
    return build(scenario)


@pytest.fixture(scope="session")
def world(built) -> World:
    """The world to train in, float32."""
    return on_device(built.world, "float32")


@pytest.fixture(scope="session")
def profile(built) -> Profile:
    """Two training days, float32."""
    return eqx.filter_jit(built.sampler.train)(jax.random.key(5), 2)


@pytest.fixture(scope="session")
def world64(built) -> World:
    """The world to verify in; use it together with `float64`."""
    with jax.enable_x64(True):
        return jax.tree.map(jnp.asarray, cast(built.world, np.float64))


@pytest.fixture(scope="session")
def profile64(profile) -> Profile:
    """The same two days in float64."""
    with jax.enable_x64(True):
        return cast(profile, jnp.float64)


@pytest.fixture
def float64():
    """Work in float64."""
    with jax.enable_x64(True):
        yield


@pytest.fixture(scope="session")
def moment():
    """Makes what one home gets from outside at one moment: `moment(hour=8.0)`, shape ()."""

    def make(**changes) -> Profile:
        return Profile(**{name: jnp.asarray(value, float) for name, value in (NOW | changes).items()})

    return make
