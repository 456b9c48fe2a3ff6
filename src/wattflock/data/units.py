"""Units as people write them, and what makes our own of them."""

import re
from dataclasses import dataclass

import polars as pl

POWER = {"kw": 1.0, "w": 1e-3, "mw": 1e3}
ENERGY = {"kwh": 1.0, "wh": 1e-3, "mwh": 1e3}


@dataclass(frozen=True)
class Quantity:
    """One thing that a column can hold: our name of it, names that others give it, and its units."""

    own: str
    names: tuple[str, ...]
    units: tuple[str, ...]
    common: bool = False  # the same for all homes
    default: str = ""  # the unit where none is said


QUANTITIES = {
    "load": Quantity(
        "load_kw", ("load", "consumption", "usage", "use", "demand", "energy", "power", "grid", "net", "value", "kwh"),
        (*POWER, *ENERGY),
    ),
    "pv": Quantity("pv_kw", ("pv", "solar", "generation", "gen", "production"), (*POWER, *ENERGY)),
    "heat": Quantity("heat_kw", ("heat",), (*POWER, *ENERGY)),
    "outdoor": Quantity(
        "outdoor_c", ("outdoor", "temperature", "temp", "air_temperature", "t_out"), ("c", "f", "k"), True, "c"
    ),
    "import_price": Quantity(
        "import_price_per_kwh", ("import_price", "price", "tariff"), ("per_kwh", "p", "cents", "per_mwh"), True,
        "per_kwh",
    ),
    "export_price": Quantity(
        "export_price_per_kwh", ("export_price",), ("per_kwh", "p", "cents", "per_mwh"), True, "per_kwh"
    ),
    "carbon": Quantity("carbon_kg_per_kwh", ("carbon", "co2"), ("kg", "g"), True, "kg"),
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
    """Values of a unit in our own: kW, °C, currency or kg per kWh; an energy is spread over its step."""
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
