"""The IEEE 123 node test feeder."""

import dataclasses

import equinox as eqx

from wattflock.feeder.circuit import Circuit
from wattflock.feeder.source import FeederSource
from wattflock.feeder.tables.admittance import circuit_of
from wattflock.feeder.tables.network import Network
from wattflock.feeder.tables.read import Taps, as_taps, check_taps, read_network, shipped

REGULATORS = ("reg1a", "reg2a", "reg3a", "reg3c", "reg4a", "reg4b", "reg4c")
UNWATCHED = ("150", "610")  # the source's own bus, and a floating delta: no voltage to ground to speak of


class IEEE123(FeederSource):
    """The IEEE 123 node test feeder: 4.16 kV, 95 terminals, 3.49 MW of spot loads.

    `taps` are steps of 0.625 % at reg1a, 2a, 3a, 3c, 4a, 4b, 4c, each -16 to 16. The default suits
    homes with panels (at Kersting's own, (7, -1, 0, -1, 8, 1, 5), the unloaded feeder is already at 1.13 pu).

    Source: W. H. Kersting, "Radial distribution test feeders", IEEE PES 2001, DOI 10.1109/PESW.2001.916993;
    data in tables/ieee123, their origin in tables/ieee123/source.md.
    """

    taps: Taps = eqx.field(default=(2, 0, 0, 0, 0, 0, 0), static=True, converter=as_taps)

    def __check_init__(self):
        check_taps("ieee123", self.taps, REGULATORS)

    def network(self) -> Network:
        """The feeder's tables at these taps; for `to_opendss` and for other ways of building it."""
        return read_network(shipped("ieee123"), self.taps)

    def circuit(self) -> Circuit:
        """278 nodes; no limit judges buses 150 (source) and 610 (floating delta)."""
        return dataclasses.replace(circuit_of(self.network(), "ieee123"), unwatched=UNWATCHED)
