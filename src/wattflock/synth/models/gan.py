"""HEDGE's generator of load: clusters and energy by chains, the shape of a day by adversarial networks."""

from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from wattflock.core.tables import Table
from wattflock.data.home_days import HomeDays
from wattflock.synth import behaviour, scale
from wattflock.synth.gan_nets import HIDDEN_GENERATOR, SET, Recipe, generate, pool, train
from wattflock.synth.load_model import Around, Hours, LoadModel, Say


class Gan(LoadModel):
    """Clusters by a chain, energy by a chain, the shape by a GAN that was fitted to days of the cluster.

    Dropout stays on when days are made, as in training: the percentiles were matched with it, and without it one number
    determines a day. Source: Charbonnier et al. 2024 (HEDGE, MethodsX 12, 102618); differences: docs/synth-gan.md.
    """

    clusters: behaviour.Behaviour
    chain: scale.Scale
    level_kwh: Any  # mean daily energy of the measured homes, ascending, (homes,)
    nets: dict[str, Any]  # generators, (2 day types, clusters, ...)
    bound: Any  # lowest and highest value of a profile, (2 day types, clusters, 2)

    @classmethod
    def fit(cls, measured: HomeDays, seed: int, say: Say) -> Self:
        """Clusters, chain and networks of measured homes, with the paper's number of clusters."""
        return cls.learn(measured, Recipe(), seed, say)

    @classmethod
    def learn(cls, measured: HomeDays, recipe: Recipe, seed: int, say: Say) -> Self:
        """The same with another recipe; reports the percentile loss of the worst network."""
        load_kw = measured.load_kw
        if load_kw is None or load_kw.shape[-1] != 24:
            raise ValueError("hourly load is needed: use HomeDays.hourly()")
        weekend = np.asarray(measured.when().weekend, int)
        clusters = behaviour.fit(load_kw, weekend, behaviour.PAPER_COUNT, seed)
        label = behaviour.labels(clusters, load_kw, weekend)
        pools = pool(_by_cluster(load_kw, weekend, label))
        nets = train(pools, recipe, jax.random.key(seed), say)
        by_kind = (2, behaviour.PAPER_COUNT)
        energy_kwh = load_kw.sum(-1)
        mean_kwh = np.nanmean(energy_kwh, 1, keepdims=True)
        return cls(
            clusters=clusters,
            chain=scale.fit(energy_kwh / mean_kwh, weekend),
            level_kwh=np.sort(mean_kwh[:, 0]).astype(np.float32),
            nets=jax.tree.map(lambda x: np.asarray(x).reshape(*by_kind, *x.shape[1:]), nets),
            bound=np.asarray(pools.bound).reshape(*by_kind, 2),
        )

    @classmethod
    def tables(cls) -> dict[str, Table]:
        """Clusters, chain, and a generator for each day type and cluster."""
        first, second = HIDDEN_GENERATOR
        nets = {
            "w0": f"1 {first}",
            "b0": f"{first}",
            "w1": f"{first} {second}",
            "b1": f"{second}",
            "w2": f"{second} {SET} 24",
            "b2": f"{SET} 24",
        }
        return {
            "clusters.mean": Table("2 features", 0, 24),
            "clusters.spread": Table("2 features", 0, 24),
            "clusters.centre": Table("2 clusters features", -1000, 1000),
            "clusters.share": Table("2 clusters", 0, 1),
            "clusters.transition": Table("2 2 clusters clusters", 0, 1),
            "chain.edge": Table("2 2 intervals+1", 0, 10_000, rising=True),
            "chain.cumulative": Table("2 2 intervals intervals", 0, 1.0001, rising=True),
            "level_kwh": Table("homes", 0.001, 1e6, rising=True),
            "bound": Table("2 clusters 2", 0, 2, rising=True),
        } | {f"nets.{name}": Table(f"2 clusters {shape}", -1000, 1000) for name, shape in nets.items()}

    def traits(self, key: Array) -> Any:
        """The mean energy of a home [kWh/day], drawn from the measured ones and between them."""
        level = jnp.log(jnp.asarray(self.level_kwh))
        place = jax.random.uniform(key) * len(level) - 0.5
        return {"level_kwh": jnp.exp(jnp.interp(place, jnp.arange(len(level), dtype=level.dtype), level))}

    def begin(self, traits: Any, key: Array) -> Any:
        """The factor and the cluster of the day before the first."""
        for_factor, for_cluster = jax.random.uniform(key, (2,))
        return {
            "factor": self.chain.begin(for_factor),
            "cluster": _draw(jnp.asarray(self.clusters.share)[0], for_cluster),
        }

    def day(self, given: tuple[Any, Any], around: Around, key: Array) -> tuple[Any, Hours]:
        """One day; without weather and season, as in the paper."""
        traits, before = given
        for_draws, for_shape = jax.random.split(key)
        for_factor, for_cluster = jax.random.uniform(for_draws, (2,))
        yesterday = ((jnp.asarray(around.when.weekday) + 6) % 7 >= 5).astype(int)
        kinds = (yesterday, jnp.asarray(around.when.weekend).astype(int))
        cluster = _draw(jnp.asarray(self.clusters.transition)[kinds][before["cluster"]], for_cluster)
        factor = self.chain.next(before["factor"], kinds, for_factor)
        profile = self.shape((kinds[1], cluster), for_shape)
        return {"factor": factor, "cluster": cluster}, profile * factor * traits["level_kwh"]

    def shape(self, which: tuple[Array, Array], key: Array) -> Array:
        """One profile of the set that the generator of a day type and a cluster makes, sum 1, (24,)."""
        for_one, for_net = jax.random.split(key)
        nets = {name: jnp.asarray(values)[which] for name, values in self.nets.items() if name not in ("w2", "b2")}
        one = jax.random.randint(for_one, (), 0, SET)
        # Only the 24 outputs of one profile of the set are worked out: the others would be thrown away.
        nets |= {"w2": jnp.asarray(self.nets["w2"])[(*which, slice(None), one)][:, None]}
        nets |= {"b2": jnp.asarray(self.nets["b2"])[(*which, one)][None]}
        profile = generate(nets, jnp.asarray(self.bound)[which], 0.0, for_net)[0]
        return profile / profile.sum()


def _draw(share: Array, chance: Array) -> Array:
    """The place in a row of probabilities, (n,), that a uniform number falls on."""
    return jnp.minimum((share.cumsum() <= chance).sum(), len(share) - 1)


def _by_cluster(load_kw: np.ndarray, weekend: np.ndarray, label: np.ndarray) -> list[np.ndarray]:
    """Normalised days of each day type and cluster, (days, 24) each."""
    profiles = behaviour.normalise(np.nan_to_num(load_kw))
    found = [profiles[(label == k) & (weekend == kind)[None]] for kind in (0, 1) for k in range(behaviour.PAPER_COUNT)]
    if not all(map(len, found)):
        raise ValueError("a cluster without a day: more homes or more days are needed")
    return found
