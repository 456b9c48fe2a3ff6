"""One scenario at work: built once, trained with a bar, saved as it goes; what the verbs are made of."""

import contextlib
import dataclasses
import datetime
import functools
import hashlib
import inspect
import platform
import time
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
from jax.sharding import Mesh

from wattflock.core.errors import Problem, RunError, ScenarioError
from wattflock.core.files import load_tree, read_json, save_tree
from wattflock.core.machine import machine
from wattflock.core.progress import bar
from wattflock.core.scenario import Scenario
from wattflock.core.types import Profile, on_device
from wattflock.learn.lagrangian import Gradient
from wattflock.learn.learner import Learner, Progress, begin
from wattflock.study import compare
from wattflock.study.bound import USUAL, Optimum, why_no_bound
from wattflock.study.build import Built, Parts, build, parts_of
from wattflock.study.charging_bound import bounded, reward_bounds
from wattflock.study.charging_plan import served
from wattflock.study.charging_yardsticks import plans
from wattflock.study.curve import curves, note, points, warm_seconds
from wattflock.study.demonstrations import refuse_no_plan, training_days
from wattflock.study.fine_tune import FineTune
from wattflock.study.forecast import forecast
from wattflock.study.kept_optima import optima
from wattflock.study.mpc import mpc
from wattflock.study.run import Run, open_run
from wattflock.study.summary import on_shared_days
from wattflock.study.train import Course, Mark, score, train, validation_days
from wattflock.verbs.results import Comparison, Training, Tuned
from wattflock.world.rollout import Policy
from wattflock.world.sharding import mesh_of
from wattflock.world.world import World

SMALLER = "Try a smaller rate (learn.settings.rate)"
SAVE_EVERY_S = 20.0
SLOW_S = 1.0  # rounds that take longer are saved each time: Ctrl-C does not wait for them
TUNED = "+tuned"  # behind a method's name: a trained flock in which some homes were fitted anew
KEPT = ("jax", "jaxlib", "equinox", "optax", "numpy", "highspy", "wattflock")


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A scenario, its folder, and what is made from it when first needed."""

    scenario: Scenario
    run: Run | None = None  # where all is kept; None: nowhere
    minutes: float = 0.0  # of training in this call and per method; 0 is no limit
    devices: int = 1  # that share the homes; 0 is as many as there are
    own: Parts | None = None  # in place of the parts that the scenario names
    asked: tuple[str, ...] = ()  # methods to compare; empty: those of the scenario
    kept: Path | None = None  # folder of optima that several runs share; None: each finds its own

    @property
    def methods(self) -> tuple[str, ...]:
        """What is compared, the uncontrolled flock first."""
        return tuple(dict.fromkeys(("idle", *(self.asked or self.scenario.judge.methods))))

    @functools.cached_property
    def parts(self) -> Parts:
        """The objects that the scenario names."""
        return self.own or parts_of(self.scenario)

    @functools.cached_property
    def built(self) -> Built:
        """World, sampler and chart."""
        return build(self.scenario, self.parts)

    def place(self, method: str) -> Built:
        """The same with the world that a method lives in."""
        who = self.parts.learner(method.removesuffix(TUNED))
        return dataclasses.replace(self.built, world=who.lives_in(self.built.world))

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
        """The test days."""
        judge = self.scenario.judge
        return compare.unseen(self.built, judge.test_days, judge.seed, judge.bound_days)

    @functools.cached_property
    def idle(self) -> dict[str, float]:
        """`measures` of the uncontrolled flock on the validation days."""
        policy = self.parts.learner("idle").policy(())
        scores = score(self.world, policy, self.watched)
        return {name: float(value) for name, value in scores.items()}

    @functools.cached_property
    def watched(self) -> Profile:
        """The validation days on which learning is watched."""
        return validation_days(self.built.sampler, self.scenario.judge.curve_days)

    @functools.cached_property
    def watched_optimum(self) -> float | None:
        """Cost of the optimum of `judge.curve_days` [currency per home and day]; None where it is not asked for."""
        world, days = self.built.world, self.scenario.judge.curve_days
        if not days or why_no_bound(world, self.watched):
            return None
        cost = [each.cost for each in optima(world, self.watched, self.kept)]
        return float(np.mean(cost)) / self.scenario.homes.count / self.days.length

    @functools.cached_property
    def no_bound(self) -> str:
        """Why the optimum cannot be found in this market; empty where it can."""
        picked = self.days.planned
        return why_no_bound(self.built.world, self.days.of(picked).profile) if picked else ""

    def begin(self) -> None:
        """Build all and refuse what cannot be; only then is the folder made.

        Raises:
            ScenarioError: readings, homes, feeder, devices or counts of days that do not fit.
        """
        judge = self.scenario.judge
        compare.refuse_days(self.built.sampler, judge.test_days, judge.bound_days, judge.curve_days)
        _ = self.mesh
        if self.run:
            self.run.begin(self.scenario)

    def alone(self) -> contextlib.AbstractContextManager:
        """While it works in its folder, no other process does."""
        return self.run.locked() if self.run else contextlib.nullcontext()

    def refuse_untaught(self) -> None:
        """Raises ScenarioError where a method wants to be shown optima that this market does not have."""
        for method in self.methods:
            if self.parts.learner(method).demonstrations:
                refuse_no_plan(method, self.built.world, training_days(self.built.sampler, self.scenario.seed, 1))

    def course(self, method: str, who: Learner) -> Course:
        """A training run from its beginning."""
        sampler, seed = self.built.sampler, self.scenario.seed
        watched = self.scenario.judge.curve_days
        each = self.scenario.learn.named.get(method)
        return Course(
            who, who.lives_in(self.world), sampler, seed, who.rounds(), self.minutes,
            validation_days=watched, patience=each.patience if each else 0, mesh=self.mesh,
        )  # fmt: skip

    def training(self, method: str, fresh: bool = False) -> Training:
        """Train a method, or go on with it, and say what came of it.

        Raises:
            RunError: it ended with numbers that nobody should believe; what was sound before is kept.
        """
        self.begin()
        with self.alone():
            policy, card = self.trained(method, fresh)
        if card.get("broken"):
            kept = f"; {self.run.checkpoint(method)} is as it was before" if self.run else ""
            raise RunError(f"{method}: {card['stopped']}{kept}. {SMALLER}")
        asked, kept = self.parts.learner(method).rounds(), self.run and self.run.checkpoint(method)
        curve = curves(card["curve"], self.idle["cost"])
        return Training(method, policy, card["rounds"], asked, card["seconds"], curve, kept)

    def trained(self, method: str, fresh: bool) -> tuple[Policy, dict]:
        """A method's policy and the card of its training; goes on from a checkpoint unless `fresh`.

        Ctrl-C saves the last whole chunk of rounds and passes on; nothing is lost.
        """
        who, seed = self.parts.learner(method), self.scenario.seed
        if who.rounds():
            compare.refuse_uncontrolled(method, self.built)
        progress, card = begin(who, self.world, seed), untrained()
        saved = self.run.resume(method, who, progress) if self.run and not fresh else None
        if saved:
            progress, card = saved
        if card["rounds"] < who.rounds() and not card.get("stopped"):
            compare.refuse_learner(method, who, progress.state, self.place(method), self.days)
            if who.demonstrations:
                who = self.taught(method, who, fresh)
                progress = progress if saved else begin(who, self.world, seed)
            spent_s = card["seconds"]
            course = dataclasses.replace(self.course(method, who), seconds=spent_s, minutes=self._until(spent_s))
            progress, card = self._train(method, course, progress, card)
        return who.policy(progress.state), card

    def taught(self, method: str, who: Learner, fresh: bool = False) -> Learner:
        """A learner that was shown the optima of as many training episodes as it asks for.

        They are kept in the run's folder, and are not computed again unless `fresh`.
        """
        days = training_days(self.built.sampler, self.scenario.seed, who.demonstrations)
        refuse_no_plan(method, self.built.world, days)
        kept = self.run.demonstrations(days.days()) if self.run else None
        if kept and kept.exists() and not fresh:
            shape = (*days.load_kw.shape, self.world.fleet.controls)
            action = load_tree(kept, {"action": np.zeros(shape, np.float32)})["action"]
        else:
            optima = self._solved("demonstrations", days)
            action = jnp.asarray(np.stack([optimum.action for optimum in optima]), jnp.float32)
            if kept:
                save_tree(kept, {"action": action}, {"episodes": days.days(), "seed": self.scenario.seed})
        return who.taught(days, action)

    def _until(self, spent_s: float) -> float:
        return self.minutes + spent_s / 60 if self.minutes else 0.0

    def _train(self, method: str, course: Course, progress, card: dict):
        mark, said, currency = None, "", self.built.readings.currency
        saved_at = before = time.monotonic()
        with bar(method, course.rounds) as shown:
            shown.at(card["rounds"], "compiling …")
            try:
                for mark in train(course, progress):
                    card = card | {"rounds": mark.rounds, "seconds": mark.seconds, "stopped": mark.stopped}
                    card["broken"] = mark.broken
                    card["curve"] = card["curve"] + points(mark, method, course.seed)
                    said = note(mark.validation, self.idle, currency) if mark.validation else said
                    shown.at(mark.rounds, mark.stopped or said)
                    now = time.monotonic()
                    if max(now - saved_at - SAVE_EVERY_S, now - before - SLOW_S) > 0:
                        self._save(method, course.learner, mark, card)
                        saved_at = now
                    before = time.monotonic()
            finally:
                if mark:
                    self._save(method, course.learner, mark, card)
        return (mark.progress if mark else progress), card

    def _save(self, method: str, who: Learner, mark: Mark, card: dict) -> None:
        if self.run:
            self.run.save(method, who, mark.progress, card)

    def optima(self) -> dict[int, Optimum]:
        """The perfect-foresight optimum of `judge.bound_days` of the test days: number of the day → Optimum."""
        picked = self.days.planned
        return dict(zip(picked, self._solved("bound", self.days.of(picked).profile), strict=True))

    def _solved(self, title: str, profile: Profile) -> list[Optimum]:
        """The optima of given days or episodes, with a bar."""
        found, home_days = [], self.scenario.homes.count * self.scenario.data.episode_days
        with bar(title, profile.days()) as shown:
            shown.at(0, "compiling, and solving the first days …")
            for optimum in optima(self.built.world, profile, self.kept):
                found.append(optimum)
                each = f"{optimum.cost / home_days:.3f} {self.built.readings.currency}"
                shown.at(len(found), f"optimum {each} per home and day")
        return found

    def receding(self) -> dict[int, np.ndarray]:
        """What homes do that plan by themselves, on the days with a bound: number of the day → actions."""
        picked = self.days.planned
        some, found = self.days.of(picked).profile, {}
        with bar("mpc", len(picked)) as shown:
            shown.at(0, "compiling, and planning the first days …")
            days = mpc(self.built.world, some, forecast(self.built.sampler, some))
            for day, went in zip(picked, days, strict=True):
                found[day] = went.action
                each = went.cost / self.scenario.homes.count / self.days.length
                shown.at(len(found), f"{each:.3f} {self.built.readings.currency} per home and day")
        return found

    def planned(self, policies: Mapping[str, Policy], days: compare.Days) -> list[compare.Tables]:
        """Tables of the planners of a shared limit, one of which begins with the plans of trained `policies`."""
        wanted = tuple(name for name in self.scenario.judge.yardsticks if name != "mpc")
        if not wanted or self.built.world.coordinator is None:
            return []
        methods = {name: (self.place(name).world, policy) for name, policy in policies.items()}
        place, tables = dataclasses.replace(self.built, world=served(self.built.world)), []
        with bar("plans", len(wanted)) as shown:
            shown.at(0, "compiling, and planning …")
            found = plans(wanted, (self.built.world, days.profile, self.built.sampler), methods)
            for name, actions in found:
                tables.append(compare.judge_plans(place, days, name, dict(enumerate(actions))))
                shown.at(len(tables), f"{name} judged")
        return tables


def experiment_of(
    scenario: Scenario,
    runs: Path | None = None,
    learners: Mapping[str, Learner] | None = None,
    instead: Mapping[str, Any] | None = None,
    minutes: float = 0.0,
    devices: int = 1,
) -> Experiment:
    """A scenario at work, with parts that need no file.

    Args:
        scenario: checked, as `load` gives it.
        runs: folder of runs; None: nothing is kept.
        learners: name → learner: these are compared instead of those that the scenario names.
        instead: field of `Parts` → object, such as {"market": MyMarket()} or {"wiring": MyFeeder()}.
        minutes: of training in this call and per method; 0 is no limit.
        devices: that share the homes; 0 is as many as there are.
    """
    parts, given = parts_of(scenario), {**(instead or {}), **(learners or {})}
    parts = dataclasses.replace(parts, **{"learners": parts.learners | dict(learners or {}), **(instead or {})})
    run = open_run(scenario, runs, "".join(f"{name}={told(part)};" for name, part in given.items())) if runs else None
    return Experiment(scenario, run, minutes, devices, parts, tuple(learners or ()))


def told(part: Any) -> str:
    """A part in words, its numbers and its code as a hash: what tells it from another of its kind."""
    numbers = b"".join(np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(part) if eqx.is_array_like(leaf))
    with contextlib.suppress(OSError, TypeError):  # what was typed at a prompt is told by its name and fields alone
        numbers += inspect.getsource(type(part)).encode()
    return f"{part!r} {hashlib.sha256(numbers).hexdigest()}"


def finished(experiment: Experiment) -> bool:
    """Whether every method was judged after all its rounds; else `compared` goes on where it was."""
    summary = experiment.run.summary() if experiment.run else None
    judged = summary["methods"] if summary else {}
    asked = {name: experiment.parts.learner(name).rounds() for name in experiment.methods}
    done = {name: each.get("rounds") for name, each in judged.items()}
    return all(
        done.get(name) is not None and (done[name] >= rounds or bool(judged[name].get("stopped")))
        for name, rounds in asked.items()
    )


def read_back(run: Run) -> Comparison:
    """A comparison as its folder has it.

    Raises:
        RunError: it was never judged.
    """
    summary = run.summary()
    if summary is None:
        raise RunError(f"{run.folder}: is not judged yet; `wattflock compare` does it")
    return Comparison(summary, run.tables(), read_json(run.folder / "chart.json"), run.folder)


def compared(experiment: Experiment, fresh: bool = False) -> Comparison:
    """Train, judge and write everything of a run but the report."""
    experiment.begin()
    with experiment.alone():
        return _compared(experiment, fresh)


def _compared(experiment: Experiment, fresh: bool) -> Comparison:
    began = time.perf_counter()
    experiment.refuse_untaught()
    wanted = experiment.scenario.judge.bound_days and not experiment.no_bound  # known before any work
    tables, cards, seconds, policies, days = [], {}, {}, {}, experiment.days
    for method in experiment.methods:
        policies[method], cards[method] = experiment.trained(method, fresh)
        tables.append(compare.judge_method(experiment.place(method), days, method, policies[method]))
        days = days.with_worst(tables[0])  # of the uncontrolled homes
    seconds["methods"] = time.perf_counter() - began
    optima = experiment.optima() if wanted else {}
    if optima:
        best = {day: optimum.action for day, optimum in optima.items()}
        tables.append(compare.judge_plans(experiment.built, days, "bound", best, USUAL))
        if "mpc" in experiment.scenario.judge.yardsticks:
            tables.append(compare.judge_plans(experiment.built, days, "mpc", experiment.receding()))
    tables += experiment.planned(policies, days)
    seconds["bound"] = time.perf_counter() - began - seconds["methods"]
    every = compare.collect(tables, optima, experiment.scenario.homes.count, experiment.days.length)
    points_of_all = [point for card in cards.values() for point in card["curve"]]
    every["curves"] = curves(points_of_all, experiment.idle["cost"], experiment.watched_optimum)
    result = summary(experiment, compare.figures(every), cards) | {
        "bound_days": len(optima) * experiment.days.length,
        "on_bound_days": on_shared_days(every["days"], every["homes"]),
        "network_cost_per_home_day": network_cost(optima, experiment.scenario.homes.count * experiment.days.length),
        "seconds": {name: round(value, 1) for name, value in seconds.items()},
        "notes": notes(experiment),
        "broken": {name: card["stopped"] for name, card in cards.items() if card.get("broken")},
    }
    if experiment.run:
        experiment.run.write(every, result, chart(experiment.built))
    return Comparison(result, every, chart(experiment.built), experiment.run.folder if experiment.run else None)


def notes(experiment: Experiment) -> list[str]:
    """What was asked for and is not in the table, with the reason."""
    judge = experiment.scenario.judge
    said = [f"no bound under this market: {experiment.no_bound}"] if experiment.no_bound else []
    if (found := len(experiment.days.planned)) < judge.bound_days:
        said.append(f"an optimum of {found} days, not {judge.bound_days}: no more are judged")
    if "mpc" in judge.yardsticks and (experiment.no_bound or not judge.bound_days):
        said.append("no mpc: judged on days with a bound, of which there are none")
    of_limit = [name for name in judge.yardsticks if name != "mpc"]
    if of_limit and experiment.built.world.coordinator is None:
        said.append(f"no {', '.join(of_limit)}: no limit is shared here (coordinator.part)")
    if "foresight" in of_limit and bounded(experiment.built.world):
        most = list(reward_bounds(experiment.built.world, experiment.days.profile))
        said.append(f"no sharing is rewarded more than {np.mean(most):.1f} an episode (bound from above, a relaxation)")
    named = parts_of(experiment.scenario)
    for room in ("market", "wiring", "source"):
        own, theirs = getattr(experiment.parts, room), getattr(named, room)
        if type(own) is not type(theirs):
            said.append(f"{type(own).__name__} stands in place of the scenario's {type(theirs).__name__}")
    return said


def network_cost(optima: dict[int, Optimum], homes: int) -> float | None:
    """What keeping the limits costs the optimum, beside the one that ignores them [currency per home and day]."""
    extra = [optimum.cost - optimum.free_cost for optimum in optima.values()]
    return float(np.mean(extra)) / homes if extra else None


def judged(experiment: Experiment, methods: Iterable[str]) -> Comparison:
    """Methods of a run, as they were trained, on test days beside the uncontrolled case; nothing is written.

    Raises:
        RunError: a method learns and was not trained in this run.
    """
    tables, cards, days = [], {}, experiment.days
    for name in dict.fromkeys(("idle", *methods)):
        who, progress, cards[name] = was_trained(experiment, name)
        tables.append(compare.judge_method(experiment.place(name), days, name, who.policy(progress.state)))
        days = days.with_worst(tables[0])
    every = compare.collect(tables, {}, experiment.scenario.homes.count)
    every["curves"] = curves([], 0.0)  # nothing learns here
    found = summary(experiment, compare.figures(every), cards) | {"bound_days": 0}
    return Comparison(found, every, chart(experiment.built), experiment.run.folder if experiment.run else None)


def was_trained(experiment: Experiment, method: str) -> tuple[Learner, Progress, dict]:
    """A method of a run as its training left it, and its card; a rule as it is.

    Args:
        method: a learner's name; with `TUNED` behind it, some homes of which were fitted anew.

    Raises:
        RunError: the method learns and was not trained in this run.
    """
    run, who = experiment.run, experiment.parts.learner(method.removesuffix(TUNED))
    first = begin(who, experiment.world, experiment.scenario.seed)
    saved = run.resume(method, who, first) if run else None
    if saved is None and who.rounds():
        verb = "tune some homes" if method.endswith(TUNED) else f"train {method}"
        where = run.checkpoint(method) if run else method
        raise RunError(f"{where}: there is none; {verb} first (wattflock {verb.split()[0]})")
    progress, card = saved or (first, untrained())
    return who, progress, card


def tuned(experiment: Experiment, method: str, homes: list[int], rounds: int) -> Tuned:
    """Some homes of a trained flock fitted anew from fresh networks, while all others act as they learned to.

    The result is kept as a checkpoint beside the method's, which stays as it is.

    Raises:
        ScenarioError: homes that there are not, or a method that has no networks.
        RunError: the method was not trained in this run.
    """
    name, count = method + TUNED, experiment.scenario.homes.count
    who, trained, _ = was_trained(experiment, method)
    where = "wattflock tune"
    problems = [Problem(where, "--home", home, f"0 to {count - 1}") for home in homes if not 0 <= home < count]
    if not isinstance(who, Gradient):
        problems.append(Problem(where, "--method", method, "a learner by gradient, such as gradmap"))
    if problems or not isinstance(who, Gradient):
        raise ScenarioError(problems)
    fine = FineTune(who.lasting(rounds), jnp.asarray(np.isin(np.arange(count), homes)))
    fresh = fine.begin(trained.state, experiment.world, jax.random.key(experiment.scenario.seed))
    start = Progress(fresh, jnp.zeros_like(trained.done), trained.key)
    with experiment.alone():
        experiment._train(name, experiment.course(name, fine), start, untrained() | {"homes": sorted(homes)})
    found = judged(experiment, (method, name))
    pays = found.tables["homes"].filter(pl.col("home").is_in(homes)).group_by("method", "home", "kind", "terminal")
    table = pays.mean().pivot("method", index=["home", "kind", "terminal"], values="cost").sort("home")
    return Tuned(found, table.select("home", "kind", "terminal", "idle", method, name))


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
            "warm_seconds": warm_seconds(cards[name]["curve"]) if name in cards else None,
            "rounds": cards[name]["rounds"] if name in cards else None,
            "rounds_asked": _asked(experiment, name) if name in cards else None,
            "stopped": cards[name].get("stopped", "") if name in cards else "",
        }
        for name, found in figures.items()
    }
    return {
        "run": experiment.run.folder.name if experiment.run else experiment.scenario.name,
        "scenario": experiment.scenario.model_dump(mode="json"),
        "homes": homes.count,
        "homes_on_feeder": round(homes.count * homes.homes_per_agent),
        "test_days": len(experiment.days.dates) * experiment.days.length,
        "currency": experiment.built.readings.currency,
        "data": experiment.built.readings.card,
        "versions": versions(),
        "machine": machine(),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "methods": methods,
    }


def _asked(experiment: Experiment, method: str) -> int | None:
    """Rounds after which a method is trained; of homes that were tuned nobody asks."""
    return None if method.endswith(TUNED) else experiment.parts.learner(method).rounds()


def chart(built: Built) -> dict:
    """The map of the feeder, as `chart.json`."""
    drawn = built.chart
    return {
        "bus": list(drawn.buses),
        "x": list(drawn.x),
        "y": list(drawn.y),
        "edges": [list(edge) for edge in drawn.edges],
        "branches": [list(branch) for branch in drawn.branches],
        "source": drawn.source or None,
    }


def versions() -> dict[str, str]:
    """What made the figures."""
    return {name: version(name) for name in KEPT} | {"python": platform.python_version()}
