"""One home's controller: messages in, messages out; it knows no broker, so that it can be tested without one."""

import dataclasses
import json
import math
import time
from typing import Any, NamedTuple, Protocol

import numpy as np

from wattflock.edge.card import Card, is_number
from wattflock.edge.discovery import STATUS, Message, discovery
from wattflock.edge.envelope import Envelope, Limits
from wattflock.edge.policy import Policy
from wattflock.edge.shell import Decision, Shell, action_of

PREFIX = "wattflock"
MOST_BYTES = 100_000  # of a message
SLOW_S = 1.0  # a policy that takes longer is not followed
MANUAL_S = 3600.0  # for which an override holds


class Moment(NamedTuple):
    """Now: by the wall clock, which may jump, and by one that never does [s]."""

    wall_s: float
    steady_s: float


class Log(Protocol):
    """Where decisions are written down."""

    def append(self, record: dict[str, Any]) -> int:
        """Keeps a record, and gives its number."""
        ...


@dataclasses.dataclass(frozen=True)
class Settings:
    """How a controller is run."""

    stale_s: float = (
        0.0  # readings older are not used, and without a new one for so long the fallback holds; 0: 1.5 steps
    )
    shadow: bool = False  # set-points are published where no device listens
    ramp_per_s: float = math.inf  # see `Shell`
    announce_s: float = 3600.0  # after which configurations are published again


class Controller:
    """Topics below wattflock/<home>: `meter`, `envelope`, `override/<control>` and `automatic` are read; `setpoint` (or
    `shadow`) and `availability` are written."""

    def __init__(self, card: Card, policy: Policy, envelope: Envelope, log: Log, settings: Settings):
        self.card, self.policy, self.envelope, self.log, self.settings = card, policy, envelope, log, settings
        self.shell = Shell(card, settings.ramp_per_s)
        self.root = f"{PREFIX}/{card.name}"
        self.setpoints = f"{self.root}/{'shadow' if settings.shadow else 'setpoint'}"
        self.wish: np.ndarray | None = None  # of the last good reading
        self.why, self.read_s, self.heard_s = "fallback: no reading yet", -math.inf, -math.inf
        self.manual: dict[str, tuple[float, float]] = {}  # control → set-point, until (steady)
        self.limits = Limits()
        self.took_ms = 0.0, 0.0  # by the last decision of the policy: time that passed, and of the processor
        self.passed = 0  # messages that were passed over since the last decision
        self.state: Message | None = None
        self.announced_s = math.inf  # never yet
        names = [each.name for each in card.observation]
        self.names, self.known = names, set(names)

    @property
    def topics(self) -> list[str]:
        """What it reads."""
        own = ("meter", "envelope", "override/+", "automatic", "availability")
        return [*(f"{self.root}/{each}" for each in own), STATUS]

    @property
    def will(self) -> Message:
        """What the broker publishes where the controller is gone."""
        return Message(f"{self.root}/availability", "offline", retain=True)

    def connected(self, now: Moment) -> list[Message]:
        """Everything that a broker may have lost: configurations, availability, set-points."""
        if self.state is None:
            self._decide(now)
        return self._announce(now)

    def receive(self, now: Moment, topic: str, payload: bytes) -> list[Message]:
        """What is published in answer to a message; anything may be in it."""
        last = topic.removeprefix(f"{self.root}/")
        if len(payload) > MOST_BYTES:
            payload = payload[:0] if last == "availability" else b"?" * MOST_BYTES
        if topic == STATUS:
            return self._announce(now) if payload == b"online" else []
        if last == "availability":
            return [] if payload == b"online" else self._announce(now)
        if last == "meter":
            return self._metered(now, payload)
        if last == "envelope":
            return self._bounded(now, payload)
        if last == "automatic":
            held, self.manual = self.manual, {}
            return self._decide(now) if held else []
        return self._overridden(now, last.removeprefix("override/"), payload)

    def tick(self, now: Moment) -> list[Message]:
        """What time alone brings: readings that stay away, limits that begin and end, overrides that end."""
        quiet_s = now.steady_s - self.heard_s
        late = self.wish is not None and quiet_s > self.settings.stale_s
        if late:
            self.wish, self.why = None, f"fallback: no reading for {self.settings.stale_s:g} s"
        ended = [name for name, (_, until_s) in self.manual.items() if now.steady_s >= until_s]
        self.manual = {name: each for name, each in self.manual.items() if name not in ended}
        moved = self.envelope.limits(now.wall_s) != self.limits
        found = self._decide(now) if late or ended or moved else []
        if now.steady_s - self.announced_s > self.settings.announce_s:
            found += self._announce(now)
        return found

    def _metered(self, now: Moment, payload: bytes) -> list[Message]:
        values, at_s, wrong = self._reading(payload)
        if wrong:
            return self._fall_back(now, f"bad message: {wrong}")
        if abs(now.wall_s - at_s) > self.settings.stale_s:
            return self._fall_back(now, f"stale: the reading is {now.wall_s - at_s:.3g} s old")
        if self.read_s > now.wall_s + self.settings.stale_s:
            self.read_s = -math.inf  # this clock was set back
        if at_s <= self.read_s:
            self._pass_over(now, f"a reading of {at_s}, not after that of {self.read_s}")
            return []
        self.read_s, self.heard_s = at_s, now.steady_s
        self.shell.values = values
        began, work = time.perf_counter(), time.thread_time()
        self.wish, self.why = self.policy(np.array([values[name] for name in self.names])), "policy"
        self.took_ms = 1000 * (time.perf_counter() - began), 1000 * (time.thread_time() - work)
        if self.took_ms[0] > 1000 * SLOW_S:
            self.wish, self.why = None, f"fallback: the policy took more than {SLOW_S:g} s"
        return self._decide(now)

    def _reading(self, payload: bytes) -> tuple[dict[str, float], float, str]:
        """Values, their time, and what is wrong with the message."""
        try:
            given = json.loads(payload)
            values, at_s = given["values"], given["time_s"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            return {}, 0.0, f"{type(error).__name__}"
        if not isinstance(values, dict) or set(values) != self.known or not is_number(at_s):
            return {}, 0.0, "other fields than the card's observation and time_s"
        wrong = [name for name, value in values.items() if not is_number(value)]
        return {name: values[name] for name in self.names}, float(at_s), f"no number: {wrong[0]}" if wrong else ""

    def _bounded(self, now: Moment, payload: bytes) -> list[Message]:
        try:
            message = json.loads(payload)
        except (ValueError, RecursionError) as error:
            self._pass_over(now, f"envelope: {type(error).__name__}")
            return []
        problems = self.envelope.receive(now.wall_s, message)
        if problems:
            self._pass_over(now, "; ".join(map(str, problems))[:1000])
            return []
        return self._decide(now) if self.envelope.limits(now.wall_s) != self.limits else []

    def _overridden(self, now: Moment, slug: str, payload: bytes) -> list[Message]:
        control = next((each for each in self.card.controls if each.slug == slug), None)
        try:
            value = float(payload)
        except ValueError:
            value = math.nan
        if control is None or not control.least <= value <= control.most:
            said = payload[:40].decode(errors="replace")
            self._pass_over(now, f"override of {slug[:40]}: {said}")
            return []
        self.manual[control.name] = value, now.steady_s + MANUAL_S
        return self._decide(now)

    def _pass_over(self, now: Moment, why: str) -> None:
        """Writes down the first message of a flood; the others are counted in the next decision."""
        if not self.passed:
            self.log.append({"time_s": now.wall_s, "ignored": why})
        self.passed += 1

    def _fall_back(self, now: Moment, why: str) -> list[Message]:
        if self.wish is None and self.state is not None:  # it holds already
            self._pass_over(now, why)
            return []
        self.wish, self.why = None, f"fallback: {why}"
        return self._decide(now)

    def _decide(self, now: Moment) -> list[Message]:
        """A decision, written down before it is published."""
        self.limits = self.envelope.limits(now.wall_s)
        wish, why = self.wish, self.why
        if self.manual:
            wish, why = self._by_hand(wish), f"override of {', '.join(self.manual)}; else {why}"
        decision = self.shell.decide(wish, why, self.limits, now.steady_s)
        return self._told(now, decision)

    def _by_hand(self, wish: np.ndarray | None) -> np.ndarray:
        """Wished actions, with those of a person in their place; without a policy, the fallback for the others."""
        found = []
        for k, each in enumerate(self.card.controls):
            if each.name in self.manual:
                found.append(action_of(each, self.manual[each.name][0]))
            elif wish is not None:
                found.append(wish[k])
            else:
                found.append(each.base if each.fallback is None else action_of(each, each.fallback))
        return np.array(found)

    def _told(self, now: Moment, decision: Decision) -> list[Message]:
        told: dict[str, Any] = {
            "time_s": now.wall_s, "of_s": self.read_s if math.isfinite(self.read_s) else None,
            "reason": decision.reason, "setpoints": decision.setpoints,
        }  # fmt: skip
        more = {"policy_ms": [round(each, 4) for each in self.took_ms], "passed": self.passed}
        number = self.log.append(told | {"limits": self.limits.source} | more)
        self.passed = 0
        body = json.dumps({"number": number, "valid_s": self.settings.stale_s} | told)
        self.state = Message(self.setpoints, body, retain=True)
        return [self.state]

    def _announce(self, now: Moment) -> list[Message]:
        self.announced_s = now.steady_s
        configs = discovery(self.card, self.root, self.setpoints, self.settings.stale_s)
        online = Message(f"{self.root}/availability", "online", retain=True)
        return [*configs, online, *([self.state] if self.state else [])]
