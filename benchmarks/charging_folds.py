"""The learned policy beside the best of ten rules on every choice of test episodes, limit 1.2.

    python benchmarks/charging_folds.py [--seeds 5] [--rounds 150] [--write]

Each figure is kept in runs/charging.json as soon as it is there; `--write` makes charging_folds.md of what is there.
The rule is the best of ten on these very episodes, which nobody knows beforehand.
"""

import argparse
from functools import partial
from pathlib import Path

import numpy as np
from charging import RULES, Case, Kept, learned_there, rules_part
from pages.head import head
from pages.table import table

from wattflock.study.summary import over_seeds

HERE = Path(__file__).parent
FACTOR, FOLDS, METHOD = 1.2, 5, "ppo-set"


def page(found: dict, seeds: int) -> str:
    """The page of what is there."""
    lines = []
    for fold in range(FOLDS):
        key = f"{FACTOR}x10f{fold}"
        rules = {by: found[f"{key} {by}"]["reward_per_episode"] for by in RULES if f"{key} {by}" in found}
        names = {seed: f"{key} {METHOD} {seed}" for seed in range(seeds)}
        got = {seed: found[name]["reward_per_episode"] for seed, name in names.items() if name in found}
        if rules and len(got) > 1:
            best = max(rules, key=rules.__getitem__)
            more, half = over_seeds(got, dict.fromkeys(got, rules[best]))
            mean, spread = np.mean(list(got.values())), np.std(list(got.values()), ddof=1)
            cells = [str(fold), best, f"{rules[best]:.1f}", str(len(got)), f"{mean:.1f} ± {spread:.1f}"]
            lines.append([*cells, f"{more:+.1f} ± {half:.1f}", f"{100 * mean / rules[best]:.1f}"])
    heads = ["`data.fold`", "best rule", "its reward", "seeds", METHOD, "difference (95 %)", "of the rule [%]"]
    top = head("Other test episodes", "python benchmarks/charging_folds.py --write")
    return f"{top}\n## Each choice of test episodes\n\n{table(heads, lines)}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="The learned policy on every choice of test episodes.")
    parser.add_argument("--seeds", type=int, default=5, help="trainings on each")
    parser.add_argument("--rounds", type=int, default=150, help="of eight episodes")
    parser.add_argument("--write", action="store_true", help="write charging_folds.md")
    given, kept = parser.parse_args(), Kept()
    for fold in range(FOLDS):
        if not given.write:
            case = Case(FACTOR, fold=fold)
            rules_part(kept, case, RULES)
            for seed in range(given.seeds):
                what = (METHOD, seed, given.rounds)
                kept.of(f"{case.name} {METHOD} {seed}", partial(learned_there, case, what))
    if given.write:
        (HERE / "charging_folds.md").write_text(page(kept.found, given.seeds), encoding="utf-8")


if __name__ == "__main__":
    main()
