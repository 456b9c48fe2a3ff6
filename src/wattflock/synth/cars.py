"""Electric cars at home: plug-in windows, requested energy, driving."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from wattflock.data.calendar import When
from wattflock.data.sessions import DRIVE_KW, SWITCHES, TRIP_KW

USABLE = 0.9  # share of the battery that driving may take
LAST_SCORE = 3.0  # tables over a normal score go from minus to plus this
WARM_UP_DAYS = 4
MIX = 0.3  # a car is at most this far from the one it was drawn from to the one that is like it
AGES = (1, 2, 3, 4, 5, 6, 7, 10, 14, 21, 35)  # days since the last switch: where a new row of `age` begins
OPEN_AGES = 4  # rows of `age` for a car that stays plugged in
Tree = dict[str, Array]


LEAST_KW = 1.38  # 6 A at 230 V: no charger gives less (IEC 61851-1)
LEAST_KWH = 15.0  # no electric car on sale has a smaller battery


class CarDay(eqx.Module):
    """One day of one car, each (steps,)."""

    plugged: Array  # share of the step
    need_kwh: Array  # requested by the sessions that begin in this step
    driving_kwh: Array


class Cars(eqx.Module):
    """A semi-Markov chain over types of days, with hours and energies drawn inside a type; for one car.

    A type says whether the car is plugged in at midnight, how often the plug goes in or out, and roughly when. The type
    of a day depends on the habit of the car, the day of the week, the type of the day before and the days since the
    last switch. Energy is log-normal-like around the car's own level, by hours away and season. Sources: measured
    sessions; day types and transitions as in Charbonnier et al., HEDGE, 2022; hours by a Gaussian copula.
    """

    users: Tree  # traits of the cars fitted to: (users, traits) and who is like whom
    types: Tree  # day types
    energy: Tree  # energy of a session

    def traits(self, key: Array) -> Tree:
        """A car between two that are alike, with a jitter: battery_kwh, power_kw, habit, hours and energy level."""
        choice_key, jitter_key = jax.random.split(key)
        pick, like, mix = jax.random.uniform(choice_key, (3,))
        one = jnp.searchsorted(self.users["share"], pick)
        other = self.users["alike"][one, (like * self.users["alike"].shape[1]).astype(jnp.int32)]
        a, b = self.users["traits"][one], self.users["traits"][other]
        noise = self.users["jitter"] * jax.random.normal(jitter_key, a.shape)
        own = a + MIX * mix * (b - a) + noise
        log_battery, log_power, log_need, log_spread, shift_in, shift_out = own[:6]
        return {
            "battery_kwh": jnp.maximum(jnp.exp(jnp.clip(log_battery, *self.users["log_battery"])), LEAST_KWH),
            "power_kw": jnp.maximum(jnp.exp(jnp.clip(log_power, *self.users["log_power"])), LEAST_KW),
            "log_need": log_need,
            "spread": jnp.exp(log_spread),
            "shift": jnp.stack([shift_in, shift_out]),
            "habit": jnp.einsum("z,kzt->kt", own[6:], self.types["habit"]),
        }

    def begin(self, traits: Tree, key: Array) -> Tree:
        """The state before the first day, after some simulated days; its first day is of any day of the week."""
        choice_key, score_key = jax.random.split(key)
        pick, day = jax.random.uniform(choice_key, (2,))
        kind, weekday = jnp.searchsorted(self.types["share"], pick), (7 * day).astype(jnp.int32)
        state = {
            "kind": kind,
            "age": jnp.array(0, jnp.int32),
            "out_h": jnp.array(12.0),
            "hours": jnp.full(SWITCHES, 24.0),
        }
        scores = jax.random.normal(score_key, (WARM_UP_DAYS, 1 + SWITCHES))

        def live(state, given):
            ahead, scores = given
            return self._ahead(traits, state, (weekday + ahead) % 7, scores), None

        return jax.lax.scan(live, state, (jnp.arange(WARM_UP_DAYS), scores))[0]

    def day(self, given: tuple[Tree, Tree], when: When, key: Array, steps: int) -> tuple[Tree, CarDay]:
        """One day; tomorrow's hours are drawn with it, so that a session knows its end.

        Args:
            given: traits and state of the car.
            when: the day, shape ().
            key: of this car and this day.
            steps: of the day, static.
        """
        traits, state = given
        scores = jax.random.normal(key, (1 + SWITCHES + SWITCHES // 2,))
        after = self._ahead(traits, state, (when.weekday + 1) % 7, scores[: 1 + SWITCHES])
        starts, ends, outs = self._windows(state)
        window_h = jnp.where(ends[1:] < 24.0, ends[1:], 24.0 + after["hours"][0]) - starts[1:]
        asked = (starts[1:], starts[1:] - outs, window_h)
        need_kwh, trip_h = self._energy(traits, asked, when.year_part, scores[1 + SWITCHES :])
        return after, _share(starts, ends, need_kwh, trip_h, steps)

    def _ahead(self, traits: Tree, state: Tree, weekday: Array, scores: Float[Array, "n"]) -> Tree:
        """The state tomorrow at midnight, with tomorrow's type and hours."""
        types, kind = self.types, state["kind"]
        plugged = (types["plugged"][kind] + types["count"][kind]) % 2
        age = jnp.where(types["count"][kind] > 0, 0, state["age"] + 1)
        row = jnp.searchsorted(jnp.array(AGES), age, side="right", method="compare_all")
        row = jnp.where(plugged > 0, len(AGES) + 1 + jnp.minimum(age, OPEN_AGES - 1), row)
        weekend = (weekday >= 5).astype(jnp.int32)
        logits = types["weekday"][weekday] + types["before"][kind] + types["age"][row] + traits["habit"][weekend]
        logits = jnp.where(types["plugged"] == plugged, logits, -jnp.inf)
        chance = jnp.exp(logits - logits.max())
        total = jnp.triu(jnp.ones((len(chance), len(chance)))).T @ chance  # a running sum, faster than cumsum on a CPU
        below = 0.999999 * jax.scipy.stats.norm.cdf(scores[0])  # never 1, which would fall past the last type allowed
        tomorrow = jnp.sum(total <= total[-1] * below)
        hours = self._hours(traits, tomorrow, scores[1:])
        return {"kind": tomorrow, "age": age, "out_h": 24.0 - self._last_out(state), "hours": hours}

    def _last_out(self, state: Tree) -> Array:
        """Hour of today at which the plug last went out; before today where it did not."""
        out = (jnp.arange(SWITCHES) + self.types["plugged"][state["kind"]]) % 2 == 1
        last = jnp.where(out & (state["hours"] < 24.0), state["hours"], -jnp.inf).max()
        return jnp.maximum(last, -state["out_h"])

    def _hours(self, traits: Tree, kind: Array, scores: Float[Array, "switches"]) -> Float[Array, "switches"]:
        """Hours of the switches of a day in order; 24 where there are fewer."""
        place = jnp.arange(SWITCHES)
        goes_out = (place + self.types["plugged"][kind]) % 2
        own = self.types["own"][goes_out]
        free = jnp.sqrt(1 - own**2) * (self.types["mix"][kind] * scores[None]).sum(1)
        hours = _look_up(self.types["hours"][kind], own * traits["shift"][goes_out] + free)
        hours = jnp.where(place < self.types["count"][kind], jnp.clip(hours, 0.0, 23.99), 24.0)
        return jnp.sort(hours)

    def _windows(self, state: Tree) -> tuple[Array, Array, Array]:
        """Starts and ends of today's windows (the first is the one open at midnight), and the plug-outs before."""
        hours, plugged = state["hours"], self.types["plugged"][state["kind"]] > 0
        odd, even, end = hours[1::2], hours[::2], jnp.full(1, 24.0)
        starts = jnp.where(plugged, jnp.concatenate([0 * end, odd]), jnp.concatenate([end, even]))
        ends = jnp.where(plugged, jnp.concatenate([even, end]), jnp.concatenate([end, odd]))
        outs = jnp.where(plugged, even, jnp.concatenate([-state["out_h"][None], odd[:-1]]))
        return starts, ends, outs

    def _energy(self, traits: Tree, asked: tuple[Array, Array, Array], year_part: Array, scores: Array):
        """Energy of each session [kWh], at most what the battery, the window and the trip allow; hours of the trip."""
        start_h, away_h, window_h = asked
        away, stay = (
            self.energy[name][jnp.searchsorted(self.energy[f"{name}_h"], hours, side="right", method="compare_all")]
            for name, hours in (("away", away_h), ("stay", window_h))
        )
        angle = 2 * jnp.pi * year_part
        season = self.energy["season"][0] * jnp.cos(angle) + self.energy["season"][1] * jnp.sin(angle)
        table = jnp.broadcast_to(self.energy["scores"][None], (len(scores), len(self.energy["scores"])))
        level = traits["log_need"] + season + away + stay
        wanted_kwh = jnp.exp(level + traits["spread"] * _look_up(table, scores))
        today_h = jnp.clip(jnp.minimum(away_h, start_h), 0.0)
        most_kwh = jnp.minimum(traits["power_kw"] * window_h, DRIVE_KW * today_h)
        need_kwh = jnp.minimum(jnp.minimum(wanted_kwh, USABLE * traits["battery_kwh"]), most_kwh)
        need_kwh = jnp.where(start_h < 24.0, jnp.maximum(need_kwh, 0.0), 0.0)
        return need_kwh, jnp.maximum(jnp.minimum(need_kwh / TRIP_KW, today_h), need_kwh / DRIVE_KW)


def _look_up(tables: Float[Array, "n knots"], scores: Float[Array, "n"]) -> Float[Array, "n"]:
    """Each table at a normal score, linear between knots and level beyond them."""
    last = tables.shape[1] - 1
    place = jnp.clip((scores + LAST_SCORE) / (2 * LAST_SCORE), 0.0, 1.0) * last
    low = jnp.minimum(place.astype(jnp.int32), last - 1)
    row = jnp.arange(tables.shape[0])
    below, above = tables[row, low], tables[row, low + 1]
    return below + (place - low) * (above - below)


def _share(starts: Array, ends: Array, need_kwh: Array, trip_h: Array, steps: int) -> CarDay:
    """Windows, sessions and trips distributed over the steps of the day."""
    edge_h = jnp.linspace(0.0, 24.0, steps + 1)[:, None]

    def within(from_h: Array, to_h: Array) -> Array:
        return jnp.diff(jnp.clip(edge_h, from_h[None], to_h[None]), axis=0)

    plugged = within(starts, jnp.maximum(ends, starts)).sum(1) * (steps / 24)
    slot = jnp.minimum((starts[1:] * (steps / 24)).astype(jnp.int32), steps - 1)
    here = jnp.arange(steps)[:, None] == slot[None]
    speed_kw = jnp.where(trip_h > 0, need_kwh / jnp.maximum(trip_h, 1e-6), 0.0)
    driving_kwh = (within(starts[1:] - trip_h, starts[1:]) * speed_kw[None]).sum(1)
    return CarDay(jnp.minimum(plugged, 1.0), (here * need_kwh[None]).sum(1), driving_kwh)
