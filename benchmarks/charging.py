"""A shared charging limit: what liars gain and others lose under simple rules, and how long a learner takes.

    python benchmarks/charging.py [--part liars] [--part pace] [--write]

Rules, learners, planners and a bound side by side are the study `fair-charging`. Each figure is kept in
runs/charging.json as soon as it is there, so that the command can be stopped and goes on; `--write` makes charging.md
of what is there. Seconds are of processor time of this process.
"""

import argparse
import dataclasses
import json
import time
from functools import partial
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
from pages.head import head
from pages.table import table

from wattflock.core.scenario import load
from wattflock.core.types import on_device
from wattflock.learn.learner import advance, begin
from wattflock.learn.learners.central import Central
from wattflock.learn.learners.share import Share
from wattflock.study.build import build
from wattflock.study.charging import charging_figures
from wattflock.world.charging_reward import rewarded
from wattflock.world.false_reports import FalseReports, Observer
from wattflock.world.rollout import judge, rollout

HERE, KEPT = Path(__file__).parent, Path("runs") / "charging.json"
RULES = (
    "equal", "proportional", "water_filling", "equal_losses", "talmud", "weighted", "priority", "round_robin",
    "least_laxity", "smoothed_laxity",
)  # fmt: skip
LEARNED = {
    "ppo-set": {},
    "ppo-set-levels": {"sees": "levels"},
    "ppo-flat": {"network": "flat"},
    "ppo-paper": {"network": "flat", "sees": "levels"},
}
COLUMNS = (
    "reward_per_episode", "capacity_used_share", "fairness", "low_times_per_home", "low_h_per_home", "low_depth_share",
    "jain", "gini", "least_satisfaction", "shortfall_kwh_per_home",
)  # fmt: skip


class Kept:
    """Figures by their names, on disk."""

    def __init__(self):
        self.found = json.loads(KEPT.read_text()) if KEPT.exists() else {}

    def of(self, name: str, make):
        """A figure that is there, or made now."""
        if name not in self.found:
            self.found[name] = make()
            KEPT.parent.mkdir(exist_ok=True)
            KEPT.write_text(json.dumps(self.found))
            print(name, json.dumps(self.found[name])[:100], flush=True)
        return self.found[name]


@dataclasses.dataclass
class Case:
    """A scenario, built: worlds and test episodes."""

    factor: float
    homes: int = 10
    fold: int = 3

    def __post_init__(self):
        sets = [f"coordinator.limit.factor={self.factor}", f"data.fold={self.fold}", f"homes.count={self.homes}"]
        self.built = build(load(Path("fair-charging"), sets))
        self.world = on_device(self.built.world, "float32")
        sampler = self.built.sampler
        self.test = eqx.filter_jit(lambda sampler: sampler.every(jax.random.key(0), "test", 0))(sampler)

    @property
    def name(self) -> str:
        """In keys."""
        return f"{self.factor}x{self.homes}f{self.fold}"

    def figures(self, world, policy, action=None) -> dict[str, float]:
        """Columns of a policy's test episodes."""
        found = _figures(world, policy, self.test, action)
        return {name: float(value) for name, value in found.items()}

    def trained(self, settings: dict, seed: int, rounds: int):
        """A learner's policy, the world that it lives in, and seconds of all rounds but the first tenth."""
        learner = Central(**settings).lasting(rounds)
        world = learner.lives_in(self.world)
        progress, spent = begin(learner, world, seed), []
        for _ in range(10):
            began = time.process_time()
            progress, _ = advance(progress, learner, world, self.built.sampler.train, rounds // 10)
            jax.block_until_ready(progress.done)
            spent.append(time.process_time() - began)
        return world, learner.policy(progress.state), sum(spent[1:]) * 10 / 9


@eqx.filter_jit
def _figures(world, policy, profile, action):
    went = rollout(world, policy, profile, jax.random.key(0), profile.days(), action)
    found = charging_figures(world, judge(world, went, profile))
    return {name: found[name].max() if name == "low_depth_share" else found[name].mean() for name in COLUMNS}


def rules_part(kept: Kept, case: Case, names: tuple[str, ...]) -> None:
    """Simple ways to share."""
    for by in names:
        rule = Share(by)
        kept.of(f"{case.name} {by}", partial(case.figures, rule.lives_in(case.world), rule.policy(())))


def learned_there(case: Case, what: tuple[str, int, int]) -> dict[str, float]:
    """Figures of a learner (name, seed, rounds)."""
    name, seed, rounds = what
    world, policy, seconds = case.trained(LEARNED[name], seed, rounds)
    return case.figures(world, policy) | {"seconds": seconds}


LIES = {"scaled": (0.5, 0.0), "offset": (1.0, 0.3), "adaptive": (0.0, 0.0)}  # kind -> scale and offset of the level
LIED_TO = ("proportional", "equal_losses", "smoothed_laxity", "priority", "water_filling")


def liars_part(kept: Kept) -> None:
    """Honest homes' reward and liars' level against the share of liars, with and without an observer."""
    case = Case(1.2)
    for by in LIED_TO:
        for count in (1, 3):
            for kind in ("honest", *LIES):
                for watched in (False, True):
                    what = f"liars {by} {count} {kind} {'watched' if watched else 'trusted'}"
                    kept.of(what, partial(lied, case, (by, count, kind, watched)))


def lied(case: Case, what: tuple[str, int, str, bool]) -> dict[str, float]:
    """Reward of the homes that do not lie, mean level of those that do, alarms of both."""
    by, count, kind, watched = what
    rule, liars = Share(by), jnp.arange(case.homes) < count
    world = rule.lives_in(case.world)
    reports = None if kind == "honest" else FalseReports(liars, *LIES[kind])
    coordinator = dataclasses.replace(world.coordinator, reports=reports, watch=Observer() if watched else None)
    found = _lied(dataclasses.replace(world, coordinator=coordinator), rule.policy(()), case.test, liars)
    return {name: float(value) for name, value in found.items()}


@eqx.filter_jit
def _lied(world, policy, profile, liars):
    went = rollout(world, policy, profile, jax.random.key(0), profile.days())
    found = judge(world, went, profile).charging
    honest = jnp.broadcast_to(~liars, found.level.shape)
    reward = rewarded(world.coordinator.reward, found.level, honest, found.granted_kw.sum(-1), found.limit_kw)
    kept = went.state["coordinator"]
    alarm = kept["alarm"]["reserve"] if "alarm" in kept else jnp.zeros_like(found.level)
    return {
        "reward": reward.total.sum(1).mean(),
        "level": found.level.mean(where=~honest),
        "false": alarm.mean(where=honest),
        "caught": alarm.mean(where=~honest),
    }


def pace_part(kept: Kept) -> None:
    """Seconds of 600 episodes of ten homes."""
    for name, settings in LEARNED.items():
        kept.of(f"pace {name}", lambda settings=settings: Case(1.2).trained(settings, 0, 80)[2] * 600 / 640)


def page(kept: Kept) -> str:
    """The page of what is there."""
    top = head(
        "A shared charging limit: false reports, and seconds of learning", "python benchmarks/charging.py --write"
    )
    return "\n".join(part for part in (top, _liars(kept.found), _pace(kept.found)) if part) + "\n"


def _pace(found: dict) -> str:
    lines = [[name, f"{found[f'pace {name}']:.1f}"] for name in LEARNED if f"pace {name}" in found]
    top = "## Seconds of processor time of 600 episodes of 720 hours, ten homes, compilation left out\n"
    return f"{top}\n{table(['network', 'seconds'], lines)}\n" if lines else ""


def _liars(found: dict) -> str:
    lines = []
    for by in LIED_TO:
        for count in (1, 3):
            for kind in LIES:
                key = f"liars {by} {count}"
                if f"{key} {kind} watched" in found:
                    honest, *both = (
                        found[f"{key} {each}"] for each in ("honest trusted", f"{kind} trusted", f"{kind} watched")
                    )
                    lost = [f"{100 * (1 - each['reward'] / honest['reward']):.2f}" for each in both]
                    gained = [f"{100 * (each['level'] - honest['level']):+.1f}" for each in both]
                    alarms = [f"{100 * both[1][name]:.2f}" for name in ("false", "caught")]
                    lines.append([by, f"{10 * count} %", kind, *lost, *gained, *alarms])
    heads = [
        "way to share", "liars", "lie", "honest homes lose [%]", "with the observer", "liars' level gains [points]",
        "with the observer", "false alarms [%]", "alarms at liars [%]",
    ]  # fmt: skip
    top = "## False reports, limit 1.2\n"
    return f"{top}\n{table(heads, lines)}\n" if lines else ""


def main() -> None:
    parser = argparse.ArgumentParser(description="What liars gain at a shared limit, and how long a learner takes.")
    parser.add_argument("--part", action="append", choices=("liars", "pace"), help="only this one; can be repeated")
    parser.add_argument("--write", action="store_true", help="write charging.md")
    given, kept = parser.parse_args(), Kept()
    for part in given.part or ("liars", "pace"):
        liars_part(kept) if part == "liars" else pace_part(kept)
    if given.write:
        (HERE / "charging.md").write_text(page(kept), encoding="utf-8")


if __name__ == "__main__":
    main()
