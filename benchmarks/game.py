"""How fast coalitions of homes are valued and savings shared.

python benchmarks/game.py [part ...]            # prints the tables
python benchmarks/game.py [part ...] --write    # also keeps them in benchmarks/game.md

A part is a function that gives its table; another one needs a line in `PARTS` and its two marks on the page. Processes
of the pool import this file: what needs JAX is imported where it is used.
"""

import argparse
import dataclasses
import os
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pages.head import renewed
from scipy import sparse
from scipy.optimize import linprog

from wattflock.game.chunks import Runner
from wattflock.game.game import coalitions
from wattflock.homes.program import Program
from wattflock.study.parallel import pool

if TYPE_CHECKING:
    from wattflock.game.values import Flock

WORKERS = 2
FRESH = 96  # coalitions, drawn at random, whose programs are built one by one
BARS = {"values": "≤ 40 s", "owen": "≤ 20 s", "times": "≥ 12"}


def homes(count: int) -> "Flock":
    """A test day of half-hours of the seven portfolios."""
    from wattflock.core.scenario import bundled, load
    from wattflock.game.values import flock

    scenario = load(bundled()["portfolios"], [f"homes.count={count}", "data.dt_h=0.5", "feeder.part=none"])
    return flock(scenario, 1, runner=Runner(pool(WORKERS)))


def busy() -> str:
    """How much else the machine does, in words: seconds by the clock are more than they would be on idle cores."""
    return f"; load of the machine before {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """The result, seconds by the clock, and core-seconds of this process and of those that it started."""

    def cores() -> float:
        used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return sum(each.ru_utime + each.ru_stime for each in used)

    began, before = time.perf_counter(), cores()
    result = work()
    return result, time.perf_counter() - began, cores() - before


def afresh(flock: "Flock", members: np.ndarray) -> Program:
    """The program of a coalition's day, from the plans of its members' devices and their pooled bill."""
    import jax

    from wattflock.game.days import at
    from wattflock.market.markets.mid_market import MidMarket
    from wattflock.study.lp import draft

    who, day = np.flatnonzero(members), at(flock.profile, 0)
    fleet, state = jax.tree.map(lambda x: x[who] if np.ndim(x) else x, (flock.fleet, flock.state[0]))
    day = dataclasses.replace(day, **{name: value[..., who] for name, value in day.own().items()})
    pooled = MidMarket(export_share=flock.market.export_share)  # bills its homes as one
    return draft(fleet, day, state, pooled.plan).program


def solved(program: Program) -> float:
    """Its optimum by scipy's linprog."""
    from wattflock.study.lp import coefficients

    cost, lower, upper = (np.concatenate(each) for each in (program.cost, program.lower, program.upper))
    low, high = (np.concatenate(each) for each in (program.row_lower, program.row_upper))
    equal, rows = low == high, coefficients(program).tocsr()
    above, below = (np.isfinite(side) & ~equal for side in (low, high))
    less, most = sparse.vstack([-rows[above], rows[below]]), np.concatenate([-low[above], high[below]])
    return float(linprog(cost, less, most, rows[equal], low[equal], np.stack([lower, upper], 1), "highs").fun)


def of_values() -> list[tuple[str, ...]]:
    """All coalitions of 14 homes beside programs made afresh."""
    flock, load = homes(14), busy()
    every, members = timed(lambda: flock.game()), coalitions(14)
    some = np.random.default_rng(0).choice(np.arange(1, 2**14), FRESH, replace=False)
    programs, _, making = timed(lambda: [afresh(flock, members[mask]) for mask in some])
    fresh, _, solving = timed(lambda: np.array([solved(program) for program in programs]))
    worth = members[some] @ flock.alone - fresh
    apart = float(abs(worth - every[0].worth[some]).max() / every[0].total)
    each, made, alone = every[2] / 2**14, (making + solving) / FRESH, solving / FRESH
    return [
        ("14 homes × 48 half-hours", "clock [s]", "core-seconds", "bar"),
        (f"16,384 values, {WORKERS} processes{load}", f"{every[1]:.1f}", f"{every[2]:.1f}", BARS["values"]),
        ("a value [ms]", "", f"{1000 * each:.2f}", ""),
        (f"its program made afresh, mean of {FRESH} [ms]", "", f"{1000 * made:.1f}", ""),
        ("of that, scipy's linprog [ms]", "", f"{1000 * alone:.1f}", ""),
        ("times faster than a program made afresh", "", f"{made / each:.0f}", BARS["times"]),
        ("times faster than linprog alone", "", f"{alone / each:.0f}", ""),
        ("largest difference, relative to the saving of all", "", f"{apart:.0e}", "≤ 1e-7"),
    ]


def of_owen() -> list[tuple[str, ...]]:
    """Owen's point of 1,000 homes."""
    from wattflock.game.owen import owen

    flock, load = homes(1000), busy()
    found = timed(lambda: owen(flock))
    saving = found[0].payoff.sum()
    return [
        ("1,000 homes × 48 half-hours", "clock [s]", "core-seconds", "bar"),
        (f"Owen's point{load}", f"{found[1]:.1f}", f"{found[2]:.1f}", BARS["owen"]),
        ("objective less its dual, relative to the saving", "", f"{abs(found[0].gap) / saving:.0e}", "≤ 1e-6"),
        ("saving of all, per home and day [currency]", "", f"{saving / 1000:.2f}", ""),
    ]


def of_complaints() -> list[tuple[str, ...]]:
    """The bracket of the largest excess of equal shares."""
    from wattflock.game.separation import complaint

    rows: list[tuple[str, ...]] = [("largest excess of equal shares", "found", "at most", "core-seconds")]
    for count in (20, 40, 100):
        flock = homes(count)
        saving = flock.alone.sum() - flock.grand.cost
        (lower, upper, _), _, used = timed(lambda f=flock, s=saving: complaint(f, np.full(f.players, s / f.players)))
        shares = (f"{100 * each / saving:.2f} % of the saving" for each in (lower, upper))
        rows.append((f"{count} homes × 48 half-hours", *shares, f"{used:.1f}"))
    return rows


PARTS = {"values": of_values, "owen": of_owen, "complaints": of_complaints}


def keep(name: str, text: str) -> None:
    """Puts a table in its place on the page."""
    page = Path(__file__).with_suffix(".md")
    before, mark, tail = renewed(page.read_text()).partition(f"<!-- {name} -->\n")
    page.write_text(before + mark + text + "\n" + tail[tail.index("<!-- end") :])


def main() -> None:
    """Measures the parts that are asked for, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=", ".join(PARTS))
    parser.add_argument("--write", action="store_true", help="keep the tables in benchmarks/game.md")
    asked = parser.parse_args()
    if unknown := [name for name in asked.parts if name not in PARTS]:
        parser.error(f"no such part: {', '.join(unknown)}")
    for name in asked.parts or PARTS:
        first, *rest = PARTS[name]()
        text = "\n".join(
            "| " + " | ".join(row) + " |" for row in (first, ("---", *("---:",) * (len(first) - 1)), *rest)
        )
        print(text, flush=True)
        if asked.write:
            keep(name, text)


if __name__ == "__main__":
    main()
