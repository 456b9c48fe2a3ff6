"""A feeder's tables → OpenDSS commands, so that OpenDSS builds its own admittance from the same facts.

Source: R. C. Dugan, "OpenDSS reference guide", EPRI.
"""

import math

import numpy as np

from wattflock.feeder.tables.admittance import long_matrices
from wattflock.feeder.tables.network import PER_LONG, TAP_PU, Network, RegulatorRow, terminal_names

LONG_UNIT = {"ft": "mi", "m": "km"}
MODELS = {(0.0, 0.0): 1, (2.0, 2.0): 2, (1.0, 1.0): 5}  # exponents of voltage → OpenDSS's number; else 4


def to_opendss(network: Network) -> list[str]:
    """Commands that build the feeder, one per item; the loads are constant power at any voltage.

    The load at terminal `35.1.2` is called `load.35_1_2`, a regulator or transformer `transformer.<name>`, a
    line or switch `line.<name>`. Nothing is solved yet. Regulators stay at their taps.
    """
    levels = sorted({bus.line_kv for bus in network.buses}, reverse=True)
    return [
        "clear",
        f"set defaultbasefrequency={network.source.frequency_hz}",
        _source(network),
        *_configurations(network),
        *_lines(network),
        *_transformers(network),
        *_regulators(network),
        *_capacitors(network),
        *_loads(network),
        f"set voltagebases=[{' '.join(map(str, levels))}]",
        "calcvoltagebases",
        "set controlmode=off",
    ]


def load_models(network: Network) -> list[str]:
    """Commands for after `to_opendss` that give each load its own exponents of voltage."""
    commands = []
    for name, load in zip(terminal_names(network), network.loads, strict=True):
        model = MODELS.get((load.kw_exponent, load.kvar_exponent), 4)
        curve = f" cvrwatts={load.kw_exponent} cvrvars={load.kvar_exponent}" if model == 4 else ""
        commands.append(f"edit load.{name.replace('.', '_')} model={model}{curve}")
    return commands


def controls(network: Network) -> list[str]:
    """Commands for after `to_opendss` that let OpenDSS settle the regulators' taps by itself."""
    phases = {unit.name: unit.phases for unit in network.regulators}
    regulators = [
        f"new regcontrol.{one.regulator} transformer={one.regulator} winding=2 vreg={one.set_v} band={one.band_v} "
        f"ptratio={one.potential_ratio} ctprim={one.current_a} R={one.drop_resistance_v} X={one.drop_reactance_v} "
        f"delay={one.delay_s} ptphase={_winding(phases[one.regulator], one.phase)}"
        for one in network.controls
    ]
    return [*regulators, "set controlmode=static"]


def _winding(phases: str, phase: str) -> int:
    return phases.index(phase) + 1 if len(phases) == 3 else 1


def _source(network: Network) -> str:
    unit = network.source
    ohm = f"r1={unit.r1_ohm!r} x1={unit.x1_ohm!r} r0={unit.r0_ohm!r} x0={unit.x0_ohm!r}"
    volt = f"basekv={unit.line_kv} pu={unit.voltage_pu} angle={unit.angle_deg}"
    return f"new circuit.wattflock bus1={unit.bus} {volt} {ohm}"


def _configurations(network: Network) -> list[str]:
    hertz, unit = network.source.frequency_hz, LONG_UNIT[network.source.length_unit]
    commands = []
    for name, (impedance, shunt) in long_matrices(network).items():
        nanofarad = np.imag(shunt) / (2 * math.pi * hertz) * 1e9
        matrices = {"r": np.real(impedance), "x": np.imag(impedance), "c": nanofarad}
        words = " ".join(f"{letter}matrix=[{_rows(matrix)}]" for letter, matrix in matrices.items())
        commands.append(f"new linecode.{name} nphases={len(shunt)} basefreq={hertz} units={unit} {words}")
    return commands


def _lines(network: Network) -> list[str]:
    unit, per_long = LONG_UNIT[network.source.length_unit], PER_LONG[network.source.length_unit]
    lines = [
        f"new line.{line.name} {_ends(line)} linecode={line.configuration} "
        f"length={line.length / per_long!r} units={unit}"
        for line in network.lines
    ]
    switches = [
        f"new line.{unit.name} {_ends(unit)} switch=yes r1={unit.resistance_ohm} r0={unit.resistance_ohm} "
        "x1=0 x0=0 c1=0 c0=0 length=1"
        for unit in network.switches
    ]
    return lines + switches


def _transformers(network: Network) -> list[str]:
    return [
        f"new transformer.{unit.name} phases=3 windings=2 buses=[{unit.from_bus} {unit.to_bus}] "
        f"conns=[{unit.from_connection} {unit.to_connection}] kvs=[{unit.from_kv} {unit.to_kv}] "
        f"kvas=[{unit.rating_kva} {unit.rating_kva}] xhl={unit.reactance_percent} "
        f"%rs=[{unit.resistance_percent / 2} {unit.resistance_percent / 2}] ppm_antifloat={unit.antifloat_ppm}"
        for unit in network.transformers
    ]


def _regulators(network: Network) -> list[str]:
    return [
        f"new transformer.{unit.name} {_windings(unit)} kvs=[{unit.winding_kv} {unit.winding_kv}] "
        f"kvas=[{unit.rating_kva} {unit.rating_kva}] xhl={unit.reactance_percent} "
        f"%loadloss={unit.resistance_percent} ppm_antifloat={unit.antifloat_ppm} taps=[1 {1 + TAP_PU * tap!r}]"
        for unit, tap in zip(network.regulators, network.taps, strict=True)
    ]


def _windings(unit: RegulatorRow) -> str:
    phases, connection = (1, "delta") if len(unit.phases) == 2 else (len(unit.phases), "wye")
    buses = f"{_at(unit.from_bus, unit.phases)} {_at(unit.to_bus, unit.phases)}"
    return f"phases={phases} windings=2 buses=[{buses}] conns=[{connection} {connection}]"


def _capacitors(network: Network) -> list[str]:
    return [
        f"new capacitor.{unit.name} bus1={_at(unit.bus, unit.phases)} phases={len(unit.phases)} "
        f"kvar={unit.rating_kvar} kv={unit.winding_kv}"
        for unit in network.capacitors
    ]


def _loads(network: Network) -> list[str]:
    return [
        f"new load.{name.replace('.', '_')} bus1={name} phases=1 conn={'wye' if len(load.phases) == 1 else 'delta'} "
        f"kv={load.rated_kv!r} kw={load.load_kw!r} kvar={load.load_kvar!r} model=1 vminpu=0 vmaxpu=3"
        for name, load in zip(terminal_names(network), network.loads, strict=True)
    ]


def _ends(unit) -> str:
    first, second = (_at(bus, unit.phases) for bus in (unit.from_bus, unit.to_bus))
    return f"phases={len(unit.phases)} bus1={first} bus2={second}"


def _at(bus: str, phases: str) -> str:
    return ".".join((bus, *phases))


def _rows(matrix: np.ndarray) -> str:
    return " | ".join(" ".join(repr(float(value)) for value in row) for row in matrix)
