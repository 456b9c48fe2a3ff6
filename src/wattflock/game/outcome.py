"""What several ways to share give to every home, beside what it costs alone and without control: as tables."""

import dataclasses
from collections.abc import Callable, Iterable

import numpy as np
import polars as pl

from wattflock.game.feed_in import plain_feed_in
from wattflock.game.sharing import USUAL, Settings, Shared, Sharing, refuse_unknown, shared
from wattflock.game.values import Flock

ROUNDING = 1e-7  # of a home's mean cost: one that gets less than this is neither better nor worse off
NAMED = 3  # members of a coalition that complains who are named


@dataclasses.dataclass(frozen=True)
class Outcome:
    """Shares of what homes save together, by one method or several."""

    homes: pl.DataFrame  # a row a home: home, feed_in and alone (costs), and what it saves of `alone` by each method
    methods: pl.DataFrame  # a row a method
    players: int
    days: int
    cost_alone: float  # of all homes, each by itself [currency]
    saving: float  # of all homes together [currency]; 0 where exports earn what imports cost: nothing is to share
    seconds: float  # of the optimum and of all homes alone
    programs: int  # of the same


def outcome(
    flock: Flock,
    methods: Iterable[str],
    settings: Settings = USUAL,
    told: Callable[[int, str], None] = lambda count, name: None,
) -> Outcome:
    """Shares by each of the methods, in this order.

    Args:
        flock: homes and days.
        methods: names of `METHODS`.
        settings: of methods that have a choice.
        told: is told how many methods are done, and which comes next.

    Raises:
        ScenarioError: names that are no methods, all at once; a setting that cannot be.
    """
    refuse_unknown(methods := list(dict.fromkeys(methods)))
    sharing = Sharing(flock, settings)
    feed_in, found = plain_feed_in(flock), []
    for count, method in enumerate(methods):
        told(count, method)
        found.append(shared(sharing, method))
    told(len(methods), "")
    alone = sharing.flock.alone
    homes = {"home": list(flock.names), "feed_in": feed_in, "alone": alone}
    seconds, programs = sharing.spent["optimum"]
    return Outcome(
        pl.DataFrame(homes | {each.method: each.payoff for each in found}),
        pl.DataFrame([_row(each, sharing, feed_in - alone) for each in found], infer_schema_length=None),
        flock.players,
        len(flock.days),
        float(alone.sum()),
        sharing.total,
        float(seconds),
        int(programs),
    )


def _row(found: Shared, sharing: Sharing, control: np.ndarray) -> dict[str, object]:
    """Figures of a method; `control` is what each home saves by itself, (homes,)."""
    payoff, total, judged = found.payoff, sharing.total, found.judged
    tiny, who = ROUNDING * float(abs(sharing.flock.alone).mean()), judged.complaining
    more = f" and {len(who) - NAMED} more" if len(who) > NAMED else ""
    return {
        "method": found.method,
        "saving_kept": float(payoff.sum() / total) if total else 1.0,
        "better_off": int((payoff > tiny).sum()),
        "worse_off": int((payoff < -tiny).sum()),
        "above_feed_in": int((control + payoff > tiny).sum()),
        "least": float(payoff.min()),
        "largest_excess": judged.largest_excess,
        "largest_excess_upper": judged.largest_excess_upper,
        "complaining": ", ".join(who[:NAMED]) + more,
        "jain": judged.jain,
        "gini": judged.gini,
        "seconds": found.seconds,
        "programs": found.programs,
        "note": found.note,
    }
