"""The feeder's results as GeoJSON, for a map of somebody else: buses as points, lines and transformers as lines."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from wattflock.core.files import write_whole
from wattflock.report.feeder_layout import Joined, place
from wattflock.report.run_data import RunData

OWN = "Coordinates are those of the feeder's own data, in their unit: degrees only where those are degrees."
SOME = "{} of {} buses have no coordinates in the feeder's data: theirs are of a drawing, between their neighbours."
DRAWN = "The feeder's data have no coordinates: these are of a drawing, no place on earth."
UNITS = {
    "voltage_min_pu": "lowest voltage of any phase on any test day [pu]",
    "voltage_max_pu": "highest voltage of any phase on any test day [pu]",
    "violation_pu_h": "violation of the worst phase, mean of a day [pu·h]",
    "loading": "most current of any phase over the rating [share]",
}


def feeder_geojson(run: RunData) -> dict[str, Any]:
    """A collection of features; a figure of a method is the property `<method>_<figure>`, in the units of `figures`.

    `coordinates_are` says whose coordinates they are. What is not known or not rated is left out.

    Source: RFC 7946; its section 4 asks for degrees, which few feeders have.
    """
    at, said = _places(run)
    figures = _by_bus(run)
    points = [
        _feature("Point", where, {"kind": "bus", "bus": bus, **figures.get((bus,), {})}) for bus, where in at.items()
    ]
    found = {"type": "FeatureCollection", "run": run.summary.get("run"), "coordinates_are": said, "figures": UNITS}
    return found | {"features": [*points, *_branches(run, at)]}


def write_geojson(run: RunData, path: Path) -> Path:
    """The same as a file, whole or not at all."""
    return write_whole(path, as_bytes(run))


def as_bytes(run: RunData) -> bytes:
    """The text of the file."""
    return json.dumps(feeder_geojson(run), separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _places(run: RunData) -> tuple[dict[str, list[float]], str]:
    """Coordinates of every bus, in the order of the chart, and whose they are."""
    names = [str(bus) for bus in run.chart["bus"]]
    x, y = (np.array([np.nan if each is None else each for each in run.chart[axis]], float) for axis in ("x", "y"))
    missing = ~(np.isfinite(x) & np.isfinite(y))
    said = OWN
    if missing.any():
        number = {bus: index for index, bus in enumerate(names)}
        pairs = np.array([[number[str(bus)] for bus in edge] for edge in run.chart["edges"]], int).reshape(-1, 2)
        head = number.get(str(run.chart.get("source")), 0)
        drawn = place(x, y, Joined(pairs, np.full(len(pairs), np.nan), (head,)))
        x, y = drawn.x, drawn.y
        said = DRAWN if missing.sum() >= len(names) - 1 else f"{OWN} {SOME.format(missing.sum(), len(names))}"
    return {bus: [float(a), float(b)] for bus, a, b in zip(names, x, y, strict=True)}, said


def _by_bus(run: RunData) -> dict[tuple, dict[str, float]]:
    table = run.nodes.group_by(pl.col("bus").cast(pl.String), "method", maintain_order=True).agg(
        pl.col("voltage_min_pu").min(), pl.col("voltage_max_pu").max(), pl.col("violation_pu_h").max()
    )
    return _properties(table, ["bus"], ("voltage_min_pu", "voltage_max_pu", "violation_pu_h"))


def _branches(run: RunData, at: dict[str, list[float]]) -> list[dict[str, Any]]:
    """A line for each pair of buses that branches join, with the worst loading; and for each other edge of the map."""
    names: dict[tuple[str, str], dict[str, None]] = {}
    for branch, *ends in run.chart.get("branches", []):
        names.setdefault((str(ends[0]), str(ends[1])), {})[str(branch)] = None
    spans = [(name, *pair) for pair, some in names.items() for name in some]
    ends = pl.DataFrame(spans, schema=dict.fromkeys(("branch", "bus", "other"), pl.String), orient="row")
    worst = run.branches.join(ends, on="branch").group_by("bus", "other", "method", maintain_order=True)
    figures = _properties(worst.agg(loading=pl.col("loading_max").max()), ["bus", "other"], ("loading",))
    joined = {frozenset(pair) for pair in names}
    edges = [(str(a), str(b)) for a, b in run.chart["edges"]]
    names |= {pair: {} for pair in edges if frozenset(pair) not in joined}
    return [
        _feature(
            "LineString",
            [at[a], at[b]],
            {"kind": next(iter(some), "edge").partition(".")[0], "branches": list(some), "from": a, "to": b}
            | figures.get((a, b), {}),
        )
        for (a, b), some in names.items()
        if a in at and b in at
    ]


def _properties(table: pl.DataFrame, key: list[str], figures: tuple[str, ...]) -> dict[tuple, dict[str, float]]:
    """Values of the key → property → value, without those that are not known."""
    found: dict[tuple, dict[str, float]] = {}
    for row in table.iter_rows(named=True):
        known = {f"{row['method']}_{name}": row[name] for name in figures if row[name] is not None}
        found.setdefault(tuple(row[name] for name in key), {}).update(known)
    return found


def _feature(kind: str, where: list, properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "geometry": {"type": kind, "coordinates": where}, "properties": properties}
