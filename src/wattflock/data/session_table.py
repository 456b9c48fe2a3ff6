"""Charging sessions from any table: when a plug went in and out, and the energy; by a layout that names the columns."""

import polars as pl

from wattflock.data.columns import ColumnUse
from wattflock.data.finding import Finding, at_rows, finding
from wattflock.data.layout import Layout
from wattflock.data.numbers import numbers
from wattflock.data.raw import MAY_BE_NULL
from wattflock.data.stamps import on_clock, read_stamps
from wattflock.data.units import ENERGY, unit_in

NEEDED = {"plug_in": "plug_in", "plug_out": "plug_out", "energy": "energy_kwh"}  # in a layout → ours
OPTIONAL = dict(zip(("connected", "power", "battery"), MAY_BE_NULL, strict=True))
SCHEMA = {
    "file": pl.UInt16, "row": pl.UInt32, "user": pl.String, "plug_in": pl.Datetime("us"), "plug_out": pl.Datetime("us"),
    "energy_kwh": pl.Float64, **dict.fromkeys(OPTIONAL.values(), pl.Float64),
}  # fmt: skip
ONE = "1"  # the user of a table that names none


def is_sessions(layout: Layout) -> bool:
    """Whether a layout is of sessions, not of readings."""
    return "plug_in" in layout.columns


def sessions_of(
    table: pl.DataFrame, layout: Layout, name: str
) -> tuple[pl.DataFrame, tuple[ColumnUse, ...], list[Finding]]:
    """Sessions as in `Raw.sessions` without `file`, on the clock of the layout's zone; their columns; findings."""
    columns = layout.columns
    missing = [columns.get(key, key) for key in NEEDED if columns.get(key) not in table.columns]
    if missing:
        return (
            pl.DataFrame(schema=SCHEMA).drop("file"),
            (),
            [finding("missing-column", (name, each)) for each in missing],
        )
    found: list[Finding] = []
    made: dict[str, pl.Series] = {}
    for key in ("plug_in", "plug_out"):
        made[key], more = _on_clock(table, columns[key], layout, name)
        found += more
    unit = (layout.units.get("energy") or unit_in(columns["energy"]) or "kwh").lower()
    if unit not in ENERGY:
        found.append(finding("unknown-unit", (name, columns["energy"]), unit))
    made["energy_kwh"] = numbers(table[columns["energy"]])[0] * ENERGY.get(unit, 1.0)
    for key, own in OPTIONAL.items():
        there = columns.get(key, "") in table.columns
        made[own] = numbers(table[columns[key]])[0] if there else pl.Series([None] * table.height, dtype=pl.Float64)
    user = columns.get("user", "")
    made["user"] = table[user].cast(pl.String) if user in table.columns else pl.Series([ONE] * table.height)
    for key, own in NEEDED.items():
        rows, code = table.filter(made[own].is_null()), "unread-value" if key == "energy" else "unread-time"
        found += at_rows(
            code, (name, columns[key]), rows, repr(rows[columns[key]][0]) if rows.height else "", table.height
        )
    uses = tuple(
        ColumnUse(column, key, unit if key == "energy" else "")
        for key, column in columns.items()
        if column in table.columns
    )
    sessions = table.select("row").with_columns(**made).select(list(SCHEMA)[1:])
    return sessions.drop_nulls(["user", *NEEDED.values()]), uses, found


def _on_clock(table: pl.DataFrame, column: str, layout: Layout, name: str) -> tuple[pl.Series, list[Finding]]:
    """Stamps on the clock of the homes; those with an offset need a zone to be told."""
    read = read_stamps(table[column])
    if not read.zoned.any() and layout.clock != "utc":
        return read.time, []
    if not layout.zone:
        return read.time, [finding("time-zone", (name, column), "stamps with an offset; name the zone of the homes")]
    both = pl.DataFrame({"time": read.time, "zoned": read.zoned | (layout.clock == "utc")})
    there = on_clock(layout.zone, pl.col("time"))
    return both.select(pl.when("zoned").then(there).otherwise("time")).to_series(), []
