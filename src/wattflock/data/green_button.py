"""Green Button files (ESPI, NAESB REQ.21): interval blocks of usage points as a table of energies."""

import xml.etree.ElementTree as ElementTree

import polars as pl

MOST_POWER = 12
WATT_HOURS = "72"  # uom of ReadingType
REVERSE = "19"  # flowDirection: delivered by the home
COUNTS = {"1", "3", "12"}  # accumulationBehaviour: bulk quantity, cumulative, summation
SCHEMA = {"home": pl.String, "time": pl.String, "load_wh": pl.Float64, "export_wh": pl.Float64}


def green_button_table(text: str, name: str) -> pl.DataFrame:
    """Home, time (UTC), load_wh and, where the meter has one, export_wh; `row` counts the readings.

    Raises:
        ValueError: it is no XML, has entities, or holds no interval readings of energy.
    """
    if "<!DOCTYPE" in text[:2000] or "<!ENTITY" in text:
        raise ValueError("XML with a document type or entities")
    try:
        root = ElementTree.fromstring(text.lstrip("\ufeff \r\n").encode())
    except ElementTree.ParseError as error:
        raise ValueError(f"XML: {error}") from None
    entries = [each for each in root.iter() if _tag(each) == "entry"]
    kinds = {link: kind for each in entries if (kind := _find(each, "ReadingType")) is not None
             for link in _links(each, "self")}  # fmt: skip
    types = _types_of_readings(root, kinds)
    rows = [row for each in entries for row in _readings(each, types, kinds, name)]
    if not rows:
        rows = [row for each in root.iter() if _tag(each) == "IntervalBlock" for row in _block(each, None, name)]
    if not rows:
        raise ValueError("XML without interval readings of energy (Green Button)")
    table = pl.DataFrame(rows, schema=["home", "time", "flow", "value"], orient="row")
    table = table.with_row_index("row", 1)
    wide = table.with_columns(nth=pl.int_range(pl.len()).over("home", "time", "flow")).pivot(
        "flow", index=["home", "time", "nth"], values="value", aggregate_function="first"
    )
    first = table.group_by("home", "time").agg(pl.col("row").min())
    return wide.join(first, on=["home", "time"]).drop("nth").sort("row")


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _find(element: ElementTree.Element, tag: str) -> ElementTree.Element | None:
    return next((each for each in element.iter() if _tag(each) == tag), None)


def _text(element: ElementTree.Element | None, tag: str) -> str:
    found = None if element is None else _find(element, tag)
    return "" if found is None else (found.text or "").strip()


def _links(entry: ElementTree.Element, kind: str) -> list[str]:
    return [each.get("href", "") for each in entry.iter() if _tag(each) == "link" and each.get("rel") == kind]


def _types_of_readings(
    root: ElementTree.Element, kinds: dict[str, ElementTree.Element]
) -> dict[str, ElementTree.Element]:
    """The ReadingType of each MeterReading, by the meter reading's own link."""
    found = {}
    for entry in root.iter():
        if _tag(entry) == "entry" and _find(entry, "MeterReading") is not None:
            linked = [kinds[link] for link in _links(entry, "related") if link in kinds]
            found |= {link: kind for link in _links(entry, "self") for kind in linked}
    return found


def _readings(entry: ElementTree.Element, types: dict, kinds: dict, name: str) -> list[tuple]:
    if _find(entry, "IntervalBlock") is None:
        return []
    (own, *_), up = _links(entry, "self") or [""], _links(entry, "up")
    kind = next((types[link] for link in types if any(each.startswith(link) for each in [*up, own])), None)
    if kind is None and len(kinds) == 1:
        kind = next(iter(kinds.values()))
    home = own.partition("UsagePoint/")[2].partition("/")[0] or _text(entry, "title") or name
    return [row for each in entry.iter() if _tag(each) == "IntervalBlock" for row in _block(each, kind, home)]


def _block(block: ElementTree.Element, kind: ElementTree.Element | None, home: str) -> list[tuple]:
    """Home, stamp, flow and value of the readings of a block; none of another quantity than energy."""
    if _text(kind, "uom") not in ("", WATT_HOURS):
        return []
    power = int(_text(kind, "powerOfTenMultiplier") or 0)
    if abs(power) > MOST_POWER:
        raise ValueError(f"powerOfTenMultiplier {power}; -{MOST_POWER} to {MOST_POWER}")
    scale = 10.0**power
    flow = "export" if _text(kind, "flowDirection") == REVERSE else "load"
    counts = "_register" if _text(kind, "accumulationBehaviour") in COUNTS else ""
    rows = []
    for reading in (each for each in block.iter() if _tag(each) == "IntervalReading"):
        start, value = _text(reading, "start"), _text(reading, "value")
        if start and value:
            rows.append((home, start, f"{flow}{counts}_wh", float(value) * scale))
    return rows
