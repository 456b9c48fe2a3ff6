"""The interface of a feeder that a scenario can name."""

import abc

import equinox as eqx

from wattflock.feeder.feeder import Feeder


class Chart(eqx.Module):
    """Where the buses are drawn and which are joined."""

    buses: tuple[str, ...] = eqx.field(static=True)
    x: tuple[float, ...] = eqx.field(static=True)
    y: tuple[float, ...] = eqx.field(static=True)
    edges: tuple[tuple[str, str], ...] = eqx.field(static=True)


class Wiring(eqx.Module):
    """Where a feeder comes from; a file in this folder with one final subclass adds one."""

    @abc.abstractmethod
    def build(self) -> Feeder:
        """The feeder, ready to solve, in float64 numpy arrays.

        Raises:
            ScenarioError: parameters that the feeder cannot have.
        """

    @abc.abstractmethod
    def chart(self) -> Chart:
        """Bus names, coordinates and edges, for maps."""
