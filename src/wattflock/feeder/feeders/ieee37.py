"""The IEEE 37 node test feeder."""

import dataclasses

import equinox as eqx

from wattflock.feeder.circuit import Circuit
from wattflock.feeder.source import FeederSource
from wattflock.feeder.tables.admittance import circuit_of
from wattflock.feeder.tables.network import Network
from wattflock.feeder.tables.read import Taps, as_taps, check_taps, read_network, shipped

REGULATORS = ("reg1a", "reg1c")
UNWATCHED = ("799",)  # the substation's own bus, above the regulators


class IEEE37(FeederSource):
    """The IEEE 37 node test feeder: 4.8 kV delta without neutral, 32 terminals, 2.46 MW of spot loads.

    All cable, fed through a 2.5 MVA transformer whose own drop is more than half of all. `taps` are steps of
    0.625 % at the two regulators of the open delta (phases 1-2 and 3-2), each -16 to 16. No fixed taps hold 0.95
    to 1.05 pu between phases from no load to all spot loads. The default suits homes with panels: 1.04 pu without
    load, above 0.95 up to three fifths of the spot loads (OpenDSS's own controls settle at (16, 14) under
    full load).

    Source: W. H. Kersting, "Radial distribution test feeders", IEEE PES 2001, DOI 10.1109/PESW.2001.916993;
    figures in tables/ieee37, their origin in tables/ieee37/source.md.
    """

    taps: Taps = eqx.field(default=(6, 6), static=True, converter=as_taps)

    def __check_init__(self):
        check_taps("ieee37", self.taps, REGULATORS)

    def network(self) -> Network:
        """The feeder's tables at these taps; for `to_opendss` and for other ways of building it."""
        return read_network(shipped("ieee37"), self.taps)

    def circuit(self) -> Circuit:
        """117 nodes, none of which has a determined voltage to ground; no limit judges bus 799."""
        return dataclasses.replace(circuit_of(self.network(), "ieee37"), unwatched=UNWATCHED)
