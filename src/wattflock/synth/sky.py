"""One sky over a region: clouds and temperature that all its homes share, and each home's panel under it."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from wattflock.data.calendar import When
from wattflock.synth import sun
from wattflock.synth.sun import SUB, Light, Place

LOW = 0.15  # sine of the elevation over which roofs and trees near by lose their hold on the beam
MIDDLE_H = (np.arange(SUB) + 0.5) * 24 / SUB
LEAST, MOST = 0.02, 1.2  # clearness of an hour
CLOUD_EDGE = 1.05  # light on a plane at most, as a share of a clear sky's: bright clouds beside the sun add some
RUN_IN_DAYS = 20


class MeasuredWeather(eqx.Module):
    """Weather of one day to be used instead of a drawn one."""

    outdoor_c: Float[Array, "24"]
    clearness: Float[Array, "24"] | None = None  # share of a clear sky's horizontal light; drawn where None


class Outside(eqx.Module):
    """Quantities that the homes of a region share on one day; hours are of the local clock."""

    outdoor_c: Float[Array, "24"]
    clearness: Float[Array, "24"]  # horizontal light as a share of a clear sky's
    light: Light  # each five minutes
    clear: Light  # the same under a clear sky
    low_morning: Float[Array, "288"]  # 1 at sunrise, fading as the sun climbs, 0 in the afternoon
    low_evening: Float[Array, "288"]
    unrest: Float[Array, "24"]  # how far one home's hour strays from the region's [share, standard deviation]
    unrest_day: Array  # the same for deviations of a whole day


class PanelTraits(eqx.Module):
    """Constants of a home's panel."""

    normal: Float[Array, "3"]  # east, north, up
    gain: Array  # kW per kW peak at 1 kW/m² and 25 °C; wiring, inverter, dirt and the true size are in it
    morning: Array  # share of the beam lost to obstacles at low morning sun
    evening: Array


class Sky(eqx.Module):
    """Clouds and temperature of a region and the panels of its homes; fields are arrays or dicts of arrays.

    A day's clearness is a quantile of its month, and its normal score is autocorrelated from day to day. Its hours are
    quantiles among days of that clearness and season, with ranks that are a Gaussian vector of a few patterns (a
    copula), scaled to the day. Temperature is a season plus patterns that follow their own past and the clouds.
    Source: after Graham & Hollands 1990 (normal scores of the day's clearness, autoregressive; hours given the day).
    """

    place: Place
    # Tables are by the seasons of the northern half of the world, see `northern`.
    # Of days: keep (), days (12, n) at levels (n,), best (12,). Of hours, by season and kind of day: edges (2, b - 1)
    # between the kinds [share of the month's best], hours (2, b, 24, n), patterns (2, b, k, 24), rest (2, b, 24).
    clouds: dict[str, Array]
    beam: dict[str, Array]  # share of a clear sky's beam (n,) at clearness (n,)
    warmth: dict[str, Array]  # season (7, 24), patterns (r, 24), keep (r, r), follow (r,), draw (r, n)
    panels: dict[str, Array]  # tilt_deg, azimuth_deg, gain, morning, evening (n,), and the spread of each round these
    # Standard deviations of a home: hour (n,) where the region's clearness jumps by jump (n,), and day ().
    local: dict[str, Array]

    def begin(self, key):
        """The state before the first day, as after three weeks of weather; (clouds (), temperature (r,))."""
        start = jnp.zeros(()), jnp.zeros(self.warmth["follow"].shape)
        keys = jax.random.split(key, RUN_IN_DAYS)
        return jax.lax.scan(lambda state, k: (self._turn(state, k), None), start, keys)[0]

    def _turn(self, state, key):
        clouds, warmth = state
        first, second = jax.random.split(key)
        keep = self.clouds["keep"]
        clouds = keep * clouds + jnp.sqrt(1 - keep**2) * jax.random.normal(first)
        shock = self.warmth["draw"] @ jax.random.normal(second, self.warmth["draw"].shape[1:])
        return clouds, self.warmth["keep"] @ warmth + self.warmth["follow"] * clouds + shock

    def day(self, state, when: When, key, measured: MeasuredWeather | None = None):
        """One day of the region.

        Args:
            state: of the day before.
            when: the day, shape ().
            key: of this day.
            measured: weather to be used; clouds are then drawn independently of its temperature.

        Returns:
            The state after the day and `Outside`.
        """
        turn, hours = jax.random.split(key)
        before, state = state, self._turn(state, turn)
        clearness, outdoor_c = self._clearness(state[0], when, hours), self._outdoor_c(before[1], state[1], when)
        if measured is not None:
            outdoor_c = measured.outdoor_c
            clearness = clearness if measured.clearness is None else measured.clearness
        return state, self._outside(clearness, outdoor_c, when)

    def northern(self, when: When) -> When:
        """The day of the northern year with the season that a day has here: half a year away in the south."""
        south = self.place.latitude_deg < 0
        month = jnp.where(south, (when.month + 5) % 12 + 1, when.month)
        year_part = jnp.where(south, (when.year_part + 0.5) % 1.0, when.year_part)
        return eqx.tree_at(lambda it: (it.month, it.year_part), when, (month, year_part))

    def _clearness(self, state, when, key):
        clouds, month = self.clouds, self.northern(when).month - 1
        whole = jnp.interp(jax.scipy.stats.norm.cdf(state), clouds["levels"], clouds["days"][month])
        season = is_warm(month)
        kind = (whole > clouds["edges"][season] * clouds["best"][month]).sum()
        patterns, rest = clouds["patterns"][season, kind], clouds["rest"][season, kind]
        draws = jax.random.normal(key, (patterns.shape[0] + 24,))
        score = draws[24:] @ patterns + rest * draws[:24]
        level = jax.scipy.stats.norm.cdf(score)
        hours = jax.vmap(jnp.interp, (0, None, 0))(level, clouds["levels"], clouds["hours"][season, kind])
        hours, light = _local_clock(jnp.maximum(hours, LEAST), when), self._clear_light(when)
        for _ in range(3):  # what is clipped goes to the other hours
            hours = jnp.clip(hours * whole * light.sum() / jnp.maximum((hours * light).sum(), 1e-6), LEAST, MOST)
        return hours

    def _clear_light(self, when):
        toward = sun.sun_vector(self.place, when, MIDDLE_H.astype(np.float32))
        return sun.clear_sky(toward[:, 2], when.year_part)[1].reshape(24, -1).mean(1)

    def _outdoor_c(self, before, state, when):
        season, patterns = seasons(self.northern(when).year_part) @ self.warmth["season"], self.warmth["patterns"]
        hours = season + state @ patterns
        late = (season + before @ patterns)[-1:]  # in summer the first hour of the clock's day is the last of the sun's
        return jnp.where(when.summer_time_h > 0.5, jnp.concatenate([late, hours[:-1]]), hours)

    def _outside(self, clearness, outdoor_c, when):
        toward = sun.sun_vector(self.place, when, MIDDLE_H.astype(np.float32))
        fine = jnp.repeat(clearness, SUB // 24)
        beam = jnp.interp(fine, self.beam["clearness"], self.beam["share"])
        low = jnp.exp(-jnp.maximum(toward[:, 2], 0) / LOW)
        morning = toward[:, 0] > 0
        return Outside(
            outdoor_c=outdoor_c,
            clearness=clearness,
            light=sun.light(toward, when.year_part, fine, beam),
            clear=sun.light(toward, when.year_part, jnp.ones_like(fine), jnp.ones_like(fine)),
            low_morning=jnp.where(morning, low, 0),
            low_evening=jnp.where(morning, 0, low),
            unrest=jnp.interp(jumps(clearness), self.local["jump"], self.local["hour"]),
            unrest_day=self.local["day"],
        )

    def panel(self, key) -> PanelTraits:
        """A home's panel: one of the known ones, moved a little; those that face south face north in the south."""
        pick, move = jax.random.split(key)
        of = jax.random.randint(pick, (), 0, self.panels["gain"].shape[0])
        names = ("tilt_deg", "azimuth_deg", "gain", "morning", "evening")
        away = jax.random.truncated_normal(move, -2.0, 2.0, (len(names),))
        got = {n: self.panels[n][of] + self.panels["spread"][i] * away[i] for i, n in enumerate(names)}
        azimuth_deg = jnp.where(self.place.latitude_deg < 0, 180 - got["azimuth_deg"], got["azimuth_deg"])
        normal = sun.facing(jnp.clip(got["tilt_deg"], 0, 90), azimuth_deg)
        return PanelTraits(
            normal, jnp.maximum(got["gain"], 0.1), jnp.minimum(got["morning"], 1), jnp.minimum(got["evening"], 1)
        )

    def sun(self, traits: PanelTraits, outside: Outside, key, steps: int):
        """Mean power of a panel in each step of the day [kW per kW peak], shape (steps,); zero at night.

        No step is above `most_power`. `steps` is static: 24, 48, 96 or 288; the mean of each hour is the same whatever
        it is.
        """
        draws = heavy(jax.random.uniform(key, (25,)))
        stray = 1 + outside.unrest_day * draws[24] + outside.unrest * draws[:24]
        most = most_power(traits, outside, 24)
        hourly = jnp.minimum(clear_power(traits, outside, 24) * jnp.maximum(stray, 0), most)
        if steps == 24:
            return hourly
        each = steps // 24
        flicker = heavy(jax.random.uniform(jax.random.fold_in(key, 1), (24, each)))
        within = clear_power(traits, outside, steps).reshape(24, each)
        within = within * jnp.maximum(1 + outside.unrest[:, None] * flicker, 0)
        within = within * _share(hourly, within.mean(1))[:, None]
        limit = most_power(traits, outside, steps).reshape(24, each)
        smooth = limit * _share(hourly, most)[:, None]
        mix = jnp.max(jnp.where(within > limit, _share(within - limit, within - smooth), 0), 1, keepdims=True)
        return (within + mix * (smooth - within)).reshape(steps)


def most_power(traits: PanelTraits, outside: Outside, steps: int):
    """Most that a panel of a place gives [kW per kW peak], shape (steps,): a clear sky's light on it, times
    `CLOUD_EDGE`, and what it gives at 1 kW/m² and 25 °C."""
    plane = CLOUD_EDGE * sun.plane_kw_per_m2(outside.clear, traits.normal)
    return jnp.minimum(plane, jnp.minimum(traits.gain, 1.0)).reshape(steps, -1).mean(1)


def _share(part, whole):
    """`part` / `whole`, 0 where there is no whole."""
    return jnp.where(whole > 0, part / jnp.where(whole > 0, whole, 1), 0)


def clear_power(traits: PanelTraits, outside: Outside, steps: int):
    """Power of a panel under the region's sky, before its own noise [kW per kW peak], shape (steps,)."""
    there, low_morning, low_evening = jax.tree.map(
        lambda x: x.reshape(steps, SUB // steps, *x.shape[1:]).mean(1),
        (outside.light, outside.low_morning, outside.low_evening),
    )
    plane = sun.plane_kw_per_m2(there, traits.normal)
    outdoor_c = jnp.repeat(outside.outdoor_c, steps // 24)
    open_share = 1 - traits.morning * low_morning - traits.evening * low_evening
    return jnp.maximum(traits.gain * plane * sun.cell_loss(plane, outdoor_c) * open_share, 0)


def is_warm(month):
    """1 from April to September, else 0; `month` from 0."""
    return ((month >= 3) & (month <= 8)).astype(int)


def jumps(clearness):
    """The larger difference of each hour's clearness to its two neighbours; (..., 24)."""
    steps = jnp.abs(jnp.diff(clearness))
    edge = jnp.zeros_like(steps[..., :1])
    return jnp.maximum(jnp.concatenate([edge, steps], -1), jnp.concatenate([steps, edge], -1))


def heavy(uniform):
    """Heavy-tailed noise of unit standard deviation from draws between 0 and 1."""
    middle = 2 * uniform - 1
    return 7**0.5 * middle * middle * middle


def seasons(year_part):
    """A constant and three waves of the year, shape (..., 7)."""
    angle = 2 * jnp.pi * jnp.asarray(year_part)
    waves = [wave(k * angle) for wave in (jnp.cos, jnp.sin) for k in (1, 2, 3)]
    return jnp.stack([jnp.ones_like(angle), *waves], -1)


def _local_clock(hours, when):
    """Hours of standard time (24,) as the clock shows them; weather does not follow clock changes."""
    return jnp.roll(hours, jnp.round(when.summer_time_h).astype(int), axis=-1)
