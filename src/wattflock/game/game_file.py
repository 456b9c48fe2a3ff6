"""Games from JSON files: by all their values, or by a rule and its numbers.

Numbers are read as exact fractions; what players are worth alone is taken off before anything becomes a float.
"""

import json
import math
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.files import reason, regular
from wattflock.core.registry import nearest
from wattflock.game.game import EXACT_PLAYERS, Game
from wattflock.game.rules import FIELDS, RuleGame

LARGEST_BYTES = 100_000_000
LARGEST = Fraction(10) ** 100  # so that squares are floats, too
MANY = 20  # problems that are told
TOLD = 60  # letters of a wrong value that are told
NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?(/[0-9]+)?", re.ASCII)
ALLOWED = "a number such as 3, -0.25, 1e6 or 13125/2, at most 1e100 in size"


def read(path: Path) -> Game | RuleGame:
    """The game of a file: `values` (entry m − 1: the coalition of mask m), or `rule`, or `quota` and `weights`.

    Where there are values, they count and not the rule.

    Raises:
        ScenarioError: every problem of the file, with what is allowed.
    """
    found = _Found(str(path))
    content = _content(path)
    if not isinstance(content, dict):
        raise ScenarioError(
            [Problem(str(path), "content", type(content).__name__, "an object with `values` or `rule`")]
        )
    rule = content.get("rule")
    if "values" in content:
        game = _by_values(content, found)
    elif rule is not None or "weights" in content:
        game = _by_rule({"kind": "weighted_voting"} | content if rule is None else rule, content, found)
    else:
        found.add("values", None, f"a list of 2ⁿ − 1 numbers; or `rule`, one of {', '.join(FIELDS)}")
        game = None
    found.tell()
    assert game is not None
    return game


class _Found:
    """Problems of a file."""

    def __init__(self, where: str):
        self.where, self.problems = where, []

    def add(self, field: str, value: object, allowed: str) -> None:
        told = value if isinstance(value, int | float | None) and abs(value or 0) < 1e18 else str(value)
        short = told if not isinstance(told, str) or len(told) <= TOLD else f"{told[:TOLD]}…"
        self.problems.append(Problem(self.where, field, short, allowed))

    def tell(self) -> None:
        """Raises all of them, the first in words and the others by their number."""
        more = len(self.problems) - MANY
        if more > 0:
            self.problems[MANY:] = [Problem(self.where, "…", f"{more:,} more problems", "none")]
        if self.problems:
            raise ScenarioError(self.problems)


def _exact(value: object) -> Fraction | int | None:
    """A number exactly as it is written; None where it is none, or too large."""
    number = value if type(value) is int else None
    if isinstance(value, str) and len(value) <= 400 and NUMBER.fullmatch(value.strip()):
        top, _, bottom = value.strip().partition("/")
        number = Fraction(top) / int(bottom or 1) if int(bottom or 1) else None
    return None if number is None or abs(number) > LARGEST else number


def _content(path: Path) -> Any:
    """What a JSON file says; numbers with a point stay text."""
    try:
        if regular(path).stat().st_size > LARGEST_BYTES:
            size = f"{path.stat().st_size / 1e6:,.0f} MB"
            raise ScenarioError([Problem(str(path), "size", size, f"at most {LARGEST_BYTES / 1e6:.0f} MB")])
        text = path.read_text(encoding="utf-8-sig")
        return json.loads(text, parse_float=str, parse_constant=str, object_pairs_hook=_once)
    except (OSError, ValueError, RecursionError) as error:
        why = "is nested too deeply" if isinstance(error, RecursionError) else reason(error)
        raise ScenarioError([Problem(str(path), "content", why, "a JSON file of a game")]) from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON; ValueError where it has a field twice, of which one would be lost."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"twice in one object: {', '.join(sorted({each for each in names if names.count(each) > 1}))}")
    return found


def _names(content: dict, players: int, found: _Found) -> tuple[str, ...]:
    """Names of players, from 0 where there are none."""
    usual = tuple(f"player {k}" for k in range(players))
    names = content.get("names")
    if names is None:
        return usual
    if not isinstance(names, list) or not all(isinstance(each, str) and each.strip() for each in names):
        found.add("names", names, f"{players} texts")
        return usual
    if len(names) != players:
        found.add("names", f"{len(names)} names", f"{players}, one for each player")
        return usual
    for each in sorted({each for each in names if names.count(each) > 1}):
        found.add("names", each, "a name that no other player has")
    return tuple(names)


def _players(content: dict, found: _Found) -> int | None:
    """How many players the file says there are, if it does."""
    players = content.get("players")
    if players is None or (type(players) is int and players >= 1):
        return players
    found.add("players", players, "a whole number from 1")
    return None


def _by_values(content: dict, found: _Found) -> Game | None:
    values, players = content["values"], _players(content, found)
    if players and players > EXACT_PLAYERS:
        found.add("players", players, too_many(players))
        return None
    if not isinstance(values, list) or not values:
        found.add("values", values, "a list of 2ⁿ − 1 numbers, the empty coalition left out")
        return None
    players = players or len(values).bit_length()
    if players > EXACT_PLAYERS:
        found.add("players", players, too_many(players))
        return None
    names = _names(content, players, found)
    if (lacking := 2**players - 1 - len(values)) != 0:
        last = f"; {_coalition(len(values) + 1, names)} is the first that is missing" if lacking > 0 else ""
        allowed = f"{2**players - 1:,} for {players} players, the empty coalition left out{last}"
        found.add("values", f"{len(values):,} values", allowed)
    exact = [_exact(value) for value in values]
    for mask, (value, number) in enumerate(zip(values, exact, strict=True), 1):
        if number is None:
            found.add(f"values[{mask - 1}] of {_coalition(mask, names)}", value, ALLOWED)
    return None if found.problems else _centred([0, *exact], names)


def _centred(exact: list, names: tuple[str, ...]) -> Game:
    """Values that are still exact, less what the members are worth alone."""
    base, alone = [exact[1 << k] for k in range(len(names))], [0]
    for each in base:
        alone += [before + each for before in alone]
    worth = np.array([float(value - without) for value, without in zip(exact, alone, strict=True)])
    return Game(worth, names, np.array([float(each) for each in base]))


def _coalition(mask: int, names: tuple[str, ...]) -> str:
    return "{" + ", ".join(name for k, name in enumerate(names) if mask >> k & 1) + "}"


def too_many(players: int) -> str:
    """Why so many players are not solved exactly, what that would take, and what to do instead."""
    count = f"{2**players - 1:,}" if players <= 60 else f"2^{players} − 1"
    memory = f"{8 * 2**players / 1e9:,.2f} GB" if players <= 60 else f"2^{players + 3} bytes"
    return (
        f"at most {EXACT_PLAYERS} for exact answers: {players} take {count} values ({memory}), and up to {players - 1} "
        "levels of linear programs that look through all of them for the nucleolus; take an estimate instead: "
        "--samples 20000 (sampled Shapley value with error bars) for a game given by a rule"
    )


def _by_rule(rule: object, content: dict, found: _Found) -> RuleGame | None:
    """A game by its rule: the numbers that it needs, each looked at by its form."""
    kind = rule.get("kind") if isinstance(rule, dict) else rule
    if not isinstance(rule, dict) or not isinstance(kind, str) or kind not in FIELDS:
        found.add("rule.kind", kind, nearest(str(kind), FIELDS))
        return None
    forms = FIELDS[kind]
    read = {field: FORMS[form](f"rule.{field}", rule.get(field), found) for field, form in forms.items()}
    if found.problems:
        return None
    players = _check(kind, read, found)
    if (said := _players(content, found)) not in (None, players):
        found.add("players", said, f"{players}, as the rule has it; or none")
    names = _names(content, players, found)
    if found.problems:
        return None
    numbers = {field: np.array(value, dtype=object) for field, value in read.items() if forms[field] != "players"}
    parts = math.lcm(*(Fraction(each).denominator for array in numbers.values() for each in array.flat))
    whole = {field: np.asarray(array * parts, dtype=float) for field, array in numbers.items()}
    who = {field: np.array(read[field], int) for field, form in forms.items() if form == "players"}
    return RuleGame(kind, whole | who, names, 1 if kind == "weighted_voting" else parts)


def _number(field: str, value: object, found: _Found) -> Fraction | int:
    number = _exact(value)
    if number is None or number < 0:
        found.add(field, value, f"{ALLOWED}, not below 0")
    return number or 0


def _list(field: str, value: object, found: _Found) -> list:
    if not isinstance(value, list) or not value:
        found.add(field, value, "a list of numbers")
        return []
    return [_number(f"{field}[{k}]", each, found) for k, each in enumerate(value)]


def _table(field: str, value: object, found: _Found) -> list:
    if not isinstance(value, list) or not value or not all(isinstance(row, list) for row in value):
        found.add(field, value, "a list of rows of numbers")
        return []
    if len({len(row) for row in value}) > 1:
        found.add(field, f"rows of {', '.join(str(len(row)) for row in value)}", "rows of one length")
    return [_list(f"{field}[{k}]", row, found) for k, row in enumerate(value)]


def _some(field: str, value: object, found: _Found) -> list:
    if not isinstance(value, list) or not value or not all(type(each) is int and each >= 0 for each in value):
        found.add(field, value, "a list of players by number, from 0")
        return []
    return value


FORMS = {"number": _number, "list": _list, "table": _table, "players": _some}


def _check(kind: str, read: dict[str, Any], found: _Found) -> int:
    """What numbers of a rule must be together; returns how many players there are."""
    sides = [field for field, form in FIELDS[kind].items() if form == "players"]
    if sides:
        sorted_players = sorted(each for field in sides for each in read[field])
        if sorted_players != list(range(len(sorted_players))):
            found.add(f"rule: {' and '.join(sides)}", sorted_players, "every player from 0 once")
    if kind == "assignment":
        size, wanted = (len(read["matrix"]), len(read["matrix"][0])), (len(read["rows"]), len(read["columns"]))
        if size != wanted:
            found.add(
                "rule.matrix", f"{size[0]} × {size[1]}", f"{wanted[0]} × {wanted[1]}, as rows and columns have it"
            )
    if kind == "weighted_voting" and read["quota"] <= 0:
        found.add("rule.quota", str(read["quota"]), "more than 0")
    if kind == "mcst_savings":
        table = read["cost_matrix_source_first"]
        if [list(column) for column in zip(*table, strict=True)] != table or len(table) < 2:
            found.add("rule.cost_matrix_source_first", f"{len(table)} rows", "a symmetric table, the source first")
        return len(table) - 1
    if sides:
        return sum(len(read[field]) for field in sides)
    return next(len(read[field]) for field, form in FIELDS[kind].items() if form == "list")
