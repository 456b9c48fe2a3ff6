"""Loads whose power depends on their voltage: constant current, ZIP, CVR, and OpenDSS's cut-offs."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from wattflock.feeder.impedance import Values


class Dependent(eqx.Module):
    """Loads at the terminals, in layers: one per terminal each. What they mean stands in `circuit.Spot`.

    The share `folded` of the impedance that draws the rated power is in the feeder's admittance already, and taken
    off here: the iteration then has less to correct. Arrays (layers, blocks, 1, width).
    """

    kw: Float[Values, "layers blocks 1 width"]  # at rated voltage [per unit of power]
    kvar: Float[Values, "layers blocks 1 width"]
    kw_exponent: Float[Values, "layers blocks 1 width"]
    kvar_exponent: Float[Values, "layers blocks 1 width"]
    kw_folded: Float[Values, "layers blocks 1 width"]
    kvar_folded: Float[Values, "layers blocks 1 width"]
    rated: Float[Values, "layers blocks 1 width"]  # rated voltage [per unit of the terminal's]
    band: "Band | None"  # where the model holds; None: everywhere

    def power(self, voltage: Float[Array, "blocks batch width"]) -> tuple[Array, Array]:
        """Drawn at these magnitudes [per unit], active and reactive, each (blocks, batch, width)."""
        share = voltage[None] / self.rated
        active, reactive = share**self.kw_exponent, share**self.kvar_exponent
        if self.band is not None:
            active = self.band.bounded(share, active, self.band.kw_edge)
            reactive = self.band.bounded(share, reactive, self.band.kvar_edge)
        square = share**2
        kw, kvar = active - self.kw_folded * square, reactive - self.kvar_folded * square
        return (self.kw * kw).sum(0), (self.kvar * kvar).sum(0)


class Band(eqx.Module):
    """Voltages within which a load keeps its model [share of rated]; outside it is an impedance."""

    low: Float[Values, "layers blocks 1 width"]
    high: Float[Values, "layers blocks 1 width"]
    floor: Float[Values, "layers blocks 1 width"]
    kw_edge: Float[Values, "layers blocks 1 width"]  # at an edge v the share of rated power is v^edge
    kvar_edge: Float[Values, "layers blocks 1 width"]

    def bounded(self, share: Array, inside: Array, edge: Values) -> Array:
        """Share of rated power: above `high` v² through the edge; below `low` current linear down to `floor`."""
        above = share**2 * self.high ** (edge - 2)
        slope = (self.low ** (edge - 1) - self.floor) / (self.low - self.floor)
        falling = share * (self.floor + slope * (share - self.floor))
        below = jnp.where(share > self.floor, falling, share**2)
        return jnp.where(share > self.high, above, jnp.where(share > self.low, inside, below))
