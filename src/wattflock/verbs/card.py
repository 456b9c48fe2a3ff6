"""The report card of made homes."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

if TYPE_CHECKING:
    from wattflock.data.home_days import HomeDays


def card(
    synthetic: Annotated[
        Path,
        "Made homes: a folder of `generate`, or a Parquet or CSV of rows for each home and time (local clock).",
    ],
    reals: Annotated[
        list[str] | None,
        "Real homes: such a file, or SOURCE=PATH with a source of ours (london=folder). Repeat it where load, PV and "
        "cars come from different sets. Without it the card shows the made homes alone.",
    ] = None,
    held_out: Annotated[str, "Real homes that the generator never saw, as id,id,id; the others are of training."] = "",
    columns: Annotated[
        list[str] | None, "What a column is called in the files: load_kw=demand. Can be repeated."
    ] = None,
    out: Annotated[Path, "Folder to write card.html, card-*.png, card.json and card.csv to."] = Path("card"),
) -> object:
    """Judge made homes against real ones: a page, pictures, and a table of what is held and what falls short.

    Works on any generator's long table: home, time and some of load_kw (or load_kwh), pv_kw, ev_plugged,
    ev_charging_need_kwh, ev_driving_kwh. Powers are judged hour by hour.

    Example:
        wattflock data card homes --real london=../london --held-out MAC000012,MAC000019 --out card
        wattflock data card foreign.csv --column home=customer --column load_kw=demand
    """
    from wattflock.core.errors import gathered
    from wattflock.core.progress import bar, say
    from wattflock.report.card_input import read_flock
    from wattflock.report.card_page import summary, write_card
    from wattflock.synth.card import collect

    names = dict(each.split("=", 1) for each in columns or () if "=" in each)
    read = [partial(read_flock, synthetic, names), *(partial(_real, real, names) for real in reals or [])]
    _, (made, notes), *measured = gathered(partial(_refuse_columns, columns or []), *read)
    training, kept = _split([flock for flock, _ in measured], held_out)
    with bar("card", 100) as progress:
        facts = collect(training, kept, made, lambda share, text: progress.at(round(90 * share), text))
        progress.at(90, "pages and pictures")
        facts["notes"] = [*notes, *(text for _, said in measured for text in said), *facts["notes"]]
        written = write_card(out, facts)
        progress.at(100, "done")
    say(f"page    {written[2]}\nfigures {out}/card-*.png\nfacts   {written[0]}, {written[1]}")
    return summary(facts)


def _real(given: str, names: dict[str, str]) -> "tuple[HomeDays, list[str]]":
    """A long table, or what a source of ours makes of its owner's files, and what was mended in them."""
    from wattflock.core.registry import files, part
    from wattflock.core.settings import make
    from wattflock.data.check import check, refuse
    from wattflock.data.clean import clean
    from wattflock.data.source import DataSource
    from wattflock.report.card_input import read_flock

    source, _, path = given.partition("=")
    if source not in files("data"):
        return read_flock(Path(given), names)
    raw = make(part("data", DataSource, source), {"path": path} if path else {}).raw()
    refuse(check(raw))
    cleaned = clean(raw)
    mended = ", ".join(f"{what} {times:,}" for what, times in cleaned.counts().items())
    return cleaned.flock, [f"{raw.card['source']}; {mended or 'nothing mended'}"]


def _refuse_columns(columns: list[str]) -> None:
    from wattflock.core.errors import Problem, ScenarioError

    allowed = "ours=theirs, as in load_kw=demand"
    if wrong := [Problem("--column", "column", each, allowed) for each in columns if "=" not in each]:
        raise ScenarioError(wrong)


def _split(measured: "list[HomeDays]", held_out: str) -> "tuple[tuple[HomeDays, ...], tuple[HomeDays, ...]]":
    """Training and held-out homes of every real set; raises for homes that no set has."""
    from wattflock.core.errors import Problem, ScenarioError

    kept = [home.strip() for home in held_out.split(",") if home.strip()]
    there = [home for flock in measured for home in flock.homes]
    if unknown := [home for home in kept if home not in there]:
        known = (
            ", ".join(there[:5]) + (f" … ({len(there)} homes)" if len(there) > 5 else "") or "none: there is no --real"
        )
        raise ScenarioError(
            [Problem("wattflock data card", "--held-out", ", ".join(unknown), f"homes of --real: {known}")]
        )
    sides = []
    for wanted in (False, True):
        chosen = [tuple(home for home in flock.homes if (home in kept) == wanted) for flock in measured]
        sides.append(tuple(flock.only(homes) for flock, homes in zip(measured, chosen, strict=True) if homes))
    return sides[0], sides[1]
