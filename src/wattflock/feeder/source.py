"""The interface of a feeder that a scenario can name."""

import abc

import equinox as eqx

from wattflock.feeder.circuit import Circuit, bus_of, edges
from wattflock.feeder.monitored import spans
from wattflock.feeder.reduce import reduce_circuit
from wattflock.feeder.solve import Feeder
from wattflock.feeder.tables.network import Network


class FeederMap(eqx.Module):
    """Where the buses are drawn and what joins them."""

    buses: tuple[str, ...] = eqx.field(static=True)
    x: tuple[float, ...] = eqx.field(static=True)
    y: tuple[float, ...] = eqx.field(static=True)
    edges: tuple[tuple[str, str], ...] = eqx.field(static=True)
    branches: tuple[tuple[str, str, str], ...] = eqx.field(default=(), static=True)  # its name, and two buses
    source: str = eqx.field(default="", static=True)  # bus of the grid above


class FeederSource(eqx.Module):
    """The source of a feeder; a file in feeders/ with one final subclass adds one."""

    @abc.abstractmethod
    def circuit(self) -> Circuit:
        """Nodes, elements, loads and regulators, in float64.

        Raises:
            ScenarioError: parameters that the feeder cannot have.
        """

    @abc.abstractmethod
    def network(self) -> Network | None:
        """The tables it is made of, for ways of building it elsewhere; None where there are none."""

    def build(self) -> Feeder | None:
        """The feeder, ready to solve, in float64 numpy arrays, its loads given to `solve`; None: there are no wires."""
        return reduce_circuit(self.circuit())

    def chart(self) -> FeederMap:
        """Bus names, coordinates, edges and branches, for maps."""
        return chart_of(self.circuit())


def chart_of(circuit: Circuit) -> FeederMap:
    """The map of a circuit."""
    return FeederMap(
        buses=tuple(bus.bus for bus in circuit.buses),
        x=tuple(bus.x for bus in circuit.buses),
        y=tuple(bus.y for bus in circuit.buses),
        edges=edges(circuit),
        branches=spans(circuit),
        source=bus_of(circuit.nodes[circuit.infeeds[0].nodes[0]]),
    )
