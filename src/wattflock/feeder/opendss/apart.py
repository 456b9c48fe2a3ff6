"""OpenDSS in a process of its own: a crash, an endless file or native code there does not reach this one."""

from pathlib import Path

from wattflock.core.apart import apart
from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.files import unpack
from wattflock.feeder.circuit import Circuit
from wattflock.feeder.file import from_bytes
from wattflock.feeder.opendss.crosscheck import OpenDSSSolution

SECONDS = 120  # for one model
MODEL = "a model that OpenDSS compiles and solves within --seconds and 6 GB"


def read_opendss(master: Path, seconds: int = SECONDS) -> Circuit:
    """The base case of an OpenDSS model: taps and capacitors as its controls leave them in a snapshot.

    Differences from OpenDSS are listed in `notes`. Reads with dss-python (`wattflock[opendss]`), in a process that can
    write nothing and ends after so many seconds.

    Raises:
        ScenarioError: with every problem: no such file, a command that is refused, what OpenDSS refuses, no solution,
            elements that a circuit cannot hold, loads that nothing reaches, time or memory.
    """
    return from_bytes(_result("circuit", master, seconds), str(master))


def solutions(master: Path, seconds: int = SECONDS) -> list[OpenDSSSolution]:
    """OpenDSS's own solutions of a model at each of `crosscheck.SCALES`, as modelled, then at constant power.

    Raises:
        ScenarioError: as `read_opendss`.
    """
    arrays, card = unpack(_result("solutions", master, seconds))
    rows = enumerate(card["each"])
    return [OpenDSSSolution(tuple(nodes), arrays[str(at)].view(complex), *rest) for at, (nodes, *rest) in rows]


def _result(task: str, master: Path, seconds: int) -> bytes:
    """What the process of OpenDSS says."""
    if not master.is_file():
        raise ScenarioError([Problem(str(master), "file", "missing", "an OpenDSS master file (.dss)")])
    whole, told = str(master.absolute()), Problem(str(master), "OpenDSS", None, MODEL)
    try:
        return apart("wattflock.feeder.opendss.child", [task, whole, str(seconds)], seconds, told)
    except ScenarioError as error:
        rows = [(each.where, each.field, str(each.value), each.allowed) for each in error.problems]
        raise ScenarioError([Problem(*(word.replace(whole, str(master)) for word in row)) for row in rows]) from None
