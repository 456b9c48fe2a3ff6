"""The world of a run as boxes see it: readings in the card's units, and a step with the set-points that came back."""

import dataclasses
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from wattflock.core.types import Profile, on_device
from wattflock.edge.card import Card, read
from wattflock.edge.shell import action_of
from wattflock.homes.home import Home
from wattflock.study.exported import ends_of, of_home, told_names
from wattflock.world.rollout import Policy, rollout
from wattflock.world.world import World

ROUND = 1e-9


@dataclasses.dataclass(frozen=True)
class Box:
    """A home that a box steers: where its observation and its controls stand among those of the fleet."""

    home: int
    card: Card
    seen: np.ndarray  # numbers of features
    controls: np.ndarray  # numbers of actions
    scale: np.ndarray
    offset: np.ndarray
    ends: dict[str, tuple[float, float]]  # least and most set-point of each control, by the world and not the card


class Play:
    """Days of a world in float64, one step at a time."""

    def __init__(self, world: World, policy: Policy, profile: Profile):
        """Args: `profile`: (days, steps, homes); days follow one another, each from its own beginning."""
        with jax.enable_x64(True):
            self.world, self.policy, self.profile = on_device((world, policy, profile), jnp.float64)
            self.faced = self.world.faced(self.profile)
        names = [(group, each) for group, features in world.features.items() for each in features]
        self.place = {name: k for k, (name, _) in enumerate(told_names(names))}
        self.owner = [name for name, device in world.fleet.devices.items() for _ in range(device.controls)]
        self.steps = profile.load_kw.shape[1]
        self.state: Any = None

    def box(self, folder: Path) -> Box:
        """The home of a folder."""
        card, _ = read(folder)
        of = {each.device for each in card.controls}
        seen = np.array([self.place[each.name] for each in card.observation])
        scale, offset = (np.array([getattr(each, what) for each in card.observation]) for what in ("scale", "offset"))
        controls = np.flatnonzero([name in of for name in self.owner])
        home = card.about["home"]
        ends = {
            f"{name} {each.name}": ends_of(each)
            for name, device in self.world.fleet.devices.items()
            for each in of_home(device, home).commands()
        }
        return Box(home, card, seen, controls, scale, offset, ends)

    def begin(self, day: int) -> None:
        """The states at the beginning of a day."""
        with jax.enable_x64(True):
            self.state = self.world.reset(self.now(day, 0))

    def now(self, day: int, step: int) -> Profile:
        """What homes get from outside."""
        return jax.tree.map(lambda x: x[day, step] if x.ndim > 1 else x[day], self.faced)

    def look(self, day: int, step: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Features (homes, seen), the library's actions and those without control, both (homes, controls)."""
        with jax.enable_x64(True):
            return tuple(map(np.asarray, _look(self.world, self.policy, self.state, self.now(day, step))))  # type: ignore

    def act(self, day: int, step: int, action: np.ndarray) -> np.ndarray:
        """One step of all homes; what each draws (homes,) [kW]."""
        with jax.enable_x64(True):
            self.state, power_kw = _act(self.world, self.state, jnp.asarray(action), self.now(day, step))
        return np.asarray(power_kw)

    def would(self, day: int, step: int, action: np.ndarray) -> np.ndarray:
        """What each home would draw in a step (homes,) [kW], which does not pass."""
        with jax.enable_x64(True):
            return np.asarray(_act(self.world, self.state, jnp.asarray(action), self.now(day, step))[1])

    def curves(self, day: int, step: int, idle: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What homes can draw in a step: (homes,) [kW] when idle, and its change with each control alone at its actions
        -1, 0 and 1, (homes, controls, 3) [kW]."""
        with jax.enable_x64(True):
            still_kw, kw = _curves(self.world, self.state, jnp.asarray(idle), self.now(day, step))
        return np.asarray(still_kw), np.moveaxis(np.asarray(kw), 2, 0) - np.asarray(still_kw)[:, None, None]

    def load_kw(self, day: int, step: int) -> np.ndarray:
        """What each home draws in a step that nobody controls, (homes,) [kW]."""
        return np.asarray(self.profile.load_kw[day, step])

    def library(self, day: int) -> tuple[np.ndarray, np.ndarray]:
        """The same day as the library's rollout goes through it: actions (steps, homes, controls), power [kW]."""
        with jax.enable_x64(True):
            went = _library(self.world, self.policy, jax.tree.map(lambda x: x[day : day + 1], self.profile))
        return np.asarray(went[0][0]), np.asarray(went[1][0])


def values_of(box: Box, features: np.ndarray) -> dict[str, float]:
    """What a home's meter says, in the card's units, of features (homes, seen)."""
    values = features[box.home, box.seen] * box.scale + box.offset
    return dict(zip((each.name for each in box.card.observation), values.tolist(), strict=True))


def outside(setpoints: dict[str, float | None], ends: dict[str, tuple[float, float]]) -> list[str]:
    """Set-points as they came, before any device clips them, that are no numbers within the ends of a known control."""
    return [
        f"{control} = {value}"
        for control, value in setpoints.items()
        if control not in ends
        or (value is not None and not ends[control][0] - ROUND <= value <= ends[control][1] + ROUND)
    ]


def followed(box: Box, setpoints: dict[str, float | None], idle: np.ndarray) -> np.ndarray:
    """The actions that a home's devices take at set-points; None is what they do by themselves."""
    told = [
        idle[box.home, k] if (value := setpoints[each.name]) is None else action_of(each, value)
        for each, k in zip(box.card.controls, box.controls, strict=True)
    ]
    return np.array(told)


def obeyed(box: Box, setpoints: dict[str, float | None], idle: np.ndarray, change_kw: np.ndarray) -> np.ndarray:
    """The same of devices that take a power as a power: they draw it, or as near to it as they can.

    Args: `change_kw` as `Play.curves` gives it. To the library's devices an action is a share of what is possible.
    """
    action = followed(box, setpoints, idle)
    for k, each in enumerate(box.card.controls):
        value = setpoints[each.name]
        if value is None or each.unit != "kW" or each.power_kw is None:
            continue
        kw = change_kw[box.home, box.controls[k]]
        kw = kw - kw[int(np.argmin(np.abs(each.power_kw)))]  # at this action the device is off
        order = np.argsort(kw, kind="stable")
        action[k] = np.interp(value, kw[order], np.array([-1.0, 0.0, 1.0])[order])
    return action


@eqx.filter_jit
def _look(world: World, policy: Policy, state: dict, now: Profile):
    seen = world.observe(state, now)
    _, action = policy(policy.start(), seen, jax.random.key(0))
    idle = jax.vmap(Home.idle, in_axes=(0, 0, now.axes(0, None)))(world.fleet, state, now)
    return seen.features, jnp.clip(action, -1, 1), idle


@eqx.filter_jit
def _act(world: World, state: dict, action: jax.Array, now: Profile):
    state, effect, _ = world.act(state, action, now)
    return state, effect.power_kw


@eqx.filter_jit
def _curves(world: World, state: dict, idle: jax.Array, now: Profile):
    def power_kw(action: jax.Array) -> jax.Array:
        return world.act(state, action, now)[1].power_kw

    alone = jnp.eye(idle.shape[1], dtype=bool)[:, None, None, :]
    told = jnp.where(alone, jnp.array([-1.0, 0.0, 1.0])[None, :, None, None], idle[None, None])
    return power_kw(idle), jax.lax.map(jax.vmap(power_kw), told)  # (homes,), (controls, 3, homes)


@eqx.filter_jit
def _library(world: World, policy: Policy, profile: Profile):
    went = rollout(world, policy, profile, jax.random.key(0))
    return went.action, went.effect.power_kw
