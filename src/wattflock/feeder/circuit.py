"""The electrical model of a feeder: nodes, and elements with an admittance between them.

Tables (`tables/admittance.py`) and OpenDSS files (`opendss/`) both become a `Circuit`; everything after
it (`reduce.py`, `tap_control.py`, `file.py`) does not depend on the origin.
"""

import dataclasses
import math
import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Matrix = NDArray[Any]  # float64 or complex128
GROUND = -1  # used as the index of a node


@dataclass(frozen=True)
class Bus:
    """A place with nodes; `x` and `y` are for drawing and nan where unknown."""

    bus: str
    line_kv: float  # nominal voltage between phases [kV]
    x: float = math.nan
    y: float = math.nan


@dataclass(frozen=True, eq=False)
class Element:
    """A line, switch, transformer, capacitor or reactor.

    `admittance` [S] has shape (conductors, conductors), conductors end after end; current into the element
    is `admittance @ voltage`. Ratings and the length are nan where none is known.
    """

    name: str  # kind and name, lower case: "line.l115", "transformer.xfm1"
    ends: tuple[tuple[int, ...], ...]  # index of the node at each conductor of each end, or GROUND
    admittance: Matrix
    rating_a: float = math.nan  # of each conductor of a line [A]
    rating_kva: float = math.nan  # of a whole transformer [kVA]
    length_km: float = math.nan  # of a line [km]
    end_a: tuple[float, ...] = ()  # of each conductor of each end [A], where every end has its own: a transformer's

    @property
    def kind(self) -> str:
        """Such as "line" or "transformer"."""
        return self.name.partition(".")[0]

    @property
    def conductors(self) -> tuple[int, ...]:
        """Nodes of all ends, in the order of `admittance`."""
        return tuple(node for end in self.ends for node in end)


@dataclass(frozen=True, eq=False)
class Infeed:
    """Ideal voltages behind an impedance: the grid above the feeder. Injects `admittance @ voltage`."""

    name: str
    nodes: tuple[int, ...]
    voltage: Matrix  # [V], shape (nodes,), complex
    admittance: Matrix  # [S], shape (nodes, nodes), complex


@dataclass(frozen=True)
class Spot:
    """A load over one terminal: from node `plus` to node `minus` (GROUND for one phase to ground).

    At voltage v [share of `rated_kv`] it draws kw · v^kw_exponent + j kvar · v^kvar_exponent: exponent 0 is
    constant power, 1 constant current, 2 constant impedance, others conservation voltage reduction (CVR). A ZIP
    mix is three spots at one terminal. Below `low_pu` and above `high_pu` it turns into an impedance, as in OpenDSS,
    and between `floor_pu` and `low_pu` its current falls linearly; 0, inf and 0 switch that off. That impedance draws
    the share v^edge_exponent at the edge of the band; nan means the load's own exponents.
    """

    name: str  # "s35a"; several spots may share it
    plus: int
    minus: int
    kw: float
    kvar: float
    rated_kv: float
    kw_exponent: float = 0.0
    kvar_exponent: float = 0.0
    low_pu: float = 0.0
    high_pu: float = math.inf
    floor_pu: float = 0.0
    edge_exponent: float = math.nan


@dataclass(frozen=True)
class Control:
    """Control of a regulator's tap: voltages on the 120 V side of its potential transformer."""

    plus: int  # nodes over which voltage is measured
    minus: int
    conductor: int  # of the element, whose current drives the line drop compensator; its sign as it flows in
    set_v: float
    band_v: float  # whole width
    potential_ratio: float
    current_a: float  # primary rating of the current transformer
    drop_v: complex = 0j  # R + jX of the line drop compensator [V at rated current]
    delay_s: float = 15.0
    most_steps: int = 16  # in one action
    winding_v: float = 2400.0  # rated voltage of the measured winding [V]
    direction: int = 1  # -1 where a higher tap lowers the measured voltage


@dataclass(frozen=True, eq=False)
class Regulator:
    """A transformer whose ratio moves in steps: admittance = a + b/r + c/r² with r = 1 + step_pu · tap.

    `shape` holds a, b, c: (3, conductors, conductors) [S], so that any tap's admittance is exact.
    """

    name: str
    element: int  # its index among the elements
    tap: int
    shape: Matrix
    step_pu: float = 0.00625
    lowest: int = -16
    highest: int = 16
    control: Control | None = None

    def admittance(self, tap: int) -> Matrix:
        """[S], shape (conductors, conductors)."""
        ratio = 1 + self.step_pu * tap
        return self.shape[0] + self.shape[1] / ratio + self.shape[2] / ratio**2


@dataclass(frozen=True, eq=False)
class Circuit:
    """A whole feeder. `nodes` are named bus.phase; loads are in `spots`, not in an admittance."""

    name: str
    frequency_hz: float
    buses: tuple[Bus, ...]
    nodes: tuple[str, ...]
    node_kv: Matrix  # nominal voltage to ground [kV], shape (nodes,)
    elements: tuple[Element, ...]
    infeeds: tuple[Infeed, ...]  # the first one is the head of the feeder
    spots: tuple[Spot, ...]
    regulators: tuple[Regulator, ...] = ()
    unwatched: tuple[str, ...] = ()  # buses whose voltage no limit judges
    notes: tuple[str, ...] = ()  # what was approximated or left out, in words
    origin: dict[str, str] = field(default_factory=dict)  # where it came from


def with_taps(circuit: Circuit, taps: tuple[int, ...]) -> Circuit:
    """The same circuit with its regulators at `taps`, in their order."""
    elements = list(circuit.elements)
    moved = []
    for unit, tap in zip(circuit.regulators, taps, strict=True):
        elements[unit.element] = dataclasses.replace(elements[unit.element], admittance=unit.admittance(tap))
        moved.append(dataclasses.replace(unit, tap=tap))
    return dataclasses.replace(circuit, elements=tuple(elements), regulators=tuple(moved))


def system_admittance(circuit: Circuit) -> sparse.csc_array:
    """Elements and infeeds, without loads [S], shape (nodes, nodes), float64 complex."""
    blocks = [(one.conductors, one.admittance) for one in circuit.elements]
    blocks += [(one.nodes, one.admittance) for one in circuit.infeeds]
    return assemble(blocks, len(circuit.nodes))


def assemble(blocks: list[tuple[tuple[int, ...], Matrix]], size: int) -> sparse.csc_array:
    """The sum of small matrices over given nodes; entries at GROUND are left out. Shape (size, size)."""
    rows, columns, values = [], [], []
    for nodes, block in blocks:
        index = np.asarray(nodes, int)
        rows.append(np.repeat(index, len(index)))
        columns.append(np.tile(index, len(index)))
        values.append(np.asarray(block, complex).ravel())
    row, column, value = (np.concatenate(parts) for parts in (rows, columns, values))
    kept = (row != GROUND) & (column != GROUND)
    return sparse.coo_array((value[kept], (row[kept], column[kept])), shape=(size, size)).tocsc()


def injection(circuit: Circuit) -> Matrix:
    """What the infeeds inject [A], shape (nodes,)."""
    current = np.zeros(len(circuit.nodes), complex)
    for one in circuit.infeeds:
        live = [at for at, node in enumerate(one.nodes) if node != GROUND]
        np.add.at(current, [one.nodes[at] for at in live], (one.admittance @ one.voltage)[live])
    return current


def bus_of(node: str) -> str:
    """`35` of `35.1`."""
    return node.rpartition(".")[0]


def first_of(name: str) -> tuple[str, int]:
    """Bus and number of the first node that a voltage or terminal is named after: 35 and 1 of `35.1.2`."""
    bus, _, ends = name.partition(".")
    return bus, int(re.split(r"\D", ends)[0])


def edges(circuit: Circuit) -> tuple[tuple[str, str], ...]:
    """Every pair of buses that an element joins."""
    pairs = []
    for one in circuit.elements:
        at = [bus_of(circuit.nodes[live[0]]) for end in one.ends if (live := [n for n in end if n != GROUND])]
        pairs += [(at[0], other) for other in at[1:] if other != at[0]]
    return tuple(dict.fromkeys(pairs))


def terminals(circuit: Circuit) -> dict[tuple[int, int], str]:
    """Every distinct place of a load: (plus, minus) → its name, `1.1` (to ground) or `35.1.2` (between phases)."""
    names = {}
    for spot in circuit.spots:
        names.setdefault((spot.plus, spot.minus), terminal_name(circuit, spot.plus, spot.minus))
    return names


def terminal_name(circuit: Circuit, plus: int, minus: int) -> str:
    """`1.1` to ground, `35.1.2` from node 1 to node 2 of bus 35."""
    first = circuit.nodes[plus]
    if minus == GROUND:
        return first
    second = circuit.nodes[minus]
    phase = second.rpartition(".")[2]
    return f"{first}.{phase}" if bus_of(first) == bus_of(second) else f"{first}-{second}"
