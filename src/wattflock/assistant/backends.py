"""Who reads an answer: backends by name, made from options and the environment."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from wattflock.assistant.extract import extract
from wattflock.assistant.files import MOST_FAILURES, Backend
from wattflock.assistant.models.embedded import embedded
from wattflock.assistant.models.endpoint import endpoint
from wattflock.assistant.models.model import Model, ModelError
from wattflock.assistant.models.scripted import Scripted
from wattflock.assistant.react import ReAct
from wattflock.assistant.rules.filling import Filling
from wattflock.core.errors import Problem, RunError
from wattflock.core.files import read_json
from wattflock.core.registry import nearest

BACKENDS = ("rules", "openai", "embedded", "scripted")


@dataclass(frozen=True)
class Wanted:
    """A backend as it is asked for; what is empty is read from the environment."""

    backend: str = "rules"
    base_url: str = ""
    model: str = ""  # a name with openai, a file with embedded and scripted


def model_of(where: str, wanted: Wanted) -> tuple[Model | None, list[Problem]]:
    """The model of a backend, None for the rules; and everything that is wrong with what was asked for."""
    if wanted.backend not in BACKENDS:
        return None, [Problem(where, "--backend", wanted.backend, nearest(wanted.backend, BACKENDS))]
    if wanted.backend == "openai":
        return endpoint(where, wanted.base_url, wanted.model)
    if wanted.backend == "embedded":
        return embedded(where, wanted.model)
    return _scripted(where, wanted.model) if wanted.backend == "scripted" else (None, [])


def backend_of(where: str, wanted: Wanted) -> tuple[Backend, list[Problem]]:
    """A backend, and everything that is wrong with what was asked for."""
    model, problems = model_of(where, wanted)
    return ReAct(model) if model else extract, problems


@dataclass
class OrRules:
    """A backend for which the rules read where its model does not answer; `say` is told why.

    After `MOST_FAILURES` in a row they read all that follows: nobody waits for a server that is gone.
    """

    backend: Backend
    say: Callable[[str], None]
    failures: int = 0

    def __call__(
        self, utterance: str, asked: tuple[str, ...], question: str, locale: str, today: date | None
    ) -> dict[str, Filling]:
        """What the backend reads, else what the rules read."""
        if self.failures < MOST_FAILURES:
            try:
                found = self.backend(utterance, asked, question, locale, today)
                self.failures = 0
                return found
            except ModelError as error:
                self.failures += 1
                rest = "this answer" if self.failures < MOST_FAILURES else "from here on"
                self.say(f"{error}; the rules read {rest}")
        return extract(utterance, asked, question, locale, today)


def _scripted(where: str, file: str) -> tuple[Scripted, list[Problem]]:
    """The replies of a JSON file, a list of texts."""
    try:
        replies = read_json(Path(file))
    except (RunError, OSError, ValueError):
        replies = None
    if isinstance(replies, list) and all(isinstance(each, str) for each in replies):
        return Scripted(replies), []
    return Scripted([]), [Problem(where, "--model", file, "a JSON file with a list of replies")]
