"""Limits of the network on what a home draws and gives, as a CSIP-AUS client treats them.

Source: IEEE 2030.5-2018, 10.10 (DER function set), with its names of fields; the behaviour that the CSIP-AUS client
tests ALL-17, 22, 23, 24, 25, 30 and GEN-09, 10 look at. The HTTPS client of a utility server is not here: a bridge
passes on what it reads as JSON.
"""

import dataclasses
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from wattflock.core.errors import Problem
from wattflock.core.files import write_json
from wattflock.edge.card import Reader, is_number

SIDES = {"import_kw": "opModImpLimW", "export_kw": "opModExpLimW"}
CANCELLED = (6, 7)  # EventStatus.currentStatus: cancelled, cancelled with randomisation
MOST = 1000  # controls that are kept
WHERE = "envelope"


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a home may draw and give at its meter [kW]; inf is no limit. With where each comes from."""

    import_kw: float = math.inf
    export_kw: float = math.inf
    source: str = ""


@dataclasses.dataclass(frozen=True)
class Event:
    """A limit for a time (DERControl); None: it says nothing of that side."""

    mrid: str
    primacy: float  # the lowest wins
    created_s: float  # of the same primacy, the latest wins
    start_s: float  # with the random shift that was drawn for it
    duration_s: float
    ramp_s: float | None
    import_kw: float | None
    export_kw: float | None

    def at(self, now_s: float) -> bool:
        """Whether it is in force."""
        return self.start_s <= now_s < self.start_s + self.duration_s


@dataclasses.dataclass(frozen=True)
class Default:
    """What holds where no event does (DefaultDERControl)."""

    import_kw: float | None = None
    export_kw: float | None = None
    share_per_s: float | None = None  # of the rating, by which limits move where an event has no ramp of its own


@dataclasses.dataclass(frozen=True)
class Ramp:
    """A limit on its way, linear in time."""

    begin_kw: float
    end_kw: float
    since_s: float
    lasts_s: float
    source: str

    def at(self, now_s: float) -> float:
        """The limit now [kW]."""
        if now_s >= self.since_s + self.lasts_s or now_s < self.since_s:  # a clock that was set back ends it
            return self.end_kw
        return self.begin_kw + (now_s - self.since_s) / self.lasts_s * (self.end_kw - self.begin_kw)


class Envelope:
    """The default and the events that are known; kept in a file, so that they hold offline and after a restart."""

    def __init__(self, rating_kw: float, path: Path | None, chance: Callable[[], float]):
        """Args: `rating_kw`: most that the home's devices draw or give; `chance`: a random share in 0 to 1."""
        self.rating_kw, self.path, self.chance = max(rating_kw, 1e-3), path, chance
        self.default, self.events = Default(), {}
        self.ramps: dict[str, Ramp] = {}
        if path and path.exists():
            self._restore(path)

    def receive(self, now_s: float, message: Any) -> list[Problem]:
        """Take a default and the whole list of events, or nothing of a message with a problem; returns all problems.

        An event that is no longer listed, or whose status is cancelled, is over.
        """
        problems: list[Problem] = []
        if not isinstance(message, dict) or not {"DefaultDERControl", "DERControlList"} & set(message):
            return [Problem(WHERE, "message", type(message).__name__, "DefaultDERControl or DERControlList")]
        default, events = self.default, self.events
        if "DefaultDERControl" in message:
            default = _default(message["DefaultDERControl"], problems)
        if "DERControlList" in message:
            events = self._listed(message["DERControlList"], now_s, problems)
        if not problems:
            self.default, self.events = default, events
            self._keep()
        return problems

    def limits(self, now_s: float) -> Limits:
        """The limits in force, each side by itself, with their ramps."""
        found, sources = {}, []
        for side in SIDES:
            target_kw, ramp_s, source = self._target(side, now_s)
            ramp = self.ramps.get(side)
            if ramp is None or (ramp.end_kw, ramp.source) != (target_kw, source):
                ramp = self._begun(ramp, target_kw, ramp_s, now_s, source)
                self.ramps[side] = ramp
            found[side] = ramp.at(now_s)
            sources += [f"{side}: {source}"] * (source != "")
        return Limits(found["import_kw"], found["export_kw"], ", ".join(sources))

    def _target(self, side: str, now_s: float) -> tuple[float, float | None, str]:
        active = [event for event in self.events.values() if event.at(now_s) and getattr(event, side) is not None]
        if active:
            best = min(active, key=lambda event: (event.primacy, -event.created_s, event.mrid))
            return getattr(best, side), best.ramp_s, best.mrid
        value = getattr(self.default, side)
        return (math.inf, None, "") if value is None else (value, None, "default")

    def _begun(self, before: Ramp | None, target_kw: float, ramp_s: float | None, now_s: float, source: str) -> Ramp:
        """No limit ramps from, or to, the rating; the first limit after a start holds at once."""
        if before is None:
            return Ramp(target_kw, target_kw, now_s, 0.0, source)
        begin_kw = min(before.at(now_s), self.rating_kw)
        share, lasts_s = self.default.share_per_s, ramp_s or 0.0
        if ramp_s is None and share:
            lasts_s = abs(min(target_kw, self.rating_kw) - begin_kw) / self.rating_kw / share
        return Ramp(begin_kw, target_kw, now_s, 0.0 if math.isinf(target_kw) else lasts_s, source)

    def _listed(self, given: Any, now_s: float, problems: list[Problem]) -> dict[str, Event]:
        if not isinstance(given, list) or len(given) > MOST:
            problems.append(Problem(WHERE, "DERControlList", type(given).__name__, f"a list of at most {MOST}"))
            return {}
        found = {}
        for each in given:
            event = self._event(each, problems)
            if event and event.start_s + event.duration_s > now_s:
                found[event.mrid] = event
        return found

    def _event(self, given: Any, problems: list[Problem]) -> Event | None:
        if not isinstance(given, dict) or not isinstance(given.get("interval"), dict):
            problems.append(Problem(WHERE, "DERControl", str(given)[:60], "an object with an interval"))
            return None
        read = Reader(WHERE, problems)
        mrid = read.text(given, "mRID")
        status = given.get("EventStatus")
        if isinstance(status, dict) and status.get("currentStatus") in CANCELLED:
            return None
        start_s = read.number(given["interval"], "start", 0, 1e11)
        shift_s = read.number({"randomizeStart": 0} | given, "randomizeStart", -3600, 3600)
        known = self.events.get(mrid)
        drawn_s = start_s + shift_s * self.chance()
        if known and abs(known.start_s - start_s) <= abs(shift_s):
            drawn_s = known.start_s  # drawn once
        ramp = given.get("rampTms")
        ramp_s = None if ramp is None else read.number(given, "rampTms", 0, 1e7) / 100
        base = given.get("DERControlBase")
        sides = {side: power_kw(base, field, problems) for side, field in SIDES.items()}
        return Event(
            mrid, read.number(given, "primacy", 0, 255), read.number(given, "creationTime", 0, 1e11), drawn_s,
            read.number(given["interval"], "duration", 0, 1e9), ramp_s, **sides,
        )  # fmt: skip

    def _keep(self) -> None:
        if self.path:
            events = [dataclasses.asdict(event) for event in self.events.values()]
            write_json(self.path, {"default": dataclasses.asdict(self.default), "events": events})

    def _restore(self, path: Path) -> None:
        """What was kept; of a file that cannot be read, the strictest: nothing drawn and nothing given."""
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            self.default = _as_kept(Default, kept["default"])
            self.events = {event.mrid: event for event in (_as_kept(Event, each) for each in kept["events"])}
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            self.default, self.events = Default(0.0, 0.0), {}


def _as_kept(kind: Any, given: Any) -> Any:
    """A default or an event from its fields as JSON; TypeError where one is no number, or no text."""
    made = kind(**given)
    for field in dataclasses.fields(kind):
        value = getattr(made, field.name)
        unsaid = value is None and field.type == float | None
        if not (unsaid or (isinstance(value, str) if field.type is str else is_number(value))):
            raise TypeError(field.name)
    if min(getattr(made, side) or 0.0 for side in SIDES) < 0:
        raise ValueError("a limit below 0")
    return made


def _default(given: Any, problems: list[Problem]) -> Default:
    if not isinstance(given, dict):
        problems.append(Problem(WHERE, "DefaultDERControl", type(given).__name__, "an object"))
        return Default()
    sides = {side: power_kw(given.get("DERControlBase"), field, problems) for side, field in SIDES.items()}
    grad = given.get("setGradW")
    share = None if grad is None else Reader(WHERE, problems).number(given, "setGradW", 0, 1e6) / 1e4
    return Default(share_per_s=share, **sides)


def power_kw(base: Any, field: str, problems: list[Problem]) -> float | None:
    """An ActivePower, value · 10^multiplier W, in kW; None where it is not said."""
    given = base.get(field) if isinstance(base, dict) else None
    if given is None:
        return None
    value, multiplier = (given.get("value"), given.get("multiplier", 0)) if isinstance(given, dict) else (None, None)
    if not is_number(value) or not is_number(multiplier) or not 0 <= value <= 1e9 or not -9 <= multiplier <= 9:
        problems.append(Problem(WHERE, field, str(given)[:60], "value of 0 or more, and multiplier -9 to 9"))
        return None
    return value * 10.0**multiplier / 1000
