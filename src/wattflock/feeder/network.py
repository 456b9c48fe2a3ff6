"""What a feeder's tables hold: one dataclass per table, its fields the columns, and what is wrong with them."""

import dataclasses
import itertools
import math
from dataclasses import dataclass

from wattflock.errors import Problem, ScenarioError
from wattflock.feeder.circuit import Bus

MOST_TAPS = 16
TAP_PU = 0.00625  # one step of a 32-step regulator of ±10 %
PER_LONG = {"ft": 5280.0, "m": 1000.0}  # unit of length → how many make the long one, mile or kilometre
PHASES = {"".join(some) for count in (1, 2, 3) for some in itertools.permutations("123", count)}
POSITIVE = {"line_kv", "from_kv", "to_kv", "winding_kv", "rated_kv", "rating_kva", "rating_kvar", "rating_a"}
POSITIVE |= {"frequency_hz", "voltage_pu", "length", "potential_ratio", "current_a", "set_v", "band_v"}


@dataclass(frozen=True)
class Source:
    """Three ideal voltages, 120° apart, behind an impedance given by its positive and zero sequence."""

    bus: str
    line_kv: float
    voltage_pu: float
    angle_deg: float  # of phase 1
    frequency_hz: float
    length_unit: str  # of all lines: ft (configurations per mile) or m (per kilometre)
    r1_ohm: float
    x1_ohm: float
    r0_ohm: float
    x0_ohm: float


@dataclass(frozen=True)
class Coefficient:
    """One entry of the lower triangle of a configuration's matrices, per mile or kilometre."""

    configuration: str
    row: int
    column: int
    resistance_ohm: float
    reactance_ohm: float
    susceptance_us: float


@dataclass(frozen=True)
class Rating:
    """What a phase conductor of a configuration may carry; configurations without a row are not rated."""

    configuration: str
    rating_a: float


@dataclass(frozen=True)
class Line:
    name: str
    from_bus: str
    to_bus: str
    phases: str  # in the order of the configuration's rows
    configuration: str
    length: float


@dataclass(frozen=True)
class Switch:
    """A closed one; an open one has no row."""

    name: str
    from_bus: str
    to_bus: str
    phases: str
    resistance_ohm: float


@dataclass(frozen=True)
class Transformer:
    """Three-phase; the resistance is of both windings together, each in percent of its own rating.

    Between delta and wye the lower voltage lags by 30°.
    """

    name: str
    from_bus: str
    to_bus: str
    from_connection: str  # delta or wye (grounded)
    to_connection: str
    from_kv: float
    to_kv: float
    rating_kva: float
    resistance_percent: float
    reactance_percent: float
    antifloat_ppm: float  # shunt to ground that keeps a floating side from being singular, of its rating


@dataclass(frozen=True)
class Regulator:
    """Taps on the `to` side; wye of one phase or three, or one winding between two phases (`32`).

    `winding_kv` is over one winding, unless three-phase: then it is between phases.
    """

    name: str
    from_bus: str
    to_bus: str
    phases: str
    winding_kv: float
    rating_kva: float
    resistance_percent: float
    reactance_percent: float
    antifloat_ppm: float


@dataclass(frozen=True)
class Control:
    """Of one regulator; voltages on the 120 V side. The drop is that of the line drop compensator."""

    regulator: str
    phase: str  # of the regulator, whose winding and current are measured
    set_v: float
    band_v: float
    potential_ratio: float
    current_a: float
    drop_resistance_v: float
    drop_reactance_v: float
    delay_s: float


@dataclass(frozen=True)
class Capacitor:
    """Wye; `winding_kv` is to ground unless three-phase."""

    name: str
    bus: str
    phases: str
    winding_kv: float
    rating_kvar: float


@dataclass(frozen=True)
class Load:
    """One terminal: one phase to ground (`1`) or one branch between two phases (`12`).

    Exponents of voltage as in `circuit.Spot`; phases of one load share its name.
    """

    name: str
    bus: str
    phases: str
    rated_kv: float  # over the branch
    load_kw: float
    load_kvar: float
    kw_exponent: float = 0.0
    kvar_exponent: float = 0.0


@dataclass(frozen=True)
class Network:
    """A whole feeder as its tables tell it; `taps` are the regulators' steps, in the order of the table."""

    source: Source
    buses: tuple[Bus, ...]
    configurations: tuple[Coefficient, ...]
    ratings: tuple[Rating, ...]
    lines: tuple[Line, ...]
    switches: tuple[Switch, ...]
    transformers: tuple[Transformer, ...]
    regulators: tuple[Regulator, ...]
    controls: tuple[Control, ...]
    capacitors: tuple[Capacitor, ...]
    loads: tuple[Load, ...]
    taps: tuple[int, ...]


def phase_kv(kv: float, phases: str) -> float:
    """Voltage over one winding [kV]: a three-phase rating is between phases, a single-phase one is not."""
    return kv / 3**0.5 if len(phases) == 3 else kv


def nodes_at(bus: str, phases: str) -> tuple[str, ...]:
    """Names such as `35.1`, one per phase."""
    return tuple(f"{bus}.{phase}" for phase in phases)


def terminal_names(network: Network) -> tuple[str, ...]:
    """Names such as `1.1` (to ground) and `35.1.2` (between phases), one per row of the loads."""
    return tuple(".".join((load.bus, *load.phases)) for load in network.loads)


def node_names(network: Network) -> tuple[str, ...]:
    """Every node that an element has, in the order of the table of buses, phases in order."""
    present = set(nodes_at(network.source.bus, "123"))
    for part in (*network.lines, *network.switches, *network.regulators):
        present.update(nodes_at(part.from_bus, part.phases), nodes_at(part.to_bus, part.phases))
    for unit in network.transformers:
        present.update(nodes_at(unit.from_bus, "123"), nodes_at(unit.to_bus, "123"))
    every = [node for bus in network.buses for node in nodes_at(bus.bus, "123")]
    return tuple(node for node in every if node in present)


def check(network: Network) -> None:
    """That the tables fit together.

    Raises:
        ScenarioError: everything that does not: names of no row, phases and sizes, numbers out of range.
    """
    tables = {field.name: getattr(network, field.name) for field in dataclasses.fields(Network)}
    tables |= {"source": (network.source,), "taps": ()}
    named = _choices(network)
    problems = [
        Problem(f"{table}, row {number}", name, value, allowed)
        for table, rows in tables.items()
        for number, row in enumerate(rows, start=1)
        for name, value in vars(row).items()
        if (allowed := _allowed(name, value, named))
    ]
    problems += [] if problems else _misfits(network)
    if problems:
        raise ScenarioError(problems)


def check_taps(feeder: str, taps: tuple[int, ...], regulators: tuple[str, ...]) -> None:
    """That there is one whole step per regulator, each -16 to 16.

    Raises:
        ScenarioError: every tap that is not.
    """
    where, allowed = f"feeder {feeder}", f"a whole number from -{MOST_TAPS} to {MOST_TAPS}"
    wrong = [(at, tap) for at, tap in enumerate(taps) if type(tap) is not int or abs(tap) > MOST_TAPS]
    problems = [Problem(where, f"taps[{at}]", tap, allowed) for at, tap in wrong]
    if len(taps) != len(regulators):
        problems.append(Problem(where, "taps", taps, f"one for each of {', '.join(regulators)}"))
    if problems:
        raise ScenarioError(problems)


def _choices(network: Network) -> dict[str, set[str]]:
    buses = {bus.bus for bus in network.buses}
    return {
        **dict.fromkeys(("bus", "from_bus", "to_bus"), buses),
        **dict.fromkeys(("from_connection", "to_connection"), {"delta", "wye"}),
        "configuration": {entry.configuration for entry in network.configurations},
        "regulator": {unit.name for unit in network.regulators},
        "length_unit": set(PER_LONG),
        "phases": PHASES,
    }


def _allowed(name: str, value: object, named: dict[str, set[str]]) -> str:
    """What is allowed there, empty where `value` is."""
    if name in named and value not in named[name]:
        return f"one of {', '.join(sorted(named[name]))}"
    if isinstance(value, float) and not math.isfinite(value) and name not in ("x", "y"):
        return "a finite number"
    return "a number above 0" if name in POSITIVE and isinstance(value, float) and value <= 0 else ""


def _misfits(network: Network) -> list[Problem]:
    size = {entry.configuration: entry.row for entry in network.configurations}
    nodes = set(node_names(network))
    problems = [
        Problem(f"line {line.name}", "phases", line.phases, f"{size[line.configuration]} as in its configuration")
        for line in network.lines
        if len(line.phases) != size[line.configuration]
    ]
    parts = [("capacitor", part.name, part) for part in network.capacitors]
    parts += [("load", part.name, part) for part in network.loads]
    for kind, name, part in parts:
        gone = [node for node in nodes_at(part.bus, part.phases) if node not in nodes]
        problems += [Problem(f"{kind} {name}", "phases", node, "a node with a line or transformer") for node in gone]
    problems += [
        Problem(f"load {load.name}", "phases", load.phases, "one phase or two; three phases are three rows")
        for load in network.loads
        if len(load.phases) == 3
    ]
    phases = {unit.name: unit.phases for unit in network.regulators}
    return problems + [
        Problem(f"control of {one.regulator}", "phase", one.phase, f"one of {', '.join(phases[one.regulator])}")
        for one in network.controls
        if len(one.phase) != 1 or one.phase not in phases[one.regulator]
    ]
