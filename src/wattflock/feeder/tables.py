"""Rows of the CSV tables that ship with a feeder."""

import csv
import typing
from importlib import resources
from typing import TypeVar

from wattflock.feeder.network import (
    Bus,
    Capacitor,
    Coefficient,
    Line,
    Load,
    Network,
    Regulator,
    Source,
    Switch,
    Transformer,
)

Row = TypeVar("Row")


def read_rows(folder: str, table: str, kind: type[Row]) -> tuple[Row, ...]:
    """Each line of `tables/<folder>/<table>.csv` as one `kind`, columns in the order of its fields."""
    text = resources.files("wattflock.feeder").joinpath("tables", folder, f"{table}.csv").read_text("utf-8")
    convert = typing.get_type_hints(kind).values()
    lines = list(csv.reader(text.splitlines()))[1:]
    return tuple(kind(*(make(word) for make, word in zip(convert, line, strict=True))) for line in lines)


def read_network(folder: str, taps: tuple[int, ...]) -> Network:
    """A feeder's tables as one `Network`, its regulators at `taps` (in the order of the table)."""
    return Network(
        source=read_rows(folder, "source", Source)[0],
        buses=read_rows(folder, "buses", Bus),
        configurations=read_rows(folder, "configurations", Coefficient),
        lines=read_rows(folder, "lines", Line),
        switches=read_rows(folder, "switches", Switch),
        transformers=read_rows(folder, "transformers", Transformer),
        regulators=read_rows(folder, "regulators", Regulator),
        capacitors=read_rows(folder, "capacitors", Capacitor),
        loads=read_rows(folder, "loads", Load),
        taps=taps,
    )
