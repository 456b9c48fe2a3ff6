"""The policy of ten homes with a hundred and a thousand, beside one that went on learning there, and simple rules.

    python benchmarks/charging_sizes.py [--write]

Each figure is kept in runs/charging_sizes.json as soon as it is there; `--write` makes charging_sizes.md of what is
there. From nothing it learns too slowly with so many homes for this machine (an advantage for a hundred actions is
mostly noise): the fair comparison is the one that goes on from the policy of ten homes.
"""

import argparse
import dataclasses
from functools import partial
from pathlib import Path

import charging
import jax
import jax.numpy as jnp
from charging import Case, Kept, rules_part
from pages.head import head
from pages.table import table

from wattflock.learn.learner import Progress, advance, begin
from wattflock.learn.learners.central import Central

HERE = Path(__file__).parent
TEN_ROUNDS = 150
THERE = {  # homes -> how it goes on learning there, and for how many rounds
    100: ({"days": 4, "rows": 240, "rate": 5e-4, "critic_rate": 1e-3}, 100),
    1000: ({"days": 2, "rows": 48, "rate": 5e-4, "critic_rate": 1e-3}, 20),
}
RULES = ("equal_losses", "smoothed_laxity", "talmud")  # of simple ways to share, those that do best here
NAMES = {
    "from-10": "learned with ten homes",
    "went on": "the same, and then with as many homes as there are",
}


def of_ten() -> Progress:
    """A learner of ten homes after its rounds, in scenario 2."""
    case, learner = Case(1.2), Central().lasting(TEN_ROUNDS)
    world = learner.lives_in(case.world)
    return advance(begin(learner, world, 0), learner, world, case.built.sampler.train, TEN_ROUNDS)[0]


def there(homes: int, rounds: int, ten: Progress) -> dict[str, float]:
    """Figures of the learner of ten homes in a world of so many after so many rounds there."""
    case, learner = Case(1.2, homes), Central(**THERE[homes][0]).lasting(max(rounds, 1))
    world = learner.lives_in(case.world)
    progress = begin(learner, world, 0)
    nets, mean = (jax.tree.map(widened, *each) for each in zip(parts(ten), parts(progress), strict=True))
    progress = dataclasses.replace(progress, state=dataclasses.replace(progress.state, nets=nets, mean=mean))
    if rounds:
        progress, _ = advance(progress, learner, world, case.built.sampler.train, rounds)
    return case.figures(world, learner.policy(progress.state))


def parts(progress: Progress) -> tuple:
    """What does not depend on the number of homes but for the noise of actions."""
    return progress.state.nets, progress.state.mean


def widened(x, like):
    """Weights as they are; the noise of every action the mean of that of ten homes."""
    return x if x.shape == like.shape else jnp.broadcast_to(x.mean(), like.shape)


def page(found: dict) -> str:
    """The page of what is there."""
    lines = []
    for homes in THERE:
        best = found.get(f"{homes} went on", {}).get("reward_per_episode")
        for by in RULES:
            if each := found.get(f"1.2x{homes}f3 {by}"):
                lines.append([str(homes), by, f"{each['reward_per_episode']:.1f}", ""])
        for name, told in NAMES.items():
            if each := found.get(f"{homes} {name}"):
                reward = each["reward_per_episode"]
                share = f"{100 * reward / best:.1f}" if best else ""
                lines.append([str(homes), told, f"{reward:.1f}", share])
    top = head("The policy of ten homes with more homes", "python benchmarks/charging_sizes.py --write")
    heads = ["homes", "method", "reward", "of that which went on [%]"]
    return f"{top}\n## The same policy in place, limit 1.2\n\n{table(heads, lines)}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="The policy of ten homes with more homes.")
    parser.add_argument("--write", action="store_true", help="write charging_sizes.md")
    given = parser.parse_args()
    charging.KEPT = Path("runs") / "charging_sizes.json"
    kept = Kept()
    if not given.write:
        ten = of_ten()
        for homes, (_, rounds) in THERE.items():
            rules_part(kept, Case(1.2, homes), RULES)
            kept.of(f"{homes} from-10", partial(there, homes, 0, ten))
            kept.of(f"{homes} went on", partial(there, homes, rounds, ten))
    else:
        (HERE / "charging_sizes.md").write_text(page(kept.found), encoding="utf-8")


if __name__ == "__main__":
    main()
