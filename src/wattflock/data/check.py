"""Every problem of a set of readings, reported at once: stamps, values, sessions."""

from collections.abc import Iterable
from datetime import timedelta

import polars as pl

from wattflock.core.errors import ScenarioError
from wattflock.data import sessions
from wattflock.data.finding import ORDER, SHOWN, Finding, at_rows, finding
from wattflock.data.raw import COMMON_COLUMNS, Raw
from wattflock.data.time_grid import (
    HOUR,
    apart,
    behind,
    check_clock,
    example,
    ordered,
    said,
    same_home,
    spring_gaps,
    steps_of,
    with_steps,
    wrong_zone,
)

SHORT_GAP = timedelta(hours=2)  # what is filled
DAY = timedelta(days=1)
SEVERAL = 4  # equal distances in a row that make a step of their own


def check_stamps(table: pl.DataFrame, columns: list[str], raw: Raw) -> list[Finding]:
    """Every finding about the stamps of a table with columns file, row, home, time."""
    place = (raw.files[int(table["file"][0])], "time")
    back = table.filter((pl.col("time").diff() < timedelta(0)).over("file", "home"))
    table = ordered(table)
    steps = steps_of(table)
    found = _check_steps(table, steps, place)
    if not any(each.code == "step-changes" for each in found):
        found += _check_grid(table, steps, place)
    gaps = {column: gaps_of(table, column, steps) for column in columns}
    every = pl.concat(gaps.values()).unique(["home", "time"]).sort("home", "time")
    found += check_clock(table, columns, every, raw)
    for column, rows in gaps.items():
        rows = rows.join(spring_gaps(rows, raw, table["home"].n_unique()), on=["home", "time"], how="anti")
        found += _check_gaps(rows, (place[0], column))
    return found + at_rows("unsorted", place, back, example(back), table.height)


def gaps_of(table: pl.DataFrame, column: str, steps: pl.DataFrame) -> pl.DataFrame:
    """Stretches without a reading: home, time and row of the last one before, step, length."""
    rows = table.filter(pl.col(column).is_not_null()).select("file", "row", "home", "time")
    after = rows.with_columns(before=pl.col("time").shift(), row=pl.col("row").shift()).filter(same_home())
    after = with_steps(after, steps).with_columns(length=pl.col("time") - pl.col("before") - pl.col("step"))
    gaps = after.filter(pl.col("length") >= pl.col("step"))
    return gaps.with_columns(time=pl.col("before")).drop("before")


def _check_steps(table: pl.DataFrame, steps: pl.DataFrame, place: tuple[str, str]) -> list[Finding]:
    found: list[Finding] = []
    kinds = steps.group_by("step").len().sort("len", "step", descending=[True, False])
    if kinds.height > 1:
        words = ", ".join(
            f"{said(step)} in {count} {'home' if count == 1 else 'homes'}" for step, count in kinds.iter_rows()
        )
        found.append(finding("steps-differ", place, words, int(kinds["len"][1:].sum())))
    minutes = pl.col("step").dt.total_microseconds() / 60e6
    bad = steps.filter((minutes < 1) | (minutes > 60) | ((60 / minutes) % 1 > 1e-9))
    if not bad.is_empty():
        found.append(finding("bad-step", place, said(bad["step"][0]), bad.height))
    usual = apart(table).join(steps.rename({"step": "usual"}), on="home")
    other = (pl.col("step") != pl.col("usual")) & (pl.col("step") <= HOUR)
    same = pl.all_horizontal([pl.col("step") == pl.col("step").shift(k).over("home") for k in range(1, SEVERAL)])
    changed = usual.filter(other & same).join(table.select("home", "time", "row"), on=["home", "time"])
    value = f"{said(changed['step'][0])} where {said(changed['usual'][0])} is usual" if changed.height else ""
    return found + at_rows("step-changes", place, changed, value, table.height)


def _check_grid(table: pl.DataFrame, steps: pl.DataFrame, place: tuple[str, str]) -> list[Finding]:
    rows = behind(table, steps)
    off = rows.filter(pl.col("off") > 0)
    found = at_rows("off-grid", place, off, example(off), table.height)
    shifted = rows.filter((pl.col("off") == 0) & (pl.col("offset") > 0))
    if not shifted.is_empty():
        value = f"{said(timedelta(microseconds=int(shifted['offset'][0])))} after the step"
        found += at_rows("grid-offset", place, shifted, value, table.height)
    return found


def _check_gaps(gaps: pl.DataFrame, place: tuple[str, str]) -> list[Finding]:
    """Gaps by their length: short ones that are filled, longer ones, and those of whole days; counts are steps."""
    length, found = pl.col("length"), []
    kinds = {
        "gap": length <= SHORT_GAP,
        "long-gap": (length > SHORT_GAP) & (length < DAY),
        "days-missing": length >= DAY,
    }
    for code, mask in kinds.items():
        rows = gaps.filter(mask)
        if rows.is_empty():
            continue
        count = int((rows["length"].dt.total_microseconds() / rows["step"].dt.total_microseconds()).round().sum())
        numbers = tuple(rows["row"].unique().sort().head(SHOWN).to_list())
        longest = rows.sort("length", descending=True).row(0, named=True)
        many = f"{rows.height:,} gaps" if rows.height > 1 else "one gap"
        value = f"{many}, the longest {said(longest['length'])} after {longest['time']:%Y-%m-%d %H:%M}"
        found.append(Finding(code, "repairable", *place, count, value, numbers))
    return found


PLACES = {
    "session-order": "plug_out",
    "session-time": "connected_h",
    "session-energy": "energy_kwh",
    "session-power": "energy_kwh",
    "session-overlap": "plug_in",
    "session-joined": "plug_in",
}


def check_sessions(raw: Raw) -> list[Finding]:
    """Findings about the table of sessions."""
    table = raw.sessions
    assert table is not None
    file, left_out = raw.files[int(table["file"][0])], sessions.clean(table)[1]
    found: list[Finding] = []
    for code, column in PLACES.items():
        rows = left_out.filter(code=code)
        energy = rows["energy_kwh"]
        value = f"{energy.min():.4g} to {energy.max():.4g} kWh" if rows.height and column == "energy_kwh" else ""
        found += at_rows(code, (file, column), rows, value, table.height)
    return found


MEAN_KW = (0.05, 5.0)  # of the median home
HOME_KW = 20.0  # of any home
PEAK_KW = 60.0  # three phases of 80 A and a little
OUTPUT_KW_PER_KWP = 1.2  # beyond the sunniest edge of a cloud
NOON_H = (10.5, 14.5)  # mean hour of the sun's energy: solar noon, eastern or western in its zone, summer time
NIGHT_H = 3
NIGHT_SHARE = 0.02  # of the peak output: what is less is the meter's own noise
DAYTIME_H = (9, 16)
TEMPERATURE_C = (-60, 55)
PRICE = (-5, 20)  # currency per kWh
MEDIAN_PRICE = (0.01, 2.0)
STRONG = ("EUR", "GBP", "USD", "CHF", "AUD", "CAD", "NZD")  # currencies of which nobody pays 2 for a kWh
CARBON_KG = (0, 2)
CHECKED = ("load_kw", "pv_kw", "heat_kw")
CARS = ("ev_plugged", "ev_charging_need_kwh", "ev_driving_kwh")


def check(raw: Raw) -> list[Finding]:
    """Every finding, errors first; those of reading the files come with them."""
    name = raw.files[0] if raw.files else "data"
    zone = wrong_zone(raw.zone, (name, "zone"))
    found = [*raw.findings, *zone]
    if not zone:
        found += _check_homes(raw) + _check_common(raw)
        if raw.sessions is not None and not raw.sessions.is_empty():
            found += check_sessions(raw)
    tables = (raw.homes, raw.common, raw.sessions)
    broken = any(each.code in ("missing-column", "empty") for each in found)
    if not broken and all(table is None or table.is_empty() for table in tables):
        found.append(finding("empty", (name, "rows")))
    return sorted(found, key=lambda each: ORDER.index(each.severity))


def refuse(findings: Iterable[Finding]) -> None:
    """Does nothing where there is no error.

    Raises:
        ScenarioError: lists every error.
    """
    problems = [each.problem() for each in findings if each.severity == "error"]
    if problems:
        raise ScenarioError(problems)


def _check_homes(raw: Raw) -> list[Finding]:
    if raw.homes is None or raw.homes.is_empty():
        return []
    names = pl.Enum(raw.homes["home"].cast(pl.String).unique(maintain_order=True))
    table = raw.homes.with_columns(pl.col("home").cast(names))
    columns = [name for name in CHECKED if name in table.columns]
    found = check_stamps(table, columns, raw)
    file = raw.files[int(table["file"][0])]
    if "load_kw" in columns and "load_kw" not in raw.unitless:
        found += _check_load(table, (file, "load_kw"), raw)
    if "pv_kw" in columns and "pv_kw" not in raw.unitless:
        found += _check_sun(table, (file, "pv_kw"), raw)
    for column in columns:
        found += _check_stuck(table, (file, column), raw.kwp)
    found += _check_cars(table, file)
    return found


def _check_load(table: pl.DataFrame, place: tuple[str, str], raw: Raw) -> list[Finding]:
    load, told = pl.col("load_kw"), table["load_kw"].count()
    if not told:
        return [finding("empty", place)]
    negative = table.filter(load < 0)
    day = negative.filter(_hour(raw).is_between(*DAYTIME_H, closed="left"))
    metered = negative.height > 0.01 * told and day.height > 0.5 * negative.height
    lowest = f"lowest {negative['load_kw'].min():.3g} kW" if negative.height else ""
    found: list[Finding] = []
    if not metered:
        found += at_rows("negative", place, negative, lowest, told)
    elif raw.net != "split":
        found += at_rows("net-metering", place, negative, lowest, told)
    means = table.group_by("home").agg(held=load.clip(upper_bound=PEAK_KW).mean(), mean=load.mean()).drop_nulls()
    held, usual = means["held"].median(), means["mean"].median()  # a few wild readings make no wrong unit
    if not isinstance(held, float) or not isinstance(usual, float):
        return found
    words = f"the median home draws {usual:,.3g} kW on average"
    if held > MEAN_KW[1]:
        hint = "; divided by 1,000 it would fit" if MEAN_KW[0] <= usual / 1000 <= MEAN_KW[1] else ""
        return [*found, finding("too-large", place, words + hint)]
    large = means.filter(pl.col("held") > HOME_KW).sort("home")
    if large.height:
        said = ", ".join(f"{home}: {24 * mean:,.4g} kWh a day" for home, mean, _ in large.head(SHOWN).iter_rows())
        found.append(finding("home-large", place, said, large.height))
    high = table.filter(load > PEAK_KW)
    found += at_rows("peak", place, high, f"highest {table['load_kw'].max():,.4g} kW", told)
    if 0 < held < MEAN_KW[0] and not metered:
        hint = "; times 1,000 it would fit" if MEAN_KW[0] <= usual * 1000 <= MEAN_KW[1] else ""
        found.append(finding("too-small", place, words + hint))
    return found


def _check_sun(table: pl.DataFrame, place: tuple[str, str], raw: Raw) -> list[Finding]:
    rows = table.filter(pl.col("pv_kw").is_not_null()).with_columns(hour=_hour(raw))
    told, energy = rows.height, float(rows["pv_kw"].sum())
    found: list[Finding] = []
    if not told:
        return found
    if raw.kwp:
        size = pl.col("home").cast(pl.String).replace_strict(raw.kwp, default=None, return_dtype=pl.Float64)
        above = rows.filter(pl.col("pv_kw") > OUTPUT_KW_PER_KWP * size)
        day = rows.filter(pl.col("pv_kw") > 0).height
        highest = f"highest {rows['pv_kw'].max():,.4g} kW"
        found += at_rows("pv-above-kwp", place, above, highest, day)
    elif energy > 0:
        found.append(finding("kwp-unknown", place, "peak output / 0.85 is taken"))
    negative = rows.filter(pl.col("pv_kw") < 0)
    found += at_rows("negative", place, negative, f"lowest {rows['pv_kw'].min():.3g} kW", told)
    if energy <= 0:
        return found
    dark = rows.filter((pl.col("hour") < NIGHT_H) & (pl.col("pv_kw") > NIGHT_SHARE * pl.col("pv_kw").max()))
    share = float(dark["pv_kw"].sum()) / energy
    found += at_rows("pv-at-night", place, dark, f"{share:.1%} of the energy", told)
    noon = float(rows.select((pl.col("hour") * pl.col("pv_kw")).sum()).item()) / energy
    if not NOON_H[0] <= noon <= NOON_H[1]:
        found.append(finding("pv-noon", place, f"the energy's mean hour is {noon:.1f} h"))
    return found


def _hour(raw: Raw) -> pl.Expr:
    local = raw.local("time")
    return local.dt.hour() + local.dt.minute() / 60


def _check_cars(table: pl.DataFrame, file: str) -> list[Finding]:
    """The plugged-in share is between 0 and 1; energy is not negative."""
    found: list[Finding] = []
    for column in (name for name in CARS if name in table.columns):
        value, told = pl.col(column), table[column].count()
        code, wrong = ("negative", value < 0) if column != "ev_plugged" else ("plugged", ~value.is_between(0, 1))
        rows = table.filter(wrong)
        extreme = f"{rows[column].min():.3g} to {rows[column].max():.3g}" if rows.height else ""
        found += at_rows(code, (file, column), rows, extreme, told)
    return found


def _check_stuck(table: pl.DataFrame, place: tuple[str, str], kwp: dict[str, float]) -> list[Finding]:
    """Meters whose reading is constant: always, or for whole days (of at least 20 hours' readings).

    A home whose heat, or whose pv where no size of a panel is told, is always 0 has no heating or panel.
    """
    column = place[1]
    rows = table.select("row", "home", "time", pl.col(column).alias("value")).drop_nulls("value")
    rows = rows.with_columns(date=pl.col("time").dt.date())
    day = rows.group_by("home", "date").agg(
        row=pl.col("row").min(), low=pl.col("value").min(), high=pl.col("value").max(), hours=_hours()
    )
    still = day.filter((pl.col("low") == pl.col("high")) & (pl.col("hours") >= 20))
    homes = rows.group_by("home").agg(pl.col("row").min(), low=pl.col("value").min(), high=pl.col("value").max())
    dead = homes.filter(pl.col("low") == pl.col("high"))
    still = still.join(dead, on="home", how="anti")
    stuck, none = still.filter(pl.col("low") != 0), still.filter(pl.col("low") == 0)
    if column != "load_kw":
        told = pl.col("home").cast(pl.String).is_in(list(kwp)) if column == "pv_kw" else False
        dead, none = dead.filter((pl.col("low") != 0) | told), none.clear()
    found = at_rows("constant", place, dead, f"always {dead['low'][0]:g} kW" if dead.height else "", 0)
    found += at_rows("stuck", place, stuck, _days(stuck.height) if stuck.height else "", 0)
    return found + at_rows("zero-days", place, none, _days(none.height) if none.height else "", 0)


def _days(count: int) -> str:
    return "one day" if count == 1 else f"{count:,} days"


def _hours() -> pl.Expr:
    return pl.col("time").dt.hour().n_unique()


def _check_common(raw: Raw) -> list[Finding]:
    table = raw.common
    if table is None or table.is_empty():
        return []
    columns = [name for name in COMMON_COLUMNS if name in table.columns]
    file = raw.files[int(table["file"][0])]
    one = table.with_columns(home=pl.lit("all"))
    found = [] if raw.homes is not None else check_stamps(one, columns, raw)
    codes = {"outdoor_c": ("temperature", TEMPERATURE_C), "carbon_kg_per_kwh": ("carbon-unit", CARBON_KG)}
    for column in (name for name in columns if name not in raw.unitless):
        code, (least, most) = codes.get(column, ("price-unit", PRICE))
        wrong = table.filter(~pl.col(column).is_between(least, most))
        value = f"up to {wrong[column].abs().max():.4g}" if wrong.height else ""
        found += at_rows(code, (file, column), wrong, value, table[column].count())
        if code == "price-unit" and wrong.is_empty():
            found += _check_price(table[column], (file, column), raw.currency)
    return found


def _check_price(prices: pl.Series, place: tuple[str, str], currency: str) -> list[Finding]:
    """Whether the median price is one that homes pay; an export price may be next to nothing."""
    median = prices.drop_nulls().median()
    if not isinstance(median, float):
        return []
    said = f"the median is {median:.3g} {currency} per kWh"
    if median > MEDIAN_PRICE[1] and currency in STRONG:
        return [finding("price-unit", place, said)]
    small = 0 < median < MEDIAN_PRICE[0] and place[1] == "import_price_per_kwh"
    return [finding("price-small", place, said)] if small else []
