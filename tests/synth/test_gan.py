"""Laws of the set-of-profiles GAN: first of what every home needs, then of the training."""

import datetime

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import load, save

from wattflock.synth.flock import Flock
from wattflock.synth.gan import Gan
from wattflock.synth.gan_nets import Recipe, generate, pool, train
from wattflock.synth.when import calendar

PEAKS_H = (3, 9, 15, 20)
OUTDOOR_C = jnp.zeros(24)


def quiet(share: float, words: str) -> None:
    """Says nothing."""


def peaked(label: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    hour = np.arange(24) - np.array(PEAKS_H)[label][..., None]
    return (0.2 + np.exp(-(hour**2) / 4)) * rng.lognormal(0, 0.2, (*label.shape, 24))


@pytest.fixture(scope="module")
def measured() -> Flock:
    """Eight homes of 2 to 16 kWh/day for 20 weeks from a Monday, with days of four kinds."""
    rng = np.random.default_rng(0)
    days = peaked(rng.integers(0, 4, (8, 140)), rng)
    energy_kwh = np.arange(2.0, 18, 2)[:, None] * rng.lognormal(0, 0.2, (8, 140))
    load_kw = days / days.sum(-1, keepdims=True) * energy_kwh[..., None]
    names = tuple(f"home {k}" for k in range(8))
    return Flock(names, datetime.date(2024, 1, 1), load_kw=load_kw.astype(np.float32))


@pytest.fixture(scope="module")
def model(measured) -> Gan:
    """Everything but the training of the networks."""
    return Gan.learn(measured, Recipe(steps=0), 0, quiet)


def live(model: Gan, key: jax.Array, days: int) -> tuple[dict, jax.Array]:
    """Traits and load of one home, (days, 24)."""
    for_traits, for_start, for_days = jax.random.split(key, 3)
    traits = model.traits(for_traits)

    def step(state, when):
        return model.day((traits, state), OUTDOOR_C, when, jax.random.fold_in(for_days, when.day))

    days_on = jax.tree.map(jnp.asarray, calendar(datetime.date(2027, 1, 1), days, "Europe/London"))
    return traits, jax.lax.scan(step, model.begin(traits, for_start), days_on)[1]


@pytest.fixture(scope="module")
def homes(model):
    keys = jax.random.split(jax.random.key(3), 50)
    return jax.jit(jax.vmap(lambda key: live(model, key, 60)))(keys)


def test_load_is_power_of_a_day(homes):
    assert homes[1].shape == (50, 60, 24)
    assert jnp.isfinite(homes[1]).all() and (homes[1] > 0).all()


def test_every_home_keeps_its_own_magnitude(homes):
    traits, load_kw = homes
    factor = load_kw.sum(-1).mean(1) / traits["level_kwh"]
    np.testing.assert_allclose(factor, 1, atol=0.2)
    assert traits["level_kwh"].min() < 4 and traits["level_kwh"].max() > 12


def test_levels_lie_among_the_measured(homes, model):
    level = homes[0]["level_kwh"]
    assert (level > model.level_kwh[0] * 0.999).all() and (level < model.level_kwh[-1] * 1.001).all()


def test_more_days_leave_the_first_as_they_are(homes, model):
    key = jax.random.split(jax.random.key(3), 50)[7]
    np.testing.assert_allclose(live(model, key, 90)[1][:60], homes[1][7], rtol=1e-4)


def test_a_file_can_hold_every_field(model):
    leaves, tree = jax.tree.flatten(model)
    held = load(save({str(k): np.asarray(leaf) for k, leaf in enumerate(leaves)}))
    back = jax.tree.unflatten(tree, [held[str(k)] for k in range(len(leaves))])
    assert all(map(np.array_equal, leaves, jax.tree.leaves(back)))
    assert all(isinstance(leaf, np.ndarray) for leaf in leaves)


def test_half_hours_and_no_load_are_refused(measured):
    half = Flock(measured.homes, measured.first_day, load_kw=np.ones((8, 140, 48), np.float32))
    none = Flock(measured.homes, measured.first_day, pv_kw=np.ones((8, 140, 24), np.float32))
    for wrong in (half, none):
        with pytest.raises(ValueError, match="hourly load"):
            Gan.learn(wrong, Recipe(steps=0), 0, quiet)


@pytest.mark.study
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


@pytest.mark.study
def test_training_stops_when_it_is_good_enough():
    days = np.random.default_rng(0).dirichlet(np.ones(24), 200)
    said = []
    train(pool([days]), Recipe(steps=50, each=5, sets=2, enough=1e9), jax.random.key(0), lambda *a: said.append(a))
    assert len(said) == 1
