"""GradMAP's surrogates: with one update and the total gradient they are plain backpropagation through the day."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wattflock.learn.critic import flat, shuffled
from wattflock.learn.learners.gradmap import GradMAP, clipped, surrogate
from wattflock.learn.learners.through import Through
from wattflock.learn.nets import Separate, flock
from wattflock.world.rollout import judge, rollout

KEY = jax.random.key(0)

TOTAL = GradMAP(gradient="total", days=2)
SSL = Through(multiplier_init=TOTAL.multiplier_init, margin_pu=TOTAL.margin_pu)


@pytest.fixture(scope="module")
def place(world64):
    """Networks that do something, and multipliers that differ from hour to hour and row to row."""
    with jax.enable_x64(True):
        nets = flock((world64.seen, 8, world64.fleet.controls), world64.homes, jax.random.key(4))
        nets = dataclasses.replace(nets, weights=[*nets.weights[:-1], 5 * nets.weights[-1]])
        random = np.random.default_rng(0)
        first = SSL.lagrangian.multiplier(world64)
        return nets, {name: jnp.asarray(random.uniform(0, 4000, each.shape)) for name, each in first.items()}


@pytest.fixture(scope="module")
def backpropagation(world64, profile64, place):
    """dJ/dθ as `Through` computes it."""
    nets, multiplier = place

    def objective(nets):
        outcome = judge(world64, rollout(world64, Separate(nets), profile64, KEY), profile64, SSL.margin_pu)
        return SSL.lagrangian.value(outcome, multiplier)

    with jax.enable_x64(True):
        return jax.jit(jax.grad(objective))(nets)


@pytest.fixture(scope="module")
def trajectory(world64, profile64, place):
    with jax.enable_x64(True):
        return jax.jit(lambda nets: rollout(world64, Separate(nets), profile64, KEY))(place[0])


def action_gradient(learner, world, profile, trajectory, place):
    nets, multiplier = place
    prices = multiplier, learner.margin_pu
    run = jax.jit(lambda nets: learner.action_gradient(world, Separate(nets), profile, trajectory, prices))
    return run(nets)[0]


def size(tree) -> float:
    return float(jnp.sqrt(sum((leaf**2).sum() for leaf in jax.tree.leaves(tree))))


def test_both_learners_have_the_same_objective():
    assert TOTAL.lagrangian == SSL.lagrangian


@pytest.mark.slow
def test_one_update_of_the_surrogate_is_backpropagation(
    world64, profile64, place, trajectory, backpropagation, float64
):
    slope = action_gradient(TOTAL, world64, profile64, trajectory, place)
    rows = [jnp.swapaxes(flat(x), 0, 1) for x in (trajectory.features, trajectory.action, slope)]
    count = rows[0].shape[1]
    assert count == profile64.days() * world64.steps
    gradient = jax.tree.map(lambda leaf: count * leaf, jax.grad(surrogate)(place[0], *rows))
    gap = jax.tree.map(jnp.subtract, gradient, backpropagation)
    assert size(backpropagation) > 1e-3
    assert size(gap) <= 1e-12 * size(backpropagation)
    for home in range(world64.homes):
        own, mine = (jax.tree.map(lambda leaf, home=home: leaf[home], tree) for tree in (gap, backpropagation))
        assert size(own) <= 1e-11 * size(mine)


@pytest.mark.slow
def test_the_open_gradient_is_another(world64, profile64, place, trajectory, float64):
    """`open` leaves out that an action changes what the network will see: near the total gradient, not the same.

    They agree in the last step of a day, after which nothing is seen.
    """
    total, through_devices = (
        np.asarray(action_gradient(learner, world64, profile64, trajectory, place))
        for learner in (TOTAL, dataclasses.replace(TOTAL, gradient="open"))
    )
    assert not np.allclose(total, through_devices, rtol=1e-2)
    assert np.allclose(total[:, -1], through_devices[:, -1], rtol=1e-8, atol=1e-12)
    alike = (total * through_devices).sum() / np.linalg.norm(total) / np.linalg.norm(through_devices)
    assert 0.5 < alike < 0.9999


def test_the_surrogate_pulls_against_the_gradient_and_stays_near(world):
    """Its minimum is where each action has moved by minus the direction."""
    direction = jnp.linspace(-0.5, 0.5, 12).reshape(1, 4, 3)
    action = jnp.zeros((1, 4, 3))

    def value(moved):
        return surrogate(lambda features: moved, jnp.zeros((1, 4, 1)), action, direction)  # type: ignore

    assert jnp.allclose(jax.grad(value)(-direction), 0, atol=1e-7)
    assert value(-direction) < value(action) < value(direction)


def test_a_round_moves_no_action_farther_than_it_may():
    learner = GradMAP()
    random = np.random.default_rng(0)
    slope = jnp.asarray(random.standard_cauchy((2, 24, 5, 3)), jnp.float32)
    action = jnp.asarray(random.uniform(-1, 1, slope.shape), jnp.float32)
    for done in (0, 30, 10_000):
        pull = learner.direction(slope, learner.size((), slope, jnp.asarray(done))[1], action, jnp.asarray(done))
        assert float(jnp.abs(pull).max()) <= learner.trust_most + 1e-6
        assert float(jnp.abs(action - pull).max()) <= 1 + 1e-6
        assert bool((pull * slope >= 0).all())
    none, first = jnp.zeros_like(slope), jnp.asarray(0)
    assert jnp.abs(learner.direction(none, learner.size((), none, first)[1], action, first)).max() == 0


def test_a_rare_gradient_moves_actions_farther_than_usual_ones_where_sizes_are_remembered():
    """Nine rounds of gradients of one, then one of ten: RMSProp's mean square, corrected for its start."""
    usual, rare = jnp.ones((2, 24, 5, 3)), 10 * jnp.ones((2, 24, 5, 3))
    forgetful, learner = GradMAP(), GradMAP(square_memory=0.9)
    kept, found = forgetful.size((), rare, jnp.asarray(9))
    assert (kept, float(found.min()), float(found.max())) == ((), 10.0, 10.0)
    square = jnp.zeros((5, 3))
    for done in range(9):
        square, found = learner.size(square, usual, jnp.asarray(done))
        assert jnp.allclose(found, 1, rtol=1e-5)
    _, found = learner.size(square, rare, jnp.asarray(9))
    means = (0.9 * (1 - 0.9**9) + 0.1 * 100) / (1 - 0.9**10)
    assert jnp.allclose(found, means**0.5, rtol=1e-5)


@pytest.mark.slow
def test_what_is_remembered_is_part_of_the_state(world, profile):
    learner = GradMAP(hidden=(4,), days=2, total_rounds=4, square_memory=0.9)
    state = learner.init(world, KEY)
    after, _ = learner.update(state, world, lambda key, count: jax.tree.map(lambda x: x[:count], profile), KEY)
    assert after.square.shape == (world.homes, world.fleet.controls)
    assert float(after.square.max()) > 0
    assert GradMAP().init(world, KEY).square == (), "checkpoints of the usual form have no such array"


def pull_of_clipped(moved: float, direction: float) -> float:
    """The slope of the clipped surrogate of one action, radius 0.1."""
    at = jnp.asarray(direction).reshape(1, 1, 1)

    def value(moved):
        return clipped(lambda features: moved, jnp.zeros((1, 1, 1)), 0 * at, at, jnp.asarray(0.1))  # type: ignore

    return float(jax.grad(value)(jnp.asarray(moved).reshape(1, 1, 1)).sum())


@pytest.mark.parametrize("direction", [0.3, -0.3])
def test_the_clipped_surrogate_pulls_as_hard_as_the_other_until_an_action_has_moved_far_enough(direction):
    """d = 0 is the same gradient; beyond the radius the way it was pulled none; the other way it still pulls."""
    wanted = -np.sign(direction)
    assert pull_of_clipped(0.0, direction) == pytest.approx(direction)
    assert pull_of_clipped(0.05 * wanted, direction) == pytest.approx(direction)
    assert pull_of_clipped(0.2 * wanted, direction) == 0
    assert pull_of_clipped(-0.2 * wanted, direction) == pytest.approx(direction)


@pytest.mark.slow
def test_both_surrogates_start_with_the_same_gradient(world):
    """So that the clipped one, too, is backpropagation at μ(o) = a; a known answer for the study's test above."""
    nets = flock((world.seen, 8, world.fleet.controls), world.homes, jax.random.key(4))
    random = np.random.default_rng(1)
    features = jnp.asarray(random.standard_normal((world.homes, 6, world.seen)), jnp.float32)
    action = nets(features)
    direction = jnp.asarray(random.standard_normal(action.shape), jnp.float32)
    one = jax.grad(surrogate)(nets, features, action, direction)
    other = jax.grad(clipped)(nets, features, action, direction, jnp.asarray(0.1))
    gap = jax.tree.map(jnp.subtract, one, other)
    assert size(one) > 1
    assert size(gap) <= 1e-5 * size(one)


def test_the_radius_falls_to_its_least():
    learner = GradMAP(trust=0.4, trust_least=0.1, trust_falls=0.04, total_rounds=500)
    assert [float(learner.radius(jnp.asarray(done))) for done in (0, 10, 1000)] == pytest.approx([0.4, 0.2, 0.1])


def test_a_pass_takes_rows_once_and_no_more_minibatches_than_it_may():
    whole = np.asarray(shuffled(50, 6, 3, KEY))
    some = np.asarray(shuffled(50, 6, 3, KEY, most=5))
    assert whole.shape == (3 * 8, 6) and some.shape == (3 * 5, 6)
    assert (some.reshape(3, 5, 6) == whole.reshape(3, 8, 6)[:, :5]).all()  # the first of the same order
    assert all(len(np.unique(each)) == 30 for each in some.reshape(3, 30))
    assert np.array_equal(shuffled(50, 6, 3, KEY, most=9), whole)
