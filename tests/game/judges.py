"""Independent checks of a nucleolus: Kohlberg's criterion, and a plain sequence of programs over all coalitions."""

import numpy as np
from scipy.optimize import linprog

EQUAL = 1e-8  # excesses closer than this, as a share of the values' size, are one level


def members_of(players: int) -> np.ndarray:
    """Proper coalitions as rows of 0 and 1, by mask."""
    return np.array([[mask >> k & 1 for k in range(players)] for mask in range(1, 2**players - 1)], float)


def is_nucleolus(worth: np.ndarray, payoff: np.ndarray, rational: bool) -> bool:
    """Kohlberg's property II: at each level of excess, a side payment that hurts no coalition so far hurts none at all.

    With `rational`, side payments may not push a player below its own value either.

    Source: Kohlberg 1971, theorem 5, DOI 10.1137/0120009.
    """
    n, scale = len(payoff), max(abs(worth).max(), 1e-300)
    members = members_of(n)
    if n == 1:
        return bool(abs(payoff[0] - worth[-1]) <= 1e-9 * scale)
    alone = worth[[1 << k for k in range(n)]]
    if abs(payoff.sum() - worth[-1]) > 1e-9 * scale or (rational and (alone - payoff).max() > 1e-9 * scale):
        return False
    excess = worth[1:-1] - members @ payoff
    order = np.argsort(-excess)
    excess, members = excess[order], members[order]
    held = np.eye(n)[alone - payoff > -EQUAL * scale] if rational else np.zeros((0, n))
    for level in [*np.flatnonzero(np.diff(excess) < -EQUAL * scale) + 1, len(excess)]:
        loud = members[:level]
        kept = np.vstack([loud, held])
        found = linprog(-loud.sum(0), -kept, np.zeros(len(kept)), np.ones((1, n)), [0], bounds=[(-1, 1)] * n)
        if found.fun < -1e-7:
            return False
        if np.linalg.matrix_rank(np.vstack([np.ones(n), loud])) == n:
            break
    return True


def by_faces(worth: np.ndarray, least: np.ndarray) -> np.ndarray:
    """Lower the largest excess over all coalitions that are not settled; settle what cannot move on the optimal face.

    A coalition is settled if its excess cannot be lowered at the optimum: one more program for each that is tight.

    Source: Maschler, Peleg & Shapley 1979, section 6.
    """
    n, size = len(least), len(worth) - 2
    members, value = members_of(n), worth[1:-1]
    excess_of = np.full(size, np.nan)
    while True:
        known = ~np.isnan(excess_of)
        equal = np.vstack([np.ones(n), members[known]])
        right = np.append(worth[-1], value[known] - excess_of[known])
        rows = np.column_stack([-members[~known], -np.ones((~known).sum())])
        same = np.column_stack([equal, np.zeros(len(equal))])
        bounds = [*((low, None) for low in least), (None, None)]
        best = linprog(np.append(np.zeros(n), 1), rows, -value[~known], same, right, bounds)
        if known.all() or np.linalg.matrix_rank(equal) == n:
            return np.linalg.lstsq(equal, right)[0]
        top = best.x[-1]
        for place in np.flatnonzero(~known & (value - members @ best.x[:-1] > top - 1e-7)):
            face = linprog(-members[place], -members[~known], top + 1e-11 - value[~known], equal, right, bounds[:-1])
            if value[place] + face.fun > top - 1e-7:
                excess_of[place] = top
