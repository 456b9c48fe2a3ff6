"""A stationary battery behind the meter."""

from typing import Annotated, ClassVar, Self

import jax.numpy as jnp
import numpy as np
from pydantic import Field

from wattflock.core.types import Profile, Scalar
from wattflock.homes.device import Claim, Command, Device, effect, feasible, no_hurry, ratio, room_kvar
from wattflock.homes.features import LEVEL, Feature, observed
from wattflock.homes.program import Program, Terms


class Battery(Device):
    """State of charge with one-way efficiency, wear per kWh moved, and a value at the end of the day.

    Source: energy balance E' = E + dt (η p⁺ - p⁻/η); sizes and wear of common home batteries.
    """

    features: ClassVar = (Feature(LEVEL, "share of size_kwh", 0.5, 0.5),)
    sizes: ClassVar = ("size_kwh", "limit_kw")
    ordered: ClassVar = (("low_share", "<", "high_share"), ("spare_per_kwh", "<=", "short_per_kwh"))
    prices: ClassVar = ("wear_per_kwh", "short_per_kwh", "spare_per_kwh", "dear_per_kwh")
    level: ClassVar = ("state of charge", "%")
    turn: ClassVar = 2
    ranges: ClassVar = {"size_kwh": (6.4, 13.5)}

    size_kwh: Annotated[Scalar, Field(ge=0, description="energy that it holds [kWh]")]
    limit_kw: Annotated[Scalar, Field(ge=0, description="most power that it draws or gives [kW]")]
    efficiency: Annotated[Scalar, Field(gt=0, le=1, description="of one way, charging or discharging [share]")]
    low_share: Annotated[
        Scalar, Field(ge=0, le=1, description="state of charge is kept above this share of the size [share]")
    ]
    high_share: Annotated[
        Scalar, Field(ge=0, le=1, description="state of charge is kept below this share of the size [share]")
    ]
    wear_per_kwh: Annotated[
        Scalar, Field(ge=0, description="wear of energy moved, at a price of 0.3 [currency per kWh]")
    ]
    short_per_kwh: Annotated[
        Scalar,
        Field(ge=0, description="price of ending below half, at a price of 0.3 [currency per kWh]"),
    ]
    spare_per_kwh: Annotated[
        Scalar, Field(ge=0, description="value of ending above half, at a price of 0.3 [currency per kWh]")
    ]
    dear_per_kwh: Annotated[
        Scalar,
        Field(ge=0, description="import price above which `rules` discharges, at a price of 0.3 [currency per kWh]"),
    ]

    @classmethod
    def example(cls) -> Self:
        return cls(*map(jnp.asarray, (6.4, 5.0, 0.95, 0.10, 0.95, 0.01, 0.32, 0.20, 0.30)))

    def init(self, now: Profile) -> Scalar:
        return start_kwh(self.size_kwh, now.start)

    def step(self, state, action, now):
        """Charge (positive) or discharge; the action is a share of what is possible now."""
        charge_kw, discharge_kw = self._room(state, now.dt_h)
        power_kw = feasible(action[0], discharge_kw, charge_kw)
        into_kw = self.efficiency * jnp.maximum(power_kw, 0) + jnp.minimum(power_kw, 0) / self.efficiency
        moved_kwh = jnp.abs(power_kw) * now.dt_h
        lost_kwh = (power_kw - into_kw) * now.dt_h
        nothing = jnp.zeros_like(power_kw)
        result = effect(
            power_kw,
            now.dt_h,
            cost=self.wear_per_kwh * moved_kwh,
            used_kwh=nothing,
            lost_kwh=lost_kwh,
            room_kvar=room_kvar(self.limit_kw, power_kw),
        )
        return state + into_kw * now.dt_h, result

    def _room(self, state, dt_h):
        charge_kwh = jnp.maximum(self.high_share * self.size_kwh - state, 0) / self.efficiency
        discharge_kwh = jnp.maximum(state - self.low_share * self.size_kwh, 0) * self.efficiency
        return jnp.minimum(self.limit_kw, charge_kwh / dt_h), jnp.minimum(self.limit_kw, discharge_kwh / dt_h)

    def observe(self, state, now):
        return observed(self.features, [ratio(state, self.size_kwh)])

    def idle(self, state, now):
        return jnp.zeros_like(state)[None]

    def rule(self, state, now, surplus_kw):
        """Store the surplus; cover the home in dear hours; from 21 h refill evenly to half by midnight."""
        charge_kw, discharge_kw = self._room(state, now.dt_h)
        take = ratio(jnp.clip(surplus_kw, 0, charge_kw), charge_kw)
        give = -ratio(jnp.clip(-surplus_kw, 0, discharge_kw), discharge_kw)
        evenly_kwh = jnp.maximum(0.5 * self.size_kwh - state, 0) * now.dt_h / jnp.maximum(24 - now.hour, now.dt_h)
        evenly = charge_to(evenly_kwh, self.efficiency, now.dt_h, charge_kw, discharge_kw)[0]
        refill = jnp.where(now.hour >= 21, evenly, 0.0)
        short = jnp.where(now.import_price_per_kwh > self.dear_per_kwh, give, refill)
        return jnp.where(surplus_kw > 0, take, short)[None]

    def setpoint(self, state, target, now):
        """The target is the state of charge at the end of the step, as a share of the size."""
        return charge_to(target[0] * self.size_kwh - state, self.efficiency, now.dt_h, *self._room(state, now.dt_h))

    def commands(self):
        return (Command("charging power", "kW", -self.limit_kw, self.limit_kw, (-self.limit_kw, 0.0, self.limit_kw)),)

    @classmethod
    def timetable(cls, hour):
        """Half at night, filled evenly from 10 to 16 h, emptied from 16 to 21 h, half again by midnight."""
        return np.interp(hour[:, None], [0, 10, 16, 21, 24], [0.5, 0.5, 0.95, 0.1, 0.5])

    def show(self, state):
        return 100 * ratio(state, self.size_kwh)

    def stored_kwh(self, state):
        return state

    def claim(self, state, now):
        """As much as fits below `high_share`; there is no hour by which it must be full."""
        need_kwh = jnp.maximum(self.high_share * self.size_kwh - state, 0) / self.efficiency
        return Claim(
            self._room(state, now.dt_h)[0], need_kwh, ratio(state, self.size_kwh), no_hurry(state), self.size_kwh
        )

    def end(self, state):
        return end_cost(state - 0.5 * self.size_kwh, self.short_per_kwh, self.spare_per_kwh)

    def plan(self, program: Program, day: Profile, state) -> Terms:
        """Charge and discharge as two columns, state of charge as a third."""
        present = np.broadcast_to(self.size_kwh > 0, day.load_kw.shape)
        dt_h = day.dt_h[:, None]
        charge, give = (program.columns(0.0, self.limit_kw, self.wear_per_kwh * dt_h, present) for _ in range(2))
        energy = program.columns(self.low_share * self.size_kwh, self.high_share * self.size_kwh, 0.0, present)
        flows = [(charge, self.efficiency * dt_h), (give, -dt_h / self.efficiency)]
        program.balance([(energy, 1.0)], state, 1.0, 0.0, flows)
        program.end_value([(energy[-1], 1.0)], 0.5 * self.size_kwh, self.short_per_kwh, self.spare_per_kwh)
        program.apart(charge, give)
        return [(charge, 1.0), (give, -1.0)]


def start_kwh(size_kwh, start):
    """Stored energy at the beginning of a day: 30 to 70 % of the size [kWh]."""
    return (0.3 + 0.4 * start) * size_kwh


def charge_to(inside_kwh, efficiency, dt_h, charge_kw, discharge_kw):
    """The action (1,) that changes the stored energy by `inside_kwh` in a step, or as far as power allows."""
    power_kw = jnp.where(inside_kwh > 0, inside_kwh / efficiency, inside_kwh * efficiency) / dt_h
    most_kw = jnp.where(inside_kwh > 0, charge_kw, discharge_kw)
    return ratio(jnp.clip(power_kw, -most_kw, most_kw), most_kw)[None]


def end_cost(spare_kwh, short_per_kwh, spare_per_kwh):
    """What ending the day with `spare_kwh` above the target costs; shortage costs more than spare earns."""
    return -jnp.where(spare_kwh < 0, short_per_kwh, spare_per_kwh) * spare_kwh
