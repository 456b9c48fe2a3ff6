"""Training as a stream of marks: the caller shows progress, saves, or stops."""

import dataclasses
import time
from collections.abc import Iterator

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array

from wattflock.core.types import REFERENCE_PRICE_PER_KWH, Profile
from wattflock.data.sample import Sampler
from wattflock.feeder.limits import WORTH
from wattflock.learn.lagrangian import SIZE, spread_among
from wattflock.learn.learner import Draw, Learner, Progress, begin, onward
from wattflock.world.rollout import Policy, judge, rollout
from wattflock.world.sharding import SpreadDraw, spread
from wattflock.world.world import MEASURED, World, measures

CHUNK = 10  # most rounds in one compiled call
HUGE = 1e12  # no cost, violation or objective of a home and day is as large, in any currency


@dataclasses.dataclass(frozen=True)
class Mark:
    """Progress of a training run."""

    progress: Progress
    rounds: int
    seconds: float  # of learning, compilation included; validation is not counted
    train: dict[str, float]  # means over the chunk
    validation: dict[str, float]  # empty where it was not this mark's turn
    stopped: str = ""  # why training ended before all rounds; the progress is then the one that is kept
    broken: bool = False  # because of numbers that nobody should believe


@dataclasses.dataclass(frozen=True)
class Course:
    """A training run before it begins: learner, world, days and first mark."""

    learner: Learner
    world: World  # float32
    sampler: Sampler
    seed: int
    rounds: int
    minutes: float = 0.0  # 0 is no limit
    seconds: float = 0.0  # already spent by the run that is continued
    validation_days: int = 0  # on which it is watched; 0 is all
    patience: int = 0  # looks at validation days without a better one, after which training stops; 0 is never
    mesh: Mesh | None = None  # devices that share the homes; None is one device


def train(course: Course, progress: Progress | None = None) -> Iterator[Mark]:
    """Yields a Mark after each chunk of rounds; the loop can be left at any of them without loss.

    Numbers that are not finite, or beyond `HUGE`, end it with the chunk before; so does `patience`, with the best look.

    Args:
        course: what is trained.
        progress: where an earlier run stopped, on however many devices; the rest is then the same to the bit
            on as many as before, and to rounding on others.
    """
    progress, world, sampler, draw = laid_out(course, progress)
    validation = validation_days(sampler, course.validation_days)
    done, seconds = int(progress.done), course.seconds
    chunk, best = chunk_of(course.rounds), Best.of(course.patience, world)
    while done < course.rounds and not (course.minutes and seconds >= 60 * course.minutes):
        began, before = time.perf_counter(), progress
        progress, log = onward(progress, course.learner, world, draw, chunk)
        log = {name: float(np.mean(values)) for name, values in log.items()}
        seconds += time.perf_counter() - began
        if wrong := unsound(course.learner, progress, log):
            yield Mark(before, done, seconds, {}, {}, f"{wrong} after round {done}", broken=True)
            return
        scores = {}
        if is_look(done + chunk, chunk, course.rounds):
            scores = score(world, course.learner.policy(progress.state), validation)
            scores = {name: float(value) for name, value in scores.items()}
        if wrong := _beyond(scores):
            yield Mark(before, done, seconds, {}, {}, f"{wrong} on the validation days after round {done}", broken=True)
            return
        done += chunk
        mark = Mark(progress, done, seconds, log, scores)
        yield mark
        if scores and best.is_over(mark) and best.mark:
            yield dataclasses.replace(best.mark, seconds=seconds, train={}, validation={}, stopped=best.told(done))
            return


class Best:
    """The best look at the validation days so far."""

    def __init__(self, patience: int, price_per_kwh: float, branches: int = 1):
        self.patience, self.price = patience, SIZE * price_per_kwh / REFERENCE_PRICE_PER_KWH
        rows = {"loading": branches / spread_among("loading", branches)}
        self.price_of = {MEASURED[limit][0]: worth * rows.get(limit, 1.0) for limit, worth in WORTH.items()}
        self.since = 0
        self.mark: Mark | None = None

    @classmethod
    def of(cls, patience: int, world: World) -> "Best":
        """In a world, whose loadings are priced as in the objective."""
        return cls(patience, world.fleet.reference_price_per_kwh, max(1, len(world.judged.get("loading", ()))))

    def is_over(self, mark: Mark) -> bool:
        """Notes a look; whether there were `patience` of them since the best one."""
        if self.mark is None or self.worth(mark.validation) < self.worth(self.mark.validation):
            self.mark, self.since = mark, 0
            return False
        self.since += 1
        return bool(self.patience) and self.since >= self.patience

    def worth(self, found: dict[str, float]) -> float:
        """What looks are compared by: cost, and violations at the price of learners by gradient [currency]."""
        return found["cost"] + self.price * sum(worth * found.get(name, 0.0) for name, worth in self.price_of.items())

    def told(self, done: int) -> str:
        """Why training ended."""
        return f"no better on the validation days from round {self.mark.rounds if self.mark else 0} to {done}"


def is_look(done: int, chunk: int, rounds: int) -> bool:
    """Whether the policy is watched on the validation days after so many rounds: ever further apart, and at the end.

    It depends on rounds alone and not on the clock, so that the same scenario gives the same curve wherever it runs.
    """
    at = chunk
    while at < done:
        at += max(chunk, at // 4 // chunk * chunk)
    return at == done or done >= rounds


def unsound(learner: Learner, progress: Progress, log: dict[str, float]) -> str:
    """What is wrong with a round's log or with what a checkpoint would hold; empty where nothing is."""
    kept = [leaf for leaf in jax.tree.leaves(learner.saved(progress.state)) if eqx.is_inexact_array(leaf)]
    return _beyond(log) or ("" if bool(_finite(kept)) else "numbers that are not finite")


def _beyond(numbers: dict[str, float]) -> str:
    if not all(map(np.isfinite, numbers.values())):
        return "numbers that are not finite"
    huge = [name for name, value in numbers.items() if abs(value) > HUGE]
    return f"training diverges ({huge[0]} is {numbers[huge[0]]:.1e})" if huge else ""


@eqx.filter_jit
def _finite(leaves: list[Array]) -> Array:
    return jnp.stack([jnp.isfinite(leaf).all() for leaf in leaves] or [jnp.array(True)]).all()


def laid_out(course: Course, saved: Progress | None) -> tuple[Progress, World, Sampler, Draw]:
    """The state that a run continues from, laid out on its mesh."""
    world, sampler = course.world, course.sampler
    progress = saved or begin(course.learner, world, course.seed)
    if course.mesh is None:
        return progress, world, sampler, sampler.train
    progress, world, sampler = spread((progress, world, sampler), world.homes, course.mesh)
    return progress, world, sampler, SpreadDraw(sampler.train, course.mesh)


def chunk_of(rounds: int) -> int:
    """The largest number of rounds up to `CHUNK` that divides all: every call then has the same shape."""
    return next(size for size in range(CHUNK, 0, -1) if rounds % size == 0)


@eqx.filter_jit
def validation_days(sampler: Sampler, count: int = 0) -> Profile:
    """Every validation day once, or `count` of them spread over seasons and weekdays."""
    return sampler.every(jax.random.key(1), "validation", count)


@eqx.filter_jit
def score(world: World, policy: Policy, profile: Profile) -> dict[str, Array]:
    """`measures` of a policy on given days, in float32."""
    outcome = judge(world, rollout(world, policy, profile, jax.random.key(0)), profile)
    return measures(world.limits, outcome)
