"""Homes by spans of names, and training days on which a home has the readings of another."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wattflock.core.errors import ScenarioError
from wattflock.core.scenario import bundled, load
from wattflock.core.spans import spelled
from wattflock.study.build import build

SOME = ["homes.count=6", "data.settings.homes=9", 'data.homes_held_out=["H000006..H000008"]', "data.dt_h=1.0"]


def test_a_span_is_its_names():
    assert spelled(["B03", "H007..H010"]) == ("B03", "H007", "H008", "H009", "H010")


@pytest.mark.parametrize("wrong", ["H4..H2", "A1..B2", "H01..H002", "H1..H9999999"])
def test_a_span_that_is_none_is_refused_with_the_field(wrong):
    with pytest.raises(ScenarioError, match="held_out"):
        load(bundled()["thousand"], [f'data.homes_held_out=["{wrong}"]'])


@pytest.fixture(scope="module")
def built():
    return build(load(bundled()["thousand"], SOME))


@pytest.mark.slow
def test_homes_of_a_span_are_met_on_test_days_alone(built):
    source = built.sampler.source
    assert set(np.asarray(source["train"])) == set(range(6))
    assert set(np.asarray(source["test"])) <= {6, 7, 8}


@pytest.mark.slow
def test_swapped_days_have_readings_of_homes_that_are_not_held_out(built):
    sampler = built.sampler
    every = dataclasses.replace(sampler, augment=dataclasses.replace(sampler.augment, swap_share=1.0))
    half = dataclasses.replace(sampler, augment=dataclasses.replace(sampler.augment, swap_share=0.5))
    key, own = jax.random.key(0), sampler.source["train"]
    assert sampler._swapped(own, 500, 0.0, key) is own
    for some, share in ((every, 1.0), (half, 0.5)):
        found = some._swapped(own, 500, share, key)
        assert found.shape == (500, 6) and set(np.asarray(found).ravel()) <= set(range(6))
        other = float((found != own[None]).mean())
        assert abs(other - share * 5 / 6) < 0.03
    loads = [some.draw(jax.random.key(1), "train", 4).load_kw for some in (sampler, every)]
    assert loads[0].shape == loads[1].shape and bool((loads[0] != loads[1]).any())
    tests = [some.draw(jax.random.key(1), "test", 4).load_kw for some in (sampler, every)]
    assert bool((jnp.asarray(tests[0]) == jnp.asarray(tests[1])).all())


@pytest.mark.study
def test_days_have_their_kind_by_their_measured_temperature(built):
    days = built.sampler.every(jax.random.key(0), "test")
    calendar = np.asarray(built.sampler.calendar("test"))
    mean_c = built.readings.outdoor_c.mean(1)[calendar]
    assert (np.asarray(days.day_kind)[:, 0] == np.digitize(mean_c, [7.0, 13.0])).all()
    assert len(set(np.asarray(days.day_kind)[:, 0])) == 3
