"""Regulators come to rest where OpenDSS's own controls do."""

import dataclasses

import pytest

from wattflock.feeder.circuit import with_taps
from wattflock.feeder.feeders.ieee13 import IEEE13
from wattflock.feeder.feeders.ieee37 import IEEE37
from wattflock.feeder.feeders.ieee123 import IEEE123
from wattflock.feeder.loads import scaled
from wattflock.feeder.tap_control import settle_taps, taps_of

WIRINGS = {IEEE13: (9, 6, 9), IEEE37: (16, 14), IEEE123: (6, 0, 2, 0, 10, 4, 6)}  # OpenDSS, EPRI's files, from tap 0
EDGES = {"low_pu": 0.95, "high_pu": 1.05, "floor_pu": 0.5}  # where OpenDSS makes a load an impedance


def loads(circuit):
    """The feeder's loads as OpenDSS models them by default."""
    return tuple(dataclasses.replace(spot, **EDGES) for spot in circuit.spots)


def from_zero(circuit):
    return with_taps(circuit, (0,) * len(circuit.regulators))


@pytest.mark.study
@pytest.mark.parametrize("wiring", WIRINGS)
def test_taps_are_those_of_epris_own_files(wiring):
    circuit = from_zero(wiring().circuit())
    tapped = settle_taps(circuit, loads(circuit))
    assert tapped.settled
    assert tapped.taps == taps_of(tapped.circuit) == WIRINGS[wiring]


@pytest.mark.study
@pytest.mark.parametrize("scale", [0.2, 0.7, 1.2])
@pytest.mark.parametrize("wiring", WIRINGS)
def test_taps_are_those_of_live_opendss(wiring, scale):
    pytest.importorskip("dss", reason="OpenDSS is not installed: pip install 'wattflock[opendss]'")
    from wattflock.feeder.opendss.engine import command, start
    from wattflock.feeder.opendss.script import controls, load_models, to_opendss

    network = wiring(taps=(0,) * len(WIRINGS[wiring])).network()
    engine = start()
    words = (
        *to_opendss(network), *load_models(network), "batchedit load..* vminpu=0.95 vmaxpu=1.05 vlowpu=0.5",
        *controls(network), "set controlmode=static", "set maxcontroliter=100", "set tolerance=1e-8",
        f"set loadmult={scale}", "solve mode=snapshot",
    )  # fmt: skip
    command(engine, *words)
    units = engine.ActiveCircuit.RegControls
    expected = {}
    more = units.First
    while more:
        expected[units.Transformer.lower()] = units.TapNumber
        more = units.Next
    circuit = from_zero(wiring().circuit())
    tapped = settle_taps(circuit, scaled(loads(circuit), scale))
    assert tapped.settled
    assert dict(zip((unit.name for unit in circuit.regulators), tapped.taps, strict=True)) == expected


def test_a_regulator_without_a_control_stays():
    circuit = IEEE13().circuit()
    units = tuple(dataclasses.replace(unit, control=None) for unit in circuit.regulators)
    tapped = settle_taps(dataclasses.replace(circuit, regulators=units), circuit.spots)
    assert (tapped.taps, tapped.actions, tapped.settled) == (taps_of(circuit), 0, True)


def test_without_a_solution_nothing_settles():
    circuit = IEEE13().circuit()
    tapped = settle_taps(circuit, scaled(circuit.spots, 50))
    assert (tapped.taps, tapped.settled) == (taps_of(circuit), False)
