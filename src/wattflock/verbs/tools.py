"""The verbs as tools of a language model: plain arguments, plain text or JSON back, files only below one folder."""

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from wattflock.core.errors import Problem, ScenarioError

if TYPE_CHECKING:
    from wattflock.assistant.plan.parameters import Parameters
    from wattflock.verbs.results import Planned

Values = Annotated[
    dict[str, Any] | None,
    Field(description="what is known of the home, by name, as list_slots says; the rest is taken as usual, and said"),
]
Kept = Annotated[str, Field(description="a file that `wattflock chat` or save_home kept; empty: none")]
Confirm = Annotated[bool, Field(description="true only once the user has agreed that this is written")]
File = Annotated[str, Field(description="a file below the working folder")]
WHERE = "argument"


@dataclass(frozen=True)
class Tools:
    """Tools that read and write below `folder` only."""

    folder: Path

    def list_slots(self) -> list[dict[str, Any]]:
        """What a plan must know of a home: name, unit, allowed values, the usual value, and a question to ask."""
        from wattflock.assistant.plan.parameters import KNOWN, usual_of

        return [
            {"name": slot.name, "allowed": slot.allowed(), "usual": usual_of(slot.name), "says": slot.says}
            | ({"question": slot.question} if slot.question else {})
            for slot in KNOWN.values()
        ]

    def list_tariffs(self) -> list[dict[str, Any]]:
        """Tariffs that `tariff` can name; it can also be a price, or bands [[from hour, to hour, price], …]."""
        from wattflock.assistant.plan.tariffs import known

        return [{"name": name, "currency": each.currency, "says": each.said} for name, (_, each) in known().items()]

    def read_answer(
        self,
        utterance: Annotated[str, Field(description="the resident's words")],
        asked: Annotated[list[str], Field(description="slots that the question was about")],
        question: str = "",
        locale: Annotated[str, Field(description="en-GB, en-US or de")] = "en-GB",
    ) -> dict[str, Any]:
        """Read slots out of a resident's words by rules: value, candidates, evidence, and what must be read back."""
        from wattflock.assistant.extract import extract
        from wattflock.assistant.files import as_json
        from wattflock.assistant.grammar.text import LOCALES, locale_of
        from wattflock.assistant.slots import SLOTS
        from wattflock.core.registry import nearest

        wrong = [Problem(WHERE, "asked", slot, nearest(slot, SLOTS)) for slot in asked if slot not in SLOTS]
        family = locale_of(locale) or ""
        if not family:
            wrong.append(Problem(WHERE, "locale", locale, " | ".join(LOCALES)))
        if wrong:
            raise ScenarioError(wrong)
        found = as_json(extract(utterance, tuple(asked), question, family))
        return {slot: each for slot, each in found.items() if slot in asked or each["state"] != "unknown"}

    def plan_home(self, values: Values = None, kept: Kept = "", horizon_h: float = 0.0) -> dict[str, Any]:
        """Plan a home's car, heat, battery and appliances: sentences, offers for what cannot be, costs, what binds."""
        facts = self._planned(values, kept, horizon_h).facts
        return {name: each for name, each in facts.items() if name != "steps"}

    def plan_steps(self, values: Values = None, kept: Kept = "") -> str:
        """The same plan as CSV: a row for each half hour with prices, powers [kW] and levels."""
        return self._planned(values, kept).table.write_csv()

    def export_home(
        self,
        to: Annotated[str, Field(description="scenario, emhass or evcc")],
        values: Values = None,
        kept: Kept = "",
    ) -> str:
        """A home for other programs: a scenario of a flock (TOML), EMHASS' runtime parameters, evcc's plans (JSON)."""
        from wattflock.assistant.plan.exports import KINDS
        from wattflock.core.registry import nearest

        if to not in KINDS:
            raise ScenarioError([Problem(WHERE, "to", to, nearest(to, KINDS))])
        return KINDS[to](self._parameters(values, kept))

    def list_parts(self, room: str = "") -> list[dict[str, Any]]:
        """Parts that a scenario can name: data sources, devices, feeders, markets, coordinators, learners."""
        from wattflock.verbs.study import parts

        found: Any = parts(room)
        return found.table.to_dicts()

    def explain_name(self, name: str) -> str:
        """What a part, a field of a scenario or a figure means, such as gradmap, learn.rounds or saving_captured."""
        from wattflock.verbs.explain import explanation

        return explanation(name)

    def list_scenarios(self) -> list[str]:
        """Scenarios that come along, by name."""
        from wattflock.core.scenario import bundled

        return list(bundled())

    def list_runs(self) -> list[dict[str, Any]]:
        """Comparisons in the folder `runs`: a row for each method, newest first."""
        import polars as pl

        from wattflock.verbs.study import runs

        found: Any = runs(runs=self._inside("runs"))
        return json.loads(found.table.with_columns(pl.selectors.float().fill_nan(None)).write_json())

    def save_home(self, file: File, values: Values = None, kept: Kept = "", confirm: Confirm = False) -> str:
        """Keep what is known of a home as a conversation that `wattflock chat --resume` goes on with; writes a file."""
        from dataclasses import replace

        from wattflock.assistant.dialogue import begun, saved
        from wattflock.assistant.slots import SLOTS
        from wattflock.core.files import write_json

        path = self._agreed(file, (".json",), confirm)
        parameters = self._parameters(values, kept)
        before, today = self._told(kept)
        told = {**before, **{name: value for name, value in (values or {}).items() if name in SLOTS}}
        write_json(path, saved(replace(begun(today=today), values=told)))
        return f"kept {len(told)} values of a home in or near {parameters.city} in {file}"

    def write_plan(self, file: File, values: Values = None, kept: Kept = "", confirm: Confirm = False) -> str:
        """Write the plan to a .csv or .json table, or a .png, .svg, .pdf or .html picture."""
        from wattflock.verbs.planning import PICTURES, TABLES, draw, write_table

        path = self._agreed(file, (*TABLES, *PICTURES), confirm)
        (write_table if path.suffix in TABLES else draw)(self._planned(values, kept), path)
        return f"the plan is in {file}"

    def write_export(
        self, file: File, to: str, values: Values = None, kept: Kept = "", confirm: Confirm = False
    ) -> str:
        """Write what export_home gives to a file."""
        from wattflock.core.files import write_whole

        path = self._agreed(file, (".toml",) if to == "scenario" else (".json",), confirm)
        write_whole(path, self.export_home(to, values, kept).encode())
        return f"{to} is in {file}"

    def compare_methods(
        self,
        scenario: Annotated[str, Field(description="a bundled name, or a TOML file below the working folder")],
        sets: Annotated[list[str] | None, Field(description="section.field=value, such as homes.count=20")] = None,
        confirm: Confirm = False,
    ) -> dict[str, Any]:
        """Train and judge the methods of a scenario; takes minutes and writes to the folder `runs`."""
        from wattflock.core.scenario import bundled, load
        from wattflock.verbs.study import compare

        runs = self._agreed("runs", ("",), confirm)
        file = Path(scenario) if scenario in bundled() else self._inside(scenario)
        self._refuse_outside(load(file, sets or []).model_dump(mode="json"))
        found: Any = compare(file, sets, runs)
        return {"run": found.folder.name, "methods": found.summary["methods"], "notes": found.summary.get("notes", [])}

    def _planned(self, values: dict[str, Any] | None, kept: str, horizon_h: float = 0.0) -> "Planned":
        from wattflock.verbs.planning import planned_for, wrong_horizon

        if wrong := wrong_horizon(WHERE, "horizon_h", horizon_h):
            raise ScenarioError(wrong)
        return planned_for(self._parameters(values, kept), horizon_h)

    def _parameters(self, values: dict[str, Any] | None, kept: str) -> "Parameters":
        from wattflock.assistant.plan.parameters import of_slots

        told, today = self._told(kept)
        return of_slots(told, values or {}, WHERE, today)

    def _told(self, kept: str) -> tuple[dict[str, Any], date | None]:
        """What a kept conversation agreed on, and the day it counts from; nothing where there is none."""
        from wattflock.assistant.dialogue import opened

        if not kept:
            return {}, None
        found = opened(self._inside(kept))
        return dict(found.values), date.fromisoformat(found.today)

    def _inside(self, name: str) -> Path:
        """The path of a file below the folder, links followed.

        Raises:
            ScenarioError: it is elsewhere.
        """
        path, folder = (self.folder / name).resolve(), self.folder.resolve()
        if path == folder or not path.is_relative_to(folder):
            raise ScenarioError([Problem(WHERE, "file", name, "a path below the working folder")])
        return path

    def _agreed(self, file: str, endings: tuple[str, ...], confirm: bool) -> Path:
        """The path to write to.

        Raises:
            ScenarioError: it is elsewhere, ends otherwise, or the user has not agreed.
        """
        path = self._inside(file)
        wrong = []
        if path.suffix not in endings:
            wrong.append(Problem(WHERE, "file", file, "a file that ends in " + ", ".join(endings)))
        if not confirm:
            there = "replaces" if path.is_file() else "writes"
            wrong.append(Problem(WHERE, "confirm", confirm, f"true, once the user has agreed: this {there} {file}"))
        if wrong:
            raise ScenarioError(wrong)
        return path

    def _refuse_outside(self, tree: Any) -> None:
        """Raises ScenarioError where a scenario names a file that is not below the folder."""
        for text in _texts(tree):
            if "/" in text or "\\" in text or text.startswith("~") or (self.folder / text).exists():
                self._inside(text)


def _texts(tree: Any) -> list[str]:
    if isinstance(tree, str):
        return [tree]
    inner = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list | tuple) else ()
    return [text for each in inner for text in _texts(each)]


READING = (
    "list_slots", "list_tariffs", "read_answer", "plan_home", "plan_steps", "export_home", "list_parts",
    "explain_name", "list_scenarios", "list_runs",
)  # fmt: skip
WRITING = ("save_home", "write_plan", "write_export", "compare_methods")
PROMPT = """Help me to plan my home. Call list_slots once, then ask me for one thing at a time, in everyday words; skip
what I do not have. Read my answers with read_answer; where it returns a read_back, ask me that and wait for my yes;
where it is ambiguous, ask me which. When I do not know, say the usual value and take it. Never invent a value. Then
call plan_home with what I agreed to, tell me its sentences, the offers where something cannot be, what binds, and what
was taken as usual. Anything can be changed: plan again. Ask before you write a file, and set confirm only then.
"""


def as_text(found: Any) -> str:
    """A tool's result as text."""
    return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)
