"""From a scenario to an environment; what cannot be built is told in one error."""

import importlib
import math
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import equinox as eqx
import jax

from wattflock.core import compile_cache
from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.registry import nearest
from wattflock.core.scenario import Scenario, load
from wattflock.core.types import on_device
from wattflock.gym.functional import FunctionalEnv, Reward, Split, bills_by_step
from wattflock.gym.host import Host, names_of
from wattflock.study.build import Built, build

if TYPE_CHECKING:
    from wattflock.gym.parallel import FlockParallelEnv
    from wattflock.gym.single import FlockEnv
    from wattflock.gym.vector import FlockVectorEnv, Rows

INSTALL = "pip install 'wattflock[gym]'"
Source = Scenario | Built | str | Path | None  # a name or file is loaded; None is the scenario `gradmap`


def functional_env(
    scenario: Source = None, split: Split = "train", reward: Reward = "own", wires_price: float = 0.0
) -> FunctionalEnv:
    """`reset` and `step` as pure functions of all homes.

    Args:
        scenario: a scenario, one that is built, a bundled name, or a file.
        split: days that episodes are drawn from: "train", "validation" or "test".
        reward: "own": each home its cost; "team": each home the mean over homes.
        wires_price: what violations of the feeder's limits cost in the reward [currency per home and pu·h, mean over
            the rows of a limit, at a mean import price of 0.3 per kWh]. Every home pays the same.

    Raises:
        ScenarioError: lists every option that is not allowed, or what is wrong with the scenario.
    """
    refuse(options(split, reward, wires_price))
    return _functional(*_built(scenario), split, reward, wires_price)


def parallel_env(
    scenario: Source = None, split: Split = "train", reward: Reward = "own", wires_price: float = 0.0
) -> "FlockParallelEnv":
    """A PettingZoo ParallelEnv in which every home is an agent; arguments and errors as in `functional_env`."""
    refuse(options(split, reward, wires_price) + missing("gymnasium", "pettingzoo"))
    from wattflock.gym.parallel import FlockParallelEnv

    built, judged = _built(scenario)
    return FlockParallelEnv(Host(_functional(built, judged, split, reward, wires_price)), names_of(built.kinds))


def single_env(
    scenario: Source = None,
    home: str = "",
    split: Split = "train",
    reward: Reward = "own",
    wires_price: float = 0.0,
) -> "FlockEnv":
    """A Gymnasium Env: all homes as one agent, or one home beside others without control.

    Args:
        scenario: as in `functional_env`, like the rest.
        home: name of the agent as in `parallel_env`, such as "ev_panel_0"; "" is all homes as one agent, whose reward
            is the mean over homes.

    Raises:
        ScenarioError: as `functional_env`, or there is no such home.
    """
    refuse(options(split, reward, wires_price) + missing("gymnasium"))
    from wattflock.gym.single import FlockEnv

    built, judged = _built(scenario)
    names = names_of(built.kinds)
    if home and home not in names:
        refuse([Problem("gym", "home", home, nearest(home, names))])
    host = Host(_functional(built, judged, split, reward, wires_price), alone=names.index(home) if home else None)
    return FlockEnv(host)


def vector_env(
    scenario: Source = None,
    days: int = 16,
    rows: "Rows" = "homes",
    split: Split = "train",
    reward: Reward = "own",
    wires_price: float = 0.0,
) -> "FlockVectorEnv":
    """A Gymnasium VectorEnv: many days side by side in one compiled call.

    Args:
        scenario: as in `functional_env`, like the rest.
        days: episodes side by side.
        rows: "homes": a row for each day and home, for one policy that all homes share; "flocks": a row for each day,
            all homes as one agent.
    """
    wrong = options(split, reward, wires_price)
    if isinstance(days, bool) or not isinstance(days, int) or days < 1:
        wrong.append(Problem("gym", "days", days, "a whole number at least 1"))
    refuse([*wrong, *known("rows", rows, ("homes", "flocks")), *missing("gymnasium")])
    from wattflock.gym.vector import FlockVectorEnv

    return FlockVectorEnv(Host(_functional(*_built(scenario), split, reward, wires_price), days), rows)


def options(split: str, reward: str, wires_price: float) -> list[Problem]:
    """Problems of the options that all environments share."""
    wrong = known("split", split, get_args(Split)) + known("reward", reward, get_args(Reward))
    if isinstance(wires_price, bool) or not isinstance(wires_price, int | float) or not 0 <= wires_price < math.inf:
        wrong.append(Problem("gym", "wires_price", wires_price, "a number at least 0 [currency per home and pu·h]"))
    return wrong


def known(field: str, value: object, words: tuple[str, ...]) -> list[Problem]:
    """The problem of a word that is none of those that are allowed."""
    return [] if value in words else [Problem("gym", field, value, nearest(str(value), words))]


def missing(*packages: str) -> list[Problem]:
    """The problem of the first package that is not installed."""
    for package in packages:
        try:
            importlib.import_module(package)
        except ModuleNotFoundError as error:
            if error.name != package:
                raise
            return [Problem("gym", "package", package, f"one that is installed: {INSTALL}")]
    return []


def refuse(problems: list[Problem]) -> None:
    """Raises ScenarioError where there are problems."""
    if problems:
        raise ScenarioError(problems)


def _built(scenario: Source) -> tuple[Built, tuple[int, int]]:
    """The objects of a scenario, and seed and number of the days that its judge has."""
    compile_cache.enable()
    if isinstance(scenario, Built):
        return scenario, (0, 0)
    if not isinstance(scenario, Scenario):
        scenario = load(None if scenario is None else Path(scenario))
    return build(scenario), (scenario.judge.seed, scenario.judge.test_days)


def _functional(
    built: Built, judged: tuple[int, int], split: Split, reward: Reward, wires_price: float
) -> FunctionalEnv:
    world = on_device(built.world, "float32")
    day = jax.tree.map(lambda x: x[0], eqx.filter_jit(built.sampler.draw)(jax.random.key(0), split, 1))
    by_step = bills_by_step(world.market, day)
    return FunctionalEnv(world, built.sampler, split, reward, float(wires_price), judged, by_step)
