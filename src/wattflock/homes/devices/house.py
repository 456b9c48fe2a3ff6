"""A heat pump on a house of air and mass, with one comfort band by day and another by night."""

from typing import Annotated, Any, ClassVar, NamedTuple, Self

import jax.numpy as jnp
import numpy as np
from pydantic import Field

from wattflock.core.types import Profile, Scalar
from wattflock.homes.device import Command, ratio, share
from wattflock.homes.features import Feature, observed
from wattflock.homes.heating import NOMINAL_C, ComfortPrice, CopAtZero, CopPerDegree, Heating, Power, Present
from wattflock.homes.program import Program, Terms

MASS_KWH_PER_C_M2 = 0.165 / 3.6  # a house of medium weight
GAINS_W_PER_M2 = 3.5  # of people and appliances, half of it to the air
STEPS_AHEAD = 2  # steps before the band falls in which heat is kept below what would be too warm then


class Network(NamedTuple):
    """The house over one step, at constant heat h [kW], outdoors T_e, sun s and length of step.

    T_m' = keep T_m + (1 - keep) (T_e + mass_c_per_kw h + mass_c + mass_sun_c s)
    T_air = held (T_m + T_m') / 2 + (1 - held) T_e + air_c_per_kw h + air_c + air_sun_c s
    """

    keep: Any
    held: Any
    mass_c_per_kw: Any
    air_c_per_kw: Any
    mass_c: Any
    air_c: Any
    mass_sun_c: Any
    air_sun_c: Any


class House(Heating):
    """Temperature of the mass; that of the air and of surfaces follows at once. Heating only.

    The action is a share between the least and the most heat that keep the air within its band, so that no action is
    uncomfortable while the pump suffices. Source: ISO 13790:2008, annex C (simple hourly method, 5R1C), with the mass
    solved exactly over the step in place of Crank and Nicolson; comfort hours as Charbonnier et al. 2024.
    """

    features: ClassVar = (
        Feature("temperature of the mass above the middle of the day's band", "°C", 0, 2),
        Feature("least heat that keeps the band", "share of full power"),
        Feature("most heat that keeps the band", "share of full power"),
    )
    ordered: ClassVar = (
        *(("low_c", "<", "high_c"), ("spare_per_kwh", "<=", "short_per_kwh")),
        *(("morning_h", "<=", "leave_h"), ("leave_h", "<=", "return_h"), ("return_h", "<=", "night_h")),
    )
    level: ClassVar = ("temperature of the mass", "°C")
    ranges: ClassVar = {"floor_m2": (70.0, 120.0)}

    limit_kw: Power
    cop_at_zero: CopAtZero
    cop_per_c: CopPerDegree
    floor_m2: Annotated[
        Scalar, Field(gt=0, description="conditioned floor: mass and inner surfaces follow from it [m2]")
    ]
    opaque_w_per_c_m2: Annotated[
        Scalar, Field(gt=0, le=20, description="heat lost through walls, roof and ground per floor [W per °C and m2]")
    ]
    window_w_per_c_m2: Annotated[
        Scalar, Field(gt=0, description="heat lost through windows and doors per floor [W per °C and m2]")
    ]
    air_w_per_c_m2: Annotated[
        Scalar, Field(gt=0, description="heat lost with exchanged air per floor [W per °C and m2]")
    ]
    sun_m2: Annotated[Scalar, Field(ge=0, description="area that collects the sun's heat through windows [m2]")]
    low_c: Annotated[Scalar, Field(description="lower end of the comfort band by day [°C]")]
    high_c: Annotated[Scalar, Field(description="upper end of the comfort band by day [°C]")]
    setback_c: Annotated[Scalar, Field(ge=0, description="by how much the band is lower at other hours [°C]")]
    morning_h: Annotated[Scalar, Field(ge=0, le=24, description="hour when the band by day begins in the morning [h]")]
    leave_h: Annotated[Scalar, Field(ge=0, le=24, description="hour when it ends [h]")]
    return_h: Annotated[Scalar, Field(ge=0, le=24, description="hour when it begins again [h]")]
    night_h: Annotated[Scalar, Field(ge=0, le=24, description="hour when it ends for the night [h]")]
    comfort_per_c_h: ComfortPrice
    short_per_kwh: Annotated[
        Scalar,
        Field(
            ge=0,
            description="price of the electricity for the heat by which the mass ends cooler than days begin, "
            "at a price of 0.3 [currency per kWh]",
        ),
    ]
    spare_per_kwh: Annotated[
        Scalar,
        Field(ge=0, description="value of ending warmer, up to `high_c`, at a price of 0.3 [currency per kWh]"),
    ]
    present: Present

    @classmethod
    def example(cls) -> Self:
        pump, house, sun_m2 = (3.0, 2.5, 0.06), (96.0, 2.59, 0.931, 0.816), 2.0
        comfort = (18.0, 22.0, 4.0, 7.0, 10.0, 17.0, 22.0)
        return cls(*map(jnp.asarray, (*pump, *house, sun_m2, *comfort, 0.5, 0.32, 0.20, 1.0)))

    def init(self, now: Profile) -> Scalar:
        """Up to a degree above the lower end of the night's band: the mass is cooler than heated air."""
        return self.low_c - self.setback_c + now.start

    def _network(self, dt_h, exp) -> Network:
        """Its constants for steps of a length; arrays of one library, whose `exp` is given."""
        floor = self.floor_m2 / 1000  # so that conductances are in kW per °C
        per_m2 = self.opaque_w_per_c_m2, self.window_w_per_c_m2, self.air_w_per_c_m2
        opaque, window, air = (floor * each for each in per_m2)
        inside, to_mass = 3.45 * 4.5 * floor, 9.1 * 2.5 * floor  # air to surfaces, surfaces to mass
        outside = 1 / (1 / opaque - 1 / to_mass)
        first = 1 / (1 / air + 1 / inside)
        second = first + window
        third = 1 / (1 / second + 1 / to_mass)
        mass, surface = 2.5 / 4.5, 1 - 2.5 / 4.5 - window / (9.1 * 4.5 * floor)  # shares of radiant gains
        half_kw = GAINS_W_PER_M2 * floor / 2
        lost, around = third + outside, to_mass + window + first
        from_air, from_surface = third * first / (second * air), third / second  # of heat there, to the mass
        air_c_per_kw = (1 + inside * first / (around * air)) / (inside + air)
        surface_c_per_kw = inside / (around * (inside + air))
        return Network(
            keep=exp(-dt_h * lost / (MASS_KWH_PER_C_M2 * self.floor_m2)),
            held=surface_c_per_kw * to_mass,
            mass_c_per_kw=from_air / lost,
            air_c_per_kw=air_c_per_kw,
            mass_c=half_kw * (mass + surface * from_surface + from_air) / lost,
            air_c=half_kw * (surface_c_per_kw * surface + air_c_per_kw),
            mass_sun_c=self.sun_m2 * (mass + surface * from_surface) / lost,
            air_sun_c=self.sun_m2 * surface_c_per_kw * surface,
        )

    def _band(self, hour):
        """Whether the band by day holds at an hour; hours after midnight are the next day's."""
        hour = hour % 24
        return ((hour >= self.morning_h) & (hour < self.leave_h)) | ((hour >= self.return_h) & (hour < self.night_h))

    def _low(self, hour):
        return self.low_c - self.setback_c * (1 - self._band(hour))

    def _free(self, state, now, net: Network):
        """Mass and air at the end of a step without heat, and what a kW of heat adds to the air."""
        mass_c = net.keep * state + (1 - net.keep) * (now.outdoor_c + net.mass_c + net.mass_sun_c * now.sun_kw_per_kwp)
        outside_c = (1 - net.held) * now.outdoor_c + net.air_c + net.air_sun_c * now.sun_kw_per_kwp
        air_c = net.held * (state + mass_c) / 2 + outside_c
        return mass_c, air_c, net.air_c_per_kw + net.held * (1 - net.keep) * net.mass_c_per_kw / 2

    def _heat(self, air_c, state, now):
        """The electric power that brings the air to a temperature, within what the pump has [kW]."""
        _, free_c, c_per_kw = self._free(state, now, self._network(now.dt_h, jnp.exp))
        heat_kw = (air_c - free_c) / c_per_kw
        return jnp.clip(heat_kw / self.cop(now.outdoor_c, jnp.maximum), 0, self.limit_kw)

    def _range(self, state, now):
        """Least and most power within the band [kW]; the most is less where the band is about to fall.

        Then the house without heat and in the same weather must not be too warm in either of the next two steps.
        """
        net, low_c = self._network(now.dt_h, jnp.exp), self._low(now.hour)
        wide_c = self.high_c - self.low_c
        least_kw, most_kw = (self._heat(each, state, now) for each in (low_c, low_c + wide_c))
        mass_c, free_c, _ = self._free(state, now, net)
        drift_c = mass_c - net.keep * state  # of the mass in a step without heat
        still_c = free_c - net.held * (state + mass_c) / 2  # of the air, without the mass
        per_kw = (1 - net.keep) * net.mass_c_per_kw * self.cop(now.outdoor_c, jnp.maximum)
        for ahead in range(1, STEPS_AHEAD + 1):
            later_c = self._low(now.hour + ahead * now.dt_h) + wide_c
            end_c = 2 * (later_c - still_c) / net.held  # T_m + T_m' that is warm enough there
            begin_c = (end_c - drift_c) / (1 + net.keep)
            for _ in range(1, ahead):
                begin_c = (begin_c - drift_c) / net.keep
            falls = later_c < low_c + wide_c
            most_kw = jnp.where(falls, jnp.minimum(most_kw, (begin_c - mass_c) / per_kw), most_kw)
        return least_kw, jnp.maximum(most_kw, least_kw)

    def step(self, state, action, now):
        """Heat with a share between least and most; discomfort is that of the air, its mean over the step."""
        least_kw, most_kw = self._range(state, now)
        power_kw = least_kw + share(action[0]) * (most_kw - least_kw)
        net = self._network(now.dt_h, jnp.exp)
        mass_c, free_c, c_per_kw = self._free(state, now, net)
        heat_kw = self.cop(now.outdoor_c, jnp.maximum) * power_kw
        air_c, low_c = free_c + c_per_kw * heat_kw, self._low(now.hour)
        outside_c = jnp.maximum(low_c - air_c, 0) + jnp.maximum(air_c - low_c - (self.high_c - self.low_c), 0)
        after_c = mass_c + (1 - net.keep) * net.mass_c_per_kw * heat_kw
        return after_c, self.heated(power_kw, outside_c, now.dt_h)

    def observe(self, state, now):
        middle_c = (self.low_c + self.high_c) / 2
        shares = [ratio(each, self.limit_kw) for each in self._range(state, now)]
        return observed(self.features, [self.present * (state - middle_c), *shares])

    def setpoint(self, state, target, now):
        """The target is the temperature of the air: 0 is the lower end of the band, 1 the upper."""
        least_kw, most_kw = self._range(state, now)
        wanted_kw = self._heat(self._low(now.hour) + target[0] * (self.high_c - self.low_c), state, now)
        return (2 * ratio(jnp.clip(wanted_kw, least_kw, most_kw) - least_kw, most_kw - least_kw) - 1)[None]

    def commands(self):
        most_kw = (0.0, self.limit_kw / 2, self.limit_kw)
        return (Command("heating", "share between least and most heat that keeps the band", 0.0, 1.0, most_kw),)

    @classmethod
    def timetable(cls, hour):
        """Preheats from 14 to 16 h, and else holds the lower end of the band."""
        return np.where((hour > 14) & (hour <= 16), 1.0, 0.02)[:, None]

    def nominal(self, maximum):
        """The mass that days begin with on average [°C], and the electricity for a degree of it [kWh per °C]."""
        kwh_per_c = self.present * MASS_KWH_PER_C_M2 * self.floor_m2 / self.cop(NOMINAL_C, maximum)
        return self.low_c - self.setback_c + 0.5, kwh_per_c

    def plan(self, program: Program, day: Profile, state) -> Terms:
        """The mass as a column, and the air as the sum of one within the band, degrees below it and degrees above."""
        present = np.broadcast_to(self.present > 0, day.load_kw.shape)
        dt_h, outdoor_c, sun = day.dt_h[:, None], day.outdoor_c[:, None], day.sun_kw_per_kwp
        net, low_c = self._network(dt_h, np.exp), self._low(day.hour[:, None])
        cop = self.cop(outdoor_c, np.maximum)
        power = program.columns(0.0, self.limit_kw, 0.0, present)
        mass = program.columns(-np.inf, np.inf, 0.0, present)
        within = program.columns(low_c, low_c + self.high_c - self.low_c, 0.0, present)
        below, above = (program.columns(0.0, np.inf, self.comfort_per_c_h * dt_h, present) for _ in range(2))
        free_c = (1 - net.keep) * (outdoor_c + net.mass_c + net.mass_sun_c * sun)
        program.balance([(mass, 1.0)], state, net.keep, free_c, [(power, (1 - net.keep) * net.mass_c_per_kw * cop)])
        air_c = np.broadcast_to((1 - net.held) * outdoor_c + net.air_c + net.air_sun_c * sun, present.shape).copy()
        air_c[0] += np.broadcast_to(net.held, present.shape)[0] * state / 2
        before = np.vstack([np.full_like(mass[:1], -1), mass[:-1]])
        air = [(within, 1.0), (below, -1.0), (above, 1.0), (power, -net.air_c_per_kw * cop)]
        program.rows(air_c, air_c, [*air, (mass, -net.held / 2), (before, -net.held / 2)])
        target_c, kwh_per_c = self.nominal(np.maximum)
        counted = program.columns(-np.inf, self.high_c, 0.0, present[-1])
        program.rows(-np.inf, 0.0, [(counted, 1.0), (mass[-1], -1.0)])
        program.end_value([(counted, kwh_per_c)], kwh_per_c * target_c, self.short_per_kwh, self.spare_per_kwh)
        return [(power, 1.0)]
