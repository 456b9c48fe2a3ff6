"""The figures of a feeder: its map, the voltages along its wires, and what its homes may export and import."""

import textwrap
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np
import polars as pl

from wattflock.feeder.limits import Limits
from wattflock.report.feeder_tables import cap_in_words, hosting_rows
from wattflock.report.feeder_view import FeederView
from wattflock.report.theme import (
    BLUE,
    BROWN,
    DIVERGING,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PAPER,
    PINK,
    RED,
    SEQUENTIAL,
    SKY,
    SOFT,
    STAR,
    WIDTH,
    ZOOM,
    themed,
)
from wattflock.study.hosting.assessment import DIRECTIONS, Hosted, allocations_of

PHASES = {  # label → colour, shape
    "1": (BLUE, "circle"), "2": (RED, "square"), "3": (GREEN, "triangle-up"),
    "1-2": (SKY, "circle"), "2-3": (PINK, "square"), "3-1": (BROWN, "triangle-up"),
}  # fmt: skip
OTHER = (GREY, "cross")
SIGNS = {  # of what is no plain line → shape, fill
    "source": (STAR, INK), "switch": ("square", SKY), "transformer": ("circle", "#9aa3af"),
    "regulator": ("diamond", "#f0c419"),
}  # fmt: skip
WIRE, OVER = "#8792a1", "#d0021b"  # a plain wire; one beyond its limit
QUANTITIES = {
    "voltage": "voltage furthest from nominal [pu]",
    "loading": "loading of wires [%]",
    "unbalance": "voltage unbalance [%]",
}
LEVELS = (0.5, 1, 2, 4, 8, 16, 32, 64)  # how large a map is shown, 1 is WIDTH; each has more names of buses
LETTER_PX, NAME_PX = 6.5, 13  # width of a letter and height of a name in a map
LIVELY = 1500  # wires up to which each has a wide place to point at


def snapshot_figures(view: FeederView, limits: Limits, name: str) -> dict[str, Any]:
    """`map` and `profile` for a page, and `snapshot` with both beside each other for a file."""
    page, file = (feeder_map(view, limits, share) for share in (f"width / {WIDTH}", "1"))
    along = profile(view, limits)
    said = f"Map of the feeder {name}: {view.buses.height} buses and {view.wires.height} wires. {_extremes(view)}"
    told = f"Voltages of the feeder {name} by {view.distance_name}. {_extremes(view)}"
    both = alt.hconcat(file, along.properties(height=file.height))
    return {
        "map": themed(page, said).properties(usermeta={"ratio": page.height / WIDTH}),
        "profile": themed(along, told),
        "snapshot": themed(_apart(both).properties(title=name), f"{said} {told}"),
    }


@dataclass(frozen=True)
class Frame:
    """The part of the plane that a map shows: as wide as high where ratio is 1."""

    x: tuple[float, float]
    y: tuple[float, float]
    ratio: float


def feeder_map(view: FeederView, limits: Limits, share: str) -> Any:
    """Buses, wires and their signs; a menu says what is coloured; it can be zoomed and moved.

    Colours of buses are the judged voltage furthest from nominal, or the unbalance; a bus without is hollow. Wires are
    wide by their loading, and red beyond the limit. `share` is an expression: how wide it is drawn, over WIDTH.
    """
    frame = _frame(view)
    known = [key for key in QUANTITIES if _values(view, key).len()] or ["voltage"]
    menu = alt.binding_select(options=known, labels=[QUANTITIES[key] for key in known], name="colour by ")
    wide = frame.x[1] - frame.x[0]
    params = [
        alt.param(name="quantity", value=known[0], bind=menu),
        alt.param(name="closer", expr=f"{share} * (map_view.x ? {wide:.9g} / abs(map_view.x[1] - map_view.x[0]) : 1)"),
    ]
    move = alt.selection_interval(name="map_view", bind="scales", zoom=ZOOM)
    colour = _colour(view, limits, known)
    signs = _signs(view, frame)
    buses = _buses(view, frame, colour)
    many = view.buses.height > LIVELY
    marks = (signs, *buses) if many else (*buses, signs)
    layers = [*_wires(view, limits, frame, colour), *marks, _names(view, frame)]
    text = alt.expr(_choose({key: f"'{QUANTITIES[key]}'" for key in known}))
    title = alt.Title(text, subtitle=_key(view, limits), fontWeight="normal")
    chart = _apart(alt.layer(*layers).add_params(*params, move))
    return chart.properties(width=WIDTH, height=round(WIDTH * frame.ratio), title=title)


def profile(view: FeederView, limits: Limits) -> Any:
    """Every voltage by its distance from the source, a colour and a shape for each phase, limits dashed.

    A hollow mark is where no limit applies. A click on a phase in the legend shows it alone.
    """
    phases = sorted(view.voltages["phase"].unique(), key=lambda phase: (len(phase), phase))
    colours, shapes = zip(*(PHASES.get(phase, OTHER) for phase in phases), strict=True) if phases else ((), ())
    legend = alt.Legend(title="phases" if any("-" in phase for phase in phases) else "phase")
    colour = alt.Color("phase:N", legend=legend).scale(domain=phases, range=list(colours))
    shape = alt.Shape("phase:N").scale(domain=phases, range=list(shapes))
    chosen = alt.selection_point(fields=["phase"], bind="legend", name="phases")
    move = alt.selection_interval(name="profile_view", bind="scales", zoom=ZOOM)
    x = alt.X("distance:Q", title=view.distance_name).scale(nice=False, padding=8).axis(tickCount=8)
    y = alt.Y("voltage_pu:Q", title="voltage [pu]").scale(zero=False, padding=14).axis(tickCount=7)
    size = float(np.clip(12_000 / max(view.voltages.height, 1), 5, 36))
    seen = alt.condition(chosen, alt.value(1.0), alt.value(0.06))
    joins = (
        alt.Chart(_short(view.joins))
        .mark_rule(strokeWidth=1.1, clip=True)
        .encode(x, y, x2="distance2:Q", y2="voltage2_pu:Q", color=colour, opacity=seen)
    )
    marks = (
        alt.Chart(_short(view.voltages))
        .mark_point(size=size, strokeWidth=1, clip=True)
        .encode(
            x, y, colour, shape, opacity=seen,
            stroke=alt.Stroke("phase:N", legend=None).scale(domain=phases, range=list(colours)),
            fillOpacity=alt.condition("datum.judged", alt.value(1), alt.value(0)),
            tooltip=[alt.Tooltip("name:N", title="voltage"), alt.Tooltip("voltage_pu:Q", title="pu", format=".4f"),
                     alt.Tooltip("angle_deg:Q", title="angle [°]", format=".1f"),
                     alt.Tooltip("distance:Q", title=view.distance_name, format=".3~f")],
        )
        .add_params(move, chosen)
    )  # fmt: skip
    return alt.layer(limit_lines((limits.low_pu, limits.high_pu), "pu"), joins, marks).properties(
        width=WIDTH, height=420
    )


def limit_lines(limits: tuple[float, ...], unit: str) -> Any:
    """Dashed lines across a figure whose y is `voltage_pu`, with what they are."""
    frame = pl.DataFrame({"voltage_pu": list(limits), "said": [f"limit {limit:g} {unit}" for limit in limits]})
    line = alt.Chart(frame).mark_rule(strokeDash=[5, 4], strokeWidth=1.1, color=INK, clip=True)
    text = alt.Chart(frame).mark_text(align="right", baseline="bottom", dy=-2, color=SOFT, clip=True)
    return alt.layer(line.encode(y="voltage_pu:Q"), text.encode(y="voltage_pu:Q", x=alt.value("width"), text="said:N"))


def hosting_figure(found: Hosted) -> Any:
    """Limits of every home in both directions, terminals in order of what each could take alone."""
    rows = hosting_rows(found)
    panels = [_envelopes(found, rows.filter(direction=direction), direction) for direction in DIRECTIONS]
    said = "; ".join(
        f"{direction}, {allocation}: {found.together[direction, allocation].total_kw:,.0f} kW in all"
        for direction in DIRECTIONS
        for allocation in allocations_of(found.circuit)
    )
    title = alt.Title(f"What {found.circuit.name} can host", subtitle=_wrapped(cap_in_words(found)))
    chart = alt.vconcat(*panels, title=title)
    return themed(chart, f"Limits of one home at each terminal of {found.circuit.name}. {said}.{cap_in_words(found)}")


def _envelopes(found: Hosted, rows: pl.DataFrame, direction: str) -> Any:
    names = rows["series"].unique(maintain_order=True).to_list()
    colour = alt.Color("series:N", title=None).scale(domain=names, range=[GREY, BLUE, GREEN, ORANGE][: len(names)])
    shape = alt.Shape("series:N", title=None).scale(domain=names, range=["stroke", "circle", "square", "diamond"])
    share = float(np.clip(60 / len(found.homes), 0.3, 1))  # nested, so that all are seen where they are equal
    area = dict(zip(names, (0.0, 110 * share, 55 * share, 24 * share), strict=False))
    rows = rows.with_columns(area=pl.col("series").replace_strict(area, return_dtype=pl.Float64))
    bend, top = max(found.asked.cap_kw / 10, 1e-3), float(max([1e-3, *rows["kw"]]))
    ticks = [0.0, *(digit * 10.0**power for power in range(-3, 7) for digit in (1, 2, 5))]
    axis = alt.Axis(values=[tick for tick in ticks if not 0 < tick < bend and tick <= top], format=",.3~r")
    y = alt.Y("kw:Q", title=f"{direction} of one home [kW]", axis=axis)
    y = y.scale(type="symlog", constant=bend, domain=[0, 1.1 * top], nice=False)
    x = alt.X("place:Q", title="terminals, by what each could take alone").axis(format="d", tickMinStep=1)
    base = alt.Chart(rows).encode(
        x.scale(nice=False, zero=False, padding=12), y, colour,
        tooltip=["terminal:N", "series:N", alt.Tooltip("kw:Q", title="kW of one home", format=".3~f")],
    )  # fmt: skip
    line = base.transform_filter(alt.datum.series == names[0]).mark_line(strokeWidth=1.6)
    marks = (
        base.transform_filter(alt.datum.series != names[0])
        .mark_point(opacity=1)
        .encode(shape=shape, size=alt.Size("area:Q", scale=None, legend=None))
    )
    totals = [
        f"{allocation} {found.together[direction, allocation].total_kw:,.0f} kW "
        f"(Jain {found.together[direction, allocation].fairness:.2f})"
        for allocation in allocations_of(found.circuit)
    ]
    title = alt.Title(direction.capitalize(), subtitle=f"in all: {', '.join(totals)}")
    return alt.layer(line, marks).properties(width=WIDTH, height=230, title=title)


def _wrapped(text: str) -> list[str]:
    """Lines of a subtitle."""
    return textwrap.wrap(text, 110)


def _apart(chart: Any) -> Any:
    """Every part with colours and shapes of its own."""
    return chart.resolve_scale(color="independent", shape="independent", fill="independent")


def _short(table: pl.DataFrame) -> pl.DataFrame:
    """Digits enough for a drawing; only rows with all that is drawn."""
    volts = [name for name in table.columns if name.startswith("voltage")]
    return table.drop_nulls([*volts, "distance"]).with_columns(pl.col(pl.Float64).round_sig_figs(7))


def _key(view: FeederView, limits: Limits) -> list[str]:
    """What the plain marks of a map mean."""
    loading = _values(view, "loading")
    said = [f"red above {100 * limits.loading:g} %"] if (loading > 100 * limits.loading).any() else []
    said += ["hollow: no limit applies"] if view.buses["voltage_pu"].has_nulls() else []
    return [*([f"wires: wide by loading, up to {loading.max():.0f} %"] if loading.len() else []), "; ".join(said)]


def _values(view: FeederView, key: str) -> pl.Series:
    table, column = {
        "voltage": (view.buses, "voltage_pu"),
        "loading": (view.wires, "loading_percent"),
        "unbalance": (view.buses, "unbalance_percent"),
    }[key]
    return table[column].drop_nulls()


def _extremes(view: FeederView) -> str:
    volt = view.voltages.filter("judged")["voltage_pu"].drop_nulls()
    return f"Judged voltages from {volt.min():.4f} to {volt.max():.4f} pu." if volt.len() else "No voltage is judged."


def _frame(view: FeederView) -> Frame:
    x, y = view.buses["x"].to_numpy(), view.buses["y"].to_numpy()
    wide, high = (max(1.1 * float(np.ptp(axis)), 1e-9) for axis in (x, y))
    ratio = float(np.clip(high / wide, 0.5, 0.66))
    wide, high = max(wide, high / ratio), max(high, wide * ratio)
    middle = (float(x.min() + x.max()) / 2, float(y.min() + y.max()) / 2)
    reach = [(at - span / 2, at + span / 2) for at, span in zip(middle, (wide, high), strict=True)]
    return Frame(reach[0], reach[1], ratio)


def _at(frame: Frame) -> dict[str, Any]:
    return {
        "x": alt.X("x:Q", axis=None).scale(domain=frame.x, nice=False, zero=False),
        "y": alt.Y("y:Q", axis=None).scale(domain=frame.y, nice=False, zero=False),
    }


def _choose(texts: dict[str, str]) -> str:
    """An expression that is the text of the chosen quantity."""
    made = "''"
    for key, text in texts.items():
        made = f"quantity == '{key}' ? {text} : {made}"
    return made


def _colour(view: FeederView, limits: Limits, known: list[str]) -> Any:
    """One scale that is that of the chosen quantity; what has no value of it is plain."""
    volt = [*_values(view, "voltage"), limits.low_pu, limits.high_pu]
    reach = min(1.05 * max(abs(value - 1) for value in volt), 1.0)
    top = {key: max([1e-3, *_values(view, key)]) for key in ("loading", "unbalance")}
    top["loading"] = min(top["loading"], 100 * limits.loading)
    ends = {"voltage": (1 - reach, 1 + reach)} | {key: (0.0, value) for key, value in top.items()}
    stops = {key: np.linspace(*ends[key], 5).round(6).tolist() for key in known}
    colours = {key: DIVERGING if key == "voltage" else SEQUENTIAL for key in known}
    domain, palette = (
        [alt.ExprRef(_choose({key: repr(each[key][place]) for key in known})) for place in range(5)]
        for each in (stops, colours)
    )
    limit = {"voltage": [limits.low_pu, limits.high_pu], "loading": [100 * limits.loading],
             "unbalance": [100 * limits.unbalance]}  # fmt: skip
    marked = _choose({key: f"indexof({limit[key]}, datum.value) >= 0" for key in known})
    ticks = {key: _ticks(ends[key], limit[key], 1.0 if key == "voltage" else 0.0) for key in known}
    legend = alt.Legend(
        title=None, padding=14, gradientLength=260, gradientThickness=10, values=alt.ExprRef(_choose(
            {key: str(some) for key, some in ticks.items()})),
        labelExpr=f"format(datum.value, '.3~r') + (({marked}) ? ' limit' : '')", labelOverlap=False,
    )  # fmt: skip
    scale = alt.Scale(
        type="linear", domain=domain, range=palette, clamp=True, interpolate="rgb", nice=False, zero=False
    )
    return alt.Color("shown:Q", legend=legend, scale=scale)


def _ticks(ends: tuple[float, float], limits: list[float], middle: float) -> list[float]:
    """What a scale names: its middle, the limits on it, and its ends where they are not beside one of these."""
    found = [middle, *(limit for limit in limits if ends[0] <= limit <= ends[1])]
    apart = 0.28 * (ends[1] - ends[0])
    return sorted([*found, *(end for end in ends if min(abs(end - tick) for tick in found) > apart)])


def _grown(size: float) -> Any:
    """An area that grows when one looks closer."""
    return alt.ExprRef(f"{size:.3g} * clamp(closer, 0.5, 8)")


def _wires(view: FeederView, limits: Limits, frame: Frame, colour: Any) -> list[Any]:
    """Wires, those beyond the limit over them, and a wide invisible place to point at."""
    thin = 0.9 if view.wires.height < 500 else 0.7
    share = (pl.col("loading_percent").fill_null(0) / 100).clip(0, 1.5)
    table = view.wires.select(
        pl.col("x", "y", "x2", "y2").round_sig_figs(9), "elements",
        loading=pl.col("loading_percent").round_sig_figs(4), width=(thin * (0.8 + 2.6 * share)).round(2),
    )  # fmt: skip
    base = alt.Chart(table).encode(**_at(frame), x2="x2:Q", y2="y2:Q", tooltip=alt.Tooltip("elements:N", title="wire"))
    drawn = base.mark_rule(clip=True, strokeCap="round").encode(strokeWidth=alt.StrokeWidth("width:Q", scale=None))
    shown = drawn.transform_calculate(shown="quantity == 'loading' ? datum.loading : null")
    over = drawn.transform_filter(alt.datum.loading > 100 * limits.loading)
    stroke = alt.Stroke("shown:Q", scale=colour["scale"], legend=None)  # a channel of its own: one legend is enough
    layers = [
        shown.transform_filter("!isValid(datum.shown)").encode(color=alt.value(WIRE)),
        shown.transform_filter("isValid(datum.shown)").encode(stroke=stroke),
        over.encode(color=alt.value(OVER)),
    ]
    if view.wires.height <= LIVELY:
        layers.append(base.mark_rule(strokeWidth=9, opacity=0, clip=True))
    return layers


def _buses(view: FeederView, frame: Frame, colour: Any) -> list[Any]:
    table = view.buses.select(
        pl.col("x", "y").round_sig_figs(9), "bus", "voltages", "loads",
        voltage=pl.col("voltage_pu").round(5), unbalance=pl.col("unbalance_percent").round(3),
    ).sort((pl.col("voltage") - 1).abs(), nulls_last=False)  # fmt: skip
    size = float(np.clip(7000 / table.height, 5, 70))
    base = (
        alt.Chart(table)
        .transform_calculate(shown="quantity == 'loading' ? null : datum[quantity]")
        .mark_circle(size=_grown(size), opacity=1, stroke=SOFT, strokeWidth=min(0.8, size / 40), clip=True)
        .encode(
            **_at(frame),
            tooltip=[alt.Tooltip("bus:N"), alt.Tooltip("voltages:N"), alt.Tooltip("loads:N"),
                     alt.Tooltip("unbalance:Q", title="unbalance [%]")],
        )
    )  # fmt: skip
    return [
        base.transform_filter("!isValid(datum.shown)").encode(color=alt.value(PAPER)),
        base.transform_filter("isValid(datum.shown)").encode(color=colour),
    ]


def _signs(view: FeederView, frame: Frame) -> Any:
    """The sources, and the middles of what is no plain line."""
    middle = {axis: (pl.col(axis) + pl.col(f"{axis}2")) / 2 for axis in "xy"}
    signs = view.wires.filter(pl.col("kind") != "line").select(pl.col("kind"), said="elements", **middle)
    sources = view.buses.filter("is_source").select(kind=pl.lit("source"), said="bus", x="x", y="y")
    table = pl.concat([signs, sources], how="diagonal").with_columns(pl.col("x", "y").round_sig_figs(9))
    size = {kind: float(np.clip(3000 / rows, 5, 90)) for kind, rows in table.group_by("kind").len().iter_rows()}
    size |= {"source": 150.0}
    table = table.with_columns(area=pl.col("kind").replace_strict(size, return_dtype=pl.Float64))
    kinds = [kind for kind in SIGNS if kind in size]
    shapes, fills = zip(*(SIGNS[kind] for kind in kinds), strict=True)
    legend = alt.Legend(title=None, orient="bottom", symbolSize=90, symbolStrokeColor=INK, symbolStrokeWidth=0.8)
    return (
        alt.Chart(table)
        .transform_calculate(size="datum.area * clamp(closer, 0.5, 3)")
        .mark_point(stroke=INK, strokeWidth=0.8, opacity=1, clip=True)
        .encode(
            **_at(frame),
            shape=alt.Shape("kind:N", legend=legend).scale(domain=kinds, range=list(shapes)),
            fill=alt.Fill("kind:N", legend=legend).scale(domain=kinds, range=list(fills)),
            size=alt.Size("size:Q", scale=None, legend=None),
            tooltip=[alt.Tooltip("kind:N"), alt.Tooltip("said:N", title="name")],
        )
    )


def _names(view: FeederView, frame: Frame) -> Any:
    """Names of buses that do not cover each other; more of them when one looks closer."""
    table = view.buses.select(pl.col("x", "y").round_sig_figs(9), "bus", level=pl.Series(_levels(view, frame)))
    return (
        alt.Chart(table.drop_nulls("level"))
        .transform_filter("datum.level <= closer")
        .mark_text(align="left", baseline="bottom", dx=5, dy=-3, fontSize=10, color=SOFT, clip=True)
        .encode(**_at(frame), text="bus:N")
    )


def _levels(view: FeederView, frame: Frame) -> list[float | None]:
    """How large a map has to be until the name of each bus has room; none: larger than any level."""
    at = view.buses.select("x", "y").to_numpy()
    wide = view.buses["bus"].str.len_chars().to_numpy() * LETTER_PX
    pixel = WIDTH / (frame.x[1] - frame.x[0])
    level: list[float | None] = [None] * len(at)
    order = np.argsort(~view.buses["is_source"].to_numpy(), kind="stable")
    named: list[int] = []
    for closer in LEVELS:
        for bus in order:
            apart = np.abs(at[named] - at[bus]) * pixel * closer
            if level[bus] is None and not ((apart[:, 0] < wide[named] + 8) & (apart[:, 1] < NAME_PX)).any():
                level[bus] = closer
                named.append(int(bus))
    return level
