"""Types that every room shares: array aliases and `Profile`, the exogenous data of homes."""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

Scalar = Float[Array, ""]
Steps = Float[Array, "steps"]
StepsHomes = Float[Array, "steps homes"]

DAY_KINDS = {"cold": -273.15, "mild": 7.0, "warm": 13.0}  # name → least mean temperature of the day as measured [°C]
REFERENCE_PRICE_PER_KWH = 0.3  # mean import price for which prices of devices and weights of violations are stated

OWN = (
    "start",
    "load_kw",
    "load_last_kw",
    "load_recent_kwh",
    "sun_kw_per_kwp",
    "sun_ahead_kw_per_kwp",
    "sun_rest_kwh_per_kwp",
    "ev_plugged",
    "ev_driving_kwh",
    "ev_leaves_h",
)


class Profile(eqx.Module):
    """Exogenous data of homes (load, sun, weather, prices, clock); one class for any leading axes.

    Shapes: `()` one home now · `(homes,)` now · `(steps, homes)` a day · `(days, steps, homes)` a batch.
    Fields named in `OWN` have the homes axis; the others are common to all homes and lack it. `start` is
    drawn once a day and lacks the steps axis. `dt_h` is data: 1/12 to 1 h.
    """

    start: Array  # state at the beginning of the day, 0 to 1 [share of what a device allows]
    load_kw: Array  # uncontrolled load of the home [kW]
    load_last_kw: Array  # the same one step ago [kW]
    load_recent_kwh: Array  # load of the last five hours of the day, this step among them [kWh]
    sun_kw_per_kwp: Array  # yield of a panel now [kW per kW peak]
    sun_ahead_kw_per_kwp: Array  # forecast mean over the next four hours [kW per kW peak]
    sun_rest_kwh_per_kwp: Array  # forecast for the rest of the day [kWh per kW peak]
    ev_plugged: Array  # 1 where the car is plugged in, else 0
    ev_driving_kwh: Array  # energy driven in this step [kWh]
    sun_error: Array  # relative error of a sun forecast for this step, made four hours before [share]
    outdoor_c: Array  # outdoor temperature [°C]
    import_price_per_kwh: Array  # [currency per kWh]
    export_price_per_kwh: Array  # [currency per kWh]
    price_ahead_per_kwh: Array  # mean import price of the next four hours [currency per kWh]
    carbon_kg_per_kwh: Array  # of energy from the grid [kg CO2 per kWh]
    hour: Array  # hour of the day at the start of the step [h]
    weekend: Array  # 1 on Saturday, Sunday and holidays, else 0
    dt_h: Array  # length of a step [h]
    day_kind: Array | None = None  # 0 on a cold, 1 on a mild, 2 on a warm day, see `DAY_KINDS`; None: not told
    day_prices_per_kwh: Array | None = None  # import prices of all steps of the day, one axis more; None: not seen
    limit_kw: Array | None = None  # what all chargers together may draw [kW]; None: no coordinator shares a limit
    ev_leaves_h: Array | None = None  # until the car's plug is out, 0 where it is; told where a limit is shared [h]

    def axes(self, own: int | None, common: int | None) -> "Profile":
        """A Profile of axis numbers, for `jax.vmap`: `own` for the homes' fields, `common` for the rest."""
        numbers: dict[str, Any] = {f.name: own if f.name in OWN else common for f in dataclasses.fields(self)}
        return Profile(**numbers)

    def own(self) -> dict[str, Array]:
        """The homes' own fields that are told, by name, each (…, homes)."""
        return {name: value for name in OWN if (value := getattr(self, name)) is not None}

    def days(self) -> int:
        """How many days, or episodes of several days, a batch holds."""
        return self.load_kw.shape[0]


def by_day(tree, steps: int):
    """Arrays (episodes, days · steps, …) as (episodes · days, steps, …); `steps` are those of a day."""
    return jax.tree.map(lambda x: x.reshape(x.shape[0] * x.shape[1] // steps, steps, *x.shape[2:]), tree)


def by_episode(tree, days: int):
    """The inverse of `by_day`, `days` to an episode."""
    return jax.tree.map(lambda x: x.reshape(x.shape[0] // days, days * x.shape[1], *x.shape[2:]), tree)


def on_device(tree, dtype):
    """The same tree with floating arrays in `dtype` and host (numpy) arrays on the device.

    float64 needs `jax.enable_x64(True)` around the call.
    """
    return jax.tree.map(lambda x: jnp.asarray(x) if isinstance(x, np.ndarray) else x, cast(tree, dtype))


def cast(tree, dtype):
    """The same tree with every floating array in `dtype`; integers and booleans are unchanged."""
    return jax.tree.map(lambda x: x.astype(dtype) if eqx.is_inexact_array_like(x) and hasattr(x, "dtype") else x, tree)
