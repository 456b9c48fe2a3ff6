"""Training as a stream of marks: the caller shows progress, saves, or stops."""

import dataclasses
import time
from collections.abc import Iterator

import equinox as eqx
import jax
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array

from wattflock.core.types import Profile
from wattflock.data.sample import Sampler
from wattflock.learn.learner import Draw, Learner, Progress, advance, begin
from wattflock.world.rollout import Policy, judge, rollout
from wattflock.world.sharding import SpreadDraw, spread
from wattflock.world.world import World, measures

CHUNK = 10  # most rounds in one compiled call


@dataclasses.dataclass(frozen=True)
class Mark:
    """Progress of a training run."""

    progress: Progress
    rounds: int
    seconds: float  # of learning, compilation included; validation is not counted
    train: dict[str, float]  # means over the chunk
    validation: dict[str, float]  # empty where it was not this mark's turn


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
    mesh: Mesh | None = None  # devices that share the homes; None is one device


def train(course: Course, progress: Progress | None = None) -> Iterator[Mark]:
    """Yields a Mark after each chunk of rounds; the loop can be left at any of them without loss.

    Args:
        course: what is trained.
        progress: where an earlier run stopped, on however many devices; the rest is then the same to the bit
            on as many as before, and to rounding on others.
    """
    progress, world, sampler, draw = laid_out(course, progress)
    validation = validation_days(sampler, course.validation_days)
    done, seconds, next_look = int(progress.done), course.seconds, 0.0
    chunk = chunk_of(course.rounds)
    while done < course.rounds and not (course.minutes and seconds >= 60 * course.minutes):
        began = time.perf_counter()
        progress, log = advance(progress, course.learner, world, draw, chunk)
        log = {name: float(np.mean(values)) for name, values in log.items()}
        seconds += time.perf_counter() - began
        done += chunk
        look = seconds >= next_look or done >= course.rounds
        scores = {}
        if look:
            scores = score(world, course.learner.policy(progress.state), validation)
            scores = {name: float(value) for name, value in scores.items()}
            next_look = max(1.25 * seconds, seconds + 2)
        yield Mark(progress, done, seconds, log, scores)


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
