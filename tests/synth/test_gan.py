"""Laws of the set-of-profiles GAN: first of what every home needs, then of the training."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import load, save

from tests.synth.make import MONDAY, flock, live, peaked, quiet
from wattflock.data.home_days import HomeDays
from wattflock.synth.gan_nets import Recipe, generate, pool, train
from wattflock.synth.models.gan import Gan


@pytest.fixture(scope="module")
def measured() -> HomeDays:
    """Eight homes of 2 to 16 kWh/day for 20 weeks."""
    return flock(weeks=20)


@pytest.fixture(scope="module")
def model(measured) -> Gan:
    """Everything but the training of the networks."""
    return Gan.learn(measured, Recipe(steps=0), 0, quiet)


@pytest.fixture(scope="module")
def homes(model):
    keys = jax.random.split(jax.random.key(3), 50)
    return jax.jit(jax.vmap(lambda key: live(model, key, 60)))(keys)


@pytest.mark.slow
def test_load_is_power_of_a_day(homes):
    load_kw = homes[2]
    assert load_kw.shape == (50, 60, 24)
    assert jnp.isfinite(load_kw).all() and (load_kw > 0).all()


@pytest.mark.study
def test_every_home_keeps_its_own_magnitude(homes):
    traits, _, load_kw = homes
    factor = load_kw.sum(-1).mean(1) / traits["level_kwh"]
    np.testing.assert_allclose(factor, 1, atol=0.2)
    assert traits["level_kwh"].min() < 4 and traits["level_kwh"].max() > 12


@pytest.mark.study
def test_levels_lie_among_the_measured(homes, model):
    level = homes[0]["level_kwh"]
    assert (level > model.level_kwh[0] * 0.999).all() and (level < model.level_kwh[-1] * 1.001).all()


@pytest.mark.slow
def test_more_days_leave_the_first_as_they_are(homes, model):
    key = jax.random.split(jax.random.key(3), 50)[7]
    np.testing.assert_allclose(live(model, key, 90)[2][:60], homes[2][7], rtol=1e-4)


@pytest.mark.study
def test_a_file_can_hold_every_field(model):
    leaves, tree = jax.tree.flatten(model)
    held = load(save({str(k): np.asarray(leaf) for k, leaf in enumerate(leaves)}))
    back = jax.tree.unflatten(tree, [held[str(k)] for k in range(len(leaves))])
    assert all(map(np.array_equal, leaves, jax.tree.leaves(back)))
    assert all(isinstance(leaf, np.ndarray) for leaf in leaves)


def test_half_hours_and_no_load_are_refused(measured):
    half = HomeDays(measured.homes, MONDAY, load_kw=np.ones((8, 140, 48), np.float32))
    none = HomeDays(measured.homes, MONDAY, pv_kw=np.ones((8, 140, 24), np.float32))
    for wrong in (half, none):
        with pytest.raises(ValueError, match="hourly load"):
            Gan.learn(wrong, Recipe(steps=0), 0, quiet)


@pytest.mark.slow
def test_training_brings_the_percentiles_of_each_pool():
    """Two pools in one go: each generator ends nearer to its own hours than to the other's."""
    rng = np.random.default_rng(0)
    found = [peaked(np.full(400, k), rng) for k in (1, 3)]
    pools = pool([days / days.sum(1, keepdims=True) for days in found])
    losses = []
    recipe = Recipe(steps=200, each=50, sets=4)
    nets = train(pools, recipe, jax.random.key(0), lambda share, words: losses.append(float(words.split()[-1])))
    assert losses[-1] < losses[0] / 3

    def mean(net, bound):
        made = jax.vmap(lambda key: generate(net, bound, 0.0, key))(jax.random.split(jax.random.key(1), 40))
        return made.mean((0, 1))

    made = jax.vmap(mean)(nets, pools.bound)
    off = np.abs(np.asarray(made)[:, None] - np.asarray(pools.target)[None, :, 5]).sum(-1)
    assert off[0, 0] < off[0, 1] / 2 and off[1, 1] < off[1, 0] / 2


@pytest.mark.slow
def test_training_stops_when_it_is_good_enough():
    days = np.random.default_rng(0).dirichlet(np.ones(24), 200)
    said = []
    train(pool([days]), Recipe(steps=50, each=5, sets=2, enough=1e9), jax.random.key(0), lambda *a: said.append(a))
    assert len(said) == 1
