"""Elements of an OpenDSS engine in our types: nodes by index, primitive admittances, power drawn."""

from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components  # loaded at once: see `child`

from wattflock.feeder.circuit import GROUND, Element, Matrix

CARRIERS = ("line", "transformer", "autotrans", "capacitor", "reactor", "fault")
SOURCES = ("vsource",)
LOADS = ("load",)
FROZEN = ("generator", "pvsystem", "storage", "windgen", "indmach012")  # kept at the power of the base case
METERS = ("monitor", "energymeter", "sensor", "fmonitor")
CONTROLS = ("capcontrol", "swtcontrol", "relay", "recloser", "fuse", "invcontrol", "expcontrol", "storagecontroller")
CONTROLS += ("gendispatcher", "espvlcontrol", "upfccontrol", "vvcontrol")
KM_PER = {1: 1.609344, 2: 0.3048, 3: 1.0, 4: 1e-3, 5: 3.048e-4, 6: 2.54e-5, 7: 1e-5}  # OpenDSS's units of length
KNOWN = (*CARRIERS, *SOURCES, *LOADS, *FROZEN, *METERS, *CONTROLS, "regcontrol")


def kind_of(name: str) -> str:
    """`line` of `line.l115`."""
    return name.partition(".")[0]


def enabled(engine: Any) -> list[str]:
    """Names of all enabled elements, lower case, in the order of the file."""
    circuit = engine.ActiveCircuit
    names = []
    for name in circuit.AllElementNames:
        circuit.SetActiveElement(name)
        if circuit.ActiveCktElement.Enabled:
            names.append(name.lower())
    return names


def read_elements(engine: Any, kinds: tuple[str, ...]) -> list[Element]:
    """Enabled elements of some kinds; nodes are indices into `node_names`. Needs a solved or built circuit."""
    circuit = engine.ActiveCircuit
    return [read_element(circuit, name) for name in enabled(engine) if kind_of(name) in kinds]


def read_element(circuit: Any, name: str) -> Element:
    """One element with its own admittance (Yprim) [S]; its rating and length as OpenDSS keeps them."""
    circuit.SetActiveElement(name)
    one = circuit.ActiveCktElement
    nodes = [int(at) - 1 for at in one.NodeRef]  # OpenDSS counts from 1 and calls the ground 0
    width = int(one.NumConductors)
    ends = tuple(tuple(nodes[at : at + width]) for at in range(0, len(nodes), width))
    rating_a = float(one.NormalAmps) if kind_of(name) == "line" else np.nan
    length_km = _length_km(circuit, name) if kind_of(name) == "line" else np.nan
    return Element(name, ends, square(one.Yprim, len(nodes)), rating_a=rating_a, length_km=length_km)


def _length_km(circuit: Any, name: str) -> float:
    circuit.Lines.Name = name.partition(".")[2]  # OpenDSS keeps an active line beside the active element
    return float(circuit.Lines.Length) * KM_PER.get(circuit.Lines.Units, np.nan)


def square(pairs: Any, size: int) -> Matrix:
    """A complex matrix from OpenDSS's pairs of real and imaginary, column after column."""
    return as_complex(pairs).reshape(size, size).T.copy()


def as_complex(pairs: Any) -> Matrix:
    """Complex numbers from OpenDSS's pairs of real and imaginary."""
    return np.array(pairs, float).view(complex)


def node_names(engine: Any) -> tuple[str, ...]:
    """`bus.phase`, lower case, in the order of the engine's matrix; changes when elements are disabled."""
    return tuple(name.lower() for name in engine.ActiveCircuit.YNodeOrder)


def node_voltage(engine: Any) -> Matrix:
    """[V], shape (nodes,), complex."""
    return as_complex(engine.ActiveCircuit.YNodeVarray)


def at_nodes(voltage: Matrix, nodes: tuple[int, ...]) -> Matrix:
    """Voltages at some nodes, 0 at GROUND."""
    return np.array([0j if node == GROUND else voltage[node] for node in nodes])


def reached(elements: list[Element], heads: list[Element], loads: list[Element], size: int) -> Matrix:
    """Which nodes have a path through admittances to a source, shape (nodes,), bool.

    A neutral that only loads join to the rest is one of them where a wire or reactor grounds it. An open switch and an
    open conductor join nothing: OpenDSS leaves 1e-12 S on their diagonal only.
    """
    source, ground = size, size + 1
    pairs = [_coupled(one, ground) for one in (*elements, *heads)]
    pairs += [np.array([(source, node) for node in one.conductors if node != GROUND]).reshape(-1, 2) for one in heads]
    together = np.concatenate(pairs)
    label = _parts(together[(together != ground).all(-1)], size + 2)
    live = label[:size] == label[source]
    across = np.concatenate([_coupled(one, ground) for one in loads] or [np.zeros((0, 2), int)])
    across = across[(across != ground).all(-1)]
    beside = np.isin(label, label[across[live[across].any(-1)]])  # parts that a load joins to a live node
    grounded = np.isin(label, label[together[(together == ground).any(-1)].min(-1)])
    return live | (beside & grounded)[:size]


def _parts(pairs: Matrix, size: int) -> Matrix:
    row, column = pairs.T
    graph = sparse.coo_array((np.ones(len(row)), (row, column)), shape=(size, size))
    return connected_components(graph, directed=False)[1]


def _coupled(one: Element, ground: int) -> Matrix:
    """Pairs of its nodes with an admittance between them; `ground` stands for GROUND."""
    nodes = np.array(one.conductors, int)
    nodes[nodes == GROUND] = ground
    row, column = np.nonzero(one.admittance)
    pairs = np.stack([nodes[row], nodes[column]], -1)
    return pairs[pairs[:, 0] != pairs[:, 1]]
