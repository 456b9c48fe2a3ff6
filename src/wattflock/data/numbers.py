"""Text as numbers: which sign is the decimal one is decided for a whole column, from all of its cells."""

import polars as pl

MISSING = ("", "null", "na", "nan", "none", "n/a", "-", "--", "?", "#n/a", "unknown", "unavailable", "missing")
POINT = r"^[+-]?\d{1,3}(?:\.\d{3})+$"  # 1.234 and 1.234.567
COMMA = r"^[+-]?\d{1,3}(?:,\d{3})+$"
UNIT = r"(?i)\d\s*(kwh|wh|mwh|kw|w|mw)[\"'\s]*$"  # in a cell
AROUND = r"^[=\"'$£€\s]+|[\"'$£€\s]+$|\s*(?:kwh|wh|mwh|kw|w|mw)$"  # currency, quotes, a unit in every cell
INSIDE = "[' \u00a0\u202f\u2009_]"  # between thousands


def numbers(values: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Text as float64, null where missing; and where there was text that is no number."""
    if values.dtype.is_numeric():
        plain = values.cast(pl.Float64).fill_nan(None)
        return _finite(plain), plain.is_infinite().fill_null(False)
    text = values.cast(pl.String).str.strip_chars()
    told = text.is_not_null() & ~text.str.to_lowercase().is_in(MISSING)
    plain = text.cast(pl.Float64, strict=False)
    if plain.is_null().sum() > (~told).sum() or thousands(text):
        plain = _signs(text)
    plain = _finite(plain.fill_nan(None))
    return plain, told & plain.is_null()


def thousands(text: pl.Series, sign: str = ".") -> bool:
    """Whether a sign parts thousands: 351 and 1.234 stand in one column, and no cell has other decimals."""
    form = POINT if sign == "." else COMMA
    signed = text.filter(text.str.contains(sign, literal=True))
    if not len(signed) or not signed.str.contains(form).all() or signed.str.contains(r"^[+-]?0").any():
        return False
    whole = text.filter(text.str.contains(r"^[+-]?\d+$")).cast(pl.Float64).abs()
    return ((whole >= 10) & (whole < 1000)).any() and (whole < 1000).all()


def comma_is_decimal(text: pl.Series) -> bool:
    """Whether a comma is the decimal sign: it stands last where both are, or where no thousands would be parted."""
    comma = text.filter(text.str.contains(",", literal=True))
    both = comma.filter(comma.str.contains(".", literal=True))
    if len(both):
        return 2 * both.str.contains(r"\..*,").sum() > len(both)
    if thousands(text, ","):
        return False
    grouped = comma.str.contains(COMMA) & ~comma.str.contains(r"^[+-]?0")
    return not grouped.all() or not text.str.contains(r"\.\d").any()


def _signs(text: pl.Series) -> pl.Series:
    lean = text.str.to_lowercase().str.replace_all(AROUND, "").str.replace_all(INSIDE, "").str.replace(r"^−", "-")
    comma = lean.str.contains(",", literal=True).fill_null(False)
    if comma.any() and comma_is_decimal(lean):
        dotted = lean.filter(~comma & lean.str.contains(".", literal=True).fill_null(False))
        grouped = dotted.str.contains(POINT).all()  # 1.234 beside 351,5
        held = pl.DataFrame({"text": lean, "european": comma | grouped})
        plain = pl.col("text").str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
        lean = held.select(pl.when("european").then(plain).otherwise("text")).to_series()
    else:
        lean = lean.str.replace_all("." if thousands(lean) else ",", "", literal=True)
    return lean.cast(pl.Float64, strict=False)


def _finite(values: pl.Series) -> pl.Series:
    return values.set(values.is_infinite().fill_null(False), None)
