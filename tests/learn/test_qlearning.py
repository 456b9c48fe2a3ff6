"""Tables of homes that say one number: what it means, what they are paid, and what they learn."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wattflock.core.errors import ScenarioError
from wattflock.homes.home import Home
from wattflock.learn.learner import advance, begin
from wattflock.learn.learners.idle import Uncontrolled
from wattflock.learn.learners.qlearning import Chosen, QLearning, Rows, best, cell
from wattflock.learn.one_number import Leveled, at_levels, said
from wattflock.world.rollout import Policy, judge, rollout, steps

KEY = jax.random.key(0)


@pytest.fixture(scope="module")
def played(world, profile):
    """Two days at random numbers ψ, (days, steps, homes), and the trajectory."""
    level = jax.random.uniform(KEY, profile.load_kw.shape)
    play = eqx.filter_jit(jax.vmap(lambda day, level: steps(world, Leveled(level), day, KEY, None)))
    return level, play(profile, level)


@pytest.fixture(scope="module")
def evening(world, profile):
    """State and time of all homes at the evening peak of the first day, cars and batteries in the middle."""
    now = jax.tree.map(lambda x: x[0, 18], profile)
    return world.reset(dataclasses.replace(now, start=jnp.full_like(now.start, 0.5))), now


def net_kw(world, state, now, level):
    action = at_levels(world.fleet, state, jnp.full(world.homes, level), now)
    return world.act(state, action, now)[1].power_kw


@pytest.mark.slow
def test_one_is_no_control_but_for_batteries_that_charge(world, evening):
    state, now = evening
    said = at_levels(world.fleet, state, jnp.ones(world.homes), now)
    idle = jax.vmap(Home.idle, in_axes=(0, 0, now.axes(0, None)))(world.fleet, state, now)
    column = 0
    for name, device in world.fleet.devices.items():
        own = slice(column, column + device.controls)
        expected = jnp.ones_like(idle[:, own]) if name == "battery" else jnp.clip(idle[:, own], -1, 1)
        np.testing.assert_allclose(said[:, own], expected, atol=1e-5)
        column += device.controls


@pytest.mark.slow
def test_power_is_linear_in_the_number(world, evening):
    state, now = evening
    low, high = (net_kw(world, state, now, level) for level in (0.0, 1.0))
    assert (high - low).max() > 5, "a battery or a car that charges instead of giving"
    assert (high - low).min() > -1e-5
    for level in (0.1, 0.35, 0.5, 0.8):
        np.testing.assert_allclose(net_kw(world, state, now, level), low + level * (high - low), atol=1e-4)


def test_zero_gives_what_batteries_can_and_loads_wait(world, evening):
    state, now = evening
    action = at_levels(world.fleet, state, jnp.zeros(world.homes), now)
    after, _, _ = world.act(state, action, now)
    battery, appliance = world.fleet.devices["battery"], world.fleet.devices["appliance"]
    given = (state["battery"] - after["battery"])[battery.size_kwh > 0]
    most = battery.limit_kw[battery.size_kwh > 0] * now.dt_h / battery.efficiency[battery.size_kwh > 0]
    floor = ((0.5 - battery.low_share) * battery.size_kwh)[battery.size_kwh > 0]
    np.testing.assert_allclose(given, jnp.minimum(most, floor), rtol=1e-5)
    later_kwh = appliance.limit_kw * jnp.maximum(appliance.close_h - now.hour - now.dt_h, 0)
    np.testing.assert_allclose(after["appliance"], jnp.minimum(state["appliance"], later_kwh), atol=1e-5)


@pytest.mark.slow
def test_powers_are_read_back_as_the_numbers_that_made_them(world, profile, played):
    level, trajectory = played
    found, weight = said(world, world.faced(profile), trajectory)
    assert 0.2 < weight.mean() < 1
    np.testing.assert_allclose(jnp.where(weight > 0, found - level, 0), 0, atol=0.02)


class Without(Policy):
    """As `Leveled`, but for one home that nobody controls."""

    others: Leveled
    home: int = eqx.field(static=True)

    def start(self):
        return self.others.start()

    def __call__(self, memory, seen, key):
        memory, action = self.others(memory, seen, key)
        return memory, action.at[self.home].set(Uncontrolled()((), seen, key)[1][self.home])


@pytest.mark.slow
def test_a_marginal_reward_is_what_a_home_s_control_saves_all_homes(world, profile, played):
    level, trajectory = played
    who = QLearning(curvature=8160.0, multiplier_init=272.0)
    multiplier = who.lagrangian.multiplier(world)
    outcome = judge(world, trajectory, profile, who.margin_pu)
    reward = who.rewards(world, profile, (trajectory, outcome), multiplier)
    for home in (0, 7):
        play = jax.vmap(lambda day, level, home=home: steps(world, Without(Leveled(level), home), day, KEY, None))
        other = judge(world, play(profile, level), profile, who.margin_pu)

        def total(outcome):
            return outcome.cost.sum() + who.lagrangian.wires(outcome, multiplier)

        assert outcome.excess["voltage"].max() > 0, "the wires have a price here"
        np.testing.assert_allclose(reward[..., home].sum(), total(other) - total(outcome), rtol=2e-2, atol=2e-2)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["total", "own", "gradient"])
def test_rewards_of_homes_without_control_are_zero(name, world, profile):
    idle = rollout(world, Uncontrolled(), profile, KEY, 2)
    who = QLearning(reward=name)
    found = idle, judge(world, idle, profile, who.margin_pu)
    reward = who.rewards(world, profile, found, who.lagrangian.multiplier(world))
    np.testing.assert_allclose(reward, 0, atol=1e-4)


def by_hand(who: QLearning, rows: Rows, shape: tuple[int, ...]) -> np.ndarray:
    """Watkins' update with two rates, row by row."""
    value = np.zeros(shape)
    for k in range(len(rows.cell)):
        for table in range(shape[0]):
            here = table, int(rows.cell[k]), int(rows.choice[k, table])
            ahead = value[table, int(rows.after[k])].max()
            error = float(rows.reward[k, table]) + who.discount * float(rows.goes_on[k]) * ahead - value[here]
            value[here] += float(rows.weight[k, table]) * who.rate * (1 if error > 0 else who.hysteresis) * error
    return value


@pytest.mark.study
@pytest.mark.parametrize("tables", ["separate", "shared"])
def test_tables_follow_their_recursion(tables, world):
    who = QLearning(tables=tables, hours=1, levels=4, rate=0.3, discount=0.9, hysteresis=0.25)
    random = np.random.default_rng(0)
    at = jnp.asarray(random.integers(0, 3, (2, 6)))
    shape = (2, 6, world.homes)
    choice = jnp.asarray(random.integers(0, 4, shape))
    reward, weight = jnp.asarray(random.standard_normal(shape)), jnp.asarray(random.integers(0, 2, shape), float)
    rows = who.rows(at, choice, reward, weight)
    state = who.init(world, KEY)
    found = who.learned(state, rows).value
    assert found.shape == (world.homes if tables == "separate" else 1, 3, 4)
    np.testing.assert_allclose(found, by_hand(who, rows, found.shape), atol=1e-5)
    first = jnp.zeros((6, world.homes), bool).at[:, 0].set(True) if tables == "shared" else jnp.ones((6, 1), bool)
    assert rows.cell[: first.size].reshape(first.shape)[:, 0].tolist() == at[0].tolist()


def test_the_default_s_advantage_is_zero(world):
    who = QLearning(reward="advantage", hours=1, levels=4, rate=0.3)
    random = np.random.default_rng(0)
    shape = (30, 8, world.homes)
    choice = jnp.asarray(random.integers(0, 4, shape))
    rows = who.rows(jnp.zeros((30, 8), int), choice, -1.0 * choice, jnp.ones(shape))
    after = who.learned(who.init(world, KEY), rows)
    assert (after.value[:, 0, -1] == 0).all()
    assert (after.value[:, 0, 0] > 0).all(), "choice 0 costs nothing"
    assert (best(after.value)[:, 0] == 0).all()


def test_counts_count(world):
    who = QLearning(reward="count", hours=1, levels=4)
    choice = jnp.full((2, 5, world.homes), 2)
    weight = jnp.ones(choice.shape).at[:, 0].set(0)
    rows = who.rows(jnp.zeros((2, 5), int), choice, jnp.ones(choice.shape), weight)
    assert (who.learned(who.init(world, KEY), rows).value[:, 0] == jnp.array([0.0, 0, 8, 0])[None]).all()


def test_cells_and_ties(profile):
    edges = jnp.array([[1.0, 2.0], [3.0, 4.0]])
    hour, price = jnp.array([0.0, 11.5, 12.0, 23.5]), jnp.array([0.5, 2.5, 3.5, 9.0])
    now = dataclasses.replace(profile, hour=hour, import_price_per_kwh=price)
    assert cell(edges, now).tolist() == [0, 2, 4, 5]
    day = jnp.repeat(jnp.array([[0.5, 1.0, 2.0, 3.5, 8.0, 9.0]]), 4, 0)
    assert cell(edges, dataclasses.replace(now, day_prices_per_kwh=day)).tolist() == [0, 1, 4, 5], "thirds of the day"
    assert best(jnp.array([[[0.0, 0, 0], [0, 1, 0], [1, 0, 1]]])).tolist() == [[2, 1, 2]]


def test_edges_part_the_prices_of_each_hour(world, profile):
    who = QLearning(hours=24, prices=2)
    state = who.init(world, KEY)
    faced = world.faced(profile)
    edges = who.followed(state, world, faced)
    np.testing.assert_allclose(edges[:, 0], faced.import_price_per_kwh.mean(0), rtol=1e-5, err_msg="of two the middle")
    again = who.followed(dataclasses.replace(state, edges=edges, done=jnp.asarray(9)), world, faced)
    np.testing.assert_allclose(again, edges, rtol=1e-5)


def test_hours_that_do_not_divide_a_day_are_refused(world):
    with pytest.raises(ScenarioError, match=r"learn\.settings\.hours.*7.*divides the 24 steps"):
        QLearning(hours=7).init(world, KEY)


@pytest.mark.slow
def test_fresh_tables_use_no_flexibility(world, profile):
    who = QLearning(tables="shared")
    policy = who.policy(who.init(world, KEY))
    assert isinstance(policy, Chosen)
    went, top = (
        rollout(world, each, profile, KEY, 2).effect.power_kw for each in (policy, Leveled(jnp.ones((24, 20))))
    )
    np.testing.assert_allclose(went, top, atol=1e-5)


@pytest.mark.slow
def test_it_counts_what_it_is_shown(world, profile, played):
    """Every choice of two episodes, each of which may be drawn twice or not at all."""
    _, trajectory = played
    who = QLearning(reward="count", hours=1, levels=2, days=2, demonstrations=2).taught(profile, trajectory.action)
    after, _ = advance(begin(who, world, 0), who, world, lambda key, days: profile, 1)
    level, weight = said(world, world.faced(profile), trajectory)
    counted = after.state.value.sum(1)  # (homes, levels)
    each = jnp.stack([(weight * (jnp.round(level) == choice)).sum(1) for choice in (0, 1)], -1)  # (days, homes, levels)
    mixes = [each[one] + each[other] for one, other in ((0, 0), (0, 1), (1, 1))]
    assert any(np.abs(counted - mix).sum() < 1e-3 * counted.sum() for mix in mixes)
    assert counted.sum() > 0
