"""A study of many runs: a file of rows, each a scenario that is run once for each seed."""

import dataclasses
import json
from collections.abc import Iterable, Iterator
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic
from pydantic import Field

from wattflock.core import toml
from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.registry import nearest
from wattflock.core.scenario import Scenario, load
from wattflock.core.settings import STRICT, problems_of
from wattflock.study.quantities import QUANTITIES
from wattflock.study.scaling import EXPONENT

MOST_CLUSTERS = 12  # 2¹² coalitions of them are enough work
SEEDS = "--seeds N, or `seeds = N` in the file: a study runs the seeds 0 to N - 1"
Counts = Annotated[tuple[Annotated[int, Field(ge=1, le=1_000_000)], ...], Field(description="numbers of homes [homes]")]
Seeds = Annotated[int, Field(ge=1, le=1000, description="runs that differ in the chance of training alone [runs]")]


@dataclasses.dataclass(frozen=True)
class StudyRow:
    """One row of a study: its question, and its scenario once for each seed."""

    name: str
    about: str
    scenarios: tuple[Scenario, ...]
    sweep: str = ""  # the row of the file, where it stands for several numbers of homes

    @property
    def names(self) -> tuple[str, ...]:
        """Its own, and that of the row of the file that it is one number of homes of."""
        return tuple(filter(None, (self.name, self.sweep)))

    @property
    def methods(self) -> set[str]:
        """That it compares, or could by a name of its own."""
        one = self.scenarios[0]
        return {"idle", "bound", *one.judge.methods, *one.learn.named}

    def absent(self) -> str:
        """The file of a feeder that the row needs and that is not there; empty where nothing is missing."""
        file = str(self.scenarios[0].feeder.settings.get("file", ""))
        return file if file and not Path(file).is_file() else ""


class Head(pydantic.BaseModel):
    """Fields of a row that are not of its scenario."""

    model_config = STRICT
    about: str = Field(default="", description="what the row asks, in one line")
    seeds: Seeds | None = None
    counts: Counts = Field(
        default=(), description="numbers of homes: the row once for each, in a table and a chart of how training scales"
    )


class Published(pydantic.BaseModel):
    """A figure of a publication, which the study shows beside its own."""

    model_config = STRICT
    paper: str = Field(description="the figure as published, in the unit of `quantity`")
    source: str = Field(description="where it stands: authors, year, place")
    quantity: str = Field(description="a figure of a method, or exponent: of the training time against homes")
    row: str = Field(description="the row with our figure; with exponent a row of several `counts`")
    method: str = Field(description="the method with our figure")
    over: str = Field(default="", description="another method: both figures are `method` over this one")
    over_row: str = Field(default="", description="another row: both figures are those of `row` over this one's")
    about: str = Field(default="", description="what a reader must know to compare the two")


class Claim(pydantic.BaseModel):
    """What a publication says of how a figure changes from row to row; the study says whether it is so here."""

    model_config = STRICT
    text: str = Field(description="the claim, in one line")
    quantity: str = Field(description="a figure of a method")
    way: Literal["rises", "falls"] = Field(description="from each of the rows to the next")
    rows: tuple[str, ...] = Field(min_length=2, description="rows in their order")
    method: str = Field(description="the method whose figure it is")


class Small(pydantic.BaseModel):
    """The small version of a study; its other keys are set in every row."""

    model_config = STRICT
    rows: tuple[str, ...] = Field(min_length=1, description="rows that the small version has")
    seeds: Seeds
    counts: Counts = Field(default=(), description="instead of the numbers of homes of its rows that have several")


class Plan(pydantic.BaseModel):
    """A study's file. `common`, `rows.<name>` and `small` hold fields of a scenario, as `--set` does."""

    model_config = STRICT
    name: str
    about: str = Field(description="what the study asks, in one line")
    scenario: str = Field(default="gradmap", description="the scenario that all rows change: a file or a bundled name")
    seeds: Seeds
    recompile: bool = Field(default=True, description="every run compiles for itself, so that seconds can be compared")
    kind: Literal["runs", "coalition", "interview"] = Field(
        default="runs",
        description="runs: train and judge; coalition: share what homes save together; interview: ask residents",
    )
    methods: tuple[str, ...] = Field(
        default=(), description="ways to share, with kind coalition; settings of the assistant, with kind interview"
    )
    residents: Literal["sentences", "model"] = Field(
        default="sentences", description="who says what residents say, with kind interview and a language model"
    )
    clusters: int = Field(
        default=10, ge=0, le=MOST_CLUSTERS, description="of K-means, with kind coalition; 0: by the elbow"
    )
    references: tuple[str, ...] = Field(
        default=(), description="methods that all others are held against; empty: each row's learner"
    )
    published: tuple[Published, ...] = Field(default=(), description="figures of publications, beside ours")
    claims: tuple[Claim, ...] = Field(default=(), description="what publications say of rows, held against ours")
    common: dict[str, Any] = Field(default_factory=dict, description="what all rows set, unless they say otherwise")
    small: dict[str, Any] = Field(default_factory=dict, description="what the small version keeps and sets")
    rows: dict[str, dict[str, Any]] = Field(min_length=1, description="name of a row -> what it changes")

    def smaller(self) -> "Plan":
        """The small version: fewer rows and seeds, and its own sets on top of theirs.

        Raises:
            ScenarioError: the file has no small version, or names rows there that it does not have.
        """
        problems: list[Problem] = []
        small, more = _split(Small, self.small, f"study {self.name}: small", problems)
        problems += _unknown(small.rows if small else (), self.rows, f"study {self.name}: small.rows")
        if problems or small is None:
            raise ScenarioError(problems)
        rows = {name: _merged(_fewer(self.rows[name], small.counts), more) for name in small.rows}
        kept = self.model_copy(update={"name": f"{self.name}-small", "seeds": small.seeds, "rows": rows})
        there = tuple(each for each in self.published if {each.row, each.over_row or each.row} <= kept.names)
        told = tuple(
            claim.model_copy(update={"rows": some})
            for claim in self.claims
            if len(some := tuple(row for row in claim.rows if row in kept.names)) > 1
        )
        return kept.model_copy(update={"recompile": False, "published": there, "claims": told})

    @property
    def names(self) -> set[str]:
        """Of all rows, and of all that they are where they have several numbers of homes."""
        counts = [(name, count) for name, row in self.rows.items() for count in row.get("counts", ())]
        return {*self.rows, *(f"{name}-{count}" for name, count in counts)}

    def expand(self, picked: Iterable[str] = (), seeds: int = 0, sets: Iterable[str] = ()) -> tuple[StudyRow, ...]:
        """The rows with their scenarios; `picked` of them (all by default), `seeds` each (0: those of the file).

        Raises:
            ScenarioError: lists every problem of all these rows and of `sets` at once.
        """
        load(Path(self.scenario))  # problems of the base itself are reported once, and first
        names = tuple(dict.fromkeys(picked)) or tuple(self.rows)
        problems = _unknown(names, self.rows, "--row")
        if seeds < 0:
            problems.append(Problem("--seeds", "seeds", seeds, "1 or more, or 0: as the file says"))
        found = [
            row for name in names if name in self.rows for row in self._rows(name, seeds, tuple(sets), problems) if row
        ]
        problems += self._wrong_published(found)
        if problems:
            raise ScenarioError([each for place, each in enumerate(problems) if each not in problems[:place]])
        return tuple(found)

    @property
    def drawn(self) -> tuple[str, ...]:
        """Fields of a scenario that each run has from its seed."""
        return ("seed", "homes.seed", "judge.seed") if self.kind == "coalition" else ("seed",)

    def _rows(self, name: str, seeds: int, sets: tuple[str, ...], problems: list[Problem]) -> list[StudyRow]:
        """The row of a name, or one for each of its numbers of homes."""
        where = f"study {self.name}: rows.{name}"
        head, changes = _split(Head, _merged(self.common, self.rows[name]), where, problems)
        given = [*((where, text) for text in _sets(changes)), *((f"--set {text}", text) for text in sets)]
        fields = [(at, *toml.split(text)) for at, text in given]
        problems += [Problem(at, field, value, SEEDS) for at, field, value in fields if field in self.drawn]
        counts = head.counts if head else ()
        each = {f"{name}-{count}": [f"homes.count={count}"] for count in counts} or {name: []}
        found = []
        for row, more in each.items():
            own = [f'name="{self.name}-{row}"', *_sets(changes), *more]
            try:
                scenario = load(Path(self.scenario), [*own, *sets])
            except ScenarioError as error:
                flags = {f"--set {text}" for text in sets}
                problems += [
                    each if each.where in flags else dataclasses.replace(each, where=where) for each in error.problems
                ]
                continue
            if head:
                every = range(seeds or head.seeds or self.seeds)
                some = tuple(scenario.model_copy(update={"seed": seed}) for seed in every)
                found.append(StudyRow(row, head.about, some, name if counts else ""))
        return found

    def _wrong_published(self, rows: list[StudyRow]) -> list[Problem]:
        """What published figures name and is not there; methods are known of rows that were asked for."""
        methods = {name: row.methods for row in rows for name in row.names}
        problems = []
        for place, each in enumerate(self.published):
            allowed = {"row": self.names, "over_row": {"", *self.names}, "quantity": {*QUANTITIES, EXPONENT}}
            if each.row in methods:
                allowed |= {"method": methods[each.row], "over": {"", *methods[each.row]}}
            for field, names in allowed.items():
                if (value := getattr(each, field)) not in names:
                    where = f"published.{place}.{field}"
                    problems.append(Problem(f"study {self.name}", where, value, nearest(value, names)))
        for place, claim in enumerate(self.claims):
            said = [("quantity", claim.quantity, set(QUANTITIES)), *(("rows", row, self.names) for row in claim.rows)]
            said += [("method", claim.method, methods[row]) for row in claim.rows if row in methods]
            for field, value, names in said:
                if value not in names:
                    where = f"claims.{place}.{field}"
                    problems.append(Problem(f"study {self.name}", where, value, nearest(value, names)))
        return problems


def read(name: str) -> Plan:
    """A study by the name of a bundled one, or from a file.

    Raises:
        ScenarioError: there is none, or its file is not a study; lists every problem at once.
    """
    known = bundled()
    path = known.get(name, Path(name))
    problems: list[Problem] = []
    if name not in known and not path.is_file():
        raise ScenarioError([Problem("wattflock study", "name", name, f"a TOML file, or {nearest(name, known)}")])
    tree = toml.read(path, problems)
    if problems:
        raise ScenarioError(problems)
    try:
        return Plan.model_validate_json(json.dumps({"name": path.stem} | tree, default=str))
    except pydantic.ValidationError as error:
        raise ScenarioError(problems_of(error, Plan, (), lambda _: str(path))) from None


def bundled() -> dict[str, Path]:
    """Studies that come with the package, by name."""
    folder = Path(str(resources.files("wattflock"))) / "studies"
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def _split(model: type, tree: toml.Tree, where: str, problems: list[Problem]) -> tuple[Any, toml.Tree]:
    """The keys of `model` as one, checked (None where they are wrong), and the others."""
    own = {key: value for key, value in tree.items() if key in model.model_fields}
    others = {key: value for key, value in tree.items() if key not in own}
    try:
        return model.model_validate_json(json.dumps(own, default=str)), others
    except pydantic.ValidationError as error:
        problems += problems_of(error, model, (), lambda _: where)
        return None, others


def _sets(tree: toml.Tree, above: str = "") -> Iterator[str]:
    """A tree as `--set` takes it, a text for each value; other values are written alike in JSON and TOML.

    Settings beside the part that they are of are one value: those of the part that stood there before are gone.
    """
    for key, value in tree.items():
        if isinstance(value, dict) and not (key == "settings" and "part" in tree):
            yield from _sets(value, f"{above}{key}.")
        else:
            yield f"{above}{key}={toml.literal(value)}"


def _merged(under: toml.Tree, over: toml.Tree) -> toml.Tree:
    both = {
        key: _merged(under[key], value) if isinstance(value, dict) and isinstance(under.get(key), dict) else value
        for key, value in over.items()
    }
    return under | both


def _fewer(row: toml.Tree, counts: tuple[int, ...]) -> toml.Tree:
    """A row without seeds of its own, and with these numbers of homes where it has several."""
    kept = {key: value for key, value in row.items() if key != "seeds"}
    return kept | {"counts": list(counts)} if counts and "counts" in row else kept


def _unknown(names: Iterable[str], rows: Iterable[str], where: str) -> list[Problem]:
    return [Problem(where, "row", name, nearest(name, rows)) for name in names if name not in set(rows)]
