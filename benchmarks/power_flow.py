"""Power-flow solves per second, ours beside OpenDSS and power-grid-model, in one process.

    python benchmarks/power_flow.py [--write] [--batch 1000] [--repeats 15] [--feeder8500 PATH] [--only CASE]

IEEE 123: spot loads times 0.35 to 1.95, drawn per terminal; the 8500-node feeder: times 0.3 to 0.9. Everybody gets
the same snapshots, stops at 1e-6 pu and gives |V| of every node. Our gradient is that of Σ excess² + Σ|V| with respect
to kW and kvar. power-grid-model (requirements/bench.txt) and OpenDSS (requirements/opendss.txt) may be missing.
"""

import argparse
import os
from importlib.metadata import version
from pathlib import Path

import jax
from contest.cases import CASES, LARGE_SNAPSHOTS, PEER_SNAPSHOTS, Case, has, run_case
from contest.ours import TOLERANCE
from contest.race import TURN_S, WARM_UPS, Timed
from pages.head import head

LARGE = Path(__file__).resolve().parents[2] / "shared" / "feeders" / "ieee8500"
PEERS = ("dss-python", "power-grid-model")


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


def header(options: argparse.Namespace) -> list[str]:
    machine = jax.devices()[0]
    packages = [f"{name} {version(name)}" for name in ("jax", *PEERS) if has(name)]
    return [
        head("Power flow: constant power, all |V| read")
        + f"Batch {options.batch:,}, {options.repeats} rounds after {WARM_UPS} warm-ups, "
        "contenders in turn; "
        f"{', '.join(packages)}; {machine.platform} ({machine.device_kind}), {os.cpu_count()} cores; "
        f"tolerance {TOLERANCE:g} pu.",
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
