"""OpenDSS through dss-python as a contender: the loop of a program that trains against it, and its solve call alone."""

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from contest.ours import TOLERANCE, error
from contest.race import Contender

from wattflock.feeder.opendss.engine import command

LOOP, ALONE = "OpenDSS: set, solve, read", "OpenDSS: the solve call alone"

Pairs = list[tuple[list[float], list[float]]]  # kW and kvar of each load, one pair per snapshot


def as_pairs(load_kw, load_kvar) -> Pairs:
    """Snapshots as lists, so that the loop handles no arrays."""
    return list(zip(load_kw.tolist(), load_kvar.tolist(), strict=True))


def contenders(
    engine: Any, pairs: Pairs, names: Sequence[str], watched: Sequence[str]
) -> tuple[list[Contender], tuple]:
    """Both contenders, and the truth: |V| at a tolerance of 1e-10 and which of the `watched` voltages it tells.

    Args:
        engine: with the feeder in it, taps frozen.
        pairs: snapshots.
        names: of the loads, in the order of the pairs' numbers.
        watched: names of the voltages that are compared.
    """
    circuit = engine.ActiveCircuit
    if tuple(name.lower() for name in circuit.Loads.AllNames) != tuple(names):
        raise SystemExit("OpenDSS has its loads in another order")
    at = {name.lower(): index for index, name in enumerate(circuit.AllNodeNames)}
    told = [index for index, name in enumerate(watched) if name in at]
    command(engine, "set controlmode=off", "set maxiterations=200", "set tolerance=1e-10")
    truth = np.array([_solved(circuit, pair) for pair in pairs])[:, [at[watched[index]] for index in told]]
    command(engine, f"set tolerance={TOLERANCE:g}")
    rough, iterations = [], []
    for pair in pairs:
        rough.append(_solved(circuit, pair))
        iterations.append(circuit.Solution.Iterations)
    off = error(np.array(rough)[:, [at[name] for name in watched if name in at]], (truth, slice(None)))
    facts = {"solves": len(pairs), "iterations": f"{min(iterations)}–{max(iterations)}", "error_pu": off}
    runs = {LOOP: _loop, ALONE: _alone}
    return [Contender(name, partial(run, circuit, pairs), **facts) for name, run in runs.items()], (truth, told)


def _set(circuit: Any, pair) -> None:
    loads = circuit.Loads
    loads.First  # noqa: B018  (an action in this interface)
    for kw, kvar in zip(*pair, strict=True):
        loads.kW = kw
        loads.kvar = kvar
        loads.Next  # noqa: B018


def _solved(circuit: Any, pair) -> np.ndarray:
    _set(circuit, pair)
    circuit.Solution.SolveNoControl()
    if not circuit.Solution.Converged:
        raise SystemExit("OpenDSS finds no solution for a snapshot")
    return np.array(circuit.AllBusVmagPu)


def _loop(circuit: Any, pairs: Pairs) -> None:
    for pair in pairs:
        _set(circuit, pair)
        circuit.Solution.SolveNoControl()
        circuit.AllBusVmagPu  # noqa: B018


def _alone(circuit: Any, pairs: Pairs) -> float:
    seconds = 0.0
    for pair in pairs:
        _set(circuit, pair)
        start = time.perf_counter()
        circuit.Solution.SolveNoControl()
        seconds += time.perf_counter() - start
    return seconds
