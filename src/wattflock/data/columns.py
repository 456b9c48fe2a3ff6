"""Columns of a table as quantities with units."""

import re
from dataclasses import dataclass, field
from datetime import timedelta

import polars as pl

from wattflock.data.files import numbers, stamps
from wattflock.data.finding import Finding, at_rows, finding
from wattflock.data.time_grid import ordered, steps_of, with_steps

POWER = {"kw": 1.0, "w": 1e-3, "mw": 1e3}
ENERGY = {"kwh": 1.0, "wh": 1e-3, "mwh": 1e3}


@dataclass(frozen=True)
class ColumnQuantity:
    """One quantity of a column: our name, names in other files, and its units."""

    own: str
    names: tuple[str, ...]
    units: tuple[str, ...]
    common: bool = False  # the same for all homes
    default: str = ""  # the unit where none is given


QUANTITIES = {
    "load": ColumnQuantity(
        "load_kw", ("load", "consumption", "usage", "use", "demand", "energy", "power", "grid", "net", "value", "kwh"),
        (*POWER, *ENERGY),
    ),
    "pv": ColumnQuantity("pv_kw", ("pv", "solar", "generation", "gen", "production"), (*POWER, *ENERGY)),
    "heat": ColumnQuantity("heat_kw", ("heat",), (*POWER, *ENERGY)),
    "outdoor": ColumnQuantity(
        "outdoor_c", ("outdoor", "temperature", "temp", "air_temperature", "t_out"), ("c", "f", "k"), True, "c"
    ),
    "import_price": ColumnQuantity(
        "import_price_per_kwh", ("import_price", "price", "tariff"), ("per_kwh", "p", "cents", "per_mwh"), True,
        "per_kwh",
    ),
    "export_price": ColumnQuantity(
        "export_price_per_kwh", ("export_price",), ("per_kwh", "p", "cents", "per_mwh"), True, "per_kwh"
    ),
    "carbon": ColumnQuantity("carbon_kg_per_kwh", ("carbon", "co2"), ("kg", "g"), True, "kg"),
}  # fmt: skip
PLAIN = {"ev_plugged", "ev_charging_need_kwh", "ev_driving_kwh"}  # ours alone: read as they are
SCALE = {"per_kwh": 1.0, "p": 0.01, "cents": 0.01, "per_mwh": 1e-3, "kg": 1.0, "g": 1e-3}
WORD = re.compile(r"(?:^|[^a-z0-9])(k?wh?|mwh?)(?=$|[^a-z0-9])", re.IGNORECASE)


def unit_in(name: str) -> str:
    """The unit of power or energy that a column's name ends in or carries: `load_kwh`, `Use [W]`; else empty."""
    found = WORD.findall(name.strip())
    return found[-1].lower() if found else ""


def bare(name: str) -> str:
    """A column's name in small letters without its unit: `Use [kWh]` → use; `temp_c` → temp."""
    short = re.sub(r"[\[(].*?[\])]", "", name).strip().lower()
    short = re.sub(r"[^a-z0-9]+", "_", short).strip("_")
    return re.sub(r"_(k?wh?|mwh?|c|f|degc|kg|g|per_kwh|kg_per_kwh|avg|mean)$", "", short)


def to_own(values: pl.Expr, unit: str, step_h: pl.Expr) -> pl.Expr:
    """Values in our units: kW, °C, currency or kg per kWh; an energy is spread over its step."""
    unit = unit.lower()
    if unit in POWER:
        return values * POWER[unit]
    if unit in ENERGY:
        return values * ENERGY[unit] / step_h
    if unit == "f":
        return (values - 32) * 5 / 9
    if unit == "k":
        return values - 273.15
    return values * SCALE.get(unit, 1.0)


TIME = ("time", "timestamp", "datetime", "date_time", "date", "tstp", "step_start", "start", "localtime", "local_time")
HOME = ("home", "household", "house", "id", "meter", "customer", "lclid", "dataid", "user", "building", "home_id")
KWP = ("kwp", "kw_peak", "pv_kwp", "generator_capacity")


@dataclass(frozen=True)
class Mapping:
    """Names of columns and units, as given by the user; then as found, with wide homes by name."""

    columns: dict[str, str] = field(default_factory=dict)  # time, home, kwp or a quantity → column
    units: dict[str, str] = field(default_factory=dict)  # a quantity → unit
    wide: tuple[str, ...] = ()  # columns that are homes; their quantity is load


def mapped(table: pl.DataFrame, told: Mapping, name: str) -> tuple[Mapping, list[Finding]]:
    """The columns that are needed, or what is missing: a time, and a load or another quantity."""
    there = [column for column in table.columns if column != "row"]
    found = [
        finding("missing-column", (name, column), f"named as {key}; there are {', '.join(there[:8])}")
        for key, column in told.columns.items()
        if column not in there
    ]
    known = {"time", "home", "kwp", *QUANTITIES}
    found += [finding("missing-column", (name, key), f"not one of {', '.join(sorted(known))}")
              for key in (*told.columns, *told.units) if key not in known]  # fmt: skip
    columns = _guessed(there) | told.columns
    taken = set(columns.values())
    if "time" not in columns:
        found.append(finding("missing-column", (name, "time"), f"there are {', '.join(there[:8])}"))
    wide: tuple[str, ...] = ()
    if not set(columns) & {"load", "pv", "heat"} and not set(there) & PLAIN:
        wide = tuple(column for column in there if column not in taken and _numeric(table[column]))
        if not wide or "home" in columns:
            found.append(finding("missing-column", (name, "load"), f"there are {', '.join(there[:8])}"))
    units, wrong = _units(columns, told.units, bool(wide) and "home" not in columns, name)
    return Mapping(columns, units, wide), found + wrong


def unitless(mapping: Mapping) -> tuple[str, ...]:
    """Our names of the columns whose unit is not known."""
    return tuple(QUANTITIES[key].own for key, unit in mapping.units.items() if unit not in QUANTITIES[key].units)


def to_long(table: pl.DataFrame, mapping: Mapping, name: str) -> tuple[pl.DataFrame, bool, list[Finding]]:
    """Row, home, time and our columns; whether the stamps are certainly UTC; what could not be read."""
    column = mapping.columns["time"]
    time, zoned, either = stamps(table[column])
    lost = table.filter(time.is_null())
    found = at_rows("unread-time", (name, column), lost, repr(lost[column][0]) if lost.height else "", table.height)
    if either:
        found.append(finding("date-order", (name, column), repr(table[column][0])))
    values = {}
    for key, unread in _read(table, mapping).items():
        values[key], bad = unread
        rows = table.filter(bad)
        value = repr(rows[key][0]) if rows.height else ""
        found += at_rows("unread-value", (name, key), rows, value, table.height)
    if mapping.wide:
        long = table.select("row").with_columns(time=time, **values)
        long = long.unpivot(mapping.wide, index=["row", "time"], variable_name="home", value_name="load")
    else:
        home = table[mapping.columns["home"]].cast(pl.String) if "home" in mapping.columns else pl.lit("1")
        names = {key: column for key, column in mapping.columns.items() if column in values}
        long = table.select("row").with_columns(home=home, time=time)
        long = long.with_columns(**{key: values[column] for key, column in names.items()})
        long = long.with_columns(**{column: values[column] for column in PLAIN if column in values})
    nameless = long.filter(pl.col("home").is_null())
    found += at_rows("unread-value", (name, mapping.columns.get("home", "home")), nameless, "no home", long.height)
    long = long.drop_nulls(["home", "time"])
    return _in_own_units(long, mapping.units), zoned, found


def _guessed(there: list[str]) -> dict[str, str]:
    """Columns that are recognised by their names; our names come first, then the order of the lists."""
    columns: dict[str, str] = {}
    for key, names in (("time", TIME), ("home", HOME), ("kwp", KWP)):
        for want in names:
            match = next((column for column in there if bare(column) == want), None)
            if match and key not in columns:
                columns[key] = match
    for key, quantity in QUANTITIES.items():
        free = [column for column in there if column not in columns.values()]
        exact = [column for column in free if column.lower() == quantity.own]
        other = [column for want in quantity.names for column in free if bare(column) == want]
        if exact or other:
            columns[key] = (exact + other)[0]
    return columns


def _units(
    columns: dict[str, str], told: dict[str, str], wide: bool, name: str
) -> tuple[dict[str, str], list[Finding]]:
    units, found = {}, []
    for key, quantity in QUANTITIES.items():
        if key not in columns and not (wide and key == "load"):
            continue
        column = columns.get(key, "(homes)")
        unit = told.get(key) or ("" if quantity.common else unit_in(column)) or quantity.default
        units[key] = unit.lower()
        if units[key] not in quantity.units:
            found.append(finding("unknown-unit", (name, column), unit or "no unit in its name"))
    return units, found


def _numeric(values: pl.Series) -> bool:
    read, bad = numbers(values.head(1000))
    return read.count() > 0 and int(bad.sum()) <= read.count()


def _read(table: pl.DataFrame, mapping: Mapping) -> dict[str, tuple[pl.Series, pl.Series]]:
    quantities = [column for key, column in mapping.columns.items() if key not in ("time", "home")]
    plain = [column for column in table.columns if column in PLAIN]
    return {column: numbers(table[column]) for column in (*quantities, *mapping.wide, *plain)}


def _in_own_units(long: pl.DataFrame, units: dict[str, str]) -> pl.DataFrame:
    """Quantities as kW, °C, per kWh; an energy is spread over the commonest step of its home."""
    table = with_steps(long, steps_of(ordered(long)))
    hours = pl.col("step").dt.total_microseconds() / (timedelta(hours=1) / timedelta(microseconds=1))
    own = {QUANTITIES[key].own: to_own(pl.col(key), unit, hours) for key, unit in units.items() if key in long.columns}
    kept = [column for column in ("kwp", *PLAIN) if column in long.columns]
    return table.select("row", "home", "time", *kept, **own)
