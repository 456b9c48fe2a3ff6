"""Contenders that are timed in turn, so that other work on the machine hits all of them alike."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

WARM_UPS = 2
TURN_S = 0.05  # a turn lasts at least this long: shorter ones would measure how cold the caches and threads are


@dataclass(frozen=True, eq=False)
class Contender:
    """`run` does `solves` snapshots; it returns the seconds that count, or None where all of them do."""

    name: str
    run: Callable[[], float | None]
    solves: int
    iterations: str = ""
    error_pu: float | None = None
    work: float = 0.0  # multiplications and additions of one solve; 0: not known
    buffers_mib: float = 0.0  # arguments, results and what lies between; 0: not known
    rival: bool = False  # solves the same problem as ours; the best of them is what ours is compared with


@dataclass(frozen=True, eq=False)
class Timed:
    """A contender and its seconds per solve, one of each round."""

    who: Contender
    seconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def best(self) -> float:
        return min(self.seconds)


def race(contenders: Sequence[Contender], repeats: int) -> list[Timed]:
    """Each contender once a round; the first rounds do not count."""
    timed = [Timed(who) for who in contenders]
    for number in range(repeats + WARM_UPS):
        for one in timed:
            seconds = _turn(one.who)
            if number >= WARM_UPS:
                one.seconds.append(seconds)
    return timed


def _turn(who: Contender) -> float:
    """Mean seconds per solve of as many runs as fill a turn."""
    runs, counted, begun = 0, 0.0, time.perf_counter()
    while not runs or time.perf_counter() - begun < TURN_S:
        start = time.perf_counter()
        told = who.run()
        counted += time.perf_counter() - start if told is None else told
        runs += 1
    return counted / runs / who.solves
