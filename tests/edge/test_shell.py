"""The controller without a broker: whatever comes in, set-points stay within limits, each with its reason."""

import json
import math
import random

import numpy as np
import pytest

from wattflock.edge.audit import Audit, records
from wattflock.edge.card import Card, Control, Observed
from wattflock.edge.controller import Controller, Moment, Settings
from wattflock.edge.discovery import STATUS
from wattflock.edge.envelope import Envelope, Limits
from wattflock.edge.policy import Policy
from wattflock.edge.shell import Shell, rating_kw

BATTERY = Control("battery power", "battery", "kW", -5, 5, -5, 5, 0, 0.0, (-5, 0, 5), None)
CAR = Control("ev power", "ev", "kW", -7, 7, 0, 7, 0, 7.0, (0, 0, 7), None)
PUMP = Control("pump power", "heat_pump", "kW", 0, 2, 0, 2, 0, None, (0, 1, 2), None)
SUN = Control("inverter yield", "inverter", "share", 0, 1, 0, 1, 0, 1.0, (0, -2.5, -5), "sun")
LOAD = Observed("load", "kW", 0, 1)
YIELD = Observed("sun", "kW", 0, 1)
STALE_S = 10.0


class List(list):
    """A log in memory."""

    def append(self, record):
        super().append(record)
        return len(self)


def card_of(*controls: Control) -> Card:
    return Card("home-1", 300, (LOAD, YIELD), controls, 1.0, ("load",), (), {})


def controller_of(*controls: Control, wish=None, **settings) -> Controller:
    """A controller whose policy gives the same actions at any reading."""
    card = card_of(*(controls or (BATTERY,)))
    arrays = {"weight0": np.zeros((2, len(card.controls))), "bias0": np.arctanh(wish or [0.5] * len(card.controls))}
    return Controller(card, Policy(card, arrays), Envelope(rating_kw(card), None, lambda: 0.5), List(),
                      Settings(STALE_S, **settings))  # fmt: skip


def reading(time_s: float, load=1.0, sun=0.0, **more) -> bytes:
    return json.dumps({"time_s": time_s, "values": {"load": load, "sun": sun} | more}).encode()


def at(seconds: float) -> Moment:
    return Moment(1e9 + seconds, seconds)


def said(messages) -> dict:
    """The set-point message among what was published."""
    (found,) = [
        json.loads(each.payload) for each in messages if each.topic.rpartition("/")[2] in ("setpoint", "shadow")
    ]
    return found


def meter(controller, seconds: float, payload: bytes | None = None):
    return controller.receive(
        at(seconds), "wattflock/home-1/meter", reading(1e9 + seconds) if payload is None else payload
    )


def envelope(import_w=None, export_w=None, **more) -> dict:
    base = {"opModImpLimW": import_w, "opModExpLimW": export_w}
    return {"DERControlBase": {k: {"value": v, "multiplier": 0} for k, v in base.items() if v is not None}} | more


def event(mrid: str, start: float, duration: float, primacy=1, created=0, **more) -> dict:
    return {"mRID": mrid, "creationTime": created, "primacy": primacy,
            "interval": {"start": start, "duration": duration}} | more  # fmt: skip


def test_a_reading_is_answered_by_the_policy():
    found = said(meter(controller_of(), 1))
    assert (found["setpoints"], found["reason"]) == ({"battery power": pytest.approx(2.5)}, "policy")


HOSTILE = [
    b"", b"null", b"\xff\xfe", b"[" * 90_000, b"9" * 90_000, b'{"time_s": NaN, "values": {}}', b"x" * 200_000,
    *(reading(1e9 + 5, load=value) for value in (math.nan, 1e999, 10**400, True, "1")), reading(1e9 + 5, more=1.0),
    b'{"time_s": 1000000005, "values": [1, 2]}',
]  # fmt: skip


@pytest.mark.parametrize("payload", HOSTILE, ids=lambda payload: str(payload[:20]))
def test_a_bad_message_gives_the_fallback_and_the_next_good_one_ends_it(payload):
    controller = controller_of()
    meter(controller, 1)
    found = said(meter(controller, 5, payload))
    assert (found["setpoints"]["battery power"], found["reason"][:21]) == (0.0, "fallback: bad message")
    assert said(meter(controller, 6))["reason"] == "policy"


def test_readings_that_are_old_doubled_or_late_are_not_followed():
    controller = controller_of()
    meter(controller, 5)
    assert meter(controller, 5, reading(1e9 + 5)) == []  # doubled
    assert meter(controller, 6, reading(1e9 + 3)) == []  # out of order
    assert [each["ignored"][:9] for each in controller.log[1:]] == ["a reading"]  # the first of a flood
    assert said(meter(controller, 30, reading(1e9 + 12)))["reason"].startswith("fallback: stale")
    assert said(meter(controller, 31))["reason"] == "policy"


def test_silence_gives_the_fallback_once():
    controller = controller_of()
    meter(controller, 5)
    assert controller.tick(at(5 + STALE_S)) == []
    assert said(controller.tick(at(5.1 + STALE_S)))["reason"].startswith("fallback: no reading")
    assert controller.tick(at(30)) == []


@pytest.mark.parametrize("jump_s", [-86400, 86400])
def test_a_clock_that_jumps_costs_one_step_each_way(jump_s):
    controller = controller_of()
    meter(controller, 5)
    far = reading(1e9 + 6 + jump_s)
    assert said(meter(controller, 6, far))["reason"].startswith("fallback: stale")
    assert said(meter(controller, 7))["reason"] == "policy"
    own = Moment(1e9 + 8 + jump_s, 8)  # this box's own clock; then the sender's follows
    assert said(controller.receive(own, "wattflock/home-1/meter", reading(1e9 + 8)))["reason"].startswith("fallback")
    assert said(controller.receive(own, "wattflock/home-1/meter", far.replace(b"6.0", b"8.0")))["reason"] == "policy"


def test_a_flood_of_garbage_is_answered_once_and_counted():
    controller = controller_of()
    meter(controller, 1)
    found = [meter(controller, 2, b"?") for _ in range(50)]
    assert [len(each) for each in found] == [1] + [0] * 49
    meter(controller, 3)
    assert (controller.log[-1]["passed"], len(controller.log)) == (49, 4)


def test_a_policy_that_says_no_number_is_not_followed():
    controller = controller_of()
    controller.policy.biases[0][:] = math.nan
    found = said(meter(controller, 1))
    assert (found["setpoints"]["battery power"], "not finite" in found["reason"]) == (0.0, True)


def test_shadow_mode_sends_nothing_that_a_device_reads():
    published = [*meter(controller_of(shadow=True), 1), *controller_of(shadow=True).connected(at(0))]
    assert {each.topic for each in published if "home-1/s" in each.topic} == {"wattflock/home-1/shadow"}


def test_an_override_holds_within_limits_until_it_ends_or_is_taken_back():
    controller = controller_of()
    meter(controller, 1)
    topic = f"wattflock/home-1/override/{BATTERY.slug}"
    assert controller.receive(at(2), topic, b"99") == []
    assert said(controller.receive(at(2), topic, b"-3"))["setpoints"]["battery power"] == pytest.approx(-3)
    assert said(meter(controller, 3))["reason"].startswith("override of battery power")
    assert said(controller.receive(at(4), "wattflock/home-1/automatic", b"ON"))["reason"] == "policy"
    controller.receive(at(5), topic, b"-3")
    meter(controller, 3604)
    assert said(controller.tick(at(3606)))["reason"] == "policy"


@pytest.mark.parametrize(
    ("wish", "limits", "want"),
    [
        ([1.0, 1.0], Limits(13.0), [5, 7]),
        ([1.0, 1.0], Limits(7.0), [2.5, 3.5]),  # 1 kW of load; both by the same share
        ([1.0, 1.0], Limits(0.0), [-1, 0]),  # the battery covers the load
        ([1.0, 1.0], Limits(-50.0), [-5, 0]),  # as near as devices can
        ([-1.0, -1.0], Limits(math.inf, 2.0), [-3, 0]),
        ([-1.0, 0.0], Limits(math.inf, -2.0), [2 / 3 / 1.0, 0]),
    ],
)
def test_the_envelope_holds_at_the_meter(wish, limits, want):
    shell = Shell(card_of(BATTERY, CAR))
    shell.values = {"load": 1.0, "sun": 0.0}
    found = list(shell.decide(np.array(wish), "policy", limits, 0).setpoints.values())
    if limits.export_kw == -2:
        assert sum(found) + 1 == pytest.approx(2)  # it must draw 2 kW: so it charges
    else:
        assert found == pytest.approx(want)


def test_a_released_device_counts_with_its_most_and_is_bounded_where_it_must_be():
    shell = Shell(card_of(PUMP, BATTERY))
    shell.values = {"load": 1.0, "sun": 0.0}
    assert shell.decide(None, "fallback", Limits(3.0), 0).setpoints == {"pump power": None, "battery power": 0.0}
    assert shell.decide(None, "fallback", Limits(2.0), 0).setpoints["pump power"] == pytest.approx(1.0)


def test_yield_is_curtailed_by_what_there_is_of_it():
    shell = Shell(card_of(SUN))
    shell.values = {"load": 0.0, "sun": 2.0}
    assert shell.decide(np.array([1.0]), "policy", Limits(export_kw=2.0), 0).setpoints["inverter yield"] == 1.0
    bounded = shell.decide(np.array([1.0]), "policy", Limits(export_kw=0.5), 0)
    assert bounded.setpoints["inverter yield"] == pytest.approx(0.25)


def test_ramps_bound_a_change_but_not_the_envelope():
    shell = Shell(card_of(BATTERY), ramp_per_s=0.01)
    assert shell.decide(np.array([0.0]), "", Limits(), 0).setpoints["battery power"] == 0
    found = shell.decide(np.array([1.0]), "", Limits(), 10)
    assert (found.setpoints["battery power"], found.reason) == (pytest.approx(1.0), "; ramp")
    assert shell.decide(np.array([1.0]), "", Limits(import_kw=-3), 10).setpoints["battery power"] == pytest.approx(-3)


def test_whatever_is_wished_for_set_points_stay_within_limits():
    chance = random.Random(4)
    shell = Shell(card_of(BATTERY, CAR, PUMP, SUN), ramp_per_s=0.1)
    for step in range(500):
        shell.values = {"load": chance.uniform(0, 9), "sun": chance.uniform(0, 6)}
        wish = np.array([chance.choice([chance.gauss(0, 3), math.nan, math.inf, 1e300]) for _ in range(4)])
        limits = Limits(chance.uniform(-2, 20), chance.uniform(-2, 20))
        found = shell.decide(wish if chance.random() < 0.9 else None, "", limits, step)
        for each in shell.card.controls:
            value = found.setpoints[each.name]
            assert value is None or each.least <= value <= each.most


def test_a_control_of_the_network_begins_and_ends_without_any_reading():
    """Offline: scheduled limits are played on, then the default."""
    controller = controller_of(wish=[0.8])
    meter(controller, 0)
    message = {
        "DefaultDERControl": envelope(0, 0),
        "DERControlList": [event("A", 1e9 + 10, 10, **envelope(3000)), event("B", 1e9 + 20, 10, **envelope(2000))],
    }
    found = said(controller.receive(at(1), "wattflock/home-1/envelope", json.dumps(message).encode()))
    assert (found["setpoints"]["battery power"], "default" in found["reason"]) == (pytest.approx(-1), True)
    kw = {}
    for second in range(2, 40):
        if second % 5 == 0:
            meter(controller, second)
        else:
            controller.tick(at(second))
        kw[second] = controller.shell.last[1][0] * 5
    assert (kw[9], kw[11], kw[21], kw[31]) == pytest.approx((-1, 2, 1, -1))


def test_home_assistant_is_told_config_and_then_state():
    controller = controller_of()
    first = controller.connected(at(0))
    assert said(first)["reason"] == "fallback: no reading yet"
    meter(controller, 1)
    told = controller.receive(at(2), STATUS, b"online")
    kinds = [each.topic.rpartition("/")[2] for each in told]
    assert kinds == ["config"] * (len(told) - 2) + ["availability", "setpoint"]
    assert all(each.retain for each in told)
    configs = [json.loads(each.payload) for each in told if each.topic.endswith("config")]
    assert len({each["unique_id"] for each in configs}) == len(configs) == 4
    sensors = [each for each, message in zip(configs, told, strict=False) if "/sensor/" in message.topic]
    assert all(each["expire_after"] == STALE_S for each in sensors)
    assert all(each["availability_topic"] == controller.will.topic for each in configs)
    assert controller.receive(at(3), STATUS, b"offline") == []
    lost = controller.receive(at(3), "wattflock/home-1/availability", b"")  # a broker lost what it kept
    assert [each.topic for each in lost] == [each.topic for each in told]
    assert controller.receive(at(3), "wattflock/home-1/availability", b"online") == []


def test_the_log_survives_a_torn_line_and_counts_on(tmp_path):
    path = tmp_path / "log" / "audit.jsonl"
    log = Audit(path)
    assert [log.append({"reason": "a"}), log.append({"reason": "b"})] == [1, 2]
    with path.open("ab") as file:
        file.write(b'{"number":3,"rea')
    assert Audit(path).append({"reason": "c"}) == 3
    assert [(each["number"], each["reason"]) for each in records(path)] == [(1, "a"), (2, "b"), (3, "c")]


def test_every_set_point_that_is_sent_is_in_the_log_first():
    controller = controller_of()
    sent = [said(controller.connected(at(0)))] + [said(meter(controller, s)) for s in (1, 2, 3)]
    logged = [each for each in controller.log if "setpoints" in each]
    assert [each["setpoints"] for each in sent] == [each["setpoints"] for each in logged]
    assert [each["number"] for each in sent] == [1, 2, 3, 4]
