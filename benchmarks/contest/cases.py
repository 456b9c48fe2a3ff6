"""The races: which contenders on which feeder, and what has to be said about each."""

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from contest import engine, grid_model
from contest.ours import DTYPES, error, ours, peak_mib, sizes, voltages
from contest.race import Timed, race

from wattflock.feeder.circuit import terminals
from wattflock.feeder.feeders.ieee123 import IEEE123
from wattflock.feeder.opendss.crosscheck import BaseCase, OpenDSS
from wattflock.feeder.opendss.read import read_here
from wattflock.feeder.reduce import reduce_circuit
from wattflock.feeder.solve import Feeder
from wattflock.feeder.tables.admittance import circuit_of
from wattflock.feeder.tables.network import Network, terminal_names

SEED = 123
PEER_SNAPSHOTS = 200
LARGE_SNAPSHOTS, LARGE_BATCHES = 15, (250, 1000)
MANY = 10_000
CASES = ("123", "variant", "scaling", "8500")


@dataclass(frozen=True, eq=False)
class Case:
    """One race: its rows, what ours is compared with, and what has to be said about it."""

    title: str
    timed: list[Timed]
    baselines: dict[str, Timed]  # by the words that stand in the table
    notes: list[str]


def run_case(name: str, options: argparse.Namespace) -> Iterator[Case]:
    if name == "123":
        yield true_feeder(options.batch, options.repeats)
    elif name == "variant":
        yield shared_variant(options.batch, options.repeats)
    elif name == "scaling":
        yield scaling(options.batch, options.repeats)
    else:
        master = options.feeder8500
        master = master / "Master-unbal.dss" if master.is_dir() else master
        if master.is_file() and has("dss-python"):
            yield from large_feeder(master, max(3, options.repeats // 3))
        else:
            yield Case("8500", [], {}, ["8500: not run; it needs --feeder8500 PATH and dss-python."])


def true_feeder(batch: int, repeats: int) -> Case:
    network, feeder = IEEE123().network(), IEEE123().build()
    load_kw, load_kvar = snapshots(feeder, batch)
    peers, truth = opendss_on(network, load_kw, load_kvar, feeder)
    timed = race([*peers, *ours(feeder, load_kw, load_kvar, truth)], repeats)
    missing = [] if peers else ["OpenDSS: not installed (requirements/opendss.txt)."]
    return Case("123", timed, baselines(timed), [f"123: {sizes(feeder)}.", *missing])


def shared_variant(batch: int, repeats: int) -> Case:
    """The feeder that power-grid-model can hold, solved by all three."""
    network, spread = grid_model.variant(IEEE123().network())
    load_kw, load_kvar = (load @ spread for load in snapshots(IEEE123().build(), batch))
    feeder = reduce_circuit(circuit_of(network, "ieee123-variant"))
    peers, truth = opendss_on(network, load_kw, load_kvar, feeder)
    mine, notes = ours(feeder, load_kw, load_kvar, truth), [f"variant: {sizes(feeder)}.", grid_model.DIFFERENCES]
    if not has(grid_model.NAME):
        timed = race([*peers, *mine], repeats)
        return Case(
            "variant", timed, baselines(timed), [*notes, f"{grid_model.NAME}: not installed (requirements/bench.txt)."]
        )
    others, found = grid_model.contenders(network, load_kw, load_kvar, truth, feeder.nodes)
    found |= {f"wattflock {dtype.__name__}": voltages(feeder, load_kw, load_kvar, dtype) for dtype in DTYPES}
    timed = race([*peers, *others, *mine], repeats)
    best = min((one for one in timed if one.who.rival), key=lambda one: one.median)
    notes += [f"variant: the best rival is {best.who.name}. {differences(found)}"]
    return Case("variant", timed, {"best rival": best, **baselines(timed)}, notes)


def differences(found: dict[str, np.ndarray]) -> str:
    """How far each solver is from Newton's method."""
    newton, *others = found
    words = [f"{name} {error(found[name], (found[newton], slice(None))):.1e}" for name in others]
    return f"Largest |V| difference from {newton} over all snapshots [pu]: {', '.join(words)}."


def scaling(batch: int, repeats: int) -> Case:
    """Cost of one snapshot in a small and in a large batch, and the memory of the large one."""
    feeder = IEEE123().build()
    load_kw, load_kvar = snapshots(feeder, MANY)
    few, many = (ours(feeder, load_kw[:n], load_kvar[:n], dtypes=[np.float32]) for n in (batch, MANY))
    few, many = ([replace(one, name=f"{one.name}, batch {one.solves:,}") for one in some] for some in (few, many))
    notes = []
    for one in many:
        before, peak = peak_mib(one.run)
        notes.append(
            f"{one.name}: loads, results and all between take {one.buffers_mib:.0f} MiB as XLA plans it; the process "
            f"holds {before:.0f} MiB before and {peak:.0f} MiB at its peak."
        )
    timed = race([*few, *many], repeats)
    pairs = list(zip(timed[: len(few)], timed[len(few) :], strict=True))
    ratios = [f"{two.who.name} {two.median / one.median:.2f} (best {two.best / one.best:.2f})" for one, two in pairs]
    return Case("123", timed, {}, [f"Cost of a snapshot over that at batch {batch:,}: {', '.join(ratios)}.", *notes])


def large_feeder(master: Path, repeats: int) -> Iterator[Case]:
    circuit = read_here(master)
    feeder = reduce_circuit(circuit)
    spots = circuit.spots
    factor = np.random.default_rng(SEED).uniform(0.3, 0.9, (max(LARGE_BATCHES), len(spots)))
    loads = factor * [one.kw for one in spots], factor * [one.kvar for one in spots]
    base = BaseCase(master)
    base.drop_cut_offs()
    names = tuple(name.lower() for name in base.engine.ActiveCircuit.Loads.AllNames)
    pairs = engine.as_pairs(*(summed(load[:LARGE_SNAPSHOTS], [one.name for one in spots], names) for load in loads))
    peers, truth = engine.contenders(base.engine, pairs, names, feeder.nodes)
    kw, kvar = (summed(load, [(one.plus, one.minus) for one in spots], terminals(circuit)) for load in loads)
    for batch in LARGE_BATCHES:
        timed = race([*peers, *ours(feeder, kw[:batch], kvar[:batch], truth)], repeats)
        words = f"8500: {sizes(feeder)}; OpenDSS solves {LARGE_SNAPSHOTS} snapshots; {repeats} repeats."
        yield Case(f"8500, batch {batch:,}", timed, baselines(timed), [words] if batch == LARGE_BATCHES[0] else [])


def snapshots(feeder: Feeder, batch: int) -> tuple[np.ndarray, np.ndarray]:
    """kW and kvar at the terminals of the IEEE 123 feeder, shape (batch, terminals)."""
    factor = np.random.default_rng(SEED).uniform(0.35, 1.95, (batch, len(feeder.terminals)))
    return feeder.nominal_kw * factor, feeder.nominal_kvar * factor


def summed(load: np.ndarray, places: list, order: Iterable) -> np.ndarray:
    """Loads of the same place together, places in `order`."""
    at = {place: index for index, place in enumerate(order)}
    whole = np.zeros((len(load), len(at)))
    np.add.at(whole, (slice(None), [at[place] for place in places]), load)
    return whole


def opendss_on(network: Network, load_kw, load_kvar, feeder: Feeder) -> tuple[list, tuple | None]:
    """OpenDSS's contenders and its truth; nothing without it."""
    if not has("dss-python"):
        return [], None
    pairs = engine.as_pairs(load_kw[:PEER_SNAPSHOTS], load_kvar[:PEER_SNAPSHOTS])
    names = [name.replace(".", "_") for name in terminal_names(network)]
    return engine.contenders(OpenDSS(network).engine, pairs, names, feeder.nodes)


def baselines(timed: list[Timed]) -> dict[str, Timed]:
    words = {engine.LOOP: "the loop", engine.ALONE: "solve alone"}
    return {words[one.who.name]: one for one in timed if one.who.name in words}


def has(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True
