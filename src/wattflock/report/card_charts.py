"""The figures of a report card: facts of `wattflock.synth.card.collect` become charts, in the order of the page."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, cast

import altair as alt
import polars as pl

from wattflock.report.card_words import TITLES, Facts, how, said
from wattflock.report.theme import BLUE, GREEN, GREY, INK, ORANGE, Look, themed

LOOKS = {  # real homes in grey and orange, made ones in blue; dashes and shapes for print
    "training": Look("real, training", GREY),
    "held_out": Look("real, held out", ORANGE, "square", (7, 4)),
    "synthetic": Look("synthetic", BLUE, "diamond"),
    "reverse": Look("trained on real, tested on synthetic", GREEN, "triangle-up", (2, 3)),
    "all_real": Look("all real (band: ± 10 %)", "#5d4037", "triangle-down", (8, 3, 2, 3)),
    "bar": Look("the bar", INK, "stroke", (2, 3)),
}
SHARES = ("#eef3f7", "#9cc9e6", "#0072b2", "#00263f")  # few to many, also in grey
LEARNED = {
    "training": "trained on real, tested on real",
    "synthetic": "trained on synthetic, tested on real",
    "bar": "95 % of real to real",
}
AGAINST = {"training": "training against held-out homes", "synthetic": "synthetic against held-out homes"}
OWN_WORDS = {  # what a side is called where a mark is no side but a test
    "clusters": LEARNED, "car_clusters": LEARNED, "discriminator": AGAINST, "car_discriminator": AGAINST,
}  # fmt: skip
APART = 0.16  # between the points of a category
FEW = 24  # values of a line up to which each is marked
PANEL_PX = {1: (640, 300), 2: (350, 240), 3: (250, 220)}  # by columns
SHARED: dict[str, Any] = dict.fromkeys(("color", "strokeDash", "shape", "fill"), "shared")
LETTERS = "ABCDEFGHI"

Data = dict[str, Any]
Numbers = list[float | None]
Series = tuple[str, str, pl.DataFrame]  # kind of mark, side, and its x and y; `low` of a band


@dataclass(frozen=True)
class CardFigure:
    """One figure: how to read it, what it says, and its chart."""

    name: str
    title: str
    how: str
    said: str
    chart: Any


@dataclass(frozen=True)
class CardPanel:
    """One pair of axes and what is drawn between them."""

    title: str
    x: alt.X
    y: alt.Y
    series: tuple[Series, ...] = ()
    cells: pl.DataFrame | None = None
    limit: tuple[float, str] | None = None  # a dashed line, and what it says


def card_figures(facts: Facts) -> list[CardFigure]:
    """Every figure that the facts can show; one that is not in them is not drawn."""
    found = []
    for name, (draw, columns) in DRAW.items():
        source = "transitions" if name == "kinds" else name
        if source in facts["figures"]:
            panels = draw(facts["figures"][source])
            told = said(facts, name)
            chart = themed(
                _figure(name, panels, min(columns, len(panels))), f"{TITLES[name]}. {told or how(facts, name)}"
            )
            found.append(CardFigure(name, TITLES[name], how(facts, name), told, chart))
    return found


def _figure(name: str, panels: list[CardPanel], columns: int) -> Any:
    sides = {side: None for panel in panels for _, side, _ in panel.series}
    labels = {side: OWN_WORDS.get(name, {}).get(side, look.label) for side, look in LOOKS.items() if side in sides}
    wide, high = PANEL_PX[columns]
    made = [_drawn(panel, labels).properties(width=wide, height=high, title=panel.title) for panel in panels]
    return alt.concat(*made, columns=columns, spacing=24).resolve_scale(**SHARED)


def _drawn(panel: CardPanel, labels: dict[str, str]) -> Any:
    layers = [] if panel.cells is None else _heat(panel, panel.cells)
    for kind, draw in MARKS.items():
        some = [table.with_columns(side=pl.lit(labels[side])) for k, side, table in panel.series if k == kind]
        if some:
            layers.append(draw(pl.concat(some, how="diagonal"), panel, labels))
    if panel.limit:
        value, text = panel.limit
        line = alt.Chart(pl.DataFrame({"y": [value], "text": [text]}))
        layers.append(line.mark_rule(strokeDash=[5, 4], strokeWidth=1.1).encode(y="y:Q"))
        layers.append(line.mark_text(align="right", dy=-7).encode(y="y:Q", x=alt.value("width"), text="text:N"))
    return alt.layer(*layers)


def _sides(labels: dict[str, str]) -> dict[str, Any]:
    """Colour and dash by side, one legend for both."""
    domain, looks = list(labels.values()), [LOOKS[side] for side in labels]
    legend = alt.Legend(title=None, symbolType="stroke", symbolSize=500, symbolStrokeWidth=2.4, symbolOpacity=1)
    dashes = [list(look.dash or (1, 0)) for look in looks]
    return {
        "color": alt.Color("side:N", legend=legend).scale(domain=domain, range=[look.colour for look in looks]),
        "strokeDash": alt.StrokeDash("side:N", legend=legend).scale(domain=domain, range=dashes),
    }


def _lines(
    table: pl.DataFrame, panel: CardPanel, labels: dict[str, str], width: float, interpolate: Any = "linear"
) -> Any:
    base = alt.Chart(table).encode(panel.x, panel.y, **_sides(labels))
    marked = (
        {"size": 22, "filled": True}
        if table.height / len(labels) < FEW and width > 1 and interpolate == "linear"
        else False
    )
    line = base.mark_line(clip=True, strokeWidth=width, point=marked, interpolate=interpolate)
    told = [alt.Tooltip("side:N", title="homes"), alt.Tooltip("x:Q", title=panel.x["title"], format=".3~f"),
            alt.Tooltip("y:Q", title=panel.y["title"], format=".3~f")]  # fmt: skip
    place = base.mark_point(size=70, opacity=0, clip=True).encode(tooltip=told)
    return alt.layer(line, place)


def _band(table: pl.DataFrame, panel: CardPanel, labels: dict[str, str]) -> Any:
    return (
        alt.Chart(table)
        .mark_area(opacity=0.22, clip=True)
        .encode(panel.x, panel.y, y2="low:Q", color=_sides(labels)["color"])
    )


def _points(table: pl.DataFrame, panel: CardPanel, labels: dict[str, str]) -> Any:
    domain, looks = list(labels.values()), [LOOKS[side] for side in labels]
    legend = alt.Legend(title=None, symbolSize=90)
    colour = alt.Color("side:N", legend=legend).scale(domain=domain, range=[look.colour for look in looks])
    shape = alt.Shape("side:N", legend=legend).scale(domain=domain, range=[look.shape for look in looks])
    size = alt.condition(alt.datum.side == labels.get("bar", ""), alt.value(500), alt.value(80))
    told = [alt.Tooltip("side:N", title="test"), alt.Tooltip("y:Q", title=panel.y["title"], format=".3~f")]
    base = alt.Chart(table).mark_point(filled=False, strokeWidth=2.6)
    return base.encode(panel.x, panel.y, colour, shape, size=size, tooltip=told)


def _spread(table: pl.DataFrame, panel: CardPanel, labels: dict[str, str]) -> Any:
    """Thin vertical lines from `low` to `y`."""
    colours = [LOOKS[side].colour for side in labels]
    stroke = alt.Stroke("side:N", legend=None).scale(domain=list(labels.values()), range=colours)
    return alt.Chart(table).mark_rule(strokeWidth=1.4, clip=True).encode(panel.x, panel.y, stroke, y2="low:Q")


MARKS: dict[str, Callable[..., Any]] = {  # kinds of series, in the order in which they are drawn
    "band": _band,
    "steps": partial(_lines, width=2, interpolate="step-after"),
    "low": partial(_lines, width=0.9),
    "high": partial(_lines, width=0.9),
    "line": partial(_lines, width=2),
    "spread": _spread,
    "points": _points,
}


def _heat(panel: CardPanel, cells: pl.DataFrame) -> list[Any]:
    """Cells between `x` and `x2`, `y` and `y2`; those without a `value` stay blank; `text` stands in the middle."""
    legend = alt.Legend(title="days [%]", gradientLength=160, gradientThickness=10)
    fill = alt.Fill("value:Q", legend=legend).scale(range=list(SHARES), domainMin=0, interpolate="rgb")
    base = alt.Chart(cells).encode(panel.x, panel.y)
    told = [alt.Tooltip("value:Q", title="days [%]", format=".3~f")]
    layers = [base.mark_rect().encode(x2="x2:Q", y2="y2:Q", fill=fill, tooltip=told)]
    if "text" in cells.columns:
        ink = alt.condition(
            alt.datum.value > 0.45 * max([1.0, *cells["value"]]), alt.value("#fdfdfd"), alt.value("#16202f")
        )
        middle = base.encode(alt.X("xm:Q"), alt.Y("ym:Q"))
        layers.append(middle.mark_text(fontSize=10).encode(text="text:N", color=ink))
    return layers


def _axis(channel: Callable[..., Any], title: str, ticks: Any, span: tuple[float, float] | None = None) -> Any:
    """An axis with its unit: `ticks` are how many, or which; `span` is its reach."""
    axis = alt.Axis(tickCount=ticks) if isinstance(ticks, int) else ticks
    scale = {"nice": True, "zero": False} if span is None else {"domain": list(span), "nice": False}
    return channel(f"{'x' if channel is alt.X else 'y'}:Q", title=title, axis=axis).scale(**scale)


def _named(channel: Callable[..., Any], title: str, names: Mapping[float, str], span: tuple[float, float]) -> Any:
    """An axis whose ticks have names."""
    said = " : ".join(f"datum.value == {place} ? '{name}'" for place, name in names.items())
    axis = alt.Axis(values=list(names), labelExpr=f"{said} : ''", grid=False, labelAngle=0)
    return _axis(channel, title, axis, span)


def _hour() -> Any:
    return _axis(alt.X, "hour of the day [h]", alt.Axis(values=list(range(0, 25, 6))), (0, 24))


def _y(title: str, top: float | None = None) -> Any:
    return _axis(alt.Y, title, 5, None if top is None else (0, top))


def _series(kind: str, side: str, x: Iterable[float], y: Numbers, low: Numbers | None = None) -> Series:
    """Steps have one more edge in `x` than values in `y`: the last one is drawn to its end."""
    y = [*y, y[-1]] if kind == "steps" else y
    columns = {"x": list(x), "y": y} | ({} if low is None else {"low": low})
    table = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.Float64), strict=False)
    return kind, side, table.fill_nan(None).with_columns(pl.all().round_sig_figs(5)).drop_nulls()


def _highest(series: Iterable[Series]) -> float:
    return max(cast("float | None", table["y"].max()) or 0.0 for *_, table in series)


def _densities(data: Data) -> tuple[Series, ...]:
    return tuple(_series("steps", side, data["edges"], each["density"]) for side, each in data["sides"].items())


def _cumulative(curves: dict[str, Data]) -> tuple[Series, ...]:
    return tuple(_series("line", side, curve["value"], curve["percent"]) for side, curve in curves.items())


def _of_homes(title: str, axis: str, curves: dict[str, Data]) -> CardPanel:
    return CardPanel(title, _axis(alt.X, axis, 6), _y("homes [%]", 100), _cumulative(curves))


def _energy(data: Data) -> list[CardPanel]:
    days = _axis(alt.X, "energy of a day [kWh]", 6, (0, data["edges"][-1]))
    means = {side: each["homes"] for side, each in data["sides"].items()}
    return [CardPanel("all days", days, _y("days [% per kWh]"), _densities(data)),
            _of_homes("homes", "mean energy of a day [kWh]", means)]  # fmt: skip


def _bands(data: Data) -> list[CardPanel]:
    low, q1, middle, q3, high = (data["percents"].index(percent) for percent in (10, 25, 50, 75, 90))
    hours = [hour + 0.5 for hour in range(24)]
    found: dict[str, list[Series]] = {}
    for title, sides in data["panels"].items():
        shaded = "training" if "training" in sides else next(iter(sides))
        found[title] = [_series("band", shaded, hours, sides[shaded][q3], sides[shaded][q1])]
        for side, table in sides.items():
            found[title] += [_series("low", side, hours, table[low]), _series("high", side, hours, table[high])]
            found[title].append(_series("line", side, hours, table[middle]))
    top = 1.05 * max(_highest(series) for series in found.values())
    return [CardPanel(title, _hour(), _y("load [kW]", top), tuple(series)) for title, series in found.items()]


def _autocorrelation(data: Data) -> list[CardPanel]:
    series = tuple(_series("line", side, data["lag_days"], line) for side, line in data["sides"].items())
    low = min([0.0, *(cast("float | None", table["y"].min()) or 0.0 for *_, table in series)])
    x = _axis(alt.X, "days between [d]", alt.Axis(values=[1, 3, 5, 7, 9, 11, 14]), (0.5, 14.5))
    return [CardPanel("daily energy", x, _axis(alt.Y, "autocorrelation [1]", 6, (low - 0.02, 1)), series)]


def _scale(data: Data) -> list[CardPanel]:
    """A cloud for each side, one colour scale for all."""
    edges = list(pairwise(data["edges"]))
    x, y = (_axis(channel, f"{day} / home's mean [1]", 5, (0, data["edges"][-1]))
            for channel, day in ((alt.X, "yesterday"), (alt.Y, "today")))  # fmt: skip
    return [
        CardPanel(f"{LOOKS[side].label}: correlation {each['correlation']:.2f}", x, y,
              cells=_cells(edges, edges, each["percent"]))
        for side, each in data["sides"].items()
    ]  # fmt: skip


def _cells(x: list[tuple[float, float]], y: list[tuple[float, float]], table: list[list[float]]) -> pl.DataFrame:
    """A row for each cell of `table[row along y][column along x]` that is above 0."""
    rows = [(*across, *along, value) for along, row in zip(y, table, strict=True)
            for across, value in zip(x, row, strict=True) if value > 0]  # fmt: skip
    made = pl.DataFrame(rows, schema=dict.fromkeys(("x", "x2", "y", "y2", "value"), pl.Float64), orient="row")
    return made.with_columns(pl.col("value").round_sig_figs(4))


def _transitions(data: Data) -> list[CardPanel]:
    """A table for each side."""
    panels = []
    for side, each in data["sides"].items():
        count = len(each["share"])
        names = {kind + 0.5: LETTERS[kind] for kind in range(count)}
        edges = list(pairwise(map(float, range(count + 1))))
        cells = _cells(edges, edges, [[100 * share for share in row] for row in each["table"]])
        cells = cells.with_columns(
            xm=pl.col("x") + 0.5, ym=pl.col("y") + 0.5, text=pl.col("value").round().cast(pl.Int64)
        )
        x = _named(alt.X, "kind of the day", names, (0, count))
        y = _named(alt.Y, "kind of the day before", names, (count, 0))
        panels.append(CardPanel(LOOKS[side].label, x, y, cells=cells))
    return panels


def _kinds(data: Data) -> list[CardPanel]:
    """The mean day of each kind, and how frequent it is."""
    panels = []
    for kind in range(len(next(iter(data["sides"].values()))["share"])):
        series = tuple(_series("steps", side, range(25), each["shape"][kind])
                       for side, each in data["sides"].items() if each["shape"][kind])  # fmt: skip
        shares = ", ".join(f"{100 * each['share'][kind]:.0f} %" for each in data["sides"].values())
        panels.append(CardPanel(f"kind {LETTERS[kind]}: {shares}", _hour(), _y("share of the day [%/h]"), series))
    return panels


def _peak_hours(data: Data) -> list[CardPanel]:
    series = tuple(_series("steps", side, range(25), shares) for side, shares in data["sides"].items())
    return [CardPanel("all days", _hour(), _y("days with their peak then [%]"), series)]


def _load_factor(data: Data) -> list[CardPanel]:
    series = tuple(_series("steps", side, data["edges"], [value / 100 for value in each["density"]])
                   for side, each in data["sides"].items())  # fmt: skip
    days = CardPanel("days", _axis(alt.X, "load factor [1]", 5, (0, 1)), _y("days [% per 0.01]"), series)
    homes = {side: each["homes"] for side, each in data["sides"].items()}
    return [days, _of_homes("homes, over all their days", "load factor [1]", homes)]


def _coincidence(data: Data) -> list[CardPanel]:
    sides = dict(data["sides"])
    whole = sides.pop("all_real", None)
    most = max(max(each["homes"]) for each in data["sides"].values())
    ticks = [count for count in (1, 3, 10, 30, 48, 100, 300) if count <= most * 1.1 and (most < 100 or count != 48)]
    panels = []
    for key, title, unit in (("kw", "peak per home", "[kW]"), ("coincidence", "share of own peaks", "[1]")):
        series = [_series("line", side, each["homes"], each[key]) for side, each in sides.items()]
        if whole and len(sides) == 3:
            series.append(_series("line", "all_real", whole["homes"], whole[key]))
        if whole and key == "kw":
            low, high = ([share * value for value in whole[key]] for share in (0.9, 1.1))
            series.append(_series("band", "all_real", whole["homes"], high, low))
        x = alt.X("x:Q", title="homes together", axis=alt.Axis(values=ticks, format="d"))
        x = x.scale(type="log", domain=[0.9, most * 1.15], nice=False)
        panels.append(CardPanel(title, x, _y(f"{title} {unit}", 1.08 * _highest(series)), tuple(series)))
    return panels


def _pv(data: Data) -> list[CardPanel]:
    unit = "month's mean over the year's [1]" if data["unit"] == "1" else f"mean day [{data['unit']}]"
    months = {place + 0.5: name for place, name in enumerate("JFMAMJJASOND")}
    series = tuple(_series("steps", side, range(13), each["month"]) for side, each in data["sides"].items())
    year = CardPanel("months", _named(alt.X, "month", months, (0, 12)), _y(unit), series)
    pairs = {side: each["correlation"] for side, each in data["sides"].items() if each.get("correlation")}
    if not pairs:
        return [year]
    x = _axis(alt.X, "correlation of the energy of the same days [1]", 6)
    return [year, CardPanel("neighbours", x, _y("pairs of homes [%]", 100), _cumulative(pairs))]


def _cars(data: Data) -> list[CardPanel]:
    x = _axis(alt.X, "energy of a session [kWh]", 6, (0, data["edges"][-1]))
    begin = tuple(_series("steps", side, range(25), each["plug_in"]) for side, each in data["sides"].items())
    panels = [CardPanel("sessions", x, _y("sessions [% per kWh]"), _densities(data)),
              CardPanel("plugging in", _hour(), _y("sessions that begin [%]"), begin)]  # fmt: skip
    for kind, name in enumerate(("weekdays", "weekends")):
        plugged = tuple(
            _series("steps", side, range(25), each["plugged"][kind]) for side, each in data["sides"].items()
        )
        panels.append(CardPanel(f"at the plug, {name}", _hour(), _y("cars plugged in [%]", 100), plugged))
    return panels


def _privacy(data: Data) -> list[CardPanel]:
    x = _axis(alt.X, "root mean square difference to the nearest training day [kW]", 6)
    return [CardPanel("all days", x, _y("days [%]", 100), _cumulative(data["sides"]))]


def _clusters(data: Data) -> list[CardPanel]:
    """Real to real, synthetic to real and real to synthetic, with 95 % of the first as the bar."""
    days = data["days"]
    keys = {"training": "real_to_real", "synthetic": "synthetic_to_real", "reverse": "real_to_synthetic"}
    series = [
        _series(
            "points", side, [at + APART * (k - 1) for at in range(len(days))], [each[key] for each in days.values()]
        )
        for k, (side, key) in enumerate(keys.items())
    ]
    series.append(_series("points", "bar", range(len(days)), [0.95 * each["real_to_real"] for each in days.values()]))
    x = _named(alt.X, "test on", {k: f"{name}s" for k, name in enumerate(days)}, (-0.5, len(days) - 0.5))
    return [CardPanel("days whose cluster is found", x, _y("accuracy [%]", 100), tuple(series))]


SIDES = ("training", "synthetic")  # that a discriminator tells from held-out homes


def _discriminator(data: Data) -> list[CardPanel]:
    """Area under the curve of both spans with its bar; the floor is that of real against real."""
    spans, series = data["spans"], []
    for side, off in zip(SIDES, (-APART, APART), strict=True):
        there = [(place + off, each[side]) for place, each in enumerate(spans.values()) if side in each]
        if there:
            at, mean, spread = zip(*((x, auc["mean"], auc["spread"]) for x, auc in there), strict=True)
            low, high = ([a + sign * b for a, b in zip(mean, spread, strict=True)] for sign in (-1, 1))
            series += [_series("points", side, at, list(mean)), _series("spread", side, at, high, low)]
    series.append(_series("points", "bar", range(len(spans)), [each["bar"] for each in spans.values()]))
    lowest = min(0.3, *(auc["mean"] - auc["spread"] for each in spans.values() for auc in map(each.get, SIDES) if auc))
    x = _named(alt.X, "shown to the discriminator", dict(enumerate(spans)), (-0.5, len(spans) - 0.5))
    y = _axis(alt.Y, "AUC [1]", 6, (lowest, 1))
    return [CardPanel("area under the curve", x, y, tuple(series), limit=(0.5, "guessing"))]


DRAW: dict[str, tuple[Callable[[Data], list[CardPanel]], int]] = {  # how, and in how many columns
    "energy": (_energy, 2),
    "bands": (_bands, 2),
    "autocorrelation": (_autocorrelation, 1),
    "scale": (_scale, 3),
    "kinds": (_kinds, 2),
    "transitions": (_transitions, 3),
    "peak_hours": (_peak_hours, 1),
    "load_factor": (_load_factor, 2),
    "coincidence": (_coincidence, 2),
    "clusters": (_clusters, 1),
    "discriminator": (_discriminator, 1),
    "privacy": (_privacy, 1),
    "pv": (_pv, 2),
    "cars": (_cars, 2),
    "car_clusters": (_clusters, 1),
    "car_discriminator": (_discriminator, 1),
}
