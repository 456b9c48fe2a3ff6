"""A learner that asks for it is shown the optimum of training days, once for a run."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.study.own import Guess, Pool
from wattflock.core.errors import ScenarioError
from wattflock.core.scenario import load
from wattflock.learn.learner import Progress, begin
from wattflock.learn.learners.maddpg import MADDPG
from wattflock.study.bound import bound
from wattflock.study.demonstrations import training_days
from wattflock.study.run import Run
from wattflock.verbs.experiment import experiment_of
from wattflock.verbs.judging import compared
from wattflock.world.rollout import ZeroPolicy, judge, rollout


class Pupil(Guess):
    """A learner that counts what it was shown. Source: definition."""

    shown: Any = None

    @property
    def demonstrations(self):
        return 2

    def taught(self, profile, action):
        return dataclasses.replace(self, shown=(profile, action))


@pytest.fixture(scope="module")
def brief(small):
    return load(None, [*small, "judge.methods=['idle']", "judge.test_days=2", "judge.bound_days=0", "feeder.part=none"])


@pytest.mark.slow
def test_it_is_shown_optimal_actions_of_training_days_once(brief, tmp_path, monkeypatch):
    mine = experiment_of(brief, tmp_path, {"pupil": Pupil()})
    mine.begin()
    pupil: Any = mine.taught("pupil", Pupil())
    profile, action = pupil.shown
    assert action.shape == (2, 24, 20, mine.world.fleet.controls)
    replayed = rollout(mine.world, ZeroPolicy(), profile, jax.random.key(0), 2, action)
    cost = judge(mine.world, replayed, profile).cost.sum((1, 2))
    best = [optimum.cost for optimum in bound(mine.built.world, profile)]
    np.testing.assert_allclose(cost, best, rtol=1e-3)
    monkeypatch.setattr("wattflock.verbs.experiment.optima", None)  # calling it would fail
    pupil = mine.taught("pupil", Pupil())
    again_profile, again = pupil.shown
    assert jnp.array_equal(again, action)
    assert all(map(jnp.array_equal, jax.tree.leaves(again_profile), jax.tree.leaves(profile)))
    _, card = mine.trained("pupil", fresh=False)
    assert card["rounds"] == Pupil().rounds()


@pytest.mark.study
def test_a_seed_gives_its_own_training_days(built):
    one, same, other = (training_days(built.sampler, seed, 3).load_kw for seed in (0, 0, 1))
    assert jnp.array_equal(one, same)
    assert not jnp.array_equal(one, other)


@pytest.mark.study
def test_a_market_without_a_plan_is_refused_before_any_work(brief, tmp_path, monkeypatch):
    mine = experiment_of(brief, tmp_path, {"pupil": Pupil()}, {"market": Pool()})
    monkeypatch.setattr("wattflock.verbs.experiment.train", None)  # calling it would fail
    with pytest.raises(ScenarioError, match=r"market\.part.*pupil is shown optimal actions"):
        compared(mine)


@pytest.mark.study
def test_a_checkpoint_leaves_the_replay_out(world, tmp_path):
    who = MADDPG(days=1, kept_rounds=2, hidden=(4,))
    fresh = begin(who, world, 0)
    state = dataclasses.replace(
        fresh.state, done=fresh.state.done + 5, nets=jax.tree.map(jnp.ones_like, fresh.state.nets)
    )
    run = Run(tmp_path)
    run.save("maddpg", who, Progress(state, fresh.done + 5, fresh.key), {"rounds": 5, "seconds": 0.0, "curve": []})
    saved = run.resume("maddpg", who, fresh)
    assert saved
    progress, _ = saved
    assert jax.tree.structure(progress) == jax.tree.structure(fresh)
    assert progress.state.done == 5
    assert all(bool((leaf == 1).all()) for leaf in jax.tree.leaves(progress.state.nets))
    replay = sum(leaf.nbytes for leaf in jax.tree.leaves(fresh.state.replay))
    whole = sum(leaf.nbytes for leaf in jax.tree.leaves(dataclasses.replace(fresh.state, replay=None)))
    assert run.checkpoint("maddpg").stat().st_size < whole + min(replay, 20_000)
