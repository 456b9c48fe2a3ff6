"""Shapley's and Banzhaf's values: laws that define them, and their definition by orders and by swings."""

import itertools
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattflock.game.game import Game, coalitions, sums
from wattflock.game.shapley import banzhaf, shapley

WORTHS = st.integers(1, 5).flatmap(lambda n: st.lists(st.integers(-9, 9), min_size=2**n, max_size=2**n))


def game_of(values: list[int]) -> Game:
    return Game(np.array([0, *values[1:]], float))


def by_orders(game: Game) -> np.ndarray:
    """The mean over all orders of what players add as they arrive."""
    orders = list(itertools.permutations(range(game.players)))
    payoff = np.zeros(game.players)
    for order in orders:
        masks = np.cumsum([0, *(1 << k for k in order)])
        payoff[list(order)] += np.diff(game.worth[masks])
    return payoff / len(orders)


@settings(max_examples=30, deadline=None)
@given(WORTHS, WORTHS, st.integers(-3, 3))
def test_shapley_is_the_mean_over_orders_and_keeps_its_axioms(values, others, own):
    game = game_of(values)
    n, payoff = game.players, shapley(game)
    assert payoff == pytest.approx(by_orders(game), abs=1e-12)
    assert payoff.sum() == pytest.approx(game.total, abs=1e-12)
    other = game_of(list(np.resize(others, 2**n)))
    assert shapley(Game(game.worth + other.worth)) == pytest.approx(payoff + shapley(other), abs=1e-12)
    with_null = Game(np.concatenate([game.worth, game.worth + own]))
    assert shapley(with_null) == pytest.approx([*payoff, own], abs=1e-12)
    assert banzhaf(with_null) == pytest.approx([*banzhaf(game), own], abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(WORTHS, st.randoms(use_true_random=False), st.sampled_from([-1e9, -2.0, 1e-9]), st.integers(-(10**9), 10**9))
def test_values_follow_the_players_the_scale_and_what_each_has_beside(values, random, scale, beside):
    game = game_of(values)
    n = game.players
    order = np.array(random.sample(range(n), n))
    renamed = np.zeros_like(game.worth)
    renamed[coalitions(n).astype(int) @ (1 << order)] = game.worth
    shift = np.where(np.arange(n) == 0, float(beside), 0.0)
    for value in (shapley, banzhaf):
        payoff = value(game)
        assert value(Game(renamed))[order] == pytest.approx(payoff, abs=1e-12)
        assert value(Game(game.worth * scale)) == pytest.approx(payoff * scale, rel=1e-12, abs=1e-12 * abs(scale))
        assert value(Game(game.worth + sums(shift))) == pytest.approx(payoff + shift, rel=1e-15, abs=1e-12)
        assert value(Game(game.worth, base=shift)) == pytest.approx(payoff + shift, rel=1e-15, abs=1e-12)


def test_banzhaf_is_the_share_of_coalitions_in_which_a_vote_decides():
    weights, quota = np.array([4, 4, 4, 2, 2, 1]), 12
    members = coalitions(6)
    swings = [
        np.mean([quota - weights[k] <= weights @ others < quota for others in members[~members[:, k]]])
        for k in range(6)
    ]
    assert banzhaf(Game((members @ weights >= quota).astype(float))) == pytest.approx(swings)


def test_sixteen_players_take_less_than_a_second():
    game = Game(np.concatenate([[0], np.random.default_rng(0).random(2**16 - 1)]))
    began = time.perf_counter()
    payoff = shapley(game)
    assert time.perf_counter() - began < 1
    assert payoff.sum() == pytest.approx(game.total, abs=1e-12)
