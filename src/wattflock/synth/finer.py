"""Load within the hour: each mean is parted in two halves that keep its energy, as measured halves are parted."""

from typing import Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array

from wattflock.synth.hours import drawn
from wattflock.synth.load import Say

FLOOR_KW = 0.02
HIDDEN, PARTS, ASKED = 24, 5, 6
STEPS, BATCH, RATE = 1500, 8192, 5e-3


class Finer(eqx.Module):
    """Log of first half over second half: a mixture of normals, given the hour, its level and its neighbours.

    Halves are parted again for quarters, as if a half hour were parted as an hour is; a twelfth is held. Source: a
    multiplicative cascade, e.g. Güntner et al. 2001, with measured halves.
    """

    weights: dict[str, Array]

    @classmethod
    def fit(cls, load_kw: np.ndarray, seed: int, say: Say) -> Self:
        """From half-hourly loads (homes, days, 48) [kW]; days with a gap are left out."""
        days = load_kw[~np.isnan(load_kw).any(-1)].astype(np.float32)
        halves = days.reshape(len(days), 24, 2)
        seen = jax.jit(jax.vmap(lambda day: asked(day, day.mean())))(jnp.asarray(halves.mean(-1)))
        value = np.log(halves[..., 0] + FLOOR_KW) - np.log(halves[..., 1] + FLOOR_KW)
        return cls(_fitted(seen.reshape(-1, ASKED), jnp.asarray(value.ravel()), seed, say))

    def load(self, load_kw: Array, key: Array, steps: int) -> Array:
        """Mean load in `steps` parts of a day [kW] (steps,), from that of its hours (24,); `steps` is static."""
        fine = load_kw
        while len(fine) * 2 <= min(steps, 96):
            fine = self._halved(fine, load_kw.mean(), jax.random.fold_in(key, len(fine)))
        return jnp.repeat(fine, steps // len(fine))

    def _halved(self, values: Array, mean: Array, key: Array) -> Array:
        chance = jax.random.uniform(key, (len(values), 2), minval=1e-6)
        mixed = _mixture(self.weights, asked(values, mean))
        odds = jnp.exp(jnp.clip(jax.vmap(drawn)(mixed, chance), -5.0, 5.0))
        whole = 2 * values
        first = jnp.clip((odds * (whole + FLOOR_KW) - FLOOR_KW) / (1 + odds), 0.0, whole)
        return jnp.stack([first, whole - first], -1).ravel()


def asked(values: Array, mean: Array) -> Array:
    """What the halves of each part are told from: level, neighbours, time of day; (parts, ASKED)."""
    level = jnp.log(values + FLOOR_KW)
    padded = jnp.concatenate([level[:1], level, level[-1:]])
    turn = 2 * jnp.pi * (np.arange(len(values)) + 0.5) / len(values)
    told = (padded[:-2] - level, padded[2:] - level, level, level - jnp.log(mean + FLOOR_KW), jnp.sin(turn))
    return jnp.stack([*told, jnp.cos(turn)], -1)


def _mixture(weights: dict[str, Array], seen: Array) -> tuple[Array, Array, Array]:
    hidden = jax.nn.relu(seen @ weights["into"] + weights["into_bias"][None])
    hidden = jax.nn.relu(hidden @ weights["middle"] + weights["middle_bias"][None])
    log_share, mean, log_spread = jnp.split(hidden @ weights["out"] + weights["out_bias"][None], 3, -1)
    return log_share, mean, jnp.clip(log_spread, -6.0, 2.0)


def _fitted(seen: Array, value: Array, seed: int, say: Say) -> dict[str, Array]:
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
