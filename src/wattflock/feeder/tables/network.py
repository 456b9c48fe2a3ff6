"""The tables of a feeder: one dataclass per table, its fields are the columns."""

from dataclasses import dataclass

from wattflock.feeder.circuit import Bus

TAP_PU = 0.00625  # one step of a 32-step regulator of ±10 %
PER_LONG = {"ft": 5280.0, "m": 1000.0}  # unit of length → how many make the long one, mile or kilometre
PER_KM = {"ft": 1000 / 0.3048, "m": 1000.0}  # unit of length → how many make a kilometre


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
    """Rating of a phase conductor of a configuration; configurations without a row are not rated."""

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
class RegulatorRow:
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
class ControlRow:
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
    """A whole feeder as tables; `taps` are the regulators' steps, in the order of the table."""

    source: Source
    buses: tuple[Bus, ...]
    configurations: tuple[Coefficient, ...]
    ratings: tuple[Rating, ...]
    lines: tuple[Line, ...]
    switches: tuple[Switch, ...]
    transformers: tuple[Transformer, ...]
    regulators: tuple[RegulatorRow, ...]
    controls: tuple[ControlRow, ...]
    capacitors: tuple[Capacitor, ...]
    loads: tuple[Load, ...]
    taps: tuple[int, ...]


def sizes(network: Network) -> dict[str, int]:
    """Number of conductors of each configuration."""
    size: dict[str, int] = {}
    for entry in network.configurations:
        size[entry.configuration] = max(size.get(entry.configuration, 0), entry.row, entry.column)
    return size


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
