"""A home's battery and panel that serve the home by themselves; only the charging from the grid is decided."""

from typing import Annotated, ClassVar, Self

import jax.numpy as jnp
import numpy as np
from pydantic import Field

from wattflock.core.types import Profile, Scalar
from wattflock.homes.device import Claim, Device, effect, no_hurry, ratio, room_kvar
from wattflock.homes.devices.panel import see_sun
from wattflock.homes.features import LEVEL, SUN, Feature, observed
from wattflock.homes.program import ONE, Program, Terms


class Reserve(Device):
    """Surplus sun first charges the battery and is then sold; the battery serves the home's net load while it can.

    E' = E + dt (η p⁺ - p⁻/η) with p = sun stored + charging from the grid - load served; what the battery cannot serve
    is drawn. Only the home's uncontrolled load and this device's panel count: give such a home no `panel` beside it.
    Source: Tesla, Powerwall 2 data sheet (13.5 kWh usable, 5 kW, 90 % round trip, 100 % depth of discharge).
    """

    features: ClassVar = (Feature(LEVEL, "share of size_kwh", 0.5, 0.5), *SUN)
    sizes: ClassVar = ("size_kwh", "limit_kw", "size_kwp")
    ordered: ClassVar = (("start_low", "<=", "start_high"),)
    level: ClassVar = ("state of charge", "%")
    turn: ClassVar = 2
    ranges: ClassVar = {"size_kwp": (3.0, 6.0)}

    size_kwh: Annotated[Scalar, Field(ge=0, description="energy that it holds [kWh]")]
    limit_kw: Annotated[Scalar, Field(ge=0, description="most power into or out of the battery [kW]")]
    efficiency: Annotated[Scalar, Field(gt=0, le=1, description="of one way, charging or discharging [share]")]
    size_kwp: Annotated[Scalar, Field(ge=0, description="size of the panel [kW peak]")]
    start_low: Annotated[Scalar, Field(ge=0, le=1, description="least state of charge at the beginning [share]")]
    start_high: Annotated[Scalar, Field(ge=0, le=1, description="most state of charge at the beginning [share]")]

    @classmethod
    def example(cls) -> Self:
        return cls(*map(jnp.asarray, (13.5, 5.0, 0.9**0.5, 2.0, 0.2, 0.8)))

    def init(self, now: Profile) -> Scalar:
        return (self.start_low + (self.start_high - self.start_low) * now.start) * self.size_kwh

    def step(self, state, action, now):
        """Charge from the grid by a share (an action from 0 to 1) of what is possible; the rest happens by itself."""
        made_kw = self.size_kwp * now.sun_kw_per_kwp
        stored_kw, lacking_kw, charge_kw, give_kw = self._flows(state, now)
        grid_kw = jnp.maximum(action[0], 0) * self._most_kw(stored_kw, lacking_kw, charge_kw)
        served_kw = jnp.minimum(lacking_kw, grid_kw + give_kw)
        power_kw = stored_kw + grid_kw - served_kw
        into_kw = self.efficiency * jnp.maximum(power_kw, 0) + jnp.minimum(power_kw, 0) / self.efficiency
        result = effect(
            power_kw - made_kw,
            now.dt_h,
            used_kwh=-made_kw * now.dt_h,
            lost_kwh=(power_kw - into_kw) * now.dt_h,
            room_kvar=room_kvar(self.limit_kw, power_kw),
        )
        return state + into_kw * now.dt_h, result

    def _flows(self, state, now):
        """Sun that is stored, load without sun, most into and out of the battery [kW]."""
        charge_kw = jnp.minimum(self.limit_kw, jnp.maximum(self.size_kwh - state, 0) / self.efficiency / now.dt_h)
        give_kw = jnp.minimum(self.limit_kw, jnp.maximum(state, 0) * self.efficiency / now.dt_h)
        net_kw = now.load_kw - self.size_kwp * now.sun_kw_per_kwp
        return jnp.clip(-net_kw, 0, charge_kw), jnp.maximum(net_kw, 0), charge_kw, give_kw

    def _most_kw(self, stored_kw, lacking_kw, charge_kw):
        """Most from the grid: at once for the load, and into what room the sun leaves; the charger's power at most."""
        present = jnp.where(self.size_kwh > 0, lacking_kw, 0)
        return jnp.clip(charge_kw - stored_kw + present, 0, self.limit_kw)

    def claim(self, state, now):
        """What fits into it; there is no hour by which it must be full."""
        stored_kw, lacking_kw, charge_kw, _ = self._flows(state, now)
        need_kwh = jnp.maximum(self.size_kwh - state, 0) / self.efficiency
        most_kw = self._most_kw(stored_kw, lacking_kw, charge_kw)
        return Claim(most_kw, need_kwh, ratio(state, self.size_kwh), no_hurry(state), self.size_kwh)

    def observe(self, state, now):
        level = observed(self.features[:1], [ratio(state, self.size_kwh)])
        return jnp.concatenate([level, see_sun(self.size_kwp, now)])

    def idle(self, state, now):
        """All that is possible."""
        return jnp.ones_like(state)[None]

    def setpoint(self, state, target, now):
        """The target is the share of what is possible."""
        return target

    @classmethod
    def timetable(cls, hour):
        """Always all that is possible."""
        return np.ones((len(hour), 1))

    def show(self, state):
        return 100 * ratio(state, self.size_kwh)

    def stored_kwh(self, state):
        return state

    def plan(self, program: Program, day: Profile, state) -> Terms:
        """Three flows; a bound from below: it may keep energy, or spill sun, where the device would not."""
        here = np.broadcast_to(self.size_kwh > 0, day.load_kw.shape)
        made_kw, dt_h = self.size_kwp * day.sun_kw_per_kwp, day.dt_h[:, None]
        net_kw = day.load_kw - made_kw
        grid = program.columns(0.0, self.limit_kw, 0.0, here)
        sun = program.columns(0.0, np.minimum(np.maximum(-net_kw, 0), self.limit_kw), 0.0, here)
        serve = program.columns(0.0, np.maximum(net_kw, 0), 0.0, here)
        energy = program.columns(0.0, self.size_kwh, 0.0, here)
        flows = [(grid, self.efficiency * dt_h), (sun, self.efficiency * dt_h), (serve, -dt_h / self.efficiency)]
        program.balance([(energy, 1.0)], state, 1.0, 0.0, flows)
        return [(np.asarray(ONE), -made_kw), (grid, 1.0), (sun, 1.0), (serve, -1.0)]
