"""The tables of a study as a page of measured figures, with its pictures.

    python benchmarks/studies.py factored-critic [--row hourly] [--seeds 5] [--workers 2]

Runs what is missing of `wattflock study`, writes study-<name>.md and copies the study's pictures beside it.
"""

import argparse
import shutil
from pathlib import Path

from pages.head import head

from wattflock.verbs.works import study

HERE = Path(__file__).parent


def main() -> None:
    parser = argparse.ArgumentParser(description="The tables of a study as a page of measured figures.")
    parser.add_argument("name", help="a bundled study")
    parser.add_argument("--row", action="append", help="only this row; can be repeated")
    parser.add_argument("--seeds", type=int, default=0, help="so many runs of each row; 0: as the file says")
    parser.add_argument("--workers", type=int, default=1, help="runs side by side")
    given = parser.parse_args()
    folder = Path("runs") / f"study-{given.name}"
    study(given.name, rows=given.row, seeds=given.seeds, workers=given.workers)
    table = (folder / "table.md").read_text(encoding="utf-8")
    pictures = sorted(folder.glob("*.png"))
    shown = "".join(f"![{each.stem}](study-{given.name}-{each.name})\n\n" for each in pictures)
    page = f"{head(f'The study {given.name}')}{shown}{table}"
    (HERE / f"study-{given.name}.md").write_text(page.rstrip() + "\n", encoding="utf-8")
    for each in pictures:
        shutil.copy(each, HERE / f"study-{given.name}-{each.name}")


if __name__ == "__main__":
    main()
