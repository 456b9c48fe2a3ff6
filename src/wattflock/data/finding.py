"""Kinds of findings about files, and the list of findings as a table."""

from dataclasses import dataclass

import polars as pl
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from wattflock.core.errors import Problem

ORDER = ("error", "repairable", "note")
SMALL_SHARE = 0.01  # of a column's readings: a smaller share is repaired and reported, a larger one is an error
SHOWN = 5  # row numbers that a finding names


@dataclass(frozen=True)
class FindingKind:
    """One kind of finding; severity `share` is an error beyond SMALL_SHARE of the readings, else repairable."""

    severity: str
    words: str
    allowed: str
    repair: str = ""


KINDS = {
    "empty": FindingKind("error", "no readings at all", "at least one row of readings"),
    "missing-column": FindingKind("error", "a column that is needed is not there", "its name, or a mapping to another"),
    "unknown-unit": FindingKind("error", "the unit of a column is not known", "kW, W, kWh or Wh, in its name or said"),
    "unknown-zone": FindingKind("error", "no such time zone", "a name such as Europe/London"),
    "time-zone": FindingKind("error", "stamps do not fit the clock they are said to be of", "the right zone and clock"),
    "unread-time": FindingKind(
        "share", "stamps that cannot be read", "date and time, as in 2013-01-31 13:30", "rows left out"
    ),
    "unread-value": FindingKind(
        "share", "values that are no numbers", "numbers; empty, NA or Null where missing", "gaps"
    ),
    "duplicate": FindingKind(
        "repairable", "the same reading more than once", "one row for a home and time", "kept once"
    ),
    "duplicate-differs": FindingKind(
        "share", "different readings of one home and time", "one row for a home and time", "their mean"
    ),
    "clock-doubled": FindingKind(
        "repairable", "the hour that autumn has twice", "whole days of 24 h", "the mean of the two"
    ),
    "clock-missing": FindingKind("repairable", "the hour that spring lacks", "whole days of 24 h", "filled as a gap"),
    "clock-nonexistent": FindingKind("repairable", "readings in the hour that spring lacks", "no such time", "a gap"),
    "off-grid": FindingKind(
        "share", "stamps between the steps", "stamps one step apart", "moved to the nearest free step"
    ),
    "grid-offset": FindingKind(
        "note", "all steps begin off the full hour", "steps from midnight", "moved back to the step"
    ),
    "step-changes": FindingKind("error", "the length of a step changes within a home", "one length of step in a file"),
    "steps-differ": FindingKind(
        "repairable", "homes differ in their step", "one length of step", "averaged to the longest"
    ),
    "bad-step": FindingKind("error", "the step does not fill an hour", "5, 10, 15, 20, 30 or 60 minutes"),
    "unsorted": FindingKind("note", "rows not in the order of time", "any order", "sorted"),
    "gap": FindingKind("repairable", "gaps of at most 2 h", "a reading for every step", "filled from similar days"),
    "long-gap": FindingKind("repairable", "gaps of 2 to 24 h", "a reading for every step", "the days are left out"),
    "days-missing": FindingKind(
        "repairable", "a day or more is missing", "a reading for every step", "the days are left out"
    ),
    "negative": FindingKind("share", "less than nothing", "0 or more", "tiny ones to 0, others are gaps"),
    "net-metering": FindingKind(
        "error", "load below zero by day: import minus export in one column", "load, or net = 'split' to part the two"
    ),
    "too-large": FindingKind("error", "homes draw too much on average", "0.05 to 5 kW: is it W or Wh?"),
    "too-small": FindingKind("error", "homes draw too little on average", "0.05 to 5 kW: is it MWh, or a share?"),
    "peak": FindingKind("share", "above what a house connection carries", "at most 60 kW", "gaps"),
    "constant": FindingKind("error", "a meter that never moves", "readings that change"),
    "stuck": FindingKind(
        "repairable", "the same reading for a whole day", "readings that change", "the days are left out"
    ),
    "zero-days": FindingKind("note", "nothing drawn for a whole day", "an empty home may be so", "kept"),
    "pv-above-kwp": FindingKind("share", "more than the panel can give", "at most 1.2 kW per kW peak", "gaps"),
    "pv-at-night": FindingKind("share", "sun between 0 and 3 h", "next to nothing at night", "set to 0"),
    "pv-noon": FindingKind(
        "error", "the sun's noon is off", "between 10.5 and 14.5 h of the clock: is the zone right?"
    ),
    "kwp-unknown": FindingKind(
        "note", "the size of panels is not told", "kW peak of each home", "taken as peak output / 0.85"
    ),
    "temperature": FindingKind("share", "no weather is like this", "-60 to 55 °C", "gaps"),
    "price-unit": FindingKind(
        "error", "prices too large", "currency per kWh: -5 to 20; is it pence, cents or per MWh?"
    ),
    "carbon-unit": FindingKind("error", "carbon too large", "0 to 2 kg per kWh: is it grams?"),
    "plugged": FindingKind(
        "error", "plugged in for less than nothing or more than the step", "a share of the step, 0 to 1"
    ),
    "session-order": FindingKind("share", "unplugged before plugged in", "plug-out after plug-in", "session left out"),
    "session-time": FindingKind(
        "share",
        "hours at the plug are not plug-out minus plug-in",
        "the same but for a clock change",
        "session left out",
    ),
    "session-energy": FindingKind("share", "energy of a session", "above 0, at most 200 kWh", "session left out"),
    "session-power": FindingKind(
        "share",
        "mean power of a session",
        "at most the charging power + 10 %, 50 kW where it is not told",
        "session left out",
    ),
    "session-overlap": FindingKind(
        "repairable", "a user's session begins before the last ends", "one at a time", "the later one left out"
    ),
    "session-joined": FindingKind(
        "note",
        "the plug was out for less than 15 minutes, and the battery holds both",
        "one session",
        "joined to the one before",
    ),
    "kind-of-row": FindingKind("share", "rows of a kind that is not known", "those of the layout", "rows left out"),
    "estimated": FindingKind("note", "rows that the owner marks as not measured", "an empty mark", "kept"),
    "left-out": FindingKind("note", "homes that the filter leaves out", "see the settings of the source", "left out"),
    "read-as": FindingKind("note", "how a column is read", "", ""),
    "ragged": FindingKind(
        "share",
        "rows with more fields than the header",
        "as many as the header: is a comma both sign and separator?",
        "rows left out",
    ),
    "register": FindingKind("note", "a register that counts up", "energies of steps", "differenced"),
    "counts-up": FindingKind(
        "error", "values that count up, as a register does", "a power, or kWh or Wh to difference"
    ),
    "stamps-end": FindingKind(
        "note", "stamps name the end of a step", "stamps = start where they do not", "moved to its beginning"
    ),
    "zone-part": FindingKind(
        "note", "steps of UTC begin off the steps of the local clock", "", "held over finer steps, energy kept"
    ),
    "clock-mixed": FindingKind(
        "note", "stamps with and without an offset", "one clock", "those without are taken as the clock of the homes"
    ),
    "file-per-home": FindingKind("note", "files that name no home", "a column of homes", "each file is a home"),
    "zeros-left-out": FindingKind(
        "repairable",
        "steps that are left out, as the owner does with those of 0",
        "zeros = gaps where they are gaps",
        "set to 0",
    ),
    "export-apart": FindingKind(
        "note",
        "import and export, but no meter of the panel",
        "what was used at once was not metered: load is too small",
        "load is the import",
    ),
    "home-large": FindingKind("error", "a home draws too much on average", "at most 20 kW; is the column a home?"),
    "import-apart": FindingKind(
        "note",
        "import and the panel's output, but no export",
        "what was used at once is not known: load is too small",
        "load is the import",
    ),
    "price-small": FindingKind(
        "error", "prices too small", "a median of 0.01 or more per kWh: is it in the unit that is told?"
    ),
    "no-whole-day": FindingKind("error", "no day is whole", "a reading for every step of a day; see zeros = zero"),
    "few-weeks": FindingKind("note", "less than a study needs", "at least 5 whole weeks from a Monday", "no study"),
    "date-order": FindingKind(
        "note", "dates could also be month/day", "year-month-day is never misread", "day/month is taken"
    ),
}


@dataclass(frozen=True)
class Finding:
    """One finding, with its number and place."""

    code: str
    severity: str  # one of ORDER
    file: str
    column: str
    count: int
    value: str
    rows: tuple[int, ...] = ()  # the first few, counted as an editor counts lines; empty for the file as a whole

    def problem(self) -> Problem:
        """The same as the terminal prints it."""
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


STYLES = {"error": "bold red", "repairable": "yellow", "note": "dim"}


def findings_table(findings: list[Finding], title: str) -> Table:
    """A row for each finding, in the order given; files are named where there are several."""
    table = Table(box=SIMPLE_HEAD, title=Text(title), title_justify="left", padding=(0, 1), pad_edge=False)
    table.add_column("", no_wrap=True)
    table.add_column("found", ratio=5)
    table.add_column("in", ratio=3, overflow="fold")
    table.add_column("count", justify="right", no_wrap=True)
    table.add_column("allowed → what cleaning does", ratio=5)
    several = len({each.file for each in findings}) > 1
    for each in findings:
        kind = KINDS[each.code]
        done = f"{kind.allowed} → {kind.repair}" if kind.repair and each.severity != "error" else kind.allowed
        found = Text(f"{kind.words} [{each.code}]").append(f"\n{each.value}" if each.value else "", style="dim")
        place = Text(f"{each.file}: {each.column}" if several else each.column)
        place.append(f"\nrows {', '.join(map(str, each.rows))}" if each.rows else "", style="dim")
        place.append(", …" if each.count > len(each.rows) > 0 else "", style="dim")
        table.add_row(Text(each.severity, STYLES[each.severity]), found, place, Text(f"{each.count:,}"), Text(done))
    return table
