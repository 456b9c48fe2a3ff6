"""TOML text to nested dicts and back, and `--set section.field=value` on top of them."""

import copy
import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wattflock.core.errors import Problem
from wattflock.core.files import regular

Tree = dict[str, Any]
DEEPEST = 50


def read(path: Path, problems: list[Problem]) -> Tree:
    """The tables of a file; syntax errors are added to `problems`, with their line."""
    try:
        text = regular(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        problems.append(Problem(str(path), "file", reason, "a TOML file that can be read"))
        return {}
    try:
        return _shallow(tomllib.loads(text))
    except RecursionError:
        problems.append(Problem(str(path), "TOML", "nested too deeply", f"tables and lists {DEEPEST} deep at most"))
        return {}
    except ValueError as error:  # also a number of thousands of digits
        line = re.search(r"line (\d+)", str(error))
        number = int(line[1]) if line else text.count("\n") + 1
        wrong = (text.splitlines() or [""])[min(number, len(text.splitlines())) - 1]
        problems.append(Problem(f"{path}:{number}", "TOML", wrong.strip(), f"TOML ({error})"))
        return {}


def _shallow(tree: Tree) -> Tree:
    """The same; RecursionError where tables and lists are nested more than `DEEPEST` deep."""
    level: list[Any] = [tree]
    for _ in range(DEEPEST):
        inside = [each.values() if isinstance(each, dict) else each for each in level]
        level = [value for values in inside for value in values if isinstance(value, dict | list)]
    if level:
        raise RecursionError
    return tree


def assign(tree: Tree, text: str, defaults: Tree) -> Problem | None:
    """Puts one `section.field=value` into `tree`; a table that is absent there starts from `defaults`."""
    dotted, sign, value = text.partition("=")
    keys = dotted.strip().split(".")
    if not sign or not all(keys):
        return Problem(f"--set {text}", "--set", text, "section.field=value, as in learn.rounds=200")
    for key in keys[:-1]:
        default = defaults.get(key, {})
        tree = tree.setdefault(key, copy.deepcopy(default))
        if not isinstance(tree, dict):
            return Problem(f"--set {text}", dotted, value, f"a field; {key} is a value, not a section")
        defaults = default if isinstance(default, dict) else {}
    tree[keys[-1]] = _value(value.strip())
    return None


def split(text: str) -> tuple[str, object]:
    """The field of `section.field=value` and its value."""
    dotted, _, value = text.partition("=")
    return dotted.strip(), _value(value)


def assignments(fields: Mapping[str, object]) -> list[str]:
    """Dotted fields and their values, each as `assign` takes it: `homes.count=50`."""
    return [f"{field}={literal(value)}" for field, value in fields.items()]


def write(tree: Tree) -> str:
    """TOML text that reads back to the same tree; plain values first, then one header for each table."""
    return "\n".join(_lines(tree, ())).strip() + "\n"


def _value(text: str) -> object:
    try:
        parsed = _shallow(tomllib.loads(f"value = {text}"))
    except (ValueError, RecursionError):
        return text
    return parsed["value"] if list(parsed) == ["value"] else text


def _lines(tree: Tree, above: tuple[str, ...]) -> list[str]:
    lines = [f"{_key(key)} = {literal(value)}" for key, value in tree.items() if not isinstance(value, dict)]
    for key, value in tree.items():
        if isinstance(value, dict):
            path = (*above, _key(key))
            lines += ["", f"[{'.'.join(path)}]", *_lines(value, path)]
    return lines


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else literal(key)


def literal(value: object) -> str:
    """A value as TOML writes it."""
    match value:
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case Path():
            return literal(str(value))
        case bool():
            return str(value).lower()
        case list() | tuple():
            return "[" + ", ".join(literal(item) for item in value) + "]"
        case dict():
            return "{" + ", ".join(f"{_key(key)} = {literal(item)}" for key, item in value.items()) + "}"
        case _:
            return repr(value)
