"""Where a round's time goes: every phase of GradMAP and of backpropagation, beside what the machine could do.

    python benchmarks/phases.py [--days 8] [--homes 1000] [--out FILE]

float32, IEEE 123; each phase compiled by itself, median of 15. Operations are counted in the traced program: additions
and products one each, a transcendental function ten, loops as often as they run (the power flow's as often as it took).
Bytes are what a phase reads and writes at the least: its inputs and outputs. The roof is the larger of operations over
the machine's rate (a large matrix product) and bytes over its bandwidth (a long sum), measured in the same process.
"""

import argparse
import dataclasses
import functools
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from pages.head import head

from wattflock.core.scenario import load
from wattflock.core.types import on_device
from wattflock.learn.learner import begin
from wattflock.learn.learners.gradmap import GradMAP
from wattflock.learn.learners.through import Through
from wattflock.learn.nets import Separate
from wattflock.study.build import build
from wattflock.world.rollout import ZeroPolicy, judge, rollout

REPEATS = 15
WHILE_STEPS = 4  # of the power flow on these days, beyond those that are unrolled; the adjoint takes as many
DEAR = {"tanh", "sin", "cos", "exp", "log", "sqrt", "rsqrt", "pow", "div", "erf_inv", "logistic", "integer_pow"}
FREE = {"reshape", "broadcast_in_dim", "transpose", "slice", "squeeze", "convert_element_type", "copy", "gather",
        "concatenate", "dynamic_slice", "dynamic_update_slice", "iota", "optimization_barrier"}  # fmt: skip


def operations(jaxpr, while_steps: int) -> float:
    """Operations of a traced program."""
    total = 0.0
    for line in jaxpr.eqns:
        name, size = line.primitive.name, max((float(np.prod(v.aval.shape)) for v in line.outvars), default=0.0)
        inner = [v for v in jax.tree.leaves(list(line.params.values()), is_leaf=_is_program) if _is_program(v)]
        times = {"scan": line.params.get("length", 1), "while": while_steps}.get(name, 1)
        if inner:
            total += times * sum(operations(getattr(each, "jaxpr", each), while_steps) for each in inner)
        elif name == "dot_general":
            (contracted, _), _ = line.params["dimension_numbers"]
            total += 2 * size * float(np.prod([line.invars[0].aval.shape[k] for k in contracted]))
        elif name not in FREE:
            reduced = float(np.prod(line.invars[0].aval.shape)) if name.startswith(("reduce", "cum")) else size
            total += reduced * (10 if name in DEAR else 1)
    return total


def _is_program(value) -> bool:
    return hasattr(value, "eqns") or hasattr(getattr(value, "jaxpr", None), "eqns")


@dataclasses.dataclass(frozen=True)
class Phase:
    """A piece of work, traced and lowered for its inputs."""

    lowered: jax.stages.Lowered
    inputs: list
    flop: float

    def compiled(self) -> jax.stages.Compiled:
        return self.lowered.compile()


def phase(work, *inputs, while_steps: int = WHILE_STEPS) -> Phase:
    """`work(*inputs)` as a Phase; what is no array among the inputs is part of the program."""
    flat, tree = jax.tree.flatten(eqx.filter(inputs, eqx.is_array))
    rest = eqx.filter(inputs, eqx.is_array, inverse=True)

    def called(*leaves):
        return work(*eqx.combine(jax.tree.unflatten(tree, leaves), rest))

    traced = jax.jit(called).trace(*flat)
    return Phase(traced.lower(), flat, operations(traced.jaxpr.jaxpr, while_steps))


def measured(phases: dict[str, Phase]) -> dict[str, dict[str, float]]:
    """Of each the seconds of a compiled call, its operations and the bytes of its inputs and outputs."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        programs = list(pool.map(Phase.compiled, phases.values()))
    found = {}
    for (name, each), program in zip(phases.items(), programs, strict=True):
        out, seconds = jax.block_until_ready(program(*each.inputs)), []
        for _ in range(REPEATS):
            began = time.perf_counter()
            jax.block_until_ready(program(*each.inputs))
            seconds.append(time.perf_counter() - began)
        leaves = [leaf for leaf in jax.tree.leaves((each.inputs, out)) if hasattr(leaf, "itemsize")]
        size = float(sum(leaf.size * leaf.dtype.itemsize for leaf in leaves))
        found[name] = {"s": float(np.median(seconds)), "flop": each.flop, "byte": size}
    return found


def machine() -> tuple[float, float]:
    """Operations and bytes a second of a large product and of a long sum."""
    exact = functools.partial(jnp.matmul, precision=jax.lax.Precision.HIGHEST)
    square, long = jnp.ones((4096, 4096)), jnp.ones(2**26)
    found = measured({"product": phase(exact, square, square), "sum": phase(lambda x: x + 1.5, long)})
    return found["product"]["flop"] / found["product"]["s"], found["sum"]["byte"] / found["sum"]["s"]


def phases(homes: int, days: int) -> dict[str, Phase]:
    """Every phase of a round of `days` days."""
    sets = [f"homes.count={homes}", f"homes.homes_per_agent={2000 / homes}"]
    built = build(load(None, sets))
    world, key = on_device(built.world, "float32"), jax.random.key(0)
    who, ssl = GradMAP(days=days), Through(days=days)
    state, plain = begin(who, world, 0).state, begin(ssl, world, 0).state
    profile = eqx.filter_jit(built.sampler.train)(key, days)
    policy = Separate(state.nets)
    gone = eqx.filter_jit(lambda p: rollout(world, p, profile, key, days))(policy)
    action, effect, blind = gone.action, gone.effect, world.blind()
    direction = 0.1 * action
    value = eqx.filter_jit(lambda e: judge(world, dataclasses.replace(gone, effect=e), profile, who.margin_pu))

    def wires(effect):
        return who.lagrangian.wires(value(effect), state.multiplier)

    def devices(action):
        went = rollout(blind, ZeroPolicy(), profile, key, days, action)
        return went.effect.cost.sum() + went.end.sum() + went.effect.power_kw.sum()

    blind_state = begin(who, blind, 0).state
    return {
        "draw days": phase(lambda key: built.sampler.train(key, days).load_kw, key),
        "roll out, voltmeters read": phase(lambda p: rollout(world, p, profile, key, days).action, policy),
        "roll out, nobody sees a voltage": phase(
            lambda p: rollout(blind, p, profile, key, days).action, Separate(blind_state.nets)
        ),
        "policies alone, once a step": phase(
            lambda nets, x: jax.lax.map(lambda now: nets(jnp.swapaxes(now, 0, 1)), jnp.swapaxes(x, 0, 1)),
            state.nets,
            gone.features,
        ),
        "devices alone": phase(devices, action),
        "devices and their gradient": phase(jax.value_and_grad(devices), action),
        "power flow and penalty": phase(wires, effect),
        "power flow, penalty and adjoint": phase(lambda e: jax.value_and_grad(wires)(e), effect),
        "gradient of all actions (devices, wires, bills)": phase(
            lambda s, t: who.action_gradient(world, Separate(s.nets), profile, t, (s.multiplier, who.margins(s)))[0],
            state,
            gone,
        ),
        "surrogate, all minibatches with Adam": phase(
            lambda s, t, d: who.fit(s, t, d, key)[0].weights, state, gone, direction
        ),
        "**a round of gradmap**": phase(
            lambda s: who.update(s, world, built.sampler.train, key)[0].nets.weights, state
        ),
        "**a round of through, as many days**": phase(
            lambda s: ssl.update(s, world, built.sampler.train, key)[0].nets.weights, plain
        ),
    }


def table(found: dict[str, dict[str, float]], peak: float, bandwidth: float) -> str:
    """One line a phase: milliseconds, operations, bytes, rate, and how many times its roof it takes."""
    lines = [
        "| phase | ms | Mflop | MB | Gflop/s | roof [ms] | times the roof |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, each in found.items():
        roof = max(each["flop"] / peak, each["byte"] / bandwidth)
        lines.append(
            f"| {name} | {1e3 * each['s']:.1f} | {each['flop'] / 1e6:,.0f} | {each['byte'] / 1e6:,.0f} "
            f"| {each['flop'] / each['s'] / 1e9:.1f} | {1e3 * roof:.1f} | {each['s'] / roof:.1f} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Where a round's time goes.")
    parser.add_argument("--days", type=int, default=8)
    parser.add_argument("--homes", type=int, default=1000)
    parser.add_argument("--out", type=Path, help="also write there, e.g. benchmarks/phases.md")
    options = parser.parse_args()
    peak, bandwidth = machine()
    found = measured(phases(options.homes, options.days))
    device = jax.devices()[0].device_kind
    what = f"{options.homes:,} homes, {options.days} days a round, on {device}"
    speed = f"{what}: {peak / 1e9:.0f} Gflop/s, {bandwidth / 1e9:.0f} GB/s."
    text = f"{speed}\n\n{table(found, peak, bandwidth)}"
    print(text)
    if options.out:
        about = (__doc__ or "").split("\n\n", 2)[2]
        options.out.write_text(head("Where a round's time goes") + f"{about}\n{text}\n")


if __name__ == "__main__":
    main()
