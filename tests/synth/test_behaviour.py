"""Laws of clusters of days and of the chain of daily energy."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wattflock.synth import behaviour, scale

PEAKS_H = (3, 9, 15, 20)
DAYS = 140
WEEKEND = (np.arange(DAYS) % 7 >= 5).astype(int)


@pytest.fixture(scope="module")
def planted():
    """Cluster of each day (8 homes, 140 days), and days of any size that peak at its hour."""
    rng = np.random.default_rng(0)
    label = rng.integers(0, 4, (8, DAYS))
    hour = np.arange(24) - np.array(PEAKS_H)[label][..., None]
    shape = 0.2 + np.exp(-(hour**2) / 4) + 0.05 * rng.random((8, DAYS, 24))
    return label, shape * rng.lognormal(0, 1, (8, DAYS, 1))


@pytest.fixture(scope="module")
def fitted(planted):
    return behaviour.fit(planted[1], WEEKEND, 4)


def test_a_day_keeps_its_cluster_whatever_its_size(fitted, planted):
    days = planted[1][0]
    np.testing.assert_array_equal(fitted.assign(days, WEEKEND), fitted.assign(days * 7.0, WEEKEND))


def test_planted_clusters_are_found(fitted, planted):
    np.testing.assert_array_equal(behaviour.labels(fitted, planted[1], WEEKEND), planted[0])


def test_the_elbow_finds_how_many_there_are(planted):
    assert behaviour.criteria(planted[1], WEEKEND, counts=(2, 3, 4, 5, 6)).elbow() == 4


def test_numpy_and_jax_assign_alike(fitted, planted):
    days = planted[1][:2].astype(np.float32)
    kind = np.broadcast_to(WEEKEND, days.shape[:2])
    found = eqx.filter_jit(fitted.assign)(jnp.asarray(days), jnp.asarray(kind))
    np.testing.assert_array_equal(found, fitted.assign(days, kind))


def test_transitions_are_chances(fitted):
    np.testing.assert_allclose(fitted.transition.sum(-1), 1, rtol=1e-5)
    np.testing.assert_allclose(fitted.share.sum(-1), 1, rtol=1e-5)


def test_a_habit_is_seen_in_the_transitions():
    label = np.arange(DAYS)[None] % 2
    counts = behaviour.transition_counts(label, WEEKEND, 2)
    assert counts.sum() == DAYS - 1
    assert counts[..., 0, 0].sum() == counts[..., 1, 1].sum() == 0


def test_a_day_left_out_joins_no_two_days(planted):
    gap = planted[1].copy()
    gap[0, 10, 5] = np.nan
    label = behaviour.labels(behaviour.fit(gap, WEEKEND, 4), gap, WEEKEND)
    assert label[0, 10] == -1
    assert behaviour.transition_counts(label, WEEKEND, 4).sum() == 8 * (DAYS - 1) - 2


def test_empty_rows_lie_between_their_neighbours():
    filled = scale.fill(np.array([[2.0, 0, 0], [0, 0, 0], [0, 0, 4]]))
    np.testing.assert_allclose(filled, [[1, 0, 0], [0.5, 0, 0.5], [0, 0, 1]])


def test_a_chain_needs_every_pair_of_day_types():
    with pytest.raises(ValueError, match="full week"):
        scale.fit(np.ones((2, 4)), np.zeros(4, int))


def test_a_home_keeps_its_own_mean_and_its_memory():
    """A chain learned from homes of 2 and 40 kWh a day, each divided by its own mean, is that of either home."""
    rng = np.random.default_rng(1)
    weekend = (np.arange(2000) % 7 >= 5).astype(int)
    walk = np.zeros((2, 2000))
    for k in range(1, 2000):
        walk[:, k] = 0.7 * walk[:, k - 1] + rng.normal(0, 0.15, 2)
    energy = np.exp(walk) * np.array([[2.0], [40.0]])
    chain = scale.fit(energy / energy.mean(1, keepdims=True), weekend)

    def step(before, given):
        after = chain.next(before, (given[0], given[1]), given[2])
        return after, after

    chance = jax.random.uniform(jax.random.key(0), (1999,))
    _, made = jax.lax.scan(step, chain.begin(jnp.array(0.5)), (weekend[:-1], weekend[1:], chance))
    assert made.mean() == pytest.approx(1, abs=0.07)
    assert np.corrcoef(made[:-1], made[1:])[0, 1] == pytest.approx(0.7, abs=0.08)
