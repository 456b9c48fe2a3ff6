"""A home: its devices behind one meter, and what its controller observes."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array

from wattflock.core.types import REFERENCE_PRICE_PER_KWH, Profile, Scalar
from wattflock.homes.device import COSTS, Claim, Device, Effect, effect
from wattflock.homes.features import DAY_PRICE, LOAD_KNOWN, METER, Feature, observed


class Home(eqx.Module):
    """One home; a fleet is the same class with a leading homes axis on every array.

    Every home of a fleet has the same devices by name; one that it lacks has zero size.
    """

    devices: dict[str, Device]
    kvar_per_kw: Scalar  # reactive power that the uncontrolled load draws
    reference_price_per_kwh: float = eqx.field(default=REFERENCE_PRICE_PER_KWH, static=True)  # of the readings
    load_known: bool = eqx.field(default=False, static=True)  # whether it observes the mean load of the coming step
    day_prices: int = eqx.field(default=0, static=True)  # how many prices of the day it observes: 0, or of all steps

    @property
    def controls(self) -> int:
        """How many actions the home takes."""
        return sum(device.controls for device in self.devices.values())

    @property
    def seen(self) -> int:
        """How many numbers `observe` gives."""
        return sum(map(len, self.features.values()))

    @property
    def features(self) -> dict[str, tuple[Feature, ...]]:
        """What `observe` gives, in its order: of the meter, then of each device by its name."""
        own = {name: device.features for name, device in self.devices.items()}
        return {"meter": METER + LOAD_KNOWN * self.load_known + DAY_PRICE * self.day_prices} | own

    def init(self, now: Profile) -> dict[str, Array]:
        """The devices' states at the beginning of a day."""
        return {name: device.init(now) for name, device in self.devices.items()}

    def step(self, state: dict, action: Array, now: Profile) -> tuple[dict, Effect]:
        """All devices for one step with one action of shape (controls,); returns what the meter shows."""
        total = effect(now.load_kw, now.dt_h, reactive_kvar=self.kvar_per_kw * now.load_kw)
        after = {}
        for name, device, part in self._split(action):
            after[name], result = device.step(state[name], part, now)
            total = Effect(*(a + b for a, b in zip(fields(total), fields(result), strict=True)))
        return after, total

    def _split(self, action: Array):
        begin = 0
        for name, device in self.devices.items():
            yield name, device, action[begin : begin + device.controls]
            begin += device.controls

    def observe(self, state: dict, now: Profile) -> Array:
        """What this home's controller observes: its own meter and devices, prices, clock and weather; (seen,)."""
        angle = 2 * jnp.pi * now.hour / 24
        meter = [
            now.load_last_kw,
            now.import_price_per_kwh / self.reference_price_per_kwh,
            now.price_ahead_per_kwh / self.reference_price_per_kwh,
            jnp.sin(angle),
            jnp.cos(angle),
            jnp.sin(2 * angle),
            jnp.cos(2 * angle),
            now.outdoor_c,
            now.sun_ahead_kw_per_kwp,
            now.sun_rest_kwh_per_kwp,
            now.weekend,
        ] + [now.load_kw] * self.load_known
        if self.day_prices:
            assert now.day_prices_per_kwh is not None, "World.faced tells them"
            meter += list(now.day_prices_per_kwh / self.reference_price_per_kwh)
        devices = [device.observe(state[name], now) for name, device in self.devices.items()]
        return jnp.concatenate([observed(self.features["meter"], meter), *devices])

    def idle(self, state: dict, now: Profile) -> Array:
        """The action of a home without control, shape (controls,)."""
        return jnp.concatenate([d.idle(state[name], now) for name, d in self.devices.items()])

    def rule(self, state: dict, now: Profile) -> Array:
        """The action an installer would set: each device in its turn gets the surplus that those before it left."""
        surplus_kw, actions = -now.load_kw, {}
        for name, device in sorted(self.devices.items(), key=lambda item: item[1].turn):
            actions[name] = device.rule(state[name], now, surplus_kw)
            _, result = device.step(state[name], actions[name], now)
            surplus_kw = surplus_kw - result.power_kw
        return jnp.concatenate([actions[name] for name in self.devices])

    def setpoint(self, state: dict, target: Array, now: Profile) -> Array:
        """The action that brings every device to a timer's target, both of shape (controls,)."""
        parts = self._split(target)
        return jnp.concatenate([device.setpoint(state[name], part, now) for name, device, part in parts])

    def dissect(self, state: dict, action: Array, now: Profile) -> dict[str, Scalar]:
        """One step for figures: `load` and each device's power [kW], and `<device> level` after it."""
        shown = {"load": now.load_kw}
        for name, device, part in self._split(action):
            after, result = device.step(state[name], part, now)
            shown[name] = result.power_kw
            if device.level:
                shown[f"{name} level"] = device.show(after)
        return shown

    def costs(self, state: dict, action: Array, now: Profile) -> dict[str, Scalar]:
        """What a step costs beside the bill, by `COSTS`; their sum is `Effect.cost` of the home [currency]."""
        found: dict[str, Scalar] = {name: jnp.zeros_like(now.load_kw) for name in COSTS}
        for name, device, part in self._split(action):
            found[device.cost_is] = found[device.cost_is] + device.step(state[name], part, now)[1].cost
        return found

    def claims(self, state: dict, now: Profile) -> dict[str, Claim]:
        """What its devices that can be charged ask of a coordinator, by their names."""
        asked = {name: device.claim(state[name], now) for name, device in self.devices.items()}
        return {name: claim for name, claim in asked.items() if claim is not None}

    def stored_kwh(self, state: dict) -> Scalar:
        """Energy stored in all devices [kWh]."""
        return sum((d.stored_kwh(state[name]) for name, d in self.devices.items()), jnp.zeros(()))

    def end(self, state: dict) -> Scalar:
        """What the states at the end of a day cost [currency]."""
        return sum((d.end(state[name]) for name, d in self.devices.items()), jnp.zeros(()))


def fields(effects: Effect) -> list[Array]:
    """The arrays of an Effect in the order of its fields."""
    return [getattr(effects, name) for name in effects.__dataclass_fields__]
