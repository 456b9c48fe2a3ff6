"""Bills of a day in a linear program: of each home by itself, or of a community that is billed together."""

from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np
from scipy import sparse

from wattflock.core.errors import WattflockError
from wattflock.core.types import Profile
from wattflock.homes.program import ONE, Program

if TYPE_CHECKING:
    from wattflock.market.market import Market

Prices = tuple[np.ndarray, np.ndarray]  # of a kWh bought and of one sold, (steps, homes)
TANGENTS = 40  # of a quadratic charge


def prices_of(market: "Market", day: Profile) -> Prices:
    """Import and export price of each home, both (steps, homes), found by settling test readings in the market.

    Raises:
        WattflockError: bills that are no such prices, or an export price above the import price.
    """

    def bill(net_kwh):
        return np.asarray(market.settle(market.meter(jnp.asarray(net_kwh), day)).bill)

    one = np.ones(day.load_kw.shape)
    bought, sold = bill(one), -bill(-one)
    trial = np.random.default_rng(0).normal(0, 3, one.shape)
    guess = np.maximum(trial, 0) * bought + np.minimum(trial, 0) * sold
    name = type(market).__name__
    if not np.allclose(bill(trial), guess, rtol=1e-9, atol=1e-9):
        raise WattflockError(f"bound: the market {name} has no fixed prices for each home and no `plan`; use tariff")
    refuse_arbitrage(name, bought, sold)
    return bought, sold


def refuse_arbitrage(name: str, bought: np.ndarray, sold: np.ndarray) -> None:
    """Raises WattflockError where a kWh sold earns more than one bought costs: no plan is the best."""
    if dearer(bought, sold).any():
        raise WattflockError(f"bound: the market {name} pays more for exports than imports cost; no optimum")


def dearer(bought: np.ndarray, sold: np.ndarray) -> np.ndarray:
    """Where a kWh sold earns more than one bought costs, by more than rounding; booleans of the prices' shape."""
    return sold > bought + 1e-12


def add_bills(program: Program, power: Any, dt_h, bought, sold) -> None:
    """Bills in the objective: linear where both prices are the same, else net power = import - export."""
    lower, upper = (np.concatenate(each)[: power.shape[1]] for each in (program.lower, program.upper))
    steered = power[:, np.flatnonzero(lower < upper)].getnnz(axis=1).reshape(bought.shape) > 0
    fixed_kw = power[:, [ONE]].toarray().reshape(bought.shape)
    split = steered & (sold < bought)
    price = np.where(split, 0, np.where(steered | (fixed_kw > 0), bought, sold)) * dt_h
    cost = np.concatenate(program.cost)
    cost[: power.shape[1]] += power.T @ price.ravel()
    program.cost[:] = [cost]
    take = program.columns(0.0, np.inf, bought * dt_h, split)[split]
    give = program.columns(0.0, np.inf, -sold * dt_h, split)[split]
    nets = power[np.flatnonzero(split)].tocoo()
    count, zero = np.arange(len(take)), np.zeros(len(take))
    program.block(
        *(zero, zero, np.concatenate([nets.row, count, count])),
        *(np.concatenate([nets.col, take, give]), np.concatenate([nets.data, zero - 1, zero + 1])),
    )


def together(power: Any, shape: tuple[int, ...], share: np.ndarray | None = None) -> Any:
    """Net power of all homes, or of a share (homes,) of each, (steps, columns) from that of each.

    `power` is (steps · homes, columns), `shape` (steps, homes).
    """
    steps, homes = shape
    weight = np.ones(homes) if share is None else share
    return sparse.csr_matrix(sparse.kron(sparse.eye(steps), weight[None]) @ power)


def add_above(program: Program, power: Any, slope, offset, cost) -> np.ndarray:
    """New columns, one a row of `power`, that are at least 0 and at least slope · power + offset; returns them.

    Args:
        program: gets columns and rows.
        power: (rows, columns) [kW].
        slope, offset, cost: (rows,); the cost of each column in the objective.
    """
    rows = power.shape[0]
    slope, offset, cost = (np.broadcast_to(np.asarray(each, float), (rows,)) for each in (slope, offset, cost))
    column = program.columns(0.0, np.inf, cost)
    keep_above(program, power, slope, offset, column)
    return column


def keep_above(program: Program, power: Any, slope, offset, column: np.ndarray) -> None:
    """Rows column >= slope · power + offset; several rows may share a column."""
    rows = power.shape[0]
    some: Any = sparse.coo_matrix(sparse.diags(np.broadcast_to(np.asarray(slope, float), (rows,))) @ power)
    each = np.arange(rows)
    program.block(
        np.broadcast_to(np.asarray(offset, float), (rows,)).copy(), np.full(rows, np.inf),
        np.concatenate([each, some.row]), np.concatenate([column, some.col]),
        np.concatenate([np.ones(rows), np.negative(some.data)]),
    )  # fmt: skip


def add_square(program: Program, power: Any, weight: np.ndarray) -> None:
    """weight · power² in the objective, by tangents: never overstated.

    With n tangents over a range r the cost of a row is understated by at most weight (r / n)² / 4.
    """
    lower, upper = np.concatenate(program.lower), np.concatenate(program.upper)
    reach = np.maximum(abs(lower), abs(upper))[: power.shape[1]]
    most = float((abs(power) @ np.where(np.isfinite(reach), reach, 0)).max(initial=0.0))
    column = program.columns(0.0, np.inf, weight)
    for point in np.linspace(-most, most, TANGENTS + 1):
        keep_above(program, power, 2 * point, -(point**2), column)
