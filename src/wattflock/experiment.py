"""One scenario at work: built once, trained with a bar, saved as it goes; what the verbs are made of."""

import dataclasses
import functools
import platform
import time
from collections.abc import Iterable
from importlib.metadata import version

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
from jax.sharding import Mesh

from wattflock.build import Built, build, learner
from wattflock.errors import Problem, RunError, ScenarioError
from wattflock.learn.learner import Learner, Progress, begin
from wattflock.learn.primal_dual import Gradient
from wattflock.report.progress import bar
from wattflock.scenario import Scenario
from wattflock.store.run import Run
from wattflock.study import compare
from wattflock.study.bound import Optimum, bound
from wattflock.study.fine_tune import FineTune
from wattflock.study.forecast import forecast
from wattflock.study.mpc import mpc
from wattflock.study.summary import on_shared_days
from wattflock.study.train import Course, Mark, score, train, validation_days
from wattflock.types import on_device
from wattflock.world.rollout import Policy
from wattflock.world.spread import mesh_of
from wattflock.world.world import World

SAVE_EVERY_S = 20.0
TUNED = "+tuned"  # behind a method's name: a trained flock in which some homes were fitted anew
KEPT = ("jax", "jaxlib", "equinox", "optax", "numpy", "highspy", "wattflock")


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A scenario, its folder, and what is made from it when first needed."""

    scenario: Scenario
    run: Run
    minutes: float = 0.0  # of training in this call and per method; 0 is no limit
    devices: int = 1  # that share the homes; 0 is as many as there are

    @functools.cached_property
    def built(self) -> Built:
        """World, sampler and chart."""
        return build(self.scenario)

    @functools.cached_property
    def world(self) -> World:
        """The world to train in."""
        return on_device(self.built.world, "float32")

    @functools.cached_property
    def mesh(self) -> Mesh | None:
        """The devices that train; None where one is enough."""
        return None if self.devices == 1 else mesh_of(self.scenario.homes.count, self.devices)

    @functools.cached_property
    def days(self) -> compare.Days:
        """The unseen days."""
        judge = self.scenario.judge
        return compare.unseen(self.built, judge.test_days, self.scenario.seed, judge.bound_days)

    def course(self, method: str, who: Learner) -> Course:
        """A training run from its beginning."""
        sampler, seed = self.built.sampler, self.scenario.seed
        return Course(who, self.world, sampler, seed, who.rounds(), self.minutes, mesh=self.mesh)

    def trained(self, method: str, fresh: bool) -> tuple[Policy, dict]:
        """A method's policy and the card of its training; goes on from a checkpoint unless `fresh`.

        Ctrl-C saves the last whole chunk of rounds and passes on; nothing is lost.
        """
        who = learner(self.scenario, method)
        course = self.course(method, who)
        progress = begin(who, self.world, self.scenario.seed)
        card = untrained()
        saved = None if fresh else self.run.resume(method, progress)
        if saved:
            progress, card = saved
            course = dataclasses.replace(course, seconds=card["seconds"], minutes=self._until(card["seconds"]))
        if card["rounds"] < course.rounds:
            progress, card = self._train(method, course, progress, card)
        return who.policy(progress.state), card

    def _until(self, spent_s: float) -> float:
        return self.minutes + spent_s / 60 if self.minutes else 0.0

    def _train(self, method: str, course: Course, progress, card: dict):
        mark, said, saved_at = None, "", time.monotonic()
        with bar(method, course.rounds) as shown:
            try:
                for mark in train(course, progress):
                    card = card | {"rounds": mark.rounds, "seconds": mark.seconds}
                    card["curve"] = card["curve"] + points(mark, method, course.seed)
                    said = note(mark.validation, self.built.readings.currency) if mark.validation else said
                    shown.at(mark.rounds, said)
                    if time.monotonic() - saved_at > SAVE_EVERY_S:
                        self.run.save(method, mark.progress, card)
                        saved_at = time.monotonic()
            finally:
                if mark:
                    self.run.save(method, mark.progress, card)
        return (mark.progress if mark else progress), card

    def optima(self) -> dict[int, Optimum]:
        """The perfect-foresight optimum of `judge.bound_days` of the unseen days: number of the day → Optimum."""
        picked = compare.spread(len(self.days.dates), self.scenario.judge.bound_days)
        found = {}
        with bar("bound", len(picked)) as shown:
            for day, optimum in zip(picked, bound(self.built.world, self.days.of(picked).profile), strict=True):
                found[day] = optimum
                each = optimum.cost / self.scenario.homes.count
                shown.at(len(found), f"optimum {each:.3f} {self.built.readings.currency} per home on this day")
        return found

    def receding(self) -> dict[int, np.ndarray]:
        """What homes do that plan by themselves, on the days with a bound: number of the day → actions."""
        picked = compare.spread(len(self.days.dates), self.scenario.judge.bound_days)
        some, found = self.days.of(picked).profile, {}
        with bar("mpc", len(picked)) as shown:
            days = mpc(self.built.world, some, forecast(self.built.sampler, some))
            for day, went in zip(picked, days, strict=True):
                found[day] = went.action
                each = went.cost / self.scenario.homes.count
                shown.at(len(found), f"{each:.3f} {self.built.readings.currency} per home on this day")
        return found


def compared(experiment: Experiment, fresh: bool) -> dict:
    """Trains, judges and writes everything of a run but the report; returns the summary."""
    began = time.perf_counter()
    tables, cards, seconds = [], {}, {}
    for method in dict.fromkeys(("idle", *experiment.scenario.judge.methods)):
        policy, cards[method] = experiment.trained(method, fresh)
        tables.append(compare.judge_method(experiment.built, experiment.days, method, policy))
    seconds["methods"] = time.perf_counter() - began
    optima = experiment.optima() if experiment.scenario.judge.bound_days else {}
    if optima:
        plans = {"bound": {day: optimum.action for day, optimum in optima.items()}}
        plans |= {name: experiment.receding() for name in experiment.scenario.judge.yardsticks}
        tables += [compare.judge_plans(experiment.built, experiment.days, *plan) for plan in plans.items()]
    seconds["bound"] = time.perf_counter() - began - seconds["methods"]
    every = compare.collect(tables, optima, experiment.scenario.homes.count)
    curve = [point for card in cards.values() for point in card["curve"]]
    every["curves"] = curves(curve, idle_cost(experiment))
    result = summary(experiment, compare.figures(every["days"]), cards) | {
        "bound_days": len(optima),
        "on_bound_days": on_shared_days(every["days"]),
        "network_cost_per_home_day": network_cost(optima, experiment.scenario.homes.count),
        "seconds": {name: round(value, 1) for name, value in seconds.items()},
    }
    experiment.run.write(every, result, chart(experiment.built))
    return result


def network_cost(optima: dict[int, Optimum], homes: int) -> float | None:
    """What keeping the limits costs the optimum, beside the one that ignores them [currency per home and day]."""
    extra = [optimum.cost - optimum.free_cost for optimum in optima.values()]
    return float(np.mean(extra)) / homes if extra else None


def judged(scenario: Scenario, run: Run, method: str) -> dict:
    """One method of a run on unseen days, beside the uncontrolled case; nothing is written.

    Raises:
        RunError: the method learns and was not trained in this run.
    """
    return standing(Experiment(scenario, run), (method,))[0]


def standing(experiment: Experiment, methods: Iterable[str]) -> tuple[dict, compare.Tables]:
    """Methods of a run, as they were trained, on unseen days beside the uncontrolled case: summary and tables."""
    tables, cards = [], {}
    for name in dict.fromkeys(("idle", *methods)):
        who, progress, cards[name] = was_trained(experiment, name)
        tables.append(compare.judge_method(experiment.built, experiment.days, name, who.policy(progress.state)))
    every = compare.collect(tables, {}, experiment.scenario.homes.count)
    return summary(experiment, compare.figures(every["days"]), cards) | {"bound_days": 0}, every


def was_trained(experiment: Experiment, method: str) -> tuple[Learner, Progress, dict]:
    """A method of a run as its training left it, and its card; a rule as it is.

    Args:
        method: a learner's name; with `TUNED` behind it, some homes of which were fitted anew.

    Raises:
        RunError: the method learns and was not trained in this run.
    """
    scenario, run = experiment.scenario, experiment.run
    who = learner(scenario, method.removesuffix(TUNED))
    first = begin(who, experiment.world, scenario.seed)
    saved = run.resume(method, first)
    if saved is None and who.rounds():
        verb = "tune some homes" if method.endswith(TUNED) else f"train {method}"
        raise RunError(f"{run.checkpoint(method)}: there is none; {verb} first (wattflock {verb.split()[0]})")
    progress, card = saved or (first, untrained())
    return who, progress, card


def tuned(scenario: Scenario, run: Run, method: str, homes: list[int], rounds: int) -> tuple[dict, pl.DataFrame]:
    """Some homes of a trained flock fitted anew from fresh networks, while all others act as they learned to.

    The result is kept as a checkpoint beside the method's, which stays as it is.

    Returns:
        The summary of idle, the flock as it was and as it is now on unseen days; and a row for each of these homes:
        home, kind, terminal and what it pays with each of them [currency per day].

    Raises:
        ScenarioError: homes that there are not, or a method that has no networks.
        RunError: the method was not trained in this run.
    """
    experiment, name = Experiment(scenario, run), method + TUNED
    who, trained, _ = was_trained(experiment, method)
    last = scenario.homes.count - 1
    problems = [Problem("wattflock tune", "--home", home, f"0 to {last}") for home in homes if not 0 <= home <= last]
    if not isinstance(who, Gradient):
        problems.append(Problem("wattflock tune", "--method", method, "a learner by gradient, such as gradmap"))
    if problems or not isinstance(who, Gradient):
        raise ScenarioError(problems)
    moving = np.isin(np.arange(scenario.homes.count), homes)
    fine = FineTune(who.lasting(rounds), jnp.asarray(moving))
    fresh = fine.begin(trained.state, experiment.world, jax.random.key(scenario.seed))
    start = Progress(fresh, jnp.zeros_like(trained.done), trained.key)
    experiment._train(name, experiment.course(name, fine), start, untrained() | {"homes": sorted(homes)})
    found, every = standing(experiment, (method, name))
    pays = every["homes"].filter(pl.col("home").is_in(homes)).group_by("method", "home", "kind", "terminal").mean()
    table = pays.pivot("method", index=["home", "kind", "terminal"], values="cost").sort("home")
    return found, table.select("home", "kind", "terminal", "idle", method, name)


def untrained() -> dict:
    """The card of a method before its first round."""
    return {"rounds": 0, "seconds": 0.0, "curve": [], "versions": versions()}


def summary(experiment: Experiment, figures: dict[str, dict], cards: dict[str, dict]) -> dict:
    """What `summary.json` says; the bound is trained by nobody."""
    homes = experiment.scenario.homes
    methods = {
        name: found
        | {
            "train_seconds": round(cards[name]["seconds"], 2) if name in cards else None,
            "rounds": cards[name]["rounds"] if name in cards else None,
        }
        for name, found in figures.items()
    }
    return {
        "run": experiment.run.folder.name,
        "scenario": experiment.scenario.model_dump(mode="json"),
        "homes": homes.count,
        "homes_on_feeder": round(homes.count * homes.homes_per_agent),
        "test_days": len(experiment.days.dates),
        "currency": experiment.built.readings.currency,
        "data": experiment.built.readings.card,
        "versions": versions(),
        "methods": methods,
    }


def points(mark: Mark, method: str, seed: int) -> list[dict]:
    """Rows of the learning curve at a mark."""
    place = {"method": method, "seed": seed, "seconds": mark.seconds, "round": mark.rounds}
    scores = {"train": mark.train, "validation": mark.validation}
    return [
        place | {"split": split, "objective": found.get("objective")}
        | {name: found.get(name) for name in ("cost", "violation_pu_h", "violated_share")}
        for split, found in scores.items()
        if found
    ]  # fmt: skip


def curves(rows: list[dict], idle: float) -> pl.DataFrame:
    """The learning curves of all methods; `saving` is against the uncontrolled validation days."""
    numbers = ("seconds", "objective", "cost", "violation_pu_h", "violated_share")
    schema = {"method": pl.String, "seed": pl.Int64, "round": pl.Int64, "split": pl.String}
    table = pl.DataFrame(rows, schema=schema | dict.fromkeys(numbers, pl.Float64))
    return table.with_columns(saving=pl.when(pl.col("split") == "validation").then(idle - pl.col("cost")))


def idle_cost(experiment: Experiment) -> float:
    """What the uncontrolled flock pays on the validation days [currency per home and day]."""
    policy = learner(experiment.scenario, "idle").policy(())
    return float(score(experiment.world, policy, validation_days(experiment.built.sampler))["cost"])


def chart(built: Built) -> dict:
    """The map of the feeder, as `chart.json`."""
    drawn = built.chart
    return {
        "bus": list(drawn.buses),
        "x": list(drawn.x),
        "y": list(drawn.y),
        "edges": [list(edge) for edge in drawn.edges],
        "source": drawn.buses[0],
    }


def note(scores: dict[str, float], currency: str) -> str:
    """What a bar says beside itself, of the validation days."""
    return f"{scores['cost']:.3f} {currency}/home-day, violation {1e6 * scores['violation_pu_h']:.1f} µpu·h"


def versions() -> dict[str, str]:
    """What made the figures."""
    return {name: version(name) for name in KEPT} | {"python": platform.python_version()}
