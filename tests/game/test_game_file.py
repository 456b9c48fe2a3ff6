"""Games from files: exact numbers, every problem at once, and the verb that solves them."""

import json
import re
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from wattflock.apps.cli import make_app
from wattflock.core.errors import ScenarioError
from wattflock.game.game import Game
from wattflock.game.game_file import read
from wattflock.game.rules import RuleGame
from wattflock.verbs import GROUPS, VERBS
from wattflock.verbs.results import SolvedGame
from wattflock.verbs.sharing import game as solve


@pytest.fixture
def written(tmp_path):
    """Writes a file and returns its path."""

    def write(content: object):
        path = tmp_path / "game.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write


def problems(path) -> list[str]:
    with pytest.raises(ScenarioError) as refused:
        read(path)
    return [f"{each.field} = {each.value!r}; {each.allowed}" for each in refused.value.problems]


def test_numbers_are_exact_whatever_they_are_written_as(written):
    game = read(written('{"values": [1000000000.1, "1e9", 2000000000.4, "-3000/7", 1e9, "0.5", " 3000000001 "]}'))
    assert isinstance(game, Game)
    assert game.base.tolist() == [1000000000.1, 1e9, -3000 / 7]
    assert game.worth[3] == 0.3  # to the last digit, though the values are of 1e9
    assert game.worth[[0, 1, 2, 4]].tolist() == [0, 0, 0, 0]
    assert game.names == ("player 0", "player 1", "player 2")


def test_every_problem_of_the_values_is_told_at_once(written):
    wrong = {"names": ["a", "b", "a"], "values": ["x", None, "1/0", True, float("nan"), "1e101", [1]]}
    found = problems(written(wrong))
    assert [each.split(" ")[0] for each in found] == ["names", *(f"values[{k}]" for k in range(7))]
    assert "values[2] of {a, b} = '1/0'; a number such as" in found[3]
    assert "'a'; a name that no other player has" in found[0]
    many = problems(written({"values": ["x"] * 127}))
    assert (len(many), "107 more problems" in many[-1]) == (21, True)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "cannot be read"),
        ("[1, 2]", "an object with `values` or `rule`"),
        ("[" * 100_000, "nested too deeply"),
        ({}, "values = None; a list of 2ⁿ − 1 numbers; or `rule`"),
        ({"values": []}, "values = '[]'; a list"),
        ({"values": [1, 2, 3, 4]}, "values = '4 values'; 7 for 3 players"),
        ({"values": [1, 2, 3, 4], "names": ["a", "b", "c"]}, "{a, c} is the first that is missing"),
        ({"values": [0, 1, 2, 3], "players": 2}, "3 for 2 players, the empty coalition left out"),
        ({"values": [0, 1, 2], "players": "two"}, "players = 'two'; a whole number from 1"),
        ({"values": [0, 1, 2], "names": ["a"]}, "names = '1 names'; 2, one for each player"),
        ({"values": [0, 1, 2], "names": ["a", " "]}, "2 texts"),
        ({"values": [0, 1, 2, 3], "players": 30}, "30 take 1,073,741,823 values (8.59 GB)"),
        ({"values": [0], "players": 21}, "21 take 2,097,151 values (0.02 GB)"),
        ({"values": [0], "players": 10**6}, "2^1000000 − 1 values"),
        ('{"values": [%s, 0, 0]}' % ("9" * 3000), "999…'"),
        ({"rule": {"kind": "gloves"}}, "did you mean 'glove'"),
        ({"rule": "glove"}, "rule.kind = 'glove'"),
        ({"rule": {"kind": ["glove"]}}, "rule.kind = \"['glove']\"; one of airport_savings"),
        ('{"values": [0, 0, 5], "names": ["a", "b"], "values": [1, 1, 9]}', "twice in one object: values"),
        ('{"rule": {"kind": "glove", "left": [0], "left": [1], "right": [2]}}', "twice in one object: left"),
        ({"rule": {"kind": "glove", "left": [0], "right": [2]}}, "every player from 0 once"),
        ({"rule": {"kind": "glove", "left": [0]}}, "rule.right = None; a list of players"),
        ({"rule": {"kind": "airport_savings", "costs": [1, "x", -2]}}, "rule.costs[2] = -2; a number"),
        ({"rule": {"kind": "airport_savings", "costs": [1, 2]}, "players": 3}, "players = 3; 2, as the rule has it"),
        ({"rule": {"kind": "assignment", "matrix": [[1, 2], [3]], "rows": [0], "columns": [1]}}, "rows of one length"),
        ({"rule": {"kind": "assignment", "matrix": [[1, 2]], "rows": [0], "columns": [1]}}, "'1 × 2'; 1 × 1"),
        ({"rule": {"kind": "mcst_savings", "cost_matrix_source_first": [[0, 1], [2, 0]]}}, "a symmetric table"),
        ({"quota": 0, "weights": [1, 2]}, "rule.quota = '0'; more than 0"),
        ({"quota": None, "weights": 3}, "rule.weights = 3; a list of numbers"),
    ],
)  # fmt: skip
def test_what_is_no_game_is_told(content, words, written):
    assert words in "\n".join(problems(written(content)))


def test_a_mark_of_the_byte_order_is_no_fault(written):
    assert read(written('\ufeff{"values": [0, 0, 5]}')).total == 5


def test_a_missing_and_a_huge_file_are_told(tmp_path):
    assert "is missing" in problems(tmp_path / "none.json")[0]
    huge = tmp_path / "huge.json"
    with huge.open("wb") as file:
        file.truncate(200_000_000)
    assert "'200 MB'; at most 100 MB" in problems(huge)[0]


def test_rules_compare_decimals_exactly(written):
    game = read(written('{"quota": 0.3, "weights": [0.1, 0.2, 0.1]}'))
    assert isinstance(game, RuleGame)
    assert game.values(np.array([[1, 1, 0], [1, 0, 1]], bool)).tolist() == [1, 0]  # 0.1 + 0.2 reaches 0.3
    thirds = read(written({"rule": {"kind": "bankruptcy", "estate": "4/3", "claims": ["1/3", 1, "2/3"]}}))
    assert isinstance(thirds, RuleGame)
    assert thirds.values(np.array([[1, 1, 0], [0, 1, 1], [0, 0, 0]], bool)) == pytest.approx([2 / 3, 1, 0])


def test_values_count_and_not_the_rule_beside_them(written):
    game = read(written({"values": [0, 0, 5], "rule": {"kind": "unheard of"}}))
    assert isinstance(game, Game) and game.total == 5


def test_twenty_players_by_all_their_values(tmp_path):
    path = tmp_path / "many.json"
    path.write_text(json.dumps({"values": [mask.bit_count() ** 2 for mask in range(1, 2**20)]}))
    began = time.perf_counter()
    game = read(path)
    assert isinstance(game, Game) and (game.players, game.total) == (20, 400)
    assert time.perf_counter() - began < 60


def game(*words: object):
    """What `wattflock game …` says, 200 columns wide."""
    return CliRunner(env={"COLUMNS": "200"}).invoke(make_app(VERBS, GROUPS), ["game", *map(str, words)])


def test_the_verb_writes_every_answer_and_shows_it(written, tmp_path):
    out = tmp_path / "deep" / "out.json"
    path = written({"names": ["Ann", "Bob", "Cy"], "rule": {"kind": "glove", "left": [0], "right": [1, 2]}})
    result = game(path, "--out", out)
    assert result.exit_code == 0, result.stderr
    for words in ("Ann", "0.666667", "fair", "largest", "least core: ε = 0", "grand coalition: 1"):
        assert words in result.stdout
    found = json.loads(out.read_text())
    assert found["shapley"] == pytest.approx([2 / 3, 1 / 6, 1 / 6])
    assert found["nucleolus"] == found["prenucleolus"] == found["fair_least_core"] == pytest.approx([1, 0, 0])
    assert found["banzhaf"] == pytest.approx([0.75, 0.25, 0.25])
    assert found["least_core_epsilon"] == 0
    assert found["certificate"]["shapley"]["complaining"] == ["Ann", "Bob"]
    assert json.loads(game(path, "--json").stdout) == found


def test_the_verb_returns_a_table_of_players(written):
    found = solve(written({"values": [0, 0, 4], "names": ["Ann", "Bob"]}))
    assert isinstance(found, SolvedGame)
    assert found.table.columns == ["player", "shapley", "nucleolus", "prenucleolus", "fair_least_core", "banzhaf"]
    assert found.table.rows() == [("Ann", *[2.0] * 5), ("Bob", *[2.0] * 5)]


def test_the_verb_says_why_there_is_no_nucleolus(written):
    result = game(written({"values": [3, 3, 4]}), "--json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["nucleolus"], found["prenucleolus"]) == (0, None, [2, 2])
    assert "nobody can be asked to share" in found["notes"][0]
    assert "nucleolus" not in found["certificate"]


def test_thirty_players_are_refused_exactly_and_estimated(written):
    path = written({"rule": {"kind": "airport_savings", "costs": list(range(1, 31))}})
    refused = game(path)
    assert refused.exit_code == 2
    for words in ("players = 30", "1,073,741,823 values (8.59 GB)", "--samples 20000"):
        assert words in refused.stderr
    found = json.loads(game(path, "--samples", 10_000, "--seed", 3, "--json").stdout)
    costs = np.arange(1, 31)
    exact = costs - np.cumsum(1 / np.arange(30, 0, -1))
    error = abs(np.array(found["shapley"]) - exact)
    assert (error < 5 * np.array(found["shapley_error"]) + 1e-9).all()
    assert found["values_asked"] <= 10_000
    shown = game(path, "--samples", 10_000).stdout
    assert "values asked for in" in shown and "±" in shown


def test_one_player_and_wrong_options(written):
    found = json.loads(game(written({"values": [-2.5]}), "--json").stdout)
    assert (found["shapley"], found["nucleolus"], found["least_core_epsilon"]) == ([-2.5], [-2.5], None)
    refused = game(written({"values": [1]}), "--samples", -1, "--seed", -1)
    assert (refused.exit_code, refused.stderr.count("allowed: 0 or more")) == (2, 2)
    assert "--out = " in game(written({"values": [1]}), "--out", Path(__file__).parent).stderr
    refused = game(written({"values": [1]}), "--tolerance", 0.1, "--seed", 3)  # they would change nothing
    assert (refused.exit_code, refused.stderr.count("only with --samples")) == (2, 2)


def test_the_example_of_the_page_is_what_the_command_says(written):
    page = (Path(__file__).parents[2] / "docs" / "game.md").read_text(encoding="utf-8")
    found = json.loads(
        game(written(re.findall(r"^```json\n(.*?)^```", page, re.DOTALL | re.MULTILINE)[0]), "--json").stdout
    )
    answers = [found[name] for name in ("shapley", "nucleolus", "fair_least_core", "banzhaf")]
    for k, name in enumerate(found["names"]):
        (told,) = re.findall(rf"^\| {name} \| (.*) \|$", page, re.MULTILINE)
        assert [float(each) for each in told.split(" | ")] == [round(each[k], 2) for each in answers]
