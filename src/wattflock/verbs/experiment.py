"""One scenario at work: built once, trained with a bar, saved as it goes; what the verbs are made of."""

import contextlib
import dataclasses
import functools
import hashlib
import inspect
import platform
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from wattflock.core.errors import RunError
from wattflock.core.files import load_tree, save_tree
from wattflock.core.progress import bar
from wattflock.core.scenario import Scenario
from wattflock.core.types import Profile, on_device
from wattflock.learn.learner import Learner, Progress, begin
from wattflock.study import compare
from wattflock.study.bound import USUAL, Optimum, why_no_bound
from wattflock.study.build import Built, Parts, build, parts_of
from wattflock.study.charging_plan import served
from wattflock.study.charging_yardsticks import plans
from wattflock.study.curve import curves, note, points
from wattflock.study.demonstrations import refuse_no_plan, training_days
from wattflock.study.forecast import forecast
from wattflock.study.kept_optima import optima
from wattflock.study.mpc import mpc
from wattflock.study.run import Run, open_run
from wattflock.study.train import Course, Mark, score, train, validation_days
from wattflock.verbs.results import Training
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

    def among(self, built: Built) -> "Experiment":
        """The same run with other homes, days or wires; what follows from them is found anew."""
        other = dataclasses.replace(self)
        vars(other)["built"] = built  # where `cached_property` keeps it
        return other

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
    def watched_optima(self) -> list[Optimum]:
        """The optima of `judge.curve_days`; none where they are not asked for, or there is none in this market."""
        world, days = self.built.world, self.scenario.judge.curve_days
        asked = days and not why_no_bound(world, self.watched)
        return list(optima(world, self.watched, self.kept)) if asked else []

    @property
    def watched_optimum(self) -> float | None:
        """Cost of `watched_optima` [currency per home and day]; None where there are none."""
        cost = [each.cost for each in self.watched_optima]
        return float(np.mean(cost)) / self.scenario.homes.count / self.days.length if cost else None

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
        self.refuse_broken(method, card)
        asked, kept = self.parts.learner(method).rounds(), self.run.checkpoint(method) if self.run else None
        curve = curves(card["curve"], self.idle["cost"])
        return Training(method, policy, card["rounds"], asked, card["seconds"], curve, kept)

    def refuse_broken(self, method: str, card: dict) -> None:
        """Raises RunError where training ended with numbers that nobody should believe; what was sound is kept."""
        if card.get("broken"):
            kept = f"; {self.run.checkpoint(method)} is as it was before" if self.run else ""
            raise RunError(f"{method}: {card['stopped']}{kept}. {SMALLER}")

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
                beyond = sum(bool(USUAL.broken(plan)) for plan in found)
                said = f", {beyond} of {len(found)} break a limit" if beyond else ""
                shown.at(len(found), f"optimum {each} per home and day{said}")
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
    changed: dict[str, Any] = {"learners": parts.learners | dict(learners or {}), **(instead or {})}
    parts = dataclasses.replace(parts, **changed)
    run = open_run(scenario, runs, "".join(f"{name}={told(part)};" for name, part in given.items())) if runs else None
    return Experiment(scenario, run, minutes, devices, parts, tuple(learners or ()))


def told(part: Any) -> str:
    """A part in words, its numbers and its code as a hash: what tells it from another of its kind."""
    numbers = b"".join(np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(part) if eqx.is_array_like(leaf))
    with contextlib.suppress(OSError, TypeError):  # what was typed at a prompt is told by its name and fields alone
        numbers += inspect.getsource(type(part)).encode()
    return f"{part!r} {hashlib.sha256(numbers).hexdigest()}"


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


def untrained() -> dict:
    """The card of a method before its first round."""
    return {"rounds": 0, "seconds": 0.0, "curve": [], "versions": versions()}


def versions() -> dict[str, str]:
    """What made the figures."""
    return {name: version(name) for name in KEPT} | {"python": platform.python_version()}
