"""A study of the interview: personas, seeds and settings; every interview is kept, so that a study can go on."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from wattflock.assistant.extract import extract
from wattflock.assistant.interview import First, Setting, Unread, Usual, interview, keeps
from wattflock.assistant.kept import plan_keeps
from wattflock.assistant.models.model import Model
from wattflock.assistant.react import STYLES, ReAct
from wattflock.assistant.residents.resident import PAPER, PERSONAS, Resident, drawn
from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.files import read_json, write_json
from wattflock.core.registry import nearest
from wattflock.study.study_file import Plan, StudyRow

OF_RULES = {
    "rules": Setting(),
    "no-read-back": Setting(Unread(extract)),
    "no-clarification": Setting(First(extract), most=1),
    "neither": Setting(Unread(First(extract)), most=1),
    "form": Setting(Unread(extract), asked_before=1),
    "usual": Setting(Usual(), most=1),
}


@dataclass(frozen=True)
class Case:
    """An interview: who is asked, by whom; `model` reads in the style `method`, without one the rules do."""

    persona: str
    seed: int
    method: str
    model: Model | None = None
    speaks: bool = False  # the model also says what the resident says

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.persona}, {self.method}, {self.seed}"

    def file(self, folder: Path) -> Path:
        """Where it is kept; another model is another file."""
        of = hashlib.sha256(f"{self.model}{self.speaks}".encode()).hexdigest()[:8]
        return folder / "interviews" / f"{self.persona}-{self.method}-{self.seed}-{of}.json"

    def setting(self) -> Setting:
        """Who reads and who asks."""
        return Setting(ReAct(self.model, STYLES[self.method])) if self.model else OF_RULES[self.method]


def cases(plan: Plan, rows: Iterable[StudyRow], model: Model | None = None) -> list[Case]:
    """Every persona, seed and setting: settings of the rules, or with a model styles of its loop.

    Raises:
        ScenarioError: rows that are no personas, methods that are no settings, or none for who reads.
    """
    rows, known = tuple(rows), (*OF_RULES, *STYLES)
    wrong = [
        Problem(f"study {plan.name}", "rows", row.name, nearest(row.name, PERSONAS))
        for row in rows
        if row.name not in PERSONAS
    ]
    wrong += [
        Problem(f"study {plan.name}", "methods", each, nearest(each, known))
        for each in plan.methods
        if each not in known
    ]
    some: tuple[str, ...] = tuple(STYLES if model else OF_RULES)
    methods = [each for each in plan.methods if each in some]
    if not methods and not wrong:
        reader = "a language model" if model else "the rules"
        wrong.append(Problem(f"study {plan.name}", "methods", plan.methods, f"with {reader} some of {', '.join(some)}"))
    if wrong:
        raise ScenarioError(wrong)
    speaks = plan.residents == "model" and model is not None
    return [
        Case(row.name, scenario.seed, method, model, speaks)
        for row in rows
        for method in methods
        for scenario in row.scenarios
    ]


def solved(case: Case, folder: Path, fresh: bool = False) -> dict:
    """An interview: `slots`, a line each; `keeps`, constraints; `talk`. From its file where it is finished."""
    path = case.file(folder)
    if fresh or not path.exists():
        truth, setting = drawn(case.seed), case.setting()
        heard = dict.fromkeys(PAPER, setting.asked_before)
        resident = Resident(case.persona, truth, case.seed, case.model if case.speaks else None, heard)
        asked, talk = interview(resident, setting)
        values = {each.slot: each.value for each in asked if each.value is not None}
        kept = keeps(values, truth) | plan_keeps(values, truth)
        place = {"persona": case.persona, "method": case.method, "seed": case.seed}
        write_json(path, {"slots": [place | each.line() for each in asked], "keeps": place | kept, "talk": talk})
    return read_json(path)


def tables(found: Iterable[dict]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A line for each interview and slot, and one for each interview and constraint."""
    found = list(found)
    slots = [
        line | {"truth": str(line["truth"]), "value": _shown(line["value"])} for one in found for line in one["slots"]
    ]
    kept = [
        {**{name: one["keeps"][name] for name in ("persona", "method", "seed")}, "constraint": name, "kept": value}
        for one in found
        for name, value in one["keeps"].items()
        if isinstance(value, bool)
    ]
    return pl.DataFrame(slots, infer_schema_length=None), pl.DataFrame(kept, infer_schema_length=None)


def _shown(value: object) -> str:
    return "" if value is None else str(value)
