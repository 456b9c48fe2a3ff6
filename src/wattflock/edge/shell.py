"""The safety shell: what a policy wishes, within limits of devices and of the network, or the fallback; plain code."""

import dataclasses
import math

import numpy as np

from wattflock.edge.card import Card, Control
from wattflock.edge.envelope import Limits


@dataclasses.dataclass(frozen=True)
class Decision:
    """Set-points with their reason; None leaves a device to its own control."""

    setpoints: dict[str, float | None]
    reason: str


class Shell:
    """Turns wishes into set-points that may be sent; remembers the last for ramps."""

    def __init__(self, card: Card, ramp_per_s: float = math.inf):
        """Args: `ramp_per_s`: most change of a set-point as a share of its range [1/s]; the envelope may go faster."""
        self.card, self.ramp_per_s = card, ramp_per_s
        self.values: dict[str, float] = {}  # last readings that were good
        self.last: tuple[float, list[float | None]] | None = None  # when, and actions

    def decide(self, wish: np.ndarray | None, reason: str, limits: Limits, now_s: float) -> Decision:
        """Set-points for the actions that are wished for; None, or numbers that are not finite, give the fallback."""
        controls, steps = self.card.controls, []
        actions: list[float | None]
        if wish is not None and not np.isfinite(wish).all():
            wish, reason = None, "fallback: the policy's numbers are not finite"
        if wish is None:
            actions = [None if each.fallback is None else action_of(each, each.fallback) for each in controls]
        else:
            actions = [float(np.clip(each, -1, 1)) for each in wish]
            steps += ["clipped"] * bool((np.abs(wish) > 1).any())
        actions, ramped = self._ramped(actions, now_s)
        actions, bounded = self._within(actions, limits)
        self.last = (now_s, actions)
        steps += ["ramp"] * ramped + [f"envelope ({limits.source})"] * bounded
        told = {each.name: setpoint_of(each, a) for each, a in zip(controls, actions, strict=True)}
        return Decision(told, "; ".join([reason, *steps]))

    def drawn_kw(self, actions: list[float | None]) -> float:
        """Most power that the home draws at its meter with these actions; of devices left alone, the most [kW]."""
        return self._rest_kw() + sum(self._kw(each, a) for each, a in zip(self.card.controls, actions, strict=True))

    def _rest_kw(self) -> float:
        known = self.values
        return sum(known.get(name, 0.0) for name in self.card.adds) - sum(
            known.get(name, 0.0) for name in self.card.gives
        )

    def _kw(self, control: Control, action: float | None) -> float:
        """Most power at an action; None is the device's own control."""
        if control.power_kw is None:
            return 0.0
        powers = self._powers(control)
        return max(powers) if action is None else float(np.interp(action, (-1, 0, 1), powers))

    def _powers(self, control: Control) -> tuple[float, ...]:
        assert control.power_kw is not None
        if control.follows in self.values and control.power_kw[2]:
            share = min(1.0, max(0.0, self.values[control.follows] / -control.power_kw[2]))
            return tuple(share * each for each in control.power_kw)
        return control.power_kw

    def _ramped(self, actions: list[float | None], now_s: float) -> tuple[list[float | None], bool]:
        if self.last is None or math.isinf(self.ramp_per_s):
            return actions, False
        most = 2 * self.ramp_per_s * max(0.0, now_s - self.last[0])
        found = [
            a if a is None or before is None else min(max(a, before - most), before + most)
            for a, before in zip(actions, self.last[1], strict=True)
        ]
        return found, found != actions

    def _within(self, actions: list[float | None], limits: Limits) -> tuple[list[float | None], bool]:
        """Actions whose powers keep both limits, or come as near as devices can.

        All powers move by the same share of their way: first towards none, then, where that is not enough, on to the
        least (for import) or the most (for export).
        """
        found = actions
        for limit_kw, sign in ((limits.import_kw, 1), (limits.export_kw, -1)):
            for beyond_zero in (False, True):
                found = self._moved(found, limit_kw, sign, beyond_zero)
        return found, found != actions

    def _moved(self, actions: list[float | None], limit_kw: float, sign: int, beyond_zero: bool) -> list[float | None]:
        over_kw = sign * self.drawn_kw(actions) - limit_kw
        if not over_kw > 1e-9:
            return actions
        goals = [self._goal(each, a, sign, beyond_zero) for each, a in zip(self.card.controls, actions, strict=True)]
        way_kw = sum(
            sign * (self._kw(each, a) - goal) for each, a, goal in zip(self.card.controls, actions, goals, strict=True)
        )
        if way_kw <= 1e-9:
            return actions
        share = min(1.0, over_kw / way_kw)
        return [
            a if goal == (now := self._kw(each, a)) else self._action(each, now + share * (goal - now), a)
            for each, a, goal in zip(self.card.controls, actions, goals, strict=True)
        ]

    def _goal(self, control: Control, action: float | None, sign: int, beyond_zero: bool) -> float:
        now = self._kw(control, action)
        if control.power_kw is None:
            return now
        powers = self._powers(control)
        if beyond_zero:
            return min(powers) if sign > 0 else max(powers)
        none = min(max(0.0, min(powers)), max(powers))
        return min(now, none) if sign > 0 else max(now, none)

    def _action(self, control: Control, kw: float, action: float | None) -> float | None:
        """The action that draws so much; where power does not change with it, the action as it was."""
        low, middle, high = self._powers(control)
        for begin, end, at in ((middle, high, 0.0), (low, middle, -1.0)):
            if begin != end and min(begin, end) - 1e-9 <= kw <= max(begin, end) + 1e-9:
                return float(np.clip(at + (kw - begin) / (end - begin), -1, 1))
        return action


def action_of(control: Control, setpoint: float) -> float:
    """The action of a set-point, clipped to [-1, 1]; 1 where the control has no range."""
    span = control.high - control.low
    return 1.0 if span == 0 else min(1.0, max(-1.0, 2 * (setpoint - control.low) / span - 1))


def setpoint_of(control: Control, action: float | None) -> float | None:
    """The set-point of an action, within the device's limits."""
    if action is None:
        return None
    return min(control.most, max(control.least, control.low + (action + 1) / 2 * (control.high - control.low)))


def rating_kw(card: Card) -> float:
    """Most that the devices of a home draw or give together [kW]."""
    powers = [each.power_kw for each in card.controls if each.power_kw]
    return max(sum(max(each) for each in powers), -sum(min(each) for each in powers), 0.0)
