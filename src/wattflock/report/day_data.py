"""The worst day of a run as a page carries it: whole numbers, packed so that a thousand homes fit into one file."""

import base64
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wattflock.report import run_data, words
from wattflock.report.run_data import DAYS_A_YEAR, RunData, best, methods_in
from wattflock.report.theme import DIVERGING, NIGHT, SEQUENTIAL, SERIES, methods, series_colours

FRAMES = 48  # of the day at most: shorter steps are put together
HOMES_BYTES = 900_000  # of the series of single homes in the page; beyond it only every second, fourth … home has them
NONE = -32768  # in place of a number that is none
Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Pack:
    """Numbers of all methods, (methods, rows, frames): a value is `offset` + `scale` times a whole number."""

    values: Array
    scale: float
    offset: float = 0.0

    def whole(self) -> NDArray[np.int16]:
        """As whole numbers; the scale grows where they would not fit."""
        ints = np.round((self.values - self.offset) / self.scale)
        return np.where(np.isfinite(ints), ints, NONE).astype(np.int16)


def fitting(values: Array, scale: float, offset: float = 0.0) -> Pack:
    """A pack with a scale so coarse that every value fits."""
    most = float(np.nanmax(np.abs(values - offset), initial=0.0))
    return Pack(values, max(scale, most / 32_000), offset)


def packed(whole: NDArray[np.int16]) -> bytes:
    """Whole numbers as bytes that compress well: differences from the first method, then from the step before."""
    change = whole.copy()
    change[1:] -= whole[:1]
    change[..., 1:] -= change[..., :-1].copy()
    flat = change.reshape(-1).view(np.uint16)
    return (flat & 255).astype(np.uint8).tobytes() + (flat >> 8).astype(np.uint8).tobytes()


def unpacked(data: bytes, shape: Sequence[int]) -> NDArray[np.int16]:
    """The inverse of `packed`."""
    low, high = np.frombuffer(data, np.uint8).reshape(2, -1).astype(np.uint16)
    change = (low | high << 8).view(np.int16).reshape(shape)
    whole = np.cumsum(change, -1, dtype=np.int16)
    whole[1:] += whole[:1]
    return whole


@dataclass(frozen=True, eq=False)
class DayData:
    """What the page is given: `head` as JSON, and the packs that it lists, one after another, as base64 of zlib."""

    head: dict[str, Any]
    packs: dict[str, Pack]

    @property
    def text(self) -> str:
        """The packs as text."""
        return base64.b64encode(
            zlib.compress(b"".join(packed(each.whole()) for each in self.packs.values()), 9)
        ).decode()


def read_back(head: dict[str, Any], text: str) -> dict[str, Array]:
    """The numbers that a page shows, by the names of its packs, each (methods, rows, frames): what its script does."""
    data, found, place = zlib.decompress(base64.b64decode(text)), {}, 0
    for each in head["packs"]:
        size = 2 * int(np.prod(each["shape"]))
        whole = unpacked(data[place : place + size], each["shape"])
        found[each["name"]] = np.where(whole == NONE, np.nan, each["offset"] + each["scale"] * whole.astype(float))
        place += size
    return found


def day_data(run: RunData) -> DayData | None:
    """The worst day of the uncontrolled homes under every method that was judged on it; None where it was not kept."""
    if run.worst_day.is_empty():
        return None
    day = _Day(run)
    wires, homes = _wires(day), _homes(day)
    packs = wires.packs | homes.packs
    told = [{"name": n, "scale": p.scale, "offset": p.offset, "shape": p.values.shape} for n, p in packs.items()]
    return DayData(day.head() | wires.head | homes.head | {"packs": told}, packs)


class _Day:
    """The table of the day, by what a row is of."""

    def __init__(self, run: RunData):
        self.run, table = run, run.worst_day
        self.methods = methods_in(run, table)
        self.number, self.date = table["day"].item(0), str(table["date"].item(0))
        self.steps = len(table["values"].item(0))
        self.together = max(1, -(-self.steps // FRAMES))  # steps in a frame
        while self.steps % self.together:
            self.together += 1
        self._parts = table.partition_by("method", "of", "series", "unit", as_dict=True)

    def series(self, of: str) -> list[tuple[str, str]]:
        """Name and unit of every series of homes, nodes, branches, or of all together."""
        return list(dict.fromkeys((series, unit) for _, what, series, unit in self._parts if what == of))

    def values(self, of: str, series: str, unit: str, how: str = "mean") -> tuple[list[str], Array]:
        """Names, and values (methods, names, frames); nan where a method has none."""
        parts = [self._parts.get((method, of, series, unit)) for method in self.methods]
        names = list(dict.fromkeys(name for part in parts if part is not None for name in part["name"]))
        found = np.full((len(parts), len(names), self.steps), np.nan)
        for place, part in enumerate(parts):
            if part is not None:
                rows = [names.index(name) for name in part["name"]] if list(part["name"]) != names else slice(None)
                found[place, rows] = np.array(part["values"].to_list(), float)
        return names, self.framed(found, how)

    def framed(self, values: Array, how: str) -> Array:
        """Steps (…, steps) put together to frames: their mean, their last, the highest or the farthest from 1."""
        parts = values.reshape(*values.shape[:-1], self.steps // self.together, self.together)
        if self.together == 1 or how == "last":
            return parts[..., -1]
        if how == "farthest":
            at = np.nan_to_num(np.abs(parts - 1)).argmax(-1)
            return np.take_along_axis(parts, at[..., None], -1)[..., 0]
        return parts.max(-1) if how == "most" else parts.mean(-1)

    def head(self) -> dict[str, Any]:
        """Methods, clock, prices and weather."""
        run, looks = self.run, methods(self.run.methods)
        mine = run.steps.filter((pl.col("day") == self.number) & (pl.col("method") == self.methods[0])).sort("step")
        common = {"hour": "hour", "price": "import_price_per_kwh", "outdoor": "outdoor_c"}
        told = {name: self.framed(mine[column].to_numpy().astype(float), "mean") for name, column in common.items()}
        told["hour"] = mine["hour"].to_numpy()[:: self.together]
        after = best(run.summary)
        return {
            "methods": [looks[name].label for name in self.methods],
            "first": self.methods.index(after) if after in self.methods else len(self.methods) - 1,
            "uncontrolled": looks[run_data.before(run.summary)].label,
            "date": self.date,
            "dt_h": 24 / self.steps * self.together,
            "currency": run.currency,
            "days_a_year": DAYS_A_YEAR,
            "colours": {"low_high": DIVERGING, "more": SEQUENTIAL, "night": NIGHT},
            "voltmeter": bool(run.summary.get("scenario", {}).get("homes", {}).get("voltmeter")),
        } | {name: _rounded(values, 4) for name, values in told.items()}


@dataclass(frozen=True, eq=False)
class _Part:
    head: dict[str, Any]
    packs: dict[str, Pack]


def _wires(day: _Day) -> _Part:
    """The map, voltages of its nodes and loadings of its branches (the worst phase of each)."""
    run = day.run
    places = run_data.places(run)
    number = {bus: place for place, bus in enumerate(places["bus"])}
    at = places.select("x", "y").to_numpy()
    size = float(np.ptp(at, axis=0).max()) if len(at) else 0.0
    at = np.round(10_000 * (at - at.min(0)) / (size or 1.0)).astype(int) if len(at) else np.zeros((0, 2), int)
    bus_of = dict(run.nodes.select(pl.col("node", "bus").cast(pl.String)).iter_rows())
    nodes, voltage = day.values("node", "voltage", "pu", "farthest")
    kept = [place for place, node in enumerate(nodes) if bus_of.get(node) in number]
    branches, loading = _branches(day, number)
    low, high = run_data.limits_pu(run.summary)
    beyond = 1000 * np.maximum(np.maximum(low - voltage, voltage - high), 0)
    top = float(np.nanmax(beyond, initial=0.0)) or 1.0
    floor = 10.0 ** (np.floor(np.log10(top)) - 2)
    reach = max(0.06, float(np.nanmax(np.abs(voltage - 1), initial=0.0)))
    head = {
        "buses": list(number), "x": at[:, 0].tolist(), "y": at[:, 1].tolist(),
        "source": number.get(str(run.chart.get("source")), -1),
        "wires": [[number[a], number[b]] for a, b in _named_pairs(run.chart["edges"]) if {a, b} <= number.keys()],
        "nodes": [nodes[place] for place in kept], "bus_of": [number[bus_of[nodes[place]]] for place in kept],
        "branches": branches, "limits": [low, high], "rated": run_data.loading_limit(run.summary),
        "reach": reach, "violation": [floor, top],
    }  # fmt: skip
    packs = {"voltage": fitting(voltage[:, kept], 1e-5, 1.0), "loading": fitting(100 * loading, 0.1)}
    return _Part(head, packs)


def _named_pairs(pairs: Sequence[Sequence[object]]) -> list[tuple[str, str]]:
    return [(str(one), str(other)) for one, other in pairs]


def _branches(day: _Day, number: dict[str, int]) -> tuple[list[list[Any]], Array]:
    """Name, two buses and whether it is a line, of each branch on the map; and its loading by the worst phase."""
    names, loading = day.values("branch", "loading", "1", "most")
    ends = {str(name): (str(bus), str(other)) for name, bus, other in day.run.chart.get("branches", [])}
    rows: dict[tuple[str, int, int], list[int]] = {}
    for place, name in enumerate(names):
        if name in ends and set(ends[name]) <= number.keys():
            one, other = (number[bus] for bus in ends[name])
            rows.setdefault((name.rpartition(".")[0], one, other), []).append(place)
    worst = [loading[:, each].max(1) for each in rows.values()]
    told = [[name, one, other, name.startswith(("line", "switch"))] for name, one, other in rows]
    return told, np.stack(worst, 1) if worst else np.zeros((len(day.methods), 0, loading.shape[-1]))


def _homes(day: _Day) -> _Part:
    """Series of homes and of all together, and what each home pays; of every so many homes, so that it fits."""
    names, money = _money(day)
    series = {key: day.values("home", *key, "mean" if key[1] == "kW" else "last") for key in day.series("home")}
    every = 1
    while True:
        kept = {name for place, name in enumerate(names["home"]) if place % every == 0}
        shown, packs = _shown(series, kept, names["home"])
        if len(DayData({}, packs).text) <= HOMES_BYTES or every > len(names["home"]):
            break
        every *= 2
    together = day.series("all")
    sums = [day.values("all", *key)[1][:, 0] for key in together]
    packs |= {"together": fitting(np.stack(sums, 1), 0.1), "money": fitting(money, 0.01)}
    there = {_plain(name) for name, unit in (*together, *series) if unit == "kW"}
    known = [name for name in SERIES if name in there] + sorted(there - SERIES.keys())
    head = {
        "homes": {name: names[name] for name in ("home", "kind", "node", "bus")}, "kinds": names["kinds"],
        "every": every, "series": shown, "together": [_plain(name) for name, _ in together],
        "colour": series_colours(known),
    }  # fmt: skip
    return _Part(head, packs)


def _shown(series: dict, kept: set[str], homes: list[str]) -> tuple[list[dict[str, Any]], dict[str, Pack]]:
    """What the page says of each series, with the places of its homes, and the packs."""
    place, told, packs = {name: at for at, name in enumerate(homes)}, [], {}
    for (name, unit), (names, values) in series.items():
        rows = [row for row, home in enumerate(names) if home in kept]
        pack = f"home {name}"
        told.append({"name": _plain(name), "unit": unit, "homes": [place[names[row]] for row in rows], "pack": pack})
        packs[pack] = fitting(values[:, rows], 0.01 if unit == "kW" else 0.1)
    return told, packs


def _money(day: _Day) -> tuple[dict[str, Any], Array]:
    """Homes and where they are; and for each its bill of the day, of a mean day, and cost of a mean day."""
    run, wanted = day.run, ("bill", "cost")
    first = run.homes.filter((pl.col("method") == day.methods[0]) & (pl.col("day") == day.number)).sort("home")
    bus = {str(name): place for place, name in enumerate(run_data.places(run)["bus"])}
    node = dict(run.nodes.select(pl.col("node", "bus").cast(pl.String)).iter_rows())
    kinds = first["kind"].unique(maintain_order=True).to_list()
    terminal = first["terminal"].cast(pl.String).to_list()
    names = {
        "home": first["home"].cast(pl.String).to_list(), "kinds": [words.kind_of(kind) for kind in kinds],
        "kind": [kinds.index(kind) for kind in first["kind"]], "node": terminal,
        "bus": [bus.get(node.get(each, each.partition(".")[0]), -1) for each in terminal],
    }  # fmt: skip
    of_day = run.homes.filter(pl.col("day") == day.number).sort("home")
    mean = run.homes.group_by("method", "home").agg(pl.col(*wanted).mean()).sort("home")
    found, compared = [], run_data.on_all_days(run, run.homes)
    for method in day.methods:
        one, usual = (table.filter(pl.col("method") == method) for table in (of_day, mean))
        found.append(np.stack([one["bill"], usual["bill"], usual["cost"]], -1).astype(float))
        if method not in compared:  # a mean of other days
            found[-1][:, 1:] = np.nan
    return names, np.array(found)


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _rounded(values: Array, decimals: int) -> list[float | None]:
    return [round(float(value), decimals) if np.isfinite(value) else None for value in values]
