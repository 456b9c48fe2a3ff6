"""A look at files before they are used: every finding, and in a few lines what was read from them."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from wattflock.data.check import check
from wattflock.data.clean import Cleaned, clean
from wattflock.data.finding import Finding, finding
from wattflock.data.raw import Raw, period
from wattflock.data.time_grid import grid_step, ordered, said, steps_of

LEAST_WEEKS = 5  # the fifth is the first of the test
NAMED = 6  # homes and columns that a line names
QUANTITIES = {"load_kw": "load", "pv_kw": "pv", "heat_kw": "heat"}
CLOCKS = {"utc": "UTC, shown on the clock of {}", "local": "local clock of {}", "whole": "as written, days of 24 h"}


@dataclass(frozen=True)
class Look:
    """What files say, and what is wrong with it."""

    findings: list[Finding]  # errors first
    facts: list[tuple[str, str]]  # what was read: name, words
    cleaned: Cleaned | None  # None with an error


def look(raw: Raw) -> Look:
    """The findings of `check` and those of whole days, which a study needs; and a summary of what was read."""
    found, cleaned = check(raw), None
    if not any(each.severity == "error" for each in found):
        cleaned = clean(raw)
        found = _of_days(raw, cleaned) + found
    return Look(found, _facts(raw, cleaned, found), cleaned)


def whole_weeks(cleaned: Cleaned) -> np.ndarray:
    """Numbers of the days of whole weeks from a Monday in which at least half of the homes were measured."""
    assert cleaned.flock.load_kw is not None
    there = np.isfinite(cleaned.flock.load_kw.sum(2)).mean(0)
    busy = np.flatnonzero(there >= 0.5 * there.max()) if there.max() > 0 else np.arange(0)
    first = int(busy[0]) if len(busy) else 0
    first += -(cleaned.flock.first_day.weekday() + first) % 7
    return first + np.arange(7 * max(0, (int(busy[-1]) + 1 - first) // 7 if len(busy) else 0))


def _of_days(raw: Raw, cleaned: Cleaned) -> list[Finding]:
    if cleaned.flock.load_kw is None:
        return []
    place = (raw.files[0], "load_kw")
    whole = np.isfinite(cleaned.flock.load_kw.sum(2))
    if not whole.any():
        return [finding("no-whole-day", place, f"of {whole.shape[1]:,} days of {len(whole):,} homes none is whole")]
    weeks = len(whole_weeks(cleaned)) // 7
    return [finding("few-weeks", place, f"{weeks} whole weeks")] if weeks < LEAST_WEEKS else []


def _facts(raw: Raw, cleaned: Cleaned | None, found: list[Finding]) -> list[tuple[str, str]]:
    facts = [("files", _some(raw.files) + (f", in the layout {raw.layout}" if raw.layout else ""))]
    if raw.homes is not None and not raw.homes.is_empty():
        facts += [("homes", _some(raw.homes["home"].unique(maintain_order=True).cast(str).to_list()))]
        facts += [("step", said(grid_step(steps_of(ordered(raw.homes.select("home", "time"))))))]
        facts += [("period", period(raw.homes.select(raw.local("time")).to_series()))]
    elif raw.common is not None and not raw.common.is_empty():
        facts += [("period", period(raw.common["time"]))]
    if raw.sessions is not None and not raw.sessions.is_empty():
        facts += [("sessions", f"{raw.sessions.height:,} of {raw.sessions['user'].n_unique():,} users")]
        facts += [("energy", f"{raw.sessions['energy_kwh'].mean():.4g} kWh a session")]
        facts += [("period", period(raw.sessions["plug_in"]))]
    facts += [("clock", CLOCKS[raw.clock].format(raw.zone or "nowhere"))]
    facts += [("stamps", "the end of a step" if any(each.code == "stamps-end" for each in found) else "its beginning")]
    facts += _means(raw, cleaned)
    facts += [("columns", "; ".join(use.words() for use in raw.uses[: 4 * NAMED]) or "those of the layout")]
    facts += [("not used", _some(raw.not_used) or "none")]
    mended = [f"{what} {times:,}" for what, times in cleaned.counts().items()] if cleaned else []
    return [*facts, ("repaired", "; ".join(mended) or ("nothing" if cleaned else "not yet: there are errors"))]


def _means(raw: Raw, cleaned: Cleaned | None) -> list[tuple[str, str]]:
    """Mean energy of a day for each home, the mean price and what else is common to homes."""
    facts = []
    if cleaned is None:
        return facts
    for name, word in QUANTITIES.items():
        values = getattr(cleaned.flock, name, None)
        if values is None or not np.isfinite(values).any():
            continue
        with np.errstate(invalid="ignore"):
            days = np.isfinite(values).all(2).sum(1)
            mean = (
                np.nansum(np.where(np.isfinite(values), values, 0.0), (1, 2))
                * 24
                / values.shape[2]
                / np.maximum(days, 1)
            )
        each = [f"{home} {kwh:.4g}" for home, kwh, count in zip(cleaned.flock.homes, mean, days, strict=True) if count]
        facts.append((word, f"kWh a day: {_some(each)}; median {np.median(mean[days > 0]):.4g}"))
    for name, values in cleaned.common.items():
        if np.isfinite(values).any():
            unit = (
                f"{raw.currency} per kWh" if "price" in name else name.rpartition("_")[2].replace("kwh", "kg per kWh")
            )
            facts.append((name.removesuffix("_per_kwh").replace("_", " "), f"mean {np.nanmean(values):.4g} {unit}"))
    return facts


def _some(names: Iterable[object]) -> str:
    """The first few names, and how many there are."""
    listed = [str(each) for each in names]
    more = f" and {len(listed) - NAMED:,} more" if len(listed) > NAMED else ""
    return ", ".join(listed[:NAMED]) + more
