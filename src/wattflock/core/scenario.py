"""A study in one file: what is simulated, learned and judged; frozen, checked, and its hash names the run."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import pydantic
from pydantic import Field
from pydantic.fields import FieldInfo

from wattflock.core import registry, toml
from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.sections import (
    NAME,
    CoordinatorSection,
    DataSection,
    FeederSection,
    HomesSection,
    JudgeSection,
    LearnSection,
    MarketSection,
    Section,
)
from wattflock.core.settings import check_parts, missing_files, problems_of, unknown_held_out

DEMO = "gradmap"  # the scenario where none is named
NAMED = 2  # changed fields in the name of a run
UNITS = {"homes.count": "homes", "learn.rounds": "rounds", "judge.test_days": "days"}  # named first, as 300homes


class Scenario(Section):
    """Everything that decides the result of a run."""

    name: str = Field(pattern=NAME, description="what the run is called: a-z, 0-9, - and _")
    seed: int = Field(default=0, ge=0, le=2**32 - 1, description="chance in training: first policy and batches of days")
    data: DataSection = DataSection()
    homes: HomesSection = HomesSection()
    feeder: FeederSection = FeederSection()
    market: MarketSection = MarketSection()
    coordinator: CoordinatorSection = CoordinatorSection()
    learn: LearnSection = LearnSection()
    judge: JudgeSection = JudgeSection()


def load(path: Path | None = None, sets: list[str] | tuple[str, ...] = ()) -> Scenario:
    """A checked scenario from a file, the name of a bundled one, or `gradmap`; `sets` go on top.

    Raises:
        ScenarioError: lists every problem of file and flags at once.
    """
    scenario, problems, _ = _checked(path, sets)
    if problems or scenario is None:
        raise ScenarioError(problems)
    return scenario


def load_to_run(path: Path | None = None, sets: list[str] | tuple[str, ...] = ()) -> Scenario:
    """As `load`, and what the scenario names is there: files, and homes to hold out where they are known.

    Raises:
        ScenarioError: lists every problem of file and flags at once, with the files and homes that are missing.
    """
    scenario, problems, (tree, where) = _checked(path, sets)
    problems = problems + missing_files(tree, where)
    if scenario is not None:
        problems += unknown_held_out(tree, where)
    if problems or scenario is None:
        raise ScenarioError(problems)
    return scenario


def _checked(path: Path | None, sets: list[str] | tuple[str, ...]) -> tuple[Scenario | None, list[Problem], tuple]:
    """A scenario, None where its fields do not fit; every problem; its fields, and what says where each was set."""
    problems: list[Problem] = []
    file = _find(path, problems)
    tree = toml.read(file, problems) if file else {}
    tree.setdefault("name", file.stem if file and not problems else "scenario")
    defaults = Scenario(name="scenario").model_dump(mode="json")
    flags = {toml.split(text)[0]: f"--set {text}" for text in sets}
    problems += filter(None, [toml.assign(tree, text, defaults) for text in sets])
    source = str(file or path)

    def where(dotted: str) -> str:
        """The flag that set a field, something around it or something in it; else the file."""
        return next(
            (flag for key, flag in flags.items() if f"{dotted}.".startswith(f"{key}.") or key.startswith(f"{dotted}.")),
            source,
        )

    tree = {key: _over(defaults.get(key), value) for key, value in (defaults | tree).items()}
    problems += check_parts(tree, where)
    try:
        return Scenario.model_validate_json(json.dumps(tree, default=str)), problems, (tree, where)
    except pydantic.ValidationError as error:
        found = [_blamed(each, flags, source) for each in problems_of(error, Scenario, (), where)]
        return None, problems + found, (tree, where)


def _blamed(problem: Problem, flags: dict[str, str], source: str) -> Problem:
    """A field of the file that does not fit one that a flag has set is the flag's fault."""
    flag = next((flag for key, flag in flags.items() if key and key in problem.allowed), None)
    return replace(problem, where=flag) if flag and problem.where == source else problem


def dump(scenario: Scenario) -> str:
    """TOML text that loads back to the same scenario."""
    return toml.write(scenario.model_dump(mode="json"))


def fingerprint(scenario: Scenario, more: str = "") -> str:
    """A hash of all fields of a scenario and of the files that it names; `more` describes parts that have no file."""
    canonical = json.dumps(scenario.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256((canonical + more).encode())
    for file in _files_of(scenario):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:10]


def _files_of(scenario: Scenario) -> list[Path]:
    """The user's own files that decide a result: readings, homes, prices, a feeder."""
    sections = (scenario.data, scenario.feeder, scenario.market, *scenario.learn.named.values())
    sections = (*sections, scenario.coordinator)
    values = [scenario.homes.file, scenario.coordinator.limit.file]
    values += [*(value for each in sections for value in each.settings.values())]
    named = [Path(value) for value in values if isinstance(value, str) and value]
    inside = [sorted(path.rglob("*")) if path.is_dir() else [path] for path in named]
    return [path for paths in inside for path in paths if path.is_file()]


def run_id(scenario: Scenario, more: str = "") -> str:
    """The name of a run: what it changes of the bundled scenario of its name, and its fingerprint.

    `gradmap-1a2b…` changes nothing, `through-300homes-1a2b…` the learner and the homes; `portfolios-gradmap-1a2b…`
    nothing of another bundled scenario; one of the user's own is called by its name alone.
    """
    words = [] if scenario.name == DEMO else [scenario.name]
    words += _words_of(load(Path(scenario.name)), scenario) if scenario.name in bundled() else []
    return "-".join([*words, fingerprint(scenario, more)])


def differences(one: Scenario, other: Scenario) -> dict[str, tuple[Any, Any]]:
    """The fields in which two scenarios differ, by dotted name; None where one of them lacks a setting."""
    left, right = (dict(_leaves(each.model_dump(mode="json"))) for each in (one, other))
    names = dict.fromkeys([*left, *right])
    return {name: (left.get(name), right.get(name)) for name in names if left.get(name) != right.get(name)}


def _leaves(tree: toml.Tree, above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _words_of(base: Scenario, scenario: Scenario) -> list[str]:
    """The learner, and at most `NAMED` changes in words for a folder's name; settings of another part go unsaid."""
    changed = {field: mine for field, (_, mine) in differences(base, scenario).items() if field != "learn.part"}
    said = []
    for field, value in sorted(changed.items(), key=lambda each: each[0] not in UNITS):
        section, _, rest = field.partition(".")
        name = field.rpartition(".")[2]
        if rest.startswith("others."):
            continue
        if rest.startswith("settings.") and getattr(base, section).part != getattr(scenario, section).part:
            continue
        if rest == "part":
            said.append(value)
        elif isinstance(value, list) or value is None:
            said.append(name)
        else:
            said.append(f"{value}{UNITS[field]}" if field in UNITS else f"{name}{value}")
    words = [re.sub(r"[^a-z0-9_.]+", "", word.lower())[:20] for word in dict.fromkeys(said)]
    return [scenario.learn.part, *words[:NAMED], *(["more"] if len(words) > NAMED else [])]


def bundled() -> dict[str, Path]:
    """Scenarios that come with the package, by name."""
    folder = Path(str(resources.files("wattflock"))) / "scenarios"
    return {path.stem: path for path in sorted(folder.glob("*.toml"), key=lambda path: path.stem)}


def fields() -> dict[str, FieldInfo]:
    """Every field by its dotted name, as `--set` takes it."""
    found: dict[str, FieldInfo] = {}
    below: list[tuple[str, type[Section]]] = [("", Scenario)]
    for above, section in below:
        for name, field in section.model_fields.items():
            if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
                below.append((f"{above}{name}.", field.annotation))
            else:
                found[f"{above}{name}"] = field
    return found


def _find(path: Path | None, problems: list[Problem]) -> Path | None:
    known = bundled()
    if path is None:
        return known[DEMO]
    if path.exists():
        return path
    if str(path) not in known:
        names = f"a TOML file, or the name of a bundled scenario: {registry.nearest(str(path), known)}"
        problems.append(Problem(str(path), "file", "(missing)", names))
    return known.get(str(path))


def _over(default: object, value: object) -> object:
    return default | value if isinstance(default, dict) and isinstance(value, dict) else value
