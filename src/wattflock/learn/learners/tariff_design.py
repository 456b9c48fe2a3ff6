"""A network tariff found by gradients: homes learn to follow their own bills, and the tariff what their power costs."""

from typing import Annotated

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array
from pydantic import Field

from wattflock.core.types import DAY_KINDS, REFERENCE_PRICE_PER_KWH, Profile, by_day
from wattflock.feeder.limits import conditions
from wattflock.feeder.operator import exactly
from wattflock.learn.lagrangian import TrainState
from wattflock.learn.learners.gradmap import GradMAP
from wattflock.learn.nets import Separate
from wattflock.world.rollout import Trajectory
from wattflock.world.world import World

KINDS = len(DAY_KINDS)


class Tariff(eqx.Module):
    """What the network adds to the price of a kWh, and pays for one fed in [currency per kWh]."""

    cost: Array  # (kinds, steps, terminals) mean of what a kWh more costs the network there
    zone: Array  # (terminals,) zone of each
    price: Array  # (kinds, steps, zones)
    rounds: Array  # that it has learned from, (): homes may begin anew under a tariff that goes on

    def of_homes(self, placement: Array, kind: Array) -> Array:
        """What each agent pays, (days, steps, homes); `kind` (days,) of each day, `placement` as `share_of`."""
        return self.price[kind][..., self.zone] @ placement.T


class TariffDesign(GradMAP):
    """Homes fit networks to their own bills, of which a network tariff is a part; the wires teach the tariff alone.

    By kind of day (cold, mild, warm), hour and zone the tariff follows the mean of what
    one more kWh adds to the price of violations, so that homes that mind their own bill bear, on average, what they
    cause. Zones are K-means clusters of terminals by that cost. What homes pay is handed back in equal parts: it is no
    part of the objective. Source: expected nodal prices as in Bai et al. 2018 (DOI 10.1109/TPWRS.2017.2767632);
    K-means by Lloyd's rounds (1982, DOI 10.1109/TIT.1982.1056489).
    """

    zones: Annotated[int, Field(ge=1, description="groups of terminals with one tariff [1]")] = 6
    memory: Annotated[float, Field(gt=0, lt=1, description="of the mean cost: what a round adds to it [share]")] = 0.05
    settled: Annotated[
        float, Field(gt=0, le=1, description="zones are fixed after this share of all rounds [share]")
    ] = 0.3
    most_per_kwh: Annotated[
        float, Field(gt=0, description="largest network price, at a price of 0.3 [currency per kWh]")
    ] = 1.0
    apart_per_kwh: Annotated[
        float, Field(ge=0, description="largest distance of a zone from the mean of all, likewise [currency per kWh]")
    ] = 1.0

    def beside(self, world: World, key: Array) -> Tariff:
        terminals = world.placement.shape[1]
        zone = jnp.arange(terminals) * self.zones // terminals
        cost, price = jnp.zeros((KINDS, world.steps, terminals)), jnp.zeros((KINDS, world.steps, self.zones))
        return Tariff(cost, zone, price, jnp.zeros((), jnp.int32))

    def slope(self, state, world, profile, trajectory):
        """Of every action, what it costs its own home, tariff included; (days, steps, homes, controls)."""
        known = world.conditions(trajectory.effect) if trajectory.conditions is None else trajectory.conditions
        price = state.beside.of_homes(share_of(world), kind_of(world, profile))
        price = price.reshape(trajectory.effect.power_kw.shape)

        def paid(result):
            met = jax.lax.stop_gradient(known)
            outcome = world.verdict(result.effect, result.end, profile, self.margins(state), met)
            network = (price * result.effect.power_kw * profile.dt_h[..., None]).sum()
            return outcome.cost.sum() + network, (self.lagrangian.value(outcome, state.multiplier), outcome)

        return self.gradient_of(paid, world, Separate(state.nets), profile, trajectory)

    def beside_after(self, state, world, profile, trajectory):
        felt = by_day(self.felt(world, profile, trajectory, state), world.steps)
        return self.learned(state.beside, felt, kind_of(world, profile), world)

    def felt(self, world: World, profile: Profile, trajectory: Trajectory, state: TrainState) -> Array:
        """What a kWh more at a terminal adds to the price of violations, (days, steps, terminals)."""
        feeder = world.feeder
        if feeder is None:
            return jnp.zeros((*profile.dt_h.shape, world.placement.shape[1]))
        still = jax.lax.stop_gradient(trajectory.effect)
        homes_per_agent = world.placement.sum() / world.homes

        def wires(kw):
            found = conditions(feeder, world.flow_at(still, kw), world.judges)
            outcome = world.verdict(still, trajectory.end, profile, self.margins(state), found)
            return self.lagrangian.wires(outcome, state.multiplier)

        slope = jax.grad(wires)(exactly(still.power_kw, world.placement))
        return homes_per_agent * slope / profile.dt_h[..., None]

    def learned(self, tariff: Tariff, felt: Array, kind: Array, world: World) -> Tariff:
        """The tariff after a round: means follow, zones are drawn anew until they are settled, prices within bounds."""
        mine = jax.nn.one_hot(kind, KINDS, dtype=felt.dtype)  # (days, kinds)
        count = mine.sum(0)
        mean = jnp.einsum("dk,dst->kst", mine, felt) / jnp.maximum(count, 1)[:, None, None]
        rate = jnp.where(count > 0, jnp.maximum(self.memory, 1 / (tariff.rounds + 1.0)), 0)[:, None, None]
        cost = tariff.cost + rate * (mean - tariff.cost)
        weight = world.placement.sum(0)[None, None]
        centre = centres(cost, tariff.zone, weight, self.zones)
        far = ((cost[..., None] - centre[:, :, None]) ** 2).sum((0, 1))  # (terminals, zones)
        zone = jnp.where(tariff.rounds < self.settled * self.total_rounds, far.argmin(-1), tariff.zone)
        price = centres(cost, zone, weight, self.zones)
        level = world.fleet.reference_price_per_kwh / REFERENCE_PRICE_PER_KWH
        middle = ((cost * weight).sum(-1) / weight.sum())[..., None]
        price = middle + jnp.clip(price - middle, -self.apart_per_kwh * level, self.apart_per_kwh * level)
        price = jnp.clip(price, -self.most_per_kwh * level, self.most_per_kwh * level)
        return Tariff(cost, zone, price, tariff.rounds + 1)


def kind_of(world: World, profile: Profile) -> Array:
    """Which kind each calendar day is, (days,)."""
    return by_day(profile.day_kind, world.steps)[:, 0].astype(int)


def share_of(world: World) -> Array:
    """Where each agent is, (homes, terminals); rows add up to 1."""
    return world.placement / world.placement.sum(-1, keepdims=True)


def centres(cost: Array, zone: Array, weight: Array, zones: int) -> Array:
    """The mean cost of each zone's homes, (kinds, steps, zones); of a zone without homes that of all."""
    mine = jax.nn.one_hot(zone, zones, dtype=cost.dtype) * weight[0, 0, :, None]
    every = (cost * weight).sum(-1, keepdims=True) / weight.sum()
    size = mine.sum(0)[None, None]
    return jnp.where(size > 0, cost @ mine / jnp.where(size > 0, size, 1), every)
