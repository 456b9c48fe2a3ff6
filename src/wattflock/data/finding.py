"""What a look at a file can find: every kind has a code, a severity, and words on what happens next."""

from dataclasses import dataclass

import polars as pl

from wattflock.errors import Problem

ORDER = ("error", "repairable", "note")
SMALL_SHARE = 0.01  # of a column's readings: what is rarer is repaired and told, what is more is an error
SHOWN = 5  # row numbers that a finding names


@dataclass(frozen=True)
class Kind:
    """One kind of finding; severity `share` is an error beyond SMALL_SHARE of the readings, else repairable."""

    severity: str
    words: str
    allowed: str
    repair: str = ""


KINDS = {
    "empty": Kind("error", "no readings at all", "at least one row of readings"),
    "missing-column": Kind("error", "a column that is needed is not there", "its name, or a mapping to another"),
    "unknown-unit": Kind("error", "the unit of a column is not known", "kW, W, kWh or Wh, in its name or said"),
    "unknown-zone": Kind("error", "no such time zone", "a name such as Europe/London"),
    "time-zone": Kind("error", "stamps do not fit the clock they are said to be of", "the right zone and clock"),
    "unread-time": Kind(
        "share", "stamps that cannot be read", "date and time, as in 2013-01-31 13:30", "rows left out"
    ),
    "unread-value": Kind("share", "values that are no numbers", "numbers; empty, NA or Null where missing", "gaps"),
    "duplicate": Kind("repairable", "the same reading more than once", "one row for a home and time", "kept once"),
    "duplicate-differs": Kind(
        "share", "different readings of one home and time", "one row for a home and time", "their mean"
    ),
    "clock-doubled": Kind("repairable", "the hour that autumn has twice", "whole days of 24 h", "the mean of the two"),
    "clock-missing": Kind("repairable", "the hour that spring lacks", "whole days of 24 h", "filled as a gap"),
    "clock-nonexistent": Kind("repairable", "readings in the hour that spring lacks", "no such time", "a gap"),
    "off-grid": Kind("share", "stamps between the steps", "stamps one step apart", "moved to the nearest free step"),
    "grid-offset": Kind("note", "all steps begin off the full hour", "steps from midnight", "moved back to the step"),
    "step-changes": Kind("error", "the length of a step changes within a home", "one length of step in a file"),
    "steps-differ": Kind("repairable", "homes differ in their step", "one length of step", "averaged to the longest"),
    "bad-step": Kind("error", "the step does not fill an hour", "5, 10, 15, 20, 30 or 60 minutes"),
    "unsorted": Kind("note", "rows not in the order of time", "any order", "sorted"),
    "gap": Kind("repairable", "gaps of at most 2 h", "a reading for every step", "filled from similar days"),
    "long-gap": Kind("repairable", "gaps of 2 to 24 h", "a reading for every step", "the days are left out"),
    "days-missing": Kind("repairable", "a day or more is missing", "a reading for every step", "the days are left out"),
    "negative": Kind("share", "less than nothing", "0 or more", "tiny ones to 0, others are gaps"),
    "net-metering": Kind(
        "error", "load below zero by day: import minus export in one column", "load, or net = 'split' to part the two"
    ),
    "too-large": Kind("error", "homes draw too much on average", "0.05 to 5 kW: is it W or Wh?"),
    "too-small": Kind("error", "homes draw too little on average", "0.05 to 5 kW: is it MWh, or a share?"),
    "peak": Kind("share", "above what a house connection carries", "at most 60 kW", "gaps"),
    "constant": Kind("error", "a meter that never moves", "readings that change"),
    "stuck": Kind("repairable", "the same reading for a whole day", "readings that change", "the days are left out"),
    "zero-days": Kind("note", "nothing drawn for a whole day", "an empty home may be so", "kept"),
    "pv-above-kwp": Kind("share", "more than the panel can give", "at most 1.2 kW per kW peak", "gaps"),
    "pv-at-night": Kind("share", "sun between 0 and 3 h", "next to nothing at night", "set to 0"),
    "pv-noon": Kind("error", "the sun's noon is off", "between 10.5 and 14.5 h of the clock: is the zone right?"),
    "kwp-unknown": Kind(
        "note", "the size of panels is not told", "kW peak of each home", "taken as peak output / 0.85"
    ),
    "temperature": Kind("share", "no weather is like this", "-60 to 55 °C", "gaps"),
    "price-unit": Kind("error", "prices too large", "currency per kWh: -5 to 20; is it pence, cents or per MWh?"),
    "carbon-unit": Kind("error", "carbon too large", "0 to 2 kg per kWh: is it grams?"),
    "plugged": Kind("error", "plugged in for less than nothing or more than the step", "a share of the step, 0 to 1"),
    "session-order": Kind("share", "unplugged before plugged in", "plug-out after plug-in", "session left out"),
    "session-time": Kind(
        "share",
        "hours at the plug are not plug-out minus plug-in",
        "the same but for a clock change",
        "session left out",
    ),
    "session-energy": Kind("share", "energy of a session", "above 0, at most 200 kWh", "session left out"),
    "session-power": Kind(
        "share",
        "mean power of a session",
        "at most the charging power + 10 %, 50 kW where it is not told",
        "session left out",
    ),
    "session-overlap": Kind(
        "repairable", "a user's session begins before the last ends", "one at a time", "the later one left out"
    ),
    "session-joined": Kind(
        "note",
        "the plug was out for less than 15 minutes, and the battery holds both",
        "one session",
        "joined to the one before",
    ),
    "kind-of-row": Kind("share", "rows of a kind that is not known", "those of the layout", "rows left out"),
    "estimated": Kind("note", "rows that the owner marks as not measured", "an empty mark", "kept"),
    "left-out": Kind("note", "homes that the filter leaves out", "see the settings of the source", "left out"),
    "read-as": Kind("note", "how a column is read", "", ""),
    "date-order": Kind(
        "note", "dates could also be month/day", "year-month-day is never misread", "day/month is taken"
    ),
}


@dataclass(frozen=True)
class Finding:
    """One thing found, with how often and where."""

    code: str
    severity: str  # one of ORDER
    file: str
    column: str
    count: int
    value: str
    rows: tuple[int, ...] = ()  # the first few, counted as an editor counts lines; empty for the file as a whole

    def problem(self) -> Problem:
        """The same as the terminal tells it."""
        place = f"{self.file}, rows {', '.join(map(str, self.rows))}" if self.rows else self.file
        more = f" ({self.count:,} times)" if self.count > 1 else ""
        kind = KINDS[self.code]
        return Problem(place, self.column, self.value, f"{kind.allowed}; found: {kind.words}{more} [{self.code}]")


def finding(code: str, place: tuple[str, str], value: str = "", count: int = 1, of: int = 0) -> Finding:
    """A finding about a whole (file, column); `of` is how many readings there are, for those judged by share."""
    return Finding(code, severity(code, count, of), place[0], place[1], count, value)


def at_rows(code: str, place: tuple[str, str], rows: pl.DataFrame, value: str, of: int) -> list[Finding]:
    """A finding about rows (a `row` column holds their numbers), or none."""
    if rows.is_empty():
        return []
    numbers = tuple(rows["row"].unique().sort().head(SHOWN).to_list())
    return [Finding(code, severity(code, rows.height, of), place[0], place[1], rows.height, value, numbers)]


def severity(code: str, count: int, of: int) -> str:
    """Of so many findings among so many readings."""
    said = KINDS[code].severity
    if said != "share":
        return said
    return "error" if count > SMALL_SHARE * of else "repairable"
