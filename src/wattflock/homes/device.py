"""The interface of devices: parameters as fields, pure functions of one home; a fleet has one axis more."""

import abc
import dataclasses
from typing import Any, ClassVar, Literal, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from wattflock.core.types import Profile, Scalar
from wattflock.homes.features import Feature
from wattflock.homes.program import Program, Terms

COSTS = ("wear", "fuel", "comfort")  # of devices: wear also holds energy bought on the way, comfort all discomfort


class Effect(eqx.Module):
    """The result of one step of a device, or of a whole home. All shapes (), or with leading axes.

    Energy is conserved: `power_kw * dt_h = change of stored_kwh + lost_kwh + used_kwh`.
    """

    power_kw: Array  # mean power drawn [kW]; negative gives
    reactive_kvar: Array  # mean reactive power drawn [kvar]
    cost: Array  # wear, fuel and the price of discomfort [currency]; not the bill
    discomfort_c_h: Array  # degrees outside the comfort band times hours [°C h]
    carbon_kg: Array  # of fuel burnt here [kg CO2]; not of the grid
    used_kwh: Array  # for its purpose; negative where energy is made [kWh]
    lost_kwh: Array  # in conversion [kWh]
    room_kvar: Array  # reactive power that inverters could give or draw in addition to `reactive_kvar` [kvar]


class Claim(eqx.Module):
    """What a device that can be charged says of itself to a coordinator. All shapes (), or with leading axes."""

    most_kw: Array  # what it could draw for charging in this step [kW]
    need_kwh: Array  # what it would draw until it is as full as it shall be [kWh]
    level: Array  # stored energy as a share of the size
    hours_left: Array  # until it shall be so full: a car's departure; see `no_hurry` [h]
    size_kwh: Array  # 0 where the device is absent [kWh]


@dataclasses.dataclass(frozen=True)
class Command:
    """What one control sets, as a box in the hall is told it: straight in the action, from `low` to `high`."""

    name: str = "setting"
    unit: str = "share of what is possible"
    low: Any = -1.0  # at action -1
    high: Any = 1.0  # at action 1
    power_kw: tuple[Any, Any, Any] | None = None  # most power that it moves, at actions -1, 0, 1; None: not known
    follows: str = ""  # a feature of the device that gives the power fed in at action 1 [kW]


def effect(power_kw, dt_h, **more) -> Effect:
    """An Effect whose other quantities are zero; by default all energy drawn is used."""
    zero = jnp.zeros_like(power_kw)
    more = {"used_kwh": power_kw * dt_h} | more
    names = ("reactive_kvar", "cost", "discomfort_c_h", "carbon_kg", "used_kwh", "lost_kwh", "room_kvar")
    return Effect(power_kw, *(more.get(name, zero) for name in names))


class Device(eqx.Module):
    """One device of one home. Fields have shape (); in a fleet they have shape (homes,).

    Absent means zero size: every formula then gives zero power, cost and discomfort, and finite gradients.
    """

    controls: ClassVar[int] = 1  # how many actions in [-1, 1] it takes
    features: ClassVar[tuple[Feature, ...]] = (Feature("its state"),)  # what `observe` gives
    sizes: ClassVar[tuple[str, ...]] = ()  # fields that are zero where the device is absent
    ranges: ClassVar[dict[str, tuple[float, float]]] = {}  # what homes differ in: field → (least, most)
    ordered: ClassVar[tuple[tuple[str, str, str], ...]] = ()  # what fields keep in a home: ("low_c", "<", "high_c")
    prices: ClassVar[tuple[str, ...]] = ()  # fields in currency, stated for a mean import price of 0.3 per kWh
    draws: ClassVar[tuple[float, ...]] = (1.0,)  # of each control: 1 where a higher action draws more power, else -1
    cost_is: ClassVar[Literal["wear", "fuel", "comfort"]] = "wear"  # what `Effect.cost` pays for; see `COSTS`
    turn: ClassVar[int] = 0  # in rules: 0 whatever the surplus is, 1 uses it, 2 stores it, 3 covers what lacks
    level: ClassVar[tuple[str, str] | tuple[()]] = ()  # name and unit of the state, where figures show it

    @classmethod
    @abc.abstractmethod
    def example(cls) -> Self:
        """A typical device; a home has it unless the scenario gives other sizes."""

    @property
    def seen(self) -> int:
        """How many numbers `observe` gives."""
        return len(self.features)

    def absent(self) -> Self:
        """The same device with zero size."""
        return dataclasses.replace(self, **{name: 0 * getattr(self, name) for name in self.sizes})

    @abc.abstractmethod
    def init(self, now: Profile) -> Scalar:
        """The state at the beginning of a day, from `now.start` in 0 to 1."""

    @abc.abstractmethod
    def step(self, state: Scalar, action: Array, now: Profile) -> tuple[Scalar, Effect]:
        """One step with an action of shape (controls,) in [-1, 1]; enforces the device's own limits."""

    @abc.abstractmethod
    def observe(self, state: Scalar, now: Profile) -> Array:
        """What the home's controller observes of it, shape (seen,), of order one."""

    @abc.abstractmethod
    def idle(self, state: Scalar, now: Profile) -> Array:
        """The action without control, shape (controls,)."""

    def rule(self, state: Scalar, now: Profile, surplus_kw: Scalar) -> Array:
        """The action that an installer would set, given the home's surplus before this device [kW]."""
        del surplus_kw
        return self.idle(state, now)

    def setpoint(self, state: Scalar, target: Array, now: Profile) -> Array:
        """The action that brings the device to a timer's target, both of shape (controls,) and of order one.

        By default the target is a change of the action without control. The policy clips the action.
        """
        return self.idle(state, now) + target

    def commands(self) -> tuple[Command, ...]:
        """What each control of one home's device sets; fields are numbers here."""
        return (Command(),) * self.controls

    @classmethod
    def timetable(cls, hour: np.ndarray) -> np.ndarray:
        """Targets (steps, controls) that an installer would set for steps that end at these hours of the day."""
        return np.zeros((len(hour), cls.controls))

    def stored_kwh(self, state: Scalar) -> Scalar:
        """Energy that can come back as electricity or driving [kWh]."""
        return jnp.zeros_like(state)

    def claim(self, state: Scalar, now: Profile) -> Claim | None:
        """What it asks of a coordinator that shares a limit; None: it is not charged.

        The first action of a device that claims is then its charging: at 1 it draws `most_kw`, at 0 nothing.
        """
        del state, now
        return None

    def show(self, state: Scalar) -> Scalar:
        """The state in the unit of `level`."""
        return state

    def end(self, state: Scalar) -> Scalar:
        """What the state at the end of the day costs; negative earns [currency]."""
        return jnp.zeros_like(state)

    @abc.abstractmethod
    def plan(self, program: Program, day: Profile, state: Scalar) -> Terms:
        """Adds this fleet's day to a linear program and returns its power drawn, (steps, homes) [kW].

        Fields, day and `state` (homes,) at its beginning are numpy arrays of the whole fleet here; costs go
        into the program's objective. A day may be the rest of one.
        """


def feasible(action: Scalar, low_kw: Scalar, high_kw: Scalar) -> Scalar:
    """Power for an action in [-1, 1]: 0 is no power, 1 draws `high_kw`, -1 feeds in `low_kw` (both magnitudes)."""
    return jnp.where(action > 0, action * high_kw, action * low_kw)


def share(action: Scalar) -> Scalar:
    """An action in [-1, 1] as a share in [0, 1]."""
    return (action + 1) / 2


def room_kvar(limit_kw: Scalar, power_kw: Scalar) -> Scalar:
    """Reactive power that an inverter can give or draw in addition to its active power of at most `limit_kw` [kvar].

    Its rating is 1.1 times `limit_kw`. Source: IEEE 1547-2018, table 7, category B: 44 % of the rating.
    """
    rating_kva = 1.1 * limit_kw
    return jnp.minimum(0.44 * rating_kva, jnp.sqrt(jnp.maximum(rating_kva**2 - power_kw**2, 1e-12)))


def no_hurry(state: Scalar) -> Scalar:
    """`Claim.hours_left` of what must be full by no hour: a day [h]."""
    return jnp.full_like(state, 24.0)


def ratio(part: Scalar, whole: Scalar) -> Scalar:
    """part / whole, and 0 where there is no whole; the gradient is finite in both cases."""
    return jnp.where(whole > 0, part / jnp.where(whole > 0, whole, 1), 0)
