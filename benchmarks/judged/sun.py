"""Panels of the Californian region beside the measured ones of one year; London's beside published yields."""

import datetime
from collections.abc import Iterator

import numpy as np
from judged.loads import Row, percent, two

from wattflock.data.home_days import HomeDays
from wattflock.sources.california import California
from wattflock.synth.bundle import load as bundled
from wattflock.synth.fit import measured_load
from wattflock.synth.generate import Wanted, made
from wattflock.synth.judge import between_homes, daily_kwh, wasserstein_of_daily_energy
from wattflock.synth.region import Mix
from wattflock.synth.skies import HELD_OUT

YEARS, PANELS = 24, 30
SOUND = ("B07", "B10", "B11")  # eight days off; clock changes at other dates: left out of the second correlation
MIX = Mix(panel_share=1.0, car_share=0.0, heat_pump_share=0.0, panel_kwp=(1.0, 1.0))


def rows() -> Iterator[Row]:
    """All figures of the sun; energy is per kW peak."""
    region, card = bundled("california")
    real = measured_load(California())[0].hourly()
    fitted = real.only(tuple(home for home in real.homes if home not in HELD_OUT))
    days = real.shape()[1]
    wanted = [Wanted(PANELS, days, real.first_day, card["zone"], seed=k, mix=MIX) for k in range(YEARS)]
    years = [made(region, each) for each in wanted]
    yield from months(fitted, years)
    yield from neighbours(real, years)
    every = np.concatenate([power(year) for year in years])
    floor = wasserstein_of_daily_energy(power(real.only(HELD_OUT)), power(fitted))
    for name, flock, beside in (("fitted to", fitted, "–"), ("held out", real.only(HELD_OUT), percent(floor, 1))):
        apart = wasserstein_of_daily_energy(power(flock), every)
        text = f"daily energy, Wasserstein / mean, to the {len(flock.homes)} panels {name}"
        yield text, beside, percent(apart, 1), "≤ 10 %"
    yield "energy of a year per kW peak [kWh]", *(f"{yearly(p):.0f}" for p in (power(fitted), every)), ""
    yield from london()


def london() -> Iterator[Row]:
    """Months of mixed London roofs, mean of all drawn years, beside what PVGIS gives for a good roof."""
    region, card = bundled("london")
    first = datetime.date(2027, 1, 1)
    years = [made(region, Wanted(PANELS, 365, first, card["zone"], seed=k, mix=MIX)) for k in range(YEARS)]
    month = np.array([date.month for date in years[0].dates()])
    kwh = np.mean([of_months(year, month) for year in years], 0) * np.bincount(month)[1:]
    listed = ", ".join(f"{each:.0f}" for each in kwh)
    yield "London: energy of each month per kW peak [kWh]", "PVGIS: 100 to 125, May to August", listed, "100 to 125"
    yield "London: energy of a year per kW peak [kWh]", "PVGIS: 900 to 1,000", f"{kwh.sum():.0f}", "900 to 1,000"
    most = max(power(year).max() for year in years)
    yield "London: brightest hour [kW per kW peak]", "–", f"{most:.2f}", "below 1"


def months(real: HomeDays, years: list[HomeDays]) -> Iterator[Row]:
    """Mean energy of each month over the panels: all drawn years, and single ones."""
    month = np.array([date.month for date in real.dates()])
    theirs, each = of_months(real, month), np.array([of_months(year, month) for year in years])
    ratio = each.mean(0) / theirs
    text = "mean energy of each month over the real year's, January to December"
    yield text, "1", ", ".join(map(two, ratio)), "0.90 to 1.10"
    apart = np.abs(each / theirs[None] - 1)
    text = f"months of single drawn years within 10 % of the real year, of {apart.size}"
    yield text, "–", percent(float((apart <= 0.1).mean()), 0), ""
    wrong = " ".join(
        f"{number}: {percent(float(share), 0)}" for number, share in zip(range(1, 13), apart.mean(0), strict=True)
    )
    yield "mean distance of a single drawn month from the real one, by month", "–", wrong, ""


def neighbours(real: HomeDays, years: list[HomeDays]) -> Iterator[Row]:
    """Correlation of the energy of two panels on the same days."""
    month = np.array([date.month for date in real.dates()])
    sound = real.only(tuple(home for home in real.homes if home not in SOUND))
    for text, how in (("", lambda kwh: kwh), (", without the month's mean", lambda kwh: without_month(kwh, month))):
        theirs = [between_homes(how(daily_kwh(power(flock)))) for flock in (real, sound)]
        ours = np.mean([between_homes(how(daily_kwh(power(year)))) for year in years])
        beside = f"{theirs[0]:.2f} ({len(sound.homes)} sound panels {theirs[1]:.2f})"
        yield f"daily energy of two panels, correlation{text}", beside, two(float(ours)), "≥ 0.8; HEDGE 0"


def of_months(flock: HomeDays, month: np.ndarray) -> np.ndarray:
    """Mean energy of a day of each month [kWh per kW peak], (12,)."""
    kwh = daily_kwh(power(flock))
    return np.array([np.nanmean(kwh[:, month == k]) for k in range(1, 13)])


def without_month(kwh: np.ndarray, month: np.ndarray) -> np.ndarray:
    """Daily energy less the panel's mean of its month."""
    left = kwh.astype(float)
    for number in range(1, 13):
        left[:, month == number] -= np.nanmean(kwh[:, month == number], 1, keepdims=True)
    return left


def power(flock: HomeDays) -> np.ndarray:
    """Power of panels of one kW peak."""
    assert flock.pv_kw is not None
    return flock.pv_kw


def yearly(pv_kw: np.ndarray) -> float:
    return float(365 * np.nanmean(daily_kwh(pv_kw)))
