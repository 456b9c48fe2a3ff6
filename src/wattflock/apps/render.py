"""What a verb found, for a person (tables of the terminal) or for a program (JSON)."""

import dataclasses
import datetime
import functools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from rich.console import Group
from rich.table import Table
from rich.text import Text

from wattflock.verbs.results import (
    Bills,
    Comparison,
    EdgeTrial,
    Extracted,
    HostedFeeder,
    InterviewStudy,
    Listing,
    Planned,
    Runs,
    Shares,
    SharingStudy,
    SolvedFeeder,
    SolvedGame,
    Study,
    Training,
    Tuned,
    WhatIf,
)

LISTED = 20  # homes, on a terminal


@functools.singledispatch
def shown(found: Any, wide: bool = False) -> Any:
    """What a terminal prints of it, `wide` with all columns; what is ready to be printed is left as it is."""
    return found


@shown.register
def _(found: Training, wide: bool = False) -> str:
    left = f" of {found.rounds_asked}" if found.rounds < found.rounds_asked else ""
    kept = f"; checkpoint {found.checkpoint}" if found.checkpoint else ""
    return f"{found.method}: {found.rounds}{left} rounds in {found.seconds:.1f} s{kept}"


@shown.register
def _(found: Comparison, wide: bool = False) -> Group:
    from wattflock.report.tables import comparison

    left = [
        f"{name}: judged after {done} of {asked} rounds; the same `compare` goes on"
        for name, (done, asked) in found.unfinished.items()
    ]
    return Group(comparison(found.summary, wide), *map(Text, [*left, *found.summary.get("notes", ())]))


@shown.register
def _(found: Tuned, wide: bool = False) -> Group:
    from wattflock.report.tables import homes_that_pay
    from wattflock.report.words import counted

    pays = homes_that_pay(found.homes.head(LISTED), found.comparison.summary["currency"])
    more = found.homes.height - LISTED
    said = [f"and {counted(more, 'home')} more: --csv, --json"] if more > 0 else []
    return Group(shown(found.comparison, wide), pays, *said)


@shown.register
def _(found: Runs, wide: bool = False) -> Any:
    from wattflock.report.tables import overview

    return overview(found.table)


@shown.register
def _(found: Study, wide: bool = False) -> Group:
    from wattflock.report.study_page import terminal

    return terminal(found.table, found.currency, wide)


@shown.register
def _(found: Bills, wide: bool = False) -> Group:
    from wattflock.report.bills import totals

    return Group(totals(found.settled, found.currency, found.days).terminal(), *map(Text, found.notes))


@shown.register
def _(found: SolvedFeeder, wide: bool = False) -> Table:
    from wattflock.report.feeder_tables import facts, flow_facts

    return facts(flow_facts(found.snapshot, found.limits))


@shown.register
def _(found: HostedFeeder, wide: bool = False) -> Group:
    from wattflock.report.feeder_tables import hosting_summary

    return hosting_summary(found.found)


@shown.register
def _(found: EdgeTrial, wide: bool = False) -> Group:
    tables = []
    for each in (found.faults, found.envelopes):
        if each is not None:
            tables.append(table := Table(*each.columns))
            for row in each.iter_rows():
                table.add_row(*("–" if value is None else str(value) for value in row))
    return Group(*tables, *(Text(f"{name}: {value:.6g}") for name, value in found.figures.items()))


@shown.register
def _(found: SolvedGame, wide: bool = False) -> Group:
    from wattflock.report.game_tables import solved

    return solved(found.answers)


@shown.register
def _(found: Shares, wide: bool = False) -> Group:
    from wattflock.report.share_report import methods_table, notes

    return Group(methods_table(found.found, found.currency, wide).terminal(), *map(Text, notes(found.found)))


@shown.register
def _(found: SharingStudy, wide: bool = False) -> Group:
    from wattflock.report.coalition_page import of_rows

    return Group(*(part for table in of_rows(found.table, wide) for part in (Text(table.title), table.terminal())))


@shown.register
def _(found: InterviewStudy, wide: bool = False) -> Group:
    from wattflock.report.interface_page import beside_paper, by_setting, by_slot

    tables = [by_setting(found.slots), beside_paper(found.slots), *([by_slot(found.slots)] if wide else ())]
    return Group(*(part for table in tables for part in (Text(table.title), table.terminal())))


@shown.register
def _(found: WhatIf, wide: bool = False) -> Group:
    from wattflock.report.whatif_tables import terminal
    from wattflock.report.whatif_words import few_homes

    said = map(Text, (found.headline, *few_homes(found.found)))
    tables = terminal(found.found, wide)
    return Group(*said, *(part for table in tables for part in (Text(table.title), table.terminal())))


@shown.register
def _(found: Listing, wide: bool = False) -> Table:
    table = Table(*found.table.columns, box=None, header_style="bold")
    for row in found.table.iter_rows():
        table.add_row(*(Text(str(cell)) for cell in row))
    return table


def as_json(found: Any) -> str:
    """The same as JSON text; a number that is none becomes null."""
    return json.dumps(plain(found), indent=1, ensure_ascii=False, allow_nan=False)


@shown.register
def _(found: Extracted, wide: bool = False) -> Table:
    table = Table(*found.table.columns, box=None)
    for row in found.table.rows():
        table.add_row(*row)
    return table


@shown.register
def _(found: Planned, wide: bool = False) -> str:
    boxes = [f"{title}\n" + "\n".join(f"  {each}" for each in said) for title, said in found.sentences if said]
    return "\n\n".join(boxes)


@functools.singledispatch
def plain(found: Any) -> Any:
    """What JSON can hold of it."""
    if dataclasses.is_dataclass(found):
        return {field.name: plain(getattr(found, field.name)) for field in dataclasses.fields(found)}
    return found


@plain.register
def _(found: Training) -> dict:
    names = ("method", "rounds", "rounds_asked", "seconds", "checkpoint", "curve")
    return {name: plain(getattr(found, name)) for name in names}


@plain.register
def _(found: Extracted) -> dict:
    return plain(dict(found.read))


@plain.register
def _(found: Planned) -> dict:
    return plain(found.facts)


@plain.register
def _(found: Comparison) -> dict:
    return plain(found.summary | {"folder": found.folder})


@plain.register
def _(found: Bills) -> dict:
    named = {name: getattr(found, name) for name in ("currency", "days", "notes")}
    return plain(named | {"markets": found.totals, "homes": found.table})


@plain.register
def _(found: SolvedFeeder) -> dict:
    solved = bool(found.snapshot.flow.converged)
    tables = {"nodes": found.nodes, "branches": found.branches}
    return plain({"converged": solved, "summary": shown(found)} | (tables if solved else {}))


@plain.register
def _(found: WhatIf) -> dict:
    named = {name: getattr(found, name) for name in ("folder", "headline", "taken", "cells")}
    return plain(named | {"seeds": found.table, "failed": found.found.failed})


@plain.register
def _(found: SolvedGame) -> dict:
    return plain(dict(found.answers))


@plain.register(HostedFeeder)
@plain.register(Runs)
@plain.register(Listing)
def _(found: HostedFeeder | Runs | Listing) -> list:
    return plain(found.table)


@plain.register
def _(found: pl.DataFrame) -> list:
    return [plain(row) for row in found.iter_rows(named=True)]


@plain.register
def _(found: Table) -> list | dict:
    """A table that is ready to be printed, as it is read: its rows by their headings, or names and values."""
    heads = [" ".join(str(column.header).split()) for column in found.columns]
    rows = list(zip(*([str(cell) for cell in column.cells] for column in found.columns), strict=True))
    if any(heads):
        return [dict(zip(heads, row, strict=True)) for row in rows]
    return dict(rows) if len(heads) == 2 else plain(rows)


@plain.register
def _(found: Group) -> list:
    return [plain(part) for part in found.renderables if part != ""]


@plain.register
def _(found: dict) -> dict:
    return {str(name): plain(value) for name, value in found.items()}


@plain.register(list)
@plain.register(tuple)
def _(found: list | tuple) -> list:
    return [plain(value) for value in found]


@plain.register
def _(found: float) -> float | None:
    return found if math.isfinite(found) else None


@plain.register
def _(found: np.generic) -> Any:
    return plain(found.item())


@plain.register(Path)
@plain.register(datetime.date)
@plain.register(Text)
def _(found: Path | datetime.date | Text) -> str:
    return str(found)
