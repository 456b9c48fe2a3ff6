"""Three-phase power flow of many snapshots at once, by fixed-point iteration with an implicit adjoint."""

import functools
import math
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.ad_checkpoint import checkpoint_name
from jaxtyping import Array, Bool, Complex, Float, Int

from wattflock.feeder.loads import Dependent
from wattflock.feeder.operator import Pair, Readout, Values, halves
from wattflock.feeder.volt_var import Support

AHEAD = 4  # iterations before the first look at the residual: hardly a snapshot needs fewer
SOLVED = "flow"  # what a checkpoint may keep of a power flow, so that no gradient iterates it again
FLOOR = 0.01  # squared voltage [pu²] below which a load is no longer constant power: nothing converges there


def iterate(
    tolerance: float, most: int, terminal: Readout, dependent: Dependent | None, support: Support | None, power: Array
) -> tuple[tuple[Array, ...], Array, Array, Array]:
    """Terminal currents c = conj(s(u) / u) with u = u₀ - M c.

    Args:
        tolerance: on the movement of terminal voltages [pu].
        most: iterations.
        terminal: voltage over each terminal.
        dependent: loads of the feeder itself, in addition to `power`.
        support: inverters' answer to their voltage, in addition to `power`.
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
    result = checkpoint_name(result, SOLVED)
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
    """Zero in snapshots without a solution; arrays without a snapshot axis are unchanged."""
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


CHUNK_BYTES = 2**20  # of the terminal voltages of one chunk
CHUNK_LEAST = 256  # snapshots, below which products waste the machine


class Feeder(eqx.Module):
    """The network reduced to its terminals: the effect of a current at each terminal on every voltage and current.

    A terminal is one phase to ground or one branch between two phases. Voltages and currents are per unit of
    each terminal's own base; `base_kva` is the power of one terminal that is 1 pu. Arrays are numpy float64 when
    built; `wattflock.core.types.cast(feeder, dtype)` gives the others. Built by `reduce_circuit`; source there.
    """

    terminal: Readout  # voltage over each terminal [pu]
    voltage: Readout  # the judged voltages [pu]: `1.2` to ground, `610.1.2` from node 1 to node 2 of bus 610
    sequence: Readout  # positive sequence of every bus with three phases, then the negative one [pu]
    head: Readout  # conductors of the infeeds: voltage [pu], then current into the feeder [pu]
    branch: Readout  # current into the first end of each line, and into every winding of a transformer [A]
    dependent: Dependent | None  # loads of the feeder itself that depend on voltage
    slot: Int[Values, "slots"]  # terminal at each place of a block; `len(terminals)`: none
    nominal_kw: Float[Values, "terminals"]  # the feeder's own spot loads [kW]
    nominal_kvar: Float[Values, "terminals"]
    drawing_kva: Float[Values, "terminals"]  # apparent power of those of them that draw: where homes can stand [kVA]
    shunt_kw: Float[Values, "terminals"]  # of loads that is impedance in the network, at 1 pu [kW]
    shunt_kvar: Float[Values, "terminals"]
    rating_a: Float[Values, "branches"]  # of each branch; nan: none is known [A]
    base_kva: Float[Values, ""]

    @property
    def terminals(self) -> tuple[str, ...]:
        """Names of the terminals, `1.1` to ground and `35.1.2` between phases."""
        return self.terminal.names

    @property
    def nodes(self) -> tuple[str, ...]:
        """Names of the judged voltages."""
        return self.voltage.names

    @property
    def three_phase(self) -> tuple[str, ...]:
        """Buses whose unbalance is known, in the order of `Flow.unbalance`."""
        names = self.sequence.names
        return tuple(name.removesuffix(" positive") for name in names[: len(names) // 2])


class Flow(eqx.Module):
    """Voltages, currents and powers of each snapshot."""

    voltage_pu: Float[Array, "*batch nodes"]  # magnitude, per unit of its nominal voltage
    terminal_pu: Float[Array, "*batch terminals"]  # magnitude of the voltage over each terminal
    phasor_pu: Complex[Array, "*batch nodes"]  # the same with its angle
    unbalance: Float[Array, "*batch buses"]  # negative over positive sequence of each of `Feeder.three_phase` [share]
    branch_a: Complex[Array, "*batch branches"]  # current into each branch [A]
    drawn_kw: Float[Array, "*batch terminals"]  # by all loads at each terminal
    drawn_kvar: Float[Array, "*batch terminals"]
    head_kw: Float[Array, "*batch heads"]  # that flows from the source into the feeder, per conductor
    head_kvar: Float[Array, "*batch heads"]
    converged: Bool[Array, "*batch"]
    residual_pu: Float[Array, "*batch"]  # how far terminal voltages still moved in the last iteration
    iterations: Int[Array, ""]  # of the whole batch

    @property
    def losses_kw(self) -> Float[Array, "*batch"]:
        """Power that flows in and is not drawn by a load [kW]."""
        return self.head_kw.sum(-1) - self.drawn_kw.sum(-1)


def solve(
    feeder: Feeder,
    load_kw: Values,
    load_kvar: Values,
    tolerance: float = 1e-6,
    most: int = 60,
    support: Support | None = None,
) -> Flow:
    """Voltages, currents and head power for constant-power loads in addition to the feeder's own.

    Fixed point in the terminal currents, c = conj(s / (u₀ - M c)); all else is affine in c. Gradients with
    respect to the loads and the feeder's arrays come from the implicit function theorem, not from the loop.

    Args:
        feeder: its arrays' dtype is the dtype of the work; float64 needs `jax.enable_x64(True)`.
        load_kw: drawn at each terminal, negative = fed in [kW], shape (..., terminals).
        load_kvar: reactive power drawn at each terminal [kvar], shape (..., terminals).
        tolerance: stop when no terminal voltage moves further in any snapshot [pu]; what is left is about
            a tenth of it. 1e-6 in float32, 1e-10 to verify in float64.
        most: iterations after which a snapshot counts as unconverged.
        support: inverters that answer their own voltage, room [kvar] of shape (..., terminals).

    Returns:
        Flow; leading axes as given. Never raises: a snapshot without a solution, or with a load that is
        not finite, has `converged` False and gradient exactly zero, and does not affect the others.

    Source: A. Bernstein et al., "Load flow in multiphase distribution networks: existence, uniqueness,
    non-singularity and linear models", IEEE Trans. Power Systems, 2018, DOI 10.1109/TPWRS.2018.2823277
    (arXiv 1702.03310): the fixed point, and when it converges. The adjoint is derived in docs/feeder.md.
    """
    return _solve(*_fresh((feeder, load_kw, load_kvar, support)), tolerance, most)


def with_source(feeder: Feeder, factor: float | Array) -> Feeder:
    """The same feeder with the voltage of every infeed times `factor`, shape (); differentiable.

    Voltages without load are proportional to it, impedances do not change: it costs nothing.
    """

    def bases(one: Feeder) -> tuple[Values, ...]:
        return tuple(each.no_load for each in (one.terminal, one.voltage, one.sequence, one.head, one.branch))

    return eqx.tree_at(bases, feeder, replace_fn=lambda base: factor * base)


def _fresh(tree):
    """The same tree, its numpy arrays in the precision of the moment.

    JAX 0.10 keeps a numpy array in the precision of its first use: one float64 array used with x64 and
    then without fails with RuntimeProgramInputMismatch. A copy has no such history.
    """

    def copy(leaf):
        return np.asarray(leaf, jnp.result_type(leaf)) if isinstance(leaf, np.ndarray) else leaf

    return jax.tree.map(copy, tree)


@partial(jax.jit, static_argnums=(4, 5))
def _solve(
    feeder: Feeder, load_kw: Array, load_kvar: Array, support: Support | None, tolerance: float, most: int
) -> Flow:
    load_kw, load_kvar = jnp.broadcast_arrays(load_kw, load_kvar)
    lead, batch = load_kw.shape[:-1], math.prod(load_kw.shape[:-1])
    chunks = _chunks(feeder, batch)
    size = -(-batch // chunks)

    def cut(load):
        flat = jnp.asarray(load, feeder.terminal.no_load.dtype).reshape(batch, len(feeder.terminals))
        return jnp.pad(flat, ((0, chunks * size - batch), (0, 0))).reshape(chunks, size, -1)

    loads = cut(load_kw), cut(load_kvar)
    loads += (cut(jnp.broadcast_to(support.room, load_kw.shape)),) if support else ()

    def flow_of(loads):
        room = eqx.tree_at(lambda each: each.room, support, loads[2]) if support else None
        return _flow(feeder, loads[:2], room, tolerance, most)

    def joined(each):
        return each.reshape(chunks * size, *each.shape[2:])[:batch] if each.ndim > 1 else each.max()

    if chunks == 1:
        flow = flow_of(tuple(each[0] for each in loads))
    else:
        flow = jax.tree.map(joined, jax.lax.map(flow_of, loads))
    return jax.tree.map(lambda each: each.reshape(*lead, *each.shape[1:]) if each.ndim else each, flow)


def _chunks(feeder: Feeder, batch: int) -> int:
    """In how many parts a batch is solved one after the other: on a CPU each fits in its cache."""
    if jax.default_backend() != "cpu":
        return 1
    no_load = feeder.terminal.no_load
    return max(1, round(batch / max(CHUNK_LEAST, CHUNK_BYTES // (no_load.size * no_load.dtype.itemsize))))


def _flow(feeder: Feeder, load: tuple[Array, ...], support: Support | None, tolerance: float, most: int) -> Flow:
    """Of active and reactive loads (batch, terminals)."""
    power = jnp.concatenate([_placed(feeder, each) for each in load], -1)
    if support:
        support = Support(support.curve, _placed(feeder, support.room))
    state, converged, residual, iterations = settle(tolerance, most, feeder.terminal, feeder.dependent, support, power)
    current = state[0], state[1]
    real, imaginary = (feeder.voltage.named(part) for part in halves(feeder.voltage.packed(current)))
    drawn_kw, drawn_kvar = _drawn(feeder, current)
    head_kw, head_kvar = _head_power(feeder, current)
    return Flow(
        voltage_pu=jnp.sqrt(real**2 + imaginary**2),
        terminal_pu=feeder.terminal.named(magnitude(feeder.terminal.packed(current))),
        phasor_pu=jax.lax.complex(real, imaginary),
        unbalance=_unbalance(feeder, current),
        branch_a=feeder.branch.phasor(current),
        drawn_kw=drawn_kw,
        drawn_kvar=drawn_kvar,
        head_kw=head_kw,
        head_kvar=head_kvar,
        converged=converged,
        residual_pu=residual,
        iterations=iterations,
    )


def _placed(feeder: Feeder, load: Array) -> Array:
    """Power (batch, terminals) [kW, kvar] where its terminals sit, shape (blocks, batch, width) [per unit]."""
    blocks, _, packed = feeder.terminal.no_load.shape
    if blocks == 1:  # the slots are the terminals, in order
        return load[None] / feeder.base_kva
    spread = jnp.take(load / feeder.base_kva, feeder.slot, axis=-1, mode="fill", fill_value=0)
    return spread.reshape(-1, blocks, packed // 2).transpose(1, 0, 2)


def _drawn(feeder: Feeder, current: Pair) -> tuple[Array, Array]:
    """What all loads at each terminal draw [kW, kvar]: their currents, and the impedances in the network."""
    voltage = feeder.terminal.packed(current)
    volt_re, volt_im = halves(voltage)
    amp_re, amp_im = current
    active = feeder.terminal.named(volt_re * amp_re + volt_im * amp_im) * feeder.base_kva
    reactive = feeder.terminal.named(volt_im * amp_re - volt_re * amp_im) * feeder.base_kva
    square = feeder.terminal.named(volt_re**2 + volt_im**2)
    return active + feeder.shunt_kw[None] * square, reactive + feeder.shunt_kvar[None] * square


def _unbalance(feeder: Feeder, current: Pair) -> Array:
    """|V₂| / |V₁|, shape (batch, buses). Source: IEC 61000-4-30:2015, 5.7."""
    real, imaginary = (feeder.sequence.named(part) for part in halves(feeder.sequence.packed(current)))
    positive, negative = jnp.split(jnp.sqrt(real**2 + imaginary**2 + 1e-20), 2, -1)
    return negative / jnp.maximum(positive, 1e-6)


def _head_power(feeder: Feeder, current: Pair) -> tuple[Array, Array]:
    (volt_re, amp_re), (volt_im, amp_im) = (
        jnp.split(feeder.head.named(part), 2, -1) for part in halves(feeder.head.packed(current))
    )
    kw = (volt_re * amp_re + volt_im * amp_im) * feeder.base_kva
    return kw, (volt_im * amp_re - volt_re * amp_im) * feeder.base_kva
