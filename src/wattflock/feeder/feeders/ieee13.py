"""The IEEE 13 node test feeder."""

import dataclasses

import equinox as eqx

from wattflock.feeder.circuit import Circuit
from wattflock.feeder.source import FeederSource
from wattflock.feeder.tables.admittance import circuit_of
from wattflock.feeder.tables.network import Network
from wattflock.feeder.tables.read import Taps, as_taps, check_taps, read_network, shipped

REGULATORS = ("reg1", "reg2", "reg3")
UNWATCHED = ("650",)  # the substation's own bus: no home is connected there, and its voltage hardly moves


class IEEE13(FeederSource):
    """The IEEE 13 node test feeder: 4.16 kV, short and heavily loaded, 17 terminals, 3.47 MW of spot loads.

    `taps` are steps of 0.625 % at the regulators of phases 1, 2, 3, each -16 to 16. No fixed taps hold 0.95 to
    1.05 pu from no load to all spot loads: capacitors raise, drops reach 0.11 pu. The default suits homes with
    panels: 1.00 to 1.04 pu without load, above 0.95 up to two thirds of the spot loads (OpenDSS's own
    controls settle at (9, 6, 9) under full load: 0.96 to 1.06 pu).

    Source: W. H. Kersting, "Radial distribution test feeders", IEEE PES 2001, DOI 10.1109/PESW.2001.916993;
    figures in tables/ieee13, their origin in tables/ieee13/source.md.
    """

    taps: Taps = eqx.field(default=(3, 0, 1), static=True, converter=as_taps)

    def __check_init__(self):
        check_taps("ieee13", self.taps, REGULATORS)

    def network(self) -> Network:
        """The feeder's tables at these taps; for `to_opendss` and for other ways of building it."""
        return read_network(shipped("ieee13"), self.taps)

    def circuit(self) -> Circuit:
        """41 nodes; no limit judges the substation's bus 650."""
        return dataclasses.replace(circuit_of(self.network(), "ieee13"), unwatched=UNWATCHED)
