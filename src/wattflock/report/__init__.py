"""Findings → tables, pictures and one HTML page; reads run folders and nothing else."""

from wattflock.report.page import write_report
from wattflock.report.pictures import draw_all
from wattflock.report.table import comparison, markdown

__all__ = ["comparison", "draw_all", "markdown", "write_report"]
