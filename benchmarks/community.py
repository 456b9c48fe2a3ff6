"""A community at the mid-market rate: learned control beside the pooled optimum, and homes on tariffs of their own.

    python benchmarks/community.py [--small]

Writes community.md.
"""

import argparse
from pathlib import Path

from pages.compared import sections
from pages.head import head

import wattflock as wf

ABOUT = """\
Thirty homes of the scenario `portfolios` without wires, exports paid at 30 % of the import price. In the first table
they trade at the mid-market rate, and the optimum is that of their pooled bill; in the second each has a tariff of its
own. Learners descend the sum of all bills: they cooperate."""
HOMES = {
    "homes.count": 30, "homes.homes_per_agent": 1, "feeder.part": "none", "learn.rounds": 1000,
    "judge.methods": ["idle", "rules", "timer", "gradmap"],
}  # fmt: skip
SMALL = {"homes.count": 6, "learn.rounds": 4, "judge.test_days": 2, "judge.bound_days": 1}
MARKETS = {"Mid-market rate": "mid_market", "Each home on its own tariff": "tariff"}


def main() -> None:
    parser = argparse.ArgumentParser(description="A community at the mid-market rate.")
    parser.add_argument("--small", action="store_true", help="few homes and rounds, nothing is written")
    small = parser.parse_args().small
    page = [head("A community at the mid-market rate"), f"{ABOUT}\n\n"]
    for title, market in MARKETS.items():
        own = {"market.part": market, "market.settings": {"export_share": 0.3}}
        found = wf.compare(wf.load("portfolios", changes=HOMES | own | (SMALL if small else {})))
        page += sections(title, found.summary)
    print("".join(page))
    if not small:
        Path(__file__).with_suffix(".md").write_text("".join(page).rstrip() + "\n")


if __name__ == "__main__":
    main()
