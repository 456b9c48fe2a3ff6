"""What charts of runs and studies share: methods, logarithmic axes, and a word where there is nothing to draw."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import altair as alt
import polars as pl

from wattflock.report.theme import HEIGHT, SOFT, WIDTH, Look, methods, themed

HOURS = alt.Scale(domain=[0, 24], nice=False)
HOUR_AXIS = alt.Axis(values=list(range(0, 25, 3)), format="d", title="hour of the day [h]")
PER_DAY = "mpu·h per node and day"  # the unit of violations in all pictures
CALM = "No voltage was outside its limits on any day, under any method."
UNRATED = "No loadings in this run: no rating is known, or none is judged."


class Figures(Mapping[str, Any]):
    """Altair charts by name, each drawn when it is first asked for."""

    def __init__(self, draw: Mapping[str, Callable[[], Any]]):
        self._draw, self._drawn = draw, {}

    def __getitem__(self, name: str) -> Any:
        """The chart; `.save("file.png")` writes it (PNG, SVG, PDF or HTML).

        Raises:
            KeyError: names the figures that there are.
        """
        if name not in self._draw:
            raise KeyError(f"{name!r}; the figures are {', '.join(self._draw)}")
        if name not in self._drawn:
            self._drawn[name] = self._draw[name]()
        return self._drawn[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._draw)

    def __len__(self) -> int:
        return len(self._draw)


def named(table: pl.DataFrame, names: Iterable[str]) -> pl.DataFrame:
    """The table with methods by their human names."""
    labels = {name: look.label for name, look in methods(names).items()}
    return table.with_columns(pl.col("method").replace(labels))


def colour_of(names: Iterable[str], title: str | None = None, **more: Any) -> alt.Color:
    """Colour by method; names are human."""
    looks = methods(names).values()
    scale = alt.Scale(domain=[look.label for look in looks], range=[look.colour for look in looks])
    return alt.Color("method:N", scale=scale, title=title, **more)


def shape_of(names: Iterable[str]) -> alt.Shape:
    """Shape by method, told apart in print."""
    looks = methods(names).values()
    scale = alt.Scale(domain=[look.label for look in looks], range=[look.shape for look in looks])
    return alt.Shape("method:N", scale=scale, title=None)


LINES = alt.Legend(symbolType="stroke", symbolSize=700, symbolStrokeWidth=2.5)  # where dashes tell methods apart


def dash_of(names: Iterable[str]) -> alt.StrokeDash:
    """Dash by method, told apart in print; colours beside it need the legend `LINES`."""
    looks: list[Look] = list(methods(names).values())
    scale = alt.Scale(domain=[look.label for look in looks], range=[list(look.dash or (1, 0)) for look in looks])
    return alt.StrokeDash("method:N", scale=scale, title=None, legend=LINES)


def menu(name: str, label: str, options: list[str], chosen: str) -> alt.Parameter:
    """A menu above the chart; `name` is what expressions call it."""
    return alt.param(name=name, value=chosen, bind=alt.binding_select(options=options, name=f"{label} "))


def numbered(name: str, label: str, options: list[str], chosen: str) -> alt.Parameter:
    """A menu whose value is the place of what is picked among `options`: rows with numbers are shorter than texts."""
    pick = alt.binding_select(options=list(range(len(options))), labels=options, name=f"{label} ")
    return alt.param(name=name, value=options.index(chosen), bind=pick)


def decades(floor: float, top: float) -> tuple[alt.Scale, alt.Axis]:
    """A logarithmic axis that ends at `floor`, where all that is smaller is drawn."""
    top = max(top * 1.3, floor * 10)
    marks = [10.0**place for place in range(round(math.log10(floor)), math.floor(math.log10(top)) + 1)]
    text = f"(datum.value <= {floor * 1.001!r} ? '≤ ' : '') + format(datum.value, '~g')"
    return alt.Scale(type="log", domain=[floor / 1.3, top], nice=False, clamp=True), alt.Axis(
        values=marks, labelExpr=text
    )


def nothing(text: str) -> Any:
    """A chart that says why it is empty."""
    chart = alt.Chart(pl.DataFrame({"text": [text]})).mark_text(fontSize=14, color=SOFT).encode(text="text:N")
    return themed(chart.properties(width=WIDTH, height=HEIGHT // 3), text)
