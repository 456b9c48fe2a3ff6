"""What controllers observe: one table of names, units and scales, from which the numbers are made."""

import dataclasses
from collections.abc import Sequence

import jax.numpy as jnp
from jaxtyping import Array


@dataclasses.dataclass(frozen=True)
class Feature:
    """One number that a home's controller observes: (value − offset) / scale, of order one."""

    name: str
    unit: str = "1"
    offset: float = 0.0
    scale: float = 1.0

    def of(self, value):
        """The number for a value in `unit`, any shape."""
        return (value - self.offset) / self.scale


METER = (
    Feature("mean load of the last step", "kW", 0, 2),
    Feature("import price", "reference price", 1, 1 / 2.4),
    Feature("mean import price of the next four hours", "reference price", 1, 1 / 2.4),
    Feature("sine of the hour, once a day"),
    Feature("cosine of the hour, once a day"),
    Feature("sine of the hour, twice a day"),
    Feature("cosine of the hour, twice a day"),
    Feature("outdoor temperature", "°C", 10, 10),
    Feature("sun forecast, mean of the next four hours", "kW per kW peak"),
    Feature("sun forecast, rest of the day", "kWh per kW peak", 0, 5),
    Feature("weekend or holiday", "0 or 1"),
)
LOAD_KNOWN = (Feature("mean load of the coming step, with data.load_known", "kW", 0, 2),)
DAY_PRICE = (Feature("import price of each step of the day, with data.day_ahead", "reference price", 1, 1 / 2.4),)
SUN = (
    Feature("yield of the panels", "kW", 0, 5),
    Feature("forecast of the yield, mean of the next four hours", "kW", 0, 5),
    Feature("forecast of the yield, rest of the day", "kWh", 0, 25),
)
LEVEL = "energy stored"  # the name of the feature that tells a device's level
LIMIT = Feature("limit of all chargers together over the number of homes, with a coordinator", "kW", 0, 2)
VOLTAGE = Feature("voltage one step ago, with homes.voltmeter", "per unit", 1, 0.05)


def observed(features: Sequence[Feature], values: Sequence[Array]) -> Array:
    """Numbers (features,) of values in the features' units; ValueError where there are not as many of both."""
    return jnp.stack([feature.of(value) for feature, value in zip(features, values, strict=True)])


def see_price(price_per_kwh: Array, reference_per_kwh: float) -> Array:
    """A price as policies observe it, of order one in any currency: 0 at the reference price, 2.4 at twice that."""
    return METER[1].of(price_per_kwh / reference_per_kwh)
