"""power-grid-model (PyPI) as a contender, on the variant of the IEEE 123 feeder that it can hold."""

import dataclasses
from functools import partial
from typing import Any

import numpy as np
from contest.grid_parts import build
from contest.ours import TOLERANCE, error
from contest.race import Contender

from wattflock.feeder.tables.network import Load, Network

METHODS = ("newton_raphson", "iterative_current")
OTHER_PROBLEM = ("linear", "linear_current")
THREADS = {1: -1, 2: 2}  # to what it calls threading
NAME = "power-grid-model"
DIFFERENCES = (
    "The variant differs from the feeder by what power-grid-model cannot hold: each load between two phases is two "
    "halves to ground, and the unloaded floating transformer 61s–610 is left out. In power-grid-model, missing phases "
    "are wires without current, single-phase regulators (all neutral) are lines, the three-phase one is a transformer "
    "at its tap, single-phase capacitors are loads of constant impedance. Its linear methods solve another problem."
)


def variant(network: Network) -> tuple[Network, np.ndarray]:
    """The feeder that both can hold, and (loads, its loads): what share of each load stands where."""
    share: dict[tuple[str, str], np.ndarray] = {}
    rated: dict[tuple[str, str], float] = {}
    for number, load in enumerate(network.loads):
        for phase in load.phases:
            place = share.setdefault((load.bus, phase), np.zeros(len(network.loads)))
            place[number] += 1 / len(load.phases)
            rated[load.bus, phase] = load.rated_kv / (3**0.5 if len(load.phases) == 2 else 1)
    spread = np.stack(list(share.values()), -1)
    kw, kvar = (np.array([getattr(load, key) for load in network.loads]) @ spread for key in ("load_kw", "load_kvar"))
    loads = tuple(
        Load(f"{bus}{phase}", bus, phase, rated[bus, phase], float(kw[at]), float(kvar[at]))
        for at, (bus, phase) in enumerate(share)
    )
    gone = {unit.to_bus for unit in network.transformers}
    buses = tuple(bus for bus in network.buses if bus.bus not in gone)
    return dataclasses.replace(network, transformers=(), buses=buses, loads=loads), spread


def contenders(network: Network, load_kw, load_kvar, truth, watched) -> tuple[list[Contender], dict[str, np.ndarray]]:
    """Every method on every number of threads, and the voltages that those for the same problem find.

    Args:
        network: as `variant` makes it.
        load_kw: shape (batch, loads).
        load_kvar: the same.
        truth: as in `ours`.
        watched: names of the voltages.
    """
    model, update = build(network, load_kw, load_kvar)
    ids = {bus.bus: number for number, bus in enumerate(network.buses)}
    places = np.array([3 * ids[(at := name.rpartition("."))[0]] + int(at[2]) - 1 for name in watched])
    found, made = {}, []
    for method in (*METHODS, *OTHER_PROBLEM):
        same = method in METHODS
        volt_pu = _run(model, update, method, -1)["node"]["u_pu"].reshape(len(load_kw), -1)[:, places]
        off = error(volt_pu, truth) if truth else None
        name = f"{NAME} {method}" + ("" if same else " (not the same problem)")
        found |= {name: volt_pu} if same else {}
        for count, threading in THREADS.items():
            run = partial(_timed, model, update, method, threading)
            threads = f"{count} thread{'s'[: count > 1]}"
            made.append(Contender(f"{name}, {threads}", run, len(load_kw), error_pu=off, rival=same))
    return made, found


def _timed(*arguments) -> None:
    _run(*arguments)


def _run(model: Any, update: dict, method: str, threading: int) -> dict:
    return model.calculate_power_flow(
        symmetric=False,
        error_tolerance=TOLERANCE,
        max_iterations=100,
        calculation_method=method,
        update_data=update,
        threading=threading,
        output_component_types={"node": ["u_pu"]},
    )
