"""Terminal currents by the implicit Z-bus iteration, with its implicit adjoint (docs/feeder.md)."""

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array

from wattflock.feeder.dependent import Dependent
from wattflock.feeder.impedance import Pair, Readout, halves
from wattflock.feeder.volt_var import Support

AHEAD = 4  # iterations before the first look at the residual: hardly a snapshot needs fewer
FLOOR = 0.01  # squared voltage [pu²] below which a load is no longer constant power: nothing converges there


def iterate(
    tolerance: float, most: int, terminal: Readout, dependent: Dependent | None, support: Support | None, power: Array
) -> tuple[tuple[Array, ...], Array, Array, Array]:
    """Terminal currents c = conj(s(u) / u) with u = u₀ - M c.

    Args:
        tolerance: on the movement of terminal voltages [pu].
        most: iterations.
        terminal: voltage over each terminal.
        dependent: loads of the feeder itself, beside `power`.
        support: inverters' answer to their voltage, beside `power`.
        power: packed constant power [per unit], shape (blocks, batch, 2*width).

    Returns:
        Current, real and imaginary, and what inverters draw if there is `support`, each (blocks, batch, width)
        [per unit]; converged (batch,); residual (batch,) [pu]; iterations ().
    """

    moving = damped(terminal, support)

    def again(carry):
        _, _, residual, count = carry
        return (count < most) & jnp.any(residual > tolerance)

    def step(carry):
        voltage, state, _, count = carry
        moved = terminal.packed(state[:2])
        state = answer(moved, state, dependent, moving, power)
        return moved, state, jnp.abs(moved - voltage).max((0, -1)), count + 1

    start = jnp.broadcast_to(terminal.no_load, power.shape)
    batch = power.shape[1]
    still = (jnp.zeros_like(halves(power)[0]),) * (2 if support is None else 3)
    state = answer(start, still, dependent, moving, power)
    carry = start, state, jnp.full(batch, jnp.inf, power.dtype), jnp.int32(0)
    for _ in range(min(AHEAD, most)):
        carry = step(carry)
    voltage, state, residual, count = jax.lax.while_loop(again, step, carry)
    active, reactive, square = _power(voltage, power, dependent)
    fallen = (square <= FLOOR) & ((active != 0) | (reactive != 0))
    return state, (residual <= tolerance) & ~fallen.any((0, -1)), residual, count


settle = jax.custom_vjp(iterate, nondiff_argnums=(0, 1))


def damped(terminal: Readout, support: Support | None) -> tuple[Support, Array] | None:
    """Inverters, and how far each moves towards its curve in one iteration.

    Inverters answer with a gain g: how far the voltage moves by all they have, times the curve's slope. Balanced
    phases have the gain g and single ones up to about 2 g, so that moving by 1 / (1 + g) converges fastest.
    """
    if support is None:
        return None
    power = jnp.concatenate([jnp.zeros_like(support.room), support.room], -1)
    nothing_drawn = jnp.broadcast_to(terminal.no_load, power.shape)
    all_drawn = terminal.packed(drawn_current(nothing_drawn, power, None))
    gain = support.curve.steepest() * jnp.abs(magnitude(all_drawn) - magnitude(nothing_drawn))
    return support, jax.lax.stop_gradient(1 / (1 + gain))


def answer(
    voltage: Array,
    state: tuple[Array, ...],
    dependent: Dependent | None,
    moving: tuple[Support, Array] | None,
    power: Array,
) -> tuple[Array, ...]:
    """The next state of the iteration at a voltage: currents, and what inverters draw."""
    if moving is None:
        return drawn_current(voltage, power, dependent)
    support, part = moving
    drawn = state[2] + part * (support.room * support.curve.share(magnitude(voltage)) - state[2])
    more = jnp.concatenate([jnp.zeros_like(drawn), drawn], -1)
    return *drawn_current(voltage, power + more, dependent), drawn


def magnitude(voltage: Array) -> Array:
    """|u| of what is packed, held above the root of `FLOOR`."""
    real, imaginary = halves(voltage)
    return jnp.sqrt(jnp.maximum(real**2 + imaginary**2, FLOOR))


def _forward(tolerance, most, terminal, dependent, support, power):
    result = settle(tolerance, most, terminal, dependent, support, power)
    return result, (terminal, dependent, support, power, result[0], result[1])


def _backward(tolerance, most, saved, cotangents):
    """Solve λ = g + (∂F/∂z)ᵀ λ by the same iteration, then push λ through ∂F/∂(M, u₀, s)."""
    terminal, dependent, support, power, state, converged = saved
    keep = converged[None, :, None]
    power, state, support = jax.tree.map(lambda each: _where(keep, each), (power, state, support))
    wanted = tuple(jnp.where(keep, each, 0) for each in cotangents[0])
    size = jnp.maximum(_largest(wanted), jnp.finfo(power.dtype).tiny)
    goal = tuple(each / size for each in wanted)

    def mapped(terminal, dependent, support, power, state):
        return answer(terminal.packed(state[:2]), state, dependent, damped(terminal, support), power)

    _, pull = jax.vjp(mapped, terminal, dependent, support, power, state)

    def again(carry):
        _, residual, count = carry
        return (count < most) & (residual > tolerance)

    def step(carry):
        weight, _, count = carry
        moved = tuple(jnp.add(*each) for each in zip(goal, pull(weight)[4], strict=True))
        residual = _largest(tuple(jnp.subtract(*each) for each in zip(moved, weight, strict=True))).max()
        return moved, residual, count + 1

    carry = goal, jnp.array(jnp.inf, power.dtype), jnp.int32(0)
    for _ in range(min(AHEAD, most)):
        carry = step(carry)
    weight = jax.lax.while_loop(again, step, carry)[0]
    *fixed, to_power, _ = pull(tuple(each * size for each in weight))
    return *fixed, jnp.where(keep, to_power, 0)


def _where(keep: Array, each: Array) -> Array:
    """Zero in snapshots without a solution; what has no snapshots is left."""
    return jnp.where(keep, each, 0) if each.ndim == keep.ndim else each


def _largest(pair: tuple[Array, ...]) -> Array:
    """Largest magnitude of each snapshot, shape (1, batch, 1)."""
    return functools.reduce(jnp.maximum, (jnp.abs(each).max((0, -1), keepdims=True) for each in pair))


settle.defvjp(_forward, _backward)


def drawn_current(voltage: Array, power: Array, dependent: Dependent | None) -> Pair:
    """conj(s(u) / u), with |u|² held above `FLOOR` so that a snapshot without a solution stays finite."""
    real, imaginary = halves(voltage)
    active, reactive, square = _power(voltage, power, dependent)
    inverse = 1 / square
    active, reactive = active * inverse, reactive * inverse
    return active * real + reactive * imaginary, active * imaginary - reactive * real


def _power(voltage: Array, power: Array, dependent: Dependent | None) -> tuple[Array, Array, Array]:
    """What is drawn at this voltage, active and reactive, and |u|² held above `FLOOR`."""
    real, imaginary = halves(voltage)
    active, reactive = halves(power)
    square = jnp.maximum(real**2 + imaginary**2, FLOOR)
    if dependent is not None:
        more, more_reactive = dependent.power(jnp.sqrt(square))
        active, reactive = active + more, reactive + more_reactive
    return active, reactive, square
