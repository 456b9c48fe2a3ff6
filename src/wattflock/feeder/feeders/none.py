"""No feeder at all."""

from wattflock.core.errors import Problem, ScenarioError
from wattflock.feeder.circuit import Circuit
from wattflock.feeder.source import FeederMap, FeederSource


class NoWires(FeederSource):
    """Homes without wires: bills are judged, and there are no voltages, loadings or limits.

    Source: none is needed; it has no data.
    """

    def network(self) -> None:
        """There are no tables."""
        return

    def circuit(self) -> Circuit:
        """Raises ScenarioError: there is nothing to solve."""
        raise ScenarioError([Problem("feeder", "part", "none", "a feeder that has wires")])

    def build(self) -> None:
        """None: the world has no feeder."""
        return

    def chart(self) -> FeederMap:
        """An empty map."""
        return FeederMap((), (), (), ())
