"""Terminal currents by the implicit Z-bus iteration, with its implicit adjoint (docs/feeder.md)."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from wattflock.feeder.dependent import Dependent
from wattflock.feeder.impedance import Pair, Readout, halves

AHEAD = 4  # iterations before the first look at the residual: hardly a snapshot needs fewer
FLOOR = 0.01  # squared voltage [pu²] below which a load is no longer constant power: nothing converges there


def iterate(
    tolerance: float, most: int, terminal: Readout, dependent: Dependent | None, power: Array
) -> tuple[Pair, Array, Array, Array]:
    """Terminal currents c = conj(s(u) / u) with u = u₀ - M c.

    Args:
        tolerance: on the movement of terminal voltages [pu].
        most: iterations.
        terminal: voltage over each terminal.
        dependent: loads of the feeder itself, beside `power`.
        power: packed constant power [per unit], shape (blocks, batch, 2*width).

    Returns:
        Current, real and imaginary, each (blocks, batch, width) [per unit]; converged (batch,); residual (batch,)
        [pu]; iterations ().
    """

    def again(carry):
        _, _, residual, count = carry
        return (count < most) & jnp.any(residual > tolerance)

    def step(carry):
        voltage, current, _, count = carry
        moved = terminal.packed(current)
        return moved, drawn_current(moved, power, dependent), jnp.abs(moved - voltage).max((0, -1)), count + 1

    start = jnp.broadcast_to(terminal.no_load, power.shape)
    batch = power.shape[1]
    carry = start, drawn_current(start, power, dependent), jnp.full(batch, jnp.inf, power.dtype), jnp.int32(0)
    for _ in range(min(AHEAD, most)):
        carry = step(carry)
    voltage, current, residual, count = jax.lax.while_loop(again, step, carry)
    active, reactive, square = _power(voltage, power, dependent)
    fallen = (square <= FLOOR) & ((active != 0) | (reactive != 0))
    return current, (residual <= tolerance) & ~fallen.any((0, -1)), residual, count


settle = jax.custom_vjp(iterate, nondiff_argnums=(0, 1))


def _forward(tolerance, most, terminal, dependent, power):
    result = settle(tolerance, most, terminal, dependent, power)
    return result, (terminal, dependent, power, result[0], result[1])


def _backward(tolerance, most, saved, cotangents):
    """Solve λ = g + (∂F/∂c)ᵀ λ by the same iteration, then push λ through ∂F/∂(M, u₀, s)."""
    terminal, dependent, power, current, converged = saved
    keep = converged[None, :, None]
    power, real, imaginary = (jnp.where(keep, each, 0) for each in (power, *current))
    wanted = tuple(jnp.where(keep, each, 0) for each in cotangents[0])
    size = jnp.maximum(_largest(wanted), jnp.finfo(power.dtype).tiny)
    goal = tuple(each / size for each in wanted)

    def mapped(terminal, dependent, power, current):
        return drawn_current(terminal.packed(current), power, dependent)

    _, pull = jax.vjp(mapped, terminal, dependent, power, (real, imaginary))

    def again(carry):
        _, residual, count = carry
        return (count < most) & (residual > tolerance)

    def step(carry):
        weight, _, count = carry
        moved = tuple(jnp.add(*each) for each in zip(goal, pull(weight)[3], strict=True))
        residual = _largest(tuple(jnp.subtract(*each) for each in zip(moved, weight, strict=True))).max()
        return moved, residual, count + 1

    carry = goal, jnp.array(jnp.inf, power.dtype), jnp.int32(0)
    for _ in range(min(AHEAD, most)):
        carry = step(carry)
    weight = jax.lax.while_loop(again, step, carry)[0]
    to_terminal, to_dependent, to_power, _ = pull(tuple(each * size for each in weight))
    return to_terminal, to_dependent, jnp.where(keep, to_power, 0)


def _largest(pair: tuple[Array, ...]) -> Array:
    """Largest magnitude of each snapshot, shape (1, batch, 1)."""
    return jnp.maximum(*(jnp.abs(each).max((0, -1), keepdims=True) for each in pair))


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
