"""Forecasts of the sun: exact means, errors that grow with the horizon and differ by hour, the truth without errors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wattflock.data.sample import ahead
from wattflock.data.sun_forecast import errors, factor, forecasts


def day(steps: int, error: float | np.ndarray) -> tuple[jax.Array, jax.Array]:
    """One day of two homes, the second with twice the sun of the first."""
    sun = np.arange(1.0, steps + 1)[None, :, None] * np.array([1.0, 2.0])
    return jnp.asarray(sun), jnp.broadcast_to(jnp.asarray(error, float), (1, steps))


@pytest.mark.parametrize(
    ("lead_h", "wanted"), [(0, 1.0), (1, 1.1), (4, 1.2), (9, 1.3), (24, 1.3)], ids=["now", "1h", "4h", "9h", "24h"]
)
def test_an_error_grows_with_the_root_of_the_horizon_to_nine_hours(lead_h, wanted):
    assert factor(0.2, lead_h) == pytest.approx(wanted)


def test_no_forecast_is_negative():
    assert factor(-0.9, 9) == 0


def test_forecasts_are_means_and_sums_of_what_each_hour_is_thought_to_be():
    sun, error = day(6, np.array([9, 9, 0.4, -0.2, 0, 0]))
    near, rest = forecasts(sun, error, 4.0)  # steps of four hours: the next step, one horizon away
    assert near[0, 1].tolist() == pytest.approx([3 * 1.4, 6 * 1.4])
    assert near[0, 5].tolist() == pytest.approx([6, 12]), "no step is left: the last one"
    third = 4 * (1 - 0.2 * 2**0.5)  # 8 h ahead: √2 times the error
    assert rest[0, 1, 0] == pytest.approx(4 * (3 * 1.4 + third + 5 + 6))
    assert rest[0, 5].tolist() == [0, 0]


@pytest.mark.parametrize("dt_h", [1.0, 0.5])
def test_without_errors_it_is_the_truth(dt_h):
    sun, error = day(round(24 / dt_h), 0.0)
    near, rest = forecasts(sun, error, dt_h)
    np.testing.assert_allclose(near, ahead(sun, round(4 / dt_h)), rtol=1e-6)
    np.testing.assert_allclose(rest, dt_h * (jnp.cumsum(sun[:, ::-1], 1)[:, ::-1] - sun), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("steps", [24, 48])
def test_errors_have_the_stated_size_and_fade_over_three_hours(steps):
    found = np.asarray(errors(jax.random.key(0), 20_000, steps, 0.2))
    np.testing.assert_allclose(found.std(0), 0.2, rtol=0.03)
    hours = steps // 24
    for apart_h in (1, 3, 12):
        pairs = np.corrcoef(found[:, 0], found[:, apart_h * hours])[0, 1]
        assert pairs == pytest.approx(np.exp(-apart_h / 3), abs=0.03)
