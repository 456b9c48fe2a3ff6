"""Volt-var control: inverters set their reactive power by their own voltage, without a controller."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float


class VoltVar(eqx.Module):
    """The curve: reactive power as a share of an inverter's remaining reactive power, against its own voltage.

    All is given at `give_pu` and below, nothing between the `rest` points, all is drawn at `draw_pu` and above, linear
    between. The example lies within the adjustable ranges of the source.

    Source: IEEE 1547-2018, table 8 and figure H.4.
    """

    give_pu: float = 0.95
    rest_low_pu: float = 0.97
    rest_high_pu: float = 1.03
    draw_pu: float = 1.05

    def share(self, voltage_pu: Float[Array, "..."]) -> Float[Array, "..."]:
        """Share of the room that is drawn at a voltage, -1 gives all to 1 draws all."""
        above = (voltage_pu - self.rest_high_pu) / (self.draw_pu - self.rest_high_pu)
        below = (self.rest_low_pu - voltage_pu) / (self.rest_low_pu - self.give_pu)
        return jnp.clip(above, 0, 1) - jnp.clip(below, 0, 1)

    def steepest(self) -> Array:
        """Largest change of the share per unit of voltage, shape ()."""
        return 1 / jnp.minimum(self.draw_pu - self.rest_high_pu, self.rest_low_pu - self.give_pu)


class Support(eqx.Module):
    """Inverters on a curve: how much reactive power each terminal's have left."""

    curve: VoltVar
    room: Array  # (..., terminals) [kvar]; within the iteration (blocks, batch, width) [per unit]
