"""The plan of a home: wishes are kept, nothing is dearer than without it, and what cannot be gets an offer."""

import time
from datetime import date
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

from wattflock.assistant.plan import parameters
from wattflock.assistant.plan.home import BATTERY, CAR, DT_H
from wattflock.assistant.plan.offers import bindings, offers
from wattflock.assistant.plan.parameters import Parameters
from wattflock.assistant.plan.savings import savings
from wattflock.assistant.plan.schedule import plan
from wattflock.assistant.plan.table import nets, powers, steps
from wattflock.assistant.plan.words import bound, said
from wattflock.core.errors import ScenarioError
from wattflock.study.plan_policy import invert

of_slots = partial(parameters.of_slots, today=date(2024, 5, 2))  # usual days: 3 to 5 May
NIGHT = 0.1239, 0.2717  # prices of the British tariff until 8 h and after [GBP per kWh]


def any_home(seed: int) -> Parameters:
    """A home whose wishes can be kept: sizes, hours and devices by chance."""
    random = np.random.default_rng(seed)
    low_c = float(random.uniform(15, 19))
    arrival, departure = int(random.integers(15, 21)), int(random.integers(6, 10))
    wishes = [
        {"name": "dishwasher", "power_kw": 1.2, "earliest_start": "20:15", "latest_end": "06:00", "duration_min": 75.0},
        {"name": "dryer", "power_kw": 2.0, "earliest_start": "09:00", "latest_end": "17:10", "duration_min": 110.0},
    ]
    return of_slots(
        {
            "city": str(random.choice(["Leeds", "Munich", "San Diego"])),
            "date_start": "2024-01-30", "date_end": "2024-02-01", "ev_count": int(random.integers(0, 3)),
            "ev_battery_kwh": float(random.uniform(20, 60)), "ev_charger_kw": 7.4, "ev_arrival_time": f"{arrival}:40",
            "ev_departure_time": f"0{departure}:10", "ev_target_soc_pct": 90,
            "home_battery_kwh": float(random.choice([0.0, 8.0])), "pv_peak_kw": float(random.choice([0.0, 5.0])),
            "comfort_temp_min_c": low_c, "comfort_temp_max_c": low_c + 2.5,
        },
        {"appliances": wishes[: int(random.integers(0, 3))], "heat_pump_kw": 6.0},
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("horizon_h", [0.0, 24.0])
def test_a_plan_keeps_every_wish_and_is_never_dearer(seed, horizon_h):
    wanted = any_home(seed)
    found = plan(wanted, horizon_h)
    home, planned = found.home, found.planned
    assert planned.missed_kwh.max() < 1e-6
    assert planned.below_c.max() < 1e-6
    if wanted.ev_count:
        full_kwh = wanted.ev_count * wanted.ev_battery_kwh * wanted.ev_target_soc_pct / 100
        leaves = [int(np.ceil(stay.ends_h / DT_H)) - 1 for stay in home.stays]
        np.testing.assert_allclose(planned.level["ev"][leaves], full_kwh, atol=1e-6)
        assert (planned.power_kw["ev"][home.plugged == 0] == 0).all()
        need_kwh = len(home.stays) * (full_kwh - home.start["ev"]) / CAR["efficiency"]
        assert DT_H * planned.power_kw["ev"].sum() == pytest.approx(need_kwh)
    if "battery" in home.devices:
        share = planned.level["battery"] / wanted.home_battery_kwh
        assert BATTERY["low_share"] - 1e-6 <= share.min() and share.max() <= BATTERY["high_share"] + 1e-6
    for (wish, window), start_h in zip(home.runs, found.starts_h, strict=True):
        assert window.begins_h <= start_h and start_h + wish.duration_min / 60 <= window.ends_h + 1e-9
    for wish in wanted.appliances:
        need_kwh = 3 * wish.power_kw * wish.duration_min / 60
        assert DT_H * planned.power_kw[wish.name].sum() == pytest.approx(need_kwh)
    np.testing.assert_allclose(planned.net_kw, home.load_kw + sum(planned.power_kw.values()))
    assert planned.cost <= min(found.usual.cost, found.timer.cost) + 1e-6
    assert found.timer.missed_kwh.max() < 1e-6 and found.timer.below_c.max() < 1e-6
    assert planned.cost >= found.least_cost - (1e-3 if horizon_h else 1e-6)
    assert sum(savings(found).values()) == pytest.approx(found.saving)


def test_levels_are_those_of_the_devices_own_steps():
    """The powers of a plan, step by step in the devices of the world."""
    found = plan(
        of_slots({"home_battery_kwh": 9, "pv_peak_kw": 4, "date_start": "2024-01-10", "date_end": "2024-01-10"})
    )
    home = found.home
    with jax.enable_x64(True):
        for name in ("battery", "ev", "heat pump"):
            device, state = jax.tree.map(lambda x: jnp.asarray(x[0]), home.devices[name]), found.planned.level[name][33]
            step = jax.jit(lambda device, state, kw, now: device.step(state, invert(device, state, kw, now), now))
            for at in range(34, 64):  # from 17 h to the departure
                day = home.profile(np.zeros(home.steps), slice(at, at + 1))
                now = jax.tree.map(lambda x: jnp.asarray(x).reshape(()) if x.size == 1 else x, day)
                state, effect = step(device, jnp.asarray(state), found.planned.power_kw[name][at], now)
                assert float(effect.power_kw) == pytest.approx(found.planned.power_kw[name][at], abs=1e-6), (name, at)
                level = found.planned.level[name][at] - (home.driving_kwh[at] if name == "ev" else 0)
                assert float(state) == pytest.approx(level, abs=1e-6), (name, at)


def test_a_car_charges_in_the_cheap_hours_as_by_hand():
    found = plan(of_slots({}, {"heat_pump_kw": 0}))
    kwh = 0.4 * 50 / CAR["efficiency"]
    assert kwh / 7.4 == pytest.approx(2 + 56.3 / 60, abs=0.01)
    assert said(found)[0] == (
        f"The car charges each time 00:00–02:56; that saves £{3 * kwh * (NIGHT[1] - NIGHT[0]):.2f}"
        " against plugging in at once."
    )
    assert found.least_cost == pytest.approx(found.planned.cost)


def test_timers_start_with_the_cheap_hours_as_by_hand():
    wish = {"name": "dishwasher", "power_kw": 1.0, "earliest_start": "21:00", "latest_end": "07:00"}
    other = {"name": "dryer", "power_kw": 2.0, "earliest_start": "09:00", "latest_end": "15:00", "duration_min": 60.0}
    given = {"appliances": [wish | {"duration_min": 60.0}, other], "heat_pump_kw": 0, "load_kwh_per_day": 24}
    found = plan(of_slots({"date_end": "2024-05-03", "home_battery_kwh": 10}, given))
    on = {name: np.flatnonzero(power_kw > 0) / 2 for name, power_kw in found.timer.power_kw.items()}
    assert on["dishwasher"].tolist() == [24, 24.5] and on["dryer"].tolist() == [9, 9.5]
    assert on["ev"].tolist() == [24, 24.5, 25, 25.5, 26, 26.5]  # 20 kWh / 0.92 / 7.4 kW = 2.94 h
    assert on["battery"].max() < 32 and (found.timer.power_kw["battery"][16:48] <= 0).all()
    assert found.timer.level["battery"][:16].max() == pytest.approx(9.5)  # 95 % of 10 kWh
    assert found.timer.level["battery"][47] == pytest.approx(1.0)  # given by 24 h, at 1 kW
    saves = (20 / CAR["efficiency"] + 1) * (NIGHT[1] - NIGHT[0])  # kWh of the car and of the dishwasher
    alone = plan(of_slots({"date_end": "2024-05-03"}, given))
    assert alone.timer_saving == pytest.approx(saves)
    assert said(alone)[-2] == (
        f"A plain timer that starts with the cheap hours would save £{saves:.2f}, 100 % of that."
    )


@pytest.mark.parametrize(("kw", "first_h"), [(7.4, 24), (2.3, 22.5), (1.5, 18)])
def test_a_timer_starts_earlier_where_the_car_would_not_get_full(kw, first_h):
    found = plan(of_slots({"date_end": "2024-05-03", "ev_charger_kw": kw}, {"heat_pump_kw": 0}))
    at = np.flatnonzero(found.timer.power_kw["ev"] > 0) / 2
    assert at.min() == first_h  # it needs 21.7 kWh by 8 h: 2.9, 9.5 and 14.5 h
    assert found.timer.missed_kwh.sum() == found.usual.missed_kwh.sum()


def test_at_one_price_the_car_is_plugged_in_at_once_and_nothing_is_said_to_be_saved():
    found = plan(of_slots({"date_end": "2024-05-03"}, {"heat_pump_kw": 0, "tariff": 0.3}))
    assert said(found)[0] == "The car charges 18:00–20:56; that costs the same as plugging in at once."
    assert found.timer.cost == found.usual.cost and not any("timer" in each for each in said(found))
    sunny = plan(of_slots({"date_end": "2024-05-03", "pv_peak_kw": 4}, {"tariff": 0.3, "export_per_kwh": 0.1}))
    assert "A timer would save nothing of that: a kWh always costs the same." in said(sunny)
    assert bound(found, bindings(found)) == [
        "The target binds: leaving with 70 % would save £1.63."
    ]  # 5 kWh / 0.92 · 0.3


def test_the_house_is_heated_before_the_price_rises():
    found = plan(of_slots({"date_start": "2024-01-10", "date_end": "2024-01-10", "ev_count": 0}))
    at_8 = round(8 / DT_H) - 1
    assert found.planned.level["heat pump"].argmax() == at_8
    assert found.planned.level["heat pump"][at_8] == pytest.approx(21)
    assert found.usual.level["heat pump"] == pytest.approx(np.full(found.home.steps, 18.0))
    assert found.planned.cost < found.usual.cost


def test_an_appliance_starts_where_the_sun_is():
    wish = {"name": "washing machine", "power_kw": 2.0, "earliest_start": "08:30", "latest_end": "20:00"}
    given = {"appliances": [wish | {"duration_min": 90.0}], "heat_pump_kw": 0}
    found = plan(
        of_slots({"ev_count": 0, "pv_peak_kw": 5, "date_start": "2024-06-10", "date_end": "2024-06-10"}, given)
    )
    assert 10 <= found.starts_h[0] <= 14
    assert "washing machine starts at 1" in said(found)[0]


def test_eighty_kwh_do_not_fit_into_three_hours_and_the_offers_do():
    values = {"ev_battery_kwh": 100, "ev_charger_kw": 7, "ev_arrival_time": "18:00", "ev_departure_time": "21:00"}
    given = {"ev_arrival_soc_pct": 0, "heat_pump_kw": 0}
    (offer,) = offers(plan(of_slots(values, given)))
    assert "needs 80.0 kWh" in offer and "7 kW bring 19.3 kWh between 18:00 and 21:00" in offer  # 7 · 3 · 0.92
    assert "Nearest: 19 % at 21:00, 80 % at 06:25, or a charger of 29.0 kW" in offer  # 80 / 0.92 / 7 = 12.42 h
    for better in ({"ev_target_soc_pct": 19}, {"ev_departure_time": "06:26"}, {"ev_charger_kw": 29}):
        assert offers(plan(of_slots({**values, **better}, given))) == []


def test_comfort_that_the_pump_cannot_hold_gets_what_it_can():
    values = {"ev_count": 0, "comfort_temp_min_c": 21, "comfort_temp_max_c": 23, "date_start": "2024-01-10"}
    values |= {"date_end": "2024-01-11"}
    (offer,) = offers(plan(of_slots(values, {"heat_pump_kw": 0.6})))
    held_c, need_kw = float(offer.split("Nearest: ")[1].split()[0]), float(offer.split("pump of ")[1].split()[0])
    assert offers(plan(of_slots({**values, "comfort_temp_min_c": held_c}, {"heat_pump_kw": 0.6}))) == []
    assert offers(plan(of_slots(values, {"heat_pump_kw": need_kw}))) == []
    assert offers(plan(of_slots({**values, "comfort_temp_min_c": held_c + 0.4}, {"heat_pump_kw": 0.6})))


def test_a_window_that_is_too_short_and_days_that_are_too_many_get_offers():
    values = {"appliance_earliest_start": "21:00", "appliance_latest_end": "22:00", "appliance_duration_min": 120}
    found = plan(of_slots({**values, "ev_count": 0, "date_end": "2024-05-20"}, {"heat_pump_kw": 0}))
    days, window = offers(found)
    assert days.startswith("The plan has the first 7 of 18 days")
    assert "London" in said(found)[-1] and "nearest in latitude to Oxford" in said(found)[-1]
    assert "runs 120 minutes, and from 21:00 to 22:00 there are 60" in window
    assert "until 23:00 (as planned), from 20:00, or a programme of 60 minutes" in window
    assert found.starts_h[0] == 21 and len(found.starts_h) == 7
    (longer,) = offers(plan(of_slots({**values, "appliance_duration_min": 120.2, "ev_count": 0}, {"heat_pump_kw": 0})))
    assert "until 23:01 (as planned), from 19:59" in longer


def test_a_plan_of_three_days_and_all_its_words_take_less_than_a_second():
    wanted = any_home(3)
    begin = time.process_time()
    found = plan(wanted)
    assert said(found) and bindings(found) and offers(found) == []
    assert time.process_time() - begin < 1.0


@pytest.mark.study
def test_a_wish_is_loosened_in_a_plan_that_sees_as_far():
    wishes = [{"name": "dishwasher", "power_kw": 1.2, "earliest_start": "20:00", "latest_end": "06:00"}]
    values = {"city": "Leeds", "date_start": "2024-01-30", "date_end": "2024-02-01", "home_battery_kwh": 8}
    values |= {"pv_peak_kw": 5, "comfort_temp_min_c": 17, "comfort_temp_max_c": 19.5}
    found = plan(of_slots(values, {"appliances": wishes, "heat_pump_kw": 6}), 12)
    saves = {each.wish: each.saves for each in bindings(found)}
    assert "window of the dishwasher" not in saves  # it has the cheapest hours already
    warmer = of_slots({**values, "comfort_temp_min_c": 16}, {"appliances": wishes, "heat_pump_kw": 6})
    assert saves["comfort minimum"] == pytest.approx(found.planned.cost - plan(warmer, 12).planned.cost)


def test_tables_hold_the_plan():
    found = plan(of_slots({"pv_peak_kw": 4, "home_battery_kwh": 9, "date_end": "2024-05-03"}))
    table = steps(found)
    assert table.height == found.home.steps
    assert table["net_kw"].to_numpy() == pytest.approx(found.planned.net_kw, abs=1e-4)
    assert {"ev_soc_pct", "battery_soc_pct", "indoor_c", "ev_kw", "heat_pump_kw", "panel_kw"} <= set(table.columns)
    bars = powers(found)
    assert (bars["high"] - bars["low"]).to_numpy() == pytest.approx(bars["kw"].abs().to_numpy())
    net = bars.group_by("begins").agg(pl.col("kw").sum()).sort("begins")["kw"].to_numpy()
    assert net == pytest.approx(found.planned.net_kw)
    assert set(nets(found)["series"]) == {"planned", "without a plan"}


def test_what_nobody_said_is_taken_by_name_and_what_cannot_be_is_refused_at_once():
    made = of_slots({"ev_count": 0}, {"heat_pump_kw": 0, "tariff": "gb-flat"})
    assert "everything else draws 8 kWh a day" in made.assumed
    assert not any("car" in each or "heat" in each or "tariff" in each for each in made.assumed)
    with pytest.raises(ScenarioError) as caught:
        of_slots({"ev_battery_kwh": 900, "date_start": "tomorrow"}, {"tarif": 1, "tariff": "gb"})
    text = str(caught.value)
    assert len(caught.value.problems) == 4
    assert "ev_battery_kwh = 900; allowed: 5 to 250 kWh" in text and "did you mean 'tariff'?" in text
    for wrong, word in (
        ({"comfort_temp_min_c": 22, "comfort_temp_max_c": 21}, "more than comfort_temp_min_c"),
        ({"export_per_kwh": 0.2}, "else energy would be bought to be sold"),
        ({"tariff": [[0, 8, 0.1], [9, 24, 0.2]]}, "cover 0 to 24 h once"),
        ({"appliances": [{"power_kw": -1.0}]}, "power_kw"),
        ({"appliances": [{"name": "ev"}]}, "no name twice"),
    ):
        with pytest.raises(ScenarioError, match=word):
            of_slots({}, wrong)


def test_a_city_that_no_table_has_is_said():
    found = plan(of_slots({"city": "Atlantis", "ev_count": 0}))
    assert "London, since no table has Atlantis" in said(found)[-1]
