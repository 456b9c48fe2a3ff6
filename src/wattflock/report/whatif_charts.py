"""The figures of a what-if: heat maps of shares for each method, with the boundary at which the first limit breaks."""

from collections.abc import Iterable
from typing import Any

import altair as alt
import polars as pl

from wattflock.report.charts import Figures, colour_of, named, shape_of
from wattflock.report.theme import HEIGHT, INK, LINE, PAPER, SEQUENTIAL, SOFT, WIDTH, methods, themed
from wattflock.report.whatif_words import MANY, rising, several, with_it
from wattflock.study.whatif.outcome import NO_SOLUTION, Swept

ACROSS = ("cars", "panels", "heat_pumps", "batteries")  # which sweep lies across, the first that has several shares
UP = ("heat_pumps", "batteries", "panels", "cars")
MARKS = {"low voltage": "V−", "high voltage": "V+", "loading": "I", "unbalance": "U", NO_SOLUTION: "×"}
FULL = (0.0, 99.99, 100.0, 150.0, 200.0)  # use at each colour [%]: blue below the limit
USED = ("#e6f0f8", "#7db3dc", "#fdae4b", "#e8601c", "#6d0012")
DARK, LIGHT = "#15202d", "#fdfdfd"  # of numbers in cells, which keep their colours on a dark page
KNOWN, UNKNOWN = ("datum.what == 'cell' && " + text for text in ("isValid(datum.value)", "!isValid(datum.value)"))
CELL, COLUMNS, LEAST_HEIGHT = 40, 3, 120  # px of a cell's height; panels beside each other
QUANTITIES = {  # column → title, factor, format, whether more is worse
    "lowest_pu": ("lowest voltage [pu]", 1, ".3f", False),
    "highest_pu": ("highest voltage [pu]", 1, ".3f", True),
    "violated_share": ("violated node-steps [%]", 100, ".2~f", True),
    "worst_loading": ("worst loading [% of the rating]", 100, ".0f", True),
    "worst_unbalance": ("worst unbalance [%]", 100, ".2f", True),
    "more_kw": ("hosting left, median place [kW]", 1, ".1f", False),
    "more_cars": ("places for one more charger", 1, ".0f", False),
    "cost_per_home_day": ("cost [{currency} per home and day]", 1, ".2f", True),
}


def figures(found: Swept) -> Figures:
    """Altair charts by name: `growth` of a single row of cells, `limits`, `taken`, and each of `QUANTITIES` known."""
    across, up = axes(found)
    draw = {"growth": lambda: growth(found)} if across == up and len(found.asked.sweeps[across]) > 1 else {}
    draw |= {"limits": lambda: limits(found), "taken": lambda: taken(found)}
    known = [name for name in QUANTITIES if found.cells[name].count()]
    return Figures(draw | {name: (lambda name=name: quantity(found, name)) for name in known})


def axes(found: Swept) -> tuple[str, str]:
    """The sweeps that lie across and up; where there is one alone it lies across, and up is it as well."""
    grown = several(found)
    across = next(name for name in ACROSS if name in grown)
    if found.asked.together:
        return across, across
    return across, next((name for name in UP if name in grown and name != across), across)


def growth(found: Swept) -> Any:
    """Use of the tightest limit against the share of homes with the devices, by method: mean and range over seeds."""
    across, _ = axes(found)
    numbers = {"share": across, "mean": "use_share", "least": "use_share_least", "most": "use_share_most"}
    known = found.cells.drop_nulls("use_share")  # null where a seed has none: the others alone would flatter
    percent = [(100 * pl.col(name)).alias(new) for new, name in numbers.items()]
    table = named(known.select("method", *percent), found.methods)
    axis = alt.Axis(values=[100 * share for share in found.asked.sweeps[across]], labelFlush=False)
    x = alt.X("share:Q", title=f"homes with {rising(found, across)} [%]", axis=axis)
    y = alt.Y("mean:Q", title="use of the tightest limit [%]", scale=alt.Scale(zero=True))
    tips = ["method:N", "share:Q", *(alt.Tooltip(f"{name}:Q", format=".0f") for name in ("mean", "least", "most"))]
    base = alt.Chart(table).encode(x=x, color=colour_of(found.methods))
    whole = alt.Chart(pl.DataFrame({"use": [100.0]})).encode(y="use:Q").mark_rule(color=INK, strokeDash=[5, 4])
    layers = [
        base.mark_area(opacity=0.15).encode(y=alt.Y("least:Q"), y2="most:Q"),
        whole,
        base.mark_line(strokeWidth=2).encode(y=y, tooltip=tips),
        base.mark_point(size=60, filled=True).encode(y=y, shape=shape_of(found.methods), tooltip=tips),
    ]
    text = "Use of the tightest limit as more homes own the devices; the dashed line is the limit."
    return themed(alt.layer(*layers).properties(width=WIDTH, height=HEIGHT), f"{text} {said(found)}")


def limits(found: Swept) -> Any:
    """How much of the tightest limit is used in each cell by the worst seed, for each method, with the boundary.

    The line stands between cells that keep every limit under all seeds and cells that do not; the dashed one between
    cells that do so under most seeds and others.
    """
    scale = alt.Scale(domain=list(FULL), range=list(USED), clamp=True, nice=False)
    legend = alt.Legend(
        title="use of the tightest limit, worst seed [%]", gradientLength=220, values=[0, 50, 100, 150, 200]
    )
    colour = alt.Color("value:Q", scale=scale, legend=legend)
    worst = pl.when(pl.col("solved_seeds") == pl.col("seeds")).then(100 * pl.col("use_share_most"))
    table = _placed(found, worst, pl.lit(False))
    return themed(_maps(found, table, colour, (".0f", "datum.value > 135", True)), said(found))


def quantity(found: Swept, name: str) -> Any:
    """One quantity in each cell, as `over_seeds` has it, by method; the boundary is that of `limits`."""
    title, factor, form, worse = QUANTITIES[name]
    colours = list(SEQUENTIAL) if worse else list(reversed(SEQUENTIAL))
    table = _placed(found, factor * pl.col(name), pl.col("more_kw_capped") if name == "more_kw" else pl.lit(False))
    low, high = (float(each or 0) for each in (table["value"].min(), table["value"].max()))  # type: ignore[arg-type]
    high = high if high > low else low + 1
    steps = [low + place * (high - low) / (len(colours) - 1) for place in range(len(colours))]
    titled = title.format(currency=found.summary["currency"])
    colour = alt.Color(
        "value:Q",
        scale=alt.Scale(domain=steps, range=colours, nice=False),
        legend=alt.Legend(title=titled, gradientLength=220, format=form),
    )
    light = f"datum.value {'>' if worse else '<'} {low + 0.5 * (high - low)!r}"
    return themed(_maps(found, table, colour, (form, light, False)), f"{titled} in each cell, by method. {said(found)}")


def taken(found: Swept) -> Any:
    """How many homes with a device are taken beside each share of another: from the lowest to the highest seed."""
    across, up = axes(found)
    looks = methods(found.methods)
    table = found.taken.filter(pl.col("sweep") == across)
    for other in found.asked.beside(across):  # of all others, at their lowest share
        if other != up:
            table = table.filter(pl.col(other) == found.asked.sweeps[other][0])
    beside = (
        pl.lit(with_it(found, across) or "alone")
        if up == across
        else pl.format("{} %", (100 * pl.col(up)).round(1).cast(pl.Int64))
    )
    table = named(table.with_columns(beside=beside), found.methods).with_columns(
        none=pl.col("none_seeds") > 0, low=pl.col("least_homes").fill_null(0), high=pl.col("most_homes").fill_null(0)
    )
    order = table["beside"].unique(maintain_order=True).to_list()
    title = None if up == across else f"homes with {MANY[up]}"
    labels = [look.label for look in looks.values()]
    base = alt.Chart(table).encode(
        x=alt.X("beside:N", sort=order, title=title, axis=alt.Axis(labelAngle=0)),
        xOffset=alt.XOffset("method:N", sort=labels),
        color=colour_of(found.methods),
    )
    top = alt.Scale(domain=[0, round(found.asked.sweeps[across][-1] * found.asked.all_homes) or 1], nice=True)
    y = alt.Y("low:Q", title=f"{MANY[across]} taken [homes]", scale=top)
    tips = ["method:N", "beside:N", "low:Q", "high:Q", alt.Tooltip("none_seeds:Q", title="seeds that take none")]
    ranges = base.mark_rule(strokeWidth=3, strokeCap="round").encode(y=y, y2="high:Q", tooltip=tips)
    ends = base.encode(shape=shape_of(found.methods), tooltip=tips)
    chart = alt.layer(ranges, ends.mark_point(size=70).encode(y=y), ends.mark_point(size=70).encode(y="high:Q"))
    text = f"{MANY[across].capitalize()} that the feeder takes under each method. {said(found)}"
    return themed(chart.properties(width=WIDTH, height=HEIGHT - 60), text)


def said(found: Swept) -> str:
    """The text alternative of the maps: in how many cells each method keeps all limits, and which break first."""
    looks, parts = methods(found.methods), []
    for name in found.methods:
        table = found.cells.filter(pl.col("method") == name)
        kept = int((table["kept_seeds"] == table["seeds"]).sum())
        broken = table.filter(pl.col("kept_seeds") < pl.col("seeds"))
        common = broken["limit"].mode().sort().to_list()
        why = f", most others by {common[0]}" if common else ""
        parts.append(f"{looks[name].label}: all limits kept in {kept} of {table.height} cells{why}.")
    return " ".join(parts)


def _placed(found: Swept, value: pl.Expr, capped: pl.Expr) -> pl.DataFrame:
    """Cells with their corners on the map, `panel`, the method and other shares, and `value` (`capped`: or more)."""
    across, up = axes(found)
    shares, looks = found.asked.sweeps, methods(found.methods)
    number = {each: {share: float(place) for place, share in enumerate(shares[each])} for each in (across, up)}
    others = [each for each in found.asked.beside(across) if each != up and len(shares[each]) > 1]
    labels = pl.col("method").replace({name: look.label for name, look in looks.items()})
    words = [pl.format("{} % " + MANY[each], (100 * pl.col(each)).round(1).cast(pl.Int64)) for each in others]
    broken = pl.col("kept_seeds") < pl.col("seeds")
    placed = found.cells.with_columns(
        x=pl.col(across).replace_strict(number[across]),
        y=pl.lit(0.0) if up == across else pl.col(up).replace_strict(number[up]),
        panel=pl.concat_str([labels, *words], separator=", "),
        value=value,
        capped=capped,
        broken=broken,
        mostly=2 * pl.col("kept_seeds") <= pl.col("seeds"),
        mark=pl.when(broken).then(pl.col("limit").replace(MARKS)).otherwise(pl.lit("")),
        kept=pl.format("{} of {} seeds", "kept_seeds", "seeds"),
        what=pl.lit("cell"),
    )
    at, of = ("panel", "what", "x", "y", "x2", "y2"), ("value", "capped", "broken", "mostly", "mark", "kept", "limit")
    return placed.with_columns(x2=pl.col("x") + 1, y2=pl.col("y") + 1).select(*at, *of, *found.sweeps)


def _maps(found: Swept, cells: pl.DataFrame, colour: alt.Color, text: tuple) -> Any:
    """A heat map for each panel: cells, their numbers, the boundary, and a mark for the limit that is broken."""
    across, up = axes(found)
    wide, high = len(found.asked.sweeps[across]), 1 if up == across else len(found.asked.sweeps[up])
    panels = cells["panel"].unique(maintain_order=True).to_list()
    lines = {"edge": "broken", "most": "mostly"}
    edges = [_boundary(cells.filter(pl.col("panel") == each), *line) for each in panels for line in lines.items()]
    table = pl.concat([cells, *edges], how="diagonal")
    x = alt.X("x:Q", scale=alt.Scale(domain=[0, wide], nice=False), axis=_axis(found, across))
    axis = None if up == across else _axis(found, up)
    y = alt.Y("y:Q", scale=alt.Scale(domain=[0, high], nice=False), axis=axis)
    tips = [alt.Tooltip(f"{name}:Q", format=".0%", title=f"homes with {MANY[name]}") for name in found.sweeps]
    tips += [alt.Tooltip("value:Q", format=".4~g"), "limit:N", alt.Tooltip("kept:N", title="all limits kept in")]
    base = alt.Chart().encode(x=x, x2="x2:Q", y=y, y2="y2:Q")
    edge = {"stroke": PAPER, "strokeWidth": 1}
    layers = [
        base.transform_filter(KNOWN).mark_rect(**edge).encode(color=colour, tooltip=tips),
        base.transform_filter(UNKNOWN).mark_rect(fill=LINE, **edge).encode(tooltip=tips),
        *_texts(x, y, text),
        base.transform_filter("datum.what == 'most'").mark_rule(color=INK, strokeWidth=3, strokeDash=[5, 4]),
        base.transform_filter("datum.what == 'edge'").mark_rule(color=INK, strokeWidth=3, strokeCap="square"),
    ]
    size = {"width": WIDTH // COLUMNS - 20, "height": max(CELL * high, LEAST_HEIGHT if high > 1 else 60)}
    facet = alt.Facet("panel:N", sort=panels, title=None)
    return alt.layer(*layers, data=table).properties(**size).facet(facet, columns=min(COLUMNS, len(found.methods)))


def _texts(x: alt.X, y: alt.Y, text: tuple) -> Iterable[Any]:
    """The number of each cell, and below it the mark of its broken limit; "no flow" where there is no solution."""
    form, light, marked = text
    middle = {"at_x": "datum.x + 0.5", "at_y": "datum.y + 0.5"}
    told = f"(datum.capped ? '≥ ' : '') + format(datum.value, '{form}')"
    at = {
        "x": alt.X("at_x:Q", scale=x["scale"], axis=x["axis"]),
        "y": alt.Y("at_y:Q", scale=y["scale"], axis=y["axis"]),
    }
    known, unknown = (alt.Chart().transform_filter(which).transform_calculate(**middle) for which in (KNOWN, UNKNOWN))
    known = known.transform_calculate(told=told)
    coloured = known.encode(**at, color=alt.condition(light, alt.value(LIGHT), alt.value(DARK)))
    yield coloured.mark_text(fontSize=11, dy=-5 if marked else 0).encode(text="told:N")
    if marked:
        yield coloured.mark_text(fontSize=9, dy=8).encode(text="mark:N")
    yield unknown.mark_text(fontSize=9, color=SOFT).encode(**at, text=alt.value("no flow"))


def _axis(found: Swept, name: str) -> alt.Axis:
    shares = found.asked.sweeps[name]
    labels = "[" + ",".join(f"'{100 * share:.4g}'" for share in shares) + "]"
    return alt.Axis(
        values=[place + 0.5 for place in range(len(shares))],
        labelExpr=f"{labels}[floor(datum.value)]",
        title=f"homes with {rising(found, name)} [%]",
        grid=False,
        ticks=False,
        domain=False,
    )


def _boundary(cells: pl.DataFrame, what: str, by: str) -> pl.DataFrame:
    """The edges between neighbours that differ in the column `by`, as rows called `what`."""
    broken = {(row["x"], row["y"]): row[by] for row in cells.iter_rows(named=True)}
    edges = []
    for (x, y), here in broken.items():
        if broken.get((x + 1, y), here) != here:
            edges.append((x + 1, y, x + 1, y + 1))
        if broken.get((x, y + 1), here) != here:
            edges.append((x, y + 1, x + 1, y + 1))
    lines = pl.DataFrame(edges, schema=dict.fromkeys(("x", "y", "x2", "y2"), pl.Float64), orient="row")
    return lines.with_columns(panel=pl.lit(cells["panel"][0]), what=pl.lit(what))
