"""The process in which OpenDSS runs: it reads a model, under limits, and says what it found on its standard output.

The first byte tells what follows: `+` the bytes of a circuit or of solutions, `-` a list of problems as JSON.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from wattflock.core.confine import confine, end_with_parent
from wattflock.core.errors import ScenarioError
from wattflock.core.files import pack
from wattflock.feeder.file import to_bytes
from wattflock.feeder.opendss.crosscheck import SCALES, BaseCase
from wattflock.feeder.opendss.engine import start
from wattflock.feeder.opendss.read import read_here


def circuit(master: Path) -> bytes:
    """The circuit, as its file."""
    return to_bytes(read_here(master))


def solutions(master: Path) -> bytes:
    """Its solutions at each of `SCALES`, as modelled, then with every load at constant power."""
    base = BaseCase(master)
    found = [base.solve(scale) for scale in SCALES]
    base.drop_cut_offs()
    found += [base.solve(scale) for scale in SCALES]
    arrays = {str(at): one.voltage.view(float) for at, one in enumerate(found)}
    return pack(arrays, {"each": [[one.nodes, one.losses_kw, one.converged] for one in found]})


TASKS: dict[str, Callable[[Path], bytes]] = {"circuit": circuit, "solutions": solutions}


def main() -> None:
    """Do one task: its name, the master file, seconds."""
    task, master, seconds = sys.argv[1:]
    result = os.dup(1)
    os.dup2(2, 1)  # whatever OpenDSS prints is not the result
    end_with_parent()
    with os.fdopen(result, "wb") as out:
        try:
            start()  # everything that has native code is loaded by now
            confine([Path(master).resolve().parent], int(seconds))
            out.write(b"+" + TASKS[task](Path(master)))
        except ScenarioError as error:
            rows = [(one.where, one.field, str(one.value), one.allowed) for one in error.problems]
            out.write(b"-" + json.dumps(rows).encode())
        except MemoryError:
            rows = [(master, "memory", "too little", "a model that OpenDSS can solve in 6 GB")]
            out.write(b"-" + json.dumps(rows).encode())


if __name__ == "__main__":
    main()
