"""Tabular Q-learning of all homes side by side, informed by an optimiser, with marginal rewards."""

import dataclasses
from typing import Annotated, Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array
from pydantic import Field

from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.types import Profile, by_day
from wattflock.learn.lagrangian import Amounts, Average, Curvature, Days, Priced, Rounds, per_home_day
from wattflock.learn.learners.idle import Uncontrolled
from wattflock.learn.one_number import Leveled, at_levels, said
from wattflock.learn.reward import extras, of_all, value_moved
from wattflock.world.rollout import Policy, Trajectory, ZeroPolicy, judge, rollout, steps
from wattflock.world.world import Outcome, World, measures

AT_ONCE = 16  # homes whose absence is judged side by side; bounds the memory
SETTLED = 50  # rounds over which the edges of prices are averaged


class Tables(eqx.Module):
    """State: what is known of each choice. Tables are one for each home, or one for all."""

    value: Array  # (tables, cells, levels) by which homes choose
    mean: Array  # the same, running mean over rounds: the policy after training
    team: Array  # the same, value of the reward of all; only `advantage` needs it
    table: Array  # (homes,) the table of each home
    edges: Array  # (hours, prices - 1) between cheap and dear within an hour [currency per kWh]
    multiplier: Amounts
    done: Array  # rounds


class Chosen(Policy):
    """Every home takes the best number of its own table in the cell of the hour and the price."""

    used: Array  # (homes, cells) flexibility that it uses, 1 - ψ
    edges: Array  # (homes, hours · (prices - 1)) its copy of the edges of prices
    hours: int = eqx.field(static=True)

    def __call__(self, memory, seen, key):
        def level(used, edges):
            return 1 - used[cell(edges.reshape(self.hours, -1), seen.now)]

        return memory, at_levels(seen.fleet, seen.state, jax.vmap(level)(self.used, self.edges), seen.now)


class Rows(eqx.Module):
    """Experience in the order in which it is learned from; axes (rows, tables)."""

    cell: Array  # (rows,)
    after: Array  # (rows,) the cell of the next step
    goes_on: Array  # (rows,) 0 at the end of an episode
    choice: Array
    reward: Array
    weight: Array  # 0 where a home had no choice


class QLearning(Priced):
    """Each home says one number ψ, by a table over price and hour; a reward is what its choice saves all homes.

    Where this differs: prices are cheap or dear beside those of training days, unless homes see the day's own
    (data.day_ahead); the default of marginal rewards is the home without control for the whole day, not for one
    step; what is stored is paid for when it is stored (the source forces cars to be full at the end); steps at which a
    home has no choice are left out (the source records a random one there).
    Source: Charbonnier, Morstyn & McCulloch 2022 (Applied Energy 314, 118825); Matignon et al.
    2007 (IROS, DOI 10.1109/IROS.2007.4399095) for hysteresis.
    """

    days: Days = 4
    rate: Annotated[float, Field(gt=0, le=1, description="step of the tables at first: α [share]")] = 0.05
    halvings: Annotated[float, Field(gt=0, description="how often that step is halved over all rounds [1]")] = 1.0
    curvature: Curvature = 0.0
    average: Average = 0.1
    total_rounds: Rounds = 1000
    demonstrations: Annotated[
        int,
        Field(ge=0, description="training episodes whose optimum is learned from; 0: from what homes do themselves"),
    ] = 0
    reward: Annotated[
        Literal["marginal", "total", "own", "gradient", "advantage", "count"],
        Field(
            description="cost of all homes beside that without this home's control; mean cost of all; own cost; as "
            "marginal, by the bill's gradient; a choice's value of total beside the default's; how often it was chosen"
        ),
    ] = "marginal"
    tables: Annotated[Literal["separate", "shared"], Field(description="a table for each home, or one for all")] = (
        "separate"
    )
    prices: Annotated[int, Field(ge=2, description="classes of prices within an hour [1]")] = 3
    hours: Annotated[int, Field(ge=1, description="parts of the day; 1 leaves the clock out [1]")] = 24
    levels: Annotated[int, Field(ge=2, description="choices of ψ, equally far apart from 0 to 1 [1]")] = 10
    discount: Annotated[float, Field(ge=0, le=1, description="weight of the next cell's value: γ [1]")] = 0.0
    explore: Annotated[float, Field(ge=0, le=1, description="chance of a random choice: ε [share]")] = 0.5
    hysteresis: Annotated[
        float, Field(ge=0, le=1, description="step where a choice was worse than thought, as a share of α: β [share]")
    ] = 0.5
    shown: Any = None  # training episodes and their optimal actions

    def taught(self, profile, action):
        return dataclasses.replace(self, shown=(profile, action))

    def init(self, world, key):
        if world.steps % self.hours:
            allowed = f"a number that divides the {world.steps} steps of a day"
            raise ScenarioError([Problem("scenario", "learn.settings.hours", self.hours, allowed)])
        count = world.homes if self.tables == "separate" else 1
        empty = jnp.zeros((count, self.hours * self.prices, self.levels))
        edges, none = jnp.zeros((self.hours, self.prices - 1)), jnp.zeros((), jnp.int32)
        table = jnp.arange(world.homes) % count
        return Tables(empty, empty, empty, table, edges, self.lagrangian.multiplier(world), none)

    def policy(self, state):
        used = 1 - best(state.mean)[state.table] / (self.levels - 1)
        edges = jnp.broadcast_to(state.edges.reshape(1, -1), (len(used), state.edges.size))
        return Chosen(used, edges, self.hours)

    def update(self, state, world, draw, key):
        draw_key, play_key = jax.random.split(key)
        profile, optimal = self.episodes(draw, draw_key)
        faced = world.faced(profile)
        state = dataclasses.replace(state, edges=self.followed(state, world, faced))
        at = cell(state.edges, faced)
        if optimal is None:
            tried = self.tried(state, at, play_key)
            play = jax.vmap(lambda day, level: steps(world, Leveled(level), day, play_key, None))
            trajectory = play(profile, tried)
        else:
            trajectory = rollout(world, ZeroPolicy(), profile, play_key, self.days, optimal)
        outcome = judge(world, trajectory, profile, self.margin_pu)
        reward = self.rewards(world, profile, (trajectory, outcome), state.multiplier)
        level, weight = said(world, faced, trajectory)
        choice = jnp.round(level * (self.levels - 1)).astype(int)
        after = self.learned(state, self.rows(at, choice, reward, weight))
        objective = per_home_day(outcome, self.lagrangian.wires(outcome, state.multiplier))
        return after, measures(world.limits, outcome) | {"objective": objective}

    def episodes(self, draw, key: Array) -> tuple[Profile, Array | None]:
        """Episodes of a round, and their optimal actions where it was shown some."""
        if self.shown is None:
            return draw(key, self.days), None
        picked = jax.random.randint(key, (self.days,), 0, self.shown[0].days())
        return jax.tree.map(lambda x: x[picked], self.shown)

    def followed(self, state: Tables, world: World, faced: Profile) -> Array:
        """Edges that part the prices of each hour into classes of equal number, a running mean over rounds."""
        price = by_day(faced.import_price_per_kwh, world.steps).reshape(-1, self.hours, world.steps // self.hours)
        each = jnp.moveaxis(price, 1, 0).reshape(self.hours, -1)
        parts = jnp.quantile(each, jnp.arange(1, self.prices) / self.prices, axis=1).T
        return state.edges + (parts - state.edges) / (jnp.minimum(state.done, SETTLED) + 1)

    def tried(self, state: Tables, at: Array, key: Array) -> Array:
        """What homes try in cells (days, steps): the best number ψ, or any; (days, steps, homes) in [0, 1]."""
        known = jnp.moveaxis(best(state.value)[state.table][:, at], 0, -1)
        shape = known.shape
        any_key, which_key = jax.random.split(key)
        anything = jax.random.randint(any_key, shape, 0, self.levels)
        choice = jnp.where(jax.random.uniform(which_key, shape) < self.explore, anything, known)
        return choice / (self.levels - 1)

    def rewards(self, world: World, profile: Profile, found: tuple[Trajectory, Outcome], multiplier: Amounts) -> Array:
        """What each home is paid, (days, steps, homes) [currency]."""
        if self.reward == "count":
            return jnp.ones(found[1].cost.shape)
        if self.reward == "marginal":
            return -self.added(world, profile, found, multiplier)
        whose = "marginal" if self.reward == "gradient" else "own"
        cost, of_all_homes = extras(world, profile, found, (self.lagrangian, multiplier), whose, early=True)
        if self.reward in ("total", "advantage"):
            return -jnp.broadcast_to(of_all_homes[..., None], cost.shape)
        return -cost

    def added(self, world: World, profile: Profile, found: tuple[Trajectory, Outcome], multiplier: Amounts) -> Array:
        """Cost of all homes minus that where one has no control, for each in turn, (days, steps, homes) [currency].

        As many verdicts as there are homes, each on all of them: work grows with the square of their number.
        """
        (trajectory, outcome), weights = found, (self.lagrangian, multiplier)
        idle = rollout(world, Uncontrolled(), profile, jax.random.key(0), profile.days())

        def without(home):
            effect = jax.tree.map(lambda x, y: x.at[..., home].set(y[..., home]), trajectory.effect, idle.effect)
            end = trajectory.end.at[:, home].set(idle.end[:, home])
            verdict = world.verdict(effect, end, profile, self.margin_pu)
            return of_all(verdict, weights)

        others = jax.lax.map(without, jnp.arange(world.homes), batch_size=min(world.homes, AT_ONCE))
        cost = world.homes * (of_all(outcome, weights)[..., None] - jnp.moveaxis(others, 0, -1))
        return cost + value_moved(world, trajectory) - value_moved(world, idle)

    def rows(self, at: Array, choice: Array, reward: Array, weight: Array) -> Rows:
        """Experience (days, steps, homes) in rows, one for each step, or for each step and home of a shared table."""
        homes = choice.shape[-1]
        times = homes if self.tables == "shared" else 1
        after = jnp.concatenate([at[:, 1:], at[:, -1:]], 1)
        goes_on = jnp.ones(at.shape).at[:, -1].set(0.0)
        common = (jnp.repeat(x.ravel(), times) for x in (at, after, goes_on))
        own = (x.reshape(-1, homes // times) for x in (choice, reward, weight))
        return Rows(*common, *own)

    def learned(self, state: Tables, rows: Rows) -> Tables:
        """The tables after the rows, one by one."""
        table = jnp.arange(state.value.shape[0])
        rate = self.falling(self.rate, 1)(state.done)

        def toward(values, row, target):
            error = target - values[table, row.cell, row.choice]
            step = row.weight * rate * jnp.where(error > 0, 1.0, self.hysteresis)
            return values.at[table, row.cell, row.choice].add(step * error)

        def one(tables, row):
            value, team = tables
            if self.reward == "count":
                return (value.at[table, row.cell, row.choice].add(row.weight), team), None
            known = team if self.reward == "advantage" else value
            known = toward(known, row, row.reward + self.discount * row.goes_on * known[:, row.after].max(-1))
            if self.reward != "advantage":
                return (known, team), None
            return (toward(value, row, known[table, row.cell, row.choice] - known[:, row.cell, -1]), known), None

        value, team = jax.lax.scan(one, (state.value, state.team), rows)[0]
        mean = self.averaged(state.mean, value, state.done)
        return dataclasses.replace(state, value=value, team=team, mean=mean, done=state.done + 1)


def cell(edges: Array, now: Profile) -> Array:
    """The cell of readings (…): part of the day, and class of the price, by the day's own prices where known."""
    hours, above = edges.shape
    part = jnp.clip(jnp.floor(now.hour * hours / 24 + 1e-3), 0, hours - 1).astype(int)
    between = edges[part]
    if now.day_prices_per_kwh is not None:
        share = jnp.arange(1, above + 1) / (above + 1)
        between = jnp.moveaxis(jnp.quantile(now.day_prices_per_kwh, share, axis=-1), 0, -1)
    dear = (now.import_price_per_kwh[..., None] > between).sum(-1)
    return part * (above + 1) + dear


def best(value: Array) -> Array:
    """The choice of greatest value of each cell, (tables, cells); of equal ones that nearest to no control."""
    levels = value.shape[-1]
    return levels - 1 - jnp.argmax(value[..., ::-1], -1)
