"""Heat demand of homes from the outdoor temperature, and the COP of a heat pump."""

from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

Hours = Float[Array, "24"]
USUAL_SUN_KW_PER_M2 = 0.06  # day and night through the heating months; the balance temperature has it in it already
SLOW = 0.5  # share of a swing of the day that walls and air let through to the demand
# Generic outdoor air/water heat pump, speed-controlled: group 1 of the hplib database (Tjaden, Hoops, Rösken 2021,
# doi 10.5281/zenodo.5521597, CC BY 4.0), COP = p1 T_in + p2 T_out + p3 + p4 T_amb; T_in is T_amb for air.
COP_PER_OUTDOOR_C = 46.37462900126993 - 46.22057938564581
COP_PER_FLOW_C = -0.08756667775339223
COP_AT_ZERO = 7.0454352113504


class HeatTraits(eqx.Module):
    """Constants of a home's heat demand."""

    loss_kw_per_c: Array
    balance_c: Array  # daily mean outdoors above which there is no demand; free gains of people and sun are included
    rhythm_c: Hours  # set-back at night, and the push in the morning, as degrees of the balance temperature
    glass_m2: Array  # window that lets the sun in, facing it
    restless: Array  # how far a day strays by airing, guests, absence [share, standard deviation]


class Heat(eqx.Module):
    """Homes that lose heat in proportion to the degrees below their balance temperature.

    Source: the power temperature gradient, e.g. Chambers & Oreszczyn 2019; the distribution of 6,935 homes in Great
    Britain as published in Buildings & Cities, doi 10.5334/bc.670, table 3 (metered energy; boilers lose a part of it).
    """

    loss: Float[Array, "2"]  # median [kW/°C] and standard deviation of the logarithm
    balance: Float[Array, "2"]  # median and standard deviation [°C]
    setback: Float[Array, "2"]  # mean and standard deviation [°C]
    wake_h: Float[Array, "2"]  # mean and standard deviation of the hour when the push begins

    @classmethod
    def example(cls) -> Self:
        """198 W/°C and 15.2 °C, standard deviations 119 W/°C and 2.3 °C; 85 % of the metered energy is heat."""
        pairs = ((0.85 * 0.198, 0.5), (15.2, 2.3), (1.5, 1.0), (6.0, 1.2))
        fields: Any = (np.asarray(pair, np.float32) for pair in pairs)
        return cls(*fields)

    def home(self, key) -> HeatTraits:
        """A home drawn at random."""
        draw = jnp.clip(jax.random.normal(key, (5,)), -2.5, 2.5)
        loss = self.loss[0] * jnp.exp(self.loss[1] * draw[0])
        setback_c = jnp.maximum(self.setback[0] + self.setback[1] * draw[2], 0)
        wake = jnp.clip(self.wake_h[0] + self.wake_h[1] * draw[3], 3, 10)
        return HeatTraits(
            loss_kw_per_c=loss,
            balance_c=jnp.clip(self.balance[0] + self.balance[1] * draw[1], 9.0, 21.0),
            rhythm_c=_rhythm(setback_c, wake),
            glass_m2=10 * loss * jnp.exp(0.3 * draw[4]),
            restless=jnp.asarray(0.08),
        )

    def demand(self, traits: HeatTraits, outdoor_c: Hours, sun_kw_per_m2: Hours | None, key) -> Hours:
        """Heat demand in each hour of a day [kW], shape (24,); never negative.

        Args:
            traits: of the home.
            outdoor_c: of each hour [°C].
            sun_kw_per_m2: light on windows, or None for the usual gains.
            key: of this home and this day.
        """
        felt_c = outdoor_c.mean() + SLOW * (outdoor_c - outdoor_c.mean())
        missing_c = traits.balance_c + traits.rhythm_c - felt_c
        if sun_kw_per_m2 is not None:
            light = sun_kw_per_m2.mean() + SLOW * (sun_kw_per_m2 - sun_kw_per_m2.mean())
            missing_c = missing_c - traits.glass_m2 / traits.loss_kw_per_c * (light - USUAL_SUN_KW_PER_M2)
        stray = 1 + traits.restless * 12**0.5 * (jax.random.uniform(key) - 0.5)
        return traits.loss_kw_per_c * stray * jnp.maximum(missing_c, 0)


def _rhythm(setback_c, wake_h):
    """Lower from 22 h until waking, higher for three hours after, mean zero: the walls store and release it."""
    hour = jnp.arange(24) + 0.5
    asleep = ((hour < wake_h) | (hour > 22)).astype(jnp.float32)
    push = ((hour >= wake_h) & (hour < wake_h + 3)).astype(jnp.float32)
    shape = 1.5 * push - asleep
    return setback_c * (shape - shape.mean())


def flow_c(outdoor_c):
    """Water to the radiators by a heating curve [°C]: 30 at 18 °C outdoors, 50 at -3 °C, an assumption."""
    return jnp.clip(30 + (18 - outdoor_c) * (20 / 21), 28, 55)


def cop(outdoor_c, flow_c):
    """Heat per electricity of the generic air/water heat pump of hplib; at least 1, like `outdoor_c`."""
    return jnp.maximum(COP_AT_ZERO + COP_PER_OUTDOOR_C * outdoor_c + COP_PER_FLOW_C * flow_c, 1.0)


def fit_heat(load_kw: np.ndarray, outdoor_c: np.ndarray) -> dict[str, np.ndarray]:
    """Each home's power temperature gradient, from daily means of load and temperature that were measured together.

    Args:
        load_kw: (homes, days, 24), NaN where missing.
        outdoor_c: (days, 24), the same days.

    Returns:
        By home: `loss_kw_per_c` (electricity: multiply by the COP for heat), `balance_c`, `rest_kw`, and `fit`, the
        share of the days' variance that is explained. A home whose `fit` is low does not heat with electricity.
    """
    daily_c, tries = outdoor_c.mean(1), np.arange(8.0, 20.1, 0.5)
    rows = []
    for daily in load_kw.mean(2):
        known = ~np.isnan(daily)
        options = []
        for balance in tries:
            below = np.maximum(balance - daily_c[known], 0)
            columns = np.stack([below, np.ones_like(below)], 1)
            weights = np.linalg.lstsq(columns, daily[known], rcond=None)[0]
            left = ((daily[known] - columns @ weights) ** 2).mean()
            options.append((left, weights[0], balance, weights[1]))
        left, loss, balance, rest = min(options)
        rows.append((loss, balance, rest, 1 - left / daily[known].var()))
    names = ("loss_kw_per_c", "balance_c", "rest_kw", "fit")
    return {name: np.array(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
