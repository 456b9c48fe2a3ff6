"""Methods on the same test days: judged alike, in one set of tables."""

import dataclasses
import datetime
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import numpy as np
import polars as pl

from wattflock.core.errors import Problem, RunError, ScenarioError, WattflockError
from wattflock.core.types import Profile, by_day, cast
from wattflock.data.sample import Sampler, spread
from wattflock.learn.learner import Learner
from wattflock.study.bound import Optimum, Settings
from wattflock.study.build import Built
from wattflock.study.evaluate import OWN, Judged, evaluate
from wattflock.study.summary import summarise
from wattflock.study.tables import (
    branches_table,
    dates_of,
    days_table,
    examples_table,
    homes_table,
    nodes_table,
    steps_table,
)
from wattflock.study.worst_day import worst_day_table
from wattflock.world.rollout import Policy, ZeroPolicy

Tables = dict[str, pl.DataFrame]
SHOWN_HOMES = 6
SHARING_HOMES, SHARING_DAYS = 4, 3  # the same where a limit is shared, and of each episode
ROWS = {"voltage": "nodes", "loading": "branches", "unbalance": "buses"}  # what each limit is about
TEST_DAYS = ("scenario", "judge.test_days")  # what is wrong where too many days are asked for


@dataclasses.dataclass(frozen=True)
class Days:
    """The test days on which all methods are judged."""

    profile: Profile  # numpy float64, (days, steps, homes); an episode of several days is one of them
    dates: list[str]  # of the first day of each
    few: np.ndarray  # homes whose series are kept
    shown: list[int]  # days on which they are kept: the sunniest and the coldest of those with a bound
    planned: list[int]  # days with a bound: `spread` over seasons and weekdays

    length: int = 1  # calendar days of each
    worst: int = OWN  # calendar day on which every home's series are kept; `OWN`: the method's own worst

    def one_by_one(self) -> tuple[Profile, list[str]]:
        """Calendar days (days, steps, homes) and their dates."""
        profile = by_day(self.profile, self.profile.load_kw.shape[1] // self.length)
        first = [datetime.date.fromisoformat(date) for date in self.dates]
        return profile, [str(day + datetime.timedelta(days=k)) for day in first for k in range(self.length)]

    def numbers(self, picked: list[int]) -> list[int]:
        """Of the calendar days of some of the days."""
        return [day * self.length + k for day in picked for k in range(self.length)]

    def of(self, picked: list[int]) -> "Days":
        """Some of the days."""
        profile = jax.tree.map(lambda x: x[picked], self.profile)
        shown, planned = ([picked.index(day) for day in some if day in picked] for some in (self.shown, self.planned))
        numbers = self.numbers(picked)
        worst = numbers.index(self.worst) if self.worst in numbers else OWN
        return Days(profile, [self.dates[day] for day in picked], self.few, shown, planned, self.length, worst)

    def with_worst(self, tables: "Tables") -> "Days":
        """The same days, of which the worst is that of a method's tables."""
        return dataclasses.replace(self, worst=tables["worst_day"]["day"].item(0))


def refuse_uncontrolled(name: str, built: Built) -> None:
    """Raises ScenarioError where no home has a device that a learner could steer."""
    if not built.world.fleet.controls:
        owned = sorted(built.world.fleet.devices)
        raise ScenarioError(
            [Problem(name, "homes.kinds", owned, "a kind with a device to control; idle and rules need none")]
        )


def refuse_learner(name: str, who: Learner, state: Any, built: Built, days: Days) -> None:
    """Raises WattflockError before the first round where a learner has none to give, or its policy cannot be used."""
    if type(who).update is Learner.update:
        raise WattflockError(f"{name}: asks for {who.rounds()} rounds and has no `update`; allowed: both, or none")
    refuse_policy(name, who.policy(state), built, days)


def refuse_policy(name: str, policy: Policy, built: Built, days: Days) -> None:
    """Raises WattflockError where a policy's first actions have another shape than (homes, controls) or are no numbers.

    Args:
        name: of the method, for the message.
        policy: is asked once, for the first step of the first day.
        built: the world.
        days: the test days.
    """
    world = built.world
    want = (world.homes, world.fleet.controls)
    try:
        with jax.enable_x64(True):
            today = world.faced(jax.tree.map(lambda x: x[0], days.profile))
            now = jax.tree.map(lambda x: x[0], today)
            seen = world.observe(world.reset(now), now)
            _, action = policy(policy.start(), seen, jax.random.key(0))
        shape, finite = np.shape(action), bool(np.isfinite(action).all())
    except (TypeError, ValueError, IndexError, AttributeError) as error:
        raise WattflockError(f"{name}: its policy fails on the first step: {type(error).__name__}: {error}") from error
    if shape != want:
        raise WattflockError(f"{name}: its policy gives actions of shape {shape}; allowed: {want}, (homes, controls)")
    if not finite:
        raise WattflockError(f"{name}: its policy gives actions that are not finite; allowed: -1 to 1")


def refuse_days(
    sampler: Sampler, days: int, bound_days: int = 0, curve_days: int = 0, where: tuple[str, str] = TEST_DAYS
) -> None:
    """Raises ScenarioError where more days are asked for, to judge or for a bound or a curve, than their split has."""
    there = len(sampler.split_days["test"])
    said = f"{{}} to {there}, the test days"
    problems = [] if 0 <= days <= there else [Problem(*where, days, f"{said.format(1)}, or 0: all")]
    if bound_days > there:
        problems.append(Problem("scenario", "judge.bound_days", bound_days, said.format(0)))
    watched = len(sampler.split_days["validation"])
    if curve_days > watched:
        problems.append(Problem("scenario", "judge.curve_days", curve_days, f"0 to {watched}, the validation days"))
    if problems:
        raise ScenarioError(problems)


def unseen(built: Built, days: int, seed: int, bound_days: int = 0) -> Days:
    """Every day of the test split once, or `days` of them spread over seasons and weekdays.

    Args:
        built: world, sampler and readings.
        days: how many; 0 is all.
        seed: of what is drawn on these days: which homes' loads, and how full devices begin.
        bound_days: on how many of them a bound is found.

    Raises:
        ScenarioError: there are fewer days.
    """
    refuse_days(built.sampler, days)
    profile = eqx.filter_jit(built.sampler.every)(jax.random.key(seed), "test", days)
    calendar = np.asarray(built.sampler.calendar("test", days))
    kinds = sorted(set(built.kinds), key=lambda kind: (-len(built.devices[kind]), kind))
    few = np.array([built.kinds.index(kind) for kind in kinds[:SHOWN_HOMES]])
    if built.world.coordinator:
        others = np.setdiff1d(np.arange(built.world.homes), few)
        few = np.concatenate([few, others[: max(SHARING_HOMES - len(few), 0)]])
    profile = cast(jax.tree.map(np.asarray, profile), np.float64)
    dates = dates_of(built.readings.first_day, calendar)
    planned = spread([datetime.date.fromisoformat(date).weekday() for date in dates], bound_days)
    among = planned or list(range(len(dates)))
    sunny = max(among, key=lambda day: profile.sun_kw_per_kwp[day].mean())
    cold = min(among, key=lambda day: profile.outdoor_c[day].mean())
    return Days(profile, dates, few, sorted({sunny, cold}), planned, built.sampler.episode_days)


def judge_method(built: Built, days: Days, method: str, policy: Policy) -> Tables:
    """All tables of one method.

    Raises:
        WattflockError: its actions have another shape, or are no numbers.
    """
    refuse_policy(method, policy, built, days)
    try:
        judged = evaluate(built.world, policy, days.profile, days.few, picked=days.worst)
    except RunError as error:
        raise RunError(f"{method}: {error}") from error
    return _tables(built, days, method, judged)


def loads_alone(built: Built, days: Days, policy: Policy) -> list[str]:
    """A sentence where loads break a limit without any device: a limit that steering alone may not be able to keep.

    Args:
        policy: that of the uncontrolled homes, whose compiled judgement serves here, too; without devices none acts.
    """
    if built.world.feeder is None or built.world.coordinator:
        return []
    try:
        judged = evaluate(built.world.emptied(), policy, days.profile, days.few, picked=days.worst)
    except RunError as error:
        return [f"loads alone, without any device, are not judged: {error}"]
    broken = np.any([(x > 0).any((1, 2)) for x in judged.excess.values()], 0)
    rows = [f"{(x > 0).any((0, 1)).sum():,} of {x.shape[-1]:,} {ROWS[limit]}" for limit, x in judged.excess.items()]
    said = "loads of homes without any device break a limit on {} of {} test days ({}): devices have to make up for it"
    return [said.format(broken.sum(), len(broken), ", ".join(rows))] if broken.any() else []


def judge_plans(
    built: Built, days: Days, method: str, actions: dict[int, np.ndarray], searched: Settings | None = None
) -> Tables:
    """All tables of planned actions (steps, homes, controls), on the days (number → actions) that they are for.

    What is `searched` for keeps limits to a tolerance, which is taken off every excess; it is no violation.
    """
    picked = sorted(actions)
    some = days.of(picked)
    plan = np.stack([actions[day] for day in picked])
    judged = evaluate(built.world, ZeroPolicy(), some.profile, days.few, plan, some.worst)
    if searched:
        beyond = {limit: np.maximum(x - searched.tolerance(limit), 0) for limit, x in judged.excess.items()}
        judged = dataclasses.replace(judged, excess=beyond)
    number = pl.col("day").replace_strict(dict(enumerate(days.numbers(picked))))
    tables = _tables(built, some, method, judged)
    if days.worst not in (OWN, *days.numbers(picked)):
        tables["worst_day"] = tables["worst_day"].clear()  # no plan was made for it
    return {name: t.with_columns(number) if "day" in t.columns else t for name, t in tables.items()}


def _tables(built: Built, days: Days, method: str, judged: Judged) -> Tables:
    rows, (profile, dates) = built.world.judged, days.one_by_one()
    count = SHARING_DAYS if built.world.coordinator else 1
    shown = {day: dates[day] for some in days.shown for day in days.numbers([some])[:count]}
    return {
        "steps": steps_table(method, judged, profile, dates),
        "homes": homes_table(method, judged, built),
        "nodes": nodes_table(method, judged, profile, rows.get("voltage", ())),
        "branches": branches_table(method, judged, profile, rows.get("loading", ())),
        "days": days_table(method, judged, profile, dates),
        "examples": examples_table(method, judged, built, days.few, shown),
        "worst_day": worst_day_table(method, judged, built, dates),
    }


def collect(tables: Sequence[Tables], optima: dict[int, Optimum], homes: int, length: int = 1) -> Tables:
    """The tables of all methods as one set; each day's row also gets the optimum's cost per home.

    That of an episode of several days, `length`, is spread evenly over them.
    """
    all_of = {name: pl.concat([each[name] for each in tables]) for name in tables[0]}
    cost = pl.DataFrame(
        {
            "day": [day * length + k for day in optima for k in range(length)],
            "optimum_cost_per_home": [each.cost / homes / length for each in optima.values() for _ in range(length)],
        },
        schema={"day": pl.Int64, "optimum_cost_per_home": pl.Float64},
    )
    all_of["days"] = all_of["days"].join(cost, on="day", how="left", maintain_order="left")
    return all_of


def figures(tables: Tables) -> dict[str, dict]:
    """`summarise` of every method, in the order of the table."""
    days, homes = tables["days"], tables["homes"]
    return {method: summarise(days, method, homes) for method in days["method"].unique(maintain_order=True)}
