"""A controllable generator, such as a micro-CHP or a fuel cell."""

from typing import Annotated, ClassVar, Self

import jax.numpy as jnp
import numpy as np
from pydantic import Field

from wattflock.core.types import Profile, Scalar
from wattflock.homes.device import Command, Device, effect, ratio, share
from wattflock.homes.features import Feature, observed
from wattflock.homes.program import Program, Terms


class Generator(Device):
    """Quadratic fuel cost dt (a p² + b p). Source: economic dispatch, Wood & Wollenberg 2014, eq. 3.1."""

    features: ClassVar = (Feature("import price less fuel at low power", "seen_per_kwh"),)
    draws: ClassVar = (-1.0,)
    sizes: ClassVar = ("limit_kw",)
    prices: ClassVar = ("fuel_per_kwh", "fuel_per_kw_kwh", "seen_per_kwh")
    turn: ClassVar = 3
    cost_is: ClassVar = "fuel"
    ranges: ClassVar = {"fuel_per_kwh": (0.26, 0.40), "fuel_per_kw_kwh": (0.03, 0.08)}

    limit_kw: Annotated[Scalar, Field(ge=0, description="most electric power [kW]")]
    fuel_per_kwh: Annotated[
        Scalar, Field(ge=0, description="cost of fuel at low power, at a price of 0.3 [currency per kWh]")
    ]
    fuel_per_kw_kwh: Annotated[
        Scalar, Field(ge=0, description="by how much that rises per kW generated [currency per kW and kWh]")
    ]
    burnt_kg_per_kwh: Annotated[Scalar, Field(ge=0, description="carbon of the fuel per electricity [kg CO2 per kWh]")]
    seen_per_kwh: Annotated[
        Scalar,
        Field(ge=0, description="the controller is told price less fuel cost as a share of this [currency per kWh]"),
    ]

    @classmethod
    def example(cls) -> Self:
        return cls(*map(jnp.asarray, (3.0, 0.33, 0.05, 0.40, 0.25)))

    def init(self, now: Profile) -> Scalar:
        return jnp.zeros_like(now.start)

    def step(self, state, action, now):
        """Generate a share of full power."""
        made_kw = share(action[0]) * self.limit_kw
        made_kwh = made_kw * now.dt_h
        cost = made_kwh * (self.fuel_per_kwh + self.fuel_per_kw_kwh * made_kw)
        return state, effect(-made_kw, now.dt_h, cost=cost, carbon_kg=self.burnt_kg_per_kwh * made_kwh)

    def observe(self, state, now):
        gain = (now.import_price_per_kwh - self.fuel_per_kwh) / self.seen_per_kwh
        return observed(self.features, [jnp.sign(self.limit_kw) * gain])

    def idle(self, state, now):
        return jnp.full_like(state, -1)[None]

    def rule(self, state, now, surplus_kw):
        """Run for the home's own need while the price is above what a kWh costs at full load."""
        full = self.fuel_per_kwh + self.fuel_per_kw_kwh * self.limit_kw
        need_kw = jnp.clip(-surplus_kw, 0, self.limit_kw)
        run_kw = jnp.where(now.import_price_per_kwh > full, need_kw, 0)
        return (2 * ratio(run_kw, self.limit_kw) - 1)[None]

    def setpoint(self, state, target, now):
        """Run where a kWh more costs the price less the target, which is a share of `seen_per_kwh`."""
        gain_per_kwh = now.import_price_per_kwh - target[0] * self.seen_per_kwh - self.fuel_per_kwh
        best_kw = ratio(gain_per_kwh, 2 * self.fuel_per_kw_kwh)
        return (2 * ratio(jnp.clip(best_kw, 0, self.limit_kw), self.limit_kw) - 1)[None]

    def commands(self):
        return (Command("power", "kW", 0.0, -self.limit_kw, (0.0, -self.limit_kw / 2, -self.limit_kw)),)

    def plan(self, program: Program, day: Profile, state) -> Terms:
        """Power in blocks whose slopes are tangents of the quadratic, so that the cost is never overstated.

        With n blocks the cost of a step is understated by at most dt a (limit / n)² / 4.
        """
        blocks = 24
        present = np.broadcast_to(self.limit_kw > 0, day.load_kw.shape)
        tangent_kw = np.arange(blocks + 1)[:, None, None] * self.limit_kw / blocks
        size_kw = self.limit_kw / blocks * np.where(np.arange(blocks + 1) % blocks, 1.0, 0.5)[:, None, None]
        slope = (self.fuel_per_kwh + 2 * self.fuel_per_kw_kwh * tangent_kw) * day.dt_h[:, None]
        made = program.columns(0.0, size_kw, slope, np.broadcast_to(present, slope.shape))
        return [(column, -1.0) for column in made]
