"""Load within the hour: each mean is split into two halves, as measured hours are; the energy stays the same."""

from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array

from wattflock.synth.habits_net import drawn
from wattflock.synth.load_model import Say

FLOOR_KW = 0.02
HIDDEN, PARTS, ASKED = 24, 5, 7
STEPS, BATCH, RATE = 1500, 8192, 5e-3
Weights = dict[str, Array]


class Finer(eqx.Module):
    """Log of first half over second half: a mixture of normals, given the hour, its level and its neighbours.

    Every other hour is split first, given its neighbouring hours; those between are split given the halves that they
    touch, so that use continues across the hour. Halves are split again into quarters in the same way; twelfths hold
    the quarter's power. Source: a multiplicative cascade, e.g. Güntner et al. 2001, with measured halves.
    """

    first: Weights  # of the hours that are split first
    between: Weights

    @classmethod
    def fit(cls, load_kw: np.ndarray, seed: int, say: Say) -> Self:
        """From half-hourly loads (homes, days, 48) [kW]; days with a gap are left out."""
        days = jnp.asarray(load_kw[~np.isnan(load_kw).any(-1)], jnp.float32)
        halves = days.reshape(len(days), 24, 2)
        value = jnp.log(halves[..., 0] + FLOOR_KW) - jnp.log(halves[..., 1] + FLOOR_KW)

        def seen(day: Array) -> tuple[Array, Array]:
            whole = day.mean(-1)
            return asked(whole, beside(whole)), asked(whole, touching(day))

        fitted = []
        for place, known in enumerate(jax.jit(jax.vmap(seen))(halves)):
            each, wanted = known[:, place::2].reshape(-1, ASKED), value[:, place::2].ravel()
            fitted.append(_fitted(each, wanted, seed + place, say))
        return cls(*fitted)

    def load(self, load_kw: Array, key: Array, steps: int) -> Array:
        """Mean load in `steps` parts of a day [kW] (steps,), from that of its hours (24,); `steps` is static."""
        fine = load_kw
        while len(fine) * 2 <= min(steps, 96):
            fine = self._halved(fine, jax.random.fold_in(key, len(fine)))
        return jnp.repeat(fine, steps // len(fine))

    def _halved(self, values: Array, key: Array) -> Array:
        chance = jax.random.uniform(key, (len(values), 2), minval=1e-6)
        early = _parted(self.first, asked(values, beside(values)), values, chance)
        late = _parted(self.between, asked(values, touching(early)), values, chance)
        return jnp.where((np.arange(len(values)) % 2 == 0)[:, None], early, late).ravel()


def beside(values: Array) -> tuple[Array, Array]:
    """Load before and after each part (parts,), at the ends of the day its own."""
    padded = jnp.concatenate([values[:1], values, values[-1:]])
    return padded[:-2], padded[2:]


def touching(halves: Array) -> tuple[Array, Array]:
    """The half before and the half after each part, from (parts, 2); at the ends of the day its own mean."""
    ends = halves.mean(-1)
    return jnp.concatenate([ends[:1], halves[:-1, 1]]), jnp.concatenate([halves[1:, 0], ends[-1:]])


def asked(values: Array, neighbours: tuple[Array, Array]) -> Array:
    """Features that the halves of each part depend on: level, neighbours, time of day; (parts, ASKED)."""
    level = jnp.log(values + FLOOR_KW)
    before, after = (jnp.log(each + FLOOR_KW) - level for each in neighbours)
    turn = 2 * jnp.pi * (np.arange(len(values)) + 0.5) / len(values)
    day = (level - jnp.log(values.mean() + FLOOR_KW), level - level.min())
    return jnp.stack([before, after, level, *day, jnp.sin(turn), jnp.cos(turn)], -1)


def _parted(weights: Weights, seen: Array, values: Array, chance: Array) -> Array:
    """Both halves of each part (parts, 2); their mean is the part."""
    odds = jnp.exp(jnp.clip(jax.vmap(drawn)(_mixture(weights, seen), chance), -5.0, 5.0))
    whole = 2 * values
    first = jnp.clip((odds * (whole + 2 * FLOOR_KW) / (1 + odds)) - FLOOR_KW, 0.0, whole)
    return jnp.stack([first, whole - first], -1)


def _mixture(weights: Weights, seen: Array) -> tuple[Array, Array, Array]:
    hidden = jax.nn.relu(seen @ weights["into"] + weights["into_bias"][None])
    hidden = jax.nn.relu(hidden @ weights["middle"] + weights["middle_bias"][None])
    log_share, mean, log_spread = jnp.split(hidden @ weights["out"] + weights["out_bias"][None], 3, -1)
    return log_share, mean, jnp.clip(log_spread, -6.0, 2.0)


def _fitted(seen: Array, value: Array, seed: int, say: Say) -> Weights:
    """Weights by maximum likelihood."""
    keys = jax.random.split(jax.random.key(seed), 4)
    shapes = {"into": (ASKED, HIDDEN), "middle": (HIDDEN, HIDDEN), "out": (HIDDEN, 3 * PARTS)}
    weights = {
        name: jax.random.normal(key, shape) / np.sqrt(shape[0])
        for key, (name, shape) in zip(keys, shapes.items(), strict=False)
    }
    weights |= {f"{name}_bias": jnp.zeros(shape[1]) for name, shape in shapes.items()}
    rule = optax.adam(optax.cosine_decay_schedule(RATE, STEPS))

    def unlikely(weights, some):
        log_share, mean, log_spread = _mixture(weights, seen[some])
        away = (value[some][:, None] - mean) / jnp.exp(log_spread)
        log_part = jax.nn.log_softmax(log_share) - 0.5 * away**2 - log_spread
        return -jax.scipy.special.logsumexp(log_part, -1).mean() + 0.5 * np.log(2 * np.pi)

    def step(carry, key):
        weights, state = carry
        loss, slope = jax.value_and_grad(unlikely)(weights, jax.random.randint(key, (BATCH,), 0, len(value)))
        change, state = rule.update(slope, state, weights)
        return (optax.apply_updates(weights, change), state), loss

    (weights, _), loss = jax.jit(lambda c, k: jax.lax.scan(step, c, k))(
        (weights, rule.init(weights)), jax.random.split(keys[3], STEPS)
    )
    say(1.0, f"halves of hours: {float(loss[-100:].mean()):.3f} nats")
    return weights
