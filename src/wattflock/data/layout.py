"""How a file is laid out: which column is what, units, stamps, registers; from a small file of its own, or told."""

import tomllib
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

import pydantic

from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.files import reason, regular
from wattflock.core.registry import nearest

Stamped = Literal["auto", "start", "end"]
Zeros = Literal["auto", "gaps", "zero"]
Counts = Literal["auto", "energy", "register"]
Clock = Literal["local", "utc"]
FOLDER = "formats"


class Layout(pydantic.BaseModel):
    """A layout of files; what is empty is found out from the header and the cells."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    about: Annotated[str, pydantic.Field(description="whose files they are")] = ""
    header: Annotated[
        tuple[str, ...], pydantic.Field(description="a file with all of these columns has this layout")
    ] = ()
    skip: Annotated[int, pydantic.Field(ge=0, description="lines before the header, where it is not found")] = 0
    columns: Annotated[
        dict[str, str],
        pydantic.Field(description="time, home, load, .. = column; `A + B` is a sum, or a date and a clock"),
    ] = {}
    units: Annotated[dict[str, str], pydantic.Field(description="unit of load, pv, .. where names do not tell")] = {}
    registers: Annotated[
        dict[str, str],
        pydantic.Field(description="where a row is a register: its name = load, import, export, pv, none"),
    ] = {}
    stamps: Annotated[Stamped, pydantic.Field(description="whether stamps name the start or the end of a step")] = (
        "auto"
    )
    counts: Annotated[Counts, pydantic.Field(description="whether values are energies, or registers that count up")] = (
        "auto"
    )
    zeros: Annotated[Zeros, pydantic.Field(description="whether rows that are left out are gaps, or 0")] = "auto"
    zone: Annotated[str, pydantic.Field(description="where the homes are")] = ""
    clock: Annotated[Clock, pydantic.Field(description="clock of stamps without an offset")] = "local"
    currency: Annotated[str, pydantic.Field(description="of the prices")] = ""

    def over(self, other: "Layout") -> "Layout":
        """The settings that are told here, and those of another layout where nothing is."""
        told = {name: getattr(self, name) for name in self.model_fields_set}
        for name in ("columns", "units", "registers"):
            told[name] = getattr(other, name) | told.get(name, {})
        return other.model_copy(update=told)


def formats() -> dict[str, Layout]:
    """The layouts that come along, by name."""
    folder = resources.files("wattflock.data").joinpath(FOLDER)
    files = sorted((each for each in folder.iterdir() if each.name.endswith(".toml")), key=lambda each: each.name)
    return {each.name.removesuffix(".toml"): _read(each.read_text(encoding="utf-8"), each.name) for each in files}


def format_of(name: str) -> Layout:
    """A layout by name, or of a file `….toml`.

    Raises:
        ScenarioError: there is none of this name, or the file says what no layout has.
    """
    if name.endswith(".toml"):
        try:
            return _read(regular(Path(name)).read_text(encoding="utf-8-sig"), name)
        except (OSError, UnicodeDecodeError) as error:
            raise ScenarioError(
                [Problem("format", "file", f"{name} {reason(error)}", "a file with a layout")]
            ) from error
    known = formats()
    if name not in known:
        raise ScenarioError([Problem("format", "name", name, f"{nearest(name, tuple(known))}, or a file FILE.toml")])
    return known[name]


def found_by_header(columns: Iterable[str]) -> tuple[str, Layout]:
    """The layout whose header this is, the longest of them; an empty one without a name where there is none."""
    there = {folded(each) for each in columns}
    fitting = [
        (name, each)
        for name, each in formats().items()
        if each.header and {folded(one) for one in each.header} <= there
    ]
    return max(fitting, key=lambda item: len(item[1].header), default=("", Layout()))


def spelled(layout: Layout, columns: Iterable[str]) -> Layout:
    """A format with the names of a file's own columns, whose letters may be small; without those that are not there."""
    own = {folded(each): each for each in columns}
    named = {}
    for key, column in layout.columns.items():
        whole = [own[folded(column)]] if folded(column) in own else []
        parts = whole or [own[folded(part)] for part in column.split(" + ") if folded(part) in own]
        named |= {key: " + ".join(parts)} if parts else {}
    return layout.model_copy(update={"columns": named})


def folded(name: str) -> str:
    """A column's name for comparison: small letters, single spaces."""
    return " ".join(name.lower().split())


def _read(text: str, name: str) -> Layout:
    try:
        return Layout.model_validate(tomllib.loads(text))
    except (pydantic.ValidationError, ValueError) as error:
        raise ScenarioError(_problems(error, name)) from None


def _problems(error: Exception, name: str) -> list[Problem]:
    if not isinstance(error, pydantic.ValidationError):
        return [Problem(name, "file", str(error).splitlines()[0], "TOML, as in docs/data.md")]
    allowed = ", ".join(Layout.model_fields)
    return [
        Problem(name, ".".join(map(str, each["loc"])), each.get("input"), f"{each['msg']}; a layout has {allowed}")
        for each in error.errors()
    ]
