"""Chargers that say that they hold less than they do, and an observer that believes only what energy meters allow."""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array

from wattflock.core.types import Profile
from wattflock.homes.device import Claim
from wattflock.world.coordinator import Reports, Watch


class FalseReports(Reports):
    """Liars report the level `scale` · level - `offset`, and a need that goes with it.

    With both -1 a level is told as 1 less the level. With `scale` 0 a liar says that it is empty: under an observer
    this is the adaptive lie, for what is believed is then the lowest level that its meter allows, which a
    liar could report without an alarm.
    """

    liars: Array  # (chargers,) bool
    scale: float = 1.0
    offset: float = 0.0

    def told(self, claim: Claim, now: Profile) -> Claim:
        """Claims with the liars' levels."""
        del now
        level = jnp.clip(self.scale * claim.level - self.offset, 0, 1)
        return restated(claim, jnp.where(self.liars, level, claim.level))

    def false(self, chargers):
        return self.liars


class RandomReports(Reports):
    """Some report any level between empty and full, drawn in each step, and a need that goes with it."""

    liars: Array  # (chargers,) bool

    def told(self, claim: Claim, now: Profile) -> Claim:
        """Claims with levels by chance, the same for all methods."""
        level = jax.random.uniform(_key(1, now), claim.level.shape, claim.level.dtype)
        return restated(claim, jnp.where(self.liars, level, claim.level))

    def false(self, chargers):
        return self.liars


class Observer(Watch):
    """Keeps for each charger the least and the most level that its metered energy allows, and believes no other.

    At the beginning of an episode every level is possible. In each step both ends move by the metered change of stored
    energy and apart by the meter's error. A battery that takes or gives no more, which its meter shows, tells its
    level.
    The meter has an error of its own in proportion to energy (drift) and one of each step, normal. Source: state
    estimation with bounded errors, Schweppe 1968, DOI 10.1109/TAC.1968.1098790, of one state.
    """

    drift: float = 0.01  # most of a meter's error [share of the energy]
    noise: float = 0.0005  # standard deviation of a step's error [share of the size]
    bound: float = 4.0  # how many of these the observer allows for
    end: float = 0.01  # so near to full or empty a battery takes or gives no more [share of the size]
    reading: float = 0.01  # by which an honest report may leave what is possible [share of the size]

    def start(self, claim: Claim) -> dict[str, Array]:
        """What it knows at the beginning, each (chargers,)."""
        nothing = jnp.zeros_like(claim.level)
        return {"seen": claim.level, "low": nothing, "high": nothing + 1, "alarm": nothing}

    def heard(self, true: Claim, told: Claim, kept: dict[str, Array], now: Profile) -> tuple[Claim, dict[str, Array]]:
        """The claims (chargers,) as they are believed, and what it knows then.

        Args:
            true: of its level only the change, as the meter has it, and whether it is full or empty.
            told: by chargers.
            kept: what it knew a step before; `alarm` is 1 where the report was not possible.
            now: its loads are the seed of the meter's error, so that all methods meet the same.
        """
        moved = self.metered(true.level - kept["seen"], now)
        slack = self.drift * jnp.abs(moved) + self.bound * self.noise
        low, high = jnp.clip(kept["low"] + moved - slack, 0, 1), jnp.clip(kept["high"] + moved + slack, 0, 1)
        low = jnp.where(true.level > 1 - self.end, 1 - self.end, low)
        high = jnp.where(true.level < self.end, self.end, jnp.maximum(high, low))
        possible = (told.level >= low - self.reading) & (told.level <= high + self.reading)
        alarm = jnp.where(possible | (true.size_kwh <= 0), 0.0, 1.0).astype(low.dtype)
        believed = restated(told, jnp.clip(told.level, low, high))
        return believed, {"seen": true.level, "low": low, "high": high, "alarm": alarm}

    def metered(self, moved: Array, now: Profile) -> Array:
        """Changes of level (chargers,) as meters have them."""
        error = jax.random.normal(_key(0, now), moved.shape, moved.dtype)
        of_its_own = jnp.cos(2.4 * jnp.arange(moved.shape[0], dtype=moved.dtype))
        return moved * (1 + 0.9 * self.drift * of_its_own) + self.noise * error


def _key(number: int, now: Profile) -> Array:
    """Chance of a step that is the same for all methods: its seed is the step's load."""
    seed = jax.lax.bitcast_convert_type(now.load_kw.sum().astype(jnp.float32), jnp.int32)
    return jax.random.fold_in(jax.random.key(number), seed)


def reports_of(kind: str, amount: float, liars: Array) -> Reports:
    """False reports by name: offset, scaled, adaptive, hostile or random, of `liars` (chargers,)."""
    if kind == "random":
        return RandomReports(liars)
    scale, offset = {
        "offset": (1.0, amount), "scaled": (1 - amount, 0.0), "adaptive": (0.0, 0.0), "hostile": (-1.0, -1.0)
    }[kind]  # fmt: skip
    return FalseReports(liars, scale, offset)


def restated(claim: Claim, level: Array) -> Claim:
    """The claim of a charger that holds another level."""
    need_kwh = jnp.maximum(claim.need_kwh + (claim.level - level) * claim.size_kwh, 0)
    return dataclasses.replace(claim, level=level, need_kwh=need_kwh)
