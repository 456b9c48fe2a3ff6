"""The plan of one home: what each device draws, what that leaves at the meter, and what is in store."""

from typing import Any

import altair as alt
import polars as pl

from wattflock.report.theme import BLUE, GREY, HEIGHT, INK, PAPER, RED, SOFT, WIDTH, held, series_colours, themed

LEVELS = {  # column of the steps → title of its picture
    "ev_soc_pct": "car [% full]",
    "battery_soc_pct": "home battery [% full]",
    "indoor_c": "indoors [°C]",
}
NAMED = "datum.label == 'ev' ? 'car' : datum.label == 'load' ? 'everything else' : datum.label"
TIME_AXIS = alt.Axis(format="%a %H:%M", title=None, labelAngle=0, tickCount=8)


def plan_days(steps: pl.DataFrame, powers: pl.DataFrame, nets: pl.DataFrame, currency: str) -> Any:
    """Powers of devices above the levels; the dearer a kWh, the darker the ground.

    Args:
        steps: a row for each step: begins, import_price_per_kwh, and the columns of `LEVELS` that there are.
        powers: series, begins, ends, kw, low, high.
        nets: series (planned, without a plan), begins, ends, kw.
        currency: of the prices.
    """
    least, most = steps["import_price_per_kwh"].min(), steps["import_price_per_kwh"].max()
    title = f"The darker the ground, the dearer a kWh: {least:.3g} to {most:.3g} {currency}"
    top = alt.layer(_ground(steps, currency), _zero(), _bars(powers))
    top = top.properties(width=WIDTH, height=HEIGHT - 80, title=alt.Title(title, fontSize=12, fontWeight="normal"))
    meter = alt.layer(_ground(steps, currency), _zero(), _lines(nets)).properties(width=WIDTH, height=130)
    stores = [_level(steps, name) for name in LEVELS if name in steps.columns]
    chart = alt.vconcat(top, meter, *stores).resolve_scale(color="independent", opacity="shared", x="shared")
    return themed(chart, "A home's plan: what each device draws (above zero) or gives (below), and what is in store.")


def _ground(steps: pl.DataFrame, currency: str) -> Any:
    """Spells of one price."""
    spells = steps.select("begins", price="import_price_per_kwh").with_columns(
        ends=pl.col("begins").shift(-1).fill_null(pl.col("begins").max() + pl.duration(minutes=30)),
        spell=pl.col("price").rle_id(),
    )
    table = spells.group_by("spell").agg(pl.col("begins").min(), pl.col("ends").max(), pl.col("price").first())
    least, most = float(table["price"].min()), float(table["price"].max())  # type: ignore[arg-type]
    depth = alt.Scale(domain=[least, max(most, least + 1e-9)], range=[0.03, 0.18])
    tip = alt.Tooltip("price:Q", format=".4f", title=f"price [{currency}/kWh]")
    return (
        alt.Chart(table)
        .mark_rect(color=INK)
        .encode(x=_time(), x2="ends:T", opacity=alt.Opacity("price:Q", scale=depth, legend=None), tooltip=[tip])
    )


def _time() -> alt.X:
    return alt.X("begins:T", axis=TIME_AXIS)


def _zero() -> Any:
    return alt.Chart(pl.DataFrame({"at": [0.0]})).mark_rule(color=SOFT).encode(y="at:Q")


def _bars(powers: pl.DataFrame) -> Any:
    names = powers["series"].unique(maintain_order=True).to_list()
    colours = list(series_colours(names).values())
    legend = alt.Legend(labelExpr=NAMED, columns=7)
    colour = alt.Color("series:N", scale=alt.Scale(domain=names, range=colours), title=None, legend=legend)
    tips = ["series:N", alt.Tooltip("begins:T", format="%a %H:%M"), alt.Tooltip("kw:Q", format=".2f", title="kW")]
    y = alt.Y("low:Q", title="power drawn [kW]")
    bars = alt.Chart(powers).mark_rect(stroke=PAPER, strokeWidth=0.4)
    return bars.encode(x=_time(), x2="ends:T", y=y, y2="high:Q", color=colour, tooltip=tips)


def _lines(nets: pl.DataFrame) -> Any:
    domain = ["planned", "without a plan"]
    colour = alt.Color("series:N", scale=alt.Scale(domain=domain, range=[BLUE, GREY]), title=None)
    dash = alt.StrokeDash("series:N", scale=alt.Scale(domain=domain, range=[[1, 0], [4, 3]]), legend=None)
    line = alt.Chart(held(nets, "begins", "ends", ("series",))).mark_line(interpolate="step-after", strokeWidth=1.6)
    return line.encode(x=_time(), y=alt.Y("kw:Q", title="at the meter [kW]"), color=colour, strokeDash=dash)


def _level(steps: pl.DataFrame, name: str) -> Any:
    table = steps.select("begins", value=pl.col(name).fill_nan(None))
    return (
        alt.Chart(table)
        .mark_line(color=RED if name == "indoor_c" else BLUE)
        .encode(x=_time(), y=alt.Y("value:Q", title=LEVELS[name], scale=alt.Scale(zero=False)))
        .properties(width=WIDTH, height=90)
    )
