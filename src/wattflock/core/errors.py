"""The error tree: what a person did, said in one place and all at once."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: where, which field, what it says and what is allowed."""

    where: str
    field: str
    value: object
    allowed: str

    def __str__(self) -> str:
        return f"{self.where}: {self.field} = {self.value!r}; allowed: {self.allowed}"


class WattflockError(Exception):
    """Anything that a person can mend; the terminal prints one line and exits with 2."""


class ScenarioError(WattflockError):
    """A scenario, flag or input file that cannot be used; lists every problem at once."""

    def __init__(self, problems: list[Problem]):
        self.problems = problems
        super().__init__("\n".join(str(p) for p in problems))


class RunError(WattflockError):
    """A run folder that cannot be read, continued or written."""
