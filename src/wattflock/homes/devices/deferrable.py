"""A share of the load that can wait for up to five hours, and no longer than the day."""

from typing import Annotated, ClassVar, Self

import jax.numpy as jnp
import numpy as np
from pydantic import Field

from wattflock.core.types import Profile, Scalar
from wattflock.homes.device import Device, effect, share
from wattflock.homes.features import Feature, observed
from wattflock.homes.program import Program, Terms


class Deferrable(Device):
    """What of every step's load is put off is met within five hours and by midnight; the oldest first.

    The state is what is put off [kWh]. With the oldest served first, all deadlines are kept if and only if it never
    exceeds the device's share of the load of the last five hours of the day (`Profile.load_recent_kwh`): one number
    does for a queue. Source: Charbonnier et al. 2022, Applied Energy 314, 118825, whose share is 10 %.
    """

    features: ClassVar = (Feature("load put off", "kWh"), Feature("of which is due in the step", "kWh"))
    sizes: ClassVar = ("share",)
    turn: ClassVar = 1
    level: ClassVar = ("load put off", "kWh")
    ranges: ClassVar = {"share": (0.05, 0.2)}

    share: Annotated[Scalar, Field(ge=0, le=1, description="of the home's load that can wait [share]")]

    @classmethod
    def example(cls) -> Self:
        return cls(jnp.asarray(0.1))

    def init(self, now: Profile) -> Scalar:
        """Nothing is put off over midnight."""
        return jnp.zeros_like(now.start)

    def _due(self, state, now):
        """What of that must be met in this step: put off for five hours, or for the day [kWh]."""
        younger_kwh = self.share * jnp.maximum(now.load_recent_kwh - now.load_kw * now.dt_h, 0)
        return jnp.where(ends(now), state, jnp.maximum(state - younger_kwh, 0))

    def step(self, state, action, now):
        """Meets what is due and a share of the rest; power is what that adds to the load."""
        waits_kwh = state - self._due(state, now) + jnp.where(ends(now), 0, self.share * now.load_kw * now.dt_h)
        left_kwh = (1 - share(action[0])) * waits_kwh
        return left_kwh, effect((state - left_kwh) / now.dt_h, now.dt_h)

    def observe(self, state, now):
        return observed(self.features, [state, self._due(state, now)])

    def idle(self, state, now):
        return jnp.ones_like(state)[None]

    def rule(self, state, now, surplus_kw):
        """Waits while the next hours are cheaper, unless there is surplus."""
        waits = (surplus_kw <= 0) & (now.price_ahead_per_kwh < now.import_price_per_kwh)
        return jnp.where(waits, -1.0, 1.0).astype(state.dtype)[None]

    def setpoint(self, state, target, now):
        """The target is the share that is met of what is not due."""
        return 2 * target - 1

    @classmethod
    def timetable(cls, hour):
        """Waits from 16 to 19 h."""
        return np.where((hour > 16) & (hour <= 19), 0.0, 1.0)[:, None]

    def plan(self, program: Program, day: Profile, state) -> Terms:
        """What is put off as a column between zero and its deadlines' bound."""
        present = np.broadcast_to(self.share > 0, day.load_kw.shape)
        dt_h = day.dt_h[:, None]
        power = program.columns(-self.share * day.load_kw, np.inf, 0.0, present)
        waiting = program.columns(
            0.0, np.where(ends(day)[:, None], 0.0, self.share * day.load_recent_kwh), 0.0, present
        )
        program.balance([(waiting, 1.0)], state, 1.0, 0.0, [(power, -dt_h)])
        return [(power, 1.0)]


def ends(now: Profile):
    """Whether a step is the last of its day."""
    return now.hour + 1.5 * now.dt_h > 24
