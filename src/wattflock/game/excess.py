"""The point of a set of payoffs whose largest excess is least: one linear program, by row generation.

The excess of a coalition is what it is worth minus what its members get: what it has to complain about.
"""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.linalg import null_space
from scipy.optimize import linprog, nnls

from wattflock.core.errors import WattflockError
from wattflock.game.game import Game, sums

ACCURACY = 1e-13  # of the largest excess, as a share of the size of the game's values
NOUGHT = 2e-15  # the same share: what is less is rounding
POSITIVE = 1e-7  # weights of coalitions come from a 0/1 matrix: they are 0 or far larger
SPANNED = 1e-9  # a coalition's sum is settled if no direction that is left changes it by more
FAR = 1e6  # rows and bounds so far away, in units of the step, are left out of a program
ROUNDS = 1000  # programs of one level
OPTIONS = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}


class Complaints(NamedTuple):
    """Coalitions that have most to complain about at a payoff."""

    members: np.ndarray  # (k, n) booleans
    value: np.ndarray  # (k,) of each coalition
    upper: float  # no coalition's excess is larger


Listen = Callable[[np.ndarray], Complaints]  # payoff (n,) → complaints


@dataclasses.dataclass(frozen=True)
class Face:
    """The payoffs that are left to choose from, by one of them and what no other may change."""

    payoff: np.ndarray  # (n,)
    fixed: np.ndarray  # (k, n) coalitions whose sum of payoffs is settled; the first is that of all players
    least: np.ndarray  # (n,) lower bounds of payoffs; −inf: none


@dataclasses.dataclass(frozen=True)
class Level:
    """The least largest excess on a face."""

    epsilon: float  # the largest excess; of a game whose worst coalition is only bracketed, its lower bound
    payoff: np.ndarray  # (n,) where it is reached
    members: np.ndarray  # (k, n) coalitions of the program's rows
    value: np.ndarray  # (k,)
    weight: np.ndarray  # (k,) dual ≥ 0, with sum 1; above 0: that excess is `epsilon` on the whole optimal face


def lower(face: Face, first: Complaints, listen: Listen, scale: float) -> Level:
    """Move the payoff until the largest excess is least; coalitions are added to the program as they complain.

    Every program is in displacements from the payoff so far. Once nobody new complains, the step shrinks to what is
    left of the error and the program is solved again: refined to the last digits, whatever the solver's tolerance.
    Of all optima of a program the one nearest to `face.payoff` is asked about: corners jump about, and each would have
    other complaints.

    Args:
        face: what may be moved.
        first: coalitions to begin with, such that the program is bounded; e.g. each player that can still gain.
        listen: who complains most at a payoff.
        scale: size of the game's values.

    Source: Hallefjord, Helming & Jörnsten 1995 (constraint generation); Gleixner, Steffy & Wolter 2016, DOI
    10.1287/ijoc.2016.0692 (refinement).
    """
    members, value, payoff = first.members, first.value, face.payoff
    step, gap = scale, np.inf
    for _ in range(ROUNDS):
        excess = value - members @ payoff
        top = float(excess.max())
        near = excess - top >= -FAR * step
        move, sinks, weight = _solve(members[near], (excess[near] - top) / step, face, payoff, step)
        epsilon = float(_clean(np.array(top + step * sinks), scale))
        level = Level(epsilon, payoff + step * move, members[near], value[near], weight)
        payoff = _nearest(face, level)
        heard = listen(payoff)
        new = _unheard(heard, members, payoff, level.epsilon + ACCURACY * scale)
        if not new.any():
            before, gap = gap, heard.upper - level.epsilon
            if gap <= ACCURACY * scale or gap > before / 2:
                return dataclasses.replace(level, payoff=_clean(payoff, scale))
            step = 10 * gap
        members = np.concatenate([members, heard.members[new]])
        value = np.concatenate([value, heard.value[new]])
    raise WattflockError(f"game: the least excess was not found in {ROUNDS} programs")


def _unheard(heard: Complaints, members: np.ndarray, payoff: np.ndarray, allowed: float) -> np.ndarray:
    """Which of the coalitions heard (k,) complain of more than is allowed and are not among the rows (…, n)."""
    loud = heard.value - heard.members @ payoff > allowed
    loud[loud] = [not (members == each).all(1).any() for each in heard.members[loud]]
    return loud


def _clean(value: np.ndarray, scale: float) -> np.ndarray:
    """The same, with 0 for what is rounding."""
    return np.where(abs(value) <= NOUGHT * scale, 0.0, value)


def _solve(
    members: np.ndarray, excess: np.ndarray, face: Face, payoff: np.ndarray, step: float
) -> tuple[np.ndarray, float, np.ndarray]:
    """The move that lowers the largest excess most, by how much (≤ 0), and the weights of the coalitions."""
    count, n = members.shape
    rows = np.column_stack([-members.astype(float), -np.ones(count)])
    kept = np.column_stack([face.fixed.astype(float), np.zeros(len(face.fixed))])
    floor = np.minimum((face.least - payoff) / step, 0)
    floor = np.where(floor < -FAR, -np.inf, floor)
    bounds = np.column_stack([np.append(floor, -np.inf), np.full(n + 1, np.inf)])
    cost = np.append(np.zeros(n), 1.0)
    given = cost, rows, -excess, kept, np.zeros(len(kept)), bounds
    found = linprog(*given, method="highs-ds", options=OPTIONS)
    if found.status != 0:  # as accurate as HiGHS usually is; refinement does the rest
        found = linprog(*given, method="highs-ds")
    if found.status != 0:
        raise WattflockError(f"game: HiGHS found no least excess: {found.message}")
    return found.x[:-1], float(found.x[-1]), -found.ineqlin.marginals


def _nearest(face: Face, level: Level) -> np.ndarray:
    """The payoff nearest to `face.payoff`, by least squares, of all that the level's program finds as good."""
    n = len(face.least)
    settled = np.concatenate([face.fixed, level.members[level.weight > POSITIVE]]).astype(float)
    free = np.asarray(null_space(settled, SPANNED))
    bounded = np.isfinite(face.least)
    room = np.append(level.members @ level.payoff - level.value + level.epsilon, (level.payoff - face.least)[bounded])
    rows = np.concatenate([level.members, np.eye(n)[bounded]]) @ free
    ideal = free.T @ (face.payoff - level.payoff)
    return level.payoff + free @ (ideal + _shortest(rows, -np.maximum(room, 0) - rows @ ideal))


def _shortest(rows: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """The shortest vector with rows @ vector ≥ floor, which some vector fulfils.

    Source: Lawson & Hanson 1974, ch. 23.5 (least distance programming by non-negative least squares).
    """
    free = abs(rows).max(1, initial=0) > SPANNED  # the others are settled, whatever the vector
    if not free.any():
        return np.zeros(rows.shape[1])
    rows, floor = rows[free], floor[free]
    size = max(float(abs(floor).max()), 1e-300)
    held = nnls(np.vstack([rows.T, floor / size]), np.append(np.zeros(rows.shape[1]), 1.0))[0] > 0
    return np.linalg.lstsq(rows[held], floor[held])[0]


def alone_rows(game: Game, still: np.ndarray) -> Complaints:
    """Players by themselves among the coalitions `still` (2ⁿ,) looked at."""
    masks = 1 << np.arange(game.players)
    masks = masks[still[masks]]
    return Complaints(_members(masks, game.players), game.worth[masks], np.inf)


def by_enumeration(game: Game, still: np.ndarray) -> Listen:
    """All coalitions `still` (2ⁿ,) looked at are asked; the loudest are told. Payoffs are those beyond `base`."""
    masks, count = np.flatnonzero(still), 2 * game.players

    def listen(payoff: np.ndarray) -> Complaints:
        excess = (game.worth - sums(payoff))[masks]
        loud = np.argpartition(excess, -count)[-count:] if len(masks) > count else np.arange(len(masks))
        return Complaints(_members(masks[loud], game.players), game.worth[masks[loud]], float(excess.max()))

    return listen


def _members(masks: np.ndarray, players: int) -> np.ndarray:
    return (masks[:, None] >> np.arange(players)) % 2 == 1
