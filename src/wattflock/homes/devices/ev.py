"""An electric car: plugged in at times, driven at others."""

from typing import Annotated, ClassVar, Self

import jax.numpy as jnp
import numpy as np
from pydantic import Field

from wattflock.core.types import Profile, Scalar
from wattflock.homes.device import Claim, Command, Device, effect, feasible, ratio
from wattflock.homes.devices.battery import charge_to, end_cost
from wattflock.homes.features import LEVEL, Feature, observed
from wattflock.homes.program import Program, Terms


class EV(Device):
    """State of charge: lowered by driving, raised by charging at home or, for a price, at a public charger.

    Source: energy balance E' = E + dt (η p⁺ - p⁻/η) - driving + bought on the way.
    """

    features: ClassVar = (
        Feature(LEVEL, "share of size_kwh", 0.5, 0.5),
        Feature("plugged in", "share of the step"),
        Feature("energy driven in the step", "kWh", 0, 10),
    )
    sizes: ClassVar = ("size_kwh", "limit_kw", "give_kw", "present")
    ordered: ClassVar = (("spare_per_kwh", "<=", "short_per_kwh"),)
    prices: ClassVar = ("short_per_kwh", "spare_per_kwh", "away_per_kwh", "wear_per_kwh")
    level: ClassVar = ("state of charge", "%")
    turn: ClassVar = 1
    ranges: ClassVar = {"size_kwh": (40.0, 77.0)}

    size_kwh: Annotated[Scalar, Field(ge=0, description="energy that the battery holds [kWh]")]
    limit_kw: Annotated[Scalar, Field(ge=0, description="most power of the charger [kW]")]
    give_kw: Annotated[
        Scalar, Field(ge=0, description="most power of vehicle to grid; 0 where the charger cannot [kW]")
    ]
    efficiency: Annotated[Scalar, Field(gt=0, le=1, description="of one way, charging or giving back [share]")]
    short_per_kwh: Annotated[
        Scalar,
        Field(ge=0, description="price of ending below `full_share`, at a price of 0.3 [currency per kWh]"),
    ]
    spare_per_kwh: Annotated[
        Scalar, Field(ge=0, description="value of ending above `full_share`, at a price of 0.3 [currency per kWh]")
    ]
    away_per_kwh: Annotated[
        Scalar,
        Field(
            ge=0,
            description="public charging, where the battery does not suffice, at a price of 0.3 [currency per kWh]",
        ),
    ]
    present: Annotated[Scalar, Field(ge=0, le=1, description="1, or 0 where there is no car [1]")]
    wear_per_kwh: Annotated[
        Scalar,
        Field(ge=0, description="wear of energy into and out of the battery at home, at a price of 0.3 "
              "[currency per kWh]"),
    ]  # fmt: skip
    low_share: Annotated[
        Scalar, Field(ge=0, le=1, description="state of charge is kept above this share of the size [share]")
    ]
    full_share: Annotated[
        Scalar, Field(ge=0, le=1, description="mean state of charge when days begin, and target of their end [share]")
    ]

    @classmethod
    def example(cls) -> Self:
        return cls(*map(jnp.asarray, (60.0, 7.4, 0.0, 0.92, 0.32, 0.20, 0.60, 1.0, 0.0, 0.0, 0.99)))

    def init(self, now: Profile) -> Scalar:
        """Nearly full (98 to 100 %) unless said otherwise, as charging at once has left it the day before."""
        about = jnp.minimum(0.01, 1 - self.full_share)
        begins = self.full_share + 2 * about * (now.start - 0.5)
        return jnp.maximum(begins, self.low_share) * self.size_kwh

    def _room(self, state, now):
        charge_kwh = jnp.maximum(self.size_kwh - state, 0) / self.efficiency
        give_kwh = jnp.maximum(state - self.low_share * self.size_kwh, 0) * self.efficiency
        charge_kw = jnp.minimum(now.ev_plugged * self.limit_kw, charge_kwh / now.dt_h)
        return charge_kw, jnp.minimum(now.ev_plugged * self.give_kw, give_kwh / now.dt_h)

    def step(self, state, action, now):
        """Charge or discharge while plugged in, then drive; missing energy is bought at a public charger."""
        charge_kw, give_kw = self._room(state, now)
        power_kw = feasible(action[0], give_kw, charge_kw)
        into_kw = self.efficiency * jnp.maximum(power_kw, 0) + jnp.minimum(power_kw, 0) / self.efficiency
        driving_kwh = self.present * now.ev_driving_kwh
        left_kwh = state + into_kw * now.dt_h - driving_kwh
        bought_kwh = jnp.maximum(self.low_share * self.size_kwh - left_kwh, 0)
        wear = self.wear_per_kwh * jnp.abs(into_kw) * now.dt_h
        result = effect(
            power_kw, now.dt_h, cost=self.away_per_kwh * bought_kwh + wear,
            used_kwh=driving_kwh - bought_kwh, lost_kwh=(power_kw - into_kw) * now.dt_h,
        )  # fmt: skip
        return left_kwh + bought_kwh, result

    def observe(self, state, now):
        away = self.present * now.ev_plugged, self.present * now.ev_driving_kwh
        return observed(self.features, [ratio(state, self.size_kwh), *away])

    def idle(self, state, now):
        return jnp.ones_like(state)[None]

    def rule(self, state, now, surplus_kw):
        """Charge evenly from 21 h to midnight, what is left then evenly until 7 h, at once below 30 %; else surplus."""
        charge_kw, give_kw = self._room(state, now)
        left_h = jnp.where(now.hour < 21, 7.0, 24.0) - now.hour
        evenly_kwh = (self.size_kwh - state) * now.dt_h / jnp.maximum(left_h, now.dt_h)
        evenly = charge_to(evenly_kwh, self.efficiency, now.dt_h, charge_kw, give_kw)[0]
        by_day = ratio(jnp.clip(surplus_kw, 0, charge_kw), charge_kw)
        timed = jnp.where(left_h > 0, evenly, by_day)
        return jnp.where(state < 0.3 * self.size_kwh, 1.0, timed)[None]

    def setpoint(self, state, target, now):
        """The target is the state of charge before driving in the step, as a share of the size."""
        return charge_to(target[0] * self.size_kwh - state, self.efficiency, now.dt_h, *self._room(state, now))

    def commands(self):
        """Power, where one straight line says it; else a share of the most that it can draw or give."""
        power_kw = (-self.give_kw, 0.0, self.limit_kw)
        if self.give_kw in (0, self.limit_kw):
            return (Command("charging power", "kW", -self.limit_kw, self.limit_kw, power_kw),)
        return (Command(power_kw=power_kw),)

    @classmethod
    def timetable(cls, hour):
        """Full until 16 h, emptied by a fifth by 21 h where the charger can give, full again by midnight."""
        return np.interp(hour[:, None], [0, 16, 21, 24], [0.99, 0.99, 0.8, 0.99])

    def show(self, state):
        return 100 * ratio(state, self.size_kwh)

    def stored_kwh(self, state):
        return state

    def claim(self, state, now):
        """Full, or `full_share`, when it leaves; nothing while it is away. Who does not say when leaves at midnight."""
        here = now.ev_plugged > 0
        need_kwh = jnp.where(here, jnp.maximum(self.full_share * self.size_kwh - state, 0) / self.efficiency, 0)
        left_h = 24 - now.hour if now.ev_leaves_h is None else now.ev_leaves_h
        left_h = jnp.maximum(left_h, now.dt_h) + jnp.zeros_like(state)
        return Claim(self._room(state, now)[0], need_kwh, ratio(state, self.size_kwh), left_h, self.size_kwh)

    def end(self, state):
        return end_cost(state - self.full_share * self.size_kwh, self.short_per_kwh, self.spare_per_kwh)

    def plan(self, program: Program, day: Profile, state) -> Terms:
        """As a battery, with driving; charging comes before driving within a step, as in `step`."""
        present = np.broadcast_to(self.size_kwh > 0, day.load_kw.shape)
        dt_h, driving_kwh = day.dt_h[:, None], self.present * day.ev_driving_kwh
        wear = self.wear_per_kwh * dt_h
        charge = program.columns(0.0, self.limit_kw * day.ev_plugged, wear * self.efficiency, present)
        give = program.columns(0.0, self.give_kw * day.ev_plugged, wear / self.efficiency, present)
        bought = program.columns(0.0, driving_kwh, self.away_per_kwh, present)
        low_kwh = self.low_share * self.size_kwh
        energy = program.columns(low_kwh, np.maximum(self.size_kwh - driving_kwh, low_kwh), 0.0, present)
        flows = [(charge, self.efficiency * dt_h), (give, -dt_h / self.efficiency), (bought, 1.0)]
        program.balance([(energy, 1.0)], state, 1.0, -driving_kwh, flows)
        program.end_value([(energy[-1], 1.0)], self.full_share * self.size_kwh, self.short_per_kwh, self.spare_per_kwh)
        program.apart(charge, give)
        return [(charge, 1.0), (give, -1.0)]
