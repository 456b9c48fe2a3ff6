"""The IEEE 123 node test feeder: 4.16 kV, 95 terminals, 3.49 MW of spot loads."""

import equinox as eqx

from wattflock.errors import Problem, ScenarioError
from wattflock.feeder.admittance import node_names
from wattflock.feeder.feeder import Feeder
from wattflock.feeder.network import Network, edges
from wattflock.feeder.reduce import reduce_network
from wattflock.feeder.tables import read_network
from wattflock.feeder.wiring import Chart, Wiring

REGULATORS = ("reg1a", "reg2a", "reg3a", "reg3c", "reg4a", "reg4b", "reg4c")
MOST_TAPS = 16
UNWATCHED = ("150", "610")  # the source's own bus, and a floating delta: no voltage to ground to speak of


def _as_tuple(taps) -> tuple:
    return tuple(taps) if isinstance(taps, list | tuple) else (taps,)


class IEEE123(Wiring):
    """IEEE 123 with fixed regulator taps and constant-power loads.

    `taps` are steps of 0.625 % at reg1a, 2a, 3a, 3c, 4a, 4b, 4c, each -16 to 16. The default suits
    homes with panels (at Kersting's own, (7, -1, 0, -1, 8, 1, 5), the unloaded feeder is already at 1.13 pu).

    Source: W. H. Kersting, "Radial distribution test feeders", IEEE PES 2001, DOI 10.1109/PESW.2001.916993;
    figures in tables/ieee123, their origin in tables/ieee123/source.md.
    """

    taps: tuple[int, ...] = eqx.field(default=(2, 0, 0, 0, 0, 0, 0), static=True, converter=_as_tuple)

    def __check_init__(self):
        problems = [
            Problem("feeder ieee123", f"taps[{at}]", tap, f"a whole number from -{MOST_TAPS} to {MOST_TAPS}")
            for at, tap in enumerate(self.taps)
            if type(tap) is not int or abs(tap) > MOST_TAPS
        ]
        if len(self.taps) != len(REGULATORS):
            problems.append(Problem("feeder ieee123", "taps", self.taps, f"one for each of {', '.join(REGULATORS)}"))
        if problems:
            raise ScenarioError(problems)

    def network(self) -> Network:
        """The feeder's tables at these taps; for `to_opendss` and for other ways of building it."""
        return read_network("ieee123", self.taps)

    def build(self) -> Feeder:
        """The feeder, every node watched but those of bus 150 (source) and 610 (floating delta)."""
        network = self.network()
        watched = (node for node in node_names(network) if node.rpartition(".")[0] not in UNWATCHED)
        return reduce_network(network, tuple(watched))

    def chart(self) -> Chart:
        """132 buses, coordinates of the OpenDSS reading (no physical unit)."""
        network = self.network()
        return Chart(
            buses=tuple(bus.bus for bus in network.buses),
            x=tuple(bus.x for bus in network.buses),
            y=tuple(bus.y for bus in network.buses),
            edges=edges(network),
        )
