"""Made homes beside measured ones, with fixed lists of homes; how fast they are made; what streaming them takes.

    python benchmarks/homes.py [part ...] [--data ../shared/data] [--write]

Parts: habits, gan (load of London), california (load), cars, sun, speed, disk; each can be repeated alone, and
`--write` keeps its table in benchmarks/homes.md. `sun` and `california` need no files; the others need the measured
sets, which are not ours to give. All takes the better part of an hour. `--homes 100000` writes as many in `disk`.
"""

import argparse
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

from judged import cars, loads, speed, sun
from pages.head import renewed

from wattflock.synth.gan_nets import Recipe
from wattflock.synth.models.gan import Gan

ROOT = Path(__file__).resolve().parents[1]
JUDGED = ("figure", "measured, or real against real", "made", "bar")
HEADS = {
    "speed": ("what", "µs per home and day", "home-days per second", "load of the machine before"),
    "disk": ("homes × days", "rows", "time; size", "most memory"),
}
NEED_FILES = ("habits", "gan", "cars")
Rows = Iterator[loads.Row]


def of_gan(folder: Path) -> Rows:
    """The paper's model, fitted here to the same homes."""
    real = loads.measured("london", folder)
    model = Gan.fit(real.training, 0, lambda share, said: None)
    yield from loads.rows(real, loads.with_model(real.region, model), "gan")


def of_region(name: str, folder: Path) -> Rows:
    """The bundled model of a region."""
    real = loads.measured(name, folder)
    yield from loads.rows(real, real.region, "habits")


def of_speed(folder: Path) -> Rows:
    """With the paper's model where it can be fitted; an untrained network takes as long to draw from."""
    training = loads.measured("london", folder).training if folder.is_dir() else None
    yield from speed.rows(Gan.learn(training, Recipe(steps=0), 0, lambda share, said: None) if training else None)


def parts(folder: Path, homes: int) -> dict[str, Callable[[], Rows]]:
    """Name → what gives its rows."""
    return {
        "habits": lambda: of_region("london", folder),
        "gan": lambda: of_gan(folder),
        "california": lambda: of_region("california", folder),
        "cars": lambda: cars.rows(folder),
        "sun": sun.rows,
        "speed": lambda: of_speed(folder),
        "disk": lambda: speed.disk(homes, 365, None),
    }


def table(name: str, rows: Rows) -> str:
    """Markdown, printed line by line as it is measured."""
    lines = []
    for row in chain((HEADS.get(name, JUDGED), ("---",) * 4), rows):
        lines.append("| " + " | ".join(row) + " |")
        print(lines[-1], flush=True)
    return "\n".join(lines)


def keep(name: str, text: str) -> None:
    """Puts a table in its place in benchmarks/homes.md."""
    page = ROOT / "benchmarks" / "homes.md"
    before, mark, tail = renewed(page.read_text()).partition(f"<!-- {name} -->\n")
    page.write_text(before + mark + text + "\n" + tail[tail.index("\n<!-- end") :])


def main() -> None:
    names = ("habits", "gan", "california", "cars", "sun", "speed", "disk")
    parser = argparse.ArgumentParser(description="Made homes beside measured ones.")
    parser.add_argument("parts", nargs="*", metavar="part", help=", ".join(names))
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--homes", type=int, default=3000, help="of the part disk")
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    if unknown := [name for name in asked.parts if name not in names]:
        parser.error(f"no such part: {', '.join(unknown)}")
    for name in asked.parts or names:
        if name in NEED_FILES and not asked.data.is_dir():
            print(
                f"homes: {name} needs the measured sets, which are not in {asked.data}; give their folder with --data"
            )
            continue
        print(f"\n{name}")
        text = table(name, parts(asked.data, asked.homes)[name]())
        if asked.write:
            keep(name, text)


if __name__ == "__main__":
    main()
