"""Training can be stopped at any mark, by anyone, and goes on to the bit."""

import itertools
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wattflock.core.errors import RunError
from wattflock.core.progress import Bar
from wattflock.core.scenario import load
from wattflock.learn.learner import advance, begin
from wattflock.study.build import learner
from wattflock.study.run import Run, open_run
from wattflock.study.train import CHUNK, Course, chunk_of, train
from wattflock.verbs.experiment import Experiment
from wattflock.world.rollout import judge, rollout

pytestmark = pytest.mark.study
ROUNDS = 30
QUICK = [f"learn.rounds={ROUNDS}", "learn.settings={days=2, epochs=1, hidden=[8]}", "judge.methods=['gradmap']"]


@pytest.fixture(scope="module")
def quick(small):
    """A scenario of which a round takes milliseconds."""
    return load(None, [*small, *QUICK])


@pytest.fixture(scope="module")
def course(quick) -> Course:
    experiment = Experiment(quick, Run(Path("nowhere")))
    return experiment.course("gradmap", learner(quick, "gradmap"))


@pytest.fixture(scope="module")
def unbroken(course):
    """All marks of a training run that nobody disturbed."""
    return list(train(course))


def same(one, other) -> bool:
    leaves = jax.tree.leaves(one), jax.tree.leaves(other)
    return len(leaves[0]) == len(leaves[1]) and all(map(jnp.array_equal, *leaves))


@pytest.mark.slow
def test_marks_count_rounds_and_time(unbroken, course):
    assert [mark.rounds for mark in unbroken] == [10, 20, 30]
    assert all(a.seconds < b.seconds for a, b in itertools.pairwise(unbroken))
    assert int(unbroken[-1].progress.done) == ROUNDS
    assert unbroken[0].validation
    assert unbroken[-1].validation, "the last mark always looks at the validation days"
    assert {"cost", "violation_pu_h", "objective"} <= set(unbroken[0].train)


@pytest.mark.parametrize("stop", [0, 1])
def test_a_run_resumed_from_disk_is_the_unbroken_run_to_the_bit(stop, course, unbroken, tmp_path):
    run = Run(tmp_path / "run")
    first = next(itertools.islice(train(course), stop, None))
    run.save("gradmap", course.learner, first.progress, {"rounds": first.rounds, "seconds": 0.0, "curve": []})
    saved = run.resume("gradmap", course.learner, begin(course.learner, course.world, course.seed))
    assert saved
    progress, card = saved
    assert card["rounds"] == first.rounds
    assert same(progress, first.progress)
    *_, last = train(course, progress)
    assert same(last.progress, unbroken[-1].progress)


@pytest.mark.slow
def test_smaller_chunks_give_the_same_run(course, unbroken):
    progress = begin(course.learner, course.world, course.seed)
    for _ in range(5):
        progress, _ = advance(progress, course.learner, course.world, course.sampler.train, 2)
    assert same(progress, unbroken[0].progress)


@pytest.mark.slow
def test_seeds_in_one_program_are_those_of_single_runs(course):
    """To rounding: batched products add in another order."""

    def run(seed):
        return advance(begin(course.learner, course.world, seed), course.learner, course.world, course.sampler.train, 2)

    _, logs = eqx.filter_vmap(run)(jnp.arange(2))
    for seed in range(2):
        _, log = run(seed)
        assert np.allclose(logs["objective"][seed], log["objective"], rtol=1e-4)
    assert not np.allclose(logs["objective"][0], logs["objective"][1], rtol=1e-4)


@pytest.mark.parametrize("rounds", [1, 7, 10, 11, 30, 400, 1500, 997])
def test_chunks_fill_a_run(rounds):
    assert rounds % chunk_of(rounds) == 0
    assert 1 <= chunk_of(rounds) <= CHUNK


@pytest.mark.slow
@pytest.mark.parametrize("at", [2, 3])  # the first call says that it compiles
def test_ctrl_c_loses_nothing(at, quick, course, unbroken, tmp_path, monkeypatch):
    calls = itertools.count(1)
    undisturbed = Bar.at

    def interrupted(bar, done, note):
        if next(calls) == at:
            raise KeyboardInterrupt
        undisturbed(bar, done, note)

    experiment = Experiment(quick, open_run(quick, tmp_path))
    monkeypatch.setattr(Bar, "at", interrupted)
    with pytest.raises(KeyboardInterrupt):
        experiment.trained("gradmap", fresh=False)
    saved = experiment.run.checkpoint("gradmap")
    assert saved.exists()
    monkeypatch.setattr(Bar, "at", undisturbed)
    policy, card = experiment.trained("gradmap", fresh=False)
    assert card["rounds"] == ROUNDS
    assert same(policy, course.learner.policy(unbroken[-1].progress.state))
    assert [point["round"] for point in card["curve"] if point["split"] == "train"] == [10, 20, 30]


def test_a_finished_run_is_not_trained_again(quick, course, unbroken, tmp_path, monkeypatch):
    experiment = Experiment(quick, open_run(quick, tmp_path))
    experiment.run.save(
        "gradmap", course.learner, unbroken[-1].progress, {"rounds": ROUNDS, "seconds": 1.0, "curve": []}
    )
    monkeypatch.setattr("wattflock.verbs.experiment.train", None)  # calling it would fail
    policy, card = experiment.trained("gradmap", fresh=False)
    assert card["rounds"] == ROUNDS
    assert same(policy, course.learner.policy(unbroken[-1].progress.state))


def test_minutes_stop_it_and_more_minutes_go_on(quick, tmp_path):
    run = open_run(quick, tmp_path)
    for rounds in (10, 20):
        _, card = Experiment(quick, run, minutes=1e-9).trained("gradmap", fresh=False)
        assert card["rounds"] == rounds
    _, card = Experiment(quick, run).trained("gradmap", fresh=False)
    assert card["rounds"] == ROUNDS


def test_a_checkpoint_of_another_scenario_is_refused(quick, small, course, unbroken, tmp_path):
    mine = open_run(quick, tmp_path)
    mine.save("gradmap", course.learner, unbroken[0].progress, {"rounds": 10, "seconds": 1.0, "curve": []})
    other = open_run(load(None, [*small, *QUICK, "seed=1"]), tmp_path)
    other.checkpoint("gradmap").parent.mkdir(parents=True)
    mine.checkpoint("gradmap").replace(other.checkpoint("gradmap"))
    with pytest.raises(RunError, match="belongs to run"):
        other.resume("gradmap", course.learner, unbroken[0].progress)


@pytest.mark.slow
def test_thirty_rounds_lower_the_objective_on_unseen_days(course, unbroken):
    days = eqx.filter_jit(course.sampler.every)(jax.random.key(1), "validation", 6)
    lagrangian = course.learner.lagrangian

    @eqx.filter_jit
    def objective(world, policy, days, multiplier):
        outcome = judge(world, rollout(world, policy, days, jax.random.key(0)), days, lagrangian.margin_pu)
        return lagrangian.value(outcome, multiplier)

    first = begin(course.learner, course.world, course.seed)
    before, after = (
        float(objective(course.world, course.learner.policy(p.state), days, lagrangian.multiplier(course.world)))
        for p in (first, unbroken[-1].progress)
    )
    assert after < before - 0.1
