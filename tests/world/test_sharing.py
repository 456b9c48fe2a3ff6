"""Ways to share against exact answers, and what hardware can deliver of them."""

from fractions import Fraction

import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from wattflock.core.registry import interface, part
from wattflock.homes.device import Claim
from wattflock.world.coordinator import deliverable
from wattflock.world.sharing import Asks, fill

RULES = ("water_filling", "equal_losses", "proportional", "talmud")
# capacity, claims, and the answers of `RULES`, solved in fractions. Talmud: Aumann & Maschler 1985, J. Econ. Theory 36,
# table I (100, 200 and 300; the estate of 400 by their rule); the others: Thomson 2003, Math. Soc. Sci. 45, section 2.
EXACT = {
    "three claims, 400": ("400", "100 200 300", "100 150 150", "100/3 400/3 700/3", "200/3 400/3 200", "50 125 225"),
    "three claims, 100": ("100", "100 200 300", "100/3 100/3 100/3", "0 0 100", "50/3 100/3 50", "100/3 100/3 100/3"),
    "caps bind": ("9", "2 4 10", "2 7/2 7/2", "0 3/2 15/2", "9/8 9/4 45/8", "1 2 6"),
    "enough for all": ("20", "2 4 10", "2 4 10", "2 4 10", "2 4 10", "2 4 10"),
    "nothing": ("0", "2 4 10", "0 0 0", "0 0 0", "0 0 0", "0 0 0"),
    "one claims nothing": ("6", "0 5 5", "0 3 3", "0 3 3", "0 3 3", "0 3 3"),
    "ten homes": (
        "20", "1/2 1 3/2 2 5/2 3 7/2 4 9/2 5", "1/2 1 3/2 2 5/2 5/2 5/2 5/2 5/2 5/2",
        "0 2/9 13/18 11/9 31/18 20/9 49/18 29/9 67/18 38/9",
        "4/11 8/11 12/11 16/11 20/11 24/11 28/11 32/11 36/11 40/11",
        "1/4 1/2 3/4 8/7 23/14 15/7 37/14 22/7 51/14 29/7",
    ),
}  # fmt: skip


def numbers(text: str) -> np.ndarray:
    return np.array([float(Fraction(each)) for each in text.split()])


def asking(cap, need, size=None, level=None, hours=None) -> Asks:
    cap, need = jnp.asarray(cap, float), jnp.asarray(need, float)
    size = jnp.full(cap.shape, 100.0) if size is None else jnp.asarray(size, float)
    level = 1 - need / size if level is None else jnp.asarray(level, float)
    hours = jnp.full(cap.shape, 24.0) if hours is None else jnp.asarray(hours, float)
    return Asks(jnp.ones(cap.shape), cap, Claim(cap, need, level, hours, size), jnp.asarray(1.0))


def share(name: str, asks: Asks, limit_kw: float, memory=None) -> np.ndarray:
    way = part("coordinator", interface("coordinator"), name).example()
    memory = jnp.zeros(asks.asked_kw.shape) if memory is None else jnp.asarray(memory, float)
    return np.asarray(way.share(asks, jnp.asarray(limit_kw, float), memory))


@pytest.mark.study
@pytest.mark.parametrize("case", EXACT)
@pytest.mark.parametrize("place", range(len(RULES)), ids=RULES)
def test_exact_answers(case, place, float64):
    capacity, claims, *answers = EXACT[case]
    found = share(RULES[place], asking(numbers(claims), numbers(claims)), float(capacity))
    np.testing.assert_allclose(found, numbers(answers[place]), atol=1e-12)


def test_proportional_fairness_with_weights_and_caps(float64):
    """Maximises log x1 + log x2 + 2 log x3 with Σ x = 9 and caps 2, 4, 10: by the conditions of Kuhn and Tucker."""
    found = share("weighted", asking([2, 4, 10], [1, 1, 2]), 9)
    np.testing.assert_allclose(found, [2, 7 / 3, 14 / 3], atol=1e-12)


def test_shares_follow_what_is_missing_not_what_is_held(float64):
    """Levels 0.72 and 0.46 of 5 kWh: 14/41 and 27/41 of 2 kW. With the weight reused from discharging the gap widens
    (D4nte85/Solakon-One-Nulleinspeisung-integration #38)."""
    found = share("proportional", asking([5, 5], [5 * 0.28, 5 * 0.54], size=[5, 5]), 2)
    np.testing.assert_allclose(found, [28 / 41, 54 / 41], atol=1e-12)


def test_equal_losses_level_batteries(float64):
    """5, 8 and 12 of 15 kWh missing, 10 kW: all three end with 5 missing."""
    found = share("equal_losses", asking([9, 9, 9], [5, 8, 12]), 10)
    np.testing.assert_allclose(found, [0, 3, 7], atol=1e-12)


def test_the_emptiest_comes_first_and_keeps_its_turn(float64):
    asks = asking([5, 5, 5], [50, 55, 40])
    np.testing.assert_allclose(share("priority", asks, 7), [2, 5, 0])
    np.testing.assert_allclose(share("priority", asks, 7, [1, 0, 0]), [5, 2, 0])


def test_a_round_robin_comes_round(float64):
    way = part("coordinator", interface("coordinator"), "round_robin").example()
    asks, memory, found = asking([3, 3, 3], [50, 50, 50]), jnp.zeros(3), []
    for _ in range(3):
        granted = way.share(asks, jnp.asarray(3.0), memory)
        memory = way.remember(asks, granted, memory)
        found.append(np.asarray(granted))
    np.testing.assert_allclose(found, 3 * np.eye(3))


def test_the_least_laxity_comes_first_and_smoothed_laxities_are_levelled(float64):
    """Laxities 4 - 10/5 = 2, 2.9 - 5/5 = 1.9 and 7 h; then 1.2, 1 and 3 h: 2.5 and 3.5 kW leave the first two 0.7 h."""
    np.testing.assert_allclose(share("least_laxity", asking([5, 5, 5], [10, 5, 5], hours=[4, 2.9, 8]), 7), [2, 5, 0])
    asks = asking([5, 5, 5], [4, 3, 5], hours=[2, 1.6, 4])
    np.testing.assert_allclose(share("smoothed_laxity", asks, 6), [2.5, 3.5, 0], atol=1e-12)


@pytest.mark.slow
def test_filling_solves_its_equation(float64):
    random = np.random.default_rng(0)
    for _ in range(200):
        start, slope, cap = random.normal(size=9), random.uniform(0, 2, 9), random.uniform(0, 3, 9)
        slope, cap = slope * (random.random(9) > 0.2), cap * (random.random(9) > 0.2)
        usable = cap[slope > 0].sum()
        total = random.choice([0, 1e-9, random.uniform(0, 1) * usable, usable, 1e3])
        found = np.asarray(fill(*map(jnp.asarray, (start, slope, cap, total))))
        assert found.sum() == pytest.approx(min(total, usable), abs=1e-9)
        part_of = (found > 1e-9) & (found < cap - 1e-9)
        level = start[part_of] + found[part_of] / slope[part_of]
        if part_of.any():
            np.testing.assert_allclose(level, level[0], atol=1e-8)
            assert (start[(found <= 1e-9) & (slope > 0) & (cap > 0)] >= level[0] - 1e-8).all()


@pytest.mark.study
def test_the_gradient_of_filling_is_that_of_differences(float64):
    at = (jnp.array([0.0, 0.3, 1.0]), jnp.array([1.0, 2.0, 0.5]), jnp.array([0.8, 0.7, 2.0]), jnp.asarray(1.6))
    check_grads(fill, at, order=1, modes=["rev"], eps=1e-6)


SIX_A_KW = 1.38


def test_shares_below_the_least_current_are_delivered_to_fewer(float64):
    """16 A for three chargers of 6 to 16 A: 5.33 A each would deliver nothing (evcc-io/evcc #31616, #30340)."""
    asks = asking([16, 16, 16], [30, 60, 50])
    found = np.asarray(deliverable(jnp.full(3, 16 / 3), asks, jnp.full(3, 6.0), jnp.asarray(16.0)))
    np.testing.assert_allclose(found, [0, 8, 8], atol=1e-9)


@pytest.mark.study
def test_what_can_be_delivered_is_not_changed(float64):
    asks = asking([7, 7, 7, 1], [30, 60, 50, 1])
    for granted in ([2.0, 3.0, 0.0, 0.0], [7.0, 7.0, 7.0, 0.0]):
        found = deliverable(jnp.asarray(granted), asks, jnp.full(4, SIX_A_KW), jnp.asarray(21.0))
        np.testing.assert_allclose(np.asarray(found), granted, atol=1e-9)


def test_chargers_that_are_on_or_off(float64):
    """Shares of 5 of 7.4 kW: two of three can be on within 15 kW."""
    asks = asking([7.4] * 3, [30, 60, 50])
    found = deliverable(jnp.full(3, 5.0), asks, asks.claim.most_kw, jnp.asarray(15.0))
    np.testing.assert_allclose(np.asarray(found), [0, 7.4, 7.4], atol=1e-9)
    just = deliverable(jnp.asarray([7.4, 0.0, 0.0]), asks, asks.claim.most_kw, jnp.asarray(7.4))
    np.testing.assert_allclose(np.asarray(just), [7.4, 0, 0], atol=1e-9)
