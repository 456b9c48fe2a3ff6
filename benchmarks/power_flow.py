"""Power-flow solves per second, ours beside OpenDSS and power-grid-model, in one process.

    python benchmarks/power_flow.py [--write] [--batch 1000] [--repeats 15] [--feeder8500 PATH] [--only CASE]

IEEE 123: spot loads times 0.35 to 1.95, drawn per terminal; the 8500-node feeder: times 0.3 to 0.9. Everybody gets
the same snapshots, stops at 1e-6 pu and gives |V| of every node. Our gradient is that of Σ excess² + Σ|V| with respect
to kW and kvar. power-grid-model (requirements/bench.txt) and OpenDSS (requirements/opendss.txt) may be missing.
"""

import argparse
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import jax
import numpy as np
from contest import engine, grid_model
from contest.ours import DTYPES, TOLERANCE, error, ours, peak_mib, sizes, voltages
from contest.race import TURN_S, WARM_UPS, Timed, race

from wattflock.feeder.admittance import circuit_of
from wattflock.feeder.circuit import terminals
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
    return Case("123", timed, baselines(timed), [f"123: {sizes(feeder)}."])


def shared_variant(batch: int, repeats: int) -> Case:
    """The feeder that power-grid-model can hold, solved by all three."""
    network, spread = grid_model.variant(IEEE123().network())
    load_kw, load_kvar = (load @ spread for load in snapshots(IEEE123().build(), batch))
    feeder = reduce_circuit(circuit_of(network, "ieee123-variant"))
    peers, truth = opendss_on(network, load_kw, load_kvar, feeder)
    mine, notes = ours(feeder, load_kw, load_kvar, truth), [f"variant: {sizes(feeder)}.", grid_model.DIFFERENCES]
    if not has(grid_model.NAME):
        timed = race([*peers, *mine], repeats)
        return Case("variant", timed, baselines(timed), [*notes, f"{grid_model.NAME}: not installed."])
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
        notes.append(f"{one.name}: the process holds {before:.0f} MiB before and {peak:.0f} MiB at the peak.")
    timed = race([*few, *many], repeats)
    pairs = list(zip(timed[: len(few)], timed[len(few) :], strict=True))
    ratios = [f"{two.who.name} {two.median / one.median:.2f} (best {two.best / one.best:.2f})" for one, two in pairs]
    return Case("123", timed, {}, [f"Cost of a snapshot over that at batch {batch:,}: {', '.join(ratios)}.", *notes])


def large_feeder(master: Path, repeats: int) -> Iterator[Case]:
    circuit = read_opendss(master)
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


def header(options: argparse.Namespace) -> list[str]:
    machine = jax.devices()[0]
    packages = [f"{name} {version(name)}" for name in ("jax", "dss-python", grid_model.NAME) if has(name)]
    return [
        "# Power flow: constant power, all |V| read",
        "",
        f"Batch {options.batch:,}, {options.repeats} rounds after {WARM_UPS} warm-ups, contenders in turn; "
        f"{', '.join(packages)}; {machine.platform} ({machine.device_kind}), {os.cpu_count()} cores; "
        f"tolerance {TOLERANCE:g} pu.",
        "Written by `python benchmarks/power_flow.py --write`.",
        "",
        "| feeder | what | solves/s median | best | times as fast as (best) | iterations | max error [pu] | GFLOP/s |",
        "|---|---|---|---|---|---|---|---|",
    ]


def line(case: Case, one: Timed) -> str:
    who = one.who
    ratios = [
        f"{it.median / one.median:.3g} ({it.best / one.best:.3g}) × {name}" for name, it in case.baselines.items()
    ]
    cells = (
        case.title,
        who.name,
        f"{1 / one.median:,.0f}",
        f"{1 / one.best:,.0f}",
        ", ".join(ratios) if who.work else "",
        who.iterations,
        "" if who.error_pu is None else f"{who.error_pu:.1e}",
        f"{who.work / one.median / 1e9:.0f}" if who.work else "",
    )
    return f"| {' | '.join(cells)} |"


def footer(cases: list[Case]) -> list[str]:
    return ["", *(f"- {words}" for words in (*COMMON, *(note for case in cases for note in case.notes)))]


COMMON = (
    "Ratios are of median times, in brackets of the best. The error is against OpenDSS at a tolerance of 1e-10, on its "
    f"first {PEER_SNAPSHOTS} snapshots ({LARGE_SNAPSHOTS} of the 8500-node feeder).",
    "The loop sets every load, solves and reads |V| from Python, one snapshot after another; solve alone is the "
    "engine's call in it. OpenDSS runs on one core and starts each snapshot from the one before; ours and "
    "power-grid-model start cold and get their loads as arrays that are already in place. Ours uses all cores.",
    "GFLOP/s counts the products of the iterations and of the voltages, twice with the gradient (the adjoint costs "
    f"the same again, transposed), over the median time. A turn lasts at least {TURN_S * 1e3:.0f} ms.",
)


if __name__ == "__main__":
    main()
