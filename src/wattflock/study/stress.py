"""Conditions outside the training: cases that change the days, the feeder or who acts, judged without retraining."""

import dataclasses
from collections.abc import Callable, Mapping

import jax.numpy as jnp
import numpy as np
import polars as pl
from jaxtyping import Array

from wattflock.core.types import Profile
from wattflock.feeder.solve import with_source
from wattflock.learn.learners.idle import Uncontrolled
from wattflock.study.build import Built
from wattflock.study.compare import Days
from wattflock.study.evaluate import Judged, evaluate
from wattflock.study.summary import summarise
from wattflock.study.tables import days_table
from wattflock.world.rollout import Policy
from wattflock.world.world import World

FAILING_SHARE = 0.1
SHOWN = (
    "cost_per_home_day", "violation_of_idle", "violation_pu_h", "violated_share", "worst_pu",
    "days_with_violation_share", "comfort_violation_c_h",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class StressCase:
    """The world and the days on which a policy is judged."""

    world: World  # float64 on the host
    profile: Profile  # (days, steps, homes)
    broken: np.ndarray  # (homes,) whose controller fails


class Failing(Policy):
    """A policy that fails in some homes: their devices run uncontrolled."""

    policy: Policy
    broken: Array | np.ndarray  # booleans (homes,)

    def start(self):
        return self.policy.start()

    def __call__(self, memory, seen, key):
        memory, action = self.policy(memory, seen, key)
        _, idle = Uncontrolled()((), seen, key)
        return memory, jnp.where(self.broken[:, None], idle, action)


def usual(scene: StressCase) -> StressCase:
    """No change."""
    return scene


def dear(scene: StressCase) -> StressCase:
    """All prices twice as high."""
    names = ("import_price_per_kwh", "export_price_per_kwh", "price_ahead_per_kwh")
    return _scaled(scene, names, 2.0)


def heat_wave(scene: StressCase) -> StressCase:
    """8 °C warmer on every day, with 15 % more sun, with forecasts likewise; loads as measured."""
    sunny = _scaled(scene, ("sun_kw_per_kwp", "sun_ahead_kw_per_kwp", "sun_rest_kwh_per_kwp"), 1.15)
    return _warmer(sunny, 8.0)


def cold_snap(scene: StressCase) -> StressCase:
    """8 °C colder on every day."""
    return _warmer(scene, -8.0)


def source_high(scene: StressCase) -> StressCase:
    """The source 1.25 % higher: two taps of the substation's regulator."""
    return _sourced(scene, 1.0125)


def source_low(scene: StressCase) -> StressCase:
    """The source 1.25 % lower."""
    return _sourced(scene, 0.9875)


def failing(scene: StressCase) -> StressCase:
    """The controllers of a tenth of the homes, always the same ones, fail on all days."""
    homes = scene.world.homes
    order = np.random.default_rng(0).permutation(homes)
    return dataclasses.replace(scene, broken=order < round(FAILING_SHARE * homes))


Case = Callable[[StressCase], StressCase]
CASES: dict[str, Case] = {
    case.__name__: case for case in (usual, dear, heat_wave, cold_snap, source_high, source_low, failing)
}


def judge_cases(
    built: Built, days: Days, methods: Mapping[str, Policy], cases: Mapping[str, Case] = CASES
) -> pl.DataFrame:
    """Methods in all cases, each compared with the uncontrolled homes of the same case, in float64.

    Args:
        built: the world of the training.
        days: test days.
        methods: name → policy; `idle` is added.
        cases: name → change.

    Returns:
        One row per case and method, in the order given: `case`, `method`, the figures of `SHOWN` as `summarise`
        makes them, `saving_per_home_day` against idle in the same case [currency], and `converged`.
    """
    every = {"idle": Uncontrolled()} | dict(methods)
    scene = StressCase(built.world, days.profile, np.zeros(built.world.homes, bool))
    tables = [_judge(case(scene), days, every).select(pl.lit(name).alias("case"), "*") for name, case in cases.items()]
    return pl.concat(tables)


def evaluated(scene: StressCase, policy: Policy, few: np.ndarray) -> Judged:
    """A policy in a scene; every case of a policy is one compilation."""
    return evaluate(scene.world, Failing(policy, scene.broken), scene.profile, few)


def _judge(scene: StressCase, days: Days, methods: dict[str, Policy]) -> pl.DataFrame:
    tables = [
        days_table(
            method, evaluated(scene, policy, days.few), *dataclasses.replace(days, profile=scene.profile).one_by_one()
        )
        for method, policy in methods.items()
    ]
    every = pl.concat(tables).with_columns(optimum_cost_per_home=pl.lit(None, pl.Float64))
    figures = {method: summarise(every, method) for method in methods}
    rows = [{"method": method} | {name: found[name] for name in SHOWN} for method, found in figures.items()]
    cost, sound = pl.col("cost_per_home_day"), every.group_by("method").agg(pl.col("converged").all())
    table = pl.DataFrame(rows, schema_overrides=dict.fromkeys(SHOWN, pl.Float64))
    return table.with_columns(saving_per_home_day=cost.first() - cost).join(sound, on="method", maintain_order="left")


def _scaled(scene: StressCase, names: tuple[str, ...], factor: float) -> StressCase:
    changed = {name: factor * getattr(scene.profile, name) for name in names}
    return dataclasses.replace(scene, profile=dataclasses.replace(scene.profile, **changed))


def _warmer(scene: StressCase, by_c: float) -> StressCase:
    profile = dataclasses.replace(scene.profile, outdoor_c=scene.profile.outdoor_c + by_c)
    return dataclasses.replace(scene, profile=profile)


def _sourced(scene: StressCase, factor: float) -> StressCase:
    """The source at another voltage; homes without wires do not feel it."""
    if scene.world.feeder is None:
        return scene
    world = dataclasses.replace(scene.world, feeder=with_source(scene.world.feeder, factor))
    return dataclasses.replace(scene, world=world)
