"""Known answers: by our own list of facts, and by the files of games where they lie beside the repository."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.game.known import GAMES
from wattflock.game.answers import exact
from wattflock.game.game import Game, sums
from wattflock.game.game_file import read
from wattflock.game.least_core import least_core
from wattflock.game.nucleolus import nucleolus
from wattflock.game.shapley import shapley

SHARED = Path(__file__).parents[3] / "shared" / "games"
FILES = [path for path in sorted(SHARED.glob("*.json")) if "least_core_epsilon" in json.loads(path.read_text())]
CONCEPTS = ("shapley", "nucleolus", "prenucleolus", "banzhaf", "least_core_epsilon")


def solved(path: Path) -> dict:
    game = read(path)
    return exact(game if isinstance(game, Game) else game.listed())


def far_off(answers: dict, facts: dict) -> dict[str, float]:
    """Answers further than 1e-9 from the facts, as a share of the largest number."""
    found = {}
    for name in set(CONCEPTS) & set(facts):
        fact = facts[name] if isinstance(facts[name], list) else [facts[name]]
        wanted, got = np.array([float(Fraction(each)) for each in fact]), np.array(answers[name]).ravel()
        apart = abs(got - wanted).max() / max(abs(wanted).max(), 1)
        found |= {} if apart <= 1e-9 else {name: apart}
    return found


@pytest.mark.parametrize("facts", GAMES, ids=lambda facts: facts["name"])
def test_known_games(facts, tmp_path):
    path = tmp_path / "game.json"
    path.write_text(json.dumps({key: facts[key] for key in facts if key in ("rule", "quota", "weights", "values")}))
    assert far_off(solved(path), facts) == {}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_games_beside_the_repository(path):
    assert far_off(solved(path), json.loads(path.read_text())) == {}


def changed(facts: dict, path: Path, scale: Fraction, shift: Fraction) -> list[Fraction]:
    """Writes a game with every value times `scale` and `shift` more for each member; returns its values before."""
    path.write_text(json.dumps({key: facts[key] for key in ("rule", "values", "quota", "weights") if key in facts}))
    game = read(path)
    game = game if isinstance(game, Game) else game.listed()
    before = [Fraction(value).limit_denominator(1000) for value in game.worth + sums(game.base)]
    moved = [str(value * scale + shift * mask.bit_count()) for mask, value in enumerate(before)][1:]
    path.write_text(json.dumps({"values": moved}))
    return before


@pytest.mark.study
@pytest.mark.parametrize("facts", GAMES, ids=lambda facts: facts["name"])
@pytest.mark.parametrize("scale", [Fraction(1), Fraction(1, 3 * 10**9), Fraction(10**12)])
def test_large_common_offsets_and_scales_cost_no_digits(facts, scale, tmp_path):
    path, shift = tmp_path / "game.json", Fraction(10**9)
    moved = changed(facts, path, scale, shift)
    game = read(path)
    assert isinstance(game, Game)
    size = float(scale) * max(abs(each) for each in moved)
    assert least_core(game)[0] == pytest.approx(float(Fraction(facts["least_core_epsilon"]) * scale), abs=1e-12 * size)
    beyond = Game(game.worth)  # what is beyond the players' own values keeps its own digits
    for concept in (shapley, nucleolus):
        exact_one = [Fraction(each) * scale + shift for each in facts[concept.__name__]]
        assert concept(game) == pytest.approx([float(each) for each in exact_one], rel=1e-15, abs=1e-12 * size)
        own = [moved[1 << k] * scale + shift for k in range(game.players)]
        left = [float(each - alone) for each, alone in zip(exact_one, own, strict=True)]
        assert concept(beyond) == pytest.approx(left, abs=1e-12 * size)
