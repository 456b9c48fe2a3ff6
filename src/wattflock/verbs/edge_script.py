"""Operating envelopes of a trial: a schedule, the limits that it puts in force, and the count of powers beyond them.

The limits in force are written down as a table, not worked out from the events by the code that is tried.
"""

import dataclasses
import math
from typing import Any

import numpy as np

SETTLE_S = 15.0  # in which a home follows a limit
CLOSE_SHARE, CLOSE_KW = 0.04, 0.1  # accuracy: the lower of both. Source: CSIP-AUS client tests, see docs/edge.md
DEFAULT = 0.9
CANCELLED = {"currentStatus": 6}
CANCEL_S, AWAY_S, END_S = 60.0, (115.0, 175.0), 180.0


@dataclasses.dataclass(frozen=True)
class Planned:
    """An event of the schedule; times count from its beginning, shares are of a home's largest power of the day."""

    name: str
    start_s: float
    lasts_s: float
    share: float
    primacy: int
    ramp_s: float = 0.0


PLAN = (
    Planned("A", 10, 70, 0.5, primacy=2, ramp_s=10),
    Planned("B", 30, 25, 0.25, primacy=1),  # overlaps A and wins
    Planned("C", 90, 25, 0.0, primacy=1),  # cancelled before it begins
    Planned("E", 120, 30, 0.3, primacy=1),  # begins and ends while one home has no broker
)


@dataclasses.dataclass(frozen=True)
class Leg:
    """From a moment on, the limit goes to a share within a ramp, and stays."""

    from_s: float
    ramp_s: float
    share: float
    source: str


IN_FORCE = (
    Leg(0, 0, DEFAULT, "default"), Leg(10, 10, 0.5, "A"), Leg(30, 0, 0.25, "B"), Leg(55, 10, 0.5, "A"),
    Leg(80, 0, DEFAULT, "default"), Leg(120, 0, 0.3, "E"), Leg(150, 0, DEFAULT, "default"),
)  # fmt: skip


def in_force(seconds: float) -> tuple[float, str]:
    """The limit as a share, and who sets it; inf before the schedule begins."""
    share, source, before = math.inf, "", math.inf
    for leg in IN_FORCE:
        if seconds < leg.from_s:
            break
        way = min(1.0, (seconds - leg.from_s) / leg.ramp_s) if leg.ramp_s else 1.0
        share, source = leg.share if way == 1.0 else before + way * (leg.share - before), leg.source
        before = leg.share
    return share, source


def loosest(seconds: float) -> float:
    """The loosest limit of the last 15 s, which a home that follows it in time does not exceed, as a share."""
    return max(in_force(each)[0] for each in np.linspace(seconds - SETTLE_S, seconds, 61))


def message(begin_s: float, import_kw: float, export_kw: float, second_s: float, cancelled: bool) -> dict[str, Any]:
    """The whole schedule for a home.

    Args:
        begin_s: when it begins, by the wall clock.
        import_kw: of which shares are taken; export_kw: the same.
        second_s: how long a second of the schedule lasts [s].
        cancelled: whether C is.
    """

    def base(share: float) -> dict[str, Any]:
        return {
            "opModImpLimW": {"value": share * import_kw * 1000, "multiplier": 0},
            "opModExpLimW": {"value": share * export_kw * 1000, "multiplier": 0},
        }

    events = [
        {
            "mRID": each.name, "creationTime": begin_s, "primacy": each.primacy,
            "interval": {"start": begin_s + second_s * each.start_s, "duration": second_s * each.lasts_s},
            "rampTms": 100 * second_s * each.ramp_s, "DERControlBase": base(each.share),
        } | ({"EventStatus": CANCELLED} if cancelled and each.name == "C" else {})
        for each in PLAN
    ]  # fmt: skip
    return {"DefaultDERControl": {"DERControlBase": base(DEFAULT)}, "DERControlList": events}


NOTHING: dict[str, Any] = {"DefaultDERControl": {}, "DERControlList": []}


@dataclasses.dataclass
class Kept:
    """Home-steps of a schedule, as the meters of the simulated world measured them."""

    name: str
    home_steps: int = 0
    outside: int = 0  # beyond the limit, where set-points could have kept it
    worst_kw: float = 0.0  # of these
    cannot: int = 0  # beyond the limit, whatever devices are told: load that nobody controls
    cannot_worst_kw: float = 0.0
    until_read: int = 0  # outside after the load changed, before the meter was read again
    misnamed: int | None = None  # limits that the home took to be in force and were not, by its audit log

    def add(self, power_kw: float, limits_kw: tuple[float, float], possible_kw: tuple[float, float]) -> None:
        """Count a home's step; see `beyond`."""
        outside_kw, cannot_kw = beyond(power_kw, limits_kw, possible_kw)
        self.home_steps += 1
        self.outside += outside_kw > 0
        self.cannot += cannot_kw > 0
        self.worst_kw = max(self.worst_kw, outside_kw)
        self.cannot_worst_kw = max(self.cannot_worst_kw, cannot_kw)


def beyond(power_kw: float, limits_kw: tuple[float, float], possible_kw: tuple[float, float]) -> tuple[float, float]:
    """How far a measured power is beyond its limits [kW]: what set-points could have avoided, and what they could not.

    Less than the accuracy counts as none.

    Args:
        power_kw: drawn is positive.
        limits_kw: most import and most export.
        possible_kw: least and most that the home can draw in the step, whatever its devices are told.
    """
    avoidable_kw = lasting_kw = 0.0
    sides = ((power_kw, limits_kw[0], possible_kw[0]), (-power_kw, limits_kw[1], -possible_kw[1]))
    for drawn_kw, limit_kw, least_kw in sides:
        close_kw = min(CLOSE_SHARE * limit_kw, CLOSE_KW)
        if drawn_kw - max(limit_kw, least_kw) > close_kw:
            avoidable_kw = drawn_kw - max(limit_kw, least_kw)
        elif drawn_kw - limit_kw > close_kw:
            lasting_kw = drawn_kw - limit_kw
    return avoidable_kw, lasting_kw
