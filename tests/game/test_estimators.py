"""Sampled Shapley values: intervals that hold what they say, errors that fall, and when sampling stops."""

import itertools
import math

import numpy as np
import pytest

from wattflock.core.errors import ScenarioError
from wattflock.game import estimators
from wattflock.game.estimators import sampled_shapley, stratified_expected
from wattflock.game.game import Game, coalitions
from wattflock.game.rules import RuleGame
from wattflock.game.shapley import shapley

MEMBERS = coalitions(10)
COSTS = np.random.default_rng(1).integers(1, 50, 10)
PROFILES = np.random.default_rng(2).normal(size=(24, 10))
WORTHS = {
    "airport": MEMBERS @ COSTS - np.where(MEMBERS, COSTS, 0).max(1),
    "vote": COSTS.sum() < 2 * (MEMBERS @ COSTS),
    "netting": MEMBERS @ abs(PROFILES).sum(0) - abs(MEMBERS @ PROFILES.T).sum(1),
}
BUDGET = 21 + 30 * 90


@pytest.mark.parametrize("name", WORTHS)
def test_intervals_cover_the_truth_as_often_as_they_say(name):
    game = Game(WORTHS[name].astype(float))
    truth = shapley(game)
    found = [sampled_shapley(game, BUDGET, seed=seed) for seed in range(20)]
    inside = np.mean([abs(each.payoff - truth) <= each.half_width + 1e-12 for each in found])
    assert 0.89 < inside <= 1  # 95 % of 200, seeds are fixed; players of one game are not independent
    for each in found:
        assert each.payoff.sum() == pytest.approx(game.total)
        assert each.asked <= BUDGET
    spread = np.std([each.payoff for each in found], axis=0, ddof=1)
    assert np.mean([each.error for each in found], axis=0) == pytest.approx(spread, rel=0.6)


def error_of(game: Game, budget: int, seeds: int = 8) -> float:
    apart = [sampled_shapley(game, budget, seed=seed).payoff - shapley(game) for seed in range(seeds)]
    return float(np.sqrt(np.mean(np.square(apart))))


def test_errors_fall_with_the_budget():
    game = Game(WORTHS["vote"].astype(float))
    assert error_of(game, 10 * 2500) < 0.5 * error_of(game, 2500)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "budget"), [("airport", BUDGET), ("vote", 5 * BUDGET)])
def test_strata_and_controls_are_worth_their_values(name, budget, monkeypatch):
    game = Game(WORTHS[name].astype(float))
    best = error_of(game, budget)
    monkeypatch.setattr(estimators, "_controls", lambda weight, line: np.zeros((*line.shape, 2)))
    monkeypatch.setattr(estimators, "USUAL", 10**9)  # one start a round: no strata
    assert best < 0.8 * error_of(game, budget)


def test_controls_have_mean_zero_over_all_orders():
    weight, orders = np.array([3.0, -1, 0.5, 7]), np.array(list(itertools.permutations(range(4))))
    total = np.zeros((4, 2))
    np.add.at(total, orders, estimators._controls(weight, orders))
    assert total == pytest.approx(np.zeros((4, 2)), abs=1e-9)


def test_sampling_stops_at_the_tolerance_or_at_the_budget():
    game = Game(WORTHS["airport"].astype(float))
    told = []
    reached = sampled_shapley(game, 10**6, tolerance=1.0, progress=lambda asked, note: told.append((asked, note)))
    assert reached.reached and reached.half_width.max() <= 1.0 and reached.asked < 10**5
    assert told[-1][0] == reached.asked
    short = sampled_shapley(game, BUDGET, tolerance=1e-9)
    assert not short.reached and short.asked <= BUDGET
    again = sampled_shapley(game, BUDGET, tolerance=1e-9)
    assert (again.payoff == short.payoff).all()
    assert (sampled_shapley(game, BUDGET, seed=1).payoff != short.payoff).any()


def test_a_budget_without_an_error_bar_is_refused():
    with pytest.raises(ScenarioError) as refused:
        sampled_shapley(Game(WORTHS["vote"].astype(float)), 100, tolerance=math.nan)
    assert "at least 201 values for 10 players" in str(refused.value)
    assert "tolerance = nan" in str(refused.value)


@pytest.mark.parametrize("players", [1, 2, 3])
def test_few_players_are_sampled_too(players):
    game = Game(np.arange(2.0**players) ** 2)
    assert sampled_shapley(game, 5000).payoff == pytest.approx(shapley(game), abs=0.2)


def test_a_hundred_players_and_a_null_player():
    weights = np.arange(100.0)
    game = RuleGame("airport_savings", {"costs": weights}, tuple(map(str, range(100))))
    exact = weights - np.cumsum(np.diff(weights, prepend=0) / np.arange(100, 0, -1))
    found = sampled_shapley(game, 20_000)
    assert abs(found.payoff - exact).max() < 4 * found.error.max() < 4
    assert found.payoff[0] == pytest.approx(0, abs=1e-9)


def test_mean_others_share_what_depends_on_sums():
    weights = np.random.default_rng(3).uniform(1, 2, 12)
    exact = shapley(Game(np.sqrt(coalitions(12) @ weights)))

    def expected(player: int) -> tuple[np.ndarray, np.ndarray]:
        before = np.arange(12) * (weights.sum() - weights[player]) / 11
        return np.sqrt(before), np.sqrt(before + weights[player])

    payoff = stratified_expected(12, float(np.sqrt(weights.sum())), expected)
    assert payoff == pytest.approx(exact, rel=0.01)
    assert payoff.sum() == pytest.approx(np.sqrt(weights.sum()))
