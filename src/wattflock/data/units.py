"""Units in the headers of columns, and values in our own: kW, °C, currency or kg per kWh."""

import re
import unicodedata

import polars as pl

POWER = {"kw": 1.0, "w": 1e-3, "mw": 1e3}
ENERGY = {"kwh": 1.0, "wh": 1e-3, "mwh": 1e3}
SCALE = {"per_kwh": 1.0, "p": 0.01, "cents": 0.01, "per_mwh": 1e-3, "kg": 1.0, "g": 1e-3}
HUNDREDTH = r"p|pence|ct|cts|c|cents?|øre|öre|ore|eurocents?|gr|grosz|haléř|cent"
MONEY = r"€|£|\$|eur|euros?|gbp|usd|chf|nok|sek|dkk|kr|aud|nzd|cad|pln|zł|czk|huf|inr|jpy|zar|brl|pounds?|dollars?"
BORDER = r"(?:^|[^a-z0-9])"
SPOKEN = (  # the first that a name holds, in small letters
    (r"[\[(]\s*[x×*]?\s*\d[\d.,]*\s*[x×*]?\s*[kmg]?wh?(?![a-z])", "a multiple"),  # no unit: [0.1 kWh], (10 Wh)
    (rf"{BORDER}(?:{HUNDREDTH})\s*(?:/|_?per_?|\sper\s)\s*kwh", "cents"),
    (rf"(?:{BORDER}|[a-z_])(?:{MONEY})\s*(?:/|_?per_?|\sper\s)\s*kwh", "per_kwh"),
    (rf"(?:{BORDER}|[a-z_])(?:{MONEY})\s*(?:/|_?per_?|\sper\s)\s*mwh", "per_mwh"),
    (rf"{BORDER}kg[\s_]?(?:co2[a-z-]*)?\s*(?:/|_?per_?|\sper\s)\s*kwh|{BORDER}t[\s_]?(?:co2[a-z-]*)?\s*/\s*mwh", "kg"),
    (
        rf"{BORDER}g(?:r|rams?)?[\s_]?(?:co2[a-z-]*)?\s*(?:/|_?per_?|\sper\s)\s*kwh|{BORDER}kg[\s_]?(?:co2[a-z-]*)?/mwh",
        "g",
    ),
    (rf"{BORDER}(?:per_kwh|/\s*kwh)", "per_kwh"),
    (rf"{BORDER}(?:per_mwh|/\s*mwh)", "per_mwh"),
    (rf"{BORDER}kwh\s*(?:/|per)\s*h(?:our)?(?=$|[^a-z])", "kw"),
    (rf"{BORDER}mwh\s*(?:/|per)\s*h(?:our)?(?=$|[^a-z])", "mw"),
    (rf"{BORDER}wh\s*(?:/|per)\s*h(?:our)?(?=$|[^a-z])", "w"),
    (rf"{BORDER}k?w\s*/\s*h(?=$|[^a-z])", "kW/h"),  # no unit: kW or kWh is meant
    (r"kilowatt[\s-]?(?:hours?|stunden?|heures?|uur|timer)|kilowattora|kilovatios? hora", "kwh"),
    (r"megawatt[\s-]?(?:hours?|stunden?)", "mwh"),
    (r"(?<![a-z])watt[\s-]?(?:hours?|stunden?|heures?|uur)", "wh"),
    (r"kilowatts?(?![a-z])", "kw"),
    (r"(?<![a-z])watts?(?![a-z])", "w"),
    (r"fahrenheit|°\s?f|deg_?f|[\[(]f[\])]|_f$", "f"),
    (r"celsius|°\s?c|deg_?c|[\[(]c[\])]|_c$", "c"),
    (r"kelvin|[\[(]k[\])]|_k$", "k"),
)
APART = r"(?<![a-z0-9])([km]?)w[\s*·⋅.×-]{1,3}h(?:rs?|ours?)?(?![a-z0-9])"  # kW·h and kW-hr, which are kWh
WORD = re.compile(r"(?:^|[^a-z0-9])(k?whs?|k?w|mwhs?|mw)(?=$|[^a-z0-9])")
ENDING = r"_(k?wh?|mwh?|c|f|degc|kg|g|per_kwh|kg_per_kwh|avg|mean|p_per_kwh|ct_per_kwh|kwh_per_h|kwh_h)$"


def unit_in(name: str) -> str:
    """The unit that a column's name ends in or carries: `load_kwh`, `Use [W]`, `price (p/kWh)`; else empty."""
    short = re.sub(APART, r"\1wh", name.strip().lower())
    for form, unit in SPOKEN:
        if re.search(form, short):
            return unit
    found = WORD.findall(short)
    return found[-1].removesuffix("s") if found else ""


def plain(text: str) -> str:
    """Small letters without accents: Mængde → maengde."""
    spelled = text.lower().replace("æ", "ae").replace("ø", "o").replace("ß", "ss")
    return unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode()


def bare(name: str) -> str:
    """A column's name in small letters without its unit: `Use [kWh]` → use; `temp_c` → temp."""
    short = plain(re.sub(r"[\[(].*?[\])]", "", name)).strip()
    short = re.sub(r"[^a-z0-9]+", "_", short).strip("_")
    return re.sub(ENDING, "", short)


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
