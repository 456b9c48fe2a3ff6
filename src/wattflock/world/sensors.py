"""What homes observe of the feeder: the voltage at their own meter, one step ago."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from wattflock.core.types import Profile
from wattflock.feeder.operator import Values
from wattflock.feeder.solve import Flow
from wattflock.homes.features import VOLTAGE


class Voltmeter(eqx.Module):
    """Reads the terminal that each home is connected to; a world that has one solves the power flow at every step."""

    terminal: Int[Values, "homes"]  # of each home, its number among the feeder's

    def start(self, now: Profile) -> Float[Array, "homes"]:
        """Before the first step of a day: nominal."""
        return jnp.ones_like(jnp.asarray(now.start))

    def read(self, flow: Flow) -> Float[Array, "homes"]:
        """Voltage of every home [pu]."""
        return jnp.take(flow.terminal_pu, self.terminal, axis=-1)

    def observe(self, voltage_pu: Float[Array, "homes"]) -> Float[Array, "homes seen"]:
        """Feature of policies, of order one: ±1 is ±5 %."""
        return VOLTAGE.of(voltage_pu)[:, None]
