"""Laws of the sun of made homes: nothing above what a panel gives, other places, clocks and seasons."""

import datetime
import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wattflock.core.errors import ScenarioError
from wattflock.data.calendar import calendar
from wattflock.synth import bundle, sun
from wattflock.synth.place import city_of, located, standard_h
from wattflock.synth.sky import CLOUD_EDGE, MIDDLE_H, Sky

FIRST, DAYS, PANELS = datetime.date(2027, 1, 1), 365, 6
ZONES = {"london": "Europe/London", "california": "America/Los_Angeles"}


@eqx.filter_jit
def _year(sky: Sky, when, key, steps: int):
    """Power (days, panels, steps), most by clear sky (days, panels, 24), temperature (days, 24)."""
    traits = jax.vmap(sky.panel)(jax.random.split(jax.random.key(7), PANELS))

    def day(state, given):
        one, key = given
        state, outside = sky.day(state, one, key)
        keys = jax.random.split(jax.random.fold_in(key, 1), PANELS)
        power = jax.vmap(lambda panel, key: sky.sun(panel, outside, key, steps))(traits, keys)
        toward = sun.sun_vector(sky.place, one, MIDDLE_H.astype(np.float32))
        bright = jnp.ones(len(MIDDLE_H))
        clear = sun.light(toward, one.year_part, bright, bright)
        plane = jax.vmap(lambda panel: sun.plane_kw_per_m2(clear, panel.normal))(traits)
        return state, (power, plane.reshape(PANELS, steps, -1).mean(2), toward[:, 2], outside.outdoor_c)

    keys = jax.random.split(key, len(when.day))
    return jax.lax.scan(day, sky.begin(key), (when, keys))[1]


@functools.cache
def region_of(name: str):
    return bundle.load(name)[0]


def year(region, zone: str, seed: int = 0, steps: int = 24):
    when = jax.tree.map(jnp.asarray, calendar(FIRST, DAYS, zone))
    return [np.asarray(each) for each in _year(region.sky, when, jax.random.key(seed), steps)]


def months(daily: np.ndarray) -> np.ndarray:
    """Sum of each month, (12,)."""
    month = np.asarray(calendar(FIRST, DAYS).month)
    return np.array([daily[month == k].sum() for k in range(1, 13)])


@pytest.mark.slow
@pytest.mark.parametrize("name", ZONES)
def test_no_hour_is_above_a_clear_skys_light_on_the_panel_and_nights_are_dark(name):
    power, clear, up, _ = year(region_of(name), ZONES[name])
    assert (power <= CLOUD_EDGE * clear + 1e-5).all() and power.max() <= 1.0
    assert power.max() > 0.8, "panels of a year reach their best hours"
    night = (up.reshape(DAYS, 24, -1) <= 0).all(-1)
    assert night.sum() > 3500 and (power.transpose(0, 2, 1)[night] == 0).all()
    fine, clear, up, _ = year(region_of(name), ZONES[name], steps=288)
    assert (fine <= CLOUD_EDGE * clear + 1e-5).all() and (fine.transpose(0, 2, 1)[up <= 0] == 0).all()
    assert np.allclose(fine.reshape(DAYS, PANELS, 24, 12).mean(-1), power, atol=1e-5)


def test_july_is_winter_in_the_south_and_panels_look_north():
    sydney = located(region_of("london"), "Europe/London", "Australia/Sydney", None, None)
    north, south = region_of("london"), sydney
    power, _, up, outdoor_c = year(south, "Australia/Sydney")
    warm, light = months(outdoor_c.mean(1)) / months(np.ones(DAYS)), months(power.sum(2).mean(1))
    assert warm[[5, 6, 7]].max() < warm[[0, 1, 11]].min() - 8 and light[[0, 11]].min() > 1.4 * light[[5, 6]].max()
    theirs = months(year(north, "Europe/London")[3].mean(1)) / months(np.ones(DAYS))
    assert np.abs(warm - np.roll(theirs, 6)).max() < 4, "London's July is Sydney's January"
    assert abs(90 - np.rad2deg(np.arcsin(up[171].max())) - (33.87 + 23.44)) < 0.2, "noon of 21 June"
    panel = jax.jit(jax.vmap(sydney.sky.panel))(jax.random.split(jax.random.key(0), 40))
    assert np.asarray(panel.normal)[:, 1].mean() > 0.3
    heat = [float(np.maximum(15.2 - outdoor_c.mean(1)[k : k + 31], 0).sum()) for k in (0, 181)]
    assert heat[1] > 3 * heat[0] + 50, "degree days of January and July"


def test_a_zone_of_half_hours_has_its_noon_by_its_own_clock():
    assert standard_h("Asia/Kolkata") == 5.5 and city_of("Asia/Kolkata") == pytest.approx((22.53, 88.37), abs=0.01)
    delhi = located(region_of("london"), "Europe/London", "Asia/Kolkata", 28.61, 77.21)
    when = jax.tree.map(lambda x: jnp.asarray(x[0]), calendar(datetime.date(2027, 4, 15), 1, "Asia/Kolkata"))
    toward = sun.sun_vector(delhi.sky.place, when, jnp.arange(0, 24, 1 / 60))
    assert abs(float(toward[:, 2].argmax()) / 60 - (12 + (82.5 - 77.21) / 15)) < 0.03
    assert located(region_of("london"), "Europe/London", "Europe/London", None, None) is region_of("london")


@pytest.mark.parametrize(
    ("zone", "place", "field"),
    [
        ("Mars/Base", (None, None), "--zone"),
        ("Asia/Kolkata", (28.6, None), "--longitude"),
        ("Asia/Kolkata", (28.6, -77.2), "--longitude"),
        ("Etc/UTC", (None, None), "--latitude"),
        ("Arctic/Longyearbyen", (None, None), "--latitude"),
    ],
)
def test_a_place_that_cannot_be_is_refused(zone, place, field):
    with pytest.raises(ScenarioError, match=field):
        located(region_of("london"), "Europe/London", zone, *place)
