"""Indices of fairness: ends that are known, sums of pairs, weights, and the same of NumPy and JAX."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattflock.core.fairness import gini, jain


@pytest.mark.parametrize("xp", [np, jnp])
def test_known_values(xp):
    """x = 1, 2, 3: 36 / (3 · 14), and (1 + 2 + 1 + 2 + 1 + 1) / (2 · 3 · 6); what does not count is not looked at."""
    values, here = xp.asarray([[1.0, 9.0, 3.0, 2.0], [0, 0, 5, 0]]), xp.asarray([[True, False, True, True], [True] * 4])
    np.testing.assert_allclose(jain(values, here), [36 / 42, 1 / 4], rtol=1e-6)
    np.testing.assert_allclose(gini(values, here), [8 / 36, 3 / 4], rtol=1e-6)
    for even in (0 * values, 0 * values + 7):
        assert (jain(even) == 1).all() and (abs(gini(even)) < 1e-6).all()
    assert (jain(values, 0 * values) == 1).all() and (gini(values, 0 * values) == 0).all()
    assert jain(values, here).dtype == values.dtype


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0.01, 1e6), min_size=1, max_size=8), st.floats(1e-6, 1e6))
def test_indices_have_no_unit_stay_in_range_and_count_a_weight_as_so_many(payoff, scale):
    x = np.array(payoff)
    n, pairs = len(x), abs(x[:, None] - x).sum()
    assert float(gini(x)) == pytest.approx(pairs / (2 * n * x.sum()), abs=1e-9)
    np.testing.assert_allclose([jain(x * scale), gini(x * scale)], [jain(x), gini(x)], atol=1e-9)
    assert 1 / n - 1e-12 <= jain(x) <= 1 + 1e-12
    times = np.arange(n) % 3
    many = np.repeat(x, times)
    if len(many):
        np.testing.assert_allclose([jain(x, times), gini(x, times)], [jain(many), gini(many)], atol=1e-9)
