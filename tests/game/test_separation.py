"""The coalition that complains most: its bracket holds the largest excess of all coalitions."""

import numpy as np
import pytest

from tests.game.homes import EVERY, flock
from wattflock.game import separation
from wattflock.game.game import Game, coalitions
from wattflock.game.owen import owen
from wattflock.game.separation import complaint, relaxed
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


def payoffs(game: Game, count: int = 6) -> np.ndarray:
    """At random, and equal shares."""
    random = np.random.default_rng(0).dirichlet(np.ones(game.players), count)
    return game.total * np.concatenate([random, np.full((1, game.players), 1 / game.players)])


def test_the_largest_excess_is_bracketed_and_found(asked):
    homes, game = asked
    for payoff in payoffs(game):
        lower, upper, members = complaint(homes, payoff)
        true = largest(game, payoff)
        assert lower - 1e-7 <= true <= upper + 1e-7
        assert 0 < members.sum() < game.players
        own = float(game.values(members[None])[0] - members @ payoff)
        assert lower == pytest.approx(own, abs=1e-7)
        assert lower == pytest.approx(true, abs=0.02 * game.total)
        assert upper <= true + 0.1 * game.total


def test_nobody_complains_about_a_payoff_in_the_core(asked):
    homes, _ = asked
    lower, upper, _ = complaint(homes, owen(homes).payoff)
    assert upper <= 1e-7 and lower <= 1e-7


def test_fractional_members_are_no_worse_than_whole_ones(asked):
    homes, game = asked
    for payoff in payoffs(game, 2):
        keeps = homes.alone - payoff
        share, _ = relaxed(homes.days, keeps)
        assert (share >= -1e-7).all() and (share <= 1 + 1e-7).all()


def test_prices_of_the_grand_coalition_bound_complaints_of_many_homes(asked, monkeypatch):
    homes, game = asked
    monkeypatch.setattr(separation, "RELAXED_HOMES", 4)
    for payoff in payoffs(game, 3):
        lower, upper, _ = complaint(homes, payoff)
        assert lower - 1e-7 <= largest(game, payoff) <= upper + 1e-7
        assert upper == pytest.approx(np.maximum(owen(homes).payoff - payoff, 0).sum(), abs=1e-7)
