"""Certificates of payoffs: who could complain, of how much, and how even the shares are."""

import numpy as np
import pytest

from wattflock.game.certificate import certificate
from wattflock.game.game import Game, coalitions
from wattflock.game.least_core import fair_least_core, least_core
from wattflock.game.nucleolus import prenucleolus
from wattflock.game.rules import RuleGame

GLOVES = RuleGame("glove", {"left": np.array([0]), "right": np.array([1, 2])}, ("Ann", "Bob", "Cy"))


def test_a_coalition_that_complains_is_named():
    found = certificate(GLOVES.listed(), np.array([2 / 3, 1 / 6, 1 / 6]))
    assert found.complaining == ("Ann", "Bob")
    assert found.largest_excess == found.largest_excess_upper == pytest.approx(1 / 6)
    assert found.individually_rational and found.worse_off == {}
    assert (found.efficiency_gap, found.jain, found.gini) == pytest.approx((0, 2 / 3, 1 / 3))


def test_who_is_worse_off_than_alone_is_named():
    game = Game(np.array([0, 2, 1, 5.0]), ("Ann", "Bob"))
    found = certificate(game, np.array([1.5, 4.0]))
    assert found.worse_off == pytest.approx({"Ann": 0.5})
    assert not found.individually_rational
    assert found.efficiency_gap == pytest.approx(0.5)
    assert (found.complaining, found.largest_excess) == (("Ann",), 0.5)


def test_of_equal_complaints_the_smallest_coalition_is_named():
    weights = np.array([3, 3, 3, 0])
    game = Game((coalitions(4) @ weights >= 6).astype(float), tuple("abcd"))
    assert certificate(game, prenucleolus(game)).complaining == ("a", "b")


def test_indices_of_negative_payoffs_are_not_defined_and_those_of_rounding_are():
    game = Game(np.array([0, 0, 0, 1.0]), ("Ann", "Bob"))
    for payoff, indices in (([1.1, -0.1], (None, None)), ([1.0, -1e-12], (0.5, 0.5)), ([0.5, 0.5], (1, 0))):
        found = certificate(game, np.array(payoff))
        assert (found.jain, found.gini) == indices


def worst_of(game: Game):
    """What a search without a list of values says: the coalition that complains most, and the same as upper bound."""
    members = coalitions(game.players)[1:-1]

    def worst(payoff: np.ndarray):
        excess = game.values(members) - members @ payoff
        return float(excess.max()), float(excess.max()), members[excess.argmax()]

    return worst


def test_a_search_for_the_worst_coalition_serves_as_well_as_all_values():
    costs = np.array([3, 9, 4, 7, 12, 5])
    members = coalitions(6)
    game = Game((members @ costs - np.where(members, costs, 0).max(1)).astype(float))
    worst = worst_of(game)
    assert least_core(game, worst)[0] == pytest.approx(least_core(game)[0], abs=1e-11)
    assert fair_least_core(game, worst) == pytest.approx(fair_least_core(game), abs=1e-10)
    even = np.full(6, game.total / 6)
    assert certificate(game, even, worst).largest_excess == pytest.approx(certificate(game, even).largest_excess)


def test_a_large_game_is_looked_at_from_both_ends_or_bracketed():
    game = RuleGame("airport_savings", {"costs": np.arange(1.0, 41)}, tuple(f"plane {k}" for k in range(40)))
    even = np.full(40, 780 / 40)
    found = certificate(game, even)
    assert found.complaining == tuple(f"plane {k}" for k in range(1, 40))  # all but the one that saves least
    assert (found.largest_excess, found.largest_excess_upper) == (pytest.approx(819 - 40 - 39 * 19.5), None)
    bracket = certificate(game, even, lambda payoff: (1.0, 2.5, np.arange(40) < 2))
    assert (bracket.largest_excess, bracket.largest_excess_upper) == (1.0, 2.5)
    assert bracket.complaining == ("plane 0", "plane 1")


def test_one_player_has_nobody_to_complain():
    game = Game(np.array([0, 4.0]))
    found = certificate(game, np.array([4.0]))
    assert (found.complaining, found.largest_excess, found.efficiency_gap) == ((), -np.inf, 0)
