from wattflock.report.pictures import draw_all
from wattflock.report.table import comparison, markdown

__all__ = ["comparison", "draw_all", "markdown", "write_report"]
