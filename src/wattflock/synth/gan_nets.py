"""Adversarial networks that make sets of 50 profiles, one for each day type and cluster, trained in one program.

Source: Charbonnier et al. 2024 (HEDGE, MethodsX 12, 102618); sizes, rates and weights of the
loss as they are there for load.
"""

import dataclasses
import itertools
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

from wattflock.synth.load_model import Say

SET = 50  # profiles that the networks take at once
PERCENTS = (10.0, 25.0, 50.0, 75.0, 90.0)
HIDDEN_GENERATOR, HIDDEN_JUDGE = (16, 32), (128, 64)
DROP_GENERATOR, DROP_JUDGE = 0.5, 0.3
Net = dict[str, Array]


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Training of the networks; the defaults are HEDGE's for load where it states them."""

    steps: int = 2000  # some 3 minutes on one core; HEDGE: up to 1e8 / days of training, some 60,000 here
    each: int = 100  # steps between two looks at the loss
    sets: int = 32  # in a batch; HEDGE: 100, or all there are, which is some 33 per cluster here
    rate: tuple[float, float] = (1e-3, 1e-2)  # first and last, of the generator (HEDGE)
    judge_share: float = 1e-3  # rate of the discriminator over that of the generator (HEDGE)
    percent_weight: float = 100.0  # HEDGE
    sum_weight: float = 1e-7  # HEDGE
    enough: float = 5e-4  # percentile loss at which a network stops (HEDGE)
    noise: float = 0.01  # on the output of both networks, for the first `noisy` steps (HEDGE)
    noisy: int = 100  # HEDGE


class Pools(eqx.Module):
    """Normalised days of each network, (nets, most, 24), filled by repetition, and their statistics."""

    days: Array
    target: Array  # percentiles and mean of each hour, (nets, 6, 24)
    bound: Array  # lowest and highest value that is made, (nets, 2)
    count: Array  # days that are different, (nets,)


def pool(found: list[np.ndarray]) -> Pools:
    """The days that sum to 1 of each network, (days, 24) each, none of them empty."""
    most = max(map(len, found))
    days = np.stack([np.resize(own, (most, 24)) for own in found])
    target = np.stack([np.vstack([np.percentile(own, PERCENTS, axis=0), own.mean(0)]) for own in found])
    bound = np.stack([target[:, 0].min(-1), 1.1 * target[:, 4].max(-1)], -1)
    first, second, third = (jnp.asarray(values, jnp.float32) for values in (days, target, bound))
    return Pools(first, second, third, jnp.array([len(own) for own in found]))


def _statistics(days: Array) -> Array:
    """Percentiles and mean of each hour, (n, 24) -> (6, 24)."""
    return jnp.concatenate([jnp.percentile(days, jnp.array(PERCENTS), axis=0), days.mean(0)[None]])


def _layer(key: Array, size: tuple[int, int]) -> tuple[Array, Array]:
    weight, bias = (
        jax.random.uniform(k, s, minval=-1) for k, s in zip(jax.random.split(key), (size, size[1:]), strict=True)
    )
    return weight / size[0] ** 0.5, bias / size[0] ** 0.5


def _init(key: Array) -> tuple[Net, Net]:
    """Generator and discriminator of one network."""
    sizes = ((1, *HIDDEN_GENERATOR, SET * 24), (SET * 24, *HIDDEN_JUDGE, 1))
    made = []
    for own, size in zip(jax.random.split(key), sizes, strict=True):
        layers = [_layer(k, s) for k, s in zip(jax.random.split(own, 3), itertools.pairwise(size), strict=True)]
        made.append({f"{name}{k}": layer[j] for k, layer in enumerate(layers) for j, name in enumerate("wb")})
    generator = made[0] | {"w2": made[0]["w2"].reshape(-1, SET, 24), "b2": made[0]["b2"].reshape(SET, 24)}
    return generator, made[1]


def _hidden(net: Net, values: Array, drop: float, key: Array) -> Array:
    """Two layers with ReLU and dropout, (n,) -> (hidden,)."""
    for k, own in enumerate(jax.random.split(key)):
        values = jax.nn.relu(values @ net[f"w{k}"] + net[f"b{k}"])
        values *= jax.random.bernoulli(own, 1 - drop, values.shape) / (1 - drop)
    return values


def generate(net: Net, bound: Array, noise: Array | float, key: Array) -> Array:
    """One set of profiles, (profiles, 24)."""
    for_latent, for_drop, for_noise = jax.random.split(key, 3)
    hidden = _hidden(net, jax.random.normal(for_latent, (1,)), DROP_GENERATOR, for_drop)
    profiles = jax.nn.sigmoid(jnp.tensordot(hidden, net["w2"], 1) + net["b2"])
    profiles = profiles / profiles.sum(-1, keepdims=True)
    return jnp.clip(profiles + noise * jax.random.normal(for_noise, profiles.shape), bound[0], bound[1])


def _judge(net: Net, noise: Array, profiles: Array, key: Array) -> Array:
    """The discriminator's output for a set, shape (), strictly between 0 and 1."""
    for_drop, for_noise = jax.random.split(key)
    hidden = _hidden(net, profiles.ravel(), DROP_JUDGE, for_drop)
    says = jax.nn.sigmoid(hidden @ net["w2"] + net["b2"])[0]
    return jnp.clip(says + noise * jax.random.normal(for_noise), 1e-6, 1 - 1e-6)


class GanState(eqx.Module):
    """Both networks and their optimisers, all with an axis of networks in front."""

    nets: tuple[Net, Net]
    moments: tuple[optax.OptState, optax.OptState]


def train(pools: Pools, recipe: Recipe, key: Array, say: Say) -> Net:
    """The generators with the least percentile loss, mean over `each` steps, (nets, ...).

    A network stops where that loss is small enough, all of them at the end of the recipe.
    """
    for_init, key = jax.random.split(key)
    count = len(pools.count)
    nets = jax.jit(jax.vmap(_init))(jax.random.split(for_init, count))
    first, second = (jax.jit(jax.vmap(own.init)) for own in _optimisers(recipe))
    state = GanState(nets, (first(nets[0]), second(nets[1])))
    best, least = nets[0], jnp.full(count, jnp.inf)
    for done in range(0, recipe.steps, recipe.each):
        keys = jax.random.split(jax.random.fold_in(key, done), count)
        state, loss = _run(state, pools, recipe, jnp.asarray(done), keys)
        better = loss < least
        keep = partial(_choose, better & (least >= recipe.enough))
        best, least = jax.tree.map(keep, state.nets[0], best), jnp.minimum(least, loss)
        say((done + recipe.each) / recipe.steps, f"percentile loss {float(least.max()):.2e}")
        if bool((least < recipe.enough).all()):
            break
    return best


def _choose(which: Array, new: Array, old: Array) -> Array:
    return jnp.where(which.reshape(-1, *[1] * (new.ndim - 1)), new, old)


def _optimisers(recipe: Recipe) -> tuple[optax.GradientTransformation, optax.GradientTransformation]:
    first, last = recipe.rate
    shares = (1.0, recipe.judge_share)
    rates = [optax.exponential_decay(first * share, recipe.steps, last / first) for share in shares]
    return optax.adam(rates[0]), optax.adam(rates[1])


@partial(jax.jit, static_argnames="recipe")
def _run(state: GanState, pools: Pools, recipe: Recipe, done: Array, keys: Array) -> tuple[GanState, Array]:
    """`each` steps of every network; the mean percentile loss of each, (nets,)."""

    def one(own: GanState, pool: Pools, key: Array) -> tuple[GanState, Array]:
        def step(own: GanState, k: Array) -> tuple[GanState, Array]:
            noise = jnp.where(done + k < recipe.noisy, recipe.noise, 0.0)
            return _step(own, pool, recipe, noise, jax.random.fold_in(key, k))

        own, losses = jax.lax.scan(step, own, jnp.arange(recipe.each))
        return own, losses.mean()

    return jax.vmap(one)(state, pools, keys)


def _step(own: GanState, pool: Pools, recipe: Recipe, noise: Array, key: Array) -> tuple[GanState, Array]:
    """First the discriminator, then the generator; the percentile loss before the step, shape ()."""
    for_real, for_sets, for_judge, for_fooled = jax.random.split(key, 4)
    chosen = jax.random.randint(for_real, (recipe.sets, SET), 0, pool.count)
    keys = jax.random.split(for_sets, recipe.sets)

    def says(net: Net, sets: Array, key: Array) -> Array:
        return jax.vmap(partial(_judge, net, noise))(sets, jax.random.split(key, recipe.sets))

    def judge_loss(net: Net, made: Array) -> Array:
        for_real, for_made = jax.random.split(for_judge)
        real = says(net, pool.days[chosen], for_real)
        return -(jnp.log(real) + jnp.log1p(-says(net, made, for_made))).mean()

    def generator_loss(net: Net, judge: Net) -> tuple[Array, Array]:
        made = jax.vmap(partial(generate, net, pool.bound, noise))(keys)
        fooled = -jnp.log(says(judge, made, for_fooled)).mean()
        percent = ((_statistics(made.reshape(-1, 24)) - pool.target) ** 2).sum()
        off_sum = ((made.sum(-1) - 1) ** 2).sum()
        return fooled + recipe.percent_weight * percent + recipe.sum_weight * off_sum, percent

    generator, judge = own.nets
    first, second = _optimisers(recipe)
    made = jax.vmap(partial(generate, generator, pool.bound, noise))(keys)
    action_offset, judge_moments = second.update(jax.grad(judge_loss)(judge, made), own.moments[1])
    judge = jax.tree.map(jnp.add, judge, action_offset)
    slope, percent = jax.grad(generator_loss, has_aux=True)(generator, judge)
    action_offset, moments = first.update(slope, own.moments[0])
    return GanState((jax.tree.map(jnp.add, generator, action_offset), judge), (moments, judge_moments)), percent
