"""Short gaps filled from days that look alike."""

import numpy as np

WINDOW_DAYS = 28  # how far a day that stands in may be away
BEST = 7  # so many of them vote


def fill(values: np.ndarray, steps: int, longest: int) -> tuple[np.ndarray, np.ndarray]:
    """Fills gaps of at most `longest` steps; longer ones stay.

    Around the same hours of the 28 days before and after, the seven days whose readings just before and after the
    gap come nearest to this gap's are taken. Each tells how the gap stands above its own two neighbours; the median
    of that is put on top of the neighbours here, and never below 0 where no reading is. The matching by neighbours is
    that of Charbonnier et al., MethodsX 12 (2024) 102618; they take the value of the best of four days as it is.

    Args:
        values: (homes, all steps), NaN where missing.
        steps: of a day.
        longest: gap that is filled [steps].

    Returns:
        The filled values, and booleans of the same shape where they were filled.
    """
    filled, where = values.copy(), np.zeros(values.shape, bool)
    home, start, length = runs(np.isnan(values))
    inside = (start > 0) & (start + length < values.shape[1]) & (length <= longest)
    floor = min(0.0, float(np.nanmin(values))) if np.isfinite(values).any() else 0.0
    for size in np.unique(length[inside]):
        mine = inside & (length == size)
        found = np.maximum(_estimate(values, (home[mine], start[mine], int(size)), steps), floor)
        at = start[mine][:, None] + np.arange(size)[None]
        filled[home[mine][:, None], at] = found
        where[home[mine][:, None], at] = np.isfinite(found)
    return filled, where


def runs(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Stretches of True along axis 1 of (homes, steps): home, first step and length of each."""
    edge = np.zeros((len(mask), 1), np.int8)
    change = np.diff(np.concatenate([edge, mask.astype(np.int8), edge], 1), axis=1)
    home, start = np.nonzero(change == 1)
    return home, start, np.nonzero(change == -1)[1] - start


def _estimate(values: np.ndarray, gaps: tuple[np.ndarray, np.ndarray, int], steps: int) -> np.ndarray:
    """(gaps, size) what probably stood there; a straight line where no other day can tell."""
    home, start, size = gaps
    own = _edges(values, home, start, size)
    line = own[:, :1] + (own[:, 1:] - own[:, :1]) * (np.arange(1, size + 1) / (size + 1))[None]
    shifts = steps * np.array([day for day in range(-WINDOW_DAYS, WINDOW_DAYS + 1) if day])
    distance, shape = [], []
    for shift in shifts:
        moved = start + shift
        known = (moved > 0) & (moved + size < values.shape[1])
        moved = np.where(known, moved, 1)
        other = _edges(values, home, moved, size)
        inner = values[home[:, None], moved[:, None] + np.arange(size)[None]]
        far = ((other - own) ** 2).sum(1)
        distance.append(np.where(known & np.isfinite(inner).all(1) & np.isfinite(far), far, np.inf))
        shape.append(inner - other.mean(1, keepdims=True))
    return _vote(np.array(distance), np.array(shape), own.mean(1), line)


def _edges(values: np.ndarray, home: np.ndarray, start: np.ndarray, size: int) -> np.ndarray:
    """(gaps, 2) the readings just before and after."""
    return np.stack([values[home, start - 1], values[home, start + size]], 1)


def _vote(distance: np.ndarray, shape: np.ndarray, level: np.ndarray, line: np.ndarray) -> np.ndarray:
    """Median of the nearest days' shapes (days, gaps, size) on top of the level (gaps,)."""
    order = np.argsort(distance, 0, kind="stable")[:BEST]
    picked = np.take_along_axis(shape, order[..., None], 0)
    usable: np.ndarray = np.isfinite(np.take_along_axis(distance, order, 0))
    votes = usable.sum(0) > 0
    picked = np.where(usable[..., None], picked, np.nan)
    median = np.nanmedian(np.where(votes[None, :, None], picked, 0.0), 0)
    return np.where(votes[:, None], level[:, None] + median, line)
