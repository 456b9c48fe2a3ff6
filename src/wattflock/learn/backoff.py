"""Back-off: limits are narrowed while learning until few enough of the training days break one.

A chance constraint, "at most this share of days breaks a limit", is kept by learning against limits with a margin. How
wide it has to be nobody knows before, so that it moves after every round: wider while more days break the limit, else
narrower. Source: constraint tightening by back-offs, Bradford, Imsland, Zhang & del Rio-Chanona 2020 (arXiv
1908.01786); an integral controller on the training days stands in place of their iteration over simulations.
"""

import dataclasses

import jax.numpy as jnp
from jaxtyping import Array

from wattflock.core.types import by_day
from wattflock.feeder.limits import Limits, excess
from wattflock.world.world import Outcome

PACE = 0.5  # what margins can move over all rounds, and the widest one [share of a limit]
BEGINS = 0.1  # of all rounds, before margins move: at first every day breaks limits [share]


@dataclasses.dataclass(frozen=True)
class BackOff:
    """Margins of each limit, limit → () in its own unit, round by round; never below `margin_pu` for voltages."""

    margin_pu: float
    violated_days: float  # most days that may break a limit, each limit by itself [share]
    rounds: int  # all of a training

    def first(self) -> dict[str, Array]:
        """The margins before the first round, which are the least."""
        return {"voltage": jnp.asarray(self.margin_pu, float), "loading": jnp.zeros(()), "unbalance": jnp.zeros(())}

    def after(self, margins: dict[str, Array], done: Array, limits: Limits, outcome: Outcome) -> dict[str, Array]:
        """The margins after a round: each moves by how far the share of days that break its limit is from the aim.

        Far is the aim itself, or one day of the round where the aim is less, so that rounds of few days are not too
        strict on average.

        Args:
            margins: those of the round.
            done: rounds before it, shape ().
            limits: the true ones.
            outcome: its days, whatever margins they were judged with.
        """
        pace = jnp.where(done >= BEGINS * self.rounds, PACE / self.rounds, 0.0)
        now, least = dict(margins), self.first()
        for name, amount in excess(limits, by_day(outcome.conditions, outcome.steps)).items():
            broken, whole = (amount > 0).any((1, 2)).mean(), room(limits)[name]
            far = (broken - self.violated_days) / max(self.violated_days, 1 / outcome.days)
            moved = margins[name] + pace * whole * jnp.clip(far, -1, 1)
            now[name] = jnp.clip(moved, least[name], jnp.maximum(PACE * whole, least[name]))
        return now


def room(limits: Limits) -> dict[str, float]:
    """What a margin is a share of: half the band of voltages [pu], the other limits themselves [share]."""
    half = (limits.high_pu - limits.low_pu) / 2
    return {"voltage": half, "loading": limits.loading, "unbalance": limits.unbalance}
