"""From a kept conversation to a plan for the home, and to files that other programs read."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

if TYPE_CHECKING:
    from wattflock.assistant.plan.parameters import Parameters
    from wattflock.core.errors import Problem
    from wattflock.verbs.results import Planned

Saved = Annotated[Path, "What `wattflock chat` kept."]
Sets = Annotated[
    list[str] | None, "name=value, as in tariff=gb-flat or heat_pump_kw=0 (docs/plan-my-home.md). Can be repeated."
]
TABLES, PICTURES = (".csv", ".json"), (".png", ".svg", ".pdf", ".html")


def plan(
    file: Saved,
    sets: Sets = None,
    horizon: Annotated[float, "How far the plan sees [h], planned anew every 6 h; 0: to the end."] = 0.0,
    out: Annotated[Path | None, "Write a row for each half hour to this .csv or .json file."] = None,
    picture: Annotated[Path | None, "Draw the plan to this .png, .svg, .pdf or .html file."] = None,
) -> object:
    """Plan a home's car, heat, battery and appliances: what runs when, what that saves, what binds, what cannot be.

    The cheapest plan by a linear program, beside the same home that plugs in at once and holds the comfort minimum.
    Wishes that cannot be kept get the nearest offer. What the conversation does not tell is taken as usual, and said.

    Example:
        wattflock assistant plan home.json
        wattflock assistant plan home.json --set tariff=gb-flat --out plan.csv --picture plan.html
    """
    from wattflock.core.errors import ScenarioError

    if wrong := _wrong(horizon, out, picture):
        raise ScenarioError(wrong)
    found = planned(file, sets, horizon)
    if out:
        write_table(found, out)
    if picture:
        draw(found, picture)
    return found


def export(
    file: Saved,
    to: Annotated[str, "scenario, emhass or evcc."] = "scenario",
    out: Annotated[Path | None, "Write it here; it is printed where this is not said."] = None,
    sets: Sets = None,
) -> str:
    """Write a home for other programs: a scenario of a flock that it joins, EMHASS' runtime parameters, evcc's plans.

    Example:
        wattflock assistant export home.json --to scenario --out home.toml
        wattflock assistant export home.json --to evcc --out evcc.json
    """
    from wattflock.assistant.plan.exports import KINDS
    from wattflock.assistant.plan.parameters import read
    from wattflock.core.errors import Problem, ScenarioError
    from wattflock.core.files import refuse_place, write_whole
    from wattflock.core.registry import nearest

    where = "wattflock assistant export"
    wrong = refuse_place(where, "--out", out)
    if to not in KINDS:
        wrong.append(Problem(where, "--to", to, nearest(to, KINDS)))
    if wrong:
        raise ScenarioError(wrong)
    text = KINDS[to](read(file, sets or ()))
    if out is None:
        return text.rstrip()
    write_whole(out, text.encode())
    return f"{to} of {file} in {out}"


def planned(file: Path, sets: list[str] | None = None, horizon_h: float = 0.0) -> "Planned":
    """The plan of a kept conversation, with its sentences.

    Raises:
        ScenarioError: lists every value that cannot be.
        RunError: there is no such file, or it is no conversation.
    """
    from wattflock.assistant.plan.parameters import read

    return planned_for(read(file, sets or ()), horizon_h)


def planned_of(state: object) -> "Planned":
    """The plan of a conversation as `assistant.reply` keeps it between two turns.

    Raises:
        ValueError: it is no such state.
        ScenarioError: lists every value that cannot be.
    """
    from collections.abc import Mapping
    from datetime import date

    from wattflock.assistant.dialogue import resumed
    from wattflock.assistant.plan.parameters import of_slots

    if not isinstance(state, Mapping):
        raise ValueError("state is what the last reply gave")
    kept = resumed(state)
    return planned_for(of_slots(kept.values, where="conversation", today=date.fromisoformat(kept.today)))


def planned_for(parameters: "Parameters", horizon_h: float = 0.0) -> "Planned":
    """The plan of a home, with its sentences."""
    from wattflock.assistant.plan.offers import bindings, offers
    from wattflock.assistant.plan.schedule import plan as schedule
    from wattflock.assistant.plan.words import bound, said
    from wattflock.verbs.results import Planned

    found = schedule(parameters, horizon_h)
    return Planned(found, said(found), bound(found, bindings(found)), offers(found))


def _wrong(horizon: float, out: Path | None, picture: Path | None) -> "list[Problem]":
    from wattflock.core.errors import Problem
    from wattflock.core.files import refuse_place

    where = "wattflock assistant plan"
    wrong = wrong_horizon(where, "--horizon", horizon)
    for name, path, endings in (("--out", out, TABLES), ("--picture", picture, PICTURES)):
        wrong += refuse_place(where, name, path)
        if path and path.suffix not in endings:
            wrong.append(Problem(where, name, str(path), "a file that ends in " + ", ".join(endings)))
    return wrong


def wrong_horizon(where: str, name: str, horizon_h: float) -> "list[Problem]":
    """The problem of a horizon that is too short or too long, or none."""
    from wattflock.core.errors import Problem

    fits = not horizon_h or 12 <= horizon_h <= 168
    return [] if fits else [Problem(where, name, horizon_h, "0, or 12 to 168 h")]


def write_table(found: "Planned", out: Path) -> None:
    """The steps of a plan as CSV, or all of it as JSON."""
    from wattflock.core.files import csv_bytes, write_json, write_whole

    if out.suffix == ".csv":
        write_whole(out, csv_bytes(found.table))
    else:
        write_json(out, found.facts)


def draw(found: "Planned", picture: Path) -> None:
    """The picture of a plan; as HTML, a page with its sentences."""
    from wattflock.core.files import write_whole
    from wattflock.report.plan_page import page
    from wattflock.report.theme import save

    chart = found.figures["plan"]
    if picture.suffix == ".html":
        write_whole(picture, page("A plan for your home", found.sentences, chart).encode())
    else:
        save(chart, picture)
