"""The page of a judged run, served to a real browser: how large, and how long until its pictures are there.

python benchmarks/serve.py --runs runs            # prints the table
python benchmarks/serve.py --runs runs --write    # also writes benchmarks/serve.md

Needs Chromium, and the run of `wattflock demo` in the folder (or another: --run NAME).
"""

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from pages.head import head

from wattflock.core.run_files import read_summary

sys.path.append(str(Path(__file__).parents[1]))
from tests.web.browser import DESKTOP, PHONE, Browser, browser  # the driver that the tests use

REPEATS, PORT = 5, 8499
COMMAND = "from wattflock.apps.cli import main; main()"
WATCH = """
window.first = 0; window.last = 0;
new MutationObserver(() => { window.last = performance.now(); window.first = window.first || window.last; })
  .observe(document, {subtree: true, attributes: true, attributeFilter: ["data-drawn"]});
"""
ABOUT = """\
A judged run of {homes:,} homes, from `wattflock serve` to a headless Chromium on the same machine. Seconds from the
address to the page's first byte, to the first picture, and to all of them; medians of {repeats}. At once: the server
has just begun to answer, and makes the page from the run's tables. Then: it has it. The page: {megabytes:.2f} MB.
Meanwhile {load:.1f} processes wanted one of {cores} cores, on average; the server and the browser are among them."""


def opened(tab: Browser, address: str, size: tuple[int, int]) -> tuple[float, float, float]:
    """Seconds until the first byte, the first picture and all pictures."""
    tab.open(address, size)
    byte = tab.run("performance.getEntriesByType('navigation')[0].responseStart")
    return byte / 1000, tab.run("window.first") / 1000, tab.run("window.last") / 1000


@contextlib.contextmanager
def served(runs: Path) -> Iterator[None]:
    """A server of its own, which answers; it is ended afterwards."""
    command = [sys.executable, "-c", COMMAND, "serve", "--runs", str(runs), "--port", str(PORT)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        while not _answers():
            if process.poll() is not None:
                raise SystemExit(f"The server ended with code {process.returncode}; is port {PORT} taken?")
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(30)


def _answers() -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{PORT}/data").close()
    except OSError:
        return False
    return True


def measured(runs: Path, path: str) -> dict[str, list[tuple[float, float, float]]]:
    """What is timed → seconds of each repeat."""
    found: dict[str, list[tuple[float, float, float]]] = {"at once": [], "then": [], "then, a phone's width": []}
    address = f"http://127.0.0.1:{PORT}{path}"
    for _ in range(REPEATS):
        with served(runs), tempfile.TemporaryDirectory() as profile, browser(Path(profile)) as tab:
            tab.call("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
            for name, size in zip(found, (DESKTOP, DESKTOP, PHONE), strict=True):
                found[name].append(opened(tab, address, size))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="The served page of a run.")
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--run", default="")
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    run = asked.runs / asked.run if asked.run else max(asked.runs.glob("thousand-*/summary.json")).parent
    found = measured(asked.runs, f"/run/{run.name}")
    with served(asked.runs):
        size = len(urllib.request.urlopen(f"http://127.0.0.1:{PORT}/run/{run.name}").read()) / 1e6
    rows = ["| | first byte | first picture | all pictures |", "|---|---:|---:|---:|"]
    for name, each in found.items():
        rows.append(f"| {name} | " + " | ".join(f"{statistics.median(x):.2f}" for x in zip(*each, strict=True)) + " |")
    about = ABOUT.format(
        homes=read_summary(run)["homes"], repeats=REPEATS, megabytes=size, load=os.getloadavg()[1], cores=os.cpu_count()
    )
    table = f"{about}\n\n" + "\n".join(rows)
    print(table)
    if asked.write:
        Path(__file__).with_suffix(".md").write_text(f"{head('The served page of a run')}{table}\n")


if __name__ == "__main__":
    main()
