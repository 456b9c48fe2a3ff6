"""A region at another place: the clock and the sun of that place, and the seasons of its half of the world."""

import datetime
import re
import zoneinfo
from pathlib import Path

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import polars as pl

from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.registry import nearest
from wattflock.synth.region import Region
from wattflock.synth.sun import Place

MOST_LATITUDE_DEG = 66.0  # beyond, some days have no light at all
MOST_APART_DEG = 50.0  # of a place from the meridian of its clock: the far west of China is 44° away
POINT = re.compile(r"([+-]\d{2})(\d{2})(\d{2})?([+-]\d{3})(\d{2})(\d{2})?$")  # of zone.tab, ISO 6709


def moved(region: Region, zone: str, latitude_deg: float, longitude_deg: float) -> Region:
    """The same people, roofs and weather at another place; sun and seasons follow the latitude, habits the clock.

    Hours of clouds and temperature keep their solar time, to the nearest hour.
    """
    before = region.sky.place
    meridian_deg = 15 * standard_h(zone)
    place = Place(*(jnp.asarray(x, jnp.float32) for x in (latitude_deg, longitude_deg, meridian_deg)))
    late = [float(each.meridian_deg - each.longitude_deg) / 15 for each in (before, place)]
    clouds, warmth = dict(region.sky.clouds), dict(region.sky.warmth)
    hours_of = [(clouds, {"hours": 2, "patterns": 3, "rest": 2}), (warmth, {"season": 1, "patterns": 1})]
    for table, axes in hours_of:
        for name, axis in axes.items():
            table[name] = jnp.roll(jnp.asarray(table[name]), round(late[1] - late[0]), axis)
    return eqx.tree_at(lambda it: (it.sky.place, it.sky.clouds, it.sky.warmth), region, (place, clouds, warmth))


def located(
    region: Region, home_zone: str, zone: str, latitude_deg: float | None, longitude_deg: float | None
) -> Region:
    """A region in the zone and at the place that were asked for; without a place that of the zone's city.

    Raises:
        ScenarioError: there is no such zone or place, or one is not in the other.
    """
    if zone == home_zone and latitude_deg is None and longitude_deg is None:
        return region
    if zone not in zoneinfo.available_timezones():
        allowed = nearest(zone, sorted(zoneinfo.available_timezones()))
        raise ScenarioError([Problem("wattflock generate", "--zone", zone, allowed)])
    given = {"latitude": latitude_deg, "longitude": longitude_deg}
    if latitude_deg is None and longitude_deg is None and (city := city_of(zone)):
        given = dict(zip(given, city, strict=True))
    limits = {"latitude": (0.0, MOST_LATITUDE_DEG), "longitude": (15 * standard_h(zone), MOST_APART_DEG)}
    problems = [
        Problem("wattflock generate", f"--{name}", value, f"from {middle - most:g} to {middle + most:g}° in {zone}")
        for (name, value), (middle, most) in zip(given.items(), limits.values(), strict=True)
        if value is None or not abs(value - middle) <= most
    ]
    if problems:
        raise ScenarioError(problems)
    return moved(region, zone, *(float(value) for value in given.values() if value is not None))


def standard_h(zone: str) -> float:
    """How far a zone's standard time is ahead of UTC [h], today."""
    noon = pl.Series([datetime.datetime.combine(datetime.date.today(), datetime.time(12))]).dt.replace_time_zone(zone)
    return noon.dt.base_utc_offset().dt.total_minutes().item() / 60


def city_of(zone: str) -> tuple[float, float] | None:
    """Latitude and longitude [deg] of the city that a zone is named after; None where no table is found.

    Source: zone.tab of the time zone database, as the operating system keeps it.
    """
    for folder in zoneinfo.TZPATH:
        table = Path(folder) / "zone.tab"
        for line in table.read_text().splitlines() if table.is_file() else ():
            columns = line.split("\t")
            if len(columns) > 2 and columns[2] == zone and (point := POINT.match(columns[1])):
                return _degrees(*point.groups()[:3]), _degrees(*point.groups()[3:])
    return None


def _degrees(whole: str, minutes: str, seconds: str | None) -> float:
    return float(np.copysign(abs(int(whole)) + int(minutes) / 60 + int(seconds or 0) / 3600, float(whole + ".0")))
