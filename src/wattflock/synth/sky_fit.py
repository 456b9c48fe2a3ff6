"""Measured panels and weather → a whole sky: each panel's tilt, direction and gain, and the clouds."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from wattflock.data.calendar import When
from wattflock.synth import sun
from wattflock.synth.cloud_fit import (
    as_bright,
    cloud_scores,
    fill_dark,
    fit_beam,
    fit_clouds,
    fit_warmth,
    hourly_clear,
    standard,
)
from wattflock.synth.sky import LOW, MIDDLE_H, Sky, jumps
from wattflock.synth.sun import Place

GRID = np.concatenate([np.linspace(0, 1.3, 27), [1.6]])
CLEAR = int(np.argmin(np.abs(GRID - 1)))  # where GRID is 1
JUMPS = np.array([0.0, 0.02, 0.05, 0.1, 0.2, 0.4])
OFF = 0.005  # kWh per kW peak of a whole day, below which a panel is taken to be off where others are not
LEAST_SUN = 0.05  # kW per kW peak under a clear sky, below which a reading is not used for clouds


class PanelLight:
    """Light of each day and hour at every clearness of GRID: input of the panels' fit."""

    def __init__(self, place: Place, when: When, beam, outdoor_c):
        def day(one, k):
            toward = sun.sun_vector(place, one, MIDDLE_H.astype(np.float32))
            whole = jnp.full(MIDDLE_H.shape, k)
            share = jnp.interp(whole, jnp.asarray(beam["clearness"]), jnp.asarray(beam["share"]))
            there = sun.light(toward, one.year_part, whole, share)
            low = jnp.exp(-jnp.maximum(toward[:, 2], 0) / LOW)
            both = there.beam, there.diffuse, there.ground, low * (toward[:, 0] > 0), low * (toward[:, 0] <= 0)
            return jax.tree.map(lambda x: x.reshape(24, -1, *x.shape[1:]).mean(1), both)

        each = jax.vmap(jax.vmap(day, (None, 0)), (0, None))
        got = jax.jit(each)(when, jnp.asarray(GRID, jnp.float32))
        self.beam, self.diffuse, self.ground, self.morning, self.evening = (np.asarray(x, float) for x in got)
        self.outdoor_c = outdoor_c

    def power(self, panel, k=slice(None)) -> np.ndarray:
        """Power at the clearness GRID[k] (days, k, 24) [kW per kW peak] of a panel (tilt, azimuth, gain, losses)."""
        tilt, azimuth = np.deg2rad(panel[0]), np.deg2rad(panel[1])
        normal = np.array([np.sin(tilt) * np.sin(azimuth), np.sin(tilt) * np.cos(azimuth), np.cos(tilt)])
        plane = np.maximum(self.beam[:, k] @ normal, 0)
        plane = plane + self.diffuse[:, k] * (1 + normal[2]) / 2 + self.ground[:, k] * (1 - normal[2]) / 2
        open_share = 1 - panel[3] * self.morning[:, k] - panel[4] * self.evening[:, k]
        return np.maximum(panel[2] * plane * sun.cell_loss(plane, self.outdoor_c[:, None]) * open_share, 0)


def fit_panel(scene: PanelLight, power: np.ndarray, share: float = 0.92) -> np.ndarray:
    """Tilt, azimuth [deg], gain and the two losses of one home (days, 24): its upper envelope is a clear sky's.

    `share` is the quantile of a day's neighbours that counts as clear: higher for places with few clear days.
    """
    days = np.arange(0, len(power), 6)
    envelope = np.stack([np.nanquantile(power[max(0, d - 12) : d + 13], share, axis=0) for d in days])

    def miss(panel):
        return (scene.power(panel, slice(CLEAR, CLEAR + 1))[days, 0] - envelope).ravel()

    from scipy.optimize import least_squares  # as long to import as JAX itself

    bounds = ([0, 60, 0.2, -0.3, -0.3], [70, 300, 1.6, 1, 1])
    tries = (
        least_squares(miss, (25.0, start, 0.8, 0.1, 0.1), bounds=bounds, loss="soft_l1", f_scale=0.05, diff_step=1e-3,
                      x_scale=(10, 30, 0.2, 0.3, 0.3))
        for start in (120.0, 180.0, 240.0)
    )  # fmt: skip
    return min(tries, key=lambda result: result.cost).x


def clearness_of(scene: PanelLight, panels: np.ndarray, power: np.ndarray) -> np.ndarray:
    """The region's clearness (days, 24): median over the homes; NaN in the dark."""
    said = np.full(power.shape, np.nan)
    off = np.nansum(power, -1) <= OFF
    off &= ~off.all(0)  # where all are dark, it is the sky
    for home, panel in enumerate(panels):
        table = scene.power(panel).transpose(0, 2, 1)  # days, 24, grid
        usable = (table[..., CLEAR] > LEAST_SUN) & ~np.isnan(power[home])
        usable &= ~off[home][:, None]
        for d, h in zip(*np.nonzero(usable), strict=True):
            rising = np.maximum.accumulate(table[d, h])
            said[home, d, h] = np.interp(power[home, d, h], rising, GRID)
    return _median(said, 0)


def fit_local(
    scene: PanelLight, panels: np.ndarray, power: np.ndarray, clearness: np.ndarray, when: When
) -> tuple[np.ndarray, dict[str, Any]]:
    """Gains that match each home's energy, and how far its hours and days deviate from the region's sky.

    Returns:
        Panels with corrected gains, and `Sky.local`.
    """
    panels, strays = panels.copy(), []
    place = np.arange(len(GRID))
    for home, panel in enumerate(panels):
        table = scene.power(panel)
        at = np.interp(np.nan_to_num(clearness), GRID, place)
        low = np.minimum(at.astype(int), len(GRID) - 2)
        d, h = np.ogrid[: table.shape[0], :24]
        expected = table[d, low, h] * (1 - (at - low)) + table[d, low + 1, h] * (at - low)
        on = (np.nansum(power[home], -1) > 0.1 * expected.sum(-1))[:, None] & ~np.isnan(power[home])
        good = on & ~np.isnan(clearness)
        mended = power[home][good].sum() / expected[good].sum()
        panels[home, 2] *= mended
        ratio = power[home] / np.maximum(expected * mended, 1e-3)
        strays.append(np.where(good & (expected > 0.15), np.clip(ratio, 0, 2.5) - 1, np.nan))
    return panels, _widths(np.stack(strays), clearness, np.asarray(when.month))


def _widths(strays, clearness, month):
    for m in np.unique(month):  # a home's usual shape in a month is geometry that we miss, not noise
        strays[:, month == m] -= np.nan_to_num(_median(strays[:, month == m], 1))[:, None]
    day = _median(strays, 2)
    strays = strays - day[..., None]
    jump = np.broadcast_to(np.asarray(jumps(jnp.asarray(fill_dark(clearness)))), strays.shape)
    near = np.abs(jump[..., None] - JUMPS).argmin(-1)
    known = ~np.isnan(strays)
    hour = [_width(strays[known & (near == n)]) for n in range(len(JUMPS))]
    found = {"jump": JUMPS, "hour": hour, "day": _width(day[~np.isnan(day)])}
    return {name: np.asarray(value, np.float32) for name, value in found.items()}


def _median(values, axis):
    """The median, NaN where all are missing, without a warning."""
    none = np.isnan(values).all(axis)
    return np.where(none, np.nan, np.nanmedian(np.where(np.expand_dims(none, axis), 0, values), axis))


def _width(values):
    """Standard deviation of `heavy` noise with the same middle 90 %; outages and torn clocks lie outside."""
    low, high = np.quantile(values, [0.05, 0.95])
    return (high - low) / 2 / (7**0.5 * 0.9**3)


NAMES = ("tilt_deg", "azimuth_deg", "gain", "morning", "evening")


@dataclasses.dataclass(frozen=True)
class Panels:
    """Measured panels of one neighbourhood, a whole year at least."""

    power: np.ndarray  # (homes, days, 24), mean of each hour of the local clock [kW per kW peak]; NaN where missing
    when: When
    place: Place


@dataclasses.dataclass(frozen=True)
class Weather:
    """Measured weather, hourly means (days, 24); light is None where it was not measured."""

    outdoor_c: np.ndarray
    when: When  # its summer time is how the readings' clock runs
    place: Place
    flat_kw_per_m2: np.ndarray | None = None
    beam_kw_per_m2: np.ndarray | None = None


def place(latitude_deg: float, longitude_deg: float, meridian_deg: float) -> Place:
    """A place from plain numbers."""
    fields: Any = (np.float32(x) for x in (latitude_deg, longitude_deg, meridian_deg))
    return Place(*fields)


# Where the sets were measured. Fontana: found in the panels' noons; Los Angeles: their weather file, of another
# year. Germany: SimBench does not give the place, and its clock is UTC.
FONTANA = place(34.1, -117.44, -120)
LOS_ANGELES = place(33.93, -118.4, -120)
GERMANY = place(51.0, 10.0, 0)
LONDON = place(51.5, -0.12, 0)
# Light on the flat in each month of the Thames region, mean of day and night. Source: SAP 2012 (BRE), table U3.
LONDON_FLAT_KW_PER_M2 = np.array([30, 56, 98, 157, 195, 217, 203, 173, 127, 73, 39, 24]) / 1000


def fit_sky(panels: Panels, weather: Weather) -> Sky:
    """The sky of a place with measured panels, and with weather whose light was measured too (of any year)."""
    assert weather.flat_kw_per_m2 is not None and weather.beam_kw_per_m2 is not None
    beam = fit_beam(weather.flat_kw_per_m2, weather.beam_kw_per_m2, weather.place, weather.when)
    mean_c = np.broadcast_to(weather.outdoor_c.mean(0), panels.power.shape[1:])
    scene = PanelLight(panels.place, panels.when, beam, mean_c)
    raw = np.stack([fit_panel(scene, power) for power in panels.power])
    clearness = clearness_of(scene, raw, panels.power)
    found, local = fit_local(scene, raw, panels.power, clearness, panels.when)
    light = standard(hourly_clear(panels.place, panels.when)[0], panels.when)
    clouds = fit_clouds(standard(clearness, panels.when), light, panels.when)
    clear = hourly_clear(weather.place, weather.when)[0]
    seen = np.where(clear > LEAST_SUN, weather.flat_kw_per_m2 / np.maximum(clear, LEAST_SUN), np.nan)
    warmth = fit_warmth(
        standard(weather.outdoor_c, weather.when), weather.when, cloud_scores(seen, clear, weather.when)
    )
    return Sky(panels.place, clouds, beam, warmth, _known(found, (3, 6, 0.03, 0.05, 0.05)), local)


def fit_abroad(panels: Panels, weather: Weather, at: tuple[Place, np.ndarray], like: Sky) -> Sky:
    """A composite for a place where no panels were measured, with its usual light on the flat (12,) [kW/m²].

    Clouds from panels elsewhere, moved by solar time, each month as bright as is usual at the place; temperature from
    weather at the place, which does not follow the clouds, since no set has both; beam under clouds and the noise of
    neighbours as in `like`; panels as stated.
    """
    mean_c = np.broadcast_to(weather.outdoor_c.mean(0), panels.power.shape[1:])
    scene = PanelLight(panels.place, panels.when, like.beam, mean_c)
    clearness = clearness_of(scene, np.stack([fit_panel(scene, p, 0.98) for p in panels.power]), panels.power)
    light = hourly_clear(panels.place, panels.when)[0]
    place, usual_kw_per_m2 = at
    there, here = (p.meridian_deg - p.longitude_deg for p in (panels.place, place))
    later = round(float(here - there) / 15)
    clearness, light = (np.roll(standard(x, panels.when), later, -1) for x in (clearness, light))
    clear = hourly_clear(place, weather.when)[0].mean(1)
    clear_kw_per_m2 = np.array([clear[np.asarray(weather.when.month) == month].mean() for month in range(1, 13)])
    clouds = as_bright(fit_clouds(clearness, light, panels.when), usual_kw_per_m2 / clear_kw_per_m2)
    warmth = fit_warmth(standard(weather.outdoor_c, weather.when), weather.when, np.zeros(len(weather.outdoor_c)))
    return Sky(place, clouds, like.beam, warmth, stated_panels(), like.local)


def stated_panels(count: int = 40) -> dict[str, Any]:
    """Assumed roofs: most between south-east and south-west, about 35° steep, 18 % lost on the way.

    As PVGIS has it: 14 % for the system, and 2 to 3 % each for reflection and the spectrum; warmth is counted apart.
    No roof loses less than 10 % on the way, so that no hour is above 0.9 kW per kW peak.
    """
    draw = np.random.default_rng(0).standard_normal((count, 3)).clip(-2, 2)
    losses = np.full((count, 2), 0.1)
    rows = np.concatenate([np.array([35, 180, 0.82]) + draw * np.array([7, 35, 0.03]), losses], 1)
    return _known(rows, (3, 6, 0.01, 0.1, 0.1))


def _known(rows, spread) -> dict[str, Any]:
    panels = {name: rows[:, i].astype(np.float32) for i, name in enumerate(NAMES)}
    return panels | {"spread": np.array(spread, np.float32)}
