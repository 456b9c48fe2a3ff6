"""How well a shared limit is used: rules, PPO of one agent, planners and a bound, in three scenarios; other sizes.

    python benchmarks/charging.py [--seeds 3] [--rounds 150] [--part main] [--part size] [--write]

Each figure is kept in runs/charging.json as soon as it is there, so that the command can be stopped and goes on;
`--write` makes charging.md of what is there. Seconds are of processor time of this process.
"""

import argparse
import dataclasses
import json
import time
from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from pages.head import head
from pages.table import table

from wattflock.core.scenario import load
from wattflock.core.types import on_device
from wattflock.learn.learner import advance, begin
from wattflock.learn.learners.central import Central
from wattflock.learn.learners.share import Share
from wattflock.report.study_claims import verdict
from wattflock.study.build import build
from wattflock.study.charging import charging_figures
from wattflock.study.charging_bound import reward_bounds
from wattflock.study.charging_plan import asked, foresight, receding, served
from wattflock.study.charging_yardsticks import AHEAD_ROUNDS, HORIZON, ROUNDS
from wattflock.study.forecast import forecast
from wattflock.study.study_file import Claim
from wattflock.study.summary import over_seeds
from wattflock.world.charging_reward import rewarded
from wattflock.world.false_reports import FalseReports, Observer
from wattflock.world.rollout import ZeroPolicy, judge, rollout

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
PLANS = ("one_step", "receding", "foresight")
FACTORS = (1.0, 1.2, 2.0)
COLUMNS = {
    "reward_per_episode": ("reward", 1, 1), "capacity_used_share": ("limit used [%]", 100, 1),
    "fairness": ("fairness", 1, 3), "low_times_per_home": ("falls below / month", 30, 1),
    "low_h_per_home": ("hours below / day", 1, 2), "low_depth_share": ("deepest below [%]", 100, 1),
    "jain": ("Jain", 1, 3), "gini": ("Gini", 1, 3), "least_satisfaction": ("least satisfied [%]", 100, 1),
    "shortfall_kwh_per_home": ("shortfall [kWh/day]", 1, 2),
}  # fmt: skip


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


@eqx.filter_jit
def _asked(world, policy, profile):
    return asked(world, rollout(world, policy, profile, jax.random.key(0), profile.days()), profile)


def main_part(kept: Kept, seeds: int, rounds: int, learned: tuple[str, ...]) -> None:
    """Three scenarios × methods × seeds."""
    for factor in FACTORS:
        case, starts = Case(factor), []
        rules_part(kept, case, RULES)
        for seed in range(seeds):
            for name in learned:
                kept.of(f"{case.name} {name} {seed}", partial(learned_there, case, (name, seed, rounds), starts))
        kept.of(f"{case.name} bound", lambda case=case: list(reward_bounds(case.built.world, case.test)))
        plan_part(kept, case, starts)


def rules_part(kept: Kept, case: Case, names: tuple[str, ...]) -> None:
    """Simple ways to share."""
    for by in names:
        rule = Share(by)
        kept.of(f"{case.name} {by}", partial(case.figures, rule.lives_in(case.world), rule.policy(())))


def learned_there(case: Case, what: tuple[str, int, int], starts: list) -> dict[str, float]:
    """Figures of a learner (name, seed, rounds); its plan is added to `starts`."""
    name, seed, rounds = what
    world, policy, seconds = case.trained(LEARNED[name], seed, rounds)
    starts.append(_asked(world, policy, case.test))
    return case.figures(world, policy) | {"seconds": seconds}


def plan_part(kept: Kept, case: Case, starts: list) -> None:
    """Planners; foresight climbs from the best rule, the other plans and learned ones of this call."""
    world, expected = served(case.world), forecast(case.built.sampler, case.test)
    host = jax.tree.map(np.asarray, case.test)
    best = Share(max(RULES, key=lambda by: kept.found[f"{case.name} {by}"]["reward_per_episode"]))
    starts = [*starts, _asked(best.lives_in(case.world), best.policy(()), case.test)]

    def planned(horizon: int) -> dict[str, float]:
        starts.append(jnp.asarray(receding(case.built.world, host, expected, horizon, AHEAD_ROUNDS)))
        return case.figures(world, ZeroPolicy(), starts[-1])

    def climbed() -> dict[str, float]:
        found, _ = foresight(case.built.world, host, starts, ROUNDS)
        return case.figures(world, ZeroPolicy(), jnp.asarray(found))

    kept.of(f"{case.name} one_step", partial(planned, 1))
    kept.of(f"{case.name} receding", partial(planned, HORIZON))
    kept.of(f"{case.name} foresight", climbed)


def size_part(kept: Kept, rounds: int) -> None:
    """The policy that learned with ten homes, with a hundred and a thousand; beside one that learned there."""
    _, policy, _ = Case(1.2).trained({}, 0, rounds)
    for homes in (100, 1000):
        case = Case(1.2, homes)
        rules_part(kept, case, ("talmud", "equal_losses", "smoothed_laxity"))
        kept.of(f"{case.name} from-10", partial(case.figures, Central().lives_in(case.world), policy))
        settings, fewer = ({"days": 4, "rows": 240}, rounds) if homes == 100 else ({"days": 2, "rows": 48}, rounds // 5)
        kept.of(f"{case.name} there", partial(learned_at, case, settings, fewer))


def learned_at(case: Case, settings: dict, rounds: int) -> dict[str, float]:
    """Figures of a learner with these settings."""
    world, policy, seconds = case.trained(settings, 0, rounds)
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
    parts = [
        head(
            "A shared charging limit: rules, PPO of one agent, planners and a bound",
            "python benchmarks/charging.py --write",
        )
    ]
    for factor in FACTORS:
        parts.append(_scenario(kept.found, factor))
    parts.append(_claims(kept.found))
    return (
        "\n".join(part for part in [*parts, _sizes(kept.found), _liars(kept.found), _pace(kept.found)] if part) + "\n"
    )


def _seeds(found: dict, key: str) -> list[dict]:
    return [found[f"{key} {seed}"] for seed in range(100) if f"{key} {seed}" in found]


def _scenario(found: dict, factor: float) -> str:
    key = f"{factor}x10f3"
    rules = {by: found[f"{key} {by}"]["reward_per_episode"] for by in RULES if f"{key} {by}" in found}
    if not rules:
        return ""
    best = max(rules, key=rules.__getitem__)
    heads = ["method", "seeds", *(label for label, _, _ in COLUMNS.values())]
    lines = []
    for name in (*RULES, *LEARNED, *PLANS):
        each = [found[f"{key} {name}"]] if f"{key} {name}" in found else _seeds(found, f"{key} {name}")
        if each:
            cells = [_cell([scale * one[name] for one in each], digits) for name, (_, scale, digits) in COLUMNS.items()]
            lines.append([name, str(len(each)), *cells])
    top, told = f"## Limit {factor} × mean positive net load\n", _told(found, key, (best, rules[best]))
    return "\n".join([top, table(heads, lines), "", *told]) + "\n"


def _told(found: dict, key: str, rule: tuple[str, float]) -> Iterator[str]:
    """Learners beside the best rule, the best plan and the bound, in words."""
    plan = found.get(f"{key} foresight", {}).get("reward_per_episode")
    yield f"Best rule: {rule[0]}, {rule[1]:.1f}."
    if f"{key} bound" in found:
        yield f"No sharing is rewarded more than {np.mean(found[f'{key} bound']):.1f} (a relaxation)."
    for name in LEARNED:
        some = {seed: each["reward_per_episode"] for seed, each in enumerate(_seeds(found, f"{key} {name}"))}
        if some:
            mean, half = over_seeds(some, dict.fromkeys(some, rule[1]))
            ahead = f"{mean:+.1f}" + (f" ± {half:.1f} (95 %, over seeds)" if half else "")
            share = f"; {100 * np.mean(list(some.values())) / plan:.1f} % of the best plan found" if plan else ""
            of_rule = f"{100 * np.mean(list(some.values())) / rule[1]:.1f} % of it"
            yield f"{name} less the best rule: {ahead}; {of_rule}{share}."


def _cell(values: list[float], digits: int) -> str:
    spread = f" ± {np.std(values, ddof=1):.{digits}f}" if len(values) > 1 else ""
    return f"{np.mean(values):.{digits}f}{spread}"


def _claims(found: dict) -> str:
    """What the paper says of its three limits, against paired differences over seeds."""
    said = [
        ("the reward rises with the limit", "reward_per_episode", "rises"),
        ("fairness rises with the limit: a tight one gives it up", "fairness", "rises"),
        ("less of the limit is used when it is larger", "capacity_used_share", "falls"),
        ("levels are too low for fewer hours when the limit is larger", "low_h_per_home", "falls"),
    ]
    lines = []
    for text, column, way in said:
        for method in ("ppo-paper", "ppo-set"):
            each = [_seeds(found, f"{factor}x10f3 {method}") for factor in FACTORS]
            if all(each):
                values = [{seed: one[column] for seed, one in enumerate(some)} for some in each]
                changes = [over_seeds(after, before) for before, after in pairwise(values)]
                claim = Claim(text=text, quantity="fairness", way=way, rows=("1", "2", "3"), method=method)
                told = "; ".join(f"{mean:+.3g} ± {half or 0:.2g}" for mean, half in changes)
                means = " → ".join(f"{np.mean(list(some.values())):.4g}" for some in values)
                lines.append([text, method, means, told, verdict(claim, changes)])
    heads = ["claim", "method", "limit 1.0 → 1.2 → 2.0", "changes", "here it is"]
    top = "## Claims of the paper\n"
    return f"{top}\n{table(heads, lines)}\n" if lines else ""


def _sizes(found: dict) -> str:
    lines = [
        [
            str(homes),
            name,
            f"{each['reward_per_episode']:.1f}",
            f"{each['fairness']:.3f}",
            f"{each.get('seconds', 0):.0f}",
        ]
        for homes in (100, 1000)
        for name in (*RULES, "from-10", "there")
        if (each := found.get(f"1.2x{homes}f3 {name}"))
    ]
    top = "## Other numbers of homes, limit 1.2\n\n`from-10` learned with ten homes, `there` with as many as there are."
    heads = ["homes", "method", "reward", "fairness", "seconds of learning"]
    return f"{top}\n\n{table(heads, lines)}\n" if lines else ""


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
    parser = argparse.ArgumentParser(description="How well a shared limit is used.")
    parser.add_argument("--seeds", type=int, default=3, help="trainings of each learner")
    parser.add_argument("--rounds", type=int, default=150, help="of eight episodes")
    parser.add_argument("--part", action="append", help="main, size, liars or pace; all by default")
    parser.add_argument("--learner", action="append", help="of these; all by default")
    parser.add_argument("--write", action="store_true", help="write charging.md")
    given, kept = parser.parse_args(), Kept()
    for part in given.part or ("main", "size", "liars", "pace"):
        if part == "main":
            main_part(kept, given.seeds, given.rounds, tuple(given.learner or LEARNED))
        elif part == "size":
            size_part(kept, given.rounds)
        elif part == "liars":
            liars_part(kept)
        elif part == "pace":
            pace_part(kept)
    if given.write:
        (HERE / "charging.md").write_text(page(kept), encoding="utf-8")


if __name__ == "__main__":
    main()
