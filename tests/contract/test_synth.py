"""What every model of household load keeps to, those of today and those to come."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.synth.make import flock, live, quiet
from wattflock.core.registry import interface, parts
from wattflock.synth import bundle, gan_nets, habits_training
from wattflock.synth.load_model import LoadModel
from wattflock.synth.models import gan, habits

MODELS = parts("synth", interface("synth"))
HOMES, DAYS = 6, 10
every_model = pytest.mark.parametrize("name", MODELS)
# Laws hold whether a model has learned much or little.
SHORT = (
    (gan, "Recipe", functools.partial(gan_nets.Recipe, steps=0)),
    (habits_training, "STEPS", 2),
    (habits_training, "CHUNK", 2),
    (habits_training, "BATCH", 64),
    (habits, "TUNED_ON", 4),
)


@pytest.fixture(scope="module")
def model():
    """A model by name, fitted to eight homes and ten weeks."""

    @functools.cache
    def fitted(name: str) -> LoadModel:
        with pytest.MonkeyPatch.context() as patch:
            for module, word, value in SHORT:
                patch.setattr(module, word, value)
            return MODELS[name].fit(flock(weeks=10), 0, quiet)

    return fitted


KEYS = jax.random.split(jax.random.key(7), HOMES)


@eqx.filter_jit
def lives(model: LoadModel, keys: jax.Array) -> tuple:
    """Traits, last states and load of homes, (homes, days, 24)."""
    return jax.vmap(lambda key: live(model, key, DAYS))(keys)


@every_model
def test_it_says_where_it_comes_from(name):
    assert "Source:" in (MODELS[name].__doc__ or "")


@pytest.mark.slow
@every_model
def test_load_is_power_of_a_day_and_homes_differ(model, name):
    load_kw = np.asarray(lives(model(name), KEYS)[2])
    assert load_kw.shape == (HOMES, DAYS, 24)
    assert np.isfinite(load_kw).all() and (load_kw >= 0).all() and load_kw.mean() > 0
    assert len(np.unique(load_kw.mean((1, 2)))) == HOMES
    assert (load_kw.std(1) > 0).any(), "all days are alike"


@pytest.mark.study
@every_model
def test_a_home_is_the_same_whatever_else_is_drawn(model, name):
    together, alone = lives(model(name), KEYS), lives(model(name), KEYS[3:4])
    for one, other in zip(jax.tree.leaves(together), jax.tree.leaves(alone), strict=True):
        np.testing.assert_allclose(one[3], other[0], rtol=1e-4, atol=1e-5)


@pytest.mark.study
@every_model
def test_more_days_leave_the_first_as_they_are(model, name):
    longer = eqx.filter_jit(live)(model(name), KEYS[0], 2 * DAYS)[2]
    np.testing.assert_allclose(longer[:DAYS], lives(model(name), KEYS)[2][0], rtol=1e-4, atol=1e-5)


@pytest.mark.study
@every_model
def test_a_state_keeps_its_structure(model, name):
    made = model(name)
    begin = jax.vmap(lambda key: made.begin(made.traits(key), key))(KEYS)
    _, end, _ = lives(made, KEYS)
    told = [jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), tree) for tree in (begin, end)]
    assert told[0] == told[1]
    assert all(bool(jnp.isfinite(leaf).all()) for leaf in jax.tree.leaves(end))


@pytest.mark.study
@every_model
def test_a_file_gives_back_the_same_days(model, name, tmp_path):
    made, path = model(name), tmp_path / "load.safetensors"
    path.write_bytes(bundle.packed(made, {"of": "nobody"}))
    back, card = bundle.unpacked(LoadModel, path)
    assert type(back) is MODELS[name]
    assert card == {"of": "nobody", "load": name}
    assert all(map(np.array_equal, jax.tree.leaves(made), jax.tree.leaves(back)))
    np.testing.assert_array_equal(lives(made, KEYS)[2], lives(back, KEYS)[2])


@pytest.mark.study
@every_model
def test_the_same_seed_fits_the_same_model(model, name):
    again = model.__wrapped__(name)
    assert all(map(np.array_equal, jax.tree.leaves(model(name)), jax.tree.leaves(again)))
