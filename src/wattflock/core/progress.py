"""A progress bar with time left on a terminal; single lines at intervals elsewhere."""

import time
from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

console = Console(stderr=True)
QUIET_S = 10.0  # between two lines where there is no terminal


class Bar:
    """Progress of one piece of work, with a note."""

    def __init__(self, title: str, total: int, progress: Progress):
        self.title, self.total, self.progress = title, total, progress
        self.task = progress.add_task(title, total=total, note="")
        self.said = time.monotonic()

    def at(self, done: int, note: str) -> None:
        """Set the progress to `done` of `total`, with a note."""
        self.progress.update(self.task, completed=done, note=note)
        now = time.monotonic()
        if not console.is_terminal and (now - self.said > QUIET_S or done >= self.total):
            self.said = now
            console.print(f"{self.title}: {done}/{self.total}  {note}", highlight=False)


@contextmanager
def bar(title: str, total: int) -> Generator[Bar]:
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
    """Print one line of progress to standard error; results go to standard output."""
    console.print(text, highlight=False)
