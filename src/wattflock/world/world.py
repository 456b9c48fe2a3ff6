"""The one world: homes on a feeder in a market. The only vmap over homes, the only clip of actions."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from wattflock.core.types import REFERENCE_PRICE_PER_KWH, Profile
from wattflock.data.sample import ahead
from wattflock.feeder.limits import LIMITS, Conditions, Limits, Margins, conditions, excess, no_wires
from wattflock.feeder.marginal import Marginal, marginal
from wattflock.feeder.operator import exactly
from wattflock.feeder.solve import Feeder, Flow, solve
from wattflock.feeder.volt_var import Support, VoltVar
from wattflock.homes.device import Effect
from wattflock.homes.features import LEVEL, LIMIT, VOLTAGE, Feature
from wattflock.homes.home import Home
from wattflock.market.market import Market, Meter
from wattflock.world.coordinator import Charging, Coordinator, limit_of
from wattflock.world.sensors import Voltmeter

TOLERANCE_PU = {"float32": 1e-6, "float64": 1e-10}  # of the power flow
AHEAD_H = 4  # of `Profile.price_ahead_per_kwh` [h]
MOST, MOST_GUARDED = 60, 300  # its iterations; inverters that answer one another take longer to settle


class Observation(eqx.Module):
    """Input of controllers: features (homes, seen); and each home's own state, readings and home."""

    features: Array
    state: dict
    now: Profile
    fleet: Home


class Outcome(eqx.Module):
    """The verdict on days of all homes; leading axes (days, steps)."""

    bill: Array  # (…, homes) [currency]
    margin: Array  # (…,) what a community keeps (negative) or adds; bills + margin = grid bill [currency]
    grid_bill: Array  # (…,) what is owed to the grid [currency]
    cost: Array  # (…, homes) bill + wear, fuel, discomfort and value of the final state [currency]
    discomfort_c_h: Array  # (…, homes) [°C h]
    net_kwh: Array  # (…, homes) [kWh]
    carbon_kg: Array  # (…, homes) grid and fuel [kg]
    net_kw: Array  # (…,) of all homes on the feeder [kW]
    conditions: Conditions  # on the feeder, (…, rows)
    excess: dict[
        str, Array
    ]  # limit that is judged → (…, rows) beyond it, margin included: "voltage" (nodes) [per unit]
    dt_h: Array  # (…,) length of the step [h]
    charging: Charging | None = None  # what a coordinator granted and is rewarded for; None: no limit is shared
    price_level: float = eqx.field(default=1.0, static=True)  # of the readings: mean import price over 0.3 per kWh
    steps: int = eqx.field(default=24, static=True)  # in a day

    @property
    def days(self) -> float:
        """How many calendar days there are: the second axis may hold several."""
        return self.cost.shape[0] * self.cost.shape[1] / self.steps

    @property
    def reward(self) -> Array | None:
        """Of the coordinator, (…,); None where no limit is shared."""
        return self.charging.reward.total if self.charging else None

    @property
    def voltage_pu(self) -> Array:
        """Voltages (…, nodes) [per unit]; no nodes where the world has no wires."""
        return self.conditions.voltage_pu

    @property
    def converged(self) -> Array:
        """Whether the power flow did, (…,)."""
        return self.conditions.converged


class World(eqx.Module):
    """Homes + feeder + market + limits. Takes no key: two controllers meet exactly the same days."""

    fleet: Home
    feeder: Feeder | None  # whose branches are all rated (`rated`); None: no wires, and no limits
    market: Market
    limits: Limits
    steps: int = eqx.field(static=True)  # in a day
    placement: Array  # (homes, terminals) homes of this kind at a terminal, e.g. 2 where one agent is two homes
    voltmeter: Voltmeter | None = None  # what homes observe of the feeder; None: nothing
    guard: VoltVar | None = None  # how inverters answer their own voltage; None: not at all
    kind: Array = eqx.field(default_factory=lambda: np.zeros(0, int))  # (homes,) of each home, its number in `kinds`
    kinds: tuple[str, ...] = eqx.field(default=(), static=True)  # names, such as "battery+panel"
    judges: tuple[str, ...] = eqx.field(default=LIMITS, static=True)  # the limits that the wires must keep, "voltage" …
    episode_days: int = eqx.field(default=1, static=True)  # consecutive days between a reset and the end value
    coordinator: Coordinator | None = None  # shares `Profile.limit_kw` among chargers; None: each takes what it asks

    @property
    def homes(self) -> int:
        """Number of agents."""
        return self.placement.shape[0]

    @property
    def seen(self) -> int:
        """How many numbers each home observes."""
        return sum(map(len, self.features.values()))

    @property
    def features(self) -> dict[str, tuple[Feature, ...]]:
        """What `observe` gives, in its order: of the meter, of each device, of the voltmeter, of the limit."""
        more = {"voltmeter": (VOLTAGE,)} if self.voltmeter else {}
        return self.fleet.features | more | ({"coordinator": (LIMIT,)} if self.coordinator else {})

    @property
    def judged(self) -> dict[str, tuple[str, ...]]:
        """The limits that are judged, each with the names of its rows: nodes, branches or buses."""
        if self.feeder is None:
            return {}
        nodes = self.feeder.nodes
        rows = {"voltage": nodes, "loading": self.feeder.branch.names, "unbalance": self.feeder.three_phase}
        return {name: rows[name] for name in self.judges if rows[name]}

    def blind(self) -> "World":
        """The same world without voltmeters: for a replay, which observes nothing."""
        return dataclasses.replace(self, voltmeter=None)

    def emptied(self) -> "World":
        """The same world, whose homes have loads and no devices."""
        none = {name: device.absent() for name, device in self.fleet.devices.items()}
        return dataclasses.replace(self, fleet=dataclasses.replace(self.fleet, devices=none))

    def bare(self) -> "World":
        """The same world without voltmeters and volt-var curves: for plans, which need neither."""
        return dataclasses.replace(self, voltmeter=None, guard=None)

    def faced(self, given: Profile) -> Profile:
        """Days (…, steps) with the prices of this market in place of those of the readings."""
        prices = self.market.prices(given)
        gap = prices.import_price_per_kwh - given.import_price_per_kwh
        steps = max(1, round(AHEAD_H * self.steps / 24))
        more = ahead(gap.reshape(-1, gap.shape[-1]), steps).reshape(gap.shape)
        seen = self.fleet.day_prices > 0
        return dataclasses.replace(
            given,
            import_price_per_kwh=prices.import_price_per_kwh,
            export_price_per_kwh=prices.export_price_per_kwh,
            price_ahead_per_kwh=given.price_ahead_per_kwh + more,
            day_prices_per_kwh=whole_days(prices.import_price_per_kwh, self.steps) if seen else None,
        )

    def reset(self, now: Profile) -> dict:
        """States of all homes at the beginning of a day; `now` has shape (homes,)."""
        state = jax.vmap(Home.init, in_axes=(0, now.axes(0, None)))(self.fleet, now)
        state |= {"voltage": self.voltmeter.start(now)} if self.voltmeter else {}
        return state | ({"coordinator": self.coordinator.start(self.fleet, state, now)} if self.coordinator else {})

    def observe(self, state: dict, now: Profile) -> Observation:
        """What every home observes of itself; nothing of any other home enters its row.

        Where homes report falsely, of stored energy what the coordinator believes: its learner sees no more.
        """
        features = jax.vmap(Home.observe, in_axes=(0, 0, now.axes(0, None)))(self.fleet, state, now)
        if self.voltmeter:
            features = jnp.concatenate([features, self.voltmeter.observe(state["voltage"])], -1)
        if self.coordinator:
            features = self._believed(features, state, now) if self.coordinator.reports else features
            limit = jnp.broadcast_to(LIMIT.of(limit_of(now) / self.homes), (self.homes, 1))
            features = jnp.concatenate([features, limit], -1)
        return Observation(features, state, now, self.fleet)

    def _believed(self, features: Array, state: dict, now: Profile) -> Array:
        """Features with the levels that the coordinator believes."""
        assert self.coordinator is not None
        levels, place = self.coordinator.believed(self.fleet, state, now), 0
        for name, own in self.fleet.features.items():
            for each in own:
                if name in levels and each.name == LEVEL:
                    features = features.at[:, place].set(each.of(levels[name]))
                place += 1
        return features

    def allowed(self, state: dict, action: Array, now: Profile) -> tuple[Array, dict]:
        """Actions (homes, controls) as homes take them: in [-1, 1], NaN as 0, shared; and the coordinator's state."""
        clipped = jnp.clip(jnp.nan_to_num(action), -1, 1)
        if self.coordinator is None:
            return clipped, {}
        said = jnp.where(jnp.isfinite(action), clipped, jnp.nan)
        taken, kept = self.coordinator.grant(self.fleet, state, said, now)
        return taken, {"coordinator": kept}

    def act(self, state: dict, action: Array, now: Profile) -> tuple[dict, Effect, Conditions | None]:
        """One step of all homes; actions (homes, controls) are clipped and shared here (`allowed`), and nowhere else.

        The conditions on the feeder are those that voltmeters read; None where there are none.
        """
        step = jax.vmap(Home.step, in_axes=(0, 0, 0, now.axes(0, None)))
        taken, kept = self.allowed(state, action, now)
        after, effect = step(self.fleet, state, taken, now)
        after |= kept
        if self.voltmeter is None or self.feeder is None:
            return after, effect, None
        flow = self.flow(effect)
        return after | {"voltage": self.voltmeter.read(flow)}, effect, conditions(self.feeder, flow, self.judges)

    def conditions(self, effect: Effect) -> Conditions:
        """Conditions on the feeder at the homes' powers (…, homes)."""
        if self.feeder is None:
            return no_wires(effect.power_kw.shape[:-1])
        return conditions(self.feeder, self.flow(effect), self.judges)

    def flow(self, effect: Effect) -> Flow:
        """Power flow at the homes' powers (…, homes), of a world that has wires."""
        return self.flow_at(effect, exactly(effect.power_kw, self.placement))

    def flow_at(self, effect: Effect, kw: Array) -> Flow:
        """The same at what is drawn at each terminal (…, terminals) [kW]."""
        assert self.feeder is not None, "no flow without wires"
        kvar, room = (exactly(each, self.placement) for each in (effect.reactive_kvar, effect.room_kvar))
        support, most = (Support(self.guard, room), MOST_GUARDED) if self.guard else (None, MOST)
        return solve(self.feeder, kw, kvar, TOLERANCE_PU[str(kw.dtype)], most, support)

    def marginal(self, effect: Effect) -> Marginal:
        """What a kW more at each home does to losses and violations at the homes' powers, each (…, homes)."""
        still = jax.lax.stop_gradient(effect)
        found = marginal(lambda kw: self.flow_at(still, kw), self.limits, exactly(still.power_kw, self.placement))
        here = jnp.asarray(self.placement > 0, still.power_kw.dtype).T
        return jax.tree.map(lambda each: exactly(each, here), found)

    def meter(self, effect: Effect, profile: Profile) -> Meter:
        """What the market is told of days (…, steps, homes); of the wires only where its prices come from them."""
        meter = self.market.meter(effect.power_kw * profile.dt_h[..., None], profile)
        if self.feeder is None or not self.market.needs_wires:
            return meter
        return dataclasses.replace(meter, wires=self.marginal(effect))

    def end(self, state: dict) -> Array:
        """Value of the final states (homes,) [currency]."""
        return jax.vmap(Home.end)(self.fleet, state)

    def verdict(
        self,
        effect: Effect,
        end: Array,
        profile: Profile,
        margins: Margins = 0.0,
        found: Conditions | None = None,
    ) -> Outcome:
        """Bills, and what the wires' limits say, for all days × steps in one batch.

        Args:
            effect: (days, steps, homes).
            end: (days, homes) value of the final states [currency].
            profile: the same days.
            margins: by how much limits are narrowed; a number is that of voltages [per unit].
            found: the conditions on the feeder where they are known, (days, steps, rows); else they are solved here.
        """
        found = self.conditions(effect) if found is None else found
        meter = self.meter(effect, profile)
        net_kwh, settled = meter.net_kwh, self.market.settle(meter)
        bill = settled.bill
        last = jnp.zeros_like(bill).at[..., -1, :].set(end)
        return Outcome(
            bill=bill,
            margin=settled.margin,
            grid_bill=settled.grid_bill,
            cost=bill + effect.cost + last,
            discomfort_c_h=effect.discomfort_c_h,
            net_kwh=net_kwh,
            carbon_kg=net_kwh * profile.carbon_kg_per_kwh[..., None] + effect.carbon_kg,
            net_kw=effect.power_kw @ self.placement.sum(-1),
            conditions=found,
            excess=excess(self.limits, found, margins),
            dt_h=profile.dt_h,
            steps=self.steps,
            price_level=self.fleet.reference_price_per_kwh / REFERENCE_PRICE_PER_KWH,
        )


def whole_days(price_per_kwh: Array, steps: int) -> Array:
    """At every step the prices of all steps of its day: (…, days · steps) → (…, days · steps, steps)."""
    shape = price_per_kwh.shape
    days = jnp.reshape(price_per_kwh, (*shape[:-1], -1, 1, steps))
    return jnp.repeat(days, steps, -2).reshape(*shape, steps)


MEASURED = {
    "voltage": ("violation_pu_h", "violated_share"),
    "loading": ("overload_share_h", "overloaded_share"),
    "unbalance": ("unbalance_share_h", "unbalanced_share"),
}


def measures(limits: Limits, outcome: Outcome) -> dict[str, Array]:
    """Days in a few numbers, against the true limits whatever margin the outcome was judged with.

    Returns:
        cost [currency per home and day]; violation_pu_h [pu h per node and day] and violated_share [of node-steps], 0
        without wires; of other limits that are judged, the same per branch (overload_share_h, overloaded_share) and
        per bus (unbalance_share_h, unbalanced_share); reward [1/episode] where a limit is shared.
    """
    days, homes = outcome.days, outcome.cost.shape[-1]
    found = {"cost": outcome.cost.sum() / (days * homes)} | dict.fromkeys(MEASURED["voltage"], jnp.zeros(()))
    for limit, amount in excess(limits, outcome.conditions).items():
        how_long, how_often = MEASURED[limit]
        found[how_long] = (amount * outcome.dt_h[..., None]).sum((0, 1)).mean() / days
        found[how_often] = (amount > 0).mean()
    return found if outcome.reward is None else found | {"reward": outcome.reward.sum(1).mean()}
