"""Training of habits: measured homes → inputs of the network before each hour, and its weights."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array

from wattflock.data.calendar import When, calendar
from wattflock.data.home_days import HomeDays
from wattflock.synth.habits_net import KEEP, OWN, Weights, asked, coordinates, mixture, remember, start
from wattflock.synth.load_model import Say

FLOOR_KW = 0.02  # loads are compared as log(load + this)
SETTLED_DAYS = 14  # running means need a past
STEPS, BATCH, CHUNK, RATE = 3000, 8192, 100, 3e-3
BLUR = 0.15  # noise on the learned coordinates of a home, so that homes in between are meaningful


class Lesson(eqx.Module):
    """Every measured hour with the inputs before it; `facts`: mean, spread, least and most of each log load."""

    facts: Array  # (homes, 4)
    conditions: Array  # (days, 6)
    day_facts: Array  # (days, 10)
    home: Array  # (hours,) and so the following
    day: Array
    hour: Array
    memory: Array  # (hours, 6)
    value: Array


def learned(measured: HomeDays, seed: int, say: Say) -> dict[str, Any]:
    """Weights and points of the measured homes: the fields of `Habits`, float32."""
    lesson = taught(measured)
    weights, own = _fitted(lesson, seed, say)
    each = np.concatenate([own, np.asarray(lesson.facts)], 1)
    spread = np.linalg.cholesky(np.cov(each.T) + 1e-6 * np.eye(each.shape[1]))
    people = {"each": each, "mean": each.mean(0), "spread": spread, "tune": np.array([0.0, 1.0])}
    fields = {"weights": weights, "people": people}
    return jax.tree.map(lambda x: jnp.asarray(x, jnp.float32), fields)


def taught(measured: HomeDays) -> Lesson:
    """Training data of measured homes; days with a gap, and the first two weeks, are inputs but no targets."""
    assert measured.load_kw is not None and measured.outdoor_c is not None
    load, whole = _filled(measured.load_kw)
    log_load = np.log(load + FLOOR_KW)
    level, spread = log_load.mean((1, 2)), log_load.std((1, 2))
    value = (log_load - level[:, None, None]) / spread[:, None, None]
    when = calendar(measured.first_day, load.shape[1], "UTC")
    conditions, day_facts = _asked_of(when, measured.outdoor_c)
    memory = jax.jit(jax.vmap(_memories))(jnp.asarray(value.reshape(len(value), -1), jnp.float32))
    home, day = np.nonzero(whole[:, SETTLED_DAYS:])
    hour = np.tile(np.arange(24), len(home))
    home, day = np.repeat(home, 24), np.repeat(day + SETTLED_DAYS, 24)
    bounds = log_load.min((1, 2)), log_load.max((1, 2))
    return Lesson(
        facts=jnp.asarray(np.stack([level, spread, *bounds], -1), jnp.float32),
        conditions=conditions,
        day_facts=day_facts,
        home=jnp.asarray(home),
        day=jnp.asarray(day),
        hour=jnp.asarray(hour),
        memory=memory[home, 24 * day + hour],
        value=jnp.asarray(value[home, day, hour], jnp.float32),
    )


def _fitted(lesson: Lesson, seed: int, say: Say) -> tuple[Weights, np.ndarray]:
    """Weights and learned coordinates (homes, OWN) that make the measured hours likeliest."""
    first, second, key = jax.random.split(jax.random.key(seed), 3)
    homes = len(lesson.facts)
    known = start(first), 0.3 * jax.random.normal(second, (homes, OWN))
    rule = optax.adamw(optax.cosine_decay_schedule(RATE, STEPS), weight_decay=1e-4)

    @jax.jit
    def some(lesson, known, state, key):
        def one(carry, key):
            known, state = carry
            loss, slope = jax.value_and_grad(_unlikely)(known, lesson, key)
            change, state = rule.update(slope, state, known)
            return (optax.apply_updates(known, change), state), loss

        (known, state), loss = jax.lax.scan(one, (known, state), jax.random.split(key, CHUNK))
        return known, state, loss.mean()

    state = rule.init(known)
    for chunk in range(STEPS // CHUNK):
        known, state, loss = some(lesson, known, state, jax.random.fold_in(key, chunk))
        say((chunk + 1) * CHUNK / STEPS, f"habits: {float(loss):.3f} nats per hour")
    return known[0], np.asarray(known[1])


def _unlikely(known: tuple[Weights, Array], lesson: Lesson, key: Array) -> Array:
    """Mean negative log likelihood of a batch of hours, and a small price on large coordinates."""
    weights, own = known
    pick, blur = jax.random.split(key)
    some = jax.random.randint(pick, (BATCH,), 0, len(lesson.value))
    home, day, hour = lesson.home[some], lesson.day[some], lesson.hour[some]
    people = coordinates(own + BLUR * jax.random.normal(blur, own.shape), lesson.facts[:, 0], lesson.facts[:, 1])
    schedule = jnp.einsum("np,pchr->nchr", people, weights["schedule"])[home, :, hour]
    conditions = lesson.conditions[day]
    bias = jnp.einsum("bc,bcr->br", conditions, schedule) @ weights["schedule_in"]
    bias += weights["hour"][hour] + conditions[:, 1:2] * weights["weekend"][hour]
    bias += jnp.concatenate([lesson.day_facts[day], people[home]], -1) @ weights["still_in"]
    log_share, mean, log_spread = mixture(weights, lesson.memory[some], bias)
    away = (lesson.value[some][:, None] - mean) / jnp.exp(log_spread)
    log_part = jax.nn.log_softmax(log_share) - 0.5 * away**2 - log_spread
    likely = jax.scipy.special.logsumexp(log_part, -1) - 0.5 * np.log(2 * np.pi)
    return -likely.mean() + 1e-3 * (own**2).sum() / len(own) + 1e-5 * (weights["schedule"] ** 2).sum()


def _memories(value: Array) -> Array:
    """(hours,) of one home → its memory before each hour (hours, 6); the rule is the generator's own."""

    def one(memory, value):
        return remember(memory, value), jnp.concatenate(memory)

    return jax.lax.scan(one, (jnp.zeros(3), jnp.zeros(len(KEEP))), value)[1]


def _asked_of(when: When, outdoor_c: np.ndarray) -> tuple[Array, Array]:
    """Conditions (days, 6) and facts (days, 10), by the generator's own rule."""

    def one(warm, given):
        warm, conditions, facts = asked(given[0], given[1], warm)
        return warm, (conditions, facts)

    begin = jnp.asarray((outdoor_c[:SETTLED_DAYS].mean() - 11) / 6, jnp.float32)
    given = jax.tree.map(jnp.asarray, (when, outdoor_c.astype(np.float32)))
    return jax.lax.scan(one, begin, given)[1]


def _filled(load_kw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Days with a gap take the home's mean day, so that the next days have a past; and which days are whole."""
    whole = np.asarray(~np.isnan(load_kw).any(-1))
    mean = np.nanmean(load_kw, 1, keepdims=True)
    return np.where(whole[..., None], load_kw, mean), whole
