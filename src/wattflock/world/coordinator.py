"""A coordinator: what all chargers together may draw is shared among them, step by step."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from wattflock.core.types import Profile
from wattflock.homes.device import Claim, no_hurry, ratio
from wattflock.homes.home import Home
from wattflock.world.charging_reward import SLACK, Reward, Rewarded, rewarded
from wattflock.world.sharing import Asks, Sharing, fill

ROUNDING = 16  # of a sum of grants [units of its last digit]
NO_REQUEST, NO_REPORT = 1.0, 2.0  # why a charger is refused: its action, or what it says of itself, is no number


class Reports(eqx.Module):
    """What chargers tell the coordinator of themselves, where that is not what is true."""

    @abc.abstractmethod
    def told(self, claim: Claim, now: Profile) -> Claim:
        """The claims (chargers,) as they are told; `now` of all homes."""

    def false(self, chargers: int) -> Array:
        """Which chargers tell what is not true, where that is known, (chargers,) bool: for tables."""
        return jnp.zeros(chargers, bool)


class Watch(eqx.Module):
    """What a coordinator believes of what chargers tell, from what it knows of each: see `false_reports.Observer`."""

    @abc.abstractmethod
    def start(self, claim: Claim) -> dict[str, Array]:
        """What it knows at the beginning of an episode, each (chargers,)."""

    @abc.abstractmethod
    def heard(self, true: Claim, told: Claim, kept: dict[str, Array], now: Profile) -> tuple[Claim, dict[str, Array]]:
        """The claims (chargers,) as they are believed, and what it knows after this step."""


class Charging(eqx.Module):
    """What a coordinator granted; leading axes (days, steps); chargers are devices × homes, device after device."""

    reward: Rewarded  # (…,)
    limit_kw: Array  # (…,) in force
    granted_kw: Array  # (…, chargers)
    level: Array  # (…, chargers) after the step [share]
    here: Array  # (…, chargers) whether there is such a device
    leaves: Array  # (…, chargers) whether it leaves at the end of the step
    lacking_share: Array  # (…, chargers) of the size, what is then still needed
    refused: Array  # (…, chargers) 0, or why a request was refused: `NO_REQUEST`, `NO_REPORT`
    felt: Rewarded  # (…,) the reward of the levels that are believed: what a learner in this world is paid
    false: Array | None = None  # (…, chargers) who tells what is not true; None: nobody
    alarm: Array | None = None  # (…, chargers) 1 where a report was not possible; None: nobody watches


class Coordinator(eqx.Module):
    """Grants each charger a power, in all at most `Profile.limit_kw`, by one way to share.

    A charger whose request or report is no number, infinite or (its report) negative gets `safe_kw`, as far as there is
    room, and counts as refused.
    """

    sharing: Sharing
    reward: Reward = Reward()
    least_kw: float = eqx.field(default=0.0, static=True)  # a charger draws this or more, or nothing [kW]
    on_off: bool = eqx.field(default=False, static=True)  # chargers draw all that they can take, or nothing
    safe_kw: float = eqx.field(default=0.0, static=True)  # for who is refused [kW]
    reports: Reports | None = None  # None: what chargers tell is true
    watch: Watch | None = None  # None: all that can be used is believed

    def start(self, fleet: Home, state: dict, now: Profile) -> dict:
        """Its state at the beginning of an episode: of each charging device (homes,)."""
        claims = claims_of(fleet, state, now)
        nothing = {name: jnp.zeros_like(claim.most_kw) for name, claim in claims.items()}
        known = self.watch.start(joined(list(claims.values()))) if self.watch else {}
        known = {name: _apart(each, claims) for name, each in known.items()}
        return {"granted_kw": nothing, "memory": nothing, "refused": nothing} | known

    def grant(self, fleet: Home, state: dict, action: Array, now: Profile) -> tuple[Array, dict]:
        """Actions (homes, controls) after sharing, and the coordinator's state after the step.

        Args:
            fleet: the homes.
            state: before the step, as `World.reset` and `World.act` give it.
            action: in [-1, 1]; NaN is no request.
            now: this step, with the limit in force.

        Returns:
            Actions of the same shape, no NaN: those of chargers draw what is granted, the others are as they were.
        """
        claims = claims_of(fleet, state, now)
        true, own = joined(list(claims.values())), jnp.concatenate([action[:, k] for k in places(fleet, claims)])
        before = {key: jnp.concatenate([of[name] for name in claims]) for key, of in state["coordinator"].items()}
        told, known = self._heard(true, before, now)
        asks, refused = self._asks(true, told, own, now)
        memory = before["memory"]
        granted_kw = self._share(asks, limit_of(now), memory)
        memory = self.sharing.remember(asks, granted_kw, memory)
        charging = jnp.minimum(ratio(granted_kw, true.most_kw), 1)
        taken = jnp.where(granted_kw > 0, charging, jnp.where(refused > 0, 0, self.sharing.rest(asks.action)))
        kept = {"granted_kw": granted_kw, "memory": memory, "refused": refused} | known
        action = jnp.nan_to_num(action)
        for k, each in zip(places(fleet, claims), jnp.split(taken, len(claims)), strict=True):
            action = action.at[:, k].set(each)
        return action, {name: _apart(each, claims) for name, each in kept.items()}

    def _heard(self, true: Claim, kept: dict[str, Array], now: Profile) -> tuple[Claim, dict[str, Array]]:
        """Claims (chargers,) as they are believed, and what the watch knows then."""
        told = true if self.reports is None else self.reports.told(true, now)
        return self.watch.heard(true, told, kept, now) if self.watch else (told, {})

    def believed(self, fleet: Home, state: dict, now: Profile) -> dict[str, Array]:
        """The level of each charging device (homes,) that is believed; 1 where a report cannot be used."""
        claims = claims_of(fleet, state, now)
        kept = {key: jnp.concatenate([of[name] for name in claims]) for key, of in state["coordinator"].items()}
        level = self._heard(joined(list(claims.values())), kept, now)[0].level
        return _apart(jnp.where(jnp.isfinite(level), jnp.clip(level, 0, 1), 1), claims)

    def _asks(self, true: Claim, told: Claim, action: Array, now: Profile) -> tuple[Asks, Array]:
        """What chargers (chargers,) ask for, without what cannot be used, and why it was refused."""
        sound = jnp.stack([jnp.isfinite(each) & (each >= -SLACK) for each in jax.tree.leaves(told)]).all(0)
        spoken = jnp.isfinite(action)
        refused = jnp.where(spoken, jnp.where(sound, 0.0, NO_REPORT), NO_REQUEST).astype(action.dtype)
        safe_kw = jnp.where(true.most_kw > 0, jnp.minimum(self.safe_kw, true.most_kw), 0)  # NaN is not
        safe = Claim(safe_kw, safe_kw * now.dt_h, jnp.ones_like(safe_kw), no_hurry(safe_kw), true.size_kwh)
        claim = jax.tree.map(lambda a, b: jnp.where(refused > 0, a, jnp.maximum(b, 0)), safe, told)
        action = jnp.where(refused > 0, 1, action)
        return Asks(action, self.sharing.asked_kw(action, claim.most_kw), claim, now.dt_h), refused

    def _share(self, asks: Asks, limit_kw: Array, memory: Array) -> Array:
        limit_kw = jnp.maximum(jnp.where(jnp.isfinite(limit_kw), limit_kw, 0), 0)
        granted_kw = at_most(self.sharing.share(asks, limit_kw, memory), asks.asked_kw, limit_kw)
        if not self.on_off and not self.least_kw:
            return granted_kw
        least_kw = jnp.maximum(asks.claim.most_kw, self.least_kw) if self.on_off else self.least_kw
        return deliverable(granted_kw, asks, jnp.broadcast_to(least_kw, granted_kw.shape), limit_kw)

    def verdict(self, fleet: Home, state: dict, profile: Profile) -> Charging:
        """What was granted, and the reward for it; `state` after each step (days, steps, homes)."""
        kept = state["coordinator"]
        claims = jax.vmap(jax.vmap(claims_of, (None, 0, 0)), (None, 0, 0))(fleet, state, profile)
        after = joined(list(claims.values()))
        granted_kw, refused = (
            jnp.concatenate([kept[name][each] for each in claims], -1) for name in ("granted_kw", "refused")
        )
        here, limit_kw = after.size_kwh > 0, limit_of(profile)
        felt = reward = rewarded(self.reward, after.level, here, granted_kw.sum(-1), limit_kw)
        false = alarm = None
        if self.reports is not None:
            levels = jax.vmap(jax.vmap(self.believed, (None, 0, 0)), (None, 0, 0))(fleet, state, profile)
            level = jnp.concatenate([levels[each] for each in claims], -1)
            felt = rewarded(self.reward, level, here, granted_kw.sum(-1), limit_kw)
            false = here & jnp.broadcast_to(self.reports.false(here.shape[-1]), here.shape)
        if "alarm" in kept:
            alarm = jnp.concatenate([kept["alarm"][each] for each in claims], -1)
        return Charging(
            reward=reward,
            felt=felt,
            false=false,
            alarm=alarm,
            limit_kw=limit_kw,
            granted_kw=granted_kw,
            level=after.level,
            here=here,
            leaves=here & (after.hours_left <= profile.dt_h[..., None]),
            lacking_share=ratio(after.need_kwh, after.size_kwh),
            refused=refused,
        )


def limit_of(now: Profile) -> Array:
    """The limit in force [kW]."""
    assert now.limit_kw is not None, "a world with a coordinator needs days with a limit"
    return now.limit_kw


def at_most(granted_kw: Array, asked_kw: Array, limit_kw: Array) -> Array:
    """Grants between 0 and what is asked for, scaled down where rounding would take their sum beyond the limit."""
    kept = jnp.clip(granted_kw, 0, asked_kw)
    total, most_kw = kept.sum(), (1 - ROUNDING * jnp.finfo(kept.dtype).eps) * limit_kw
    return kept * jnp.where(total > most_kw, most_kw / jnp.where(total > most_kw, total, 1), 1)


def deliverable(granted_kw: Array, asks: Asks, least_kw: Array, limit_kw: Array) -> Array:
    """The same power in all, or less, where each charger draws `least_kw` (chargers,) or more, or nothing.

    Those with the largest grants stay on, of equal ones those with the largest need, as long as their least powers fit
    into what was granted; what the others were granted is given to those, in proportion to their grants. Grants that
    can be delivered are not changed.
    """
    budget = jnp.minimum(limit_kw, (1 + SLACK) * granted_kw.sum())
    can = (granted_kw > 0) & (asks.asked_kw >= (1 - SLACK) * least_kw)
    order = jnp.lexsort((-asks.claim.need_kwh, -granted_kw, ~can))
    fits = jnp.cumsum(jnp.where(can, least_kw, 0)[order]) <= budget
    on = can & jnp.zeros_like(can).at[order].set(fits)
    base = jnp.where(on, jnp.minimum(least_kw, asks.asked_kw), 0)
    some = jnp.where(on, granted_kw, 0)
    total = jnp.minimum(budget, granted_kw.sum()) - base.sum()
    return base + fill(ratio(least_kw, some), some, asks.asked_kw - base, jnp.maximum(total, 0))


def claims_of(fleet: Home, state: dict, now: Profile) -> dict[str, Claim]:
    """What every home's devices that can be charged say of themselves, each (homes,)."""
    claims = jax.vmap(Home.claims, in_axes=(0, 0, now.axes(0, None)))(fleet, state, now)
    return jax.tree.map(lambda x: jnp.broadcast_to(x, now.start.shape), claims)


def places(fleet: Home, claims: dict[str, Claim]) -> list[int]:
    """Which control of a home is the charging of each device that claims: its first."""
    first, found = 0, []
    for name, device in fleet.devices.items():
        found += [first] * (name in claims)
        first += device.controls
    return found


def joined(claims: list[Claim]) -> Claim:
    """The claims of several devices as one, (…, chargers)."""
    return jax.tree.map(lambda *each: jnp.concatenate(each, -1), *claims)


def _apart(each: Array, claims: dict[str, Claim]) -> dict[str, Array]:
    return dict(zip(claims, jnp.split(each, len(claims)), strict=True))
