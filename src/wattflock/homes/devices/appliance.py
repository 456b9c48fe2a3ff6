"""A deferrable appliance: a given energy within a window of the day."""

from typing import Annotated, ClassVar, Self

import jax.numpy as jnp
import numpy as np
from pydantic import Field

from wattflock.core.types import Profile, Scalar
from wattflock.homes.device import Command, Device, effect, ratio, share
from wattflock.homes.features import Feature, observed
from wattflock.homes.program import Program, Terms


class Appliance(Device):
    """Dishwasher, laundry or boiler; interruptible; forced to run where the rest of the window would be too short.

    Source: deferrable load with a deadline, e.g. Mohsenian-Rad & Leon-Garcia 2010, eq. 4 to 6.
    """

    features: ClassVar = (
        Feature("energy still to use", "share of need_kwh"),
        Feature("most power that it may draw now", "share of limit_kw"),
    )
    sizes: ClassVar = ("limit_kw", "need_kwh")
    ordered: ClassVar = (("open_h", "<", "close_h"),)
    turn: ClassVar = 1
    ranges: ClassVar = {"need_kwh": (1.0, 3.0), "open_h": (7.0, 10.0), "close_h": (17.0, 22.0)}

    limit_kw: Annotated[Scalar, Field(ge=0, description="most power [kW]")]
    need_kwh: Annotated[Scalar, Field(ge=0, description="energy that it needs within a day [kWh]")]
    open_h: Annotated[Scalar, Field(ge=0, le=24, description="hour of the day from which it may run [h]")]
    close_h: Annotated[Scalar, Field(ge=0, le=24, description="hour of the day by which it must be done [h]")]

    @classmethod
    def example(cls) -> Self:
        return cls(*map(jnp.asarray, (2.0, 2.0, 9.0, 20.0)))

    def init(self, now: Profile) -> Scalar:
        return self.need_kwh + 0 * now.start

    def _needed(self, state, now):
        """What is left to do [kWh]; all of it again where a day begins."""
        return jnp.where(now.hour < now.dt_h / 2, self.need_kwh, state)

    def _range(self, state, now):
        """Least and most power in this step [kW]: the least is what the rest of the window cannot take."""
        left_h = jnp.clip(self.close_h - now.hour, 0, None)
        inside = (now.hour >= self.open_h) & (left_h > 0)
        limit_kw = jnp.where(inside, self.limit_kw * jnp.minimum(left_h / now.dt_h, 1), 0)
        most_kw = jnp.clip(state / now.dt_h, 0, limit_kw)
        later_kwh = self.limit_kw * jnp.maximum(left_h - now.dt_h, 0)
        return jnp.clip((state - later_kwh) / now.dt_h, 0, most_kw), most_kw

    def step(self, state, action, now):
        """Run with a share between what the deadline forces and what is possible."""
        state = self._needed(state, now)
        least_kw, most_kw = self._range(state, now)
        power_kw = least_kw + share(action[0]) * (most_kw - least_kw)
        return state - power_kw * now.dt_h, effect(power_kw, now.dt_h)

    def observe(self, state, now):
        state = self._needed(state, now)
        _, most_kw = self._range(state, now)
        return observed(self.features, [ratio(state, self.need_kwh), ratio(most_kw, self.limit_kw)])

    def idle(self, state, now):
        return jnp.ones_like(state)[None]

    def rule(self, state, now, surplus_kw):
        """Wait for surplus; the deadline does the rest."""
        least_kw, most_kw = self._range(self._needed(state, now), now)
        wanted = jnp.clip(surplus_kw, least_kw, most_kw) - least_kw
        return (2 * ratio(wanted, most_kw - least_kw) - 1)[None]

    def setpoint(self, state, target, now):
        """The target is the share of the power that the deadline leaves free."""
        return 2 * target - 1

    def commands(self):
        most_kw = (0.0, self.limit_kw / 2, self.limit_kw)
        return (Command("power", "share between least and most that the deadline leaves", 0.0, 1.0, most_kw),)

    @classmethod
    def timetable(cls, hour):
        """A third of what is possible from 10 to 16 h; the deadline does the rest."""
        return np.where((hour > 10) & (hour <= 16), 0.33, 0.0)[:, None]

    def plan(self, program: Program, day: Profile, state) -> Terms:
        """One row per home and day: all that is needed, or all that fits into the window."""
        present = np.broadcast_to(self.need_kwh > 0, day.load_kw.shape)
        hour, dt_h = day.hour[:, None], day.dt_h[:, None]
        inside = (hour >= self.open_h) * np.clip((self.close_h - hour) / dt_h, 0, 1)
        power = program.columns(0.0, self.limit_kw * inside, 0.0, present)
        begins = np.asarray(day.hour) < np.asarray(day.dt_h) / 2
        number = np.cumsum(begins)
        for each in np.unique(number):
            here = number == each
            need_kwh = self.need_kwh if each else state
            done_kwh = np.minimum(need_kwh, (self.limit_kw * inside * dt_h)[here].sum(0))
            program.rows(done_kwh, done_kwh, list(zip(power[here], dt_h[here], strict=True)))
        return [(power, 1.0)]
