"""What false and random levels do to a learner of a shared limit, and what helps: observer, robust means, training.

    python benchmarks/charging_trust.py [--rounds 100] [--write]

Each figure is kept in runs/charging_trust.json as soon as it is there; `--write` makes charging_trust.md of what is
there, and charging_trust.png of it and of the rules in charging.md.
"""

import argparse
from functools import partial
from pathlib import Path

import altair as alt
import charging
import jax
import polars as pl
from charging import Case, Kept
from pages.head import head
from pages.table import table

from wattflock.core.scenario import load
from wattflock.core.types import on_device
from wattflock.learn.learner import advance, begin
from wattflock.learn.learners.central import Central
from wattflock.report.theme import BLUE, ORANGE, save, themed
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
ALL, SOME = "all is believed", "what meters allow is believed"


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
    about = (
        "## Reward of honest homes, limit 1.2, ten homes, one seed of learning\n\n"
        "Columns: what is reported when judged, share of the homes; without → with the observer. "
        "In brackets: liars' level, points more than if they were honest.\n"
    )
    lines = []
    for name in WHO:
        if name in found:
            one = found[name]
            cells = [f"{one['honest 0.1']['reward_per_episode']:.0f}"]
            cells += [f"{one[f'honest {share}']['honest_reward_per_episode']:.0f}" for share in (0.1, 0.3)]
            lines.append([name, *cells, *(cell(one, *lie) for lie in LIES)])
    columns = ["learned", "all homes, honest", *(f"honest, {share:.0%} not counted" for share in (0.1, 0.3)), *heads()]
    return "\n".join([head(TITLE, "python benchmarks/charging_trust.py --write"), about, table(columns, lines)]) + "\n"


TITLE = "A shared charging limit: false levels in what a learner sees and is paid for"


def of_rules() -> list[dict]:
    """What adaptive liars take, from the table of rules in charging.md."""
    text = (HERE / "charging.md").read_text(encoding="utf-8").split("## False reports")[1].split("\n## ")[0]
    cells = [[each.strip() for each in line.split("|")[1:-1]] for line in text.splitlines() if "| adaptive |" in line]
    return [
        {
            "method": one[0],
            "liars": f"{one[1]} adaptive liars",
            "believed": watch,
            "lost": float(lost),
            "gain": float(gain),
        }
        for one in cells
        for watch, lost, gain in ((ALL, one[3], one[5]), (SOME, one[4], one[6]))
    ]


def of_learner(one: dict) -> list[dict]:
    """The same of the learner that learned with honest homes."""
    found = []
    for share in (0.1, 0.3):
        honest = one[f"honest {share}"]
        for watch, told in zip(WATCHES, (ALL, SOME), strict=True):
            each = one[f"adaptive {share} {watch}"]
            lost = 100 * (1 - each["honest_reward_per_episode"] / honest["honest_reward_per_episode"])
            gain = 100 * (each["liar_level"] - honest["liar_level"])
            found.append(
                {"method": "ppo-set", "liars": f"{share:.0%} adaptive liars".replace("%", " %"), "believed": told}
            )
            found[-1] |= {"lost": lost, "gain": gain}
    return found


def picture(found: dict):
    """What honest homes lose and liars gain, by method, with and without the observer."""
    table = pl.DataFrame([*of_rules(), *(of_learner(found["honest"]) if "honest" in found else [])])
    order = table["method"].unique(maintain_order=True).to_list()
    colour = alt.Color("believed:N", title=None, scale=alt.Scale(domain=[ALL, SOME], range=[ORANGE, BLUE]))
    panels = [
        alt.Chart(table.filter(pl.col("liars") == liars), title=liars)
        .mark_bar()
        .encode(
            x=alt.X(f"{name}:Q", title=title),
            y=alt.Y("method:N", sort=order, title=None),
            yOffset=alt.YOffset("believed:N", sort=[ALL, SOME]),
            color=colour,
        )
        .properties(width=250, height=alt.Step(11))
        for name, title in (("lost", "reward that honest homes lose [%]"), ("gain", "liars' level gains [points]"))
        for liars in table["liars"].unique(maintain_order=True)
    ]
    chart = alt.concat(*panels, columns=2)
    return themed(
        chart, "What honest homes lose and adaptive liars gain, by way to share, with and without an observer."
    )


def heads() -> list[str]:
    return [f"{kind} {share:.0%}" for kind, share in LIES]


def cell(one: dict, kind: str, share: float) -> str:
    """Without → with the observer, and what liars gain."""
    both = [one[f"{kind} {share} {watch}"] for watch in WATCHES]
    level = one[f"honest {share}"]["liar_level"]
    shown = [f"{x['honest_reward_per_episode']:.0f} ({100 * (x['liar_level'] - level):+.0f})" for x in both]
    return " → ".join(shown)


def main() -> None:
    parser = argparse.ArgumentParser(description="False levels in what a learner of a shared limit sees.")
    parser.add_argument("--rounds", type=int, default=100, help="of eight episodes")
    parser.add_argument("--write", action="store_true", help="write charging_trust.md")
    given = parser.parse_args()
    charging.KEPT = Path("runs") / "charging_trust.json"
    kept = Kept()
    if given.write:
        (HERE / "charging_trust.md").write_text(page(kept.found), encoding="utf-8")
        save(picture(kept.found), HERE / "charging_trust.png")
        return
    case = Case(1.2)
    for name in WHO:
        kept.of(name, partial(learned, case, name, given.rounds))


if __name__ == "__main__":
    main()
