"""The process in which OpenDSS reads a model under limits, and gives the bytes of a circuit or of solutions."""

import sys
from collections.abc import Callable
from pathlib import Path

from wattflock.core.apart import answer
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
    task, master, seconds = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    start()  # everything that has native code is loaded by now
    answer(lambda: TASKS[task](master), [master.resolve().parent], seconds)


if __name__ == "__main__":
    main()
