"""A day of a fleet as blocks of homes, from the devices' own plans; days that are no balanced game are refused."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from wattflock.core.errors import Problem, ScenarioError, WattflockError
from wattflock.core.types import Profile
from wattflock.game.coalition import Day
from wattflock.homes.home import Home
from wattflock.homes.program import ONE
from wattflock.market.market import Market
from wattflock.market.plan import dearer
from wattflock.market.retail import Retail
from wattflock.study.lp import coefficients, draft

LISTED = 12  # steps that a message names


def day_of(fleet: Home, day: Profile, state: dict, market: Retail, limit_kw: np.ndarray) -> Day:
    """The program of a day (steps, homes) from the devices' states (homes,).

    Every home gets a column of its own that is 1, in place of the one that all share; what all homes pay together, as
    the standing charge, is a constant that they share equally.
    """
    made = draft(fleet, day, state, lambda program, power, day: None)
    program, (steps, homes) = made.program, made.shape
    one = program.columns(1.0, 1.0, np.zeros(homes))
    market.plan_own(program, power := separate(made.power, (steps, homes)), day)
    cost, lower, upper = (np.concatenate(each) for each in (program.cost, program.lower, program.upper))
    row_lower, row_upper = (np.concatenate([np.zeros(0), *each]) for each in (program.row_lower, program.row_upper))
    matrix: Any = coefficients(program)
    power = widened(power, program.width)
    owner, row_owner = owners(matrix, power, one)
    if (lower < upper)[owner < 0].any():
        raise WattflockError("coalition values: a device decides what neither power nor rows join to a home")
    cost[one] += cost[owner < 0] @ lower[owner < 0] / homes
    owner[(lower == 0) & (upper == 0)] = -1  # nothing, as a car's charge while it is away
    columns, rows = (np.argsort(each, kind="stable")[(each < 0).sum() :] for each in (owner, row_owner))
    net = sparse.csc_matrix(sparse.kron(sparse.eye(steps), np.ones((1, homes))) @ power)
    dt_h = np.asarray(day.dt_h)
    return Day(
        cost=cost[columns],
        lower=lower[columns],
        upper=upper[columns],
        owner=owner[columns],
        row_lower=row_lower[rows],
        row_upper=row_upper[rows],
        row_owner=row_owner[rows],
        matrix=sparse.csc_matrix(matrix[rows][:, columns]),
        power=net[:, columns],
        bought=np.asarray(day.import_price_per_kwh) * dt_h,
        sold=np.asarray(market.exported(day.export_price_per_kwh)) * dt_h,
        limit_kw=np.asarray(limit_kw, float),
    )


def separate(power: Any, shape: tuple[int, int]) -> Any:
    """Net power (steps · homes, columns) whose fixed part is moved from the column `ONE` to each home's own."""
    steps, homes = shape
    fixed_kw = power[:, [ONE]].toarray().ravel()
    steered = sparse.diags((np.arange(power.shape[1]) != ONE).astype(float))
    own: Any = sparse.csr_matrix((fixed_kw, (np.arange(steps * homes), np.tile(np.arange(homes), steps))))
    return sparse.hstack([power @ steered, own], "csr")


def widened(power: Any, width: int) -> sparse.csr_matrix:
    """The same with columns of zeros at the end."""
    return sparse.csr_matrix((power.data, power.indices, power.indptr), shape=(power.shape[0], width))


def owners(matrix: Any, power: Any, one: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The home of every column and of every row, which are its own if rows and powers join them; -1: of none.

    Raises:
        WattflockError: devices whose rows join homes.
    """
    height, width = matrix.shape
    homes, entries, powers = len(one), matrix.tocoo(), power.tocoo()
    kept = powers.data != 0  # separate leaves zeros
    begin = np.concatenate([entries.col, powers.col[kept], one])
    end = np.concatenate(
        [width + entries.row, width + height + powers.row[kept] % homes, width + height + np.arange(homes)]
    )
    size = width + height + homes
    count, label = connected_components(sparse.coo_matrix((np.ones(len(begin)), (begin, end)), (size, size)), False)
    home_of = np.full(count, -1)
    home_of[label[width + height :]] = np.arange(homes)
    if len(np.unique(label[width + height :])) < homes:
        raise WattflockError("coalition values: a device joins homes, whose parts in a coalition cannot be told apart")
    return home_of[label[:width]], home_of[label[width : width + height]]


def at(profile: Profile, day: int) -> Profile:
    """One day of a batch."""
    return jax.tree.map(lambda x: x[day], profile)


def refuse_market(market: Market) -> Retail:
    """The market; ScenarioError where a coalition has no bill at the grid that could be shared stably."""
    if not isinstance(market, Retail):
        allowed = "a market with prices at the grid, as tariff"
        raise ScenarioError([Problem("scenario", "market.part", type(market).__name__, allowed)])
    if market.loss_per_kw:
        allowed = "0: losses grow with the square of the power, so that the game need not be balanced"
        raise ScenarioError([Problem("scenario", "market.settings.loss_per_kw", market.loss_per_kw, allowed)])
    return market


def refuse_days(profile: Profile, market: Retail) -> None:
    """Raises ScenarioError: numbers or steps that are missing, or exports that earn more than imports cost."""
    if found := [each for day in range(profile.days()) for each in _problems(at(profile, day), f"day {day}", market)]:
        raise ScenarioError(found)


def _problems(day: Profile, where: str, market: Retail) -> Iterator[Problem]:
    for field in dataclasses.fields(Profile):
        if field.name == "start" or (given := getattr(day, field.name)) is None:
            continue
        if np.isnan(values := np.asarray(given, float)).any():
            steps = np.flatnonzero(np.isnan(values.reshape(len(values), -1)).any(1))
            yield Problem(where, field.name, f"missing at {listed(steps)}", "a number at every step")
    late = abs((np.diff(day.hour) - day.dt_h[:-1] + 12) % 24 - 12) > 1e-3
    if late.any():
        yield Problem(where, "hour", f"a gap after {listed(np.flatnonzero(late))}", "steps without gaps")
    above = dearer(np.asarray(day.import_price_per_kwh), np.asarray(market.exported(day.export_price_per_kwh)))
    if above.any():
        allowed = "at most the import price: else the game is not balanced"
        yield Problem(where, "export price", f"above the import price at {listed(np.flatnonzero(above))}", allowed)


def listed(steps: np.ndarray) -> str:
    """Steps as a message names them."""
    more = f" and {len(steps) - LISTED} more" if len(steps) > LISTED else ""
    return f"step{'s' * (len(steps) > 1)} {', '.join(map(str, steps[:LISTED]))}{more}"
