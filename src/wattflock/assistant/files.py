"""A file of questions and answers, one a line, and what a backend reads of them."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, Protocol

from wattflock.assistant.grammar.text import LOCALES, locale_of
from wattflock.assistant.models.model import ModelError
from wattflock.assistant.rules.filling import NOTHING, Filling
from wattflock.assistant.slots import SLOTS
from wattflock.core.errors import Problem, RunError
from wattflock.core.files import reason, regular
from wattflock.core.registry import nearest


class Backend(Protocol):
    """Reads an answer: a filling for each slot."""

    def __call__(
        self, utterance: str, asked: tuple[str, ...], question: str, locale: str, today: date | None
    ) -> dict[str, Filling]:
        """What the answer says of every slot."""
        ...


MOST_FAILURES = 3  # of a model, one after the other


@dataclass(frozen=True)
class Line:
    """A question about slots and what was answered."""

    id: str
    question: str
    asked: tuple[str, ...]
    utterance: str
    locale: str = "en-GB"


def lines_of(path: Path) -> tuple[list[Line], list[Problem]]:
    """The lines of a file and everything that is wrong with them.

    Raises:
        RunError: there is no such file, or it is no text.
    """
    try:
        text = regular(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise RunError(f"{path}: {reason(error)}") from error
    lines, problems, seen = [], [], set()
    for number, row in enumerate(text.splitlines(), start=1):
        if not row.strip():
            continue
        where = f"{path}:{number}"
        found = _problems(where, row)
        if not found:
            given = json.loads(row)
            lines.append(
                Line(
                    given["id"],
                    given["question"],
                    tuple(given["asked"]),
                    given["utterance"],
                    _family(given),
                )
            )
            if given["id"] in seen:
                found = [Problem(where, "id", given["id"], "an id that no line before has")]
            seen.add(given["id"])
        problems += found
    if not lines and not problems:
        problems.append(Problem(str(path), "lines", 0, "at least one line with a question and an answer"))
    return lines, problems


def _family(given: dict) -> str:
    tag = given.get("locale") or LOCALES[0]
    return (locale_of(tag) or "") if isinstance(tag, str) else ""


def _problems(where: str, row: str) -> list[Problem]:
    try:
        given = json.loads(row)
    except (ValueError, RecursionError) as error:
        return [Problem(where, "line", row[:60], f"a JSON object ({error})")]
    if not isinstance(given, dict):
        return [Problem(where, "line", row[:60], "a JSON object")]
    is_text: Callable[[Any], bool] = lambda value: isinstance(value, str)  # noqa: E731
    found = [
        Problem(where, field, given.get(field), "text")
        for field in ("id", "question", "utterance")
        if not is_text(given.get(field))
    ]
    asked = given.get("asked")
    if not isinstance(asked, list) or not asked or not all(map(is_text, asked)):
        found.append(Problem(where, "asked", asked, "a list of slots"))
    else:
        found += [Problem(where, "asked", slot, nearest(slot, tuple(SLOTS))) for slot in asked if slot not in SLOTS]
    if not _family(given):
        found.append(Problem(where, "locale", given["locale"], "a tag of English or German: " + " | ".join(LOCALES)))
    return found


def read_all(lines: list[Line], backend: Backend, today: date | None) -> tuple[dict[str, dict], list[str]]:
    """What a backend reads of every line, as it is written; and a sentence for each line that its model failed at.

    Raises:
        ModelError: the model failed at so many lines in a row that it is not there.
    """
    read, failed, row = {}, [], 0
    for line in lines:
        try:
            found, row = backend(line.utterance, line.asked, line.question, line.locale, today), 0
        except ModelError as error:
            found, row = dict.fromkeys(SLOTS, NOTHING), row + 1
            failed.append(f"{line.id}: {error}; all is unknown")
            if row == min(MOST_FAILURES, len(lines)):
                raise
        read[line.id] = as_json(found)
    return read, failed


def as_json(fillings: dict[str, Filling]) -> dict[str, dict]:
    """Fillings as they are written: value, state, candidates, evidence, read_back."""
    return {slot: {**asdict(filling), "candidates": list(filling.candidates)} for slot, filling in fillings.items()}
