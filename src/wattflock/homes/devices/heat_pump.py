"""A heat pump on a house with one thermal mass."""

from typing import Annotated, ClassVar, Self

import jax.numpy as jnp
import numpy as np
from pydantic import Field

from wattflock.core.types import Profile, Scalar
from wattflock.homes.device import Command, ratio, share
from wattflock.homes.features import Feature, observed
from wattflock.homes.heating import NOMINAL_C, ComfortPrice, CopAtZero, CopPerDegree, Heating, Power, Present
from wattflock.homes.program import Program, Terms


class HeatPump(Heating):
    """Indoor temperature of a 1R1C house, solved exactly over the step; heating only.

    Source: C dT/dt = (T_out - T)/R + COP p with COP = c0 + c1 T_out, e.g. Bacher & Madsen 2011, eq. 3.
    """

    features: ClassVar = (Feature("indoor temperature above the middle of its band", "°C", 0, 2),)
    ordered: ClassVar = (("low_c", "<", "high_c"), ("spare_per_kwh", "<=", "short_per_kwh"))
    level: ClassVar = ("indoor temperature", "°C")
    ranges: ClassVar = {
        "limit_kw": (1.5, 3.0),
        "resistance_c_per_kw": (5.0, 9.0),
        "capacity_kwh_per_c": (2.5, 4.0),
    }

    limit_kw: Power
    resistance_c_per_kw: Annotated[
        Scalar, Field(gt=0, description="thermal resistance of the house to the air outside [°C per kW]")
    ]
    capacity_kwh_per_c: Annotated[
        Scalar, Field(gt=0, description="heat that warms the house by one degree [kWh per °C]")
    ]
    cop_at_zero: CopAtZero
    cop_per_c: CopPerDegree
    low_c: Annotated[Scalar, Field(description="lower end of the comfort band [°C]")]
    high_c: Annotated[Scalar, Field(description="upper end of the comfort band [°C]")]
    comfort_per_c_h: ComfortPrice
    short_per_kwh: Annotated[
        Scalar,
        Field(
            ge=0,
            description="price of the electricity for the heat by which a house ends cooler than days begin, "
            "at a price of 0.3 [currency per kWh]",
        ),
    ]
    spare_per_kwh: Annotated[
        Scalar,
        Field(ge=0, description="value of ending warmer, within the band, at a price of 0.3 [currency per kWh]"),
    ]
    present: Present

    @classmethod
    def example(cls) -> Self:
        return cls(*map(jnp.asarray, (2.0, 7.0, 3.0, 2.5, 0.06, 19.0, 22.0, 0.5, 0.32, 0.20, 1.0)))

    def init(self, now: Profile) -> Scalar:
        return self.low_c + (0.2 + 0.4 * now.start) * (self.high_c - self.low_c)

    def step(self, state, action, now):
        """Heat with a share of full power; discomfort is counted at the end of the step."""
        power_kw = share(action[0]) * self.limit_kw
        keep = jnp.exp(-now.dt_h / (self.resistance_c_per_kw * self.capacity_kwh_per_c))
        heat_kw = self.cop(now.outdoor_c, jnp.maximum) * power_kw
        indoor_c = keep * state + (1 - keep) * (now.outdoor_c + self.resistance_c_per_kw * heat_kw)
        outside_c = jnp.maximum(self.low_c - indoor_c, 0) + jnp.maximum(indoor_c - self.high_c, 0)
        return indoor_c, self.heated(power_kw, outside_c, now.dt_h)

    def observe(self, state, now):
        middle_c = (self.low_c + self.high_c) / 2
        return observed(self.features, [self.present * (state - middle_c)])

    def setpoint(self, state, target, now):
        """The target is the temperature at the end of the step: 0 is the lower end of the band, 1 the upper."""
        keep = jnp.exp(-now.dt_h / (self.resistance_c_per_kw * self.capacity_kwh_per_c))
        target_c = self.low_c + target[0] * (self.high_c - self.low_c)
        heat_kw = ((target_c - keep * state) / (1 - keep) - now.outdoor_c) / self.resistance_c_per_kw
        power_kw = jnp.clip(heat_kw / self.cop(now.outdoor_c, jnp.maximum), 0, self.limit_kw)
        return (2 * ratio(power_kw, self.limit_kw) - 1)[None]

    def commands(self):
        return (Command("power", "kW", 0.0, self.limit_kw, (0.0, self.limit_kw / 2, self.limit_kw)),)

    @classmethod
    def timetable(cls, hour):
        """Preheats from 14 to 16 h, is as warm by midnight as days begin, and else holds the lower end of the band."""
        return np.select([(hour > 14) & (hour <= 16), hour > 22], [0.83, 0.4], 0.02)[:, None]

    def nominal(self, maximum):
        """The temperature that days begin at on average [°C], and the electricity for a degree [kWh per °C]."""
        kwh_per_c = self.present * self.capacity_kwh_per_c / self.cop(NOMINAL_C, maximum)
        return self.low_c + 0.4 * (self.high_c - self.low_c), kwh_per_c

    def plan(self, program: Program, day: Profile, state) -> Terms:
        """Indoor temperature as the sum of a column within the band, degrees below it and degrees above."""
        present = np.broadcast_to(self.present > 0, day.load_kw.shape)
        dt_h, outdoor_c = day.dt_h[:, None], day.outdoor_c[:, None]
        keep = np.exp(-dt_h / (self.resistance_c_per_kw * self.capacity_kwh_per_c))
        power = program.columns(0.0, self.limit_kw, 0.0, present)
        within = program.columns(self.low_c, self.high_c, 0.0, present)
        below, above = (program.columns(0.0, np.inf, self.comfort_per_c_h * dt_h, present) for _ in range(2))
        heat = (1 - keep) * self.resistance_c_per_kw * self.cop(outdoor_c, np.maximum)
        indoor = [(within, 1.0), (below, -1.0), (above, 1.0)]
        program.balance(indoor, state, keep, (1 - keep) * outdoor_c, [(power, heat)])
        target_c, kwh_per_c = self.nominal(np.maximum)
        left = [(within[-1], kwh_per_c), (below[-1], -kwh_per_c)]
        program.end_value(left, kwh_per_c * target_c, self.short_per_kwh, self.spare_per_kwh)
        return [(power, 1.0)]
