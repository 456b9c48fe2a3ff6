"""A thousand separate networks: the same whichever axis the homes are on."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wattflock.learn.nets import across, flock, turned, turned_back


@pytest.mark.slow
@pytest.mark.parametrize("rows", [1, 5])
def test_networks_turned_are_the_same_networks(rows, float64):
    random = np.random.default_rng(0)
    nets = jax.tree.map(jnp.asarray, flock((6, 7, 5, 2), 9, jax.random.key(0)))
    features, wanted = (jnp.asarray(random.standard_normal((9, rows, width))) for width in (6, 2))

    def miss(nets):
        return ((nets(features) - wanted) ** 2).sum()

    def miss_across(nets):
        return ((across(nets, jnp.moveaxis(features, 0, 2).swapaxes(0, 1)) - wanted.transpose(2, 1, 0)) ** 2).sum()

    value, slope = jax.value_and_grad(miss)(nets)
    other, other_slope = jax.value_and_grad(miss_across)(turned(nets))
    assert value == pytest.approx(float(other), rel=1e-12)
    for one, two in zip(*map(jax.tree.leaves, (slope, turned_back(other_slope))), strict=True):
        assert jnp.allclose(one, two, rtol=1e-10, atol=1e-12)


def test_turning_back_undoes_turning():
    tree = {"weight": jnp.arange(24.0).reshape(2, 3, 4), "bias": jnp.arange(6.0).reshape(2, 3), "count": jnp.asarray(3)}
    back = turned_back(turned(tree))
    assert all(jnp.array_equal(tree[name], back[name]) for name in tree)
    assert turned(tree)["weight"].shape == (3, 4, 2)
