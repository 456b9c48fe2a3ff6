"""Text as stamps: the date, the clock and the offset are read apart, so that any of them may take any form."""

from dataclasses import dataclass

import polars as pl

MICRO = pl.Datetime("us")
YEARS = (1900, 2100)
UNIX = {1: (1e9, 5e9), 1000: (1e12, 5e12), 10**6: (1e15, 5e15), 10**9: (1e18, 5e18)}  # in a second: least and most
EXCEL = (20_000, 80_000)  # days since 30 December 1899
ABBREVIATIONS = {  # minutes before UTC
    "z": 0, "utc": 0, "gmt": 0, "wet": 0, "bst": 60, "west": 60, "cet": 60, "cest": 120, "eet": 120, "eest": 180,
    "est": -300, "edt": -240, "cst": -360, "cdt": -300, "mst": -420, "mdt": -360, "pst": -480, "pdt": -420, "aest": 600,
    "aedt": 660,
}  # fmt: skip
MONTHS = {
    name: number
    for number, names in enumerate(
        ("jan ene gen janv", "feb fév fev févr", "mar mär mrt märz mars maa", "apr avr abr", "may mai maj mei mag",
         "jun juin giu", "jul juil lug", "aug aoû aou ago", "sep set sept", "oct okt ott", "nov", "dec dez déc dic"),
        1,
    )
    for name in names.split()
}  # fmt: skip
OFFSET = r"(?i)^(.*\d:\d{2}.*?|.*[t ]\d{4,6})\s*(z|[a-z]{3,4}|[+-]\d{1,2}(?::?\d{2})?)$"
SPANS = (r"^(.*\d:\d{2}\S*)\s+(?:to|bis|until|tot|à|a|-|–|—)\s+\S.*$", r"^(\S+T\S+)/\S+$")
LEAN = (  # replaced one after the other
    (r"^[=\"']+|[\"']+$", ""),
    (r"(?i)\s*uhr$", ""),
    (r"(?i)(\d{1,2})\.(\d{2})\.(\d{2})(?:\.\d+)?(\s*[ap]\.?m\.?)$", "$1:$2:$3$4"),
    (r"^(\d{4}-\d{2}-\d{2})[T ](\d{2})$", "$1 $2:00"),
    (r"^(\d{1,2})(\p{L}{3})(\d{2,4})[: ]", "$1 $2 $3 "),  # 24FEB25:00:30:00
    (r"^(\d{4}\D\d{1,2}\D\d{1,2}):", "$1 "),
    (r"^(\d{4}-?\d{2}-?\d{2})[Tt](\d)", "$1 $2"),
    (r"^(\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}),\s*", "$1 "),
    (r"(\d)h(\d{2})(?:m|min)?$", "$1:$2"),
    (r" (\d{1,2})\.(\d{2})(?:\.(\d{2}))?$", " $1:$2"),
    (r" (\d{2})(\d{2})(\d{2})?$", " $1:$2"),
    (r"^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(?:\d{2})?$", "$1-$2-$3 $4:$5"),
    (r"^((?:19|20)\d{2})(\d{2})(\d{2})(\d{2})?$", "$1-$2-$3 $4:00"),
    (r" :00$", ""),
    (r"^((?:19|20)\d{2})(\d{2})(\d{2}) ", "$1-$2-$3 "),
    (r"\s+", " "),
)


@dataclass(frozen=True)
class Stamps:
    """A column of stamps, a value for each row."""

    time: pl.Series  # without a zone [µs], null where unreadable; UTC where `zoned`
    zoned: pl.Series  # whether the cell says its offset from UTC
    either: bool = False  # whether day and month could be swapped
    ends: bool = False  # whether a cell says 24:00, as only the end of a step can


def stamps(values: pl.Series) -> tuple[pl.Series, bool, bool]:
    """Text as naive stamps [µs], null where unreadable; whether they are certainly UTC; whether month/day fits too."""
    read = read_stamps(values)
    return read.time, read.zoned.any(), read.either


def read_stamps(values: pl.Series) -> Stamps:
    """Stamps of any form: dates of any order, AM and PM, 24:00, offsets in some cells, seconds since 1970."""
    if isinstance(values.dtype, pl.Datetime):
        zoned = values.dtype.time_zone is not None
        plain = values.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if zoned else values
        return Stamps(plain.cast(MICRO), values.is_not_null() & zoned)
    if values.dtype == pl.Date:
        return Stamps(values.cast(MICRO), values.is_null() & False)
    text = values.cast(pl.String).str.strip_chars()
    number = text.cast(pl.Float64, strict=False)
    if number.count() > 0.5 * text.count() and (counted := _counted(number)) is not None:
        return counted
    return _fast(text) or _of_text(text)


def odd_years_as_text(table: pl.DataFrame) -> pl.DataFrame:
    """Columns of dates and stamps of which some lie outside `YEARS` as text, which is told by its rows: Polars holds
    years that Python has no date for.
    """
    dates = table.select(pl.selectors.date() | pl.selectors.datetime())
    odd = [each.name for each in dates if not each.dt.year().drop_nulls().is_between(*YEARS).all()]
    return table.with_columns(pl.col(odd).cast(pl.String))


def on_clock(zone: str, time: pl.Expr) -> pl.Expr:
    """Stamps in UTC as wall clock of a zone."""
    return time.dt.replace_time_zone("UTC").dt.convert_time_zone(zone).dt.replace_time_zone(None)


def _of_text(text: pl.Series) -> Stamps:
    """Each stamp is read once: homes share them."""
    cells = text.alias("cell").to_frame()
    different = cells.unique(maintain_order=True)
    read = _of_cells(different["cell"])
    table = different.with_columns(time=read.time, zoned=read.zoned)
    back = cells.join(table, on="cell", how="left", nulls_equal=True, maintain_order="left")
    return Stamps(back["time"], back["zoned"], read.either, read.ends)


def _counted(number: pl.Series) -> Stamps | None:
    """Seconds since 1970, or their parts; days since 1900, as a spreadsheet counts; None where it is neither."""
    middle = number.median()
    assert isinstance(middle, float)
    if EXCEL[0] <= middle <= EXCEL[1]:
        time = (number * 86400e6).round().cast(pl.Int64, strict=False).cast(MICRO) - pl.duration(days=25569)
        time = pl.select(time.alias("time") if isinstance(time, pl.Series) else time).to_series().dt.round("1s")
        return Stamps(time, number.is_null() & False)
    for parts, (least, most) in UNIX.items():
        if least <= middle <= most and not (parts == 1 and 1.9e9 < middle < 2.1e9):
            micro = (number * (1e6 / parts)).round().cast(pl.Int64, strict=False)
            return Stamps(micro.cast(MICRO), number.is_not_null())
    return None


def _fast(text: pl.Series) -> Stamps | None:
    """The commonest form, without an offset; None where a cell has another."""
    first = text.drop_nulls().head(50)
    if not len(first) or not first.str.contains(r"^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2})?$").all():
        return None
    form = f"%Y-%m-%d{first[0][10]}%H:%M" + (":%S" if len(first[0]) > 16 else "")
    time = text.str.to_datetime(form, strict=False, time_unit="us")
    return Stamps(time, time.is_null() & False) if time.null_count() == text.null_count() else None


def _of_cells(text: pl.Series) -> Stamps:
    lean = pl.col("text").str.replace(r"\s*\[.*\]$", "")
    for span in SPANS:
        lean = lean.str.replace(span, "$1")
    table = text.alias("text").to_frame().select(text=lean)
    word = pl.col("text").str.extract(OFFSET, 2).str.to_lowercase()
    minutes = pl.coalesce(word.replace_strict(ABBREVIATIONS, default=None, return_dtype=pl.Int64), _minutes(word))
    dated = word.is_not_null() & minutes.is_not_null() & ~word.is_in(["am", "pm"])
    table = table.with_columns(offset=pl.when(dated).then(minutes))
    lean = pl.when(dated).then(pl.col("text").str.extract(OFFSET, 1)).otherwise("text").str.strip_chars()
    for wrong, right in LEAN:
        lean = lean.str.replace_all(wrong, right)
    table = table.with_columns(text=_named_months(table.select(lean).to_series()))
    clock = pl.col("text").str.extract_groups(
        r"(?i)(?:^|\s)(?<h>\d{1,2}):(?<m>\d{2})(?::(?<s>\d{2})(?<f>[.,]\d+)?)?\s*(?<half>[ap]\.?m\.?)?$"
    )
    table = table.with_columns(date=pl.col("text").str.extract(r"^(\S+)(?:\s|$)"), clock=clock)
    table = table.with_columns(since=_since_midnight(), rest=pl.col("text").str.contains(r"^\S+$"))
    date, either = _dates(table["date"], table["since"])
    whole = table.select(
        time=pl.when(pl.col("since").is_not_null() | pl.col("rest")).then(
            pl.lit(date).cast(MICRO) + pl.duration(microseconds=pl.col("since").fill_null(0))
        )
        - pl.duration(minutes=pl.col("offset").fill_null(0)),
        zoned=pl.col("offset").is_not_null(),
        ends=pl.col("since") == 86_400_000_000,
    )
    return Stamps(whole["time"], whole["zoned"], either, whole["ends"].any())


def _minutes(word: pl.Expr) -> pl.Expr:
    """Minutes of an offset such as +0530, -05 or +1:00; null of anything else."""
    sign = pl.when(word.str.starts_with("-")).then(-1).when(word.str.starts_with("+")).then(1)
    hours = word.str.extract(r"^[+-](\d{1,2})").cast(pl.Int64)
    return sign * (60 * hours + word.str.extract(r"^[+-]\d{1,2}:?(\d{2})$").cast(pl.Int64).fill_null(0))


def _named_months(text: pl.Series) -> pl.Series:
    """`24 Feb 2025` and `Feb 24, 2025` as 24-2-2025, in six languages; a weekday before it is dropped."""
    if not text.head(200).str.contains(r"\p{L}{3,}").any():
        return text
    forms = (
        (r"(?i)^(?:\p{L}+\.?,?\s+)?(\d{1,2})[\s./-]+(?:de\s+)?(\p{L}+)\.?[\s./,-]+(?:de\s+)?(\d{2,4})(.*)$", (1, 2, 3)),
        (r"(?i)^(?:\p{L}+\.?,?\s+)?(\p{L}+)\.?[\s./-]+(\d{1,2}),?[\s./-]+(\d{4})(.*)$", (2, 1, 3)),
    )
    table = text.alias("text").to_frame()
    for form, (day, month, year) in forms:
        name = pl.col("text").str.extract(form, month).str.to_lowercase()
        number = pl.coalesce(
            name.str.slice(0, length).replace_strict(MONTHS, default=None, return_dtype=pl.Int64) for length in (4, 3)
        )
        parts = [pl.col("text").str.extract(form, day), number, pl.col("text").str.extract(form, year)]
        parts[2] = pl.when(parts[2].str.len_chars() == 2).then(pl.format("20{}", parts[2])).otherwise(parts[2])
        made = pl.format("{}-{}-{}", *parts[::-1]) + pl.col("text").str.extract(form, 4)
        table = table.with_columns(text=pl.coalesce(made, "text"))
    return table["text"]


def _since_midnight() -> pl.Expr:
    """Microseconds of the clock, null where there is none or it is no time of a day; 24:00 is a whole day."""
    part = {name: pl.col("clock").struct.field(name) for name in ("h", "m", "s", "f", "half")}
    hour, minute = part["h"].cast(pl.Int64), part["m"].cast(pl.Int64)
    second = part["s"].cast(pl.Int64).fill_null(0)
    half = part["half"].str.to_lowercase().str.slice(0, 1)
    hour = pl.when(half == "p").then(hour % 12 + 12).when(half == "a").then(hour % 12).otherwise(hour)
    micro = (part["f"].str.replace(",", ".").cast(pl.Float64).fill_null(0) * 1e6).round().cast(pl.Int64)
    total = ((hour * 60 + minute) * 60 + second) * 1_000_000 + micro
    return pl.when((minute < 60) & (second < 60) & (total <= 86_400_000_000)).then(total)


def _dates(date: pl.Series, since: pl.Series) -> tuple[pl.Series, bool]:
    """The dates, and whether day and month could be swapped: the order in which most are dates, days in a row."""
    form = r"^(\d{1,4})[-/.](\d{1,2})[-/.](\d{1,4})\.?$"
    parts = date.to_frame("date").select(*(pl.col("date").str.extract(form, k).alias(f"p{k}") for k in (1, 2, 3)))
    table = parts.with_columns(*(pl.col(f"p{k}").cast(pl.Int64).alias(f"n{k}") for k in (1, 2, 3)))
    orders = ("ymd",) if parts["p1"].drop_nulls().head(1).str.len_chars().eq(4).any() else ("dmy", "mdy", "ymd")
    read = {order: _ordered(table, order) for order in orders}
    score = {order: (each.count(), _in_a_row(each)) for order, each in read.items()}
    best = max(score, key=lambda order: score[order])
    either = best == "dmy" and score["mdy"] == score["dmy"] and score["dmy"][0] > 0
    return read[best], either


def _ordered(table: pl.DataFrame, order: str) -> pl.Series:
    places = {each: order.index(each) + 1 for each in "ymd"}
    year, length = pl.col(f"n{places['y']}"), pl.col(f"p{places['y']}").str.len_chars()
    year = pl.when(length == 4).then(year).when(length == 2).then(year + pl.when(year < 70).then(2000).otherwise(1900))
    month, day = pl.col(f"n{places['m']}"), pl.col(f"n{places['d']}")
    text = pl.format("{}-{}-{}", year, month, day)
    read = text.str.to_date("%Y-%m-%d", strict=False)
    return table.select(pl.when(year.is_between(*YEARS)).then(read)).to_series()


def _in_a_row(dates: pl.Series) -> float:
    """The share of the dates that follow the one before."""
    apart = dates.drop_nulls().unique().sort().diff().drop_nulls().dt.total_days()
    return float((apart == 1).sum()) / len(apart) if len(apart) else 0.0
