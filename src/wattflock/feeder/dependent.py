"""Loads whose power depends on their voltage: constant current, ZIP, CVR, and OpenDSS's cut-offs."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from wattflock.feeder.impedance import Values


class Dependent(eqx.Module):
    """Loads at the terminals, in layers: one per terminal each. What they mean stands in `circuit.Spot`.

    Constant impedance is not here but in the feeder's admittance. Arrays (layers, blocks, 1, width).
    """

    kw: Float[Values, "layers blocks 1 width"]  # at rated voltage [per unit of power]
    kvar: Float[Values, "layers blocks 1 width"]
    kw_exponent: Float[Values, "layers blocks 1 width"]
    kvar_exponent: Float[Values, "layers blocks 1 width"]
    rated: Float[Values, "layers blocks 1 width"]  # rated voltage [per unit of the terminal's]
    band: "Band | None"  # where the model holds; None: everywhere

    def power(self, voltage: Float[Array, "blocks batch width"]) -> tuple[Array, Array]:
        """Drawn at these magnitudes [per unit], active and reactive, each (blocks, batch, width)."""
        share = voltage[None] / self.rated
        active = self._shares(share, self.kw_exponent)
        reactive = self._shares(share, self.kvar_exponent)
        return (self.kw * active).sum(0), (self.kvar * reactive).sum(0)

    def _shares(self, share: Array, exponent: Values) -> Array:
        inside = share**exponent
        return inside if self.band is None else self.band.bounded(share, inside, exponent)


class Band(eqx.Module):
    """Voltages within which a load keeps its model [share of rated]; outside it is an impedance."""

    low: Float[Values, "layers blocks 1 width"]
    high: Float[Values, "layers blocks 1 width"]
    floor: Float[Values, "layers blocks 1 width"]

    def bounded(self, share: Array, inside: Array, exponent: Values) -> Array:
        """Share of rated power: above `high` v² through the edge; below `low` current linear down to `floor`."""
        above = (share / self.high) ** 2 * self.high**exponent
        slope = (self.low ** (exponent - 1) - self.floor) / (self.low - self.floor)
        falling = share * (self.floor + slope * (share - self.floor))
        below = jnp.where(share > self.floor, falling, share**2)
        return jnp.where(share > self.high, above, jnp.where(share < self.low, below, inside))
