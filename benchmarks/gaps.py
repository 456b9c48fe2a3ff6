"""Gap filling measured as HEDGE's authors do: 1 % of the readings hidden, then the error of what is put there.

    python benchmarks/gaps.py [--data ../shared/data] [--write]

`--write` keeps the table in benchmarks/gaps.md. The measured sets are read from the folder that the user gives;
California's sun is bundled. Beside our own: the method that Charbonnier et al. (Applied Energy 314 (2022) 118825;
MethodsX 12 (2024) 102618) describe, written anew from their description, and a straight line.
"""

import argparse
from pathlib import Path

import numpy as np
from pages.head import renewed

from wattflock.data.clean import clean, fill
from wattflock.data.home_days import HomeDays
from wattflock.sources.ausgrid import Ausgrid
from wattflock.sources.california import California
from wattflock.sources.london import London

ROOT = Path(__file__).resolve().parents[1]
SHARE, SEEDS = 0.01, range(5)
HEDGE = {"load": (0.08, 0.81), "PV": (0.13, 1.09)}
HEDGE_DAY_KWH = {"load": 6.1}  # mean of their homes; that of their panels is not told


def hourly_kwh(flock: HomeDays, column: str) -> np.ndarray:
    """(homes, hours) energy of each hour [kWh]; a home without such readings is left out."""
    values = getattr(flock.hourly(), column)
    flat = values.reshape(len(values), -1).astype(float)
    return flat[np.isfinite(flat).mean(1) > 0.5]


def line(values: np.ndarray) -> np.ndarray:
    """A straight line across every gap."""
    filled = values.copy()
    for row in filled:
        known = np.flatnonzero(np.isfinite(row))
        missing = np.flatnonzero(np.isnan(row))
        row[missing] = np.interp(missing, known, row[known])
    return filled


def best_of_four(values: np.ndarray, steps: int) -> np.ndarray:
    """The value a day or a week before or after whose two neighbours differ least, squared, from those here."""
    filled = values.copy()
    home, at = np.nonzero(np.isnan(values))
    own = [_value(values, home, at + edge) for edge in (-1, 1)]
    nearest, found = np.full(len(at), np.inf), line(values)[home, at]
    for shift in (-steps, steps, -7 * steps, 7 * steps):
        other = [_value(values, home, at + shift + edge) for edge in (-1, 1)]
        far = sum((one - two) ** 2 for one, two in zip(own, other, strict=True))
        value = _value(values, home, at + shift)
        better = np.isfinite(value) & (far < nearest)
        nearest, found = np.where(better, far, nearest), np.where(better, value, found)
    filled[home, at] = found
    return filled


def _value(values: np.ndarray, home: np.ndarray, at: np.ndarray) -> np.ndarray:
    inside = (at >= 0) & (at < values.shape[1])
    return np.where(inside, values[home, np.where(inside, at, 0)], np.nan)


def ours(values: np.ndarray, steps: int) -> np.ndarray:
    """What cleaning does, gaps of up to two hours; a line where it leaves one."""
    return line(fill(values, steps, 2 * steps // 24)[0])


METHODS = {"wattflock": ours, "best of four days": best_of_four, "straight line": lambda values, steps: line(values)}


def errors(values: np.ndarray, steps: int, method) -> tuple[float, float]:
    """Mean and 99th percentile of the absolute error at hidden readings, over all seeds."""
    found = []
    for seed in SEEDS:
        hidden = (np.random.default_rng(seed).random(values.shape) < SHARE) & np.isfinite(values)
        filled = method(np.where(hidden, np.nan, values), steps)
        found.append(np.abs(filled - values)[hidden])
    every = np.concatenate(found)
    return float(every.mean()), float(np.quantile(every, 0.99))


def sets(folder: Path) -> dict[str, tuple[np.ndarray, int]]:
    """Name → readings [kWh per step] and steps of a day."""
    london = clean(London(str(folder / "london_load_2013")).raw()).flock
    half = london.load_kw.reshape(len(london.homes), -1).astype(float) / 2
    ausgrid = clean(Ausgrid(str(folder / "ausgrid" / "customer12_in_ausgrid_layout.csv.gz")).raw()).flock
    california = clean(California().raw()).flock
    return {
        "load, London, 48 homes, hourly": (hourly_kwh(london, "load_kw"), 24),
        "load, London, 48 homes, half-hourly": (half, 48),
        "load, California, 15 homes, hourly": (hourly_kwh(california, "load_kw"), 24),
        "PV, California, 15 panels of 4 kW peak, hourly": (4 * hourly_kwh(california, "pv_kw"), 24),
        "PV, Ausgrid customer 12, 1.04 kW peak, hourly": (hourly_kwh(ausgrid, "pv_kw"), 24),
    }


def table(folder: Path) -> str:
    """The Markdown table."""
    lines = [
        "| readings | mean [kWh a day] | method | mean error [kWh] | 99 % of errors below [kWh] "
        "| mean error [% of the mean step] |",
        "|---|---:|---|---:|---:|---:|",
    ]
    for name, (values, steps) in sets(folder).items():
        step = np.nanmean(values)
        for method, how in METHODS.items():
            mean, high = errors(values, steps, how)
            lines.append(
                f"| {name} | {steps * step:.1f} | {method} | {mean:.3f} | {high:.2f} | {100 * mean / step:.0f} |"
            )
    for kind, (mean, high) in HEDGE.items():
        day = HEDGE_DAY_KWH.get(kind)
        share = f"{100 * mean / (day / 24):.0f}" if day else ""
        lines.append(f"| {kind}, HEDGE's own homes | {day or ''} | as published | {mean} | {high} | {share} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Errors of gap filling.")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    if not asked.data.is_dir():
        print(f"gaps: the measured sets are not in {asked.data}; give their folder with --data")
        return
    text = table(asked.data)
    print(text)
    if asked.write:
        page = ROOT / "benchmarks" / "gaps.md"
        before, mark, tail = renewed(page.read_text()).partition("<!-- table -->\n")
        page.write_text(before + mark + text + "\n" + tail[tail.index("\n<!-- end") :])


if __name__ == "__main__":
    main()
