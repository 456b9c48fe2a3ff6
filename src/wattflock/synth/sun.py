"""Position of the sun, clear-sky irradiance, and irradiance on a tilted panel."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from wattflock.data.calendar import When

SUB = 288  # five-minute points of a day, from which every coarser step is averaged
SLOTS = Float[Array, "288"]
PER_C = 0.004  # loss of crystalline silicon per degree of the cell above 25 °C
ALBEDO = 0.2
FLOOR = 0.02  # sine of the elevation below which no beam is counted


class Place(eqx.Module):
    """Place of a region and its clock, apart from summer time."""

    latitude_deg: Array
    longitude_deg: Array  # east is positive
    meridian_deg: Array  # of the zone's standard time


class Light(eqx.Module):
    """Irradiance at the ground through the day, a row for each five minutes [kW/m²]."""

    beam: Float[Array, "288 3"]  # along east, north and up; circumsolar light is in it
    diffuse: SLOTS  # of the whole sky, on the flat
    ground: SLOTS  # thrown back by the ground, on an upright plane twice its share


def declination_rad(year_part):
    """Angle of the sun above the equator [rad]. Source: Spencer 1971, as in Duffie & Beckman, eq. 1.6.1b."""
    b = 2 * jnp.pi * year_part
    first = 0.006918 - 0.399912 * jnp.cos(b) + 0.070257 * jnp.sin(b)
    return (
        first
        - 0.006758 * jnp.cos(2 * b)
        + 0.000907 * jnp.sin(2 * b)
        - 0.002697 * jnp.cos(3 * b)
        + 0.00148 * jnp.sin(3 * b)
    )


def equation_of_time_h(year_part):
    """How far the sun is ahead of a mean clock [h]. Source: Spencer 1971, as in Duffie & Beckman, eq. 1.5.3."""
    b = 2 * jnp.pi * year_part
    wave = 0.001868 * jnp.cos(b) - 0.032077 * jnp.sin(b) - 0.014615 * jnp.cos(2 * b) - 0.04089 * jnp.sin(2 * b)
    return 229.2 / 60 * (0.000075 + wave)


def solar_hour(place: Place, when: When, clock_h):
    """Solar time [h] at clock times `clock_h` of one day. Source: Duffie & Beckman, eq. 1.5.2."""
    shift_h = (place.longitude_deg - place.meridian_deg) / 15 + equation_of_time_h(when.year_part)
    return clock_h - when.summer_time_h + shift_h


def sun_vector(place: Place, when: When, clock_h):
    """Unit vector towards the sun (east, north, up) at times (n,); shape (n, 3), up is negative at night.

    Source: Duffie & Beckman, eq. 1.6.5 and 1.6.6, written as a vector.
    """
    angle = jnp.pi / 12 * (solar_hour(place, when, clock_h) - 12)
    latitude, declination = jnp.deg2rad(place.latitude_deg), declination_rad(when.year_part)
    toward = jnp.cos(declination) * jnp.cos(angle)
    east = -jnp.cos(declination) * jnp.sin(angle)
    north = jnp.cos(latitude) * jnp.sin(declination) - jnp.sin(latitude) * toward
    up = jnp.sin(latitude) * jnp.sin(declination) + jnp.cos(latitude) * toward
    return jnp.stack([east, north, up], -1)


def clear_sky(up, year_part):
    """Beam and horizontal irradiance under a clear sky [kW/m²] at sines of elevation `up`; both like `up`.

    Source: beam of Meinel & Meinel 1976 (0.7 to the air mass to the 0.678), air mass of Kasten & Young 1989,
    horizontal of Haurwitz 1945; both follow the distance of the sun (Duffie & Beckman, eq. 1.4.1a).
    """
    near = 1 + 0.033 * jnp.cos(2 * jnp.pi * year_part)
    sine = jnp.clip(up, FLOOR, 1.0)
    elevation_deg = jnp.rad2deg(jnp.arcsin(sine))
    mass = 1 / (sine + 0.50572 * (elevation_deg + 6.07995) ** -1.6364)
    lit = up > FLOOR
    beam = jnp.where(lit, 1.353 * near * 0.7 ** (mass**0.678), 0.0)
    return beam, jnp.where(lit, 1.098 * near * sine * jnp.exp(-0.057 / sine), 0.0)


def light(sun, year_part, clearness, beam_share) -> Light:
    """Light under a cloudy sky.

    Args:
        sun: unit vectors (n, 3).
        year_part: of the day, ().
        clearness: horizontal light as a share of a clear sky's (n,).
        beam_share: beam as a share of a clear sky's (n,).

    Returns:
        Light of n rows; circumsolar light counted as beam as in Hay & Davies 1980 (Duffie & Beckman, eq. 2.16.2-4).
    """
    up = jnp.maximum(sun[:, 2], FLOOR)
    clear_beam, clear_flat = clear_sky(sun[:, 2], year_part)
    flat = clearness * clear_flat
    beam = jnp.minimum(beam_share * clear_beam, flat / up)
    scattered = flat - beam * up
    around = jnp.minimum(beam / 1.367, 1.0)  # share of the scattered light that comes from round the sun
    # at a low sun the circumsolar part of a tilted plane grows without limit: the usual floor on the ratio
    whole = beam + around * scattered / jnp.maximum(up, 0.09)
    return Light(whole[:, None] * sun, scattered * (1 - around * up / jnp.maximum(up, 0.09)), ALBEDO * flat)


def cell_loss(flat_kw_per_m2, outdoor_c):
    """Factor of a panel's power at the cell's temperature; King's rule of 30 °C per kW/m² above the air."""
    return 1 - PER_C * (outdoor_c + 30 * flat_kw_per_m2 - 25)


def facing(tilt_deg, azimuth_deg):
    """Unit normal (east, north, up) of a plane; azimuth clockwise from north, 180 is south; shape (..., 3)."""
    tilt, azimuth = jnp.deg2rad(tilt_deg), jnp.deg2rad(azimuth_deg)
    return jnp.stack([jnp.sin(tilt) * jnp.sin(azimuth), jnp.sin(tilt) * jnp.cos(azimuth), jnp.cos(tilt)], -1)


def plane_kw_per_m2(there: Light, normal):
    """Irradiance on a plane with unit normal (3,); shape (n,). Source: Duffie & Beckman, eq. 2.15.1."""
    direct = jnp.maximum(there.beam[:, 0] * normal[0] + there.beam[:, 1] * normal[1] + there.beam[:, 2] * normal[2], 0)
    return direct + there.diffuse * ((1 + normal[2]) / 2) + there.ground * ((1 - normal[2]) / 2)
