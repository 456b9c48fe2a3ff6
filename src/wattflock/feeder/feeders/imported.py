"""A user's feeder, read from OpenDSS once and stored in one file."""

from pathlib import Path
from typing import Annotated

import equinox as eqx
from pydantic import Field

from wattflock.core.errors import Problem, ScenarioError
from wattflock.feeder.circuit import Circuit, with_taps
from wattflock.feeder.file import from_bytes
from wattflock.feeder.source import FeederSource
from wattflock.feeder.tables.read import Taps, as_taps, check_taps


class Imported(FeederSource):
    """Any feeder that `wattflock feeder import` has read; OpenDSS is not needed.

    `file` is the path of what it wrote. `taps` are steps of the regulators in its order; empty: as imported.

    Source: the file's own card, which names the OpenDSS model it was read from.
    """

    file: Annotated[str, Field(description="a .feeder file that `wattflock feeder import` wrote")] = eqx.field(
        default="", static=True
    )
    taps: Taps = eqx.field(default=(), static=True, converter=as_taps)

    def circuit(self) -> Circuit:
        """What the file holds, its regulators at `taps`."""
        circuit = read_circuit(self.file)
        if not self.taps:
            return circuit
        check_taps("imported", self.taps, tuple(unit.name for unit in circuit.regulators))
        units = zip(circuit.regulators, self.taps, strict=True)
        if beyond := [(unit, tap) for unit, tap in units if not unit.lowest <= tap <= unit.highest]:
            raise ScenarioError(
                [Problem("imported", unit.name, tap, f"{unit.lowest} to {unit.highest}") for unit, tap in beyond]
            )
        return with_taps(circuit, self.taps)

    def network(self) -> None:
        """There are no tables."""


def read_circuit(path: str) -> Circuit:
    """A circuit from the file that `wattflock feeder import` wrote.

    Raises:
        ScenarioError: there is no such file, or it is not whole.
    """
    if not Path(path).is_file():
        allowed = "the path of a file that `wattflock feeder import` wrote"
        raise ScenarioError([Problem("feeder", "file", path, allowed)])
    return from_bytes(Path(path).read_bytes(), path)
