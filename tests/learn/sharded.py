"""Trains on one and on four devices of this process and prints how far apart they end, as JSON; a test reads it."""

import dataclasses
import json
import re
import sys
from pathlib import Path

import equinox as eqx
import jax
import numpy as np

from wattflock.core import compile_cache, files
from wattflock.core.scenario import load
from wattflock.core.types import on_device
from wattflock.learn.learner import advance, begin
from wattflock.study.build import build, learner
from wattflock.study.train import Course, laid_out
from wattflock.world.rollout import judge, rollout
from wattflock.world.sharding import mesh_of

HOMES, ROUNDS = 40, 4
MOVES = re.compile(r" (all-gather|all-to-all|collective-permute)(?:-start)?\(")


class Method:
    """A learner on several meshes, compiled once for each."""

    def __init__(self, name: str):
        scenario = load(
            None, [f"homes.count={HOMES}", f"learn.part={name}", "learn.settings={days=4, hidden=[8], rate=3e-4}"]
        )
        built, who = build(scenario), learner(scenario, name)
        self.course = Course(who, on_device(built.world, "float32"), built.sampler, seed=3, rounds=2 * ROUNDS)
        self.first = begin(who, self.course.world, 3)
        self.days = eqx.filter_jit(built.sampler.every)(jax.random.key(1), "test", 3)
        self.compiled = {}

    def go_on(self, mesh, progress):
        """After `ROUNDS` more rounds on a mesh: Progress, and the objective of each round."""
        given = laid_out(dataclasses.replace(self.course, mesh=mesh), progress)
        progress, world, _, draw = given
        if mesh not in self.compiled:
            self.compiled[mesh] = advance.lower(progress, self.course.learner, world, draw, ROUNDS).compile()
        progress, log = self.compiled[mesh](progress, self.course.learner, world, draw, ROUNDS)
        return progress, np.asarray(log["objective"])

    def shown(self, progress) -> dict[str, np.ndarray]:
        """Actions, costs and voltages of the policy on test days, always on one device."""
        policy = self.course.learner.policy(jax.tree.map(np.asarray, progress.state))
        return jax.tree.map(np.asarray, look(self.course.world, policy, self.days))


@eqx.filter_jit
def look(world, policy, days):
    trajectory = rollout(world, policy, days, jax.random.key(0))
    outcome = judge(world, trajectory, days)
    return {"action": trajectory.action, "cost": outcome.cost, "voltage": outcome.voltage_pu}


def apart(one, other) -> float:
    """Largest difference, as a share of the largest value."""
    return float(np.abs(one - other).max() / np.abs(other).max())


def differences(method: Method, meshes: dict, folder: Path) -> dict:
    """What each mesh ends with beside one device, and with a checkpoint in between written on the other."""
    half, early = method.go_on(None, method.first)
    whole, late = method.go_on(None, half)
    goal, found = method.shown(whole), {}
    for name, mesh in meshes.items():
        middle, first = method.go_on(mesh, method.first)
        end, last = method.go_on(mesh, middle)
        found[name] = {"objective": apart(np.concatenate([first, last]), np.concatenate([early, late]))}
        ends = {"": end}
        if name == "4 x homes":
            for way, saved, then in (("written on one: ", half, mesh), ("read on one: ", middle, None)):
                files.save_tree(folder / "half.safetensors", saved, {})
                ends[way] = method.go_on(then, files.load_tree(folder / "half.safetensors", method.first))[0]
        for way, each in ends.items():
            shown = method.shown(each)
            found[name] |= {way + what: apart(shown[what], goal[what]) for what in goal}
        found[name]["weights on a device"] = end.state.nets.weights[0].addressable_shards[0].data.shape[0] / HOMES
        text = method.compiled[mesh].compiled.as_text()
        found[name] |= {"moves": MOVES.findall(text), "sums": "all-reduce" in text}
    return found


def main() -> None:
    compile_cache.enable()
    meshes = {"4 x homes": mesh_of(HOMES, 4), "2 x days, 2 x homes": mesh_of(HOMES, 4, days=2)}
    folder = Path(sys.argv[1])
    print(json.dumps(differences(Method("gradmap"), meshes, folder)))


if __name__ == "__main__":
    main()
