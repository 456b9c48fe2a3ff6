"""How long a year of a community takes to settle: 1,000 homes, 365 days of half-hours, in float64.

python benchmarks/settle.py            # prints the table
python benchmarks/settle.py --write    # also writes benchmarks/settle.md
"""

import argparse
import dataclasses
import time
from pathlib import Path

import numpy as np
from pages.head import head

from wattflock.core import compile_cache
from wattflock.market.markets.auction import Auction
from wattflock.market.markets.mid_market import MidMarket
from wattflock.market.markets.tariff import Tariff
from wattflock.study.metered import Metered
from wattflock.study.settlement import ITEMS, settled, sums

HOMES, DAYS, STEPS, REPEATS = 1000, 365, 48, 4
TITLE = "How long a year takes to settle"
MARKETS = {
    "`mid_market`": MidMarket(export_share=0.3),
    "`mid_market`, all charges": MidMarket(
        export_share=0.3, wheeling_per_kwh=0.02, peak_per_kwh=0.1, standing_per_day=0.4, demand_per_kw_day=0.1
    ),
    "`tariff`": Tariff(export_share=0.3),
    "`auction`": Auction(export_share=0.3),
    "`auction`, bids by chance": Auction(export_share=0.3),
}


def year() -> Metered:
    """Homes by chance, half of which have a panel, at prices that follow the hour."""
    random, hour = np.random.default_rng(0), np.arange(STEPS) / 2
    sun = 2 * np.maximum(np.sin(np.pi * (hour - 6) / 12), 0)[None, :, None] * (np.arange(HOMES) % 2)
    net = random.exponential(0.25, (DAYS, STEPS, HOMES)) - sun * random.uniform(0, 1, (DAYS, 1, 1))
    price = np.broadcast_to(0.3 + 0.1 * np.sin(np.pi * hour / 12), (DAYS, STEPS)).copy()
    names = tuple(map(str, range(HOMES)))
    return Metered(names, net, price, price, np.full((DAYS, STEPS), 0.5), "EUR")


def measured(market, read: Metered) -> tuple[float, float, float, float]:
    """Seconds of the first call and of the best one, processor seconds of that, and how far money is off."""
    took = []
    for _ in range(REPEATS):
        began, worked = time.perf_counter(), time.process_time()
        found, margin, grid = sums(market, read)
        took.append((time.perf_counter() - began, time.process_time() - worked))
    bills = sum(found[name].sum() for name in ITEMS)
    return took[0][0], *min(took), abs(bills + margin - grid) / abs(grid)


def main() -> None:
    """Measures every market and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write benchmarks/settle.md")
    write = parser.parse_args().write
    compile_cache.enable()
    read = year()
    bids = np.random.default_rng(1).uniform(0.05, 0.4, read.net_kwh.shape)
    lines = [
        "| market | first call [s] | best [s] | processor [s] | home-steps per second | off [share] |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, market in MARKETS.items():
        told = dataclasses.replace(read, bid_per_kwh=bids) if name.endswith("chance") else read
        first, best, worked, off = measured(market, told)
        speed = read.net_kwh.size / best
        lines.append(f"| {name} | {first:.2f} | {best:.2f} | {worked:.2f} | {speed:,.0f} | {off:.0e} |")
    found = settled(read, {"mid_market": MARKETS["`mid_market`"]}, MARKETS["`tariff`"])[0].totals
    lines.append(
        f"\nAt the mid-market rate {found['pay_less']:,} homes pay less than by themselves, {found['pay_more']:,} more."
    )
    text = "\n".join(lines)
    print(text)
    if write:
        about = (
            f"{HOMES:,} homes, {DAYS} days of {STEPS} half-hours, {read.net_kwh.size:,} home-steps in float64 after "
            "loading: items, bills and energies of every home, margin and the grid's bill. The first call compiles, or "
            "reads what an earlier process compiled; `off` is how far bills + margin are from the grid's bill."
        )
        Path(__file__).with_suffix(".md").write_text(f"{head(TITLE)}{about}\n\n{text}\n")


if __name__ == "__main__":
    main()
