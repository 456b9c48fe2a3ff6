"""The flexible home, by exact values: a house of air and mass, a load that waits, a car's wear and least charge."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wattflock.data.sample import recent
from wattflock.homes.devices.deferrable import Deferrable
from wattflock.homes.devices.ev import EV
from wattflock.homes.devices.house import House


def house_of(**fields) -> House:
    """The house of the work: COP 3; float64 inside `jax.enable_x64`."""
    fields = {"limit_kw": 9.0, "cop_at_zero": 3.0, "cop_per_c": 0.0} | fields
    changed = dataclasses.replace(House.example(), **{name: jnp.asarray(value) for name, value in fields.items()})
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, float), changed)


def test_the_house_has_the_coefficients_of_iso_13790():
    """Those of 96 m2 recomputed from the standard's hourly method (Crank and Nicolson), at hours and COP 3."""
    house = House.example()
    net = house._network(1.0, np.exp)
    fades = 1 - net.keep
    mass = fades * net.mass_c, net.keep, fades, 3 * fades * net.mass_c_per_kw, fades * net.mass_sun_c / house.sun_m2
    assert mass == pytest.approx([0.0667, 0.9062, 0.0938, 0.574, 0.205], rel=2e-3)
    half = net.held * fades / 2
    sun = (net.air_sun_c + half * net.mass_sun_c) / house.sun_m2
    air = net.air_c + half * net.mass_c, net.held * (1 + net.keep) / 2, 1 - net.held + half
    assert air == pytest.approx([0.2298, 0.8423, 0.1577], rel=2e-3)
    assert sun == pytest.approx(0.261, rel=2e-3)


def test_heat_balances_at_every_node_of_the_standard_s_network(moment):
    """Air, surfaces and mass by the five conductances; the mass by Euler steps of about a second."""
    with jax.enable_x64(True):
        house, now = house_of(sun_m2=3.0), moment(outdoor_c=1.0, sun_kw_per_kwp=0.4, hour=12.0)
        state = jnp.asarray(14.0)
        after, effect = house.step(state, jnp.array([0.3]), now)
        heat_w, floor, outside_c = 3000 * float(effect.power_kw), 96.0, 1.0
        window, air, inside, to_mass = 0.931 * floor, 0.816 * floor, 3.45 * 4.5 * floor, 9.1 * 2.5 * floor
        to_out = 1 / (1 / (2.59 * floor) - 1 / to_mass)
        half, sun = 1.75 * floor, 3.0 * 400
        shares = 2.5 / 4.5, 1 - 2.5 / 4.5 - window / (9.1 * 4.5 * floor)
        mass_c, capacity, parts = 14.0, 165_000 * floor, 4000
        nodes = np.array([[-inside - air, inside], [inside, -inside - to_mass - window]])
        for _ in range(parts):
            given = [half + heat_w + air * outside_c, shares[1] * (half + sun) + window * outside_c + to_mass * mass_c]
            _, surface_c = np.linalg.solve(nodes, np.negative(given))
            flow = shares[0] * (half + sun) + to_mass * (surface_c - mass_c) + to_out * (outside_c - mass_c)
            mass_c += 3600 / parts * flow / capacity
    assert float(after) == pytest.approx(mass_c, abs=1e-4)


@pytest.mark.parametrize(("hour", "low_c"), [(6, 14.0), (7, 18.0), (9, 18.0), (10, 14.0), (21, 18.0), (22, 14.0)])
def test_the_least_and_the_most_action_reach_the_ends_of_the_hour_s_band(hour, low_c, moment):
    with jax.enable_x64(True):
        house, now, state = house_of(), moment(hour=hour, outdoor_c=0.0), jnp.asarray(12.0)
        cold, warm = (air_after(house, state, action, now) for action in (-1.0, 1.0))
    assert cold == pytest.approx(low_c, abs=1e-9)
    assert warm == pytest.approx(low_c + 4, abs=1e-9)


def air_after(house, state, action, now) -> float:
    _, effect = house.step(state, jnp.array([action]), now)
    _, free_c, c_per_kw = house._free(state, now, house._network(now.dt_h, jnp.exp))
    return float(free_c + 3 * c_per_kw * effect.power_kw)


@pytest.mark.parametrize("hour", [8.0, 9.0, 20.0, 21.0])
def test_before_the_band_falls_no_more_heat_is_given_than_it_may_keep(hour, moment):
    """In the same weather, without heat, the air is then just as warm as it may be in the first hour after the fall."""
    with jax.enable_x64(True):
        house, now = house_of(), moment(hour=hour, outdoor_c=14.0)
        state = jnp.asarray(18.0)
        state, effect = house.step(state, jnp.ones(1), now)
        assert air_after(house, jnp.asarray(18.0), 1.0, now) < 22
        assert float(effect.power_kw) > 0
        fall = 10.0 if hour < 10 else 22.0
        while hour + 1 < fall:
            hour += 1
            state = house._free(state, now, house._network(now.dt_h, jnp.exp))[0]
        later = moment(hour=fall, outdoor_c=14.0)
        assert float(house._free(state, later, house._network(1.0, jnp.exp))[1]) == pytest.approx(18.0, abs=1e-9)


def test_no_action_is_uncomfortable_while_the_pump_suffices(moment):
    with jax.enable_x64(True):
        house = house_of()
        actions = jax.random.uniform(jax.random.key(0), (20, 72), minval=-1)

        def step(state, inputs):
            hour, action = inputs
            now = eqx.tree_at(lambda n: n.hour, moment(outdoor_c=4.0), hour % 24)
            after, effect = house.step(state, action[None], now)
            return after, effect.discomfort_c_h

        hours = jnp.arange(72.0)
        lost = jax.vmap(lambda each: jax.lax.scan(step, house.init(moment()), (hours, each))[1])(actions)
        assert float(lost.max()) <= 1e-9


def queue(load_kw, actions, share, dt_h):
    """What a queue by age meets of each step [kWh]: its own way to the same rules, the oldest first."""
    waiting, met, most = [], [], round(5 / dt_h)
    for step, (kw, action) in enumerate(zip(load_kw, actions, strict=True)):
        waiting.append([step, share * kw * dt_h])
        due = [each for born, each in waiting if born <= step - most or step == len(load_kw) - 1]
        total = sum(each for _, each in waiting)
        serve = rest = sum(due) + (action + 1) / 2 * (total - sum(due))
        while waiting and rest > 0:
            taken = min(rest, waiting[0][1])
            rest, waiting[0][1] = rest - taken, waiting[0][1] - taken
            if waiting[0][1] > 1e-12:
                break
            waiting.pop(0)
        assert all(born > step - most for born, each in waiting if each > 1e-9), "served within five hours"
        met.append(serve)
    assert sum(each for _, each in waiting) < 1e-9, "served by midnight"
    return np.array(met)


@pytest.mark.parametrize("dt_h", [1.0, 0.5])
@pytest.mark.parametrize("seed", range(4))
def test_one_number_does_for_a_queue_by_age(dt_h, seed, moment):
    random = np.random.default_rng(seed)
    steps = round(24 / dt_h)
    load_kw, actions = random.gamma(1, 0.5, steps), random.choice([-1.0, -0.7, 0.0, 1.0], steps)
    if seed == 0:
        actions[:] = -1
    with jax.enable_x64(True):
        device = Deferrable(jnp.asarray(0.1))
        recent_kwh = recent(load_kw[None, :, None], dt_h)[0, :, 0]
        state, met = device.init(moment()), []
        for step in range(steps):
            now = moment(load_kw=load_kw[step], load_recent_kwh=recent_kwh[step], hour=step * dt_h, dt_h=dt_h)
            state, effect = device.step(state, jnp.array([actions[step]]), now)
            met.append(float(effect.power_kw + 0.1 * load_kw[step]) * dt_h)
    np.testing.assert_allclose(met, queue(load_kw, actions, 0.1, dt_h), atol=1e-9)


def test_the_recent_load_is_that_of_five_hours_of_the_same_day():
    load_kw = np.arange(48.0).reshape(2, 24, 1)
    found = recent(load_kw, 1.0)[..., 0]
    assert found[0, :6].tolist() == [0, 1, 3, 6, 10, 15]
    assert found[1, 0] == 24
    assert found[1, 23] == 43 + 44 + 45 + 46 + 47
    assert recent(jnp.asarray(load_kw[:, ::2]), 2.0).shape == (2, 12, 1)


def car_of(**fields) -> EV:
    return dataclasses.replace(EV.example(), **{name: jnp.asarray(value, float) for name, value in fields.items()})


def test_a_car_keeps_its_least_charge_on_the_road_and_at_home(moment):
    """40 kWh, 10 % kept: of 5 kWh one can be given, at 92 %; of a drive of 6 kWh five are bought on the way."""
    car = car_of(size_kwh=40.0, give_kw=7.0, low_share=0.1, away_per_kwh=2.0)
    after, effect = car.step(jnp.asarray(5.0), -jnp.ones(1), moment())
    assert (float(after), float(effect.power_kw)) == pytest.approx((4.0, -0.92), abs=1e-5)
    away = moment(ev_plugged=0.0, ev_driving_kwh=6.0)
    after, effect = car.step(jnp.asarray(5.0), jnp.ones(1), away)
    assert (float(after), float(effect.cost)) == pytest.approx((4.0, 10.0), abs=1e-5)


def test_a_car_s_wear_is_of_the_energy_into_and_out_of_its_battery(moment):
    car = car_of(size_kwh=40.0, limit_kw=5.0, give_kw=5.0, wear_per_kwh=0.1)
    costs = [float(car.step(jnp.asarray(20.0), jnp.array([a]), moment(dt_h=0.5))[1].cost) for a in (-1.0, 0.0, 1.0)]
    assert costs == pytest.approx([0.1 * 2.5 / 0.92, 0.0, 0.1 * 2.5 * 0.92], abs=1e-6)


def test_a_car_that_is_plugged_in_for_part_of_a_step_has_its_power_for_that_part(moment):
    """Half an hour at 7.4 kW, or the one kWh that is missing: time does not halve what fits in."""
    car, half = EV.example(), moment(ev_plugged=0.5)
    drawn = [float(car.step(jnp.asarray(kwh), jnp.ones(1), half)[1].power_kw) for kwh in (30.0, 59.08)]
    assert drawn == pytest.approx([3.7, 1.0], abs=1e-4)


def test_a_car_that_should_end_full_begins_full(moment):
    begins = [float(car_of(size_kwh=39.0, full_share=1.0).init(moment(start=start))) for start in (0.0, 1.0)]
    assert begins == [39.0, 39.0]
    low = car_of(size_kwh=40.0, full_share=0.3, low_share=0.5)
    assert float(low.init(moment())) == pytest.approx(20.0), "never below what is kept"
