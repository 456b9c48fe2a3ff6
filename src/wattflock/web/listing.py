"""What stands in the folder: runs and studies with their state, date and headline, each read once."""

import contextlib
import functools
import json
import re
import tomllib
from dataclasses import dataclass
from datetime import datetime
from html import unescape
from pathlib import Path
from typing import Any

from wattflock.core.errors import RunError
from wattflock.core.files import is_alive, read_card, read_json, regular
from wattflock.core.run_files import SUMMARY, read_summary
from wattflock.report import run_data, words
from wattflock.report.theme import methods
from wattflock.study.run import card_problems
from wattflock.web.places import folders, page_of

DONE, UNDER_WAY, STOPPED, BROKEN = "done", "under way", "stopped", "broken"
TITLE = re.compile(r"<title>(.*?)</title>", re.S)
HEAD_BYTES = 100_000  # of a study's page, in which its title stands
UNSOUND = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)  # from a forged file


@dataclass(frozen=True)
class Entry:
    """A run or a study of the folder."""

    name: str
    state: str
    method: str
    date: str  # YYYY-MM-DD HH:MM
    headline: str
    is_study: bool = False  # many runs stand behind it


def entries(folder: Path) -> list[Entry]:
    """Everything in the folder, newest first."""
    return [entry(path) if (page := page_of(path)) is None else _study(page) for path in folders(folder)]


def entry(path: Path) -> Entry:
    """A run as its files say it now."""
    mark = path / SUMMARY if (path / SUMMARY).exists() else path / "scenario.toml"
    method, headline = _told(path, mark, mark.stat().st_mtime_ns)
    return Entry(path.name, state(path), method, _date(mark), headline)


def state(path: Path) -> str:
    """Done, under way, or stopped: nobody works in it, and it is not judged."""
    if worked_on(path):
        return UNDER_WAY
    if not (path / SUMMARY).exists():
        return STOPPED
    try:
        figures = read_summary(path)["methods"].values()
        short = any((row.get("rounds") or 0) < (row.get("rounds_asked") or 0) for row in figures)
    except (RunError, *UNSOUND):
        return BROKEN
    return STOPPED if short else DONE


def worked_on(path: Path) -> bool:
    """Whether a process works in a run's folder; one of another machine is taken for alive."""
    with contextlib.suppress(RunError):
        lock = read_json(path / "lock.json")
        process = lock.get("process") if isinstance(lock, dict) else None
        return isinstance(process, int) and is_alive(process)
    return False


def section(path: Path, name: str) -> dict[str, Any]:
    """A section of a run's scenario as its file says it; empty where it cannot be read."""
    try:
        found = tomllib.loads(regular(path / "scenario.toml").read_text(encoding="utf-8")).get(name)
    except (OSError, *UNSOUND):
        return {}
    return found if isinstance(found, dict) else {}


def cards(path: Path) -> dict[str, dict[str, Any]]:
    """Cards of the checkpoints, method by method; without one that is not whole."""
    found = {}
    for file in sorted(path.glob("checkpoints/*.safetensors")):
        with contextlib.suppress(RunError):
            card = read_card(file)
            if not card_problems(card, file.stem, card.get("rounds", -1), None):
                found[file.stem] = card
    return found


@functools.lru_cache(maxsize=500)
def _told(path: Path, mark: Path, changed_ns: int) -> tuple[str, str]:
    """The method that a run is about and its headline; `changed_ns` tells one state of the file from another."""
    del changed_ns
    if mark.name != SUMMARY:
        homes, part = section(path, "homes").get("count"), section(path, "learn").get("part", "")
        return str(part), f"{words.counted(homes, 'home')}, not judged yet" if isinstance(homes, int) else ""
    try:
        run = run_data.unjudged(read_summary(path))
        name = run_data.best(run.summary)
        return methods(run.methods)[name].label, words.headline(run)
    except (RunError, *UNSOUND) as error:
        return "", str(error)


def _study(page: Path) -> Entry:
    with page.open("rb") as file:
        title = TITLE.search(file.read(HEAD_BYTES).decode("utf-8", "replace"))
    return Entry(page.parent.name, DONE, page.stem, _date(page), unescape(title[1]) if title else "", True)


def _date(path: Path) -> str:
    return datetime.fromtimestamp(path.stat().st_mtime).strftime("%Y-%m-%d %H:%M")


def clock(path: Path, method: str) -> dict[str, Any]:
    """Seconds of a method's training and of its curve; they stand beside the checkpoint."""
    try:
        found = json.loads(regular(path / "checkpoints" / f"{method}.timings.json").read_text())
    except (OSError, *UNSOUND):
        return {}
    return found if isinstance(found, dict) else {}
