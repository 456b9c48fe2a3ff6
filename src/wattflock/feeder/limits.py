"""The band in which voltages have to stay, and what leaving it costs."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float


class Limits(eqx.Module):
    """A band of voltage magnitudes [pu]. Source: ANSI C84.1-2020, range A at the service, ±5 %."""

    low_pu: float = 0.95
    high_pu: float = 1.05


def excess_pu(limits: Limits, voltage_pu: Float[Array, "..."], margin_pu: float = 0.0) -> Float[Array, "..."]:
    """How far beyond the band, narrowed by `margin_pu` on both sides; 0 inside it [pu], same shape."""
    below = limits.low_pu + margin_pu - voltage_pu
    above = voltage_pu - limits.high_pu + margin_pu
    return jnp.maximum(jnp.maximum(below, above), 0)


def penalty(excess: Float[Array, "..."], slope: Float[Array, "..."] | float, curvature: float) -> Float[Array, "..."]:
    """slope·e + curvature/2·e², same shape; `slope` per pu, `curvature` per pu²."""
    return slope * excess + curvature / 2 * excess**2
