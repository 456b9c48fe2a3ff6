"""Power-flow solves per second, ours beside OpenDSS and power-grid-model, in one process.

    python benchmarks/power_flow.py [--write] [--batch 1000] [--repeats 15] [--feeder8500 PATH] [--only CASE]

IEEE 123: spot loads times 0.35 to 1.95, drawn per terminal; the 8500-node feeder: times 0.3 to 0.9. Everybody gets
the same snapshots, stops at 1e-6 pu and gives |V| of every node. Our gradient is that of Σ excess² + Σ|V| with respect
to kW and kvar. power-grid-model (requirements/bench.txt) and OpenDSS (requirements/opendss.txt) may be missing.
"""

import argparse
import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import jax
import numpy as np
from contest import engine, grid_model
from contest.ours import TOLERANCE, error, ours, peak_mib, sizes
from contest.race import WARM_UPS, Timed, race

from wattflock.feeder.admittance import circuit_of
from wattflock.feeder.crosscheck import BaseCase, OpenDSS
from wattflock.feeder.feeder import Feeder
from wattflock.feeder.ieee123 import IEEE123
from wattflock.feeder.network import Network, terminal_names
from wattflock.feeder.opendss import read_opendss
from wattflock.feeder.reduce import reduce_circuit

SEED = 123
PEER_SNAPSHOTS = 200
LARGE = Path(__file__).resolve().parents[2] / "shared" / "feeders" / "ieee8500"
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


def main() -> None:
    parser = argparse.ArgumentParser(description="Power-flow solves per second, ours beside others.")
    parser.add_argument("--write", action="store_true", help="also write benchmarks/power_flow.md")
    parser.add_argument("--batch", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--feeder8500", type=Path, default=LARGE, help="Master-unbal.dss of the 8500-node feeder")
    parser.add_argument("--only", choices=CASES, action="append", help="cases to run; all without it")
    options = parser.parse_args()
    text = "\n".join(report(options))
    print(text)
    if options.write:
        Path(__file__).with_suffix(".md").write_text(text + "\n")


def report(options: argparse.Namespace) -> list[str]:
    chosen = options.only or CASES
    cases = [one for name in CASES if name in chosen for one in run_case(name, options)]
    rows = [line(case, one) for case in cases for one in case.timed]
    return [*header(options), *rows, *footer(cases)]


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


def true_feeder(batch: int, repeats: int) -> Case:
    network, feeder = IEEE123().network(), IEEE123().build()
    load_kw, load_kvar = snapshots(feeder, batch)
    peers, truth = opendss_on(network, load_kw, load_kvar, feeder)
    timed = race([*peers, *ours(feeder, load_kw, load_kvar, truth)], repeats)
    return Case("IEEE 123", timed, baselines(timed), [f"IEEE 123: {sizes(feeder)}."])


def shared_variant(batch: int, repeats: int) -> Case:
    """The feeder that power-grid-model can hold, solved by all three."""
    network, spread = grid_model.variant(IEEE123().network())
    load_kw, load_kvar = (load @ spread for load in snapshots(IEEE123().build(), batch))
    feeder = reduce_circuit(circuit_of(network, "ieee123 variant"))
    peers, truth = opendss_on(network, load_kw, load_kvar, feeder)
    mine = ours(feeder, load_kw, load_kvar, truth)
    notes = [f"Variant: {sizes(feeder)}.", *" ".join(grid_model.DIFFERENCES.split()).split("\n")]
    if not has(grid_model.NAME):
        timed = race([*peers, *mine], repeats)
        return Case("variant", timed, baselines(timed), [*notes, f"{grid_model.NAME}: not installed."])
    others, found = grid_model.contenders(network, load_kw, load_kvar, truth, feeder.nodes)
    notes += [f"Largest difference on all {batch} snapshots: {words}." for words in differences(mine, found)]
    timed = race([*peers, *others, *mine], repeats)
    fair = [one for one in timed if one.who.name.startswith(grid_model.NAME) and one.who.same]
    best = min(fair, key=lambda one: one.median)
    return Case("variant", timed, {best.who.name: best, **baselines(timed)}, notes)


def differences(mine, found: dict[str, np.ndarray]) -> list[str]:
    truth = found["newton_raphson"], slice(None)
    pairs = [(one.name, one.voltage_pu) for one in mine if "gradient" not in one.name]
    pairs += [(f"{grid_model.NAME} iterative_current", found["iterative_current"])]
    return [f"{name} against {grid_model.NAME} newton_raphson {error(values, truth):.1e} pu" for name, values in pairs]


def scaling(batch: int, repeats: int) -> Case:
    """Cost of one snapshot in a small and in a large batch, and the memory of the large one."""
    feeder = IEEE123().build()
    load_kw, load_kvar = snapshots(feeder, MANY)
    few, many = (ours(feeder, load_kw[:n], load_kvar[:n], dtypes=[np.float32]) for n in (batch, MANY))
    notes = []
    for one in many:
        before, peak = peak_mib(one.run)
        notes.append(f"{one.name}, batch {MANY:,}: the process holds {before:.0f} MiB before and {peak:.0f} at its peak.")
    timed = race([*few, *many], repeats)
    pairs = zip(timed[: len(few)], timed[len(few) :], strict=True)
    ratios = [f"{two.who.name}: {two.median / one.median:.2f} ({two.best / one.best:.2f})" for one, two in pairs]
    words = f"Cost of a snapshot at batch {MANY:,} over that at {batch:,}, medians (best): {'; '.join(ratios)}."
    return Case("IEEE 123, batch", timed, {}, [words, *notes])


def large_feeder(master: Path, repeats: int) -> Iterator[Case]:
    circuit = read_opendss(master)
    feeder = reduce_circuit(circuit)
    factor = np.random.default_rng(SEED).uniform(0.3, 0.9, (max(LARGE_BATCHES), len(circuit.spots)))
    spot_kw, spot_kvar = (np.array([getattr(one, key) for one in circuit.spots]) * factor for key in ("kw", "kvar"))
    base = BaseCase(master)
    base.drop_cut_offs()
    loads = tuple(name.lower() for name in base.engine.ActiveCircuit.Loads.AllNames)
    by_load = gather([one.name for one in circuit.spots], loads)
    by_terminal = gather([(one.plus, one.minus) for one in circuit.spots], tuple(dict.fromkeys((one.plus, one.minus) for one in circuit.spots)))
    pairs = engine.as_pairs(*(spot[:LARGE_SNAPSHOTS] @ by_load for spot in (spot_kw, spot_kvar)))
    peers, truth = engine.contenders(base.engine, pairs, loads, feeder.nodes)
    load_kw, load_kvar = spot_kw @ by_terminal, spot_kvar @ by_terminal
    for batch in LARGE_BATCHES:
        timed = race([*peers, *ours(feeder, load_kw[:batch], load_kvar[:batch], truth)], repeats)
        words = [f"IEEE 8500: {sizes(feeder)}; OpenDSS on {LARGE_SNAPSHOTS} snapshots, {repeats} repeats."]
        yield Case(f"IEEE 8500, batch {batch}", timed, baselines(timed), words[: batch == LARGE_BATCHES[0]])
