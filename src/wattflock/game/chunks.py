"""Costs of many coalitions: cut into chunks, solved by any executor, kept on disk by content.

A chunk is a fixed list of coalitions and begins without a basis, so that its numbers do not depend on who solves it.
What is kept is named by a hash of the code, of the version of HiGHS and of all that the work is given.
"""

import dataclasses
import inspect
from collections.abc import Iterable, Sequence
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from wattflock.core.errors import RunError
from wattflock.core.files import pack, write_whole
from wattflock.core.kept import Content, digest, read_kept
from wattflock.core.progress import bar
from wattflock.game.coalition import CODE, Day, alone, costs, gray_order, together
from wattflock.study.parallel import Executor, Lost, Work, serial

CHUNK = 512  # coalitions of few homes; of many homes as many as take about as long
HOMES_A_CHUNK = 8192
ALONE = 2048  # homes a chunk, each by itself: some seconds
LONG = 8  # chunks of which progress is shown
Found = dict[str, np.ndarray]  # what a piece of work returns
Shown = tuple[str, str, int]  # what is worked on, in which pieces, and from how many on progress is shown


@dataclasses.dataclass(frozen=True)
class Runner:
    """Where costs are found and kept."""

    executor: Executor = serial
    cache: Path | None = None  # folder; None: nothing is kept

    def costs(self, days: tuple[Day, ...], members: np.ndarray) -> np.ndarray:
        """Costs (days, k) of coalitions (k, homes)."""
        unlike, place = np.unique(members, axis=0, return_inverse=True)
        order = gray_order(unlike, days[0].sizes())
        size = max(1, min(CHUNK, HOMES_A_CHUNK // max(days[0].homes, 1)))
        parts = [order[begin : begin + size] for begin in range(0, len(order), size)]
        found = self._of_days(_costs, days, [(day, unlike[part]) for day in range(len(days)) for part in parts])
        cost = np.zeros((len(days), len(unlike)))
        cost[:, order] = np.concatenate([np.zeros(0), *(each["cost"] for each in found)]).reshape(len(days), -1)
        return cost[:, place.ravel()]

    def alone(self, days: tuple[Day, ...]) -> np.ndarray:
        """Cost of each home by itself, (days, homes); nan where it has no plan."""
        homes = np.arange(days[0].homes)
        parts = [homes[begin : begin + ALONE] for begin in range(0, len(homes), ALONE)]
        found = self._of_days(_alone, days, [(day, part) for day in range(len(days)) for part in parts])
        return np.concatenate([each["cost"] for each in found]).reshape(len(days), -1)

    def grand(self, days: tuple[Day, ...]) -> list[tuple[float, np.ndarray, np.ndarray]]:
        """`together` of each day."""
        every = np.ones((1, days[0].homes), bool)
        found = self._of_days(_grand, days, [(day, every) for day in range(len(days))])
        return [(float(each["cost"]), each["net_kw"], each["price"]) for each in found]

    def all(self, work: Work, shared: Any, items: Sequence, contents: Iterable[Content], shown: Shown) -> list[Found]:
        """The results of all items: those in the cache, and then those that are worked on.

        Args:
            work: what is done; its file is part of what results are kept by.
            shared: what every piece of work is given.
            items: one for each piece of work.
            contents: all that the result of each item depends on; not worked out where nothing is kept.
            shown: words of the progress, and from how many pieces on it is shown.

        Raises:
            RunError: who worked on one of them ended before it was done; those that are finished are kept.
        """
        keys = [_key(work, content) for content in contents] if self.cache else []
        found = {number: kept for number, key in enumerate(keys) if (kept := self._kept(key)) is not None}
        missing = [number for number in range(len(items)) if number not in found]
        told = bar(shown[0], len(items)) if len(missing) >= shown[2] else nullcontext()
        with told as progress, closing(self.executor(work, shared, [items[at] for at in missing])) as results:
            for number, result in results:
                if isinstance(result, Lost):
                    raise RunError(f"coalitions: {result.why}; finished chunks are kept")
                place = missing[number]
                found[place] = result
                if self.cache:
                    write_whole(self.cache / keys[place], pack(result, {"work": work.__name__}))
                if progress:
                    progress.at(len(found), shown[1])
        return [found[number] for number in range(len(items))]

    def _of_days(self, work: Work, days: tuple[Day, ...], items: list[tuple[int, np.ndarray]]) -> list[Found]:
        digest = [day.digest() for day in days] if self.cache else [""] * len(days)
        contents = ((digest[day], part) for day, part in items)
        return self.all(work, days, items, contents, ("coalitions", "chunks", LONG))

    def _kept(self, key: str) -> Found | None:
        assert self.cache
        found = read_kept(self.cache / key)
        return found and found[0]


SERIAL = Runner()


def _key(work: Work, content: Content) -> str:
    own = Path(inspect.getfile(work)).read_text(encoding="utf-8")
    return f"{digest((CODE, work.__name__, own, *content))}.safetensors"


def _costs(days: tuple[Day, ...], item: tuple[int, np.ndarray]) -> Found:
    return {"cost": costs(days[item[0]], item[1])}


def _alone(days: tuple[Day, ...], item: tuple[int, np.ndarray]) -> Found:
    return {"cost": alone(days[item[0]], item[1])}


def _grand(days: tuple[Day, ...], item: tuple[int, np.ndarray]) -> Found:
    cost, net_kw, price = together(days[item[0]])
    return {"cost": np.array(cost), "net_kw": net_kw, "price": price}
