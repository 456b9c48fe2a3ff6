"""A feeder drawn: a picture for papers, and a page to explore."""

from wattflock.report.wires.page import page
from wattflock.report.wires.picture import picture

__all__ = ["page", "picture"]
