"""What a feeder is made of: one dataclass per table, and the names of its nodes and terminals."""

from dataclasses import dataclass

TAP_PU = 0.00625  # one step of a 32-step regulator of ±10 %
FEET_PER_MILE = 5280.0
FREQUENCY_HZ = 60.0


@dataclass(frozen=True)
class Bus:
    bus: str
    line_kv: float  # nominal voltage between phases [kV]
    x: float
    y: float


@dataclass(frozen=True)
class Source:
    """Three ideal voltages, 120° apart, behind an impedance (the same for each phase, no coupling)."""

    bus: str
    line_kv: float
    voltage_pu: float
    resistance_ohm: float
    reactance_ohm: float


@dataclass(frozen=True)
class Coefficient:
    """One entry of the lower triangle of a configuration's matrices, per mile."""

    configuration: str
    row: int
    column: int
    resistance_ohm: float
    reactance_ohm: float
    susceptance_us: float


@dataclass(frozen=True)
class Line:
    name: str
    from_bus: str
    to_bus: str
    phases: str
    configuration: str
    length_ft: float


@dataclass(frozen=True)
class Switch:
    name: str
    from_bus: str
    to_bus: str
    phases: str
    resistance_ohm: float


@dataclass(frozen=True)
class Transformer:
    """Three-phase, delta on both sides; the resistance is of both windings together."""

    name: str
    from_bus: str
    to_bus: str
    from_kv: float
    to_kv: float
    rating_kva: float
    resistance_percent: float
    reactance_percent: float
    antifloat_ppm: float  # shunt to ground that keeps the floating side from being singular


@dataclass(frozen=True)
class Regulator:
    """Wye-wye, with the taps on the `to` side; `winding_kv` is to ground unless three-phase."""

    name: str
    from_bus: str
    to_bus: str
    phases: str
    winding_kv: float
    rating_kva: float
    resistance_percent: float
    reactance_percent: float


@dataclass(frozen=True)
class Capacitor:
    name: str
    bus: str
    phases: str
    winding_kv: float
    rating_kvar: float


@dataclass(frozen=True)
class Load:
    """One terminal: one phase to ground (`1`) or one branch between two phases (`12`)."""

    bus: str
    phases: str
    load_kw: float
    load_kvar: float


@dataclass(frozen=True)
class Network:
    """A whole feeder as its tables tell it; `taps` are the regulators' steps, in the order of the table."""

    source: Source
    buses: tuple[Bus, ...]
    configurations: tuple[Coefficient, ...]
    lines: tuple[Line, ...]
    switches: tuple[Switch, ...]
    transformers: tuple[Transformer, ...]
    regulators: tuple[Regulator, ...]
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


def edges(network: Network) -> tuple[tuple[str, str], ...]:
    """Every pair of buses with something between them."""
    parts = (*network.lines, *network.switches, *network.transformers, *network.regulators)
    return tuple(dict.fromkeys((part.from_bus, part.to_bus) for part in parts))
