"""Reading from, writing to and comparing with OpenDSS. Its engine (dss-python) is an optional extra."""

from wattflock.feeder.opendss.apart import read_opendss

__all__ = ["read_opendss"]
