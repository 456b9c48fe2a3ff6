"""A region: the models that its homes are drawn from; and its homes, day after day, on the device."""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from wattflock.data.calendar import When
from wattflock.synth.cars import Cars
from wattflock.synth.disaggregate import Finer
from wattflock.synth.heat import Heat
from wattflock.synth.load_model import Around, LoadModel
from wattflock.synth.sky import MeasuredWeather, Sky

RUN_IN_DAYS = 5  # made before the first day, so that its homes have a yesterday
LOAD, PANEL, CAR, HEAT, MIX, FINE = range(6)  # chance of its own for each of these


class Region(eqx.Module):
    """Load, half hours, sky, cars, heat and prices; fields are modules, arrays or nested dicts of arrays."""

    load: LoadModel
    finer: Finer
    sky: Sky
    cars: Cars
    heat: Heat
    market: dict[str, Array]  # prices and carbon, see `market`


@dataclasses.dataclass(frozen=True)
class Mix:
    """Equipment of the homes: shares of homes, and the range of a panel's size."""

    panel_share: float = 1.0
    car_share: float = 1.0
    heat_pump_share: float = 1.0
    panel_kwp: tuple[float, float] = (2.0, 6.0)
    load_scale: float = 1.0


class Households(eqx.Module):
    """Constants of the homes of a run, each (homes, …); sizes are zero where a home lacks a thing."""

    keys: Array
    load: Any
    panel: Any
    car: Any
    heat: Any
    panel_kwp: Array
    has_car: Array
    has_heat: Array
    load_scale: Array


class State(eqx.Module):
    """State of a region and its homes."""

    sky: Any
    load: Any
    car: Any


class RegionDays(eqx.Module):
    """A run of days: (days, homes, steps), and common quantities (days, 24 or steps)."""

    load_kw: Array
    pv_kw: Array
    ev_plugged: Array
    ev_charging_need_kwh: Array
    ev_driving_kwh: Array
    heat_kw: Array
    outdoor_c: Array  # (days, steps)


def settle(region: Region, mix: Mix, seed: int | Array, numbers: Array) -> Households:
    """Homes by their numbers; home 7 of a seed is the same whatever other homes are requested."""
    keys = jax.vmap(lambda number: jax.random.fold_in(jax.random.key(seed), number))(numbers)

    def one(key: Array) -> Households:
        own = [jax.random.fold_in(key, part) for part in (LOAD, PANEL, CAR, HEAT, MIX)]
        panel, car, heat, size = jax.random.uniform(own[MIX], (4,))
        least, most = mix.panel_kwp
        return Households(
            keys=key,
            load=region.load.traits(own[LOAD]),
            panel=region.sky.panel(own[PANEL]),
            car=region.cars.traits(own[CAR]),
            heat=region.heat.home(own[HEAT]),
            panel_kwp=jnp.where(panel < mix.panel_share, least + (most - least) * size, 0.0),
            has_car=jnp.where(car < mix.car_share, 1.0, 0.0),
            has_heat=jnp.where(heat < mix.heat_pump_share, 1.0, 0.0),
            load_scale=jnp.asarray(mix.load_scale, jnp.float32),
        )

    return jax.vmap(one)(keys)


def begin(region: Region, households: Households, weather: int | Array) -> State:
    """The state before the first day of the run-in."""
    start = jax.vmap(lambda key: jax.random.fold_in(key, 2**31))(households.keys)
    return State(
        sky=region.sky.begin(jax.random.key(weather)),
        load=jax.vmap(region.load.begin)(households.load, start),
        car=jax.vmap(region.cars.begin)(households.car, start),
    )


def live(
    region: Region, households: Households, state: State, given: tuple[When, Array, MeasuredWeather | None], steps: int
):
    """A run of days.

    Args:
        region: what homes are drawn from.
        households: the homes.
        state: the state before.
        given: the days, (days,); key of the weather year, (); measured weather (days, 24) or None.
        steps: of a day, static: 24, 48, 96 or 288.

    Returns:
        The state after, and `Days`.
    """
    when, weather, measured = given

    def day(state: State, today: tuple[When, MeasuredWeather | None]) -> tuple[State, RegionDays]:
        when, measured = today
        key = jax.random.fold_in(jax.random.key(weather), when.day)
        sky, outside = region.sky.day(state.sky, when, key, measured)
        season = region.sky.northern(when)
        around = Around(season, outside.outdoor_c)

        def home(households: Households, load: Any, car: Any) -> tuple[Any, Any, Any]:
            key = jax.random.fold_in(households.keys, when.day)
            chance = [jax.random.fold_in(key, part) for part in range(6)]
            load, load_kw = region.load.day((households.load, load), around, chance[LOAD])
            load_kw = households.load_scale * (
                load_kw if steps == 24 else region.finer.load(load_kw, chance[FINE], steps)
            )
            sun = region.sky.sun(households.panel, outside, chance[PANEL], steps)
            car, trip = region.cars.day((households.car, car), season, chance[CAR], steps)
            heat_kw = households.has_heat * region.heat.demand(households.heat, outside.outdoor_c, None, chance[HEAT])
            own = {
                "load_kw": load_kw,
                "pv_kw": households.panel_kwp * sun,
                "ev_plugged": households.has_car * trip.plugged,
                "ev_charging_need_kwh": households.has_car * trip.need_kwh,
                "ev_driving_kwh": households.has_car * trip.driving_kwh,
                "heat_kw": jnp.repeat(heat_kw, steps // 24),
            }
            return load, car, own

        load, car, own = jax.vmap(home)(households, state.load, state.car)
        return State(sky, load, car), RegionDays(**own, outdoor_c=jnp.repeat(outside.outdoor_c, steps // 24))

    return jax.lax.scan(day, state, (when, measured))
