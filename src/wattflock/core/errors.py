"""Errors that the user can correct; all problems of an input are reported at once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Problem:
    """One problem: file or flag, field, its value and what is allowed."""

    where: str
    field: str
    value: object
    allowed: str

    def __str__(self) -> str:
        return f"{self.where}: {self.field} = {self.value!r}; allowed: {self.allowed}"


class WattflockError(Exception):
    """An error that the user can correct; the terminal prints one line and exits with code 2."""


class ScenarioError(WattflockError):
    """A scenario, flag or input file that cannot be used; lists every problem at once."""

    def __init__(self, problems: list[Problem]):
        self.problems = problems
        super().__init__("\n".join(str(p) for p in problems))


class RunError(WattflockError):
    """A run folder that cannot be read, continued or written."""


def gathered(*works: Callable[[], Any]) -> list[Any]:
    """What each of them gives, where all of them are done: those that do not depend on each other.

    Raises:
        ScenarioError: the problems of all of them at once.
    """
    found, problems = [], []
    for work in works:
        try:
            found.append(work())
        except ScenarioError as error:
            problems += error.problems
    if problems:
        raise ScenarioError(problems)
    return found
