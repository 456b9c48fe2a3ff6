"""What is left at the end of a day: worth as much as it takes to have it again, by exact values."""

from pathlib import Path
from typing import cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.conftest import kinds_of
from wattflock.core.registry import interface, parts
from wattflock.core.scenario import load
from wattflock.core.types import on_device
from wattflock.homes.devices.ev import EV
from wattflock.learn.learners.idle import Uncontrolled
from wattflock.study.build import build
from wattflock.world.rollout import rollout

DEVICES = parts("homes", interface("homes"))
KWH_PER_C = 3.0 / 2.92  # 3 kWh of heat a degree; 2.5 + 0.06 · 7 of heat for one of electricity at 7 °C


@pytest.fixture(scope="module")
def pump():
    """A band of 19 to 22 °C; days begin between 19.6 and 20.8 °C, at 20.2 °C on average."""
    return DEVICES["heat_pump"].example()


@pytest.mark.parametrize(
    ("indoor_c", "cost"),
    [
        (20.2, 0.0),
        (19.2, 0.32 * KWH_PER_C),
        (15.2, 5 * 0.32 * KWH_PER_C),
        (21.2, -0.20 * KWH_PER_C),
        (22.0, -1.8 * 0.20 * KWH_PER_C),
        (30.0, -1.8 * 0.20 * KWH_PER_C),
    ],
)
def test_heat_is_worth_the_electricity_for_it_up_to_the_top_of_the_band(pump, indoor_c, cost):
    assert float(pump.end(jnp.asarray(indoor_c))) == pytest.approx(cost, abs=2e-6)
    assert float(pump.absent().end(jnp.asarray(indoor_c))) == 0


def test_heat_at_the_end_has_a_gradient_where_it_has_a_value(pump):
    slopes = jax.vmap(jax.grad(pump.end))(jnp.array([19.0, 21.0, 25.0]))
    assert slopes == pytest.approx([-0.32 * KWH_PER_C, -0.20 * KWH_PER_C, 0.0], abs=1e-6)


def test_a_house_that_ends_as_days_begin_pays_nothing_on_average(pump, moment):
    begins = jnp.stack([pump.init(moment(start=start)) for start in (0.0, 0.5, 1.0)])
    assert begins == pytest.approx([19.6, 20.2, 20.8], abs=1e-5)
    assert float(pump.end(begins.mean())) == pytest.approx(0, abs=2e-6)


def test_a_car_begins_nearly_full_and_pays_for_what_it_lacks_of_that(moment):
    """60 kWh, of which 99 % is 59.4: a kWh less costs 0.32, half a kWh more earns 0.10."""
    car = DEVICES["ev"].example()
    begins = jnp.stack([car.init(moment(start=start)) for start in (0.0, 0.5, 1.0)])
    assert begins == pytest.approx([58.8, 59.4, 60.0], abs=1e-4)
    ends = jax.vmap(car.end)(jnp.array([39.4, 58.4, 59.4, 59.9]))
    assert ends == pytest.approx([20 * 0.32, 0.32, 0.0, -0.5 * 0.20], abs=1e-5)


@pytest.mark.study
@pytest.mark.parametrize(("name", "changes"), [(None, [kinds_of(ev=1.0)]), ("portfolios", [])])
def test_idle_cars_charge_what_was_driven(name, changes):
    """Over days of the bundled readings, within a tenth; no car needs a public charger."""
    built = build(load(name and Path(name), ["homes.count=20", *changes]))
    days = eqx.filter_jit(built.sampler.train)(jax.random.key(1), 20)
    car = cast(EV, built.world.fleet.devices["ev"])
    alone = eqx.tree_at(lambda w: w.fleet.devices, built.world.bare(), {"ev": car})
    alone, quiet = on_device(alone, "float32"), eqx.tree_at(lambda p: p.load_kw, days, 0 * days.load_kw)
    went = eqx.filter_jit(rollout)(alone, Uncontrolled(), quiet, jax.random.key(0))
    charged_kwh = float((went.effect.power_kw * days.dt_h[..., None]).sum())
    driven_kwh = float((np.asarray(car.present) * np.asarray(days.ev_driving_kwh)).sum())
    assert driven_kwh > 0
    assert charged_kwh == pytest.approx(driven_kwh / 0.92, rel=0.1)
    assert float(went.effect.used_kwh.sum()) == pytest.approx(driven_kwh, rel=1e-4)
