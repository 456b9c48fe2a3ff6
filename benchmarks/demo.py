"""The demo's table and pictures for the front page, from the newest finished run of `wattflock demo`.

    python benchmarks/demo.py [--runs runs]

Writes benchmarks/demo.md and copies the run's pictures to docs/pictures. It measures nothing: run the demo first.
"""

import argparse
import shutil
from collections.abc import Iterator
from pathlib import Path

from pages.compared import sections
from pages.head import ROOT, head

from wattflock.core.scenario import fingerprint, load
from wattflock.report import run_data
from wattflock.report.run_page import by_kind
from wattflock.study.run import Run, listed
from wattflock.verbs.study import DEMO

PICTURES = ("loading", "tradeoff", "gains")


def newest(runs: Path) -> Run | None:
    """The newest finished run of the demo as it comes."""
    own = fingerprint(load(Path("thousand"), DEMO))
    found = (Run(folder) for folder in listed(runs) if folder.name.endswith(own))
    return next((run for run in found if run.summary()), None)


def page(run: run_data.RunData) -> Iterator[str]:
    """The page, piece by piece."""
    summary = run.summary
    yield head("The demo", "wattflock demo", summary["date"], summary["machine"])
    for title, wide in {"In short": False, "All figures": True}.items():
        yield from sections(title, summary, wide)
    yield f"## By kind of home\n\n{by_kind(run).markdown().strip()}\n\n"
    yield "## Computing time\n\n| step | s |\n|---|---:|\n"
    yield "".join(f"| {step} | {seconds:.0f} |\n" for step, seconds in summary["seconds"].items())


def main() -> None:
    parser = argparse.ArgumentParser(description="The demo's table for the front page.")
    parser.add_argument("--runs", type=Path, default=ROOT / "runs")
    run = newest(parser.parse_args().runs)
    if run is None:
        print("demo: no finished run of `wattflock demo` there; benchmarks/demo.md stays as it is")
        return
    Path(__file__).with_suffix(".md").write_text("".join(page(run_data.read(run.folder))).rstrip() + "\n")
    for name in PICTURES:
        shutil.copy(run.folder / f"{name}.png", ROOT / "docs" / "pictures" / f"{name}.png")
    print(f"demo: benchmarks/demo.md and {len(PICTURES)} pictures from {run.folder}")


if __name__ == "__main__":
    main()
