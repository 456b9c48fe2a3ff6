"""SHAC: gradients end where a window ends, and a critic stands for the rest of the day."""

import dataclasses
import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wattflock.homes.features import METER
from wattflock.learn.critic import critic, to_go
from wattflock.learn.learner import advance, begin
from wattflock.learn.learners.idle import Uncontrolled
from wattflock.learn.learners.shac import Shac
from wattflock.learn.learners.through import Through
from wattflock.learn.nets import Separate, flock
from wattflock.learn.reward import extra
from wattflock.world.rollout import judge, rollout, windows

KEY = jax.random.key(0)


def test_targets_with_full_trace_are_the_costs_to_come():
    random = np.random.default_rng(0)
    cost, value = (jnp.asarray(random.standard_normal((2, 5, 3)), jnp.float32) for _ in range(2))
    rest = jnp.cumsum(cost[:, ::-1], 1)[:, ::-1]
    assert jnp.allclose(to_go(cost, value, 1.0), rest, atol=1e-5)
    after = jnp.concatenate([value[:, 1:], jnp.zeros((2, 1, 3))], 1)
    assert jnp.allclose(to_go(cost, value, 0.0), cost + after, atol=1e-6)
    assert jnp.allclose(to_go(cost, rest, 0.5), rest, atol=1e-5), "a critic that is right has nothing to learn"


def test_targets_follow_their_recursion():
    """G_t = c_t + (1 - λ) V_{t+1} + λ G_{t+1} (Sutton & Barto 2018, eq. 12.2, written backwards)."""
    random = np.random.default_rng(1)
    cost, value = random.standard_normal((2, 1, 6, 2))
    found, ahead = np.zeros((1, 7, 2)), np.concatenate([value, np.zeros((1, 1, 2))], 1)
    for t in reversed(range(6)):
        found[:, t] = cost[:, t] + 0.3 * ahead[:, t + 1] + 0.7 * found[:, t + 1]
    assert np.allclose(to_go(jnp.asarray(cost), jnp.asarray(value), 0.7), found[:, :-1], atol=1e-5)


@pytest.mark.study
def test_a_critic_s_days_are_its_rows(world):
    net = critic((4, 8), 3, Shac().critic_adam(), KEY).critic
    net = eqx.tree_at(lambda n: n.weight, net, jax.random.normal(KEY, net.weight.shape))
    features = jax.random.normal(KEY, (2, 5, 3, 4))
    values = net.days(features)
    assert values.shape == (2, 5, 3)
    rows = net(jnp.moveaxis(features[:, 3], 1, 0))
    assert jnp.allclose(values[:, 3], rows[..., 0].T, atol=1e-6)


@pytest.fixture(scope="module")
def reach(world, profile):
    """`reach(horizon, step)`: from which load readings a gradient comes to what is seen at `step`, (steps,) bool."""
    world = world.blind()  # through a voltage a load reaches what is seen two steps later
    nets = flock((world.seen, world.fleet.controls), world.homes, jax.random.key(3))

    @functools.partial(jax.jit, static_argnums=(1, 2))
    def slope(last_kw, horizon, step):
        def seen(last_kw):
            days = dataclasses.replace(profile, load_last_kw=last_kw)
            arguments = (world, Separate(nets), days, KEY, 1)
            trajectory = windows(*arguments, horizon) if horizon else rollout(*arguments)
            return trajectory.features[:, step, :, len(METER) :].sum()  # the devices' states alone

        return jax.grad(seen)(last_kw)

    return lambda horizon, step: np.asarray(jnp.abs(slope(profile.load_last_kw, horizon, step)).max((0, 2)) > 0)


@pytest.mark.slow
def test_gradients_end_where_a_window_ends(reach):
    """What homes see at the first step of a window still hangs on the window before: a critic at its end.

    What they are given at the first step is cut with the state; their weights are not (the last test but one).
    """
    steps = np.arange(24)
    assert np.array_equal(reach(0, 8), steps < 8)
    assert np.array_equal(reach(6, 8), (steps > 6) & (steps < 8))
    assert np.array_equal(reach(6, 12), (steps > 6) & (steps < 12))


@pytest.mark.slow
def test_windows_are_the_same_days(world, profile):
    policy = Separate(flock((world.seen, 8, world.fleet.controls), world.homes, jax.random.key(3)))
    whole = eqx.filter_jit(rollout)(world, policy, profile, KEY)
    cut = eqx.filter_jit(windows)(world, policy, profile, KEY, 1, 6)
    assert all(map(jnp.array_equal, jax.tree.leaves(whole), jax.tree.leaves(cut)))


@pytest.mark.slow
def test_a_window_of_a_whole_day_is_backpropagation(world, profile):
    """No critic is asked then."""

    def days(key, count):
        return jax.tree.map(lambda x: x[:count], profile)

    shared = {"hidden": (4,), "days": 1, "margin_pu": 0.009, "total_rounds": 100, "rate": 1e-2, "halvings": 2.5}
    shared |= {"multiplier_init": 272.0}
    plain, whole = (
        advance(begin(learner, world, 0), learner, world, days, 1)[0].state.nets
        for learner in (Through(**shared, normalise=False, b2=0.999), Shac(**shared, horizon=world.steps))
    )
    gap = jax.tree.map(lambda a, b: float(jnp.abs(a - b).max()), plain, whole)
    assert max(jax.tree.leaves(gap)) < 2e-3, "an Adam step is 1e-2"


@pytest.mark.slow
@pytest.mark.parametrize("margins", [0.03, {"voltage": jnp.asarray(0.03), "loading": jnp.asarray(0.3)}])
def test_the_wires_price_has_the_penalty_s_gradient(world, profile, margins):
    """What critics foresee, less the costs themselves, is the penalty's slope along what homes do."""
    lagrangian = dataclasses.replace(Shac(multiplier_init=1000.0).lagrangian, margin_pu=margins)
    policy = Separate(flock((world.seen, world.fleet.controls), world.homes, jax.random.key(3)))
    trajectory, idle = (eqx.filter_jit(rollout)(world, who, profile, KEY) for who in (policy, Uncontrolled()))
    multiplier = lagrangian.multiplier(world)
    outcome, calm = (judge(world, one, profile, margins) for one in (trajectory, idle))
    found = eqx.filter_jit(extra)(world, profile, (trajectory, outcome), (lagrangian, multiplier))

    @eqx.filter_jit
    def wires(scale):
        """All that homes do by `scale`."""
        names = ("power_kw", "reactive_kvar")
        before, after = ({name: getattr(one.effect, name) for name in names} for one in (idle, trajectory))
        moved = {name: before[name] + scale * (after[name] - before[name]) for name in names}
        verdict = world.verdict(dataclasses.replace(trajectory.effect, **moved), trajectory.end, profile, margins)
        return lagrangian.wires(verdict, multiplier)

    price = float((found - outcome.cost + calm.cost).sum())
    assert abs(price) > 1
    assert price == pytest.approx((float(wires(1.002)) - float(wires(0.998))) / 0.004, rel=0.02)


@pytest.mark.slow
def test_critics_learn_with_the_margins_of_the_round(world, profile, monkeypatch):
    """As the objective of a window does."""
    seen = []

    def noted(*arguments):
        seen.append(arguments[3][0].margin_pu)
        return extra(*arguments)

    monkeypatch.setattr("wattflock.learn.learners.shac.extra", noted)
    learner = Shac(hidden=(4,), days=1, total_rounds=4, violated_days=0.2)
    state = learner.init(world, KEY)
    wide = dataclasses.replace(state, margins={**state.margins, "voltage": jnp.asarray(0.02)})
    learner.update(wide, world, lambda key, count: jax.tree.map(lambda x: x[:count], profile), KEY)
    assert float(seen[0]["voltage"]) == pytest.approx(0.02)
