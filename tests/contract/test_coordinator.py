"""What every way to share a limit keeps to, those of today and those to come."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattflock.core.registry import interface, parts
from wattflock.homes.device import Claim
from wattflock.world.coordinator import at_most
from wattflock.world.sharing import Asks

WAYS = {name: kind for name, kind in parts("coordinator", interface("coordinator")).items() if name != "unlimited"}
every_way = pytest.mark.parametrize("name", WAYS)
CHARGERS = 7


def asks_of(seed: int, chargers: int = CHARGERS, dt_h: float = 1.0) -> Asks:
    """Chargers in all states: full, empty, away, absent, and those that ask for nothing."""
    random = np.random.default_rng(seed)
    size = random.choice([0.0, 13.5, 60.0], chargers, p=[0.1, 0.5, 0.4])
    level = random.choice([0.0, 1.0, 0.4, -1], chargers, p=[0.1, 0.1, 0.1, 0.7])
    level = np.where(level < 0, random.random(chargers), level) * (size > 0)
    need = size * (1 - level) / 0.95
    most = np.minimum(random.choice([0.0, 3.7, 7.4, 11.0], chargers, p=[0.1, 0.3, 0.3, 0.3]), need / dt_h)
    action = random.uniform(-1, 1, chargers)
    claim = Claim(*map(jnp.asarray, (most, need, level, random.uniform(dt_h, 24, chargers), size)))
    return Asks(jnp.asarray(action), jnp.maximum(action, 0) * most, claim, jnp.asarray(dt_h))


@eqx.filter_jit
def shared(way, asks: Asks, limit_kw, memory):
    asks = eqx.tree_at(lambda a: a.asked_kw, asks, way.asked_kw(asks.action, asks.claim.most_kw))
    granted = way.share(asks, limit_kw, memory)
    return asks.asked_kw, granted, way.remember(asks, granted, memory)


@every_way
def test_it_says_where_it_comes_from(name):
    assert "Source:" in (WAYS[name].__doc__ or "")


@pytest.mark.study
@every_way
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), limit_kw=st.sampled_from([0.0, 1e-3, 5.0, 20.0, 1e6]), memory=st.integers(0, 3))
def test_never_more_than_the_limit_nor_than_is_asked_for(name, seed, limit_kw, memory):
    for enabled, tolerance in ((False, 2e-6), (True, 1e-13)):
        with jax.enable_x64(enabled):
            before = jnp.full(CHARGERS, float(memory))
            asked, granted, after = shared(WAYS[name].example(), asks_of(seed), jnp.asarray(limit_kw), before)
            assert granted.dtype == after.dtype == asked.dtype == before.dtype
            assert jnp.isfinite(after).all()
            assert (granted >= 0).all()
            assert (granted <= asked * (1 + tolerance)).all()
            assert granted.sum() <= limit_kw + tolerance * max(limit_kw, asked.sum())
            assert at_most(granted, asked, jnp.asarray(limit_kw)).sum() <= limit_kw


@pytest.mark.study
@every_way
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_homes_in_another_order_get_the_same(name, seed):
    """Where no two are alike: among equals in a queue one has to be first."""
    with jax.enable_x64(True):
        asks, memory = asks_of(seed), jnp.arange(float(CHARGERS))
        order = np.random.default_rng(seed).permutation(CHARGERS)
        other = jax.tree.map(lambda x: x[order] if x.ndim else x, asks)
        _, granted, after = shared(WAYS[name].example(), asks, jnp.asarray(6.0), memory)
        _, again, later = shared(WAYS[name].example(), other, jnp.asarray(6.0), memory[order])
        unlike = len(set(np.asarray(asks.claim.level))) == CHARGERS
        if unlike:
            np.testing.assert_allclose(again, granted[order], atol=1e-9)
            np.testing.assert_allclose(later, after[order], atol=1e-9)


@every_way
def test_one_home_alone_gets_what_it_asks_for_within_the_limit(name):
    with jax.enable_x64(True):
        claim = Claim(*(jnp.asarray([value]) for value in (5.0, 10.0, 0.3, 8.0, 13.5)))
        asks = Asks(jnp.ones(1), jnp.full(1, 5.0), claim, jnp.asarray(1.0))
        for limit_kw, want in ((0.0, 0.0), (3.0, 3.0), (9.0, 5.0)):
            _, granted, _ = shared(WAYS[name].example(), asks, jnp.asarray(limit_kw), jnp.zeros(1))
            if name == "learned":
                want = min(limit_kw * np.exp(4) / (1 + np.exp(4)), 5.0)
            assert float(granted[0]) == pytest.approx(want, abs=1e-12)


@pytest.mark.study
@every_way
def test_gradients_are_finite_among_equals(name):
    """At equal levels, at nothing to grant, and where the limit takes just what is asked for."""

    def worth(level, limit_kw, action):
        claim = Claim(10 * (1 - level), 13.5 * (1 - level), level, jnp.full(4, 6.0), jnp.full(4, 13.5))
        asks = Asks(action, WAYS[name].example().asked_kw(action, claim.most_kw), claim, jnp.asarray(1.0))
        granted = WAYS[name].example().share(asks, limit_kw, jnp.zeros(4))
        return (granted**2).sum()

    slope = jax.jit(jax.grad(worth, argnums=(0, 1, 2)))
    for level, limit_kw in ((0.5, 10.0), (0.5, 20.0), (0.0, 0.0), (1.0, 10.0), (0.0, 1e4)):
        found = slope(jnp.full(4, level), jnp.asarray(limit_kw), jnp.ones(4))
        assert all(bool(jnp.isfinite(each).all()) for each in found)


@pytest.mark.study
@every_way
def test_many_days_at_once_are_the_same_as_one_by_one(name):
    way, memory = WAYS[name].example(), jnp.zeros((3, CHARGERS))
    every = jax.tree.map(lambda *x: jnp.stack(x), *(asks_of(seed) for seed in range(3)))
    limit_kw = jnp.asarray([0.0, 4.0, 15.0])
    together = jax.vmap(lambda *each: shared(way, *each)[1])(every, limit_kw, memory)
    for k in range(3):
        alone = shared(way, asks_of(k), limit_kw[k], memory[k])[1]
        np.testing.assert_allclose(together[k], alone, atol=1e-5)
