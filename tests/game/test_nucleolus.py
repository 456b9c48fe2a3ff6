"""The nucleolus: laws, two independent judges, many ties, sixteen players."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.game.judges import by_faces, is_nucleolus
from wattflock.core.errors import WattflockError
from wattflock.game import excess
from wattflock.game.certificate import certificate
from wattflock.game.game import Game, coalitions, sums
from wattflock.game.least_core import fair_least_core, least_core
from wattflock.game.nucleolus import nucleolus, prenucleolus


def random_game(players: int, seed: int, low: int = 0, high: int = 4, grand: int | None = None) -> np.ndarray:
    """Whole values with many ties."""
    worth = np.random.default_rng(seed).integers(low, high, 2**players).astype(float)
    worth[0] = 0
    worth[-1] = worth[-1] if grand is None else grand
    return worth


@pytest.mark.study
@pytest.mark.parametrize("seed", range(136))
def test_ties_of_four_players_pass_kohlbergs_criterion(seed):
    worth = random_game(4, seed, low=-2)
    assert is_nucleolus(worth, prenucleolus(Game(worth)), rational=False)
    if worth[-1] >= worth[[1, 2, 4, 8]].sum():
        assert is_nucleolus(worth, nucleolus(Game(worth)), rational=True)


@pytest.mark.parametrize("seed", range(16))
def test_ties_are_settled_as_a_program_for_each_coalition_settles_them(seed):
    players = 3 + seed % 2
    worth = random_game(players, 1000 + seed, low=-2, grand=6)
    free, alone = np.full(players, -np.inf), worth[1 << np.arange(players)]
    assert prenucleolus(Game(worth)) == pytest.approx(by_faces(worth, free), abs=1e-8)
    assert nucleolus(Game(worth)) == pytest.approx(by_faces(worth, alone), abs=1e-8)


def test_lower_bounds_of_players_matter():
    # v({1, 2}) = 6 and v(N) = 4: without a lower bound player 0 would have to pay
    worth = np.array([0, 0, 0, 0, 0, 0, 6, 4.0])
    assert prenucleolus(Game(worth)) == pytest.approx([-1, 2.5, 2.5])
    assert nucleolus(Game(worth)) == pytest.approx([0, 2, 2])


def test_nobody_can_be_asked_to_share_less_than_all_have_alone():
    game = Game(np.array([0, 3, 3, 4.0]))
    with pytest.raises(WattflockError, match="worth 4 together and 6 alone"):
        nucleolus(game)
    assert prenucleolus(game) == pytest.approx([2, 2])


@pytest.mark.parametrize("scale", [1e-6, 1 / 3, 1e9])
def test_rounding_is_no_reason_to_refuse(scale):
    own = np.array([9, 1, 7, 0.1]) * scale
    additive = Game(sums(own))
    assert nucleolus(additive) == pytest.approx(own, rel=1e-14)
    assert prenucleolus(additive) == pytest.approx(own, rel=1e-14)


def test_quadratic_games_of_sixteen_players_take_few_programs(monkeypatch):
    """All corners of their early programs lie far outside: without the nearest point thousands of rows are heard."""
    asked = []
    solve = excess.linprog
    monkeypatch.setattr(excess, "linprog", lambda *given, **more: asked.append(1) or solve(*given, **more))
    weights = np.random.default_rng(0).integers(1, 9, 16)
    worth = (coalitions(16) @ weights).astype(float) ** 2
    assert is_nucleolus(worth, nucleolus(Game(worth)), rational=True)
    assert len(asked) < 100


WORTHS = st.integers(1, 4).flatmap(lambda n: st.lists(st.integers(-4, 9), min_size=2**n, max_size=2**n))


def game_of(values: list[int]) -> Game:
    """A game in which there is something to share."""
    worth = np.array([0, *values[1:]], float)
    players = len(values).bit_length() - 1
    worth[-1] = max(worth[-1], worth[1 << np.arange(players)].sum())
    return Game(worth)


@settings(max_examples=20, deadline=None)
@given(WORTHS, st.randoms(use_true_random=False), st.sampled_from([1e-6, 0.5, 1e7]), st.floats(-1e9, 1e9))
def test_payoffs_follow_the_players_the_scale_and_what_each_has_beside(values, random, scale, beside):
    game = game_of(values)
    n = game.players
    order = np.array(random.sample(range(n), n))
    masks = coalitions(n).astype(int) @ (1 << order)  # player k is called order[k]
    size = max(abs(game.worth).max(), 1)
    shifted = np.where(np.arange(n) == 0, np.round(beside), 0.0)
    for concept in (nucleolus, prenucleolus, fair_least_core):
        payoff = concept(game)
        assert payoff.sum() == pytest.approx(game.total, abs=1e-12 * size)
        renamed = np.zeros_like(game.worth)
        renamed[masks] = game.worth
        assert concept(Game(renamed))[order] == pytest.approx(payoff, abs=1e-10 * size)
        assert concept(Game(game.worth * scale)) == pytest.approx(payoff * scale, abs=1e-10 * size * scale)
        if concept is not fair_least_core:  # which compares payoffs of players
            moved = concept(Game(game.worth + sums(shifted)))
            assert moved == pytest.approx(payoff + shifted, abs=1e-10 * size + 1e-15 * abs(beside))


def test_what_players_have_alone_costs_epsilon_no_digits_and_counts_for_equal_shares():
    worth, own = np.array([0, 0, 0, 2, 0, 2, 2, 3.0]), np.array([1e9, -7.0, 0.25])
    epsilon, payoff = least_core(Game(worth, base=own))
    assert epsilon == pytest.approx(0, abs=1e-12)
    assert payoff == pytest.approx(own + 1)
    roomy = Game(np.array([0, 0, 0, 6.0]), base=np.array([0, 2.0]))
    assert nucleolus(roomy) == pytest.approx([3, 5])
    assert fair_least_core(roomy) == pytest.approx([3, 5])  # the least core is one point
    wide = Game(np.array([0, 0, 0, 0, 0, 0, 4, 4.0]), base=np.array([0, 3.0, 0]))
    assert fair_least_core(wide) == pytest.approx([0, 3.5, 3.5])  # players 1 and 2 share 7, each at least its own
    assert nucleolus(wide) == pytest.approx([0, 5, 2])


@settings(max_examples=20, deadline=None)
@given(WORTHS)
def test_the_least_core_is_reached_by_all_three_and_a_core_point_has_no_excess(values):
    game = game_of(values)
    epsilon, payoff = least_core(game)
    fair = fair_least_core(game)
    if game.players == 1:
        assert (epsilon, *payoff, *fair) == (-np.inf, game.total, game.total)
        return
    size = max(abs(game.worth).max(), 1)
    for each in (payoff, fair, prenucleolus(game)):
        assert certificate(game, each).largest_excess == pytest.approx(epsilon, abs=1e-11 * size)
        assert fair @ fair <= each @ each + 1e-9 * size**2
    if epsilon <= 0:  # the core is not empty: the nucleolus is in it
        assert certificate(game, nucleolus(game)).largest_excess <= 1e-11 * size


@settings(max_examples=20, deadline=None)
@given(WORTHS, st.integers(-3, 3))
def test_a_null_player_gets_what_it_has_alone_and_twins_get_the_same(values, own):
    game = game_of(values)
    n = game.players
    with_null = Game(np.concatenate([game.worth, game.worth + own]))
    assert nucleolus(with_null)[-1] == pytest.approx(own, abs=1e-9)
    if n > 1:
        masks = np.arange(2**n)
        swapped = masks & ~3 | (masks & 1) << 1 | masks >> 1 & 1
        twins = nucleolus(Game(game.worth + game.worth[swapped]))
        assert twins[0] == pytest.approx(twins[1], abs=1e-11)


def voting(players: int) -> np.ndarray:
    weights = np.random.default_rng(4).integers(1, 6, players)
    return (coalitions(players) @ weights > weights.sum() / 2).astype(float)


def airport(players: int) -> np.ndarray:
    members, costs = coalitions(players), np.random.default_rng(5).integers(1, 9, players)
    return (members @ costs - np.where(members, costs, 0).max(1)).astype(float)


@pytest.mark.parametrize("worth", [voting(15), airport(15), random_game(15, 3, grand=40)], ids=["vote", "air", "any"])
def test_fifteen_players_with_many_ties(worth):
    payoff = nucleolus(Game(worth))
    assert is_nucleolus(worth, payoff, rational=True)


@pytest.mark.parametrize("seed", [1, 6, 10])
def test_values_that_a_solver_found_have_noise_in_their_ties(seed):
    """Netting of whole numbers, with the error of a linear program in every value."""
    rng = np.random.default_rng(seed)
    members, profiles = coalitions(10), rng.integers(-3, 4, (6, 10))
    exact = (members @ abs(profiles).sum(0) - abs(members @ profiles.T).sum(1)).astype(float)
    noisy = Game(np.append(0, (exact + 1e-10 * rng.normal(size=1024))[1:]))
    assert nucleolus(noisy) == pytest.approx(nucleolus(Game(exact)), abs=1e-8)
    assert is_nucleolus(exact, nucleolus(Game(exact)), rational=True)


def test_airport_nucleolus_of_sixteen_players_as_its_recursion_has_it():
    """Source: Littlechild 1974: the smallest of what each stretch of the runway costs per player, from the shortest."""
    costs = np.sort(np.random.default_rng(6).integers(1, 60, 16)).astype(float)
    members = coalitions(16)
    game = Game(members @ costs - np.where(members, costs, 0).max(1))
    began = time.perf_counter()
    payoff = nucleolus(game)
    assert time.perf_counter() - began < 5
    assert costs - payoff == pytest.approx(littlechild(costs), abs=1e-9)


def littlechild(costs: np.ndarray) -> np.ndarray:
    """Cost shares of the nucleolus of an airport game, costs sorted."""
    n, share, done, paid = len(costs), np.zeros(len(costs)), 0, 0.0
    while done < n:
        rates = [(costs[k] - paid) / (k - done + 2) for k in range(done, n - 1)]
        rates.append((costs[n - 1] - paid) / (n - done))
        place = len(rates) - 1 - int(np.argmin(rates[::-1]))
        last = n - 1 if done + place == n - 1 else done + place
        share[done : last + 1] = rates[place]
        paid, done = paid + rates[place] * (last + 1 - done), last + 1
    return share
