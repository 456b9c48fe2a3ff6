"""What a resident says becomes parameters of a plan: read answers, with evidence, candidates and read-backs."""

from pathlib import Path
from typing import Annotated, Any


def extract(
    file: Annotated[Path, "Answers, one JSON object a line: id, question, asked, utterance; locale en-GB by default."],
    backend: Annotated[str, "Who reads: rules."] = "rules",
    out: Annotated[Path | None, "Write what was read here, as JSON."] = None,
    today: Annotated[str, "What relative dates count from, YYYY-MM-DD; the day of this computer where not told."] = "",
) -> Any:
    """Read slots out of residents' answers: a value, candidates where it is ambiguous, or unknown.

    A value with a read-back was inferred (morning or evening, arithmetic, a look-up) and counts once the resident
    has agreed. Slots and units: docs/assistant.md.

    Example:
        wattflock assistant extract answers.jsonl --backend rules --out read.json
    """
    from wattflock.assistant.files import BACKENDS, as_json, lines_of
    from wattflock.core.errors import Problem, ScenarioError
    from wattflock.core.files import write_json
    from wattflock.core.registry import nearest
    from wattflock.verbs.results import Extracted

    where, wrong = "wattflock assistant extract", []
    if backend not in BACKENDS:
        wrong.append(Problem(where, "--backend", backend, nearest(backend, tuple(BACKENDS))))
    day = _day(today)
    if today and day is None:
        wrong.append(Problem(where, "--today", today, "YYYY-MM-DD"))
    asked, problems = lines_of(file)
    if wrong or problems:
        raise ScenarioError([*wrong, *problems])
    read = {
        each.id: as_json(BACKENDS[backend](each.utterance, each.asked, each.question, each.locale, day))
        for each in asked
    }
    if out:
        write_json(out, read)
    return Extracted(read, {each.id: each.asked for each in asked})


def _day(text: str) -> Any:
    from datetime import date

    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


VERBS = (extract,)
