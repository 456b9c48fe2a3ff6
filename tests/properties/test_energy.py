"""Energy is neither made nor lost, and no limit is passed, whatever the controller asks for."""

import functools
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattflock.core.registry import interface, parts
from wattflock.core.scenario import load
from wattflock.core.types import cast
from wattflock.homes.home import Home
from wattflock.study.build import build
from wattflock.world.rollout import ZeroPolicy, rollout

DEVICES = parts("homes", interface("homes"))
every_device = pytest.mark.parametrize("name", DEVICES)
lengths_h = st.sampled_from([1 / 12, 0.25, 0.5, 1.0])
seeds = st.integers(0, 2**31 - 1)
STEPS = 24


@eqx.filter_jit
def random_day(device, now, seed, dt_h):
    """Stored energy before and after, and the effects, of steps with random actions at random moments."""
    keys = jax.random.split(jax.random.key(seed), STEPS)

    def step(state, key):
        act, out, sun, away = jax.random.split(key, 4)
        moment = eqx.tree_at(
            lambda n: (n.outdoor_c, n.sun_kw_per_kwp, n.ev_plugged, n.ev_driving_kwh, n.dt_h),
            now,
            (
                jax.random.uniform(out, minval=-20.0, maxval=45.0),
                jax.random.uniform(sun),
                jax.random.bernoulli(away, 0.7).astype(now.dt_h.dtype),
                20 * jax.random.bernoulli(away, 0.1).astype(now.dt_h.dtype),
                dt_h,
            ),
        )
        action = jnp.clip(jax.random.uniform(act, (device.controls,), minval=-1.5, maxval=1.5), -1, 1)
        after, effect = device.step(state, action, moment)
        return after, (device.stored_kwh(state), device.stored_kwh(after), after, effect)

    start = eqx.tree_at(lambda n: n.start, now, jax.random.uniform(jax.random.key(seed)))
    return jax.lax.scan(step, device.init(start), keys)[1]


@functools.cache
def example(name: str, wide: bool, present: bool = True):
    device = DEVICES[name].example()
    device = device if present else device.absent()
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, float), device)


def worst_gap(device, now, seed: int, dt_h: float) -> float:
    """The greatest gap of any step's energy balance [kWh per kWh stored or used, and per kWh below 1]."""
    before, after, _, effect = random_day(device, now, jnp.asarray(seed), jnp.asarray(dt_h, float))
    gap = effect.power_kw * dt_h - (after - before + effect.lost_kwh + effect.used_kwh)
    return float((jnp.abs(gap) / jnp.maximum(1, jnp.abs(before) + jnp.abs(effect.used_kwh))).max())


@pytest.mark.slow
@every_device
@settings(max_examples=15, deadline=None)
@given(seed=seeds, dt_h=lengths_h)
def test_energy_in_is_stored_lost_or_used(name, moment, seed, dt_h):
    with jax.enable_x64(True):
        assert worst_gap(example(name, wide=True), moment(), seed, dt_h) <= 1e-9
    assert worst_gap(example(name, wide=False), moment(), seed, dt_h) <= 1e-6


LIMITS = {  # device -> what must hold after every step: (device, states, effects, dt_h) → booleans
    "battery": lambda d, state, e, dt_h: (
        (state >= d.low_share * d.size_kwh - 1e-9) & (state <= d.high_share * d.size_kwh + 1e-9)
        & (abs(e.power_kw) <= d.limit_kw + 1e-9)
    ),
    "ev": lambda d, state, e, dt_h: (
        (state >= -1e-9) & (state <= d.size_kwh + 1e-9)
        & (e.power_kw <= d.limit_kw + 1e-9) & (e.power_kw >= -d.give_kw - 1e-9)
    ),
    "heat_pump": lambda d, state, e, dt_h: (e.power_kw >= 0) & (e.power_kw <= d.limit_kw),
    "house": lambda d, state, e, dt_h: (e.power_kw >= 0) & (e.power_kw <= d.limit_kw + 1e-9),
    "deferrable": lambda d, state, e, dt_h: (state >= -1e-9) & (e.power_kw >= -0.7 * d.share - 1e-9),
    "generator": lambda d, state, e, dt_h: (e.power_kw <= 0) & (e.power_kw >= -d.limit_kw),
    "appliance": lambda d, state, e, dt_h: (
        (state >= -1e-9) & (state <= d.need_kwh) & (e.power_kw >= 0) & (e.power_kw <= d.limit_kw + 1e-9)
    ),
    "inverter": lambda d, state, e, dt_h: (
        (jnp.hypot(e.power_kw, e.reactive_kvar) <= d.limit_kva * d.size_kwp + 1e-6) & (e.power_kw <= 0)
    ),
    "panel": lambda d, state, e, dt_h: (e.power_kw <= 0) & (e.power_kw >= -1.0 * d.size_kwp),
}  # fmt: skip


@eqx.filter_jit
def powers(device, state, now):
    """Power at five levels of the first control, the others at rest, (actions,)."""
    actions = jnp.linspace(-1, 1, 5)[:, None] * (jnp.arange(device.controls) == 0)[None]
    return jax.vmap(lambda action: device.step(state, action, now)[1].power_kw)(actions)


@pytest.mark.study
@every_device
@settings(max_examples=15, deadline=None)
@given(seed=seeds, dt_h=lengths_h, outdoor_c=st.floats(-20, 40))
def test_power_lies_between_that_of_the_least_and_of_the_most_action(name, moment, seed, dt_h, outdoor_c):
    """What plans rely on: power rises or falls with the first control, straight on either side of rest."""
    with jax.enable_x64(True):
        device, now = example(name, wide=True), moment(dt_h=dt_h, outdoor_c=outdoor_c)
        for state in random_day(device, moment(), jnp.asarray(seed), jnp.asarray(dt_h))[2][::6]:
            kw = powers(device, state, now)
            steps = jnp.diff(kw)
            assert bool((steps >= -1e-9).all() or (steps <= 1e-9).all()), kw


def test_the_devices_whose_limits_are_known_are_there():
    assert set(LIMITS) <= set(DEVICES)


@pytest.mark.parametrize("name", LIMITS)
@settings(max_examples=15, deadline=None)
@given(seed=seeds, dt_h=lengths_h)
def test_no_limit_of_a_device_is_passed(name, moment, seed, dt_h):
    with jax.enable_x64(True):
        device = example(name, wide=True)
        _, _, state, effect = random_day(device, moment(), jnp.asarray(seed), jnp.asarray(dt_h))
        assert bool(LIMITS[name](device, state, effect, dt_h).all())


@settings(max_examples=20, deadline=None)
@given(power=st.floats(-1, 1), start=st.floats(0, 1), outdoor_c=st.floats(-20, 40), dt_h=lengths_h)
def test_heat_kept_is_heat_given_less_heat_lost(moment, power, start, outdoor_c, dt_h):
    """C dT = (COP p - (T - T_out) / R) dt, integrated by four hundred Runge-Kutta steps."""
    with jax.enable_x64(True):
        pump, now = example("heat_pump", wide=True), moment(start=start, outdoor_c=outdoor_c, dt_h=dt_h)
        first = pump.init(now)
        after, effect = pump.step(first, jnp.array([power]), now)
        after, indoor_c, power_kw = float(after), float(first), float(effect.power_kw)
    cop = max(float(pump.cop_at_zero) + float(pump.cop_per_c) * outdoor_c, 1.0)
    resistance, capacity = float(pump.resistance_c_per_kw), float(pump.capacity_kwh_per_c)

    def slope(indoor_c):
        return ((outdoor_c - indoor_c) / resistance + cop * power_kw) / capacity

    h = dt_h / 400
    for _ in range(400):
        k1 = slope(indoor_c)
        k2 = slope(indoor_c + h / 2 * k1)
        k3 = slope(indoor_c + h / 2 * k2)
        indoor_c += h / 6 * (k1 + 2 * k2 + 2 * k3 + slope(indoor_c + h * k3))
    assert after == pytest.approx(indoor_c, abs=1e-9)


@pytest.mark.parametrize("name", ["heat_pump", "generator", "panel", "inverter"])
@settings(max_examples=20, deadline=None)
@given(share=st.floats(-1, 1), start=st.floats(0, 1), outdoor_c=st.floats(-20, 40))
def test_two_half_steps_are_one_step(name, moment, share, start, outdoor_c):
    """Exact for devices whose power is the action's share of a constant."""
    with jax.enable_x64(True):
        device = example(name, wide=True)
        now, half = (moment(start=start, outdoor_c=outdoor_c, dt_h=dt_h) for dt_h in (1.0, 0.5))
        action = jnp.full((device.controls,), share)
        whole, at_once = device.step(device.init(now), action, now)
        middle, first = device.step(device.init(now), action, half)
        after, second = device.step(middle, action, half)
        assert float(whole) == pytest.approx(float(after), abs=1e-9)
        assert float(at_once.used_kwh) == pytest.approx(float(first.used_kwh + second.used_kwh), abs=1e-9)
        assert float(at_once.power_kw) == pytest.approx(float(first.power_kw), abs=1e-12)


@pytest.fixture(scope="module")
def stepped():
    """Steps a flock through days with given actions, clipped by the world alone."""

    @eqx.filter_jit
    def run(world, profile, actions):
        result = rollout(world, ZeroPolicy(), profile, jax.random.key(0), action_offset=actions)
        first = jax.vmap(world.reset)(jax.tree.map(lambda x: x[:, 0], profile))
        stored = jax.vmap(jax.vmap(Home.stored_kwh), in_axes=(None, 0))
        after = jax.vmap(stored, in_axes=(None, 1), out_axes=1)(world.fleet, result.state)
        return result, stored(world.fleet, first), after

    return run


@pytest.fixture(scope="module")
def judged_day(stepped, world64, profile64):
    """The same for two days of the small flock."""
    return lambda actions: stepped(world64, profile64, actions)


@pytest.fixture(scope="module")
def portfolios():
    """Twenty homes of the seven portfolios, and two of their days; float64."""
    built = build(load(Path("portfolios"), ["homes.count=20"]))
    days = eqx.filter_jit(built.sampler.train)(jax.random.key(1), 2)
    with jax.enable_x64(True):
        world = jax.tree.map(jnp.asarray, cast(built.world.bare(), np.float64))
        return world, cast(days, jnp.float64), built.kinds


@pytest.mark.study
@pytest.mark.parametrize("size", [0.7, 1e6])
def test_every_portfolio_conserves_energy(size, stepped, portfolios, float64):
    """A home's own balance, load and panels included: what its meter draws is stored, lost or used."""
    world, days, kinds = portfolios
    shape = (2, world.steps, world.homes, world.fleet.controls)
    actions = jnp.asarray(np.random.default_rng(5).uniform(-size, size, shape))
    result, before, after = stepped(world, days, actions)
    drawn_kwh = (result.effect.power_kw * days.dt_h[..., None]).sum(1)
    kept_kwh = after[:, -1] - before + (result.effect.lost_kwh + result.effect.used_kwh).sum(1)
    gap_kwh = np.abs(np.asarray(drawn_kwh - kept_kwh)).max(0)
    assert len(set(kinds)) == 7
    assert {kind: gap for kind, gap in zip(kinds, gap_kwh, strict=True) if gap > 1e-6} == {}
    roofs = np.array([kind == "panel" for kind in kinds])  # nothing that a home lacks draws
    net_kw = np.asarray(days.load_kw) - np.asarray(world.fleet.devices["panel"].size_kwp) * np.asarray(
        days.sun_kw_per_kwp
    )
    np.testing.assert_allclose(result.effect.power_kw[..., roofs], net_kw[..., roofs], atol=1e-9)


@pytest.mark.study
@pytest.mark.parametrize("size", [0.5, 1.0, 1e6])
def test_a_whole_day_conserves_energy_whatever_is_asked(size, judged_day, world64, profile64, float64):
    shape = (2, world64.steps, world64.homes, world64.fleet.controls)
    actions = jnp.asarray(np.random.default_rng(3).uniform(-size, size, shape))
    result, before, after = judged_day(actions)
    drawn_kwh = (result.effect.power_kw * profile64.dt_h[..., None]).sum(1)
    kept_kwh = after[:, -1] - before + (result.effect.lost_kwh + result.effect.used_kwh).sum(1)
    assert float(jnp.abs(drawn_kwh - kept_kwh).max()) <= 1e-6
    assert all(bool(jnp.isfinite(leaf).all()) for leaf in jax.tree.leaves(result))


def test_actions_beyond_one_are_one(judged_day, world64, float64):
    shape = (2, world64.steps, world64.homes, world64.fleet.controls)
    sign = jnp.asarray(np.random.default_rng(4).choice([-1.0, 1.0], shape))
    huge, _, huge_kwh = judged_day(1e6 * sign)
    full, _, full_kwh = judged_day(sign)
    assert all(map(jnp.array_equal, jax.tree.leaves(huge.effect), jax.tree.leaves(full.effect)))
    assert jnp.array_equal(huge_kwh, full_kwh)


def test_no_home_passes_its_limits_however_hard_it_is_pushed(judged_day, world64, float64):
    shape = (2, world64.steps, world64.homes, world64.fleet.controls)
    battery, car = (jax.tree.map(np.asarray, world64.fleet.devices[name]) for name in ("battery", "ev"))
    for actions in (jnp.full(shape, 1e6), jnp.full(shape, -1e6)):
        result, *_ = judged_day(actions)
        level, charge = (np.asarray(result.state[name]) for name in ("battery", "ev"))
        assert (level <= battery.high_share * battery.size_kwh + 1e-9).all()
        assert (level >= battery.low_share * battery.size_kwh - 1e-9).all()
        assert ((charge >= -1e-9) & (charge <= car.size_kwh + 1e-9)).all()


def test_an_appliance_is_done_in_time_whatever_is_asked(judged_day, world64, float64):
    shape = (2, world64.steps, world64.homes, world64.fleet.controls)
    for level in (-1.0, 0.0, 1.0):
        result, *_ = judged_day(jnp.full(shape, level))
        assert float(jnp.abs(result.state["appliance"][:, -1]).max()) <= 1e-9
