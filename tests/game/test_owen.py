"""Owen's point: in the core of every flock, whichever way the grand coalition is solved."""

import dataclasses

import numpy as np
import pytest

from tests.game.homes import EVERY, flock
from wattflock.game.game import Game, coalitions
from wattflock.game.owen import at_prices, owen
from wattflock.game.values import Flock
from wattflock.market.markets.tariff import Tariff

CHARGED = Tariff(export_charge_per_kwh=0.02, standing_per_day=0.4, demand_per_kw_day=0.05)
CASES = {
    "energy": {},
    "charges": {"market": CHARGED},
    "connection": {"connection_kw": 6.0},
    "half-hours": {"steps": 48},
}


def excess(game: Game, payoff: np.ndarray) -> np.ndarray:
    """Of all coalitions."""
    return game.worth - coalitions(game.players) @ payoff


@pytest.mark.study
@pytest.mark.parametrize("case", CASES)
def test_no_coalition_improves_on_it(case):
    homes = flock(EVERY + EVERY[:2], **CASES[case])
    game, found = homes.game(), owen(homes)
    assert excess(game, found.payoff).max() <= 1e-9
    assert found.payoff.sum() == pytest.approx(game.total, rel=1e-9)
    assert abs(found.gap) <= 1e-9 * max(1, game.total)


def test_prices_short_of_the_optimum_cost_no_more_than_their_gap():
    homes = flock()
    price = homes.grand.price_per_kwh * np.random.default_rng(0).uniform(0.97, 1.03, (2, 24))
    inexact = dataclasses.replace(homes)
    inexact.__dict__["grand"] = dataclasses.replace(homes.grand, price_per_kwh=price)
    game, found = homes.game(), owen(inexact)
    assert 1e-3 < found.gap < 0.1 * game.total
    assert found.payoff.sum() == pytest.approx(game.total, rel=1e-9)
    assert excess(game, found.payoff).max() <= found.gap


def test_any_prices_between_those_of_the_grid_bound_every_coalition():
    homes = flock()
    random = np.random.default_rng(0)
    prices = [random.uniform(day.sold, day.bought) for day in homes.days]
    members = coalitions(6)[1:]
    assert (members @ at_prices(homes, prices) <= homes.costs(members) + 1e-7).all()


def test_a_home_without_devices_gains_only_from_its_load():
    homes: Flock = flock()
    found = owen(homes)
    load_kw = homes.profile.load_kw[:, :, 5]
    spared = ((homes.profile.import_price_per_kwh - found.price_per_kwh) * load_kw).sum()
    assert found.payoff[5] == pytest.approx(spared, rel=1e-7)
