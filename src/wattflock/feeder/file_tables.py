"""What a circuit's file must be: its arrays, the columns of its tables, and the fields of its card."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from wattflock.core.errors import Problem
from wattflock.core.tables import Table, places, size_names, table_problems

ANY, MOST_SIEMENS = math.inf, 1e15
NAMED = {"bus": "buses", "node": "nodes", "element": "elements", "infeed": "infeeds"}
NAMED |= {"spot": "spots", "regulator": "regulators"}


def _blocks(kind: str) -> dict[str, Table]:
    """Ends, their widths, the node of each conductor, and admittances, of elements or infeeds."""
    return {
        f"{kind}_ends": Table(f"{kind}s", 0, 100, whole=True),
        f"{kind}_widths": Table(f"{kind}_widths", 0, 100, whole=True),
        f"{kind}_nodes": places(f"{kind}_nodes", "nodes", -1),
        f"{kind}_admittance": Table(f"{kind}_numbers", -MOST_SIEMENS, MOST_SIEMENS),
    }


ARRAYS = {
    "node_kv": Table("nodes", 0, 2000),
    "bus": Table("buses 3", -ANY, ANY, unknown=True),
    "spot": Table("spots 11", -ANY, ANY, unknown=True),
    "rating": Table("elements 3", 0, ANY, unknown=True),
    "regulator": Table("regulators 5", -1000, 10_000_000),
    "control": Table("controls 13", -1e6, 1e7),
    "controlled": Table("regulators", 0, 1, whole=True),
    "shape": Table("shape_numbers", -MOST_SIEMENS, MOST_SIEMENS),
    "element_end_a": Table("element_widths", 0, ANY, unknown=True),
    "emf": Table("emf_numbers", -1e9, 1e9),
    **_blocks("element"),
    **_blocks("infeed"),
}
COLUMNS = {
    "bus.line_kv": Table("buses", 0, 2000),
    "bus.x": Table("buses", -1e12, 1e12, unknown=True),
    "bus.y": Table("buses", -1e12, 1e12, unknown=True),
    "spot.plus": places("spots", "nodes", -1),
    "spot.minus": places("spots", "nodes", -1),
    "spot.kw": Table("spots", -1e7, 1e7),
    "spot.kvar": Table("spots", -1e7, 1e7),
    "spot.rated_kv": Table("spots", 0, 2000),
    "spot.kw_exponent": Table("spots", -100, 100),
    "spot.kvar_exponent": Table("spots", -100, 100),
    "spot.low_pu": Table("spots", 0, 100),
    "spot.high_pu": Table("spots", 0, ANY),
    "spot.floor_pu": Table("spots", 0, 100),
    "spot.edge_exponent": Table("spots", -100, 100, unknown=True),
    "regulator.element": places("regulators", "elements"),
    "regulator.tap": Table("regulators", -1000, 1000, whole=True),
    "regulator.step_pu": Table("regulators", 0, 1),
    "regulator.lowest": Table("regulators", -1000, 1000, whole=True),
    "regulator.highest": Table("regulators", -1000, 1000, whole=True),
    "control.plus": places("controls", "nodes", -1),
    "control.minus": places("controls", "nodes", -1),
    "control.conductor": places("controls", "element_nodes"),
    "control.set_v": Table("controls", 0, 1e5),
    "control.band_v": Table("controls", 0, 1e5),
    "control.potential_ratio": Table("controls", 1e-6, 1e6),
    "control.current_a": Table("controls", 1e-6, 1e6),
    "control.drop_v.real": Table("controls", -1e5, 1e5),
    "control.drop_v.imag": Table("controls", -1e5, 1e5),
    "control.delay_s": Table("controls", 0, 1e6),
    "control.most_steps": Table("controls", 0, 1000, whole=True),
    "control.winding_v": Table("controls", 1e-6, 1e7),
    "control.direction": Table("controls", -1, 1, whole=True),
}


def array_problems(where: str, card: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> list[Problem]:
    """What is wrong with the arrays of a circuit's file by its card, whose fields were checked before."""
    sizes = card.get("sizes")
    problems = table_problems(where, arrays, ARRAYS, sizes)
    counts = {size: len(card["names"][kind]) for kind, size in NAMED.items()}
    problems += [
        Problem(where, f"card.sizes.{size}", sizes[size], f"{count}, the number of names")
        for size, count in counts.items()
        if isinstance(sizes, dict) and size in sizes and sizes[size] != count
    ]
    if problems or not isinstance(sizes, dict):
        return problems
    columns = {f"{kind}.{name}": arrays[kind][:, k] for kind, names in card["columns"].items() if kind != "rating"
               for k, name in enumerate(names)}  # fmt: skip
    problems = table_problems(where, columns, COLUMNS, {name: sizes[name] for name in size_names(COLUMNS)})
    return problems or [*_sums(where, arrays, sizes), *_taps(where, columns)]


def _sums(where: str, arrays: Mapping[str, np.ndarray], sizes: Mapping[str, int]) -> list[Problem]:
    """Sizes that are sums of an array's numbers."""
    found = [("controls", int(arrays["controlled"].sum()))]
    for kind in ("element", "infeed"):
        ends, widths = arrays[f"{kind}_ends"].astype(int), arrays[f"{kind}_widths"].astype(int)
        found += [(f"{kind}_widths", int(ends.sum())), (f"{kind}_nodes", int(widths.sum()))]
        if ends.sum() == len(widths):
            wide = [int(each.sum()) for each in np.split(widths, np.cumsum(ends)[:-1])] if len(ends) else []
            found.append((f"{kind}_numbers", 2 * sum(width**2 for width in wide)))
    found.append(("emf_numbers", 2 * int(arrays["infeed_widths"].sum())))
    return [Problem(where, f"card.sizes.{name}", sizes[name], f"{fits}, by the numbers of the arrays")
            for name, fits in found if sizes[name] != fits]  # fmt: skip


def _taps(where: str, columns: Mapping[str, np.ndarray]) -> list[Problem]:
    """Taps within their range, and ratios above 0."""
    tap, lowest, highest = (columns[f"regulator.{name}"] for name in ("tap", "lowest", "highest"))
    outside = (tap < lowest) | (tap > highest) | (1 + columns["regulator.step_pu"] * lowest <= 0)
    return [
        Problem(where, "regulator.tap", tap[k].item(), f"{lowest[k]:g} to {highest[k]:g}, and a ratio above 0")
        for k in np.flatnonzero(outside)[:5]
    ]
