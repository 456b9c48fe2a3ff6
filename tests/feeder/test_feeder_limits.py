"""Limits by name: voltages, loading, unbalance; and what a snapshot tells of them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wattflock.feeder.feeders.european_lv import EuropeanLV
from wattflock.feeder.feeders.ieee13 import IEEE13
from wattflock.feeder.feeders.ieee37 import IEEE37
from wattflock.feeder.judged import Unloaded, sequences
from wattflock.feeder.limits import PRESETS, branch_loading, kept, stress, stress_names
from wattflock.feeder.snapshot import snapshot
from wattflock.feeder.solve import solve

TURN = np.exp(2j * np.pi / 3)


def test_presets_are_those_of_the_standards():
    assert (PRESETS["ansi-a"].low_pu, PRESETS["ansi-a"].high_pu) == (0.95, 1.05)
    assert (PRESETS["en50160"].low_pu, PRESETS["en50160"].high_pu) == (0.90, 1.10)
    assert {limits.unbalance for limits in PRESETS.values()} == {0.02}


@pytest.mark.parametrize("share", [0.0, 0.01, 0.05])
@pytest.mark.parametrize("numbered", [(0, 1, 2), (2, 1, 0)])
def test_unbalance_is_the_share_of_the_negative_sequence(share, numbered):
    circuit = IEEE13().circuit()
    positive = np.array([1, TURN**2, TURN])
    no_load = np.zeros(len(circuit.nodes), complex)
    voltage = no_load.copy()
    at = [circuit.nodes.index(f"671.{phase}") for phase in (1, 2, 3)]
    no_load[at] = 2400 * positive[list(numbered)]
    with_others = positive + share * np.conj(positive) * np.exp(0.7j) + 0.2  # and some zero sequence
    voltage[at] = 2400 * with_others[list(numbered)]
    probe = sequences(Unloaded(circuit, no_load, set()))
    assert probe.names == ("671 positive", "671 negative")
    first, second = abs(probe.rows @ voltage)
    np.testing.assert_allclose(second / first, share, atol=1e-12)


def test_every_limit_has_a_name_and_a_sign(float64):
    limits, feeder = PRESETS["ansi-a"], IEEE13().build()
    scales = np.array([0.3, 1.0])[:, None]
    flow = solve(feeder, scales * feeder.nominal_kw, scales * feeder.nominal_kvar, 1e-10)
    rows, names = stress(limits, feeder, flow), stress_names(feeder)
    assert rows.shape == (2, len(names))
    assert kept(limits, feeder, flow).tolist() == [True, False]
    broken = {name for name, value in zip(names, rows[1], strict=True) if value > 0}
    assert "under-voltage 652.1" in broken
    assert any(name.startswith("loading ") for name in broken)
    under = float(rows[1][names.index("under-voltage 652.1")])
    np.testing.assert_allclose(under, 0.95 - flow.voltage_pu[1][feeder.nodes.index("652.1")], rtol=1e-12)


def test_loading_is_current_over_rating_and_nothing_where_none_is_known(float64):
    feeder = EuropeanLV().build()
    flow = solve(feeder, 10 * feeder.nominal_kw, 10 * feeder.nominal_kvar, 1e-10)
    loading = np.asarray(branch_loading(feeder, flow.branch_a))
    known = feeder.rating_a > 0
    assert (loading[~known] == 0).all()
    windings = [index for index, name in enumerate(feeder.branch.names) if name.startswith("transformer.")]
    at = [index for index in windings if ".w" not in feeder.branch.names[index]]
    amperes = 800 / 3 / (11 / 3**0.5)  # of a phase on the 11 kV side
    np.testing.assert_allclose(feeder.rating_a[at], amperes, rtol=1e-9)
    second = [index for index in windings if ".w2." in feeder.branch.names[index]]
    np.testing.assert_allclose(feeder.rating_a[second], 800 / 3**0.5 / 0.416, rtol=1e-9)
    head_kva = np.hypot(flow.head_kw, flow.head_kvar)
    np.testing.assert_allclose(sorted(loading[at]), sorted(head_kva / (800 / 3)), rtol=2e-2)  # the source sags by 1 %


@pytest.mark.study
def test_gradients_of_all_limits_are_finite(float64):
    limits, feeder = PRESETS["en50160"], IEEE37().build()

    def worst(load_kw):
        return stress(limits, feeder, solve(feeder, load_kw, feeder.nominal_kvar, 1e-10)).sum()

    for load_kw in (feeder.nominal_kw, 0 * feeder.nominal_kw):
        assert np.isfinite(jax.grad(worst)(jnp.asarray(load_kw))).all()


def test_on_a_delta_feeder_voltages_are_between_phases():
    shot = snapshot(IEEE37().circuit(), "as-modelled", 0.5)
    assert all(name.count(".") == 2 for name in shot.feeder.nodes)
    assert ((shot.flow.voltage_pu > 0.9) & (shot.flow.voltage_pu < 1.05)).all()
    first, second = (shot.circuit.nodes.index(name) for name in ("701.1", "701.2"))
    across = abs(shot.phasor_pu[first] - shot.phasor_pu[second]) / 3**0.5
    np.testing.assert_allclose(shot.flow.voltage_pu[shot.feeder.nodes.index("701.1.2")], across, rtol=1e-9)
