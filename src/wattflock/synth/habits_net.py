"""The network of habits: its inputs for an hour, and the mixture it returns."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from wattflock.data.calendar import When
from wattflock.synth.load_model import Hours

KEEP = (0.6, 0.85, 0.96)  # how much of a running mean is kept from hour to hour
HIDDEN, PARTS, CHANNELS, OWN = 48, 8, 6, 10  # width, mixture, schedule, learned coordinates of a home
CONDITIONS, FACTS = 6, 10  # conditions of a schedule; facts of a day
Weights = dict[str, Array]
SHAPES = {  # of the weights
    "memory_in": f"{3 + len(KEEP)} {HIDDEN}",
    "schedule_in": f"{CHANNELS} {HIDDEN}",
    "still_in": f"{FACTS + OWN + 2} {HIDDEN}",
    "hour": f"24 {HIDDEN}",
    "weekend": f"24 {HIDDEN}",
    "schedule": f"{OWN + 2} {CONDITIONS} 24 {CHANNELS}",
    "middle": f"{HIDDEN} {HIDDEN}",
    "middle_bias": f"{HIDDEN}",
    "out": f"{HIDDEN} {3 * PARTS}",
    "out_bias": f"{3 * PARTS}",
}


def start(key: Array) -> Weights:
    """Weights before training."""
    keys = iter(jax.random.split(key, 7))

    def normal(rows: int, columns: int) -> Array:
        return jax.random.normal(next(keys), (rows, columns)) / np.sqrt(rows)

    return {
        "memory_in": normal(3 + len(KEEP), HIDDEN),
        "schedule_in": normal(CHANNELS, HIDDEN),
        "still_in": normal(FACTS + OWN + 2, HIDDEN),
        "hour": jnp.zeros((24, HIDDEN)),
        "weekend": jnp.zeros((24, HIDDEN)),
        "schedule": 0.05 * jax.random.normal(next(keys), (OWN + 2, CONDITIONS, 24, CHANNELS)),
        "middle": normal(HIDDEN, HIDDEN),
        "middle_bias": jnp.zeros(HIDDEN),
        "out": 0.3 * normal(HIDDEN, 3 * PARTS),
        "out_bias": jnp.concatenate([jnp.zeros(PARTS), jnp.linspace(-1.5, 2, PARTS), jnp.full(PARTS, -0.7)]),
    }


def coordinates(own: Array, level: Array, spread: Array) -> Array:
    """Inputs of the network about a home, each of order one; leading axes are free, (…, OWN + 2)."""
    return jnp.concatenate([own, 2 * (level[..., None] + 1), 5 * (spread[..., None] - 0.7)], -1)


def remember(memory: tuple[Array, Array], value: Array) -> tuple[Array, Array]:
    """Last hours and running means after one more hour."""
    recent, means = memory
    keep = jnp.asarray(KEEP, value.dtype)
    return jnp.concatenate([value[None], recent[:-1]]), keep * means + (1 - keep) * value


def asked(when: When, outdoor_c: Hours, warm: Array) -> tuple[Array, Array, Array]:
    """Running temperature after the day; conditions that a schedule depends on (6,); facts of the day (10,)."""
    today = (outdoor_c.mean() - 11) / 6
    warm = 0.75 * warm + 0.25 * today
    turn = 2 * jnp.pi * when.year_part
    year = [jnp.sin(turn), jnp.cos(turn)]
    conditions = jnp.stack([jnp.ones(()), when.weekend, warm, today - warm, *year])
    is_day = [jnp.where(when.weekday == k, 1.0, 0.0) for k in (0, 4, 5)]
    facts = jnp.concatenate([conditions[1:], jnp.stack([jnp.sin(2 * turn), jnp.cos(2 * turn), *is_day])])
    return warm, conditions, facts


def mixture(weights: dict[str, Array], memory: Array, bias: Array) -> tuple[Array, Array, Array]:
    """Log weights (up to a constant), means and log spreads of the next hour; leading axes are free."""
    first = jax.nn.relu(memory @ weights["memory_in"] + bias)
    second = jax.nn.relu(first @ weights["middle"] + _like(weights["middle_bias"], first))
    out = second @ weights["out"]
    log_share, mean, log_spread = jnp.split(out + _like(weights["out_bias"], out), 3, axis=-1)
    return log_share, mean, jnp.clip(log_spread, -6.0, 2.0)


def drawn(mixed: tuple[Array, Array, Array], chance: Array) -> Array:
    """One number drawn from a mixture by two uniform numbers."""
    log_share, mean, log_spread = mixed
    share = jnp.cumsum(jnp.exp(log_share - log_share.max()))
    before = share < chance[0] * share[-1]
    chosen = jnp.arange(len(share)) == before.sum()
    normal = np.sqrt(2) * jax.lax.erf_inv(2 * chance[1] - 1)
    return jnp.where(chosen, mean + jnp.exp(log_spread) * normal, 0.0).sum()


def _like(bias: Array, values: Array) -> Array:
    return jnp.reshape(bias, (1,) * (values.ndim - 1) + bias.shape)
