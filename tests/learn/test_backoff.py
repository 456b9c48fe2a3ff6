"""Margins that follow the days that break a limit."""

from types import SimpleNamespace

import jax.numpy as jnp
import pytest

from wattflock.feeder.limits import Conditions, Limits
from wattflock.learn.backoff import BEGINS, PACE, BackOff
from wattflock.learn.learners.gradmap import GradMAP

RULE, DONE = BackOff(margin_pu=0.005, violated_days=0.25, rounds=100), jnp.asarray(60)


def days(voltage_pu: list[float], loading: list[float]) -> SimpleNamespace:
    """An outcome of days of two steps; each has one voltage and one loading at its second step."""

    def second(values: list[float], calm: float) -> jnp.ndarray:
        return jnp.stack([jnp.full(len(values), calm), jnp.asarray(values)], -1)[..., None]

    count = len(loading)
    found = Conditions(
        second(voltage_pu, 1.0), second(loading, 0.0), jnp.zeros((count, 2, 0)), jnp.ones((count, 2), bool)
    )
    return SimpleNamespace(conditions=found, steps=2, days=count)


def test_a_margin_widens_while_more_days_than_the_aim_break_the_limit_and_falls_while_fewer_do():
    start = RULE.first() | {"loading": jnp.asarray(0.1), "voltage": jnp.asarray(0.01)}
    half = RULE.after(start, DONE, Limits(), days([1.0] * 4, [1.2, 1.1, 0.9, 0.9]))
    assert half["loading"] == pytest.approx(0.1 + PACE / 100), "half of the days: twice the aim, the fastest"
    assert half["voltage"] == pytest.approx(0.01 - 0.05 * PACE / 100), (
        "no day: the fastest down; a share of half the band"
    )
    aim = RULE.after(start, DONE, Limits(), days([0.94, 1.0, 1.0, 1.0], [1.2, 0.9, 0.9, 0.9]))
    assert {name: float(value) for name, value in aim.items()} == pytest.approx(
        {name: float(value) for name, value in start.items()}
    ), "one day of four is the aim"


def test_margins_stay_within_bounds_and_as_they_are_while_everything_is_still_learned():
    kept, broken = days([1.0] * 4, [0.5] * 4), days([0.9] * 4, [3.0] * 4)
    first = RULE.first()
    assert RULE.after(first, DONE, Limits(), kept) == first, "never below the setting"
    wide = first | {"loading": jnp.asarray(PACE), "voltage": jnp.asarray(PACE * 0.05)}
    assert RULE.after(wide, DONE, Limits(), broken) == wide, "no wider than half of a limit"
    assert RULE.after(first, jnp.asarray(BEGINS * 100 - 1), Limits(), broken) == first


@pytest.mark.slow
@pytest.mark.parametrize("violated_days", [0.0, 0.2])
def test_a_learner_narrows_its_limits_by_these_margins(world, profile, violated_days):
    import jax

    tight = GradMAP(hidden=(4,), days=2, total_rounds=4, violated_days=violated_days, multiplier_init=500.0)
    narrow = world.__class__(**{**vars(world), "limits": Limits(0.999, 1.001, 1e-3, 1e-6)})  # every day breaks all
    state = tight.init(narrow, jax.random.key(0))
    for _ in range(3):
        state, _ = jax.jit(lambda s: tight.update(s, narrow, lambda key, count: profile, jax.random.key(1)))(state)
    if not violated_days:
        assert state.margins == {}
        return
    rounds_moved = 2  # of three: the first one is before BEGINS of four
    assert state.margins["loading"] == pytest.approx(1e-3 * PACE / 4 * rounds_moved, rel=1e-5)
    assert tight.margins(state) is state.margins
