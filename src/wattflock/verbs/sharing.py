"""What coalitions save, and how it is shared fairly."""

from pathlib import Path
from typing import Annotated


def game(
    file: Annotated[Path, "A JSON file with all values, or with a rule and its numbers (docs/game.md)."],
    out: Annotated[Path | None, "Write all answers here, as JSON."] = None,
    samples: Annotated[int, "Values to ask for, for a sampled Shapley value; 0: every answer, exactly."] = 0,
    tolerance: Annotated[float, "With --samples: stop where every 95 % interval is this narrow on either side."] = 0.0,
    seed: Annotated[int, "With --samples: of the sampled orders."] = 0,
) -> object:
    """Solve a cooperative game: Shapley value, nucleolus, least core, fair least core, Banzhaf value.

    Each payoff has a certificate: whether it hands out all there is, who gets less than alone, the coalition with the
    largest excess (what it is worth beyond what its members get), Jain's and Gini's indices. Exact up to 20 players;
    larger games that are given by a rule have a sampled Shapley value with error bars.

    Example:
        wattflock game airport.json --out answers.json
        wattflock game parliament.json --samples 20000 --tolerance 0.001
    """
    from wattflock.core.errors import Problem, ScenarioError
    from wattflock.core.files import write_json
    from wattflock.core.progress import bar
    from wattflock.game import answers
    from wattflock.game.game import EXACT_PLAYERS, Game
    from wattflock.game.game_file import read, too_many
    from wattflock.verbs.results import SolvedGame

    if seed < 0 or samples < 0:
        options = (("--samples", samples), ("--seed", seed))
        wrong = [Problem("wattflock game", name, value, "0 or more") for name, value in options if value < 0]
        raise ScenarioError(wrong)
    found = read(file)
    if samples:
        with bar("values", samples) as progress:
            solved = answers.sampled(found, samples, tolerance, seed, progress.at)
    elif found.players > EXACT_PLAYERS:
        raise ScenarioError([Problem(str(file), "players", found.players, too_many(found.players))])
    else:
        solved = answers.exact(found if isinstance(found, Game) else found.listed())
    if out:
        write_json(out, solved)
    return SolvedGame(solved)


VERBS = (game,)
