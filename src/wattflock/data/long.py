"""A table of any layout → long rows in our units: row, home, time, zoned and a column for each quantity."""

import dataclasses
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl

from wattflock.data.columns import PLAIN, QUANTITIES, ColumnUse, chosen, told_wrongly
from wattflock.data.finding import Finding, at_rows, finding
from wattflock.data.layout import Layout
from wattflock.data.numbers import numbers
from wattflock.data.registers import counts_up, differenced
from wattflock.data.rows import in_columns, one_unit, unit_column, units_in_cells
from wattflock.data.stamps import on_clock
from wattflock.data.text import MORE
from wattflock.data.time_grid import ordered, said, steps_of, with_steps
from wattflock.data.times import named_by_end, shifted, timed
from wattflock.data.units import ENERGY, POWER, bare, to_own
from wattflock.data.words import HOME, KWP

KEY = ("row", "home", "time", "zoned")
EMPTY = {"row": pl.UInt32, "home": pl.String, "time": pl.Datetime("us"), "zoned": pl.Boolean}
METERS = ("load", "import", "export", "grid", "pv", "heat")
ALONE = "1"  # the home of a file that names none


@dataclass(frozen=True)
class Long:
    """What a file says."""

    rows: pl.DataFrame  # KEY, kwp where it is told, and our columns
    uses: tuple[ColumnUse, ...] = ()
    not_used: tuple[str, ...] = ()
    named: bool = True  # whether the file names its homes
    findings: tuple[Finding, ...] = ()


def to_long(table: pl.DataFrame, layout: Layout, name: str) -> Long:
    """Every reading of a table, with findings about reading it; no rows where a column is missing.

    Args:
        table: of text, as `table_of` gives it.
        layout: what is known of it; the rest is found out.
        name: of the file.
    """
    found = told_wrongly(table, layout, name)
    table, ragged = _without_ragged(table, name)
    at = timed(table, layout, name)
    found += [*ragged, *at.findings]
    if table.is_empty() or any(each.code == "missing-column" for each in at.findings):
        found += _missing_too(table.drop(at.used), layout, name)
        found += [finding("empty", (name, "rows"))] if table.is_empty() else []
        return Long(pl.DataFrame(schema=EMPTY), findings=tuple(found))
    table, named, lost = _with_home(at.table, layout, name)
    table, registers, units, more = in_columns(table, layout, name)
    told = layout
    if not registers and (column := unit_column(table, layout)):
        units = {"": str(table[column].drop_nulls().mode().sort().first() or "")}
        found += one_unit(table[column], (name, column))
    if registers:
        told = layout.model_copy(
            update={"columns": {key: value for key, value in layout.columns.items() if key != "load"}}
        )
    of_cells, mixed = units_in_cells(table, name)
    uses = chosen(table, told, units | of_cells, name, named)
    said = {(each.code, each.column) for each in found}
    found += [*lost, *more, *mixed, *(each for each in uses.findings if (each.code, each.column) not in said)]
    if any(each.code == "missing-column" for each in found):
        return Long(pl.DataFrame(schema=EMPTY), uses.uses, uses.not_used, named, tuple(found))
    table = table.drop_nulls("time").with_columns(local=_local(layout.zone), moment=_moment(layout.zone))
    rows, more = _quantities(table, uses.uses, (layout, at.ends), name)
    not_used = tuple(column for column in uses.not_used if column not in at.used)
    return Long(rows, uses.uses, not_used, named, tuple(found) + tuple(more))


def _missing_too(table: pl.DataFrame, layout: Layout, name: str) -> list[Finding]:
    named = any(bare(column) in HOME for column in table.columns)
    return [each for each in chosen(table, layout, {}, name, named).findings if each.code == "missing-column"]


def _without_ragged(table: pl.DataFrame, name: str) -> tuple[pl.DataFrame, list[Finding]]:
    """Without rows that have more fields than the header: what they say stands in wrong columns."""
    if MORE not in table.columns:
        return table, []
    wrong = table.filter(pl.col(MORE) != "")
    found = at_rows("ragged", (name, MORE), wrong, f"first {wrong[MORE][0]!r}", table.height)
    return table.filter(pl.col(MORE) == "").drop(MORE), found


def _with_home(table: pl.DataFrame, layout: Layout, name: str) -> tuple[pl.DataFrame, bool, list[Finding]]:
    """With a column `home`, and whether the file names homes; rows that name none are left out."""
    there = [column for column in table.columns if column not in ("row", "time", "zoned")]
    told = layout.columns.get("home", "")
    guessed = [column for want in HOME for column in there if bare(column) == want and _names_homes(table, column)]
    column = told if told in there else next(iter(guessed), "")
    kwp = layout.columns.get("kwp") or next((each for want in KWP for each in there if bare(each) == want), "")
    if kwp in there and kwp:
        table = table.with_columns(numbers(table[kwp])[0].alias("(kwp)")).drop(kwp).rename({"(kwp)": "kwp"})
    if not column:
        return table.with_columns(home=pl.lit(ALONE)), False, []
    home = table[column].cast(pl.String).str.strip_chars().str.replace_all(r'^="?|"$', "")
    table = table.drop(column).drop("home", strict=False).with_columns(home=home)
    nameless = table.filter(pl.col("home").is_null() | (pl.col("home") == ""))
    found = at_rows("unread-value", (name, column), nameless, "no home", table.height)
    return table.filter(pl.col("home").is_not_null() & (pl.col("home") != "")), True, found


def _names_homes(table: pl.DataFrame, column: str) -> bool:
    """Whether a column can name homes: its names come again and again, where there are more than a few rows."""
    return table[column].n_unique() <= max(3, table.height // 3)


def _local(zone: str) -> pl.Expr:
    """Stamps on the clock of the homes."""
    if not zone:
        return pl.col("time")
    return pl.when("zoned").then(on_clock(zone, pl.col("time"))).otherwise("time")


def _moment(zone: str) -> pl.Expr:
    """Stamps in UTC, null in an hour that spring lacks; as they are where no zone is told."""
    if not zone:
        return pl.col("time")
    utc = (
        pl.col("time").dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.convert_time_zone("UTC")
    )
    return pl.when("zoned").then("time").otherwise(utc.dt.replace_time_zone(None))


def _quantities(
    table: pl.DataFrame, uses: tuple[ColumnUse, ...], how: tuple[Layout, bool | None], name: str
) -> tuple[pl.DataFrame, list[Finding]]:
    """The frames of all homes, registers differenced, in our units, with stamps of the beginning of steps."""
    layout, ends = how
    values, found = {}, []
    for column in dict.fromkeys(use.column for use in uses):
        values[column], bad = numbers(table[column])
        rows = table.filter(bad)
        found += at_rows(
            "unread-value", (name, column), rows, repr(rows[column][0]) if rows.height else "", table.height
        )
    base = table.select(*KEY, "local", "moment", *(["kwp"] if "kwp" in table.columns else []))
    frames = []
    homes = list(dict.fromkeys(use.home for use in uses if use.home)) or [""]
    for home in homes:  # what is common to homes stands beside the first
        mine = [use for use in uses if use.home == home or (home == homes[0] and not use.home)]
        frame = base.with_columns(**{use.column: values[use.column] for use in mine})
        frames.append((frame.with_columns(home=pl.lit(home)) if home else frame, mine))
    done, notes, ending = [], [], []
    for frame, mine in frames:
        frame, more, moments = _differenced(frame, mine, layout, name)
        notes += more
        ending += moments
        done.append(_in_own_units(frame, mine))
    long = pl.concat(done, how="diagonal") if len(done) > 1 else done[0]
    found += [*_once(notes), *_import_apart(uses, name)]
    steps = steps_of(ordered(long))
    guessed = all(ending) if ending else (named_by_end(long, steps) if ends is None else ends)
    if layout.stamps == "end" or (layout.stamps == "auto" and guessed):
        long, more = shifted(long, steps, (name, "time"))
        found += more
    return _balanced(long.drop("local")), found


def _import_apart(uses: tuple[ColumnUse, ...], name: str) -> list[Finding]:
    """A note where a panel's output stands beside the import alone, so that what was used at once is not known."""
    keys = {home: {use.quantity for use in uses if use.home == home} for home in {use.home for use in uses}}
    count = sum({"import", "pv"} <= each and "export" not in each for each in keys.values())
    return [finding("import-apart", (name, "import"), "", count)] if count else []


def _once(notes: list[Finding]) -> list[Finding]:
    """Findings of many homes as one of each kind and column's place."""
    first: dict[str, Finding] = {}
    for each in notes:
        held = first.get(each.code)
        count = each.count + (held.count if held else 0)
        first[each.code] = dataclasses.replace(held or each, count=count)
    return list(first.values())


def _differenced(
    frame: pl.DataFrame, uses: list[ColumnUse], layout: Layout, name: str
) -> tuple[pl.DataFrame, list[Finding], list[bool]]:
    """Registers as energies of their steps; whether their stamps name ends, for each register."""
    meters = [use for use in uses if use.quantity in METERS]
    if not meters or layout.counts == "energy":
        return frame, [], []
    frame, found, ends = ordered(frame), [], []
    homes = frame["home"].rle_id().to_numpy()
    for home in range(int(homes[-1]) + 1 if len(homes) else 0):
        mine = homes == home
        read = {use: frame[use.column].to_numpy()[mine] for use in meters}
        rising = [use for use in meters if layout.counts == "register" or counts_up(read[use])]
        if rising:
            rising = [
                use for use in meters if use in rising or (use.unit in ENERGY and not (np.diff(read[use]) < 0).any())
            ]
        wrong = [use for use in rising if use.unit in POWER]
        found += [
            finding("counts-up", (name, use.column), f"in {use.unit}: a power does not count up") for use in wrong
        ]
        frame, more, moments = _one_home(frame, [use for use in rising if use not in wrong], mine, name)
        found, ends = found + more, ends + moments
    return frame.sort("row", maintain_order=True), found, ends


def _one_home(
    frame: pl.DataFrame, rising: list[ColumnUse], mine: np.ndarray, name: str
) -> tuple[pl.DataFrame, list[Finding], list[bool]]:
    found, ends = [], []
    if not rising:
        return frame, found, ends
    own = frame.filter(mine)
    local, step = own["local"], own["moment"].diff()
    usual = step.drop_nulls().mode().min() or timedelta(hours=1)
    apart = (step / usual).fill_null(1.0).to_numpy()
    minute = (local.dt.hour().cast(pl.Int64) * 60 + local.dt.minute()).to_numpy()
    for use in rising:
        read = differenced(own[use.column].to_numpy(), minute, np.round(apart))
        held = frame[use.column].to_numpy().copy()
        held[mine] = read.values
        frame = frame.with_columns(pl.Series(use.column, held).fill_nan(None))
        again = f", begins anew {read.resets:,} times" if read.resets else ""
        found.append(finding("register", (name, use.column), f"counts up{again}"))
        ends.append(read.ends)
    return frame, found, ends


def _in_own_units(frame: pl.DataFrame, uses: list[ColumnUse]) -> pl.DataFrame:
    """Quantities as kW, °C, per kWh; an energy is spread over the commonest step of its home; registers are summed."""
    table = with_steps(frame, steps_of(ordered(frame.select("home", "time"))))
    hours = pl.col("step").dt.total_microseconds() / (timedelta(hours=1) / timedelta(microseconds=1))
    made = {}
    for key in dict.fromkeys(use.quantity for use in uses):
        mine = [use for use in uses if use.quantity == key]
        each = [to_own(pl.col(use.column), use.unit, hours) for use in mine]
        none = pl.all_horizontal(pl.col(use.column).is_null() for use in mine)
        made[key if key in PLAIN else QUANTITIES[key].own] = pl.when(~none).then(pl.sum_horizontal(each))
    kept = [column for column in (*KEY, "local", "kwp") if column in frame.columns]
    return table.select(*kept, **made)


def _balanced(long: pl.DataFrame) -> pl.DataFrame:
    """What a home draws, from what its connection says: net + pv, or import - export + pv; `export_kw` where no pv is.

    Without the whole output of a panel, import and export stay apart: what was used at once was not metered.
    """
    there = set(long.columns)
    long = long.with_columns(pl.col("export_kw").abs()) if "export_kw" in there else long  # some write it below zero
    drawn = next((name for name in ("load_kw", "import_kw") if name in there), "")
    if "grid_kw" in there:
        pv = pl.col("pv_kw").fill_null(0.0) if "pv_kw" in there else 0.0
        net = pl.col("grid_kw") + pv
        long = long.with_columns(load_kw=pl.coalesce("load_kw", net) if "load_kw" in there else net)
    if drawn == "import_kw" and {"export_kw", "pv_kw"} <= there:
        whole = pl.col("import_kw") - pl.col("export_kw").fill_null(0.0) + pl.col("pv_kw")
        long = long.with_columns(
            import_kw=pl.coalesce(whole, "import_kw"), export_kw=pl.when(whole.is_null()).then("export_kw")
        )
    if drawn == "import_kw":
        ways = [name for name in ("load_kw", "import_kw") if name in long.columns]
        long = long.with_columns(load_kw=pl.coalesce(ways))
    return long.drop("import_kw", "grid_kw", strict=False)


def held_on_clock(long: pl.DataFrame, zone: str, name: str) -> tuple[pl.DataFrame, list[Finding]]:
    """Readings in UTC whose steps begin off the steps of the local clock, held over finer steps that fit both.

    A zone at :30 or :45 does that to hourly readings; the energy is kept.
    """
    steps = steps_of(ordered(long))
    step = steps["step"].mode().max() if steps.height else None
    if not isinstance(step, timedelta) or not zone or long.is_empty():
        return long, []
    local = pl.col("time").dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    off = long.select((local.dt.base_utc_offset() + local.dt.dst_offset()).dt.total_minutes().unique()).to_series()
    minutes = round(step / timedelta(minutes=1))
    fine = int(np.gcd.reduce([minutes, *(off.to_numpy() % max(minutes, 1))])) if minutes else 0
    if not fine or fine == minutes:
        return long, []
    parts = pl.DataFrame({"part": np.arange(minutes // fine) * fine})
    moved = long.join(parts, how="cross").with_columns(time=pl.col("time") + pl.duration(minutes="part")).drop("part")
    energy = [pl.col(column) * fine / minutes for column in PLAIN & set(long.columns) if column.endswith("_kwh")]
    words = f"{said(step)} in UTC are held over {fine} min: the clock of {zone} is off the hour"
    return moved.with_columns(energy), [finding("zone-part", (name, "time"), words)]
