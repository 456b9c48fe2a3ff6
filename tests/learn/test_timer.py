"""Timers: set-points are reached, a fit improves on the installer's schedule, and a droop answers the own voltage."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wattflock.core.errors import ScenarioError
from wattflock.homes.devices.battery import Battery
from wattflock.homes.devices.ev import EV
from wattflock.homes.devices.generator import Generator
from wattflock.homes.devices.heat_pump import HeatPump
from wattflock.homes.devices.inverter import Inverter
from wattflock.learn.clock import Clock, installed, set_point
from wattflock.learn.learner import advance, begin
from wattflock.learn.learners.timer import Timer
from wattflock.learn.learners.timer_droop import TimerDroop
from wattflock.world.rollout import judge, rollout


def after(device, state, target, now):
    """State after one step towards a target, and the step's power drawn [kW]."""
    state = jnp.asarray(state)
    action = jnp.clip(device.setpoint(state, jnp.asarray([target]), now), -1, 1)
    state, effect = device.step(state, action, now)
    return float(state), float(effect.power_kw)


@pytest.mark.parametrize("dt_h", [1.0, 0.25])
@pytest.mark.parametrize(
    ("device", "state", "target", "reached"),
    [
        (Battery.example(), 3.2, 0.6, 3.84),
        (Battery.example(), 3.2, 0.4, 2.56),
        (EV.example(), 30.0, 0.52, 31.2),
        (HeatPump.example(), 20.4, 0.48, 20.44),
        (HeatPump.example(), 20.4, 0.45, 20.35),
    ],
)
def test_a_target_is_reached_by_the_end_of_the_step(device, state, target, reached, dt_h, moment):
    assert after(device, state, target, moment(dt_h=dt_h))[0] == pytest.approx(reached, rel=1e-5)


@pytest.mark.parametrize(("target", "kw"), [(2.0, 5.0), (-1.0, -5.0)])
def test_a_target_out_of_reach_takes_all_power(target, kw, moment):
    assert after(Battery.example(), 3.2, target, moment(dt_h=0.25))[1] == pytest.approx(kw)


def test_a_car_that_is_away_or_full_enough_draws_nothing(moment):
    assert after(EV.example(), 30.0, 0.6, moment(ev_plugged=0.0))[1] == 0
    assert after(EV.example(), 30.0, 0.4, moment())[1] == 0


@pytest.mark.parametrize(("price", "margin", "kw"), [(0.38, 0.0, 0.5), (0.38, 0.1, 0.25), (0.30, 0.0, 0.0)])
def test_a_generator_runs_where_a_kwh_more_costs_the_price_less_its_margin(price, margin, kw, moment):
    """Fuel costs 0.33 + 0.05 p per kWh, so the p-th kW more costs 0.33 + 0.1 p; the margin is in 0.25 per kWh."""
    drawn = after(Generator.example(), 0.0, margin, moment(import_price_per_kwh=price))[1]
    assert drawn == pytest.approx(-kw, abs=1e-5)


def test_an_inverter_s_target_is_a_change_of_no_control(moment):
    action = Inverter.example().setpoint(jnp.zeros(()), jnp.asarray([-0.5, 0.2]), moment())
    assert action.tolist() == pytest.approx([0.5, 0.2])


def test_the_installer_s_day(world):
    """Batteries are full at 16 h, empty at 21 h and half at midnight; every kind and day type has the same."""
    day = np.asarray(installed(world))
    names = [name for name, device in world.fleet.devices.items() for _ in range(device.controls)]
    battery = day[..., names.index("battery")]
    assert day.shape == (len(world.kinds), 2, world.steps, world.fleet.controls)
    assert battery[0, 0, [9, 15, 20, 23]].tolist() == pytest.approx([0.5, 0.95, 0.1, 0.5])
    assert (day == day[:1, :1]).all()


def test_a_set_point_is_of_the_end_of_its_part_of_the_day_and_on_a_line_between():
    targets = np.random.default_rng(0).normal(size=(3, 48, 2)).astype(np.float32)

    def at(step, steps):
        hour, dt_h = np.float32(step * 24 / steps), np.float32(24 / steps)
        return np.asarray(jax.jit(set_point)(targets, hour, dt_h))

    assert all((at(step, 48) == targets[:, step]).all() for step in range(48))
    assert all((at(6 * k + 5, 288) == targets[:, k]).all() for k in range(48))
    for step in (0, 1, 3, 100, 284):
        k, share = step // 6, (step % 6 + 1) / 6
        between = targets[:, k - 1] * (1 - share) + targets[:, k] * share
        np.testing.assert_allclose(at(step, 288), between, atol=1e-4)


def test_a_schedule_is_looked_up_by_kind_day_type_and_step(world, profile):
    """A change of one kind's targets on free days at one step moves those homes at that step of free days alone."""
    names = [name for name, device in world.fleet.devices.items() for _ in range(device.controls)]
    generator, kind, step = names.index("generator"), world.kinds.index("generator"), 19
    state = Timer.example().init(world, jax.random.key(0))
    other = eqx.tree_at(lambda s: s.mean.targets, state, state.mean.targets.at[kind, 1, step, generator].add(-3.0))
    weekend = dataclasses.replace(profile, weekend=jnp.stack([jnp.zeros(world.steps), jnp.ones(world.steps)]))
    run = eqx.filter_jit(lambda policy: rollout(world.blind(), policy, weekend, jax.random.key(0)).action)
    moved = run(Timer.example().policy(state)) != run(Timer.example().policy(other))
    homes = np.flatnonzero(np.asarray(world.kind) == kind)
    where = np.argwhere(np.asarray(moved))
    assert {tuple(row) for row in where} == {(1, step, home, generator) for home in homes}


@pytest.mark.slow
@pytest.mark.parametrize("learner", [Timer(days=2, total_rounds=40), TimerDroop(days=2, total_rounds=40)])
def test_a_fitted_timer_beats_the_installer_s(learner, world, profile):
    first = begin(learner, world, 0)
    last, _ = advance(first, learner, world, lambda key, days: profile, 40)

    @eqx.filter_jit
    def objective(policy):
        outcome = judge(world, rollout(world, policy, profile, jax.random.key(0)), profile, learner.margin_pu)
        return learner.lagrangian.value(outcome, first.state.multiplier)

    before, now = (float(objective(learner.policy(each.state))) for each in (first, last))
    assert now < 0.9 * before


@pytest.mark.study
@pytest.mark.parametrize(("voltage_pu", "change"), [(0.93, -1), (0.99, 0), (1.0, 0), (1.07, 1)])
def test_a_droop_draws_less_where_the_voltage_is_low_and_more_where_it_is_high(voltage_pu, change, world, profile):
    learner = TimerDroop.example()
    droops = learner.policy(learner.init(world, jax.random.key(0)))
    timer = Clock(dataclasses.replace(droops.schedule, droop=None))
    now = jax.tree.map(lambda leaf: leaf[0, 12] if leaf.ndim > 2 else leaf[0], profile)
    now = jax.tree.map(lambda leaf: leaf[12] if leaf.shape[:1] == (world.steps,) else leaf, now)
    state = world.reset(now) | {"voltage": jnp.full(world.homes, voltage_pu)}
    drawn = [
        world.act(state, policy((), world.observe(state, now), None)[1], now)[1].power_kw for policy in (timer, droops)
    ]
    moved = np.sign(np.round(np.asarray(drawn[1] - drawn[0]), 5))
    assert set(moved) <= {0, change}
    assert (moved == change).sum() >= (3 if change else world.homes)


def test_a_droop_needs_voltmeters(world):
    with pytest.raises(ScenarioError, match=r"homes\.voltmeter"):
        TimerDroop.example().init(world.blind(), jax.random.key(0))
