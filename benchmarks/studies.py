"""The tables of a study as a page of measured figures, with its pictures.

    python benchmarks/studies.py factored-critic [--row hourly] [--seeds 5] [--workers 2]
    python benchmarks/studies.py worlds --page worlds-mpc --seeds 1 --set 'judge.yardsticks=["mpc"]'

Runs what is missing of `wattflock study`, writes study-<name>.md and copies the study's pictures beside it. A page of
another name keeps its runs apart.
"""

import argparse
import shutil
from pathlib import Path

from pages.head import head

from wattflock.core import compile_cache
from wattflock.verbs.works import study

HERE = Path(__file__).parent


def main() -> None:
    parser = argparse.ArgumentParser(description="The tables of a study as a page of measured figures.")
    parser.add_argument("name", help="a bundled study")
    parser.add_argument("--row", action="append", help="only this row; can be repeated")
    parser.add_argument("--seeds", type=int, default=0, help="so many runs of each row; 0: as the file says")
    parser.add_argument("--workers", type=int, default=1, help="runs side by side")
    parser.add_argument("--set", action="append", dest="sets", help="a setting of every row; can be repeated")
    parser.add_argument("--done-only", action="store_true", help="a page of the runs that are finished; none is begun")
    parser.add_argument("--page", help="study-<page>.md; by default the study's name")
    given = parser.parse_args()
    page = given.page or given.name
    runs = Path("runs") if page == given.name else Path("runs") / page
    folder = runs / f"study-{given.name}"
    compile_cache.enable()
    many = {"workers": given.workers, "done_only": given.done_only}
    study(given.name, rows=given.row, seeds=given.seeds, sets=given.sets, runs=runs, **many)
    table = (folder / "table.md").read_text(encoding="utf-8")
    pictures = sorted(folder.glob("*.png"))
    shown = "".join(f"![{each.stem}](study-{page}-{each.name})\n\n" for each in pictures)
    text = f"{head(f'The study {page}')}{shown}{table}"
    (HERE / f"study-{page}.md").write_text(text.rstrip() + "\n", encoding="utf-8")
    for each in pictures:
        shutil.copy(each, HERE / f"study-{page}-{each.name}")


if __name__ == "__main__":
    main()
