"""The reward of a coordinator: its values, where it is defined, and its gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wattflock.world.charging_reward import EVEN, Reward, idle_share, rewarded, variation, worth

EVERY = jnp.ones(10, bool)


@pytest.mark.parametrize(
    ("level", "want"),
    [
        (0.0, -1.0), (0.1999, -1.0), (0.2, 0.0), (0.35, 1.5**0.5 - 1), (0.5, 0.5), (0.65, 0.75), (0.8, 1.0), (1.0, 1.0),
    ],
)  # fmt: skip
def test_what_a_level_is_worth(level, want):
    """n1 = 1, n2 = 0.5: half way from SoC_l to SoC_m the exponent is half of ln 1.5."""
    assert float(worth(Reward(), jnp.asarray(level))) == pytest.approx(want, abs=1e-5)


def test_a_level_s_worth_is_continuous_above_the_lowest(float64):
    level = jnp.linspace(0.2, 1.0, 8001)
    steps = jnp.diff(worth(Reward(), level))
    assert (steps >= 0).all()
    assert steps.max() < 3e-4


def test_what_is_not_granted():
    granted, limit = jnp.asarray([0.0, 3.0, 10.0, 10.1, 0.0]), jnp.asarray([10.0, 10.0, 10.0, 10.0, 0.0])
    np.testing.assert_allclose(idle_share(Reward(), granted, limit), [1, 0.7, 0, -10, 1], atol=1e-6)


def test_the_variation_of_levels_is_that_of_numpy_and_defined_at_empty_and_equal_ones(float64):
    level = np.random.default_rng(0).random((4, 10))
    np.testing.assert_allclose(variation(jnp.asarray(level), EVERY[None]), level.std(-1) / level.mean(-1), rtol=1e-3)
    assert float(variation(jnp.zeros(10), EVERY)) == pytest.approx(1)
    assert float(variation(jnp.full(10, 0.5), EVERY)) == pytest.approx(EVEN / (0.5 + EVEN))
    one = jnp.zeros(10).at[0].set(1.0)
    assert float(variation(one, EVERY)) == pytest.approx(3, rel=2e-3)  # √(N - 1), the most of ten


def test_devices_that_are_not_there_count_for_nothing():
    level, here = jnp.asarray([0.4, 0.9, 0.0, 0.0]), jnp.asarray([True, True, False, False])
    both = rewarded(Reward(), level, here, jnp.asarray(2.0), jnp.asarray(8.0))
    alone = rewarded(Reward(), level[:2], here[:2], jnp.asarray(2.0), jnp.asarray(8.0))
    for one, other in zip(jax.tree.leaves(both), jax.tree.leaves(alone), strict=True):
        assert float(one) == pytest.approx(float(other))


def test_the_reward_is_its_weighted_parts():
    """Levels 0.3 and 0.9 (CV 0.5), 2 of 8 kW: r_g 0.75, r_f 0.5, r_c (1.5^(1/3) - 1 + 1) / 2."""
    found = rewarded(Reward(2.0, 3.0, 5.0), jnp.asarray([0.3, 0.9]), EVERY[:2], jnp.asarray(2.0), jnp.asarray(8.0))
    parts = [0.75, 0.5, 1.5 ** (1 / 3) / 2]
    assert [float(found.grid), float(found.fair), float(found.comfort)] == pytest.approx(parts, abs=1e-3)
    assert float(found.total) == pytest.approx(2 * parts[0] + 3 * parts[1] + 5 * parts[2], abs=5e-3)


@pytest.mark.study
@pytest.mark.parametrize("level", [0.0, 0.2, 0.5, 0.8, 1.0])
def test_the_gradient_is_finite_at_equal_levels_and_at_every_corner(level):
    def total(levels, granted, limit):
        return rewarded(Reward(), levels, EVERY, granted, limit).total

    for limit in (0.0, 10.0):
        slopes = jax.grad(total, argnums=(0, 1, 2))(jnp.full(10, level), jnp.asarray(limit), jnp.asarray(limit))
        assert all(bool(jnp.isfinite(each).all()) for each in slopes)
