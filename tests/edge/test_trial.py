"""A real broker: each home its own topics and no more; a closed loop as the library's; a few faults."""

import json
import threading

import jax
import pytest

pytest.importorskip("paho.mqtt", reason="paho-mqtt is not installed: extra edge")
from wattflock.edge.broker import MASTER, Broker, missing
from wattflock.edge.mqtt import client_of, door
from wattflock.verbs.edge_limits import Schedule
from wattflock.verbs.edge_trial import Trial
from wattflock.verbs.edge_world import Play

pytestmark = pytest.mark.skipif(missing() != "", reason=f"{missing()} is not installed: apt-get install mosquitto")


@pytest.fixture
def broker(tmp_path):
    found = Broker(tmp_path / "broker", ["home-1", "home-2"])
    found.start()
    yield found
    found.kill()


class Listener:
    """A client that keeps what it hears."""

    def __init__(self, broker: Broker, user: str, *topics: str):
        self.heard, self.ready, self.changed = [], threading.Event(), threading.Condition()
        self.client = client_of(broker.door(user), f"{user}-{id(self)}")
        self.client.on_connect = lambda client, *_: client.subscribe([(topic, 1) for topic in topics])
        self.client.on_subscribe = lambda *_: self.ready.set()
        self.client.on_message = self._came
        self.client.connect("127.0.0.1", broker.port)
        self.client.loop_start()
        assert self.ready.wait(10)

    def _came(self, client, userdata, message):
        with self.changed:
            self.heard.append((message.topic, message.payload))
            self.changed.notify_all()

    def await_(self, topic: str) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: topic in dict(self.heard), 10)

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


def test_a_home_reads_and_writes_its_own_topics_alone(broker):
    one = Listener(broker, "home-1", "wattflock/#", "homeassistant/#", "wattflock/home-2/meter")
    master = Listener(broker, MASTER, "wattflock/#", "homeassistant/#")
    own = {"wattflock/home-1/setpoint", "homeassistant/sensor/home-1/x/config"}
    others = {"wattflock/home-2/setpoint", "wattflock/home-1/meter", "homeassistant/sensor/home-2/x/config",
              "homeassistant/status"}  # fmt: skip
    for topic in sorted(others) + sorted(own):  # the broker also sends away who writes what it may not
        writer = Listener(broker, "home-1", "wattflock/home-1/envelope")
        writer.client.publish(topic, "mine", 1).wait_for_publish(1)
        writer.close()
    for topic in ("wattflock/home-2/meter", "wattflock/home-1/meter"):
        master.client.publish(topic, "of the meter", 1)
    one.await_("wattflock/home-1/meter")
    master.await_("wattflock/home-1/meter")
    assert {topic for topic, payload in master.heard if payload == b"mine"} == own
    assert {topic for topic, _ in one.heard} == {"wattflock/home-1/meter"}
    one.close()
    master.close()


def test_nobody_comes_in_without_the_right_password(broker):
    refused = threading.Event()
    wrong = door(f"mqtts://127.0.0.1:{broker.port}", "home-1", "guess", broker.authority)
    client = client_of(wrong, "guess")
    client.on_connect = lambda client, userdata, flags, code, properties: code.is_failure and refused.set()
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    assert refused.wait(10)
    client.disconnect()
    client.loop_stop()


@pytest.mark.study
def test_the_closed_loop_is_the_rollout_and_faults_heal(world, policy, profile, boxes, homes, tmp_path):
    folders = {boxes[kind].name: boxes[kind] for kind in ("battery+panel", "heat_pump")}
    days = jax.tree.map(lambda x: x[:1], profile)
    with Trial(Play(world, policy, days), folders, tmp_path) as trial:
        tally, apart_kw = trial.closed_loop(0, 4)
        assert (tally.outside, tally.recovered_after, apart_kw < 1e-5) == (0, 0, True)
        found = [trial.faulty(name, [(0, k) for k in range(4, 12)])
                 for name in ("garbage on every topic", "controllers killed")]  # fmt: skip
        assert [(each.outside, each.recovered_after) for each in found] == [(0, 1), (0, 1)]
        assert found[0].fell_back > 0
        assert trial.unlogged() == 0
        assert trial.boxes.rss_mb() < 60
        assert json.loads((boxes["heat_pump"] / "card.json").read_text())["name"] in trial.meters.online


@pytest.mark.slow
def test_envelopes_are_kept_on_the_meters_and_without_the_broker(world, policy, profile, boxes, tmp_path):
    folders = {boxes[kind].name: boxes[kind] for kind in ("battery+panel", "battery")}
    days = jax.tree.map(lambda x: x[:1], profile)
    with Trial(Play(world, policy, days), folders, tmp_path) as trial:
        schedule = Schedule(trial, 0, 0, second_s=0.06)
        ignored, kept = schedule.ignored(), schedule.kept()
        assert trial.meters.wrong == []
    assert min(each.outside for each in ignored) > 0  # the count can fail
    assert (kept[0].outside, kept[0].misnamed, kept[1].misnamed) == (0, 0, 0)
    assert kept[1].worst_kw < ignored[1].worst_kw  # it does not see its load, and is not beyond by nothing
    assert kept[0].home_steps > 60 and kept[1].home_steps > 10
