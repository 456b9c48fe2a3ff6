"""New homes join a trained flock, and nobody else is retrained."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

from wattflock.apps.render import shown
from wattflock.core.scenario import load
from wattflock.learn.learner import Progress, advance, begin
from wattflock.learn.learners.gradmap import GradMAP
from wattflock.learn.learners.tariff_design import TariffDesign
from wattflock.study.fine_tune import FineTune, going_on, met
from wattflock.study.run import open_run
from wattflock.verbs.experiment import Experiment, was_trained
from wattflock.verbs.judging import tuned

pytestmark = pytest.mark.slow
MOVING = np.isin(np.arange(20), (3, 11))


@pytest.fixture(scope="module")
def course(world, built):
    """A flock after some rounds; the same with two new homes at their beginning, and after rounds of fine-tuning."""
    learner = GradMAP(hidden=(8,), days=2, epochs=1, total_rounds=20)
    trained, _ = advance(begin(learner, world, 0), learner, world, built.sampler.train, 10)
    fine = FineTune(learner, jnp.asarray(MOVING))
    fresh = fine.begin(trained.state, world, jax.random.key(7))
    start = Progress(fresh, jnp.zeros((), jnp.int32), trained.key)
    after, log = advance(start, fine, world, built.sampler.train, 10)
    return trained.state, fresh, after.state, log


def changed(one, other) -> np.ndarray:
    """Which homes differ in any weight."""
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return np.any([np.asarray((a != b).reshape(20, -1).any(1)) for a, b in pairs], axis=0)


def test_new_homes_begin_anew_and_others_as_they_were(course):
    trained, fresh, _, _ = course
    assert np.array_equal(changed(trained.nets, fresh.nets), MOVING)
    assert int(fresh.done) == 0


@pytest.mark.parametrize("name", ["nets", "mean"])
def test_only_the_new_homes_learn(course, name):
    _, fresh, after, _ = course
    assert np.array_equal(changed(getattr(fresh, name), getattr(after, name)), MOVING)


def test_they_learn_something(course):
    *_, log = course
    assert int(course[2].done) == 10
    assert float(log["objective"][-3:].mean()) < float(log["objective"][:3].mean())


def test_a_tariff_that_all_pay_goes_on_where_it_was(world, built):
    learner = TariffDesign(hidden=(8,), days=2, zones=2, total_rounds=20)
    trained, _ = advance(begin(learner, world, 0), learner, world, built.sampler.train, 10)
    fine = FineTune(learner, jnp.asarray(MOVING))
    fresh = fine.begin(trained.state, world, jax.random.key(7))
    after, _ = advance(Progress(fresh, jnp.zeros((), jnp.int32), trained.key), fine, world, built.sampler.train, 1)
    before, now = trained.state.beside, after.state.beside
    assert int(now.rounds) == 11
    assert np.array_equal(now.zone, before.zone)
    nothing = learner.learned(before, jnp.zeros((2, *before.cost.shape[1:])), jnp.asarray([0, 1]), world)
    assert np.allclose(nothing.cost[:2], before.cost[:2] * (1 - 1 / 11), rtol=1e-5)


def test_a_flock_learns_on_among_the_homes_it_is_judged_in(tmp_path):
    """Their training weeks, from the networks that it has; test days stay the judge's."""
    sets = ["homes.count=20", "data.homes_held_out=['B01', 'B02']", "judge.test_days=2", "judge.bound_days=0"]
    sets += ["learn.rounds=4", "learn.settings.hidden=[8]", "learn.settings.violated_days=0.25"]
    scenario = load(None, sets)
    experiment = Experiment(scenario, open_run(scenario, tmp_path))
    experiment.training("gradmap")
    sampler, among = experiment.built.sampler, experiment.among(met(experiment.built))
    source = sampler.source
    assert not np.isin(source["train"], source["test"]).any()
    assert all(np.array_equal(each, source["test"]) for each in among.built.sampler.source.values())
    assert among.built.sampler.split_days is sampler.split_days
    assert among.idle["cost"] != experiment.idle["cost"], "beside these homes uncontrolled"
    _, trained, _ = was_trained(experiment, "gradmap")
    learner = experiment.parts.learner("gradmap")
    assert isinstance(learner, GradMAP)
    first = going_on(learner, trained.state, experiment.world, jax.random.key(0))
    assert not changed(first.nets, trained.state.mean).any()
    assert int(first.done) == 0
    assert first.margins is trained.state.margins
    found = tuned(experiment, "gradmap", [], 3)
    assert found.homes["home"].to_list() == list(range(20))
    assert (found.homes["gradmap"] != found.homes["gradmap+tuned"]).all()
    many = dataclasses.replace(found, homes=pl.concat([found.homes, found.homes.head(3)]))
    assert len(shown(found).renderables) == 2
    assert shown(many).renderables[-1] == "and 3 homes more: --csv, --json"
