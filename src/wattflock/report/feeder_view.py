"""A solved feeder as the tables that its figures and its page draw: buses, wires, voltages and their neighbours."""

import re
from dataclasses import dataclass
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
from numpy.typing import NDArray

from wattflock.feeder.circuit import GROUND, Circuit, Element, bus_of, terminals
from wattflock.feeder.limits import branch_loading
from wattflock.feeder.monitored import conductors
from wattflock.feeder.snapshot import Snapshot
from wattflock.report.feeder_layout import Joined, Places, place
from wattflock.report.words import number

KINDS = ("line", "switch", "transformer", "regulator")  # the last that is found between two buses is drawn
LIKE = {"autotrans": "transformer"}
NEUTRAL_PU = 0.3  # voltage to ground below which the second node of a voltage is a neutral
Reals = NDArray[np.float64]
Pairs = dict[tuple[int, int], list[int]]  # two buses → the elements between them


@dataclass(frozen=True, eq=False)
class FeederView:
    """Tables; what is not known is null.

    `buses`: bus, x, y, distance, voltage_pu (the judged one furthest from nominal), unbalance_percent, is_source, and
    voltages, loads in words. `wires`: x, y, x2, y2, kind, elements in words, loading_percent. `voltages`: name, bus,
    phase ("1" to ground or a neutral, "1-2" between phases), distance, voltage_pu, angle_deg, judged. `joins`: phase,
    distance, voltage_pu, distance2, voltage2_pu of neighbouring voltages of a phase. `elements`: element, current_a (of
    the conductor that carries most), loading_percent.
    """

    buses: pl.DataFrame
    wires: pl.DataFrame
    voltages: pl.DataFrame
    joins: pl.DataFrame
    elements: pl.DataFrame
    distance_name: str
    guessed: int  # buses without coordinates of their own
    unmeasured: int  # lines without a length, where distances are in km


def see(shot: Snapshot) -> FeederView:
    """Bring circuit, feeder and one snapshot together."""
    circuit = shot.circuit
    at = {bus.bus: index for index, bus in enumerate(circuit.buses)}
    pairs = _pairs(circuit, at)
    joined = _joined(circuit, at, pairs)
    x, y = (np.array([getattr(bus, axis) for bus in circuit.buses], float) for axis in "xy")
    places = place(x, y, joined)
    voltages = _voltages(shot, at, places)
    elements = _elements(shot)
    lines = np.array([one.length_km for one in circuit.elements if one.kind == "line"], float)
    return FeederView(
        _buses(shot, places, voltages, set(joined.sources)),
        _wires(circuit, places, pairs, elements),
        voltages,
        _joins(circuit, at, voltages),
        elements,
        places.distance_name,
        places.guessed,
        int(np.isnan(lines).sum()) if places.distance_name.endswith("[km]") else 0,
    )


def amount(value: object) -> str:
    """A number in words; a dash where the power flow left none."""
    real = float(np.asarray(value, float))
    return number(real if np.isfinite(real) else None)


def live(nodes: tuple[int, ...]) -> list[int]:
    """Without GROUND."""
    return [node for node in nodes if node != GROUND]


def _split(name: str) -> tuple[str, str]:
    """Bus and ends of a voltage or a terminal: `610` and `1.2` of `610.1.2`."""
    found = re.fullmatch(r"(.*?)((?:\.\d+)+)", name)
    return (found[1], found[2][1:]) if found else (name, "")


def _bus_pairs(circuit: Circuit, at: dict[str, int], one: Element) -> list[tuple[int, int]]:
    """The first end's bus with every other one, smaller index first."""
    ends = [at[bus_of(circuit.nodes[some[0]])] for end in one.ends if (some := live(end))]
    return list(dict.fromkeys((min(ends[0], to), max(ends[0], to)) for to in ends[1:] if to != ends[0]))


def _pairs(circuit: Circuit, at: dict[str, int]) -> Pairs:
    found: Pairs = {}
    for index, one in enumerate(circuit.elements):
        for pair in _bus_pairs(circuit, at, one):
            found.setdefault(pair, []).append(index)
    return found


def _joined(circuit: Circuit, at: dict[str, int], pairs: Pairs) -> Joined:
    lengths = [np.fmin.reduce([circuit.elements[index].length_km for index in some]) for some in pairs.values()]
    sources = dict.fromkeys(at[bus_of(circuit.nodes[n])] for one in circuit.infeeds for n in live(one.nodes))
    return Joined(np.array(list(pairs), int).reshape(-1, 2), np.array(lengths, float), tuple(sources))


def _elements(shot: Snapshot) -> pl.DataFrame:
    """Highest loading and current over the conductors of each element."""
    feeder, names = shot.feeder, [one.name for one in shot.circuit.elements]
    index = np.array([place.element for place in conductors(shot.circuit)], int)
    with jax.enable_x64(True):
        share = np.asarray(branch_loading(feeder, jnp.asarray(shot.flow.branch_a)), float)
    share = np.where(np.asarray(feeder.rating_a) > 0, share, np.nan)
    highest = np.full((2, len(names)), np.nan)
    for row, values in zip(highest, (np.abs(shot.flow.branch_a), 100 * share), strict=True):
        np.fmax.at(row, index, values)
    return pl.DataFrame({"element": names, "current_a": highest[0], "loading_percent": highest[1]}).fill_nan(None)


def _wires(circuit: Circuit, places: Places, pairs: Pairs, elements: pl.DataFrame) -> pl.DataFrame:
    tapped = {unit.element: unit.tap for unit in circuit.regulators}
    said = [
        _element(one, row, tapped.get(index))
        for index, (one, row) in enumerate(zip(circuit.elements, elements.iter_rows(named=True), strict=True))
    ]
    loading = elements["loading_percent"].fill_null(np.nan).to_numpy()
    kinds = [_kind(one, index in tapped) for index, one in enumerate(circuit.elements)]
    a, b = np.array(list(pairs), int).reshape(-1, 2).T
    return pl.DataFrame(
        {
            "x": places.x[a],
            "y": places.y[a],
            "x2": places.x[b],
            "y2": places.y[b],
            "kind": [max((kinds[index] for index in some), key=KINDS.index) for some in pairs.values()],
            "elements": ["; ".join(said[index] for index in some) for some in pairs.values()],
            "loading_percent": np.array([np.fmax.reduce(loading[some]) for some in pairs.values()], float),
        },
        schema_overrides={"kind": pl.String, "elements": pl.String},
    ).fill_nan(None)


def _kind(one: Element, tapped: bool) -> str:
    kind = "regulator" if tapped else LIKE.get(one.kind, one.kind)
    return kind if kind in KINDS else "line"


def _element(one: Element, row: dict[str, float | None], tap: int | None) -> str:
    rated = [f"{amount(one.rating_kva)} kVA"] if np.isfinite(one.rating_kva) else []
    rated += [f"{amount(one.rating_a)} A"] if np.isfinite(one.rating_a) and not rated else []
    said = [one.name, *([] if tap is None else [f"tap {tap:+d}"])]
    said += [f"{amount(1e3 * one.length_km)} m"] if np.isfinite(one.length_km) else []
    said += [] if row["current_a"] is None else [f"{amount(row['current_a'])} A"]
    said += [f"rated {text}" for text in rated]
    said += [] if row["loading_percent"] is None else [f"loading {row['loading_percent']:.0f} %"]
    return ", ".join(said)


def _voltages(shot: Snapshot, at: dict[str, int], places: Places) -> pl.DataFrame:
    """The judged voltages, then those of buses where no limit applies, such as the source's own."""
    judged = shot.feeder.nodes
    phasor = dict(zip(judged, np.asarray(shot.flow.phasor_pu).tolist(), strict=True))
    fed = _fed_by(shot.circuit)
    quiet = _neutrals(shot)
    floating = bool(judged) and all("." in _split(_without(name, quiet))[1] for name in judged)
    phasor |= _unjudged(shot, {_split(name)[0] for name in judged}, floating)
    value = np.array(list(phasor.values()), complex)
    buses = [_split(name)[0] for name in phasor]
    return pl.DataFrame(
        {
            "name": list(phasor),
            "bus": buses,
            "phase": [_phase(_without(name, quiet), fed) for name in phasor],
            "distance": places.distance[[at[bus] for bus in buses]],
            "voltage_pu": np.abs(value),
            "angle_deg": np.degrees(np.angle(value)),
            "judged": [place < len(judged) for place in range(len(phasor))],
        },
        schema_overrides={"name": pl.String, "bus": pl.String, "phase": pl.String, "judged": pl.Boolean},
    ).fill_nan(None)


def _neutrals(shot: Snapshot) -> set[str]:
    size = np.abs(shot.phasor_pu)
    return {name for name, pu in zip(shot.circuit.nodes, size.tolist(), strict=True) if pu < NEUTRAL_PU}


def _without(name: str, neutrals: set[str]) -> str:
    """`far.1` of `far.1.4`, a voltage from phase 1 to the neutral 4."""
    bus, ends = _split(name)
    first, _, second = ends.partition(".")
    return f"{bus}.{first}" if f"{bus}.{second}" in neutrals else name


def _unjudged(shot: Snapshot, judged: set[str], floating: bool) -> dict[str, complex]:
    """To ground, or between phases where all judged voltages are."""
    found: dict[str, dict[str, complex]] = {}
    for name, value in zip(shot.circuit.nodes, shot.phasor_pu.tolist(), strict=True):
        bus, _, phase = name.rpartition(".")
        if bus not in judged and phase in ("1", "2", "3"):
            found.setdefault(bus, {})[phase] = value
    if not floating:
        return {f"{bus}.{phase}": value for bus, some in found.items() for phase, value in some.items()}
    return {
        f"{bus}.{a}.{b}": (some[a] - some[b]) / 3**0.5
        for bus, some in found.items()
        for a, b in pairwise([*sorted(some), min(some)] if len(some) > 2 else sorted(some))
    }


def _phase(name: str, fed: dict[str, str]) -> str:
    ends = _split(name)[1]
    between = "-".join(sorted(ends.split(".")))
    return {"1-3": "3-1"}.get(between, between) if "." in ends else fed.get(name, ends)


def _fed_by(circuit: Circuit) -> dict[str, str]:
    """Phase that feeds each node: behind a transformer of one phase, legs 1 and 2 are no phases of the feeder."""
    fed = {node: node.rpartition(".")[2] for node in circuit.nodes}
    beside: dict[str, list[str]] = {}
    legs: list[tuple[str, str]] = []
    for one in circuit.elements:
        ends = [[circuit.nodes[n] for n in live(end)] for end in one.ends]
        if _single(one):
            legs += [(ends[0][0], leg) for end in ends[1:] for leg in end]
        elif len(ends) == 2:
            for a, b in zip(*ends, strict=False):
                beside.setdefault(a, []).append(b)
                beside.setdefault(b, []).append(a)
    while legs:
        above, leg = legs.pop()
        if fed[leg] != fed[above]:
            fed[leg] = fed[above]
            legs += [(leg, other) for other in beside.get(leg, [])]
    return fed


def _single(one: Element) -> bool:
    """Whether it is a transformer of one phase to ground."""
    return one.kind in ("transformer", "autotrans") and len(live(one.ends[0])) == 1


def _joins(circuit: Circuit, at: dict[str, int], voltages: pl.DataFrame) -> pl.DataFrame:
    """Voltages of the same phase at both ends of an element; behind a centre-tapped one both legs."""
    names, phases = voltages["name"].to_list(), voltages["phase"].to_list()
    here: dict[int, list[int]] = {}
    for index, bus in enumerate(voltages["bus"]):
        here.setdefault(at[bus], []).append(index)
    ends = [_split(name)[1] for name in names]
    found: dict[tuple[int, int], None] = {}
    for one in circuit.elements:
        tapped = _single(one)
        touched = {circuit.nodes[node] for node in live(one.conductors)}
        for first, second in _bus_pairs(circuit, at, one):
            for a in here.get(first, []):
                for b in here.get(second, []):
                    same = phases[a] == phases[b] and (tapped or ends[a] == ends[b])
                    if same and all(_touches(names[n], touched) for n in (a, b)):
                        found[a, b] = None
    first, second = np.array(list(found), int).reshape(-1, 2).T
    begin = voltages[first].select("phase", "distance", "voltage_pu")
    end = voltages[second].select(distance2="distance", voltage2_pu="voltage_pu")
    return pl.concat([begin, end], how="horizontal")


def _touches(name: str, touched: set[str]) -> bool:
    bus, ends = _split(name)
    return all(f"{bus}.{end}" in touched for end in ends.split("."))


def _buses(shot: Snapshot, places: Places, voltages: pl.DataFrame, sources: set[int]) -> pl.DataFrame:
    names = [bus.bus for bus in shot.circuit.buses]
    known = voltages.drop_nulls("voltage_pu")
    worst = known.filter("judged").sort((pl.col("voltage_pu") - 1).abs()).group_by("bus").agg(pl.last("voltage_pu"))
    said = known.group_by("bus", maintain_order=True).agg(_in_words().str.join("; ").alias("voltages"))
    with jax.enable_x64(True):
        share = np.asarray(shot.flow.unbalance, float)
    uneven = {"bus": list(shot.feeder.three_phase), "unbalance_percent": 100 * share}
    made = pl.DataFrame(
        {
            "bus": names,
            "x": places.x,
            "y": places.y,
            "distance": places.distance,
            "is_source": [index in sources for index in range(len(names))],
            "loads": _loads(shot, names),
        }
    )
    for more in (worst, said, pl.DataFrame(uneven, schema_overrides={"bus": pl.String}).fill_nan(None)):
        made = made.join(more, on="bus", how="left", maintain_order="left")
    return made.fill_nan(None)


def _in_words() -> pl.Expr:
    """`phase 1: 0.9876 pu, -1.2°`."""
    volt, angle = (pl.col(name).round(digits) for name, digits in (("voltage_pu", 4), ("angle_deg", 1)))
    unjudged = pl.when("judged").then(pl.lit("")).otherwise(pl.lit(" (no limit applies)"))
    return pl.format("phase {}: {} pu, {}°{}", pl.col("phase"), volt, angle, unjudged)


def _loads(shot: Snapshot, names: list[str]) -> list[str]:
    """What all loads at each bus draw."""
    bus_of_terminal = {name: bus_of(shot.circuit.nodes[plus]) for (plus, _), name in terminals(shot.circuit).items()}
    drawn = dict.fromkeys(names, 0j)
    power = np.asarray(shot.flow.drawn_kw) + 1j * np.asarray(shot.flow.drawn_kvar)
    for name, one in zip(shot.feeder.terminals, power.tolist(), strict=True):
        drawn[bus_of_terminal[name]] += one
    return [f"{amount(one.real)} kW, {amount(one.imag)} kvar" if one else "none" for one in drawn.values()]
