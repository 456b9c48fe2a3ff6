"""Marks of a race → seconds to each bar, figures at the end with paired intervals over seeds, and curves."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import polars as pl

from wattflock.study.summary import over_seeds

Mark = dict[str, float]
Bar = Callable[[Mark], bool]
Seconds = dict[int, float]  # seed → seconds; inf is never
FIRST = "gradmap"  # whom the others are held against
BARS: dict[str, Bar] = {
    "80 % captured, violation ≤ 1 %": lambda m: m["captured"] >= 0.80 and m["violation"] <= 0.01,
    "85 % captured, violation ≤ 0.5 %": lambda m: m["captured"] >= 0.85 and m["violation"] <= 0.005,
}
ALL_DAYS = {  # column of the marks: heading, factor, decimals
    "J": ("J", 1, 3),
    "saving": ("saving [per home and day]", 1, 3),
    "violation": ("violation [% of idle]", 100, 2),
    "violation_pu_h": ("violation [mpu·h/day]", 1000, 4),
    "steps": ("violated node-steps [%]", 100, 4),
    "days": ("violated days [%]", 100, 1),
    "worst": ("worst excess [mpu]", 1000, 2),
}
BOUND_DAYS = {"captured": ("captured [%]", 100, 1), "bound_violation_pu_h": ("violation [mpu·h/day]", 1000, 4)}
COLOURS = ("#0072b2", "#56b4e9", "#d55e00", "#e69f00", "#009e73", "#cc79a7", "#000000", "#004a73",
           "#7f7f7f", "#b5a300", "#8c564b", "#6f4fa2", "#ff9da7")  # fmt: skip


def hits(marks: list[Mark], reached: Bar) -> tuple[float, float]:
    """Seconds of the first mark that reaches a bar, and of the first from which on all do; inf for never."""
    good = [reached(mark) for mark in marks]
    first = next((m["seconds"] for m, ok in zip(marks, good, strict=True) if ok), np.inf)
    last_bad = max((k for k, ok in enumerate(good) if not ok), default=-1)
    sustained = marks[last_bad + 1]["seconds"] if last_bad + 1 < len(marks) else np.inf
    return first, sustained


def levels(marks: pl.DataFrame) -> dict[str, Bar]:
    """Two levels of J: what the worst run of `through` reaches, and 3 % above it; none where it did not race."""
    rows = marks.filter(pl.col("method") == "through").group_by("seed").agg(pl.col("J").min())
    if not len(rows):
        return {}
    end = float(rows["J"].to_numpy().max())
    return {f"J ≤ {level:.2f}": (lambda m, level=level: m["J"] <= level)
            for level in (round(1.03 * end, 2), round(end + 0.005, 2))}  # fmt: skip


def factor(mine: Seconds, theirs: Seconds) -> str:
    """How many times as long: the mean over seeds of the logarithm of the ratio, with its 95 % interval.

    Where a seed of either never reached the bar there is no mean; then how many of both did, mine and theirs.
    """
    shared = sorted(mine.keys() & theirs.keys())
    never = [[seed for seed in shared if np.isinf(each[seed])] for each in (mine, theirs)]
    if any(never):
        return " and ".join(f"{len(shared) - len(each)} of {len(shared)}" for each in never)
    if not shared or min(min(each[seed] for seed in shared) for each in (mine, theirs)) <= 0:
        return "–"  # nothing was learned
    mean, half = over_seeds(*({seed: float(np.log(each[seed])) for seed in shared} for each in (mine, theirs)))
    middle, wide = float(np.exp(mean or 0.0)), float(np.exp(half or 0.0))
    return f"{middle:.2f}" if half is None else f"{middle:.2f} ({middle / wide:.2f} to {middle * wide:.2f})"


def table(marks: pl.DataFrame) -> str:
    """Bars, then the last marks: on all test days, and on the days with a bound."""
    runs = {key: part.to_dicts() for key, part in marks.partition_by("method", "seed", as_dict=True).items()}
    parts = [_bars(runs, BARS | levels(marks)), _ends(runs, "at the end, all test days", ALL_DAYS)]
    return "\n\n".join([*parts, _ends(runs, "at the end, days with a bound", BOUND_DAYS)])


def _bars(runs: dict, bars: dict[str, Bar]) -> str:
    lines = [f"| bar | method | first [s] | from then on [s] | first / {FIRST} | from then on / {FIRST} |"]
    lines.append("|---|---|---|---|---|---|")
    for bar, reached in bars.items():
        found = {key: hits(run, reached) for key, run in runs.items()}
        for method in _methods(runs):
            mine, theirs = ([{seed: times[kind] for (name, seed), times in found.items() if name == who}
                             for kind in (0, 1)] for who in (method, FIRST))  # fmt: skip
            cells = [", ".join(map(say, each.values())) for each in mine]
            cells += [factor(*pair) if method != FIRST else "" for pair in zip(mine, theirs, strict=True)]
            lines.append(f"| {bar} | {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _ends(runs: dict, title: str, columns: Mapping[str, tuple[str, float, int]]) -> str:
    """Mean over seeds; in brackets the paired difference from gradmap on the same seeds, with its interval."""
    lines = [f"| {title} | " + " | ".join(name for name, *_ in columns.values()) + " |"]
    lines.append("|---|" + "---:|" * len(columns))
    for method in _methods(runs):
        cells = []
        for column, (_, scale, digits) in columns.items():
            mine, theirs = ({seed: scale * run[-1][column] for (name, seed), run in runs.items() if name == who}
                            for who in (method, FIRST))  # fmt: skip
            cells.append(f"{np.mean(list(mine.values())):.{digits}f}")
            mean, half = over_seeds(mine, theirs)
            if method != FIRST and mean is not None:
                cells[-1] += f" ({mean:+.{digits}f}{'' if half is None else f' ± {half:.{digits}f}'})"
        lines.append(f"| {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _methods(runs: dict) -> list[str]:
    return list(dict.fromkeys(method for method, _ in runs))


def say(seconds: float) -> str:
    """Seconds with two digits, or never."""
    return "never" if np.isinf(seconds) else f"{seconds:.0f}" if seconds >= 10 else f"{seconds:.2g}"


def draw(marks: pl.DataFrame, path: Path) -> None:
    """Curves of all runs: share captured, violation and J against seconds."""
    import altair as alt

    from wattflock.report.theme import save, themed

    marks = marks.filter(pl.col("seconds") > 0)
    least = float(marks["J"].to_numpy().min())
    shown = {
        "captured": ("saving captured [%]", 100, (30, 100), "linear"),
        "violation": ("violation [% of uncontrolled]", 100, (0.02, 100), "log"),
        "J": ("objective J [USD per home and day]", 1, (least - 0.05, least + 0.8), "linear"),
    }
    names = marks["method"].unique(maintain_order=True).to_list()
    colour = alt.Color("method:N", title=None, scale=alt.Scale(domain=names, range=list(COLOURS[: len(names)])))
    x = alt.X("seconds:Q", title="training [s]", scale=alt.Scale(type="log", nice=False))
    panels = [
        alt.Chart(marks.select("method", "seed", "seconds", pl.col(column) * times))
        .mark_line(clip=True, strokeWidth=1)
        .encode(
            x=x,
            y=alt.Y(f"{column}:Q", title=title, scale=alt.Scale(type=scale, domain=limits)),
            color=colour,
            detail="seed:N",
        )
        .properties(width=280, height=260)
        for column, (title, times, limits, scale) in shown.items()
    ]
    save(themed(alt.hconcat(*panels), "Curves of all runs against seconds of training."), path)
