"""A run while it is under way: what its files say now, and a stream of what changed, as server-sent events.

The stream is of WHATWG HTML 9.2: a browser that lost it asks again by itself, and says what it saw last.
"""

import hashlib
import json
import math
import re
from collections.abc import AsyncIterator
from html import escape
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from wattflock.core.run_files import SUMMARY
from wattflock.report import html, run_charts, run_data, words
from wattflock.report.theme import methods, spec
from wattflock.study.curve import curves
from wattflock.web import listing
from wattflock.web.children import Child
from wattflock.web.listing import DONE, STOPPED, UNDER_WAY

POLL_S, QUIET_S = 1.0, 15.0  # between two looks at the files, and between two signs of life
BAR = re.compile(r"^(\S+): (\d+)/(\d+)  ?(.*)$")  # a line of `core.progress.Bar`
COMPILES = "The programs are being compiled, which takes a minute or so; curves come with the first saved rounds."
WORDS = {
    UNDER_WAY: "Under way.",
    STOPPED: "Stopped. What was learned is kept; it can go on from there.",
    DONE: "Done.",
    listing.BROKEN: "A file of this run is damaged.",
}


def state(path: Path, child: Child | None) -> str:
    """As `listing.state`; a process that has not made its folder yet is under way too."""
    if child and child.works:
        return UNDER_WAY
    return listing.state(path) if path.is_dir() else STOPPED


def version(path: Path, child: Child | None) -> str:
    """Another text whenever anything changes that `status` or `chart` shows."""
    files = [*sorted(path.glob("checkpoints/*.safetensors")), path / SUMMARY, path / "lock.json"]
    seen: list[Any] = [state(path, child), child.said() if child else ()]
    for file in files:
        try:
            found = file.stat()
        except OSError:
            continue
        seen.append((file.name, found.st_mtime_ns, found.st_size))
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]


def status(path: Path, child: Child | None) -> str:
    """State, progress of each method, and the last words of the process, as HTML."""
    cards, said = listing.cards(path), child.said() if child else []
    asked = _asked(path, said)
    names = list(dict.fromkeys([*cards, *(name for name in asked if name in _methods(path))]))
    lines = "".join(_progress(name, cards.get(name, {}), asked.get(name), path) for name in names)
    now = state(path, child)
    words_ = html.code("\n".join(said)) if said else html.paragraph(COMPILES if now == UNDER_WAY and not cards else "")
    failed = "" if child is None or child.works or not child.process.returncode or now == DONE else _failed(child)
    return f'<p class="state" role="status"><b>{escape(WORDS[now])}</b></p>{failed}<dl>{lines}</dl>{words_}'


def chart(path: Path) -> Any:
    """The learning curves so far, as the report draws them when all is done."""
    cards, rows = listing.cards(path), []
    for name, card in cards.items():
        seconds = listing.clock(path, name).get("curve") or []
        for place, row in enumerate(card.get("curve", [])):
            rows.append(row | {"seconds": seconds[place] if place < len(seconds) else row.get("round")})
    summary = {"methods": {name: {} for name in cards}, "currency": "money"}
    return run_charts.curves(run_data.unjudged(summary, curves(rows, math.nan)))


def facts(path: Path, child: Child | None) -> dict[str, Any]:
    """What an event tells: state, status as HTML, and the curves as a specification of Vega-Lite."""
    return {"state": state(path, child), "status": status(path, child), "chart": spec(chart(path))}


async def events(path: Path, child_of, last_seen: str = "") -> AsyncIterator[str]:
    """Server-sent events of a run: one at once unless the visitor saw it, then one for each change, until it is done.

    Args:
        path: of the run.
        child_of: gives the process that works on it, or None.
        last_seen: the id of the last event that the visitor has.
    """
    seen, quiet = last_seen, 0.0
    yield "retry: 2000\n\n"
    while True:
        child = child_of()
        now = await anyio.to_thread.run_sync(version, path, child)
        if now != seen:
            told = await anyio.to_thread.run_sync(facts, path, child)
            name = "done" if told["state"] == DONE else "state"
            yield f"id: {now}\nevent: {name}\ndata: {json.dumps(told, separators=(',', ':'), allow_nan=False)}\n\n"
            seen, quiet = now, 0.0
        elif quiet >= QUIET_S:
            yield ": still here\n\n"
            quiet = 0.0
        await anyio.sleep(POLL_S)
        quiet += POLL_S


def _methods(path: Path) -> list[str]:
    judged = listing.section(path, "judge").get("methods")
    learned = str(listing.section(path, "learn").get("part", ""))
    return [*(map(str, judged) if isinstance(judged, list) else ()), learned]


def _asked(path: Path, said: list[str]) -> dict[str, int]:
    """Rounds that are asked for, where the scenario or a bar of the process says so."""
    learn = listing.section(path, "learn")
    rounds = learn.get("rounds")
    found = {str(learn.get("part")): rounds} if isinstance(rounds, int) and rounds > 0 else {}
    return found | {bar[1]: int(bar[3]) for line in said if (bar := BAR.match(line.strip()))}


def _progress(name: str, card: dict[str, Any], asked: int | None, path: Path) -> str:
    done, seconds = int(card.get("rounds") or 0), listing.clock(path, name).get("seconds")
    label = escape(methods([name])[name].label)
    most = f' max="{asked}" value="{min(done, asked)}"' if asked else ""
    bar = f'<progress aria-label="rounds of {escape(name)}"{most}></progress> ' if asked else ""
    told = f"{done:,} of {asked:,} rounds" if asked else words.counted(done, "round")
    spent = f", {words.number(seconds)} s" if seconds else ""
    why = f"; {card['stopped']}" if card.get("stopped") else ""
    return f"<dt>{label}</dt><dd>{bar}{escape(told + spent + why)}</dd>"


def _failed(child: Child) -> str:
    code = child.process.returncode
    if code in (130, 143):
        return ""
    return html.paragraph(f"The process ended with code {code}; its last words stand below.")
