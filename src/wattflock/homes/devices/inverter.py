"""Photovoltaic panels behind a smart inverter: active power can be curtailed, reactive power set."""

from typing import Annotated, ClassVar, Self

import jax.numpy as jnp
import numpy as np
from pydantic import Field

from wattflock.core.types import Profile, Scalar
from wattflock.homes.device import Command, Device, effect, share
from wattflock.homes.devices.panel import see_sun
from wattflock.homes.features import SUN
from wattflock.homes.program import Program, Terms


class Inverter(Device):
    """Apparent power p² + q² <= s². Source: IEEE 1547-2018, category B reactive capability (44 % of s)."""

    controls: ClassVar = 2  # curtailment (-1 all, 1 none) and reactive power (-1 gives, 1 draws)
    features: ClassVar = SUN
    draws: ClassVar = (-1.0, 1.0)
    sizes: ClassVar = ("size_kwp", "limit_kva")
    ranges: ClassVar = {"size_kwp": (4.2, 9.8)}

    size_kwp: Annotated[Scalar, Field(ge=0, description="size of the panels [kW peak]")]
    limit_kva: Annotated[Scalar, Field(ge=0, description="rating per size of the panels [kVA per kW peak]")]
    reactive_share: Annotated[
        Scalar, Field(ge=0, le=1, description="most reactive power as a share of the rating [share]")
    ]

    @classmethod
    def example(cls) -> Self:
        return cls(*map(jnp.asarray, (5.0, 1.1, 0.44)))

    def init(self, now: Profile) -> Scalar:
        return jnp.zeros_like(now.start)

    def step(self, state, action, now):
        """Feed in a share of the yield; reactive power within the rest of the rating."""
        rating_kva = self.limit_kva * self.size_kwp
        made_kw = share(action[0]) * jnp.minimum(self.size_kwp * now.sun_kw_per_kwp, rating_kva)
        left_kvar = jnp.sqrt(jnp.maximum(rating_kva**2 - made_kw**2, 1e-12))
        most_kvar = jnp.minimum(self.reactive_share * rating_kva, left_kvar)
        return state, effect(-made_kw, now.dt_h, reactive_kvar=action[1] * most_kvar)

    def observe(self, state, now):
        return see_sun(self.size_kwp, now)

    def idle(self, state, now):
        return jnp.stack([jnp.ones_like(state), jnp.zeros_like(state)])

    def commands(self):
        rating_kva = self.limit_kva * self.size_kwp
        made_kw = (0.0, -rating_kva / 2, -rating_kva)
        return (
            Command("yield fed in", "share", 0.0, 1.0, made_kw, SUN[0].name),
            Command("reactive power", "share of what is possible", -1.0, 1.0, (0.0, 0.0, 0.0)),
        )

    def plan(self, program: Program, day: Profile, state) -> Terms:
        """Curtailable active power; reactive power stays at zero, which can only raise the cost."""
        rating_kva = self.limit_kva * self.size_kwp
        most_kw = np.minimum(self.size_kwp * day.sun_kw_per_kwp, rating_kva)
        made = program.columns(0.0, most_kw, 0.0, self.size_kwp > 0)
        return [(made, -1.0)]
