"""What every device of a home keeps to, those of today and those to come."""

import dataclasses
import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wattflock.core.errors import ScenarioError
from wattflock.core.registry import interface, parts
from wattflock.core.scenario import load
from wattflock.homes.home import Home

DEVICES = parts("homes", interface("homes"))
MOMENTS = (
    {},
    {"hour": 0.0, "outdoor_c": -15.0, "sun_kw_per_kwp": 0.0, "ev_driving_kwh": 12.0, "ev_plugged": 0.0},
    {"hour": 8.0, "dt_h": 0.25, "import_price_per_kwh": 0.6, "load_kw": 0.0},
    {"hour": 19.5, "dt_h": 1 / 12, "outdoor_c": 45.0, "sun_kw_per_kwp": 1.3},
    {"hour": 23.0, "import_price_per_kwh": -0.1, "load_kw": 30.0, "start": 1.0},
)
every_device = pytest.mark.parametrize("name", DEVICES)
present_or_not = pytest.mark.parametrize("present", [True, False], ids=["present", "absent"])


def device_of(name: str, present: bool = True):
    example = DEVICES[name].example()
    return example if present else example.absent()


def stack(trees):
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *trees)


def finite(tree) -> bool:
    return all(bool(jnp.isfinite(leaf).all()) for leaf in jax.tree.leaves(tree))


def all_actions(device):
    """Nothing, half and full of every control: (actions, controls)."""
    return jnp.array([[level] * device.controls for level in (-1.0, -0.5, 0.0, 0.5, 1.0)])


@eqx.filter_jit
def extremes(device, now):
    """States that 60 steps of each action lead to from either start, among them full and empty: (states,)."""

    def last(action, start):
        first = device.init(eqx.tree_at(lambda n: n.start, now, start))
        return jax.lax.scan(lambda state, _: (device.step(state, action, now)[0], None), first, length=60)[0]

    starts = jnp.array([0.0, 1.0])
    begin = jax.vmap(lambda start: device.init(eqx.tree_at(lambda n: n.start, now, start)))(starts)
    reached = jax.vmap(jax.vmap(last, (None, 0)), (0, None))(all_actions(device), starts)
    return jnp.concatenate([begin, reached.reshape(-1)])


@eqx.filter_jit
def step_everywhere(device, states, now):
    """Steps and gradients for all states × actions × moments."""

    def worth(state, action, now):
        after, effect = device.step(state, action, now)
        return after + device.end(after) + sum(jax.tree.leaves(effect)), (after, effect)

    slope = jax.grad(worth, argnums=(0, 1), has_aux=True)
    for axes in ((None, None, 0), (None, 0, None), (0, None, None)):
        slope = jax.vmap(slope, axes)
    return slope(states, all_actions(device), now)


@functools.cache
def tried(name: str, present: bool, moment):
    device = device_of(name, present)
    states = extremes(device, moment(hour=12.0))
    return device, states, *step_everywhere(device, states, stack([moment(**change) for change in MOMENTS]))


@every_device
def test_it_says_where_it_comes_from(name):
    assert "Source:" in (DEVICES[name].__doc__ or "")


@every_device
def test_its_cost_is_called_as_its_prices_are(name):
    fields = [field.name for field in dataclasses.fields(DEVICES[name])]
    words = [word for word in ("comfort", "fuel") if any(field.startswith(word) for field in fields)]
    assert [DEVICES[name].cost_is] == (words or ["wear"])


@every_device
def test_its_fields_are_those_it_names(name):
    device = device_of(name)
    fields = {field.name for field in dataclasses.fields(device)}
    assert all(jnp.shape(leaf) == () for leaf in jax.tree.leaves(device))
    assert set(device.sizes) <= fields
    assert set(device.ranges) <= fields
    assert device.sizes, "nothing says that it is absent"


@pytest.mark.study
@every_device
@present_or_not
def test_every_step_and_its_gradient_are_finite(name, present, moment):
    _, states, slopes, results = tried(name, present, moment)
    assert finite(states)
    assert finite(results)
    assert finite(slopes)


@pytest.mark.study
@every_device
@present_or_not
def test_a_step_keeps_structure_and_shape(name, present, moment):
    device = device_of(name, present)
    state = device.init(moment())
    after, effect = device.step(state, jnp.zeros(device.controls), moment())
    assert jax.tree.structure(after) == jax.tree.structure(state)
    assert jnp.shape(after) == jnp.shape(state) == ()
    assert all(jnp.shape(leaf) == () for leaf in jax.tree.leaves(effect))
    assert device.stored_kwh(state).shape == device.end(state).shape == device.show(state).shape == ()


@every_device
def test_one_that_is_absent_does_nothing(name, moment):
    device, states, _, (_, effect) = tried(name, False, moment)
    for quantity in ("power_kw", "reactive_kvar", "cost", "discomfort_c_h", "carbon_kg", "used_kwh", "lost_kwh"):
        assert jnp.abs(getattr(effect, quantity)).max() == 0, quantity
    assert jnp.abs(jax.vmap(device.end)(states)).max() == 0
    assert jnp.abs(jax.vmap(device.stored_kwh)(states)).max() == 0


@pytest.mark.study
@every_device
@present_or_not
def test_what_it_shows_and_what_it_does_unsteered_have_their_shape(name, present, moment):
    device, states, *_ = tried(name, present, moment)
    for change in MOMENTS:
        now = moment(**change)
        seen = jax.vmap(device.observe, (0, None))(states, now)
        idle = jax.vmap(device.idle, (0, None))(states, now)
        assert seen.shape == (len(states), len(device.features))
        assert finite(seen)
        assert idle.shape == (len(states), device.controls)
        assert (jnp.abs(idle) <= 1).all()


@pytest.mark.study
@every_device
@present_or_not
@pytest.mark.parametrize("surplus_kw", [-1e3, -1.0, 0.0, 1.0, 1e3])
def test_its_rule_is_an_action(name, present, surplus_kw, moment):
    device, states, *_ = tried(name, present, moment)
    for change in MOMENTS:
        rule = jax.vmap(device.rule, (0, None, None))(states, moment(**change), jnp.asarray(surplus_kw))
        assert rule.shape == (len(states), device.controls)
        assert (jnp.abs(rule) <= 1 + 1e-5).all()


@pytest.mark.slow
@every_device
@present_or_not
def test_a_timer_s_targets_give_actions_and_finite_gradients(name, present, moment):
    device, states, *_ = tried(name, present, moment)
    targets = jnp.asarray(device.timetable(np.arange(1.0, 25.0)), float)
    assert targets.shape == (24, device.controls)

    def worth(state, target, now):
        after, effect = device.step(state, jnp.clip(device.setpoint(state, target, now), -1, 1), now)
        return after + device.end(after) + sum(jax.tree.leaves(effect))

    slope = jax.value_and_grad(worth, argnums=(0, 1))
    for axes in ((None, None, 0), (None, 0, None), (0, None, None)):
        slope = jax.vmap(slope, axes)
    assert finite(eqx.filter_jit(slope)(states, targets, stack([moment(**change) for change in MOMENTS])))


@every_device
def test_a_higher_action_moves_its_power_as_it_says(name, moment):
    """`draws` is the sign of the power, active or reactive, that a control draws more of as its action rises."""
    device, now = device_of(name), moment()
    assert len(device.draws) == device.controls
    state = device.init(now)
    for control, sign in enumerate(device.draws):
        low, high = (device.step(state, jnp.zeros(device.controls).at[control].set(a), now)[1] for a in (0.2, 0.5))
        drawn = high.power_kw - low.power_kw + high.reactive_kvar - low.reactive_kvar
        assert jnp.sign(drawn) == sign


def followed(device, state, hours, surplus_kw, moment):
    """Power drawn hour by hour under the rule [kW], and the last state."""
    drawn = []
    for hour in hours:
        now = moment(hour=float(hour), import_price_per_kwh=0.2)
        state, effect = device.step(state, device.rule(state, now, jnp.asarray(surplus_kw)), now)
        drawn.append(float(effect.power_kw))
    return drawn, float(state)


def test_a_battery_s_rule_refills_evenly_to_half_by_midnight(moment):
    """From 10 % of 6.4 kWh: 2.56 kWh at 95 % in three hours."""
    drawn, last = followed(device_of("battery"), jnp.asarray(0.64), (20, 21, 22, 23), -1.0, moment)
    assert drawn == pytest.approx([0, *[2.56 / 0.95 / 3] * 3], abs=1e-5)
    assert last == pytest.approx(3.2, abs=1e-5)


def test_a_car_s_rule_charges_evenly_from_21_h_to_midnight(moment):
    """To 60 kWh at 92 %: from 48 in three hours; from 30 what 7.4 kW leave by then until 7 h; below 30 % at once."""
    hours = (19, 20, 21, 22, 23, *range(9))
    drawn, last = followed(device_of("ev"), jnp.asarray(48.0), hours, -1.0, moment)
    assert drawn == pytest.approx([0, 0, *[12 / 0.92 / 3] * 3, *[0] * 9], abs=1e-4)
    assert last == pytest.approx(60, abs=1e-3)
    drawn, last = followed(device_of("ev"), jnp.asarray(30.0), hours, -1.0, moment)
    assert drawn == pytest.approx([0, 0, *[7.4] * 3, *[(30 / 0.92 - 3 * 7.4) / 7] * 7, 0, 0], abs=1e-4)
    assert last == pytest.approx(60, abs=1e-3)
    assert followed(device_of("ev"), jnp.asarray(17.0), (12,), -1.0, moment)[0] == pytest.approx([7.4])


def test_rules_hand_the_surplus_on_in_turn_whatever_the_order_of_devices(moment):
    """Sun 5 kW, load 1 kW, pump some: the car takes what is left of it, the battery what the car leaves."""
    names = ("generator", "battery", "ev", "heat_pump", "panel")
    homes = [Home({name: device_of(name) for name in order}, jnp.zeros(())) for order in (names, names[::-1])]
    now = moment(hour=12.0, sun_kw_per_kwp=1.0, load_kw=1.0, start=0.5)
    for home in homes:
        state = home.init(now) | {"ev": jnp.asarray(30.0)}
        shown = jax.tree.map(float, home.dissect(state, home.rule(state, now), now))
        assert shown["ev"] == pytest.approx(4.0 - shown["heat_pump"], abs=1e-5)
        assert shown["battery"] == pytest.approx(0, abs=1e-6)
        assert shown["generator"] == 0
    evening = moment(hour=19.0, sun_kw_per_kwp=0.0, load_kw=1.0, import_price_per_kwh=0.6, outdoor_c=5.0)
    for home in homes:
        rule = home.rule(home.init(evening), evening)
        shown = jax.tree.map(float, home.dissect(home.init(evening), rule, evening))
        assert shown["heat_pump"] > 0
        assert shown["battery"] == pytest.approx(-1 - shown["heat_pump"], abs=1e-5)  # not the load alone
        assert shown["generator"] == pytest.approx(0, abs=1e-5)


@every_device
def test_what_homes_have_by_themselves_keeps_its_order(name):
    """Every home that a device's own ranges and example give; the pairs are fields of it."""
    device = DEVICES[name]
    for low, sign, high in device.ordered:
        assert sign in ("<", "<=")
        own = {field: 2 * [getattr(device.example(), field)] for field in (low, high)} | device.ranges
        (_, most), (least, _) = own[low], own[high]
        assert most < least or (sign == "<=" and most == least)


@pytest.mark.parametrize(
    ("device", "said"),
    [
        ("heat_pump={low_c=22}", {"low_c": "below high_c, 22"}),
        ("heat_pump={high_c=[18.5, 23]}", {"high_c": "above low_c, 19"}),
        ("heat_pump={low_c=[18, 21], high_c=[20, 22]}", {"low_c": "below high_c, 20"}),
        ("appliance={close_h=[9, 12]}", {"close_h": "above open_h, 10"}),
        ("appliance={open_h=18}", {"open_h": "below close_h, 17"}),
        ("ev={spare_per_kwh=0.4}", {"spare_per_kwh": "below or equal to short_per_kwh, 0.32"}),
        (
            "battery={low_share=0.5, high_share=0.5, short_per_kwh=0.1}",
            {"low_share": "below high_share, 0.5", "short_per_kwh": "above or equal to spare_per_kwh, 0.2"},
        ),
        ("battery={low_share=1.5, high_share=0.5}", {"low_share": "a number at least 0 and at most 1"}),
        ("house={return_h=[9, 20]}", {"return_h": "above or equal to leave_h, 10"}),
        ("battery={short_per_kwh=0.2}", {}),
        ("heat_pump={low_c=[18, 20], high_c=[20.5, 22]}", {}),
    ],
)
def test_fields_that_do_not_belong_together_are_refused_all_at_once(device, said):
    sets = [f'homes.kinds=[{{name="one", share=0.5, devices={{{device}}}}}]', "homes.count=0"]
    with pytest.raises(ScenarioError) as error:
        load(None, sets)
    found = {problem.field.rpartition(".")[2]: problem.allowed for problem in error.value.problems}
    assert set(found) == {"count", *said}
    assert all(text in found[name] for name, text in said.items())


@pytest.mark.study
@every_device
def test_a_fleet_is_its_homes_side_by_side(name, moment):
    homes = [device_of(name), device_of(name, present=False), device_of(name)]
    action, now = jnp.full((homes[0].controls,), 0.3), moment()
    fleet = stack(homes)
    state = jax.vmap(type(fleet).init, (0, None))(fleet, now)
    together = jax.vmap(type(fleet).step, (0, 0, None, None))(fleet, state, action, now)
    alone = stack([device.step(device.init(now), action, now) for device in homes])
    assert all(map(jnp.allclose, jax.tree.leaves(together), jax.tree.leaves(alone)))


@every_device
def test_it_is_traced_once(name, moment):
    traces = []

    @eqx.filter_jit
    def step(device, state, action, now):
        traces.append(name)
        return device.step(state, action, now)

    for present, change in ((True, MOMENTS[0]), (False, MOMENTS[1]), (True, MOMENTS[3])):
        device = device_of(name, present)
        step(device, device.init(moment()), jnp.full((device.controls,), 0.1), moment(**change))
    assert len(traces) == 1


@pytest.mark.study
@every_device
def test_float64_stays_float64(name, moment, float64):
    device = jax.tree.map(lambda leaf: leaf.astype(float), device_of(name))
    now = moment()
    state = device.init(now)
    action = jnp.full((device.controls,), 0.3)
    results = device.step(state, action, now), device.idle(state, now), device.rule(state, now, now.load_kw)
    seen = device.observe(state, now), device.end(state), device.stored_kwh(state), device.show(state)
    assert {str(leaf.dtype) for leaf in jax.tree.leaves((state, results, seen))} == {"float64"}


@pytest.mark.study
@every_device
@present_or_not
def test_what_controls_set_bounds_the_power_that_they_move(name, present, moment):
    """Beside what a device does at the lowest action, which a deadline or a band may force."""
    device = device_of(name, present)
    commands = jax.tree.map(float, device).commands()
    assert len(commands) == device.controls
    powers = np.array([each.power_kw or (np.nan,) * 3 for each in commands], float)
    if not len(powers) or np.isnan(powers).any():
        return
    now = moment()
    for state in extremes(device, now):
        drawn_kw = [float(device.step(state, action, now)[1].power_kw) for action in all_actions(device)]
        told_kw = [sum(np.interp(float(a), (-1, 0, 1), each) for a, each in zip(action, powers, strict=True))
                   for action in all_actions(device)]  # fmt: skip
        assert (np.abs(np.subtract(drawn_kw, drawn_kw[0])) <= np.abs(np.subtract(told_kw, told_kw[0])) + 1e-5).all()
