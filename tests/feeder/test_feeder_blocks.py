"""The two-level operator is the dense one, cut into blocks."""

import dataclasses

import jax
import numpy as np
import pytest

from wattflock.feeder import partition as cutting
from wattflock.feeder.feeders.european_lv import EuropeanLV
from wattflock.feeder.feeders.ieee123 import IEEE123
from wattflock.feeder.reduce import reduce_circuit
from wattflock.feeder.solve import solve
from wattflock.feeder.stiff import system_of

pytestmark = pytest.mark.study
WIRINGS = (IEEE123, EuropeanLV)


@pytest.mark.slow
@pytest.mark.parametrize("modelled", [False, True], ids=["constant power", "as modelled"])
@pytest.mark.parametrize("wiring", WIRINGS)
def test_blocks_change_nothing(wiring, modelled, monkeypatch, float64):
    circuit = wiring().circuit()
    background = circuit.spots if modelled else ()
    whole = reduce_circuit(circuit, background)
    monkeypatch.setattr(cutting, "DENSE_MOST", 12)
    monkeypatch.setattr(cutting, "_products", lambda found: -len(found.blocks))  # however many they cost
    monkeypatch.setattr(cutting, "WIDTHS", (12,))
    cut = reduce_circuit(circuit, background)
    assert whole.terminal.impedance.local.shape[0] == 1
    assert cut.terminal.impedance.local.shape[0] > 4
    factor = np.random.default_rng(1).uniform(-0.5, 0.8, (7, len(whole.terminals)))
    load = factor * whole.nominal_kw, factor * whole.nominal_kvar
    one, other = (solve(feeder, *load, 1e-12, 100) for feeder in (whole, cut))
    assert cut.nodes == whole.nodes
    for name in ("voltage_pu", "phasor_pu"):
        np.testing.assert_allclose(getattr(other, name), getattr(one, name), rtol=0, atol=1e-10)
    for name in ("branch_a", "drawn_kw", "head_kw", "losses_kw"):
        np.testing.assert_allclose(getattr(other, name), getattr(one, name), rtol=1e-8, atol=1e-6)


def test_blocks_change_nothing_beside_stiff_switches(monkeypatch, float64):
    """Switches of 1e-10 ohm, whose ends the cut may part: the voltages of those of 1e-6 ohm, but for these."""
    circuit = IEEE123().circuit()
    elements = (
        dataclasses.replace(one, admittance=1e4 * one.admittance if one.kind == "switch" else one.admittance)
        for one in circuit.elements
    )
    stiff = dataclasses.replace(circuit, elements=tuple(elements))
    plain, whole = reduce_circuit(circuit), reduce_circuit(stiff)
    monkeypatch.setattr(cutting, "DENSE_MOST", 12)
    monkeypatch.setattr(cutting, "_products", lambda found: -len(found.blocks))  # however many they cost
    monkeypatch.setattr(cutting, "WIDTHS", (12,))
    cut = reduce_circuit(stiff)
    assert cut.terminal.impedance.local.shape[0] > 4
    one, other, third = (solve(each, each.nominal_kw, each.nominal_kvar, 1e-12, 100) for each in (whole, cut, plain))
    np.testing.assert_allclose(other.voltage_pu, one.voltage_pu, rtol=0, atol=1e-10)
    np.testing.assert_allclose(third.voltage_pu, one.voltage_pu, rtol=0, atol=1e-6)
    np.testing.assert_allclose(other.branch_a, one.branch_a, rtol=1e-8, atol=1e-5)


@pytest.mark.slow
def test_gradients_are_the_same(monkeypatch, float64):
    circuit = IEEE123().circuit()
    whole = reduce_circuit(circuit)
    monkeypatch.setattr(cutting, "DENSE_MOST", 12)
    monkeypatch.setattr(cutting, "_products", lambda found: -len(found.blocks))  # however many they cost
    monkeypatch.setattr(cutting, "WIDTHS", (12,))
    cut = reduce_circuit(circuit)
    load = whole.nominal_kw, whole.nominal_kvar

    def slope(feeder):
        return jax.grad(lambda kw, kvar: (solve(feeder, kw, kvar, 1e-13).voltage_pu ** 2).sum(), argnums=(0, 1))(*load)

    for one, other in zip(slope(whole), slope(cut), strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-9, atol=1e-15)


def test_every_node_is_inside_one_block_or_cut(monkeypatch):
    circuit = EuropeanLV().circuit()
    monkeypatch.setattr(cutting, "DENSE_MOST", 12)
    monkeypatch.setattr(cutting, "_products", lambda found: -len(found.blocks))  # however many they cost
    found = cutting.partition(system_of(circuit, []))
    inside = np.concatenate([block.inside for block in found.blocks])
    assert sorted([*inside, *found.cut]) == list(range(len(circuit.nodes)))
    terminals = np.concatenate([block.terminals for block in found.blocks])
    assert sorted(terminals) == list(range(55))
    assert all(set(block.rim) <= set(found.cut) for block in found.blocks)


def test_a_long_batch_is_the_same_as_its_parts(float64):
    """A batch larger than a chunk: nothing depends on where it is cut."""
    feeder = IEEE123().build()
    factor = np.random.default_rng(2).uniform(0, 1.5, (2051, len(feeder.terminals)))
    load = factor * feeder.nominal_kw, factor * feeder.nominal_kvar
    long = solve(feeder, *load, 1e-10)
    assert long.voltage_pu.shape == (2051, len(feeder.nodes))
    for at in (0, 1024, 2050):
        alone = solve(feeder, load[0][at], load[1][at], 1e-10)
        np.testing.assert_allclose(long.voltage_pu[at], alone.voltage_pu, rtol=0, atol=1e-10)
