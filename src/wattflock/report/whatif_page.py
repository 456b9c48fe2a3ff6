"""A what-if as files: one page, one workbook, one GeoJSON file and the figures."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from wattflock.core.files import write_whole
from wattflock.core.run_files import read_table
from wattflock.report.html import PageSection, bullets, code, definitions, figure, folded, page, paragraph
from wattflock.report.spreadsheet import write_sheets
from wattflock.report.theme import save
from wattflock.report.whatif_charts import QUANTITIES, figures
from wattflock.report.whatif_map import cell_geojson, shown_cell
from wattflock.report.whatif_tables import before_and_after, takens, told_cells, worths
from wattflock.report.whatif_words import WORST, glossary, headline, several, story
from wattflock.report.words import counted
from wattflock.study.whatif.cells import named
from wattflock.study.whatif.outcome import LEFT, Swept
from wattflock.study.whatif.shares import Shares
from wattflock.study.whatif.value import worth

PAGE, BOOK, MAP = "whatif.html", "whatif.xlsx", "whatif.geojson"
LIMITS = (
    "Number and colour: how much of the tightest limit is used in the worst seed [%]; blue is below it. The line "
    "parts cells that keep every limit under all seeds from the others, the dashed one those that do so under most "
    "seeds. Below the number, the limit that breaks: V− low voltage, V+ high voltage, I loading, U unbalance; grey: a "
    "step without a power flow solution."
)
TAKEN = "From the lowest to the highest seed. A range counts only where all smaller shares keep every limit as well."
GROWN = "Mean over the seeds, with the range from the lowest to the highest; the dashed line is the limit."
EACH = f"{WORST} The lines are those of the first figure."


def write_whatif(folder: Path, found: Swept, shown: Shares) -> list[Path]:
    """Write the page, the workbook, the map and the PNGs into a folder, each whole or not at all; returns their paths.

    Args:
        folder: is made.
        found: the finished sweep.
        shown: the cell of the map; empty: the one that uses most of a limit.

    Raises:
        RunError: a file of a run is missing or damaged, or the disk is full.
    """
    drawn, cell = figures(found), shown_cell(found, shown)
    return [
        write_whole(folder / PAGE, html_page(found, drawn, cell).encode()),
        write_sheets(folder / BOOK, sheets(found)),
        write_whole(folder / MAP, cell_geojson(found, cell)),
        *(save(chart, folder / f"{name}.png") for name, chart in drawn.items()),
    ]


def html_page(found: Swept, drawn: Mapping, cell: Shares) -> str:
    """The page, which opens offline."""
    first, *rest = story(found)
    before = "".join(
        paragraph(f"{title.capitalize()}: {named(shares)}") + before_and_after(found, shares).page()
        for title, shares in told_cells(found)
    )
    takes = [*takens(found), *worths(found)]
    shares = "".join(paragraph(each.title) + each.page() + paragraph(each.note, "soft") for each in takes)
    maps = "".join(
        paragraph(QUANTITIES[name][0].format(currency=found.summary["currency"])) + figure(chart)
        for name, chart in drawn.items()
        if name in QUANTITIES
    )
    grown = [PageSection("growth", "As more homes own them", GROWN, figure(drawn["growth"]), "growth")]
    sections = [
        *(grown if "growth" in drawn else []),
        PageSection("limits", "Which cells keep every limit", LIMITS, figure(drawn["limits"]), "limits"),
        PageSection("taken", "What the feeder takes", TAKEN, figure(drawn["taken"]) + shares, "what it takes"),
        PageSection("cells", "Before and after", WORST, before, "before and after"),
        PageSection("each", "One by one", EACH, maps, "one by one"),
        PageSection("how", "How this was found", "", _how(found, cell), "how"),
    ]
    above = paragraph(first, "lead") + bullets(rest)
    return page(headline(found), sections, above, f"wattflock · what if · {found.asked.feeder}")


def _how(found: Swept, cell: Shares) -> str:
    runs = [f"{each.cell.name}: {each.folder.name}" for each in found.ended]
    files = (
        f"{BOOK} has all tables, {MAP} the feeder in one cell ({named(cell)}), the worst of its seeds at each place."
    )
    whose = str(found.summary["data"].get("source", ""))
    return (
        paragraph(f"Every cell is an ordinary run of a scenario; homes: {whose}. {files}")
        + definitions(glossary())
        + folded(f"The runs ({counted(len(runs), 'cell')})", code("\n".join(runs)))
    )


def sheets(found: Swept) -> dict[str, pl.DataFrame]:
    """The sheets of the workbook: answer, what is taken, cells over seeds, cells of each seed, places of each cell."""
    of_cell = [(each.cell.shares | {"seed": each.cell.seed}, read_table(each.folder, LEFT)) for each in found.ended]
    left = [table.select(*(pl.lit(value).alias(name) for name, value in own.items()), "*") for own, table in of_cell]
    lines = [headline(found), *story(found), *(f"{name}: {text}" for name, text in glossary().items())]
    return {
        "answer": pl.DataFrame({"answer": lines}),
        "taken": found.taken,
        **{f"worth {name.replace('_', ' ')}": worth(found, name) for name in several(found)},
        "cells": found.cells,
        "seeds": found.table,
        "places": pl.concat(left),
    }
