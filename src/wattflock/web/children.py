"""Work that is started from a page: one process for each run, the same command that a person would type.

Only processes that this server started are signalled. A stopped one keeps what it learned, as after Ctrl-C.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from wattflock.core.errors import RunError

MOST = 2  # at once
TAIL_BYTES = 4096
LEAVE_S = 15.0  # at the end of the server, to keep what was learned
WATTFLOCK = (sys.executable, "-c", "from wattflock.apps.cli import main; main()")


@dataclass(frozen=True)
class Child:
    """A command at work, and what it says."""

    process: subprocess.Popen
    log: Path

    @property
    def works(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    def said(self) -> list[str]:
        """The last lines of its log, newest last."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, self.log.stat().st_size - TAIL_BYTES))
                text = file.read().decode("utf-8", "replace")
        except OSError:
            return []
        return text.replace("\r", "\n").strip().splitlines()[-12:]

    def stop(self) -> None:
        """Ask it to keep what it learned and end."""
        if self.works:
            self.process.send_signal(signal.SIGTERM)  # and not SIGINT, which a shell may have told it to ignore


class Children:
    """The processes of one server, by the names of their runs."""

    def __init__(self, runs: Path, logs: Path):
        self.runs, self.logs = runs, logs
        self.known: dict[str, Child] = {}
        self.lock = threading.Lock()

    def start(self, name: str, scenario: str) -> Child:
        """Compare the methods of a scenario, or go on where it was stopped.

        Args:
            name: of the run, as `study.run.open_run` gives it.
            scenario: path of its TOML file.

        Raises:
            RunError: it is at work already, or too much is.
        """
        with self.lock:
            busy = [each for each, child in self.known.items() if child.works]
            if name in busy:
                raise RunError(f"{name} is under way already.")
            if len(busy) >= MOST:
                raise RunError(f"{', '.join(busy)} are under way: stop one, or wait.")
            log = self.logs / f"{name}.log"
            command = [*WATTFLOCK, "compare", scenario, "--runs", str(self.runs)]
            with log.open("wb") as file:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # Ctrl-C in the server's terminal comes once, from `end`
                    env=os.environ | {"NO_COLOR": "1"},
                )
            self.known[name] = Child(process, log)
            return self.known[name]

    def stop(self, name: str) -> None:
        """Ask a run's process to stop.

        Raises:
            RunError: this server started none that still works.
        """
        child = self.known.get(name)
        if child is None or not child.works:
            raise RunError(f"This server started no process that works on {name}.")
        child.stop()

    def end(self) -> None:
        """Stop all, and wait until what they learned is kept."""
        for child in self.known.values():
            child.stop()
        until = time.monotonic() + LEAVE_S
        for child in self.known.values():
            try:
                child.process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
