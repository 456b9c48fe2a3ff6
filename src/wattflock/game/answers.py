"""Every answer that a game has, as plain values for a file."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from wattflock.core.errors import WattflockError
from wattflock.game.certificate import certificate
from wattflock.game.estimators import sampled_shapley
from wattflock.game.game import Game
from wattflock.game.least_core import fair_least_core, least_core
from wattflock.game.nucleolus import nucleolus, prenucleolus
from wattflock.game.rules import RuleGame
from wattflock.game.shapley import banzhaf, shapley

Answers = dict[str, Any]


def exact(game: Game) -> Answers:
    """Shapley, nucleolus, prenucleolus, least core, fair least core, Banzhaf; a certificate of each payoff.

    A nucleolus that does not exist is None, and a note says why.
    """
    payoffs: dict[str, np.ndarray | None] = {"shapley": shapley(game), "nucleolus": None}
    notes = []
    try:
        payoffs["nucleolus"] = nucleolus(game)
    except WattflockError as error:
        notes.append(str(error))
    payoffs |= {"prenucleolus": prenucleolus(game), "fair_least_core": fair_least_core(game), "banzhaf": banzhaf(game)}
    epsilon, _ = least_core(game)
    head = {"players": game.players, "names": list(game.names), "total": game.total, "alone": _plain(game.alone)}
    answers = {name: None if payoff is None else _plain(payoff) for name, payoff in payoffs.items()}
    return head | answers | {"least_core_epsilon": _plain(epsilon)} | _certificates(game, payoffs) | {"notes": notes}


def sampled(
    game: Game | RuleGame, budget: int, tolerance: float, seed: int, progress: Callable[[int, str], None]
) -> Answers:
    """Shapley's value with errors of each player, and its certificate: for games that are too large for more."""
    found = sampled_shapley(game, budget, tolerance, seed, progress)
    one = np.eye(game.players, dtype=bool)
    alone, total = game.values(one), float(game.values(np.ones((1, game.players), bool))[0])
    head = {"players": game.players, "names": list(game.names), "total": total, "alone": _plain(alone)}
    error = {"shapley_error": _plain(found.error), "shapley_half_width": _plain(found.half_width)}
    spent = {"values_asked": found.asked, "rounds": found.rounds, "tolerance_reached": found.reached}
    seen = "The largest excess is that of players alone and of all but one: other coalitions were not looked at."
    notes = {"notes": [] if isinstance(game, Game) else [seen]}
    payoff = {"shapley": found.payoff}
    return head | {"shapley": _plain(found.payoff)} | error | spent | _certificates(game, payoff) | notes


def _certificates(game: Game | RuleGame, payoffs: Mapping[str, np.ndarray | None]) -> Answers:
    there = {name: payoff for name, payoff in payoffs.items() if payoff is not None}
    found = {name: dataclasses.asdict(certificate(game, payoff, names=game.names)) for name, payoff in there.items()}
    return {"certificate": {name: {key: _plain(v) for key, v in each.items()} for name, each in found.items()}}


def _plain(value: Any) -> Any:
    """What JSON can hold of it; what is infinite is None."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, np.ndarray):
        return [each + 0.0 for each in value.tolist()]  # no −0
    return list(value) if isinstance(value, tuple) else value
