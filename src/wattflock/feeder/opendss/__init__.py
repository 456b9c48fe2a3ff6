"""From OpenDSS, to OpenDSS, and beside OpenDSS. Its engine (dss-python) is an optional extra."""

from wattflock.feeder.opendss.read import read_opendss

__all__ = ["read_opendss"]
