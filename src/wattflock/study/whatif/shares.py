"""Shares of homes as a person writes them, and who owns what at each: raising a share only adds devices."""

import itertools
import math
from collections.abc import Mapping

import numpy as np

from wattflock.core.errors import Problem
from wattflock.core.sections import LOAD_ONLY

DEVICES = {"heat_pumps": "heat_pump", "cars": "ev", "panels": "panel", "batteries": "battery"}  # what is swept → part
MOST_SHARES = 21  # of one sweep
CLOSE = 1e-9
ALLOWED = "start:stop:step or a comma list of shares from 0 to 1 that rise, such as 0:1:0.2 or 0,0.25,0.5"
Shares = dict[str, float]  # of each sweep, in the order of `DEVICES`


def parsed(text: str, where: str, flag: str, problems: list[Problem]) -> tuple[float, ...]:
    """Shares of homes from `0:1:0.2`, `0,0.3,1` or `0.5`; what is wrong is added to `problems`, and nothing returned.

    The last share of a range is `stop` or the one before it.
    """
    parts = text.replace(" ", "").split(":" if ":" in text else ",")
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        numbers = []
    if ":" in text and numbers:
        numbers = _range(numbers)
    found = tuple(round(number, 6) for number in numbers)
    rising = all(0 <= share <= 1 for share in found) and sorted(set(found)) == list(found)
    if not found or not rising or len(found) > MOST_SHARES:
        problems.append(Problem(where, flag, text, f"{ALLOWED}; at most {MOST_SHARES} of them"))
        return ()
    return found


def _range(numbers: list[float]) -> list[float]:
    """From start to stop; empty where these three numbers are no range."""
    if len(numbers) != 3 or not all(map(math.isfinite, numbers)):
        return []
    start, stop, step = numbers
    if step <= 0 or stop < start or (stop - start) / step > 10 * MOST_SHARES:
        return []
    return [min(start + place * step, stop) for place in range(math.floor((stop - start) / step + CLOSE) + 1)]


def crossed(sweeps: Mapping[str, tuple[float, ...]]) -> list[Shares]:
    """Every combination of the shares, the last sweep fastest."""
    return [dict(zip(sweeps, each, strict=True)) for each in itertools.product(*sweeps.values())]


def abreast(sweeps: Mapping[str, tuple[float, ...]]) -> list[Shares]:
    """The first shares of all sweeps, then the second ones, and so on; a sweep of one share stays there."""
    most = max(map(len, sweeps.values()))
    every = [each * most if len(each) == 1 else each for each in sweeps.values()]
    return [dict(zip(sweeps, each, strict=True)) for each in zip(*every, strict=True)]


def owners(name: str, share: float, homes: int, seed: int) -> np.ndarray:
    """Which homes own the device of a sweep, (homes,) bool: the first of them in an order that only `seed` decides.

    So those who own it at a share own it at every larger one, whatever other sweeps there are.
    """
    order = np.random.default_rng((seed, list(DEVICES).index(name))).permutation(homes)
    return order < math.floor(share * homes + 0.5)


def kinds(sweeps: Mapping[str, tuple[float, ...]]) -> dict[str, tuple[str, ...]]:
    """Every kind of homes that a sweep can make: its name → its devices; the same in all cells, homes or not.

    Homes are drawn by the devices of all kinds, so that a cell without a car draws all else as one with cars does.
    """
    devices = [DEVICES[name] for name in sweeps]
    some = [each for count in range(1, len(devices) + 1) for each in itertools.combinations(devices, count)]
    return {"+".join(each): each for each in some}


def kind_of_homes(shares: Shares, homes: int, seed: int) -> list[str]:
    """The name of each home's kind, as `kinds` has it, or `LOAD_ONLY`."""
    own = {DEVICES[name]: owners(name, share, homes, seed) for name, share in shares.items()}
    return ["+".join(device for device in own if own[device][home]) or LOAD_ONLY for home in range(homes)]
