"""Columns of a table as quantities with units: told, by their names, or homes side by side."""

import dataclasses
import re
from dataclasses import dataclass

import polars as pl

from wattflock.data.finding import Finding, finding
from wattflock.data.layout import Layout
from wattflock.data.numbers import numbers
from wattflock.data.units import ENERGY, POWER, bare, unit_in
from wattflock.data.words import is_part, role_of, tokens

PRICE_UNITS = ("per_kwh", "p", "cents", "per_mwh")


@dataclass(frozen=True)
class ColumnQuantity:
    """One quantity of a column: our name, names in other files, and its units."""

    own: str
    names: tuple[str, ...]
    units: tuple[str, ...]
    common: bool = False  # the same for all homes
    default: str = ""  # the unit where none is given


METERED = (*POWER, *ENERGY)
QUANTITIES = {
    "load": ColumnQuantity(
        "load_kw", ("load", "consumption", "usage", "use", "demand", "energy", "power", "value", "volume"), METERED
    ),
    "import": ColumnQuantity("import_kw", ("import", "grid_import", "delivered"), METERED),
    "export": ColumnQuantity("export_kw", ("export", "grid_export", "returned"), METERED),
    "grid": ColumnQuantity("grid_kw", ("net", "grid"), METERED),
    "pv": ColumnQuantity("pv_kw", ("pv", "solar", "generation", "gen", "production"), METERED),
    "heat": ColumnQuantity("heat_kw", ("heat",), METERED),
    "outdoor": ColumnQuantity(
        "outdoor_c", ("outdoor", "temperature", "temp", "air_temperature", "t_out"), ("c", "f", "k"), True, "c"
    ),
    "import_price": ColumnQuantity(
        "import_price_per_kwh", ("import_price", "price", "tariff"), PRICE_UNITS, True, "per_kwh"
    ),
    "export_price": ColumnQuantity("export_price_per_kwh", ("export_price",), PRICE_UNITS, True, "per_kwh"),
    "carbon": ColumnQuantity("carbon_kg_per_kwh", ("carbon", "co2"), ("kg", "g"), True, "kg"),
}  # fmt: skip
SPELLED = {
    "kw": "kW", "w": "W", "mw": "MW", "kwh": "kWh", "wh": "Wh", "mwh": "MWh", "c": "°C", "f": "°F", "k": "K",
    "p": "1/100 per kWh", "cents": "1/100 per kWh", "per_kwh": "per kWh", "per_mwh": "per MWh", "kg": "kg per kWh",
    "g": "g per kWh",
}  # fmt: skip
PLAIN = {"ev_plugged", "ev_charging_need_kwh", "ev_driving_kwh"}  # ours alone: read as they are
LEAST_CODE = 100  # kWh or kW that no home has at every step
HOUSE = r"(?i)(?:house|home|household|flat|apt|apartment|building|haus|wohnung|hus|maison|casa|h)[\s_-]*\w{0,6}$"
TOTAL = {"total", "sum", "all", "totaal", "gesamt", "mean", "average"}
SITES = ("load", "import", "grid")  # one of them says what a home draws
TOLD = {"time", "home", "kwp", "register", "value", "unit", *QUANTITIES}  # what `columns` may name


@dataclass(frozen=True)
class ColumnUse:
    """What one column of a file is read as."""

    column: str
    quantity: str
    unit: str
    home: str = ""  # the home of a wide table; empty: that of the row

    def words(self) -> str:
        """As people read it: `Low Tariff = load [kWh]`."""
        unit = SPELLED.get(self.unit, self.unit)
        return f"{self.column} = {self.quantity}" + (f" [{unit}]" if unit else "")


@dataclass(frozen=True)
class Chosen:
    """Which columns are used, which are not, and what is wrong with them."""

    uses: tuple[ColumnUse, ...]
    not_used: tuple[str, ...]
    findings: list[Finding]


def chosen(table: pl.DataFrame, layout: Layout, units: dict[str, str], name: str, named: bool = False) -> Chosen:
    """The uses of a table's columns.

    Args:
        table: with the stamps and the home taken out; no column `row`, `time`, `home`.
        layout: what is told of columns and units.
        units: of columns, where rows say them.
        name: of the file.
        named: whether a column names the home of each row, so that no column is a home.
    """
    there = [column for column in table.columns if column not in ("row", "time", "home", "zoned", "kwp")]
    told = {key: column for key, column in layout.columns.items() if key in QUANTITIES}
    parts = [ColumnUse(part, key, "") for key, column in told.items() for part in _parts(column, there)]
    uses = [use for use in parts if use.column in there]
    uses += [
        ColumnUse(column, layout.registers[column], "")
        for column in there
        if layout.registers.get(column) in QUANTITIES
    ]
    taken = {use.column for use in uses} | {column for column in there if column in layout.registers}
    free = [column for column in there if column not in taken and column not in PLAIN]
    read = [column for column in free if _numeric(table[column])]
    read = [column for column in read if _role(column)[0] or not _is_code(table[column])]
    told_keys = {use.quantity for use in uses}
    uses += [
        use for use in _guessed(read, bool(told_keys & {*SITES}), named) if use.quantity not in told_keys or use.home
    ]
    uses += [ColumnUse(column, column, "") for column in there if column in PLAIN]
    taken_twice = [use for use in parts if use.column not in there]  # or not there at all, which is told before
    found = [
        finding("missing-column", (name, use.column), f"named as {use.quantity}, and read as another thing")
        for use in taken_twice
    ]
    if not {use.quantity for use in uses} & {*SITES, "pv", "heat", *PLAIN}:
        found.append(finding("missing-column", (name, "load"), f"there are {', '.join(there[:8])}"))
    uses, dropped = _one_balance(uses)
    uses, wrong = _with_units(uses, layout.units, units, name)
    used = {use.column for use in uses}
    rest = tuple(column for column in there if column not in used)
    return Chosen(tuple(uses), tuple(dict.fromkeys([*dropped, *rest])), found + wrong)


def _parts(column: str, there: list[str]) -> list[str]:
    return [column] if column in there else [part.strip() for part in column.split(" + ")]


def _numeric(values: pl.Series) -> bool:
    read, bad = numbers(values.head(1000))
    return values.is_empty() or (read.count() > 0 and int(bad.sum()) <= read.count())


def _is_code(values: pl.Series) -> bool:
    """Whether a column holds one large whole number throughout, as that of a meter."""
    first = numbers(values.head(1000))[0].drop_nulls()
    return first.n_unique() == 1 and len(first) > 1 and first[0] >= LEAST_CODE and first[0] % 1 == 0


def _guessed(there: list[str], has_site: bool, named_rows: bool) -> list[ColumnUse]:
    """Uses by name: one home with its quantities, or homes side by side where several columns say what is drawn."""
    roles = {column: _role(column) for column in there}
    common = [use for key in QUANTITIES if QUANTITIES[key].common for use in _best(there, roles, key)]
    own = {
        key: [column for column in there if roles[column][0] == key] for key in QUANTITIES if not QUANTITIES[key].common
    }
    sites = [column for key in SITES for column in own[key]]
    unknown = [column for column in there if not roles[column][0]]
    houses = [column for column in unknown if re.match(HOUSE, column)]
    if not named_rows and len(houses) > 1 and all(TOTAL.issuperset(tokens(column)) for column in sites):
        return common + [ColumnUse(column, "load", "", _home_named(column)) for column in houses]
    named = {roles[column][1] for column in sites if roles[column][1]}
    if not named_rows and len(named) > 1 and not any(not roles[column][1] for column in sites):
        return common + _side_by_side(own, roles)
    if sites or has_site or own["pv"] or own["heat"]:
        return common + [use for key in own for use in _best(there, roles, key)]
    with_unit = [column for column in unknown if unit_in(column) in METERED]
    if named_rows or len(with_unit) == 1:
        return common + [ColumnUse(column, "load", "") for column in with_unit if len(with_unit) == 1]
    return common + [ColumnUse(column, "load", "", _home_named(column)) for column in with_unit or unknown]


def _role(column: str) -> tuple[str, str]:
    own = next((key for key, quantity in QUANTITIES.items() if column.lower() == quantity.own), "")
    if own:
        return own, ""
    role, rest = role_of(column)
    if not role and unit_in(column) in PRICE_UNITS:
        return "import_price", ""
    return {"part": "load"}.get(role, role), rest


def _best(there: list[str], roles: dict[str, tuple[str, str]], key: str) -> list[ColumnUse]:
    """The columns of a quantity of one home: registers that are summed, or the one that is named best."""
    mine = [column for column in there if roles[column][0] == key]
    if not mine:
        return []
    parts = [column for column in mine if is_part(column) and column.lower() != QUANTITIES[key].own]
    if len(parts) == len(mine) and not QUANTITIES[key].common:
        return [ColumnUse(column, key, "") for column in mine]
    names = QUANTITIES[key].names

    def rank(column: str) -> tuple:
        short = bare(column)
        return (
            column.lower() != QUANTITIES[key].own,
            names.index(short) if short in names else len(names),
            column in parts,
        )

    return [ColumnUse(min(mine, key=rank), key, "")]


def _side_by_side(own: dict[str, list[str]], roles: dict[str, tuple[str, str]]) -> list[ColumnUse]:
    """Homes that are named in their columns, as in residential1_grid_import and residential1_pv."""
    homes = dict.fromkeys(roles[column][1] for key in SITES for column in own[key])
    uses = []
    for home in homes:
        for key, columns in own.items():
            mine = [column for column in columns if roles[column][1] == home]
            uses += [dataclasses.replace(use, home=home.replace(" ", "_")) for use in _best(mine, roles, key)]
    return uses


def _home_named(column: str) -> str:
    """A home's column without its unit: a_kwh → a."""
    short = re.sub(r"(?i)[\s_]*[\[(]?\b(?:k|m)?wh?[\])]?$", "", column) if unit_in(column) else column
    short = re.sub(r"(?i)_(?:k|m)?wh?$", "", short) if unit_in(column) else short
    return short or column


def _one_balance(uses: list[ColumnUse]) -> tuple[list[ColumnUse], list[str]]:
    """Without what says a home's draw a second time: load before import before net."""
    dropped: list[ColumnUse] = []
    for home in {use.home for use in uses}:
        keys = {use.quantity for use in uses if use.home == home}
        out: set[str] = set()
        if "load" in keys:
            out = {"import", "grid"} | ({"export"} if keys & {"pv", "import"} else set())
        elif "import" in keys:
            out = {"grid"}
        elif "grid" in keys:
            out = {"export"}
        dropped += [use for use in uses if use.home == home and use.quantity in out]
    return [use for use in uses if use not in dropped], [use.column for use in dropped]


def _with_units(
    uses: list[ColumnUse], told: dict[str, str], of_rows: dict[str, str], name: str
) -> tuple[list[ColumnUse], list[Finding]]:
    """The unit of each use: told, of the rows, in the column's name, or the quantity's usual one."""
    made, unknown = [], {}
    for use in uses:
        quantity = QUANTITIES.get(use.quantity)
        if quantity is None:
            made.append(use)
            continue
        site = "load" if use.quantity in SITES or use.quantity == "export" else use.quantity
        unit = (
            told.get(use.quantity)
            or told.get(site)
            or unit_in(of_rows.get(use.column, of_rows.get("", "")))
            or unit_in(use.column)
        )
        unit = (unit or quantity.default or told.get("load", "")).lower()
        if unit not in quantity.units and quantity.common and use.quantity not in told:
            unit = quantity.default
        if unit not in quantity.units:
            unknown.setdefault("(homes)" if use.home else use.column, unit or "no unit in its name")
        made.append(dataclasses.replace(use, unit=unit))
    return made, [finding("unknown-unit", (name, column), said) for column, said in unknown.items()]


def told_wrongly(table: pl.DataFrame, layout: Layout, name: str) -> list[Finding]:
    """Columns that are named and not there, and keys that nobody knows."""
    there = [column for column in table.columns if column != "row"]
    lost = [
        finding("missing-column", (name, part), f"named as {key}; there are {', '.join(there[:8])}")
        for key, column in layout.columns.items() if key in TOLD for part in _parts(column, there) if part not in there
    ]  # fmt: skip
    keys = (*layout.columns, *layout.units)
    return lost + [finding("missing-column", (name, key), f"not one of {', '.join(sorted(TOLD))}")
                   for key in keys if key not in TOLD]  # fmt: skip
