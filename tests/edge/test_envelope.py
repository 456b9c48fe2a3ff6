"""Limits of the network as a CSIP-AUS client must treat them; each case names the client test that it follows."""

import json
import math

import pytest

from wattflock.edge.envelope import Envelope

from .test_shell import envelope, event

RATING_KW = 10.0


def of(*events, default=None, chance=0.5, path=None) -> Envelope:
    found = Envelope(RATING_KW, path, lambda: chance)
    message = {"DERControlList": list(events)} | ({"DefaultDERControl": default} if default else {})
    assert found.receive(0.0, message) == []
    return found


def export(found: Envelope, *seconds: float) -> list[float]:
    return [pytest.approx(found.limits(second).export_kw) for second in seconds]


def test_all_17_and_25_ramps_of_an_event_and_of_the_default():
    default = envelope(export_w=0, setGradW=100)  # 1 % of the rating per second
    found = of(event("A", 0, 120, rampTms=6000, **envelope(export_w=3000)), default=default)
    found.limits(-1.0)  # the default is in force
    assert export(found, 0, 30, 60, 119) == [0, 1.5, 3, 3]
    assert export(found, 120, 130, 150) == [3, 2, 0]


def test_all_22_starts_are_drawn_once_within_their_window(tmp_path):
    listed = event("A", 100, 120, randomizeStart=60, **envelope(export_w=1000))
    found = of(listed, chance=0.5, path=tmp_path / "kept.json")
    found.chance = lambda: 0.9
    found.receive(0.0, {"DERControlList": [listed]})  # read again
    assert export(found, 129.9, 130, 249.9, 250) == [math.inf, 1, 1, math.inf]
    assert export(of(listed, chance=0.9), 153, 154) == [math.inf, 1]
    early = event("A", 100, 120, randomizeStart=-60, **envelope(export_w=1000))
    assert export(of(early), 69, 71) == [math.inf, 1]


def test_all_23_a_schedule_is_played_on_and_then_the_default():
    limits = [20_000, 2000, 18_000, 7000, 13_000]
    events = [event(str(k), 60 * k, 60, **envelope(export_w=each)) for k, each in enumerate(limits)]
    found = of(*events, default=envelope(0, 0))
    assert export(found, *(60 * k + 1 for k in range(6))) == [20, 2, 18, 7, 13, 0]


def test_all_24_scaling_factors():
    found = of(event("A", 0, 60, DERControlBase={"opModExpLimW": {"value": 30, "multiplier": 2}}))
    assert export(found, 1) == [3]


def test_all_30_what_is_known_holds_after_a_restart(tmp_path):
    path = tmp_path / "state" / "envelope.json"
    of(event("A", 0, 240, **envelope(export_w=20_000)), default=envelope(3000, 3000), path=path)
    again = Envelope(RATING_KW, path, lambda: 0.5)
    assert export(again, 100, 241) == [20, 3]
    path.write_text("{")
    assert Envelope(RATING_KW, path, lambda: 0.5).limits(0.0).import_kw == 0  # cannot be read: the strictest
    for wrong in ('{"import_kw": "9"}', '{"import_kw": -1}', '{"export_kw": true}', "[" * 100_000):
        path.write_text(f'{{"default": {wrong}, "events": []}}')
        assert Envelope(RATING_KW, path, lambda: 0.5).limits(0.0).import_kw == 0


@pytest.mark.parametrize("how", ["status", "missing"])
def test_gen_09_a_cancelled_event_gives_way_to_the_default(how):
    running = event("A", 0, 300, **envelope(export_w=20_000))
    found = of(running, default=envelope(export_w=3000))
    assert export(found, 120) == [20]
    gone = [running | {"EventStatus": {"currentStatus": 6}}] if how == "status" else []
    found.receive(121.0, {"DERControlList": gone})
    assert export(found, 121) == [3]


def test_gen_10_primacy_and_then_the_newer_of_two():
    low = event("low", 0, 600, primacy=2, **envelope(export_w=20_000))
    high = event("high", 60, 240, primacy=1, **envelope(export_w=0))
    newer = event("newer", 400, 100, primacy=2, created=9, **envelope(export_w=5000))
    found = of(low, high, newer, default=envelope(export_w=3000))
    assert export(found, 1, 61, 299, 301, 401, 501, 601) == [20, 0, 0, 20, 5, 20, 3]


def test_sides_are_apart():
    found = of(event("A", 0, 60, **envelope(import_w=1000)), default=envelope(5000, 2000))
    now = found.limits(1.0)
    assert (now.import_kw, now.export_kw, now.source) == (1.0, 2.0, "import_kw: A, export_kw: default")


@pytest.mark.parametrize(
    "message",
    [
        None, [], 3, {}, {"DERControlList": 5}, {"DERControlList": [5]}, {"DERControlList": [{}] * 2000},
        {"DefaultDERControl": []}, {"DefaultDERControl": envelope(-5)},
        {"DERControlList": [event("A", 0, math.nan, **envelope(1))]},
        {"DERControlList": [event("A", 0, 10, **envelope(1)), event("", 0, 1)]},
        {"DefaultDERControl": {"DERControlBase": {"opModImpLimW": {"value": 1, "multiplier": 300}}}},
    ],
    ids=lambda message: json.dumps(message)[:40],
)  # fmt: skip
def test_of_a_message_with_a_problem_nothing_is_taken(message):
    found = of(event("A", 0, 60, **envelope(export_w=1000)), default=envelope(export_w=2000))
    assert found.receive(1.0, message)
    assert export(found, 1, 61) == [1, 2]
