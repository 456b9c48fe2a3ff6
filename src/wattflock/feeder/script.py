"""A feeder's tables → OpenDSS commands, so that OpenDSS builds its own admittance from the same facts."""

import math

import numpy as np

from wattflock.feeder.admittance import per_mile
from wattflock.feeder.network import FEET_PER_MILE, FREQUENCY_HZ, TAP_PU, Network, phase_kv, terminal_names


def to_opendss(network: Network) -> list[str]:
    """Commands that build the feeder, one per item; the loads are constant power at any voltage.

    The load at terminal `35.1.2` is called `load.35_1_2`. Nothing is solved yet. Controls are off.
    Source: R. C. Dugan, "OpenDSS reference guide", EPRI.
    """
    levels = sorted({bus.line_kv for bus in network.buses}, reverse=True)
    return [
        "clear",
        f"set defaultbasefrequency={FREQUENCY_HZ}",
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


def _source(network: Network) -> str:
    unit = network.source
    ohm = f"r1={unit.resistance_ohm} x1={unit.reactance_ohm} r0={unit.resistance_ohm} x0={unit.reactance_ohm}"
    return f"new circuit.wattflock basekv={unit.line_kv} bus1={unit.bus} pu={unit.voltage_pu} {ohm}"


def _configurations(network: Network) -> list[str]:
    commands = []
    for name, (impedance, shunt) in per_mile(network).items():
        nanofarad = np.imag(shunt) / (2 * math.pi * FREQUENCY_HZ) * 1e9
        matrices = {"r": np.real(impedance), "x": np.imag(impedance), "c": nanofarad}
        words = " ".join(f"{letter}matrix=[{_rows(matrix)}]" for letter, matrix in matrices.items())
        commands.append(f"new linecode.{name} nphases={len(shunt)} basefreq={FREQUENCY_HZ} units=mi {words}")
    return commands


def _lines(network: Network) -> list[str]:
    lines = [
        f"new line.{line.name} {_ends(line)} linecode={line.configuration} "
        f"length={line.length_ft / FEET_PER_MILE!r} units=mi"
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
        f"conns=[delta delta] kvs=[{unit.from_kv} {unit.to_kv}] kvas=[{unit.rating_kva} {unit.rating_kva}] "
        f"xhl={unit.reactance_percent} %rs=[{unit.resistance_percent / 2} {unit.resistance_percent / 2}] "
        f"ppm_antifloat={unit.antifloat_ppm}"
        for unit in network.transformers
    ]


def _regulators(network: Network) -> list[str]:
    return [
        f"new transformer.{unit.name} phases={len(unit.phases)} windings=2 "
        f"buses=[{_at(unit.from_bus, unit.phases)} {_at(unit.to_bus, unit.phases)}] conns=[wye wye] "
        f"kvs=[{unit.winding_kv} {unit.winding_kv}] kvas=[{unit.rating_kva} {unit.rating_kva}] "
        f"xhl={unit.reactance_percent} %loadloss={unit.resistance_percent} ppm_antifloat=0 "
        f"taps=[1 {1 + TAP_PU * tap!r}]"
        for unit, tap in zip(network.regulators, network.taps, strict=True)
    ]


def _capacitors(network: Network) -> list[str]:
    return [
        f"new capacitor.{unit.name} bus1={_at(unit.bus, unit.phases)} phases={len(unit.phases)} "
        f"kvar={unit.rating_kvar} kv={unit.winding_kv}"
        for unit in network.capacitors
    ]


def _loads(network: Network) -> list[str]:
    line_kv = {bus.bus: bus.line_kv for bus in network.buses}
    commands = []
    for name, load in zip(terminal_names(network), network.loads, strict=True):
        between = len(load.phases) == 2
        kv = line_kv[load.bus] if between else phase_kv(line_kv[load.bus], "123")
        commands.append(
            f"new load.{name.replace('.', '_')} bus1={name} phases=1 conn={'delta' if between else 'wye'} "
            f"kv={kv!r} kw={load.load_kw} kvar={load.load_kvar} model=1 vminpu=0 vmaxpu=3"
        )
    return commands


def _ends(unit) -> str:
    first, second = (_at(bus, unit.phases) for bus in (unit.from_bus, unit.to_bus))
    return f"phases={len(unit.phases)} bus1={first} bus2={second}"


def _at(bus: str, phases: str) -> str:
    return ".".join((bus, *phases))


def _rows(matrix: np.ndarray) -> str:
    return " | ".join(" ".join(repr(float(value)) for value in row) for row in matrix)
