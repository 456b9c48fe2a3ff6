"""What false and random levels do to a learner of a shared limit, and what helps: observer, robust means, training.

    python benchmarks/charging_trust.py [--rounds 100] [--write]

Each figure is kept in runs/charging_trust.json as soon as it is there; `--write` makes charging_trust.md of what is
there.
"""

import argparse
import json
from functools import partial
from pathlib import Path

import charging
import jax
from charging import Case, Kept
from pages.head import head

from wattflock.core.scenario import load
from wattflock.core.types import on_device
from wattflock.learn.learner import advance, begin
from wattflock.learn.learners.central import Central
from wattflock.study.build import build
from wattflock.study.charging import charging_figures
from wattflock.world.rollout import judge, rollout

HERE = Path(__file__).parent
WHO = {  # learner -> its pool, and what it learned with: reports, share of the homes, watch
    "honest": ("mean", "honest", 0.0, "trust"),
    "with hostile": ("mean", "hostile", 0.3, "trust"),
    "with hostile, observer": ("mean", "hostile", 0.3, "observer"),
    "honest, trimmed": ("trimmed", "honest", 0.0, "trust"),
    "with hostile, trimmed": ("trimmed", "hostile", 0.3, "trust"),
    "with adaptive": ("mean", "adaptive", 0.3, "trust"),
    "with random": ("mean", "random", 0.3, "trust"),
    "honest, median": ("median", "honest", 0.0, "trust"),
}
LIES = [("adaptive", 0.1), ("adaptive", 0.3), ("random", 0.1), ("random", 0.3), ("hostile", 0.1), ("hostile", 0.3)]
WATCHES = ("trust", "observer")


def world_of(kind: str, share: float, watch: str):
    """The world of ten homes, of which some report in this way."""
    sets = ["coordinator.limit.factor=1.2", "data.fold=3", f"coordinator.watch.kind={watch}"]
    sets += [f"coordinator.reports.kind={kind}", f"coordinator.reports.share={share}"]
    return on_device(build(load(Path("fair-charging"), sets)).world, "float32")


def told(case: Case, learner: Central, policy) -> dict:
    """Honest homes' reward, liars' level and false alarms of a policy, by lie, share and watch."""
    found = {}
    for kind, share in LIES:
        for watch in WATCHES:
            found[f"{kind} {share} {watch}"] = figures(learner.lives_in(world_of(kind, share, watch)), policy, case)
        # the same homes, honest: reports that are offset by nothing
        world = learner.lives_in(world_of("offset", share, "trust"))
        liars = world.coordinator.reports.liars
        reports = type(world.coordinator.reports)(liars, 1.0, 0.0)
        coordinator = charging.dataclasses.replace(world.coordinator, reports=reports)
        found[f"honest {share}"] = figures(charging.dataclasses.replace(world, coordinator=coordinator), policy, case)
    return found


def figures(world, policy, case: Case) -> dict[str, float]:
    """Means of the test episodes."""
    return {name: float(value) for name, value in _figures(world, policy, case.test).items()}


@charging.eqx.filter_jit
def _figures(world, policy, profile):
    went = rollout(world, policy, profile, jax.random.key(0), profile.days())
    found = charging_figures(world, judge(world, went, profile))
    wanted = ("reward_per_episode", "honest_reward_per_episode", "liar_level", "false_alarm_share")
    return {name: found[name].mean() for name in wanted if name in found}


def learned(case: Case, name: str, rounds: int) -> dict:
    """A learner after its rounds, judged."""
    pool, *lies = WHO[name]
    learner = Central(pool=pool).lasting(rounds)
    world = learner.lives_in(world_of(*lies))
    progress, _ = advance(begin(learner, world, 0), learner, world, case.built.sampler.train, rounds)
    return told(case, learner, learner.policy(progress.state))


def page(found: dict) -> str:
    """The page of what is there."""
    lines = [
        "## Reward of honest homes, limit 1.2, ten homes, one seed of learning\n",
        "Columns: what is reported when judged, share of the homes; without → with the observer. "
        "In brackets: liars' level, points more than if they were honest.\n",
        row(["learned", *(f"honest ({share:.0%} not counted)" for share in (0.1, 0.3)), *heads()]),
        row(["---"] * (3 + len(LIES))),
    ]
    for name in WHO:
        if name in found:
            one = found[name]
            cells = [f"{one[f'honest {share}']['honest_reward_per_episode']:.0f}" for share in (0.1, 0.3)]
            lines.append(row([name, *cells, *(cell(one, *lie) for lie in LIES)]))
    return "\n".join([head(TITLE, "python benchmarks/charging_trust.py --write"), *lines]) + "\n"


TITLE = "A shared charging limit: false levels in what a learner sees and is paid for"


def heads() -> list[str]:
    return [f"{kind} {share:.0%}" for kind, share in LIES]


def cell(one: dict, kind: str, share: float) -> str:
    """Without → with the observer, and what liars gain."""
    both = [one[f"{kind} {share} {watch}"] for watch in WATCHES]
    level = one[f"honest {share}"]["liar_level"]
    shown = [f"{x['honest_reward_per_episode']:.0f} ({100 * (x['liar_level'] - level):+.0f})" for x in both]
    return " → ".join(shown)


def row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description="False levels in what a learner of a shared limit sees.")
    parser.add_argument("--rounds", type=int, default=100, help="of eight episodes")
    parser.add_argument("--write", action="store_true", help="write charging_trust.md")
    given = parser.parse_args()
    charging.KEPT = Path("runs") / "charging_trust.json"
    kept, case = Kept(), Case(1.2)
    for name in WHO:
        kept.of(name, partial(learned, case, name, given.rounds))
    if given.write:
        (HERE / "charging_trust.md").write_text(page(json.loads(charging.KEPT.read_text())), encoding="utf-8")


if __name__ == "__main__":
    main()
