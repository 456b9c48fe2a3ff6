"""A bar with time left on a terminal; a line now and then where nobody watches."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

console = Console(stderr=True)
QUIET_S = 10.0  # between two lines where there is no terminal


class Bar:
    """One piece of work: how far it is and what it says."""

    def __init__(self, title: str, total: int, progress: Progress):
        self.title, self.total, self.progress = title, total, progress
        self.task = progress.add_task(title, total=total, note="")
        self.said = time.monotonic()

    def at(self, done: int, note: str) -> None:
        """Move to `done` of `total` and say `note` beside it."""
        self.progress.update(self.task, completed=done, note=note)
        now = time.monotonic()
        if not console.is_terminal and (now - self.said > QUIET_S or done >= self.total):
            self.said = now
            console.print(f"{self.title}: {done}/{self.total}  {note}", highlight=False)


@contextmanager
def bar(title: str, total: int) -> Iterator[Bar]:
    """A bar for a piece of work of `total` steps."""
    columns = (
        TextColumn("{task.description:<8}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        yield Bar(title, total, progress)


def say(text: str) -> None:
    """One line to whoever watches; results themselves go to standard output."""
    console.print(text, highlight=False)
