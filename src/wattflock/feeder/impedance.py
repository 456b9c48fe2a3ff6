"""What terminal currents do to voltages and currents elsewhere: small dense blocks, joined across a few nodes."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

Values = Array | np.ndarray
Pair = tuple[Array, Array]  # real and imaginary parts
APART = 768  # snapshots from which two products cost less than joining what they multiply (measured on a CPU)


class Impedance(eqx.Module):
    """A matrix from terminal currents to drops, exact, as blocks and what crosses between them.

    Cutting the feeder at a few buses leaves blocks that meet at these cut nodes only, so that
    Y⁻¹ = blockdiag(Y_aa⁻¹) + N Z_CC N'. With one block and no cut it is the whole dense matrix. Complex
    vectors are packed [Re | Im] within a block, padded to the widest block; matrices act from the right.
    """

    local: Float[Values, "blocks 2*width 2*outputs"]
    up: Float[Values, "blocks 2*width 2*rim"]  # current into the cut nodes around each block
    across: Float[Values, "blocks*2*rim blocks*2*rim"]  # to the drop of voltage at cut nodes
    down: Float[Values, "blocks 2*rim 2*outputs"]

    def drop(self, current: Pair) -> Float[Array, "blocks batch 2*outputs"]:
        """The drop at each output [as the matrices say]; `current` is two of (blocks, batch, width)."""
        near = _product(current, self.local)
        blocks, batch, _ = near.shape
        if not self.across.size:
            return near
        rim = _product(current, self.up).transpose(1, 0, 2).reshape(batch, -1)
        far = exactly(rim, self.across).reshape(batch, blocks, -1).transpose(1, 0, 2)
        return near + _product(halves(far), self.down)


class Readout(eqx.Module):
    """Named quantities that are affine in the terminal currents: y = y₀ - drop."""

    impedance: Impedance
    no_load: Float[Values, "blocks 1 2*outputs"]
    place: Int[Values, "names"]  # of each name among blocks × outputs
    names: tuple[str, ...] = eqx.field(static=True)

    def packed(self, current: Pair) -> Array:
        """Shape (blocks, batch, 2*outputs)."""
        return jnp.subtract(self.no_load, self.impedance.drop(current))

    def named(self, values: Float[Array, "blocks batch outputs"]) -> Float[Array, "batch names"]:
        """The same values in the order of the names."""
        blocks, batch, outputs = values.shape
        if blocks == 1:  # nothing is padded
            return values[0]
        return jnp.take(values.transpose(1, 0, 2).reshape(batch, blocks * outputs), self.place, axis=-1)

    def phasor(self, current: Pair) -> Array:
        """Complex quantities, shape (batch, names)."""
        real, imaginary = halves(self.packed(current))
        return jax.lax.complex(self.named(real), self.named(imaginary))


def halves(packed: Array) -> Pair:
    """Real and imaginary parts of what is packed on the last axis."""
    half = packed.shape[-1] // 2
    return packed[..., :half], packed[..., half:]


def _product(left: Pair, right: Values) -> Array:
    """[Re | Im] times a packed matrix: joined, or each part with its own rows, whichever costs less."""
    _, batch, half = left[0].shape
    if batch < APART:
        return exactly(jnp.concatenate(left, -1), right)
    return exactly(left[0], right[:, :half]) + exactly(left[1], right[:, half:])


def exactly(left: Array, right: Values) -> Array:
    """left @ right in the precision that both have, on every device."""
    return jnp.matmul(left, right, precision=jax.lax.Precision.HIGHEST)  # no TF32: it loses 1e-3
