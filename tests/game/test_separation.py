"""The coalition that complains most: its bracket holds the largest excess of all coalitions."""

import dataclasses
import functools

import numpy as np
import pytest
from scipy.optimize import linprog

from tests.game.homes import EVERY, flock
from wattflock.game import separation
from wattflock.game.game import Game, coalitions
from wattflock.game.least_core import least_core
from wattflock.game.owen import owen
from wattflock.game.separation import complaint
from wattflock.game.values import Flock

CASES = {"energy": {}, "connection": {"connection_kw": 6.0}}


@pytest.fixture(scope="module", params=CASES)
def asked(request) -> tuple[Flock, Game]:
    """Eight homes on two days, and all their values."""
    homes = flock(EVERY + EVERY[:2], **CASES[request.param])
    return homes, homes.game()


def largest(game: Game, payoff: np.ndarray) -> float:
    """Of all coalitions but ∅ and all players."""
    return float((game.worth - coalitions(game.players) @ payoff)[1:-1].max())


def payoffs(game: Game, count: int = 3) -> np.ndarray:
    """At random, and equal shares."""
    random = np.random.default_rng(0).dirichlet(np.ones(game.players), count)
    return game.total * np.concatenate([random, np.full((1, game.players), 1 / game.players)])


@pytest.mark.slow
def test_the_largest_excess_is_found(asked):
    homes, game = asked
    for payoff in payoffs(game):
        lower, upper, members = complaint(homes, payoff)
        true = largest(game, payoff)
        assert lower == pytest.approx(true, abs=1e-6) and lower <= upper <= lower + 1e-6
        assert 0 < members.sum() < game.players
        assert lower == pytest.approx(float(game.values(members[None])[0] - members @ payoff), abs=1e-7)


@pytest.mark.slow
def test_in_the_least_core_it_is_epsilon(asked):
    homes, game = asked
    proper = coalitions(game.players)[1:-1].astype(float)
    found = linprog(
        np.append(np.zeros(game.players), 1.0),
        np.column_stack([-proper, -np.ones(len(proper))]),
        -game.worth[1:-1],
        np.append(np.ones(game.players), 0.0)[None],
        [game.total],
        (None, None),
    )
    lower, upper, _ = complaint(homes, found.x[:-1])
    assert lower == pytest.approx(found.fun, abs=1e-6) and upper == pytest.approx(found.fun, abs=1e-6)
    assert found.fun <= 1e-7  # the core is not empty


@pytest.mark.slow
def test_the_least_core_by_rows_is_that_of_all_values():
    homes = flock(EVERY[:5])
    homes = dataclasses.replace(homes, days=homes.days[:1], state=homes.state[:1])
    epsilon, payoff = least_core(homes, functools.partial(complaint, homes))
    assert epsilon == pytest.approx(least_core(homes.game())[0], abs=1e-6)
    assert largest(homes.game(), payoff) == pytest.approx(epsilon, abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(("limit", "most"), [("NODES", 1), ("WHOLE_HOMES", 4)])
def test_a_tree_that_is_cut_short_and_prices_of_many_homes_leave_a_bracket(asked, monkeypatch, limit, most):
    homes, game = asked
    monkeypatch.setattr(separation, limit, most)
    for payoff in payoffs(game, 2):
        (lower, upper, _), truth = complaint(homes, payoff), largest(game, payoff)
        assert lower - 1e-6 <= truth <= upper + 1e-6
        if limit == "WHOLE_HOMES":
            assert upper == pytest.approx(np.maximum(owen(homes).payoff - payoff, 0).sum(), abs=1e-7)
            assert lower >= 0.5 * truth
