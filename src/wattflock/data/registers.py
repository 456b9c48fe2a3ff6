"""Registers that count up: told from energies by their readings, and differenced."""

from dataclasses import dataclass

import numpy as np

LEAST_READINGS, LEAST_UPS = 24, 12
MOST_DOWNS = 0.15  # of the ups: a register that begins anew each day has one for 6 to 23 ups
LOW = 0.3  # of the reading before: where a register begins anew
CREEP = 3.0  # its readings are so many times its usual step up, or more
MOST_UP = 2.0  # times the largest usual step up: what a reading after a new beginning may be
MIDNIGHT = 0


@dataclass(frozen=True)
class Register:
    """What the readings of one home and register say."""

    values: np.ndarray  # energy up to each reading, in the register's unit, NaN where unknown
    ends: bool  # whether a stamp is the moment of the reading, and so the end of its energy
    resets: int  # how often it begins anew


def counts_up(values: np.ndarray) -> bool:
    """Whether readings in the order of time are those of a register: they never fall, but where it begins anew."""
    known = values[np.isfinite(values)]
    if len(known) < LEAST_READINGS:
        return False
    step = np.diff(known)
    ups, downs = step > 0, step < 0
    if ups.sum() < LEAST_UPS or downs.sum() > MOST_DOWNS * ups.sum():
        return False
    low = known[1:][downs] <= LOW * known[:-1][downs]
    usual = np.median(step[ups])
    anew = not downs.any() or low.mean() > 0.7
    return bool(anew and np.median(np.abs(known)) > CREEP * usual)


def differenced(values: np.ndarray, minute: np.ndarray, apart: np.ndarray) -> Register:
    """Energies between readings; none across missing readings.

    Args:
        values: readings in the order of time, NaN where missing.
        minute: of the local day, of each reading.
        apart: how many steps each reading is after the one before (the first: 1).
    """
    step = np.append(np.nan, np.diff(values))
    ups = step[step > 0]
    largest = MOST_UP * np.quantile(ups, 0.999) if len(ups) else np.inf
    anew = step < 0
    step[anew] = np.where((values[anew] > 0) & (values[anew] <= largest), values[anew], np.nan)
    first = values[0] if len(values) else np.nan
    from_zero = bool(0 < first <= 3 * np.median(ups)) if len(ups) else False
    begins = anew & (minute == MIDNIGHT) & (values > 0)
    starts = begins.sum() > 0.5 * anew.sum() if anew.any() else from_zero
    if starts and len(step):
        step[0] = first if first <= largest else np.nan
    step[apart > 1] = np.nan
    return Register(step, not starts, int(anew.sum()))
