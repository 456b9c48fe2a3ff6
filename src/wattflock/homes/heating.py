"""What all heat pumps share, whatever house they warm: efficiency, thermostat, the price of discomfort, heat left."""

import abc
from typing import Annotated, Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
from pydantic import Field

from wattflock.core.types import Scalar
from wattflock.homes.device import Device, Effect, effect
from wattflock.homes.devices.battery import end_cost

NOMINAL_C = 7.0  # outdoors, at which heat is counted as electricity: EN 14511's rating of pumps that heat from air

Power = Annotated[Scalar, Field(ge=0, description="most electric power [kW]")]
CopAtZero = Annotated[Scalar, Field(ge=0, description="heat moved per electricity at 0 °C outdoors [1]")]
CopPerDegree = Annotated[Scalar, Field(ge=0, description="by how much that rises per degree outdoors [1 per °C]")]
ComfortPrice = Annotated[
    Scalar,
    Field(ge=0, description="what a degree-hour outside the band is worth, at a price of 0.3 [currency per °C h]"),
]
Present = Annotated[Scalar, Field(ge=0, le=1, description="1, or 0 where there is no heat pump [1]")]


class Heating(Device):
    """A heat pump that keeps a band of temperatures; a device adds the house, and the fields named here."""

    sizes: ClassVar = ("limit_kw", "comfort_per_c_h", "present")
    prices: ClassVar = ("comfort_per_c_h", "short_per_kwh", "spare_per_kwh")
    cost_is: ClassVar = "comfort"

    cop_at_zero: eqx.AbstractVar[Scalar]
    cop_per_c: eqx.AbstractVar[Scalar]
    high_c: eqx.AbstractVar[Scalar]
    comfort_per_c_h: eqx.AbstractVar[Scalar]
    short_per_kwh: eqx.AbstractVar[Scalar]
    spare_per_kwh: eqx.AbstractVar[Scalar]
    present: eqx.AbstractVar[Scalar]

    def cop(self, outdoor_c, maximum):
        """Heat moved per electricity [1]; arrays of the library whose `maximum` is given."""
        return maximum(self.cop_at_zero + self.cop_per_c * outdoor_c, 1.0)

    def heated(self, power_kw: Scalar, outside_c: Scalar, dt_h: Scalar) -> Effect:
        """A step at a power, with the temperature so many degrees outside its band."""
        discomfort_c_h = self.present * outside_c * dt_h
        return effect(power_kw, dt_h, cost=self.comfort_per_c_h * discomfort_c_h, discomfort_c_h=discomfort_c_h)

    def idle(self, state, now):
        """A thermostat: the middle of the band, or the nearest to it that power allows."""
        return self.setpoint(state, jnp.full((1,), 0.5, state.dtype), now)

    @abc.abstractmethod
    def nominal(self, maximum) -> tuple[Any, Any]:
        """The temperature that days begin at on average [°C], and the electricity for a degree [kWh per °C]."""

    def end(self, state):
        """Heat that is left is worth the electricity for it; heat above the band is worth nothing more."""
        target_c, kwh_per_c = self.nominal(jnp.maximum)
        spare_kwh = kwh_per_c * (jnp.minimum(state, self.high_c) - target_c)
        return end_cost(spare_kwh, self.short_per_kwh, self.spare_per_kwh)
