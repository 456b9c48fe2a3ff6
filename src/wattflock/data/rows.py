"""Tables in which several rows say one reading: import and export, tariffs or phases in rows become columns."""

import polars as pl

from wattflock.data.finding import Finding, finding
from wattflock.data.layout import Layout
from wattflock.data.numbers import UNIT as UNIT_OF_CELL
from wattflock.data.numbers import numbers
from wattflock.data.units import bare, plain, unit_in
from wattflock.data.words import REGISTER, UNIT, role_of, tokens

MOST_REGISTERS = 40
LOOKED_AT = 1000  # cells
KEY = ["home", "time"]
InColumns = tuple[pl.DataFrame, list[str], dict[str, str], list[Finding]]


def register_column(table: pl.DataFrame, layout: Layout) -> str:
    """The column that names a register in each row: told, or one that tells rows of a home and time apart."""
    told = layout.columns.get("register", "")
    if told in table.columns:
        return told
    again = table.filter(pl.struct(KEY).is_duplicated())
    if again.height < 0.3 * table.height or table.is_empty():
        return ""
    best, fewest = "", 0.5 * again.height
    for name in table.columns:
        if name in ("row", "zoned", *KEY) or table[name].dtype != pl.String or table[name].n_unique() > MOST_REGISTERS:
            continue
        cells = [str(each) for each in table[name].unique().drop_nulls()]
        known = [each for each in cells if role_of(each)[0] not in ("", "other", "submeter")]
        named = bool({*tokens(name), bare(name)} & REGISTER)
        if len(cells) < 2 or (not known and not named):
            continue
        left = int(table.select(pl.struct(*KEY, name).is_duplicated().sum()).item()) * (1 if known else 2)
        if left < fewest:
            best, fewest = name, left
    return best


def value_column(table: pl.DataFrame, layout: Layout, register: str) -> str:
    """The column with the readings: told, or the numeric one whose name or unit says most."""
    told = layout.columns.get("value") or layout.columns.get("load", "")
    if told in table.columns:
        return told
    free = [name for name in table.columns if name not in ("row", "zoned", register, *KEY)]
    read = [name for name in free if numbers(table[name].head(500))[0].count() > 0]
    rank = {
        name: (bool(unit_in(name)), role_of(name)[0] in ("load", "import", "grid"), -free.index(name)) for name in read
    }
    return max(rank, key=lambda name: rank[name], default="")


def unit_column(table: pl.DataFrame, layout: Layout) -> str:
    """The column that says the unit of each row; empty where there is none."""
    told = layout.columns.get("unit", "")
    if told in table.columns:
        return told
    return next((name for name in table.columns if bare(name) in UNIT and table[name].dtype == pl.String), "")


def one_unit(units: pl.Series, place: tuple[str, str]) -> list[Finding]:
    """An error where rows of one reading say several units."""
    told = sorted(
        {unit_in(each) or plain(each) for each in units.cast(pl.String).drop_nulls().unique() if each.strip()}
    )
    return [finding("unknown-unit", place, f"rows in {', '.join(told)}")] if len(told) > 1 else []


def units_in_cells(table: pl.DataFrame, place: str) -> tuple[dict[str, str], list[Finding]]:
    """Units of the columns whose cells say them, as in `0.5 kWh`; an error where the cells of a column say several."""
    units, found = {}, []
    for column in table.select(pl.selectors.string()).columns:
        if column == "home" or not table[column].head(LOOKED_AT).str.contains(UNIT_OF_CELL).any():
            continue
        said = table[column].str.extract(UNIT_OF_CELL, 1)
        if numbers(table[column].head(LOOKED_AT))[0].count() > 0:
            units[column] = str(said.drop_nulls().mode().sort().first())
            found += one_unit(said, (place, column))
    return units, found


def in_columns(table: pl.DataFrame, layout: Layout, name: str) -> InColumns:
    """Registers as columns, the names of these, their units where rows say them, and how they were read."""
    register = register_column(table, layout)
    value, unit = value_column(table, layout, register), unit_column(table, layout)
    if not register or not value:
        return table, [], {}, []
    named = pl.col(register).cast(pl.String).fill_null("(none)")
    kept = table.select("row", "zoned", *KEY, register=named, value=value, unit=unit or pl.lit(None, pl.String))
    of_all = unit_in(value)
    said_unit = pl.col("unit").fill_null(of_all).mode().sort().first()
    units = dict(kept.group_by("register").agg(said_unit).drop_nulls().iter_rows())
    kept = kept.with_columns(nth=pl.int_range(pl.len()).over(*KEY, "register"))
    wide = kept.pivot("register", index=[*KEY, "nth"], values="value", aggregate_function="first")
    first = kept.group_by(*KEY, "nth").agg(pl.col("row").min(), pl.col("zoned").first())
    wide = wide.join(first, on=[*KEY, "nth"], maintain_order="left").drop("nth")
    names = [each for each in wide.columns if each not in ("row", "zoned", *KEY)]
    said = finding("read-as", (name, register), f"rows are registers: {', '.join(names[:8])}")
    mixed = [one for each in names if role_of(each)[0] not in ("other", "submeter")
             for one in one_unit(kept.filter(register=each)["unit"], (name, each))]  # fmt: skip
    return wide, names, {each: units[each] for each in names if each in units}, [said, *mixed]
