"""A whole sky from measured panels and weather; arrays in, arrays out, on the host."""

import dataclasses
from typing import Any

import numpy as np

from wattflock.synth.cloud_fit import cloud_scores, fit_beam, fit_clouds, fit_warmth, hourly_clear, standard
from wattflock.synth.panel_fit import LEAST_SUN, Scene, clearness_of, fit_local, fit_panel
from wattflock.synth.sky import Sky
from wattflock.synth.sun import Place
from wattflock.synth.when import When

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


def place(latitude_deg: float, longitude_deg: float, meridian_deg: float, clock_h: float = 0.0) -> Place:
    """A place from plain numbers."""
    fields: Any = (np.float32(x) for x in (latitude_deg, longitude_deg, meridian_deg, clock_h))
    return Place(*fields)


# Where the sets were measured. Fontana: found in the panels' noons, one hour early beside summer time; Los Angeles: the
# weather beside them, of another year. Germany: SimBench does not say where, and its clock is UTC.
FONTANA = place(34.1, -117.44, -120, -1)
LOS_ANGELES = place(33.93, -118.4, -120)
GERMANY = place(51.0, 10.0, 0)
LONDON = place(51.5, -0.12, 0)


def fit_sky(panels: Panels, weather: Weather) -> Sky:
    """The sky of a place with measured panels, and with weather whose light was measured too (of any year)."""
    assert weather.flat_kw_per_m2 is not None and weather.beam_kw_per_m2 is not None
    beam = fit_beam(weather.flat_kw_per_m2, weather.beam_kw_per_m2, weather.place, weather.when)
    mean_c = np.broadcast_to(weather.outdoor_c.mean(0), panels.power.shape[1:])
    scene = Scene(panels.place, panels.when, beam, mean_c)
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


def fit_abroad(panels: Panels, weather: Weather, at: Place, like: Sky) -> Sky:
    """A composite for a place where no panels were measured.

    Clouds from panels elsewhere, moved by solar time; temperature from weather at the place, which does not follow the
    clouds, for nobody measured both; beam under clouds and the noise of neighbours as in `like`; panels as stated.
    """
    mean_c = np.broadcast_to(weather.outdoor_c.mean(0), panels.power.shape[1:])
    scene = Scene(panels.place, panels.when, like.beam, mean_c)
    clearness = clearness_of(scene, np.stack([fit_panel(scene, p, 0.98) for p in panels.power]), panels.power)
    light = hourly_clear(panels.place, panels.when)[0]
    there, here = (p.meridian_deg - p.longitude_deg for p in (panels.place, at))
    later = round(float(here - there) / 15)
    clearness, light = (np.roll(standard(x, panels.when), later, -1) for x in (clearness, light))
    clouds = fit_clouds(clearness, light, panels.when)
    warmth = fit_warmth(standard(weather.outdoor_c, weather.when), weather.when, np.zeros(len(weather.outdoor_c)))
    return Sky(at, clouds, like.beam, warmth, stated_panels(), like.local)


def stated_panels(count: int = 40) -> dict[str, Any]:
    """Roofs as we suppose them: most between south-east and south-west, about 35° steep, 18 % lost on the way.

    As PVGIS has it: 14 % for the system, and 2 to 3 % each for reflection and the spectrum; warmth is counted apart.
    """
    draw = np.random.default_rng(0).standard_normal((count, 3)).clip(-2, 2)
    losses = np.full((count, 2), 0.1)
    rows = np.concatenate([np.array([35, 180, 0.82]) + draw * np.array([7, 35, 0.05]), losses], 1)
    return _known(rows, (3, 6, 0.03, 0.1, 0.1))


def _known(rows, spread) -> dict[str, Any]:
    panels = {name: rows[:, i].astype(np.float32) for i, name in enumerate(NAMES)}
    return panels | {"spread": np.array(spread, np.float32)}
