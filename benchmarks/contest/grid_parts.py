"""A feeder's tables as the arrays that power-grid-model reads."""

import math
from typing import Any

import numpy as np

from wattflock.feeder.tables.admittance import long_matrices
from wattflock.feeder.tables.network import PER_LONG, TAP_PU, Network

PADDING_OHM = 0.1 + 0.1j  # of a wire without current
ROWS = ("aa", "ba", "bb", "ca", "cb", "cc")


def build(network: Network, load_kw, load_kvar) -> tuple[Any, dict]:
    """The model, and its batch with all loads in place."""
    from power_grid_model import PowerGridModel

    ids = {bus.bus: number for number, bus in enumerate(network.buses)}
    rows = [*_lines(network), *_switches(network), *_neutral(network)]
    where = sorted({load.bus for load in network.loads}, key=ids.get)
    at = np.array([3 * where.index(load.bus) + int(load.phases) - 1 for load in network.loads])
    parts = {
        "node": [{"u_rated": 1e3 * bus.line_kv} for bus in network.buses],
        "source": [_source(network, ids)],
        "asym_line": [{**row, "from_node": ids[row["from_node"]], "to_node": ids[row["to_node"]]} for row in rows],
        "transformer": _moved(network, ids),
        "shunt": _shunts(network, ids),
        "asym_load": [{"node": ids[bus], "status": 1, "type": 0} for bus in where] + _capacitors(network, ids),
    }
    update = {key: _spread(load, at, len(where)) for key, load in (("p", load_kw), ("q", load_kvar))}
    model = PowerGridModel(_arrays(parts, update), system_frequency=network.source.frequency_hz)
    first = sum(len(rows) for key, rows in parts.items() if key != "asym_load")
    return model, {"asym_load": _batch(update, first)}


def _spread(load, at: np.ndarray, count: int) -> np.ndarray:
    """kW of loads → W of phases, shape (batch, loaded buses, 3)."""
    watts = np.zeros((len(load), 3 * count))
    watts[:, at] = 1e3 * np.asarray(load)
    return watts.reshape(len(load), count, 3)


def _arrays(parts: dict[str, list[dict]], update: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    from power_grid_model import initialize_array

    arrays, number = {}, 0
    for name, rows in parts.items():
        arrays[name] = initialize_array("input", name, len(rows))
        arrays[name]["id"] = number + np.arange(len(rows))
        number += len(rows)
        for index, row in enumerate(rows):
            for key, value in row.items():
                arrays[name][key][index] = value
    count = update["p"].shape[1]
    arrays["asym_load"]["p_specified"][:count] = update["p"][0]
    arrays["asym_load"]["q_specified"][:count] = update["q"][0]
    return arrays


def _batch(update: dict[str, np.ndarray], first: int) -> np.ndarray:
    from power_grid_model import initialize_array

    batch, count, _ = update["p"].shape
    made = initialize_array("update", "asym_load", (batch, count))
    made["id"] = first + np.arange(count)
    made["p_specified"], made["q_specified"] = update["p"], update["q"]
    return made


def _source(network: Network, ids: dict[str, int]) -> dict:
    unit = network.source
    positive, zero = complex(unit.r1_ohm, unit.x1_ohm), complex(unit.r0_ohm, unit.x0_ohm)
    return {
        "node": ids[unit.bus],
        "status": 1,
        "u_ref": unit.voltage_pu,
        "u_ref_angle": math.radians(unit.angle_deg),
        "sk": (1e3 * unit.line_kv) ** 2 / abs(positive),
        "rx_ratio": positive.real / positive.imag,
        "z01_ratio": abs(zero) / abs(positive),
    }


def _lines(network: Network) -> list[dict]:
    matrices = long_matrices(network)
    made = []
    for line in network.lines:
        length = line.length / PER_LONG[network.source.length_unit]
        series, shunt = (matrix * length for matrix in matrices[line.configuration])
        farad = shunt.imag / (2 * math.pi * network.source.frequency_hz)
        made.append(_asym_line(line, line.phases, series, farad))
    return made


def _switches(network: Network) -> list[dict]:
    return [
        _asym_line(unit, unit.phases, unit.resistance_ohm * np.eye(len(unit.phases)), None) for unit in network.switches
    ]


def _neutral(network: Network) -> list[dict]:
    """Regulators of one phase as lines, all between the same two buses in one."""
    between: dict[tuple[str, str], list] = {}
    for unit, tap in zip(network.regulators, network.taps, strict=True):
        if len(unit.phases) < 3:
            if tap:
                raise SystemExit(f"power-grid-model has no taps of one phase: {unit.name}")
            between.setdefault((unit.from_bus, unit.to_bus), []).append(unit)
    made = []
    for units in between.values():
        ohm = [
            complex(unit.resistance_percent, unit.reactance_percent) * 10 * unit.winding_kv**2 / unit.rating_kva
            for unit in units
        ]
        made.append(_asym_line(units[0], "".join(unit.phases for unit in units), np.diag(ohm), None))
    return made


def _moved(network: Network, ids: dict[str, int]) -> list[dict]:
    """Three-phase regulators as transformers whose second winding has the tap."""
    return [
        {
            "from_node": ids[unit.from_bus],
            "to_node": ids[unit.to_bus],
            "from_status": 1,
            "to_status": 1,
            "u1": 1e3 * unit.winding_kv,
            "u2": 1e3 * unit.winding_kv * (1 + TAP_PU * tap),
            "sn": 1e3 * unit.rating_kva,
            "uk": abs(complex(unit.resistance_percent, unit.reactance_percent)) / 100,
            "pk": unit.resistance_percent / 100 * 1e3 * unit.rating_kva,
            "i0": 0.0,
            "p0": 0.0,
            "winding_from": 1,
            "winding_to": 1,
            "clock": 0,
            "tap_side": 0,
            "tap_pos": 0,
            "tap_min": 0,
            "tap_max": 0,
            "tap_nom": 0,
            "tap_size": 0.0,
        }
        for unit, tap in zip(network.regulators, network.taps, strict=True)
        if len(unit.phases) == 3
    ]


def _shunts(network: Network, ids: dict[str, int]) -> list[dict]:
    """Capacitors of three phases."""
    return [
        {"node": ids[unit.bus], "status": 1, "g1": 0.0, "g0": 0.0, "b1": siemens, "b0": siemens}
        for unit in network.capacitors
        if len(unit.phases) == 3
        for siemens in [unit.rating_kvar / unit.winding_kv**2 / 1e3]
    ]


def _capacitors(network: Network, ids: dict[str, int]) -> list[dict]:
    """Capacitors of one phase as loads of constant impedance: a shunt has three."""
    line_kv = {bus.bus: bus.line_kv for bus in network.buses}
    made = []
    for unit in (one for one in network.capacitors if len(one.phases) < 3):
        volt_pu = unit.winding_kv / (line_kv[unit.bus] / 3**0.5)
        var = np.zeros(3)
        var[[int(phase) - 1 for phase in unit.phases]] = -1e3 * unit.rating_kvar / len(unit.phases) / volt_pu**2
        made.append({"node": ids[unit.bus], "status": 1, "type": 1, "p_specified": 0.0, "q_specified": var})
    return made


def _asym_line(part, phases: str, series: np.ndarray, farad: np.ndarray | None) -> dict:
    """A line with all three phases, in order."""
    at = np.ix_(*[[int(phase) - 1 for phase in phases]] * 2)
    ohm, shunt = PADDING_OHM * np.eye(3, dtype=complex), np.zeros((3, 3))
    ohm[at] = series
    if farad is not None:
        shunt[at] = farad
    row = {"from_node": part.from_bus, "to_node": part.to_bus, "from_status": 1, "to_status": 1, "i_n": 1000.0}
    for key in ROWS:
        place = "abc".index(key[0]), "abc".index(key[1])
        row |= {f"r_{key}": ohm[place].real, f"x_{key}": ohm[place].imag, f"c_{key}": shunt[place]}
    return row
