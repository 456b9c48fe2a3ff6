"""The figures of a what-if: heat maps of shares for each method, with the boundary at which the first limit breaks."""

from collections.abc import Iterable
from typing import Any

import altair as alt
import polars as pl

from wattflock.report.charts import Figures, colour_of, named, shape_of
from wattflock.report.theme import HEIGHT, INK, LINE, PAPER, SEQUENTIAL, SOFT, WIDTH, methods, themed
from wattflock.report.whatif_words import MANY
from wattflock.study.whatif.outcome import NO_SOLUTION, Swept

ACROSS = ("cars", "panels", "heat_pumps", "batteries")  # which sweep lies across, the first that has several shares
UP = ("heat_pumps", "batteries", "panels", "cars")
MARKS = {"low voltage": "V−", "high voltage": "V+", "loading": "I", "unbalance": "U", NO_SOLUTION: "×"}
FULL = (0.0, 99.99, 100.0, 150.0, 200.0)  # use at each colour [%]: blue below the limit
USED = ("#e6f0f8", "#7db3dc", "#fdae4b", "#e8601c", "#6d0012")
DARK, LIGHT = "#15202d", "#fdfdfd"  # of numbers in cells, which keep their colours on a dark page
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
    """Altair charts by name: `limits`, `taken`, and one for each of `QUANTITIES` that is known."""
    draw = {"limits": lambda: limits(found), "taken": lambda: taken(found)}
    known = [name for name in QUANTITIES if found.cells[name].count()]
    return Figures(draw | {name: (lambda name=name: quantity(found, name)) for name in known})


def axes(found: Swept) -> tuple[str, str]:
    """The sweeps that lie across and up; where there is one alone it lies across, and up is it as well."""
    several = [name for name in found.sweeps if len(found.asked.sweeps[name]) > 1] or list(found.sweeps)
    across = next(name for name in ACROSS if name in several)
    return across, next((name for name in UP if name in several and name != across), across)


def limits(found: Swept) -> Any:
    """How much of the tightest limit is used in each cell, a heat map for each method, with the boundary.

    The line stands between cells that keep every limit under all seeds and cells that do not.
    """
    scale = alt.Scale(domain=list(FULL), range=list(USED), clamp=True, nice=False)
    legend = alt.Legend(title="use of the tightest limit [%]", gradientLength=220, values=[0, 50, 100, 150, 200])
    colour = alt.Color("value:Q", scale=scale, legend=legend)
    table = _placed(found, "use_share").with_columns(value=100 * pl.col("use_share"))
    light = "datum.value > 135"
    panels = [_panel(found, table, each, colour, (".0f", light, True)) for each in _panels(found, table)]
    return themed(alt.concat(*panels, columns=_columns(panels)), said(found))


def quantity(found: Swept, name: str) -> Any:
    """One quantity in each cell, mean over seeds, a heat map for each method; the boundary is that of `limits`."""
    title, factor, form, worse = QUANTITIES[name]
    colours = list(SEQUENTIAL) if worse else list(reversed(SEQUENTIAL))
    table = _placed(found, name).with_columns(value=factor * pl.col(name))
    low, high = (float(each or 0) for each in (table["value"].min(), table["value"].max()))  # type: ignore[arg-type]
    high = high if high > low else low + 1
    steps = [low + place * (high - low) / (len(colours) - 1) for place in range(len(colours))]
    scale = alt.Scale(domain=steps, range=colours, nice=False)
    titled = title.format(currency=found.summary["currency"])
    colour = alt.Color("value:Q", scale=scale, legend=alt.Legend(title=titled, gradientLength=220, format=form))
    dark = f"datum.value > {low + 0.5 * (high - low)!r}" if worse else f"datum.value < {low + 0.5 * (high - low)!r}"
    panels = [_panel(found, table, each, colour, (form, dark, False)) for each in _panels(found, table)]
    return themed(alt.concat(*panels, columns=_columns(panels)), f"{titled} in each cell, by method. {said(found)}")


def taken(found: Swept) -> Any:
    """How many homes with a device are taken beside each share of another: from the lowest to the highest seed."""
    across, up = axes(found)
    looks = methods(found.methods)
    table = found.taken.filter(pl.col("sweep") == across)
    for other in found.sweeps:  # of all others, at their lowest share
        if other not in (across, up):
            table = table.filter(pl.col(other) == found.asked.sweeps[other][0])
    beside = pl.lit("alone") if up == across else pl.format("{} %", (100 * pl.col(up)).round(1).cast(pl.Int64))
    table = named(table.with_columns(beside=beside), found.methods).with_columns(
        none=pl.col("none_seeds") > 0, low=pl.col("least_homes").fill_null(0), high=pl.col("most_homes").fill_null(0)
    )
    order = table["beside"].unique(maintain_order=True).to_list()
    title = None if up == across else f"homes with {_plural(up)}"
    labels = [look.label for look in looks.values()]
    base = alt.Chart(table).encode(
        x=alt.X("beside:N", sort=order, title=title, axis=alt.Axis(labelAngle=0)),
        xOffset=alt.XOffset("method:N", sort=labels),
        color=colour_of(found.methods),
    )
    top = alt.Scale(domain=[0, round(found.asked.sweeps[across][-1] * found.asked.homes) or 1], nice=True)
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


def _placed(found: Swept, name: str) -> pl.DataFrame:
    """Cells with their places on the map, from 0: `i` across and `j` up; `facet` names method and other shares."""
    across, up = axes(found)
    shares = found.asked.sweeps
    number = {each: {share: place for place, share in enumerate(shares[each])} for each in (across, up)}
    others = [each for each in found.sweeps if each not in (across, up) and len(shares[each]) > 1]
    words = [pl.format("{} % " + MANY[each], (100 * pl.col(each)).round(1).cast(pl.Int64)) for each in others]
    return found.cells.with_columns(
        i=pl.col(across).replace_strict(number[across], return_dtype=pl.Int64),
        j=pl.lit(0) if up == across else pl.col(up).replace_strict(number[up], return_dtype=pl.Int64),
        facet=pl.concat_str(words, separator=", ") if others else pl.lit(""),
        value=pl.col(name),
    )


def _panels(found: Swept, table: pl.DataFrame) -> list[tuple[str, str]]:
    """(method, other shares) of each panel, methods side by side."""
    facets = table["facet"].unique(maintain_order=True).to_list()
    return [(method, facet) for facet in facets for method in found.methods]


def _columns(panels: list) -> int:
    return min(COLUMNS, len(panels))


def _panel(found: Swept, table: pl.DataFrame, panel: tuple[str, str], colour: alt.Color, text: tuple) -> Any:
    """One heat map: cells, their numbers, the boundary, and a mark for the limit that is broken."""
    (method, facet), (form, light, marked) = panel, text
    across, up = axes(found)
    wide, high = len(found.asked.sweeps[across]), 1 if up == across else len(found.asked.sweeps[up])
    cells = table.filter((pl.col("method") == method) & (pl.col("facet") == facet)).with_columns(
        i2=pl.col("i") + 1, j2=pl.col("j") + 1, middle=pl.col("i") + 0.5, centre=pl.col("j") + 0.5,
        broken=pl.col("kept_seeds") < pl.col("seeds"),
        mark=pl.when(pl.col("kept_seeds") < pl.col("seeds")).then(pl.col("limit").replace(MARKS)).otherwise(pl.lit("")),
        kept=pl.format("{} of {} seeds", "kept_seeds", "seeds"),
    )  # fmt: skip
    x = alt.X("i:Q", scale=alt.Scale(domain=[0, wide], nice=False), axis=_axis(found, across))
    y = alt.Y("j:Q", scale=alt.Scale(domain=[0, high], nice=False), axis=None if up == across else _axis(found, up))
    known, unknown = cells.filter(pl.col("value").is_not_null()), cells.filter(pl.col("value").is_null())
    tips = [alt.Tooltip(f"{name}:Q", format=".0%", title=f"homes with {_plural(name)}") for name in found.sweeps]
    tips += [alt.Tooltip("value:Q", format=".4~g"), "limit:N", alt.Tooltip("kept:N", title="all limits kept in")]
    edge = {"stroke": PAPER, "strokeWidth": 1}
    layers = [
        alt.Chart(known).mark_rect(**edge).encode(x=x, x2="i2:Q", y=y, y2="j2:Q", color=colour, tooltip=tips),
        alt.Chart(unknown).mark_rect(fill=LINE, **edge).encode(x=x, x2="i2:Q", y=y, y2="j2:Q", tooltip=tips),
        *_texts(known, unknown, form, light, marked),
        alt.Chart(_boundary(cells)).mark_rule(color=INK, strokeWidth=3, strokeCap="square").encode(
            x="x:Q", x2="x2:Q", y="y:Q", y2="y2:Q"
        ),
    ]  # fmt: skip
    label = methods(found.methods)[method].label
    title = alt.TitleParams(label, subtitle=facet) if facet else alt.TitleParams(label)
    return alt.layer(*layers).properties(
        title=title, width=WIDTH // COLUMNS - 20, height=max(CELL * high, LEAST_HEIGHT if high > 1 else 60)
    )


def _texts(known: pl.DataFrame, unknown: pl.DataFrame, form: str, light: str, marked: bool) -> Iterable[Any]:
    """The number of each cell, and below it the mark of its broken limit; "no flow" where there is no solution."""
    colour = alt.condition(light, alt.value(LIGHT), alt.value(DARK))
    base = alt.Chart(known).encode(x="middle:Q", y="centre:Q", color=colour)
    yield base.mark_text(fontSize=11, dy=-5 if marked else 0).encode(text=alt.Text("value:Q", format=form))
    if marked:
        yield base.mark_text(fontSize=9, dy=8).encode(text="mark:N")
    if len(unknown):
        none = alt.Chart(unknown.with_columns(none=pl.lit("no flow")))
        yield none.mark_text(fontSize=9, color=SOFT).encode(x="middle:Q", y="centre:Q", text="none:N")


def _axis(found: Swept, name: str) -> alt.Axis:
    shares = found.asked.sweeps[name]
    labels = "[" + ",".join(f"'{100 * share:.4g}'" for share in shares) + "]"
    return alt.Axis(
        values=[place + 0.5 for place in range(len(shares))],
        labelExpr=f"{labels}[floor(datum.value)]",
        title=f"homes with {_plural(name)} [%]",
        grid=False,
        ticks=False,
        domain=False,
    )


def _boundary(cells: pl.DataFrame) -> pl.DataFrame:
    """The edges between neighbours of which one keeps every limit under all seeds and the other does not."""
    broken = {(row["i"], row["j"]): row["broken"] for row in cells.iter_rows(named=True)}
    edges = []
    for (i, j), here in broken.items():
        if broken.get((i + 1, j), here) != here:
            edges.append((i + 1, j, i + 1, j + 1))
        if broken.get((i, j + 1), here) != here:
            edges.append((i, j + 1, i + 1, j + 1))
    return pl.DataFrame(edges, schema=dict.fromkeys(("x", "y", "x2", "y2"), pl.Int64), orient="row")


def _plural(name: str) -> str:
    return name.replace("_", " ")
