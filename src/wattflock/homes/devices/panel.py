"""Photovoltaic panels without control: the whole yield is fed in."""

from typing import Annotated, ClassVar, Self

import jax.numpy as jnp
import numpy as np
from pydantic import Field

from wattflock.core.types import Profile, Scalar
from wattflock.homes.device import Device, effect, room_kvar
from wattflock.homes.features import SUN, observed
from wattflock.homes.program import ONE, Program, Terms


class Panel(Device):
    """Power = size × measured yield. Source: the yield in the readings [kW per kW peak]."""

    controls: ClassVar = 0
    draws: ClassVar = ()
    features: ClassVar = SUN
    sizes: ClassVar = ("size_kwp",)
    ranges: ClassVar = {"size_kwp": (4.2, 9.8)}

    size_kwp: Annotated[Scalar, Field(ge=0, description="size [kW peak]")]

    @classmethod
    def example(cls) -> Self:
        return cls(jnp.asarray(5.0))

    def init(self, now: Profile) -> Scalar:
        return jnp.zeros_like(now.start)

    def step(self, state, action, now):
        """Feed in the whole yield; there is no control."""
        made_kw = self.size_kwp * now.sun_kw_per_kwp
        return state, effect(-made_kw, now.dt_h, room_kvar=room_kvar(self.size_kwp, made_kw))

    def observe(self, state, now):
        return see_sun(self.size_kwp, now)

    def idle(self, state, now):
        return jnp.zeros((0,), state.dtype)

    def plan(self, program: Program, day: Profile, state) -> Terms:
        """No decision: a multiple of the column that is one."""
        return [(np.asarray(ONE), -self.size_kwp * day.sun_kw_per_kwp)]


def see_sun(size_kwp, now: Profile):
    """What a home with panels observes of the sun: now, the next four hours, the rest of the day; shape (3,)."""
    known = now.sun_kw_per_kwp, now.sun_ahead_kw_per_kwp, now.sun_rest_kwh_per_kwp
    return observed(SUN, [size_kwp * each for each in known])
