"""Where the buses of a feeder are drawn, and how far each is from the source."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import breadth_first_order, dijkstra
from scipy.sparse.linalg import splu

GOLDEN = np.pi * (3 - 5**0.5)  # turns that never meet again: buses of unknown place lie around a known one
KNOWN_SHARE = 0.5  # of lengths, or of coordinates, from which distances are measured by them


@dataclass(frozen=True, eq=False)
class Places:
    """Coordinates of every bus, and its distance from the nearest source along the wires (nan: no path)."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    distance: NDArray[np.float64]
    distance_name: str
    guessed: int  # buses without coordinates of their own


@dataclass(frozen=True, eq=False)
class Joined:
    """Which buses are joined: `pairs` (wires, 2), `length_km` (wires,) with nan where unknown, buses of the sources."""

    pairs: NDArray[np.int64]
    length_km: NDArray[np.float64]
    sources: tuple[int, ...]


def place(x: NDArray[np.float64], y: NDArray[np.float64], wiring: Joined) -> Places:
    """Places for all buses; those without coordinates lie between or beside their neighbours, or all as a tree.

    The distance is in km where the lengths of at least half of the wires are known, in the units of the map where
    most buses have coordinates, and else a number of buses. A wire of unknown length adds nothing.

    Args:
        x: coordinate of each bus, nan where unknown, shape (buses,).
        y: the same upwards.
        wiring: which buses are joined; the first source is the head.
    """
    pairs = wiring.pairs
    known = np.isfinite(x) & np.isfinite(y)
    hops = _distance(len(x), wiring, np.ones(len(pairs)))
    drawn = known.sum() > 1
    at = _between(np.column_stack([x, y]), known, pairs) if drawn else _tree(len(x), pairs, wiring.sources[0], hops)
    distance, name = hops, "distance from the source [buses]"
    if len(pairs) and np.isfinite(wiring.length_km).mean() >= KNOWN_SHARE:
        distance, name = _distance(len(x), wiring, wiring.length_km), "distance from the source along the wires [km]"
    elif drawn and known.mean() >= KNOWN_SHARE:
        length = np.hypot(*(at[pairs[:, 0]] - at[pairs[:, 1]]).T)
        distance, name = _distance(len(x), wiring, length), "distance from the source along the wires [map units]"
    return Places(at[:, 0], at[:, 1], distance, name, int((~known).sum()))


def _graph(size: int, pairs: NDArray[np.int64], weight: NDArray[np.float64]) -> sparse.csr_array:
    one = sparse.coo_array((weight, (pairs[:, 0], pairs[:, 1])), shape=(size, size)).tocsr()
    return one + one.T


def _distance(size: int, wiring: Joined, length: NDArray[np.float64]) -> NDArray[np.float64]:
    if size == 1:
        return np.zeros(1)
    least = 1e-9 * max(np.nanmax(length, initial=0), 1e-300)  # a sparse graph has no edges of length 0
    graph = _graph(size, wiring.pairs, np.maximum(np.nan_to_num(length), least))
    found = dijkstra(graph, directed=False, indices=list(wiring.sources), min_only=True)
    return np.where(np.isfinite(found), found, np.nan)


def _between(at: NDArray[np.float64], known: NDArray[np.bool_], pairs: NDArray[np.int64]) -> NDArray[np.float64]:
    """Each unknown bus at the mean of its neighbours; what would lie on one point is spread around it."""
    if known.all():
        return at
    centre = at[known].mean(0)
    span = np.ptp(at[known], axis=0).max() or 1.0
    graph = _graph(len(at), pairs, np.ones(len(pairs)))
    hold = np.full(len(at), 1e-9)  # keeps an island without coordinates near the middle
    laplace: Any = sparse.diags_array(graph.sum(1) + hold).tocsr() - graph
    free = np.flatnonzero(~known)
    right = 1e-9 * centre - laplace[free][:, np.flatnonzero(known)] @ at[known]
    filled = at.copy()
    inner = laplace[free][:, free].tocsc()
    filled[free] = splu(inner).solve(np.asarray(right))
    return _spread(filled, known, graph, _step(filled, known, pairs, span))


def _step(at: NDArray[np.float64], known: NDArray[np.bool_], pairs: NDArray[np.int64], span: float) -> float:
    length = np.hypot(*(at[pairs[:, 0]] - at[pairs[:, 1]]).T)[known[pairs].all(1)]
    length = length[length > 0]
    return float(np.median(length)) if len(length) else span / 20


def _spread(at: NDArray[np.float64], known: NDArray[np.bool_], graph: sparse.csr_array, step: float):
    """Branches without coordinates hang on a known bus: each of their buses half a step from the one before it."""
    spread, done = at.copy(), known.copy()
    queue = list(np.flatnonzero(known))
    for bus in queue:
        for turn, other in enumerate(graph.indices[graph.indptr[bus] : graph.indptr[bus + 1]]):
            if not done[other]:
                done[other] = True
                queue.append(other)
                if np.hypot(*(at[other] - at[bus])) < 1e-3 * step:
                    angle = GOLDEN * (bus + turn)
                    spread[other] = spread[bus] + 0.5 * step * np.array([np.cos(angle), np.sin(angle)])
    return spread


def _tree(size: int, pairs: NDArray[np.int64], root: int, hops: NDArray[np.float64]) -> NDArray[np.float64]:
    """The source left, each bus as far right as there are buses before it; leaves share the height evenly."""
    order, before = breadth_first_order(_graph(size, pairs, np.ones(len(pairs))), root, directed=False)
    children: dict[int, list[int]] = {}
    for bus in order[1:]:
        children.setdefault(int(before[bus]), []).append(int(bus))
    height = np.zeros(size)
    for row, leaf in enumerate(_leaves(children, root)):
        height[leaf] = row
    for bus in reversed(order):
        if int(bus) in children:
            height[bus] = np.mean(height[children[int(bus)]])
    depth = np.nan_to_num(hops, nan=-1.0)
    scale = 0.75 * max(depth.max(), 1.0) / max(height.max(), 1.0)
    return np.column_stack([depth, -height * scale])


def _leaves(children: dict[int, list[int]], root: int) -> list[int]:
    found, stack = [], [root]
    while stack:
        bus = stack.pop()
        below = children.get(bus, [])
        stack += reversed(below)
        if not below:
            found.append(bus)
    return found
