"""A trained policy taken apart: of each home its own network, what it observes and what it sets, without JAX."""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.types import Profile, on_device
from wattflock.homes.device import Command, Device
from wattflock.homes.features import METER, SUN, Feature
from wattflock.learn.agents import REACH, Around, idles, sizes
from wattflock.learn.nets import Networks, Separate
from wattflock.world.rollout import Policy, Trajectory, rollout
from wattflock.world.world import World

WHERE = "wattflock export"
LOAD = f"meter: {METER[0].name}"


@dataclasses.dataclass(frozen=True)
class Exported:
    """One home's policy: arrays of its network, and its card as JSON values."""

    arrays: dict[str, np.ndarray]  # weight0 (in, out), bias0 (out,), …
    card: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Flock:
    """All homes of a world under a policy, with a day gone through: what is constant for a home shows there."""

    world: World  # float64
    nets: Networks  # leading axis homes
    reach: float  # of the networks' output
    features: np.ndarray  # (steps, homes, seen)
    idle: np.ndarray  # (steps, homes, controls)
    extra: np.ndarray  # (homes, fields) inputs behind the features, of which there may be none


def taken_apart(world: World, policy: Policy, profile: Profile, method: str) -> Flock:
    """A policy of networks, and one day of `profile` (days, steps, homes) under it.

    Raises:
        ScenarioError: it acts on more than a home's own meter and devices, or by more than a network.
    """
    if not isinstance(policy, Separate | Around):
        said = "a network for each home: gradmap, through, penalty, pdl, shac, ppo, maddpg, facmac"
        raise ScenarioError([Problem(WHERE, "--method", f"{method} ({type(policy).__name__})", said)])
    if world.coordinator is not None:
        said = "a world without a coordinator: what it grants depends on other homes"
        raise ScenarioError([Problem(WHERE, "run", method, said)])
    with jax.enable_x64(True):
        place, actor, day = on_device((world, policy, jax.tree.map(lambda x: x[:1], profile)), jnp.float64)
        trajectory, idle = _day(place, actor, day)
    around = isinstance(policy, Around)
    extra = np.asarray(sizes(world.fleet)) if around else np.zeros((world.homes, 0))
    idle = np.asarray(idle[0])
    return Flock(place, actor.nets, REACH if around else 1.0, np.asarray(trajectory.features[0]), idle, extra)


@eqx.filter_jit
def _day(world: World, policy: Policy, profile: Profile) -> tuple[Trajectory, jax.Array]:
    trajectory = rollout(world, policy, profile, jax.random.key(0))
    return trajectory, idles(world, trajectory, profile)


def exported(flock: Flock, home: int) -> Exported:
    """One home's network and card. What the home lacks is folded into the first layer, and is not observed.

    Raises:
        ScenarioError: the network adds to what an uncontrolled device does, and that depends on its state.
    """
    devices = {name: of_home(device, home) for name, device in flock.world.fleet.devices.items()}
    there = {name: not absent(device) for name, device in devices.items()}
    groups = flock.world.features
    names = [(group, each) for group, features in groups.items() for each in features]
    kept = np.array([there.get(group, True) for group, _ in names])
    controls = [name for name, device in devices.items() for _ in range(device.controls)]
    steered = np.array([there[name] for name in controls], bool)
    if not steered.any():
        raise ScenarioError([Problem(WHERE, "--home", home, "a home with a device to control")])
    seen, idle = flock.features[:, home], flock.idle[:, home]
    _refuse_thermostats(flock, home, [name for name, on in zip(controls, steered, strict=True) if on], idle[:, steered])
    arrays = _folded(flock, home, kept, steered, np.concatenate([seen[0], flock.extra[home]]))
    told = told_names([each for each, on in zip(names, kept, strict=True) if on])
    observation = [
        {"name": name, "unit": each.unit, "offset": float(each.offset), "scale": float(each.scale)}
        for name, each in told
    ]
    every = [
        _control(name, command, float(idle[0, k]), bool(np.ptp(idle[:, k]) < 1e-9), flock.reach)
        for k, (name, command) in enumerate(each for name in devices for each in _commands(name, devices[name]))
        if steered[k]
    ]
    known = {name for name, _ in told}
    gives = [f"{name}: {SUN[0].name}" for name, device in devices.items() if there[name] and not device.controls]
    card = {
        "observation": observation, "controls": every, "reach": flock.reach, "adds": [LOAD],
        "gives": [each for each in gives if each in known],
        "devices": [name for name, on in there.items() if on],
        "reference_price_per_kwh": float(flock.world.fleet.reference_price_per_kwh),
        "step_s": 86400 / flock.world.steps,
    }  # fmt: skip
    return Exported(arrays, card)


def of_home(device: Device, home: int) -> Device:
    """The device of one home of a fleet, with numbers as fields."""
    return jax.tree.map(lambda leaf: float(np.asarray(leaf)[home]), device)


def absent(device: Device) -> bool:
    """Whether a home lacks the device: a field is zero without which there is none."""
    return any(getattr(device, name) == 0 for name in device.sizes if getattr(type(device).example(), name) > 0)


def told_names(names: list[tuple[str, Feature]]) -> list[tuple[str, Feature]]:
    """Names that differ: group and feature, numbered where a feature is there more than once."""
    count: dict[str, int] = {}
    found = []
    for group, each in names:
        name = f"{group}: {each.name}"
        count[name] = count.get(name, 0) + 1
        found.append((name if count[name] == 1 else f"{name} ({count[name]})", each))
    return found


def _commands(name: str, device: Device) -> list[tuple[str, Command]]:
    return [(name, each) for each in device.commands()]


def ends_of(command: Command) -> tuple[float, float]:
    """Least and most set-point: of a power, what the device can draw or give, in the command's unit."""
    some = command.power_kw if command.unit == "kW" and command.power_kw else (command.low, command.high)
    return min(some), max(some)


def _control(device: str, command: Command, idle: float, constant: bool, reach: float) -> dict[str, Any]:
    ends = ends_of(command)
    setting = command.low + (idle + 1) / 2 * (command.high - command.low)
    return {
        "name": f"{device} {command.name}", "device": device, "unit": command.unit,
        "low": command.low, "high": command.high, "least": ends[0], "most": ends[1],
        "base": idle if reach == REACH else 0.0,
        "fallback": min(ends[1], max(ends[0], setting)) if constant else None,
        "power_kw": list(command.power_kw) if command.power_kw else None,
        "follows": f"{device}: {command.follows}" if command.follows else None,
    }  # fmt: skip


def _refuse_thermostats(flock: Flock, home: int, names: list[str], idle: np.ndarray) -> None:
    """Networks that add to what is done without control need it to be a number that a card can hold."""
    moving = [name for name, each in zip(names, np.ptp(idle, axis=0), strict=True) if each > 1e-9]
    if flock.reach == REACH and moving:
        said = "devices whose action without control does not change: this learner's networks add to it"
        raise ScenarioError([Problem(WHERE, "--home", f"{home}: {', '.join(moving)}", said)])


def _folded(flock: Flock, home: int, kept: np.ndarray, steered: np.ndarray, constant: np.ndarray) -> dict:
    """Weights of one home; inputs that never change become part of the first bias."""
    weights = [np.asarray(each[home], float) for each in flock.nets.weights]
    biases = [np.asarray(each[home], float) for each in flock.nets.biases]
    keep = np.concatenate([kept, np.zeros(flock.extra.shape[1], bool)])
    biases[0] = biases[0] + constant[~keep] @ weights[0][~keep]
    weights[0] = weights[0][keep]
    weights[-1], biases[-1] = weights[-1][:, steered], biases[-1][steered]
    return {f"{kind}{k}": each for kind, some in (("weight", weights), ("bias", biases)) for k, each in enumerate(some)}
