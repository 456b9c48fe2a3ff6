"""What is left at the end of a day: worth as much as it takes to have it again, by exact values."""

import jax
import jax.numpy as jnp
import pytest

from wattflock.core.registry import interface, parts

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
