"""Three-phase power flow of many snapshots at once, with exact gradients (docs/feeder.md)."""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

Values = Array | np.ndarray
FLOOR = 0.01  # squared voltage [pu²] below which a load is no longer constant power: nothing converges there


class Feeder(eqx.Module):
    """Wires seen from their terminals: what a current at each terminal does to every voltage.

    A terminal is one phase to ground or one branch between two phases. Complex vectors are packed
    [Re | Im], matrices act from the right, voltages and currents are per unit of each terminal's own base.
    Arrays are numpy float64 when built; `wattflock.types.cast(feeder, dtype)` gives the others.
    Built by `reduce_network`; source there.

    The impedances turn terminal currents into voltage drops: of the terminals, of the nodes, of the
    source's bus (`head`). `head_share` turns them into currents out of the source.
    """

    impedance: Float[Values, "2*terminals 2*terminals"]
    no_load_pu: Float[Values, "2*terminals"]  # terminal voltages without any load
    node_impedance: Float[Values, "2*terminals 2*nodes"]
    node_no_load_pu: Float[Values, "2*nodes"]
    head_impedance: Float[Values, "2*terminals 6"]
    head_no_load_pu: Float[Values, "6"]
    head_share: Float[Values, "2*terminals 6"]
    head_charging_pu: Float[Values, "6"]  # currents out of the source without any load
    nominal_kw: Float[Values, "terminals"]  # the feeder's own spot loads [kW]
    nominal_kvar: Float[Values, "terminals"]
    base_kva: Float[Values, ""]  # power of one terminal that is 1 pu [kVA]
    terminals: tuple[str, ...] = eqx.field(static=True)
    nodes: tuple[str, ...] = eqx.field(static=True)


class Flow(eqx.Module):
    """What the wires do in each snapshot."""

    voltage_pu: Float[Array, "*batch nodes"]  # magnitude to ground, per unit of the node's nominal voltage
    converged: Bool[Array, "*batch"]
    residual_pu: Float[Array, "*batch"]  # how far terminal voltages still moved in the last iteration
    iterations: Int[Array, ""]  # of the whole batch
    head_kw: Float[Array, "*batch 3"]  # real power per phase that flows from the source into the feeder
    head_kvar: Float[Array, "*batch 3"]


def solve(feeder: Feeder, load_kw: Array, load_kvar: Array, tolerance: float = 1e-6, most: int = 60) -> Flow:
    """Voltages and head power for constant-power loads.

    Fixed point in the terminal currents, c = conj(s / (u₀ - M c)); then V = V₀ - W c. Gradients with
    respect to the loads and the feeder's arrays come from the implicit function theorem, not from the loop.

    Args:
        feeder: its arrays' dtype is the dtype of the work; float64 needs `jax.enable_x64(True)`.
        load_kw: drawn at each terminal, negative = fed in [kW], shape (..., terminals).
        load_kvar: reactive power drawn at each terminal [kvar], shape (..., terminals).
        tolerance: stop when no terminal voltage moves further in any snapshot [pu]; what is left is about
            a tenth of it. 1e-6 in float32, 1e-10 to verify in float64.
        most: iterations after which a snapshot counts as unconverged.

    Returns:
        Flow; leading axes as given. Never raises: a snapshot without a solution, or with a load that is
        not finite, has `converged` False and gradient exactly zero, and leaves the others alone.

    Source: A. Bernstein et al., "Load flow in multiphase distribution networks: existence, uniqueness,
    non-singularity and linear models", IEEE Trans. Power Systems, 2018, DOI 10.1109/TPWRS.2018.2823277
    (arXiv 1702.03310): the fixed point, and when it converges. The adjoint is derived in docs/feeder.md.
    """
    return _solve(*_fresh((feeder, load_kw, load_kvar)), tolerance, most)


def _fresh(tree):
    """The same tree, its numpy arrays in the precision of the moment.

    JAX 0.10 keeps a numpy array in the precision of its first use: one float64 array used with x64 and
    then without fails with RuntimeProgramInputMismatch. A copy has no such history.
    """

    def copy(leaf):
        return np.asarray(leaf, jnp.result_type(leaf)) if isinstance(leaf, np.ndarray) else leaf

    return jax.tree.map(copy, tree)


@partial(jax.jit, static_argnums=(3, 4))
def _solve(feeder: Feeder, load_kw: Array, load_kvar: Array, tolerance: float, most: int) -> Flow:
    dtype = feeder.impedance.dtype
    load = jnp.concatenate([jnp.asarray(load_kw, dtype), jnp.asarray(load_kvar, dtype)], -1)
    settled = _settle(tolerance, most, feeder.impedance, feeder.no_load_pu, load / feeder.base_kva)
    current, converged, residual, iterations = settled
    real, imaginary = _halves(_drop(feeder.node_no_load_pu, feeder.node_impedance, current))
    head_kw, head_kvar = _head_power(feeder, current)
    return Flow(
        voltage_pu=jnp.sqrt(real**2 + imaginary**2),
        converged=converged,
        residual_pu=residual,
        iterations=iterations,
        head_kw=head_kw,
        head_kvar=head_kvar,
    )


def _head_power(feeder: Feeder, current: Array) -> tuple[Array, Array]:
    volt_re, volt_im = _halves(_drop(feeder.head_no_load_pu, feeder.head_impedance, current))
    out_re, out_im = _halves(_drop(feeder.head_charging_pu, -feeder.head_share, current))
    kw = (volt_re * out_re + volt_im * out_im) * feeder.base_kva
    return kw, (volt_im * out_re - volt_re * out_im) * feeder.base_kva


def _iterate(
    tolerance: float, most: int, impedance: Values, no_load: Values, power: Array
) -> tuple[Array, Array, Array, Array]:
    """Terminal currents of the fixed point, converged, residual, iterations."""

    def again(carry):
        _, _, residual, count = carry
        return (count < most) & jnp.any(residual > tolerance)

    def step(carry):
        voltage, current, _, count = carry
        moved = _drop(no_load, impedance, current)
        return moved, _current(moved, power), jnp.abs(moved - voltage).max(-1), count + 1

    start = jnp.broadcast_to(no_load, power.shape)
    first = start, _current(start, power), jnp.full(power.shape[:-1], jnp.inf, power.dtype), jnp.int32(0)
    voltage, current, residual, count = jax.lax.while_loop(again, step, first)
    real, imaginary = _halves(voltage)
    upright = (real**2 + imaginary**2).min(-1) > FLOOR
    return current, (residual <= tolerance) & upright, residual, count


_settle = jax.custom_vjp(_iterate, nondiff_argnums=(0, 1))


def _settle_forward(tolerance, most, impedance, no_load, power):
    result = _settle(tolerance, most, impedance, no_load, power)
    return result, (impedance, no_load, power, result[0], result[1])


def _settle_backward(tolerance, most, saved, cotangents):
    """Solve λ = g + (∂F/∂c)ᵀ λ by the same iteration, then push λ through ∂F/∂(M, u₀, s)."""
    impedance, no_load, power, current, converged = saved
    keep = converged[..., None]
    power, current = jnp.where(keep, power, 0), jnp.where(keep, current, 0)
    wanted = jnp.where(keep, cotangents[0], 0)
    size = jnp.maximum(jnp.abs(wanted).max(-1, keepdims=True), jnp.finfo(wanted.dtype).tiny)
    goal = wanted / size

    def fixed_point(impedance, no_load, power, current):
        return _current(_drop(no_load, impedance, current), power)

    _, pull = jax.vjp(fixed_point, impedance, no_load, power, current)

    def again(carry):
        _, residual, count = carry
        return (count < most) & (residual > tolerance)

    def step(carry):
        weight, _, count = carry
        moved = goal + pull(weight)[3]
        return moved, jnp.abs(moved - weight).max(), count + 1

    weight = jax.lax.while_loop(again, step, (goal, jnp.array(jnp.inf, goal.dtype), jnp.int32(0)))[0]
    to_impedance, to_no_load, to_power, _ = pull(weight * size)
    return to_impedance, to_no_load, jnp.where(keep, to_power, 0)


_settle.defvjp(_settle_forward, _settle_backward)


def _drop(no_load: Values, impedance: Values, current: Array) -> Array:
    down = jnp.matmul(current, impedance, precision=jax.lax.Precision.HIGHEST)  # no TF32: it loses 1e-3
    return jnp.broadcast_to(no_load, down.shape) - down


def _current(voltage: Array, power: Array) -> Array:
    """conj(s / u), with |u|² held above `FLOOR` so that a snapshot without a solution stays finite."""
    real, imaginary = _halves(voltage)
    kw, kvar = _halves(power)
    square = jnp.maximum(real**2 + imaginary**2, FLOOR)
    return jnp.concatenate([(kw * real + kvar * imaginary) / square, (kw * imaginary - kvar * real) / square], -1)


def _halves(packed: Array) -> tuple[Array, Array]:
    half = packed.shape[-1] // 2
    return packed[..., :half], packed[..., half:]
