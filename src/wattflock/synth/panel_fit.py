"""What measured panels say: which way they look, what they yield, and how clear the sky was."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from wattflock.synth import sun
from wattflock.synth.cloud_fit import fill_dark, months
from wattflock.synth.sky import LOW, MIDDLE_H, jumps
from wattflock.synth.sun import Place
from wattflock.synth.when import When

GRID = np.concatenate([np.linspace(0, 1.3, 27), [1.6]])
CLEAR = int(np.argmin(np.abs(GRID - 1)))  # where GRID is 1
JUMPS = np.array([0.0, 0.02, 0.05, 0.1, 0.2, 0.4])
OFF = 0.005  # kWh per kW peak of a whole day, below which a panel is taken to be off where others are not
LEAST_SUN = 0.05  # kW per kW peak under a clear sky, below which a reading says nothing about clouds


class Scene:
    """Light of each day and hour at every clearness of GRID: what panels are fitted with."""

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


def fit_panel(scene: Scene, power: np.ndarray, share: float = 0.92) -> np.ndarray:
    """Tilt, azimuth [deg], gain and the two losses of one home (days, 24): its upper envelope is a clear sky's.

    `share` is the quantile of a day's neighbours that counts as clear: the higher the duller the place.
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


def clearness_of(scene: Scene, panels: np.ndarray, power: np.ndarray) -> np.ndarray:
    """The region's clearness (days, 24): the middle one of what each home's reading says; NaN in the dark."""
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
    scene: Scene, panels: np.ndarray, power: np.ndarray, clearness: np.ndarray, when: When
) -> tuple[np.ndarray, dict[str, Any]]:
    """Gains that make each home's energy right, and how far its hours and days stray from the region's sky.

    Returns:
        Panels with their gains mended, and `Sky.local`.
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
    return panels, _widths(np.stack(strays), clearness, months(np.asarray(when.year_part)))


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
    """The middle value, NaN where all are missing, without a word about it."""
    none = np.isnan(values).all(axis)
    return np.where(none, np.nan, np.nanmedian(np.where(np.expand_dims(none, axis), 0, values), axis))


def _width(values):
    """Standard deviation of `heavy` noise with the same middle 90 %; outages and torn clocks lie outside."""
    low, high = np.quantile(values, [0.05, 0.95])
    return (high - low) / 2 / (7**0.5 * 0.9**3)
