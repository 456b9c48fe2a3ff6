"""One cell of a what-if on the feeder: the worst of its seeds at every bus and branch, as GeoJSON."""

import dataclasses
import json

import polars as pl

from wattflock.core.run_files import read_table
from wattflock.report import run_data
from wattflock.report.geojson import feeder_geojson
from wattflock.report.run_data import RunData
from wattflock.study.whatif.cells import named
from wattflock.study.whatif.left import CAP_KW
from wattflock.study.whatif.outcome import LEFT, Ended, Swept
from wattflock.study.whatif.shares import Shares

UNIT = (
    "more power that one place of the bus could draw by itself in the tightest hours, the least of all seeds; "
    f"{CAP_KW:g} is {CAP_KW:g} or more [kW]"
)


def shown_cell(found: Swept, asked: Shares) -> Shares:
    """The cell of the map: the one that is asked for, if it is finished, else that of most use without control."""
    if asked and runs_of(found, asked):
        return asked
    idle = found.cells.filter(pl.col("method") == "idle")
    worst = idle.sort(pl.col("use_share").fill_null(float("inf")), *found.sweeps).row(-1, named=True)
    return {name: worst[name] for name in found.sweeps}


def runs_of(found: Swept, shares: Shares) -> list[Ended]:
    """The finished runs of a cell, one for each seed."""
    return [each for each in found.ended if each.cell.shares == shares]


def worst_of_seeds(runs: list[Ended]) -> RunData:
    """The first run of a cell, with the voltages and loadings of the worst seed at every node and branch."""
    first, *others = (run_data.read(each.folder) for each in runs)
    nodes = pl.concat([first.nodes, *(each.nodes for each in others)])
    branches = pl.concat([first.branches, *(each.branches for each in others)])
    return dataclasses.replace(
        first,
        nodes=nodes.group_by("method", "node", "bus", "phase", maintain_order=True).agg(
            pl.col("voltage_min_pu").min(), pl.col("voltage_max_pu").max(), pl.col("violation_pu_h").max()
        ),
        branches=branches.group_by("method", "branch", maintain_order=True).agg(pl.col("loading_max").max()),
    )


def cell_geojson(found: Swept, shares: Shares) -> bytes:
    """Buses as points and branches as lines, with a property for each figure and method.

    To those of `feeder_geojson` comes `<method>_more_kw`, what is left at each bus; `cell` says which shares.
    """
    runs = runs_of(found, shares)
    whole = feeder_geojson(worst_of_seeds(runs))
    left = pl.concat([read_table(each.folder, LEFT) for each in runs])
    least = left.group_by("bus", "method").agg(pl.col("more_kw").min())
    more: dict[str, dict[str, float]] = {}
    for bus, method, kw in least.iter_rows():
        more.setdefault(bus, {})[f"{method}_more_kw"] = kw
    for feature in whole["features"]:
        feature["properties"] |= more.get(feature["properties"].get("bus"), {})
    whole["figures"] = whole["figures"] | {"more_kw": UNIT}
    about = {"cell": named(shares), "shares": shares, "seeds": [each.cell.seed for each in runs]}
    return json.dumps(whole | about, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
