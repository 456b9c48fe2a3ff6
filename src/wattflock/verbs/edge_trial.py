"""A trial on a real broker: a process for each home, and a simulator that plays all meters over MQTT, with faults."""

import dataclasses
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from wattflock.core.errors import WattflockError
from wattflock.edge.__main__ import PASSWORD
from wattflock.edge.audit import records
from wattflock.edge.broker import MASTER, Broker
from wattflock.edge.controller import PREFIX
from wattflock.edge.mqtt import KEEP_S, client_of
from wattflock.verbs.edge_world import Box, Play, followed, outside, values_of

STALE_S = 5.0  # of the boxes in a trial, whose steps are shorter than those of the world
START_S, ANSWER_S, SILENCE_S = 180.0, 4.0, 0.5
CLOSE = 1e-5
GOOD, RECOVERY, BAD = 2, 2, 2  # steps before a fault, at most after it, and during it
GARBAGE = (
    b"", b"null", b"\xff\xfe\x00", b"[" * 50_000, b"9" * 50_000, b'{"time_s": NaN, "values": {}}', b"A" * 500_000,
    b'{"values": {"meter": "on"}, "time_s": 1e308}', b'{"DERControlList": [{}], "DefaultDERControl": 5}',
)  # fmt: skip


@dataclasses.dataclass
class Tally:
    """What a fault, or the closed loop, came to."""

    name: str
    steps: int = 0
    outside: int = 0  # set-points outside the limits of their device in the simulated world
    fell_back: int = 0  # set-points that were the fallback
    recovered_after: int | None = None  # steps until all homes follow the policy again; None: not seen


class Boxes:
    """A controller process for each home."""

    def __init__(self, broker: Broker, folders: dict[str, Path]):
        self.broker, self.folders = broker, folders
        self.processes: dict[str, subprocess.Popen] = {}
        self.ports: dict[str, int] = {}  # of homes that come to the broker by a port of their own

    def start(self, name: str) -> None:
        """Begin a home's process, as a supervisor does where one has ended."""
        door = self.broker.door(name)
        command = [
            sys.executable, "-m", "wattflock.edge", str(self.folders[name]), "--user", name,
            "--broker", f"mqtts://{door.host}:{self.ports.get(name, door.port)}", "--authority", str(door.authority),
            "--stale-s", str(STALE_S),
        ]  # fmt: skip
        more = {PASSWORD: door.password, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        with (self.folders[name] / "process.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(command, env=os.environ | more, stdout=log, stderr=log)

    def kill(self, name: str) -> None:
        """End one at once."""
        self.processes[name].kill()
        self.processes[name].wait()

    def rss_mb(self) -> float:
        """Resident memory of the largest [MB]; nan where the system does not say."""
        found = [_rss_mb(each.pid) for each in self.processes.values()]
        return max(found, default=float("nan"))


def _rss_mb(pid: int) -> float:
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return float("nan")
    return next((int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith("VmRSS")), float("nan"))


class Meters:
    """The simulator's side of the broker: readings out, set-points in."""

    def __init__(self, broker: Broker, boxes: dict[str, Box]):
        self.boxes, self.broker = boxes, broker
        self.changed = threading.Condition()
        self.newest: dict[str, dict[str, Any]] = {}  # home → newest set-points
        self.online: set[str] = set()
        self.heard: list[tuple[str, dict[str, Any]]] = []  # every set-point that came
        self.came: dict[tuple[str, float], float] = {}  # (home, time of its reading) → when the answer came
        self.wrong: list[str] = []
        self.messages = 0
        self.client = client_of(broker.door(MASTER), MASTER)
        self.client.reconnect_delay_set(1, 1)
        self.client.on_connect = self._connected
        self.client.on_message = self._came
        self.client.connect("127.0.0.1", broker.port, KEEP_S)
        self.client.loop_start()

    def send(self, name: str, payload: bytes, topic: str = "meter", retain: bool = False) -> None:
        """Publish to a home."""
        self.messages += 1
        self.client.publish(f"{PREFIX}/{name}/{topic}", payload, 1, retain)

    def await_(self, done: Callable[[], bool], seconds: float) -> bool:
        """Wait until something holds; False where it did not in time."""
        with self.changed:
            return self.changed.wait_for(done, seconds)

    def _connected(self, client: Any, *_: Any) -> None:
        client.subscribe([(f"{PREFIX}/+/setpoint", 1), (f"{PREFIX}/+/availability", 1)])

    def _came(self, client: Any, userdata: Any, message: Any) -> None:
        _, name, kind = message.topic.split("/")
        with self.changed:
            if kind == "availability":
                (self.online.add if message.payload == b"online" else self.online.discard)(name)
            elif message.payload:
                self._setpoint(name, json.loads(message.payload))
            self.changed.notify_all()

    def _setpoint(self, name: str, told: dict[str, Any]) -> None:
        self.messages += 1
        self.heard.append((name, told))
        self.wrong += [f"{name}: {each}" for each in outside(told["setpoints"], self.boxes[name].ends)]
        if told["number"] > self.newest.get(name, {"number": 0})["number"]:
            self.newest[name] = told
            self.came.setdefault((name, told["of_s"] or 0.0), time.time())


@dataclasses.dataclass
class Step:
    """One step of the world as it is sent: each home's reading, which a fault may change."""

    play: Play
    meters: Meters
    boxes: Boxes
    at: tuple[int, int]  # day, step
    readings: dict[str, dict[str, Any]]  # home → time_s and values
    before: dict[str, bytes]  # of the step before, as sent

    def send(self, names: Any = None, shift_s: float = 0.0) -> None:
        """Send readings as they are."""
        for name in self.readings if names is None else names:
            told = self.readings[name]
            body = json.dumps(told | {"time_s": told["time_s"] + shift_s}).encode()
            self.meters.send(name, body)
            self.before[name] = body


Fault = Callable[[Step], None]


def lost(step: Step) -> None:
    """Every second home's reading."""
    step.send(list(step.readings)[::2])


def doubled(step: Step) -> None:
    """Each reading twice."""
    step.send()
    step.send()


def out_of_order(step: Step) -> None:
    """The reading of the step before comes after the new one."""
    before = dict(step.before)
    step.send()
    for name, body in before.items():
        step.meters.send(name, body)


def late(step: Step) -> None:
    """Readings that are older than a box accepts."""
    step.send(shift_s=-2 * STALE_S)


def forward(step: Step) -> None:
    """The meters' clocks are a day ahead."""
    step.send(shift_s=86400)


def back(step: Step) -> None:
    """The meters' clocks are a day behind."""
    step.send(shift_s=-86400)


def garbage(step: Step) -> None:
    """Bytes that are no readings, no envelopes and no overrides, between and after good ones."""
    step.send()
    for name in step.readings:
        for payload in GARBAGE:
            for topic in ("meter", "envelope", "override/x", "automatic"):
                step.meters.send(name, payload, topic)


def hostile(step: Step) -> None:
    """Values that are no numbers, or far from anything that was measured."""
    for k, (name, told) in enumerate(step.readings.items()):
        value = (1e308, -1e12, float("nan"), float("inf"), True, "1", None)[k % 7]
        step.meters.send(name, json.dumps(told | {"values": dict.fromkeys(told["values"], value)}).encode())


def killed(step: Step) -> None:
    """Every third controller is killed and started again."""
    for name in list(step.readings)[::3]:
        step.boxes.kill(name)
        step.boxes.start(name)
    step.send()


def broker_killed(step: Step) -> None:
    """The broker is killed; when readings have become stale it is started again, without anything that it kept."""
    step.meters.broker.kill()
    with step.meters.changed:
        step.meters.online.clear()
    step.send()
    time.sleep(STALE_S + 1)
    step.meters.broker.start()


def retained_lost(step: Step) -> None:
    """All that the broker keeps of the homes is cleared under their feet."""
    for name in step.readings:
        for topic in ("availability", "setpoint"):
            step.meters.send(name, b"", topic, retain=True)
    step.send()


FAULTS: dict[str, Fault] = {
    "readings lost": lost, "readings doubled": doubled, "readings out of order": out_of_order, "readings late": late,
    "meters' clocks a day ahead": forward, "meters' clocks a day behind": back, "garbage on every topic": garbage,
    "hostile values": hostile, "controllers killed": killed, "broker killed, nothing kept": broker_killed,
    "retained messages lost": retained_lost,
}  # fmt: skip


class Trial:
    """A world, its boxes and a broker at work."""

    def __init__(self, play: Play, folders: dict[str, Path], root: Path):
        self.play, self.folders = play, folders
        self.homes = {name: play.box(folder) for name, folder in folders.items()}
        self.broker = Broker(root / "broker", list(folders))
        self.boxes, self.before = Boxes(self.broker, folders), {}
        self.latency_s: list[float] = []

    def __enter__(self) -> "Trial":
        self.broker.start()
        self.meters = Meters(self.broker, self.homes)
        for name in self.folders:
            self.boxes.start(name)
        if not self.meters.await_(lambda: self.meters.online >= set(self.folders), START_S):
            self.__exit__()
            raise WattflockError(
                f"{len(self.meters.online)} of {len(self.folders)} controllers came up; see process.log"
            )
        return self

    def __exit__(self, *_: Any) -> None:
        for each in self.boxes.processes.values():
            each.terminate()
        for each in self.boxes.processes.values():
            each.wait()
        self.meters.client.disconnect()
        self.meters.client.loop_stop()
        self.broker.kill()

    def step(self, at: tuple[int, int], fault: Fault | None, tally: Tally) -> bool:
        """One step of the world; whether every home followed the policy in it."""
        features, wanted, idle = self.play.look(*at)
        stamp = time.time()
        readings = {name: {"time_s": stamp, "values": values_of(box, features)} for name, box in self.homes.items()}
        step = Step(self.play, self.meters, self.boxes, at, readings, self.before)
        heard, wrong = len(self.meters.heard), len(self.meters.wrong)
        (fault or Step.send)(step)
        self.meters.await_(lambda: all((name, stamp) in self.meters.came for name in self.homes),
                           SILENCE_S if fault else ANSWER_S)  # fmt: skip
        action, all_well = np.array(wanted), True
        for name, box in self.homes.items():
            told = self.meters.newest.get(name, {})
            fresh = told.get("of_s") == stamp
            action[box.home, box.controls] = followed(box, told["setpoints"], idle) if fresh else (
                idle[box.home, box.controls])  # fmt: skip
            close = np.abs(action[box.home] - wanted[box.home]).max() < CLOSE
            all_well &= fresh and told["reason"] == "policy" and bool(close)
            if fresh and not fault:
                self.latency_s.append(self.meters.came[name, stamp] - stamp)
        self.power_kw = self.play.act(*at, action)
        tally.steps += 1
        tally.outside += len(self.meters.wrong) - wrong
        tally.fell_back += sum("fallback" in told["reason"] for _, told in self.meters.heard[heard:])
        return all_well

    def closed_loop(self, day: int, steps: int) -> tuple[Tally, float]:
        """A day's first steps without faults, and the largest difference in power to the library's rollout [kW]."""
        tally, apart_kw = Tally("closed loop"), 0.0
        _, power_kw = self.play.library(day)
        self.play.begin(day)
        well = True
        for step in range(steps):
            well &= self.step((day, step), None, tally)
            apart_kw = max(apart_kw, float(np.abs(self.power_kw - power_kw[step]).max()))
        tally.recovered_after = 0 if well else None
        return tally, apart_kw

    def faulty(self, name: str, at: list[tuple[int, int]]) -> Tally:
        """A fault for a few steps, and what comes after it."""
        tally, steps = Tally(name), iter(at)
        for _ in range(GOOD):
            self.step(next(steps), None, tally)
        for _ in range(BAD):
            self.step(next(steps), FAULTS[name], tally)
        self.meters.await_(lambda: self.meters.online >= set(self.folders), START_S)
        for count in range(1, RECOVERY + 3):
            if self.step(next(steps), None, tally):
                tally.recovered_after = count
                break
        return tally

    def unlogged(self) -> int:
        """Set-points that came and are not in the audit logs as they came, and numbers that the logs lack."""
        lacking = 0
        for name, folder in self.folders.items():
            kept = {each["number"]: each for each in records(folder / "state" / "audit.jsonl")}
            lacking += len(set(range(1, max(kept, default=0) + 1)) - set(kept))
            told = [each for who, each in self.meters.heard if who == name]
            lacking += sum(kept.get(each["number"], {}).get("setpoints") != each["setpoints"] for each in told)
        return lacking

    def policy_ms(self) -> np.ndarray:
        """What the policies took for each decision, (decisions, 2): time that passed, and of the processor [ms]."""
        logs = [folder / "state" / "audit.jsonl" for folder in self.folders.values()]
        found = [each["policy_ms"] for log in logs for each in records(log) if each.get("reason") == "policy"]
        return np.array(found or [(np.nan, np.nan)])
