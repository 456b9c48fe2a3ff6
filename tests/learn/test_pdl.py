"""PDL: policies and multipliers in turn; the pieces are those of the augmented-Lagrangian method."""

import dataclasses
from types import SimpleNamespace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wattflock.feeder.limits import Conditions
from wattflock.learn.lagrangian import common, multipliers
from wattflock.learn.learner import advance, begin
from wattflock.learn.learners.pdl import PDL

QUICK = PDL(hidden=(4,), days=1, dual_days=1, primal_rounds=2, dual_rounds=2, dual_hidden=(4,), margin_pu=0.03)


def same(one, other) -> bool:
    return bool(eqx.tree_equal(one, other))


@pytest.fixture(scope="module")
def course(world, profile):
    """Progress after 0 to 8 rounds: two outer iterations."""

    def draw(key, days):
        return jax.tree.map(lambda x: x[:days], profile)

    found = [begin(QUICK, world, 0)]
    for _ in range(8):
        found.append(advance(found[-1], QUICK, world, draw, 1)[0])
    return [progress.state for progress in found]


@pytest.mark.slow
def test_policies_and_multipliers_are_learned_in_turn(course):
    for k in range(8):
        primal = k % 4 < 2
        assert same(course[k].nets, course[k + 1].nets) is not primal
        assert same(course[k].beside.net, course[k + 1].beside.net) is primal
        frozen = same(course[k].beside.frozen, course[k + 1].beside.frozen)
        assert frozen is (k % 4 != 3), "the copy changes at the end of an outer iteration and only there"
    assert same(course[4].beside.frozen, course[4].beside.net)
    assert course[4].beside.worst_pu == 0
    assert course[4].beside.before_pu == pytest.approx(float(course[3].beside.worst_pu), rel=0.5)


@pytest.mark.study
@pytest.mark.parametrize(
    ("worst", "before", "expected"),
    [(0.01, 1.0, 1000), (0.01, 0.01, 2000), (0.0079, 0.01, 1000), (0.0081, 0.01, 2000)],
)
def test_rho_grows_where_violations_do_not_shrink_enough(world, worst, before, expected):
    learner = PDL(curvature=1000.0, growth=2.0, shrink=0.8, most=3000.0)
    held = learner.beside(world, jax.random.key(0))
    held = dataclasses.replace(held, worst_pu=jnp.asarray(worst), before_pu=jnp.asarray(before))
    once = learner.closed(held)
    assert float(once.curvature) == expected
    assert (float(once.before_pu), float(once.worst_pu)) == (pytest.approx(worst), 0)
    twice = learner.closed(dataclasses.replace(once, worst_pu=once.before_pu, curvature=jnp.asarray(2000.0)))
    assert float(twice.curvature) == 3000, "no higher than the most"


def test_the_slope_of_the_augmented_lagrangian_is_the_next_multiplier(world):
    """d/dg of (max(λ + ρg, 0)² - λ²) / 2ρ = max(λ + ρg, 0): what the dual network is fitted to."""
    random = np.random.default_rng(0)
    voltage = jnp.asarray(random.uniform(0.94, 1.06, (2, 3, 4)), jnp.float32)
    multiplier = jnp.asarray(random.uniform(0, 900, (2, 3, 4)), jnp.float32)
    learner, curvature = PDL(margin_pu=0.01), jnp.asarray(2e4)
    cost, dt_h = jnp.zeros((2, 3, 5)), jnp.ones((2, 3))

    def value(voltage):
        none = dt_h[..., None][..., :0]
        conditions = Conditions(voltage, none, none, dt_h > 0)
        days, steps = dt_h.shape
        more = {"price_level": 1.0, "steps": steps, "days": days}
        outcome = SimpleNamespace(conditions=conditions, cost=cost, dt_h=dt_h, **more)
        return learner.augmented(world.limits, outcome, ({"voltage": multiplier}, learner.margin_pu), curvature)

    g = np.maximum(0.96 - voltage, voltage - 1.04)
    high = np.where(np.asarray(voltage) > 1, 1, -1)
    wanted = np.maximum(multiplier + curvature * g, 0) * high / 8  # 2 days × 4 nodes
    assert np.allclose(jax.grad(value)(voltage), wanted, rtol=1e-3, atol=1e-3)
    assert (wanted == 0).any()


@pytest.mark.study
def test_the_dual_network_sees_what_is_common_to_a_day_and_starts_at_zero(world, profile):
    net = multipliers((8,), world, jax.random.key(0))
    assert net(profile).keys() == world.judged.keys() == {"voltage", "loading", "unbalance"}
    for limit, values in net(profile).items():
        assert jnp.abs(values).max() == 0
        assert values.shape == (2, world.steps, len(world.judged[limit]))
    seen = common(profile, 0.3)
    assert bool(jnp.isfinite(seen).all())
    order = np.random.default_rng(0).permutation(world.homes)
    own = {name: value[..., order] for name, value in profile.own().items()}
    assert jnp.allclose(common(dataclasses.replace(profile, **own), 0.3), seen, atol=1e-6), "no home by its place"


@pytest.mark.slow
def test_the_dual_network_learns_the_multipliers_of_a_day(world, profile):
    """Fifty rounds of the dual side alone: nearer to max(λ_k + ρ·g, 0) on each day, and days differ."""
    learner = PDL(primal_rounds=1, dual_rounds=100, dual_days=2, dual_steps=10, dual_rate=1e-2)
    state = learner.init(world, jax.random.key(0))
    step = eqx.filter_jit(lambda state: learner.dual(state, world, profile, jax.random.key(0))[0])
    after = state
    for _ in range(50):
        after = step(after)
    said, before = after.beside.net(profile)["voltage"], state.beside.net(profile)["voltage"]
    assert same(after.nets, state.nets)
    assert float(said.max()) > 50
    assert float(jnp.abs(before).max()) == 0
    assert float(jnp.abs(said[0] - said[1]).max()) > 10
