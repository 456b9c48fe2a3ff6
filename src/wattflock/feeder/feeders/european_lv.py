"""The European low voltage test feeder."""

import dataclasses
from typing import Annotated

from pydantic import Field

from wattflock.feeder.circuit import Circuit
from wattflock.feeder.source import FeederSource
from wattflock.feeder.tables.admittance import circuit_of
from wattflock.feeder.tables.network import Network
from wattflock.feeder.tables.read import read_network, shipped


class EuropeanLV(FeederSource):
    """The European low voltage test feeder: 416 V, 906 buses, 55 single-phase homes behind one 800 kVA transformer.

    Spot loads are 1 kW per home at a power factor of 0.95. Voltages are per unit of 416 V (240 V to neutral).
    The published source stands at 1.05 pu, which leaves no room for panels below a limit of 1.05: the default
    is a transformer tapped for 1.0 pu without load.

    Source: IEEE PES Test Feeder Working Group, "The IEEE European low voltage test feeder", 2015; lines and
    homes as in EPRI's OpenDSS reading; figures in tables/european_lv, their origin in its source.md.
    """

    source_pu: Annotated[float, Field(ge=0.9, le=1.1, description="voltage of the 11 kV source [pu]")] = 1.0

    def network(self) -> Network:
        """The feeder's tables at this source; for `to_opendss` and for other ways of building it."""
        network = read_network(shipped("european_lv"))
        return dataclasses.replace(network, source=dataclasses.replace(network.source, voltage_pu=self.source_pu))

    def circuit(self) -> Circuit:
        """2,721 nodes."""
        return circuit_of(self.network(), "european_lv")
