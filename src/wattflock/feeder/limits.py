"""Limits of voltages, currents and unbalance, and the penalty of violating them."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Complex, Float

from wattflock.feeder.solve import Feeder, Flow

LIMITS = ("voltage", "loading", "unbalance")  # names, as tables and objectives have them
# What one unit beyond a limit counts as, unless a learner says otherwise [pu]: 1 % above a rating, or 0.1 % above the
# limit of unbalance, as 0.5 mpu of voltage beyond its band.
WORTH = {"voltage": 1.0, "loading": 0.05, "unbalance": 0.5}


class Limits(eqx.Module):
    """Limits of a feeder. The default band of voltage is ANSI C84.1-2020, range A at the service, ±5 %."""

    low_pu: float = 0.95
    high_pu: float = 1.05
    loading: float = 1.0  # current over rating, of lines and transformers
    unbalance: float = 0.02  # negative over positive sequence voltage


PRESETS = {
    "ansi-a": Limits(0.95, 1.05),  # ANSI C84.1-2020, range A
    "ansi-b": Limits(0.917, 1.058),  # ANSI C84.1-2020, range B (110 V and 127 V of 120 V)
    "en50160": Limits(0.90, 1.10),  # EN 50160:2010, 4.2.2 and 4.2.4
}


def excess_pu(limits: Limits, voltage_pu: Float[Array, "..."], margin_pu: float = 0.0) -> Float[Array, "..."]:
    """How far beyond the band, narrowed by `margin_pu` on both sides; 0 inside it [pu], same shape."""
    below = limits.low_pu + margin_pu - voltage_pu
    above = voltage_pu - limits.high_pu + margin_pu
    return jnp.maximum(jnp.maximum(below, above), 0)


class Conditions(eqx.Module):
    """What limits are about, in each snapshot; a limit that is not judged has no rows."""

    voltage_pu: Float[Array, "*batch nodes"]
    loading: Float[Array, "*batch branches"]  # current over rating, of the rated branches [share]
    unbalance: Float[Array, "*batch buses"]  # of the buses with three phases [share]
    converged: Bool[Array, "*batch"]  # whether the power flow did


def conditions(feeder: Feeder, flow: Flow, judges: tuple[str, ...] = LIMITS) -> Conditions:
    """The conditions of a solved flow that the limits `judges` are about; `rated` leaves the rated branches alone."""
    nothing = jnp.zeros((*flow.converged.shape, 0), flow.voltage_pu.dtype)
    return Conditions(
        voltage_pu=flow.voltage_pu,
        loading=branch_loading(feeder, flow.branch_a) if "loading" in judges else nothing,
        unbalance=flow.unbalance if "unbalance" in judges else nothing,
        converged=flow.converged,
    )


def no_wires(batch: tuple[int, ...]) -> Conditions:
    """The conditions of homes without a feeder: no rows."""
    nothing = jnp.zeros((*batch, 0))
    return Conditions(nothing, nothing, nothing, jnp.ones(batch, bool))


Margins = dict[str, Array] | float  # by how much limits are narrowed, in the unit of each; a number is that of voltages


def beyond(limits: Limits, found: Conditions, margins: Margins = 0.0) -> dict[str, Array]:
    """How far each limit that is judged is exceeded, negative inside it: "voltage" (…, nodes) [pu], "loading"
    (…, rated branches) and "unbalance" (…, buses) [share].

    `margins` narrow the band of voltages on both sides, and the other limits where they are named.
    """
    narrow = margins if isinstance(margins, dict) else {"voltage": margins}
    margin_pu = narrow.get("voltage", 0.0)
    low, high = limits.low_pu + margin_pu - found.voltage_pu, found.voltage_pu - limits.high_pu + margin_pu
    loading = found.loading - limits.loading + narrow.get("loading", 0.0)
    unbalance = found.unbalance - limits.unbalance + narrow.get("unbalance", 0.0)
    every = {"voltage": jnp.maximum(low, high), "loading": loading, "unbalance": unbalance}
    return {name: amount for name, amount in every.items() if amount.shape[-1]}


def excess(limits: Limits, found: Conditions, margins: Margins = 0.0) -> dict[str, Array]:
    """`beyond` where it is positive, 0 inside the limits."""
    return {name: jnp.maximum(amount, 0) for name, amount in beyond(limits, found, margins).items()}


def penalty(excess: Float[Array, "..."], slope: Float[Array, "..."] | float, curvature: float) -> Float[Array, "..."]:
    """slope·e + curvature/2·e², same shape; `slope` per pu, `curvature` per pu²."""
    return slope * excess + curvature / 2 * excess**2


def branch_loading(feeder: Feeder, branch_a: Complex[Array, "*batch branches"]) -> Float[Array, "*batch branches"]:
    """Current over rating [share]; 0 where no rating is known."""
    rating_a = jnp.broadcast_to(feeder.rating_a, branch_a.shape)
    known = rating_a > 0  # nan is not
    return jnp.where(known, _size(branch_a) / jnp.where(known, rating_a, 1), 0)


def stress(limits: Limits, feeder: Feeder, flow: Flow) -> Float[Array, "*batch rows"]:
    """Every limit as one number that is ≤ 0 where it is kept, in the order of `stress_names`.

    Voltages [pu], loadings and unbalance [share], each beyond its own limit.
    """
    return jnp.concatenate(
        [
            flow.voltage_pu - limits.high_pu,
            limits.low_pu - flow.voltage_pu,
            branch_loading(feeder, flow.branch_a) - limits.loading,
            flow.unbalance - limits.unbalance,
        ],
        -1,
    )


def stress_names(feeder: Feeder) -> tuple[str, ...]:
    """What each number of `stress` is about: "over-voltage 35.1", "loading line.l1.1", "unbalance 35"."""
    return (
        *(f"over-voltage {name}" for name in feeder.nodes),
        *(f"under-voltage {name}" for name in feeder.nodes),
        *(f"loading {name}" for name in feeder.branch.names),
        *(f"unbalance {bus}" for bus in feeder.three_phase),
    )


def kept(limits: Limits, feeder: Feeder, flow: Flow) -> Bool[Array, "*batch"]:
    """Whether a snapshot has a solution that keeps every limit."""
    return flow.converged & (stress(limits, feeder, flow) <= 0).all(-1)


def _size(value: Array) -> Array:
    return jnp.sqrt(value.real**2 + value.imag**2 + 1e-20)
