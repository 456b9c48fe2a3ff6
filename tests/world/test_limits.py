"""Limits beside voltages: loadings and unbalance in the verdict, the objective and the tables; worlds without wires."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

from wattflock.core.errors import ScenarioError
from wattflock.core.scenario import load
from wattflock.core.sections import FeederSection
from wattflock.core.types import on_device
from wattflock.feeder import partition as cutting
from wattflock.feeder.circuit import GROUND, Bus, Circuit, Element, Infeed, Spot
from wattflock.feeder.feeders.ieee123 import IEEE123
from wattflock.feeder.limits import Limits, conditions
from wattflock.feeder.rated import rated
from wattflock.feeder.reduce import reduce_circuit
from wattflock.feeder.solve import solve
from wattflock.learn.lagrangian import Lagrangian
from wattflock.learn.learners.gradmap import GradMAP
from wattflock.learn.learners.idle import Uncontrolled
from wattflock.learn.learners.pdl import PDL
from wattflock.learn.learners.shac import Shac
from wattflock.study.bound import bound, sensitivity
from wattflock.study.build import build, judges_of, limits_of
from wattflock.study.evaluate import evaluate
from wattflock.study.summary import summarise
from wattflock.study.tables import branches_table, days_table, nodes_table, steps_table
from wattflock.world.rollout import judge, rollout
from wattflock.world.world import measures

KEY = jax.random.key(0)
OHM, AMPERE = 0.02, 100.0


def line(name: str, here: int, there: int, rating_a: float) -> Element:
    """One conductor of `OHM`."""
    admittance = np.array([[1, -1], [-1, 1]]) / OHM + 0j
    return Element(f"line.{name}", ((here,), (there,)), admittance, rating_a=rating_a)


@pytest.fixture(scope="module")
def two_lines():
    """A stiff source of 240 V, a line of 100 A, one without a rating, and a load at its end."""
    stiff = np.array([[1e9 + 0j]])
    return rated(
        reduce_circuit(
            Circuit(
                name="two lines",
                frequency_hz=60.0,
                buses=tuple(Bus(name, 0.24 * 3**0.5) for name in "abc"),
                nodes=("a.1", "b.1", "c.1"),
                node_kv=np.full(3, 0.24),
                elements=(line("unrated", 1, 2, np.nan), line("rated", 0, 1, AMPERE)),
                infeeds=(Infeed("grid", (0,), np.array([240 + 0j]), stiff),),
                spots=(Spot("load", 2, GROUND, 10.0, 0.0, 0.24),),
            )
        )
    )


@pytest.fixture(scope="module")
def heavy(built):
    """The small world with voltmeters, heavy enough that lines are overloaded; float64."""
    with jax.enable_x64(True):
        return on_device(dataclasses.replace(built.world, placement=1.2 * built.world.placement), jnp.float64)


@pytest.fixture(scope="module")
def trial(heavy, profile64):
    with jax.enable_x64(True):
        return eqx.filter_jit(rollout)(heavy, Uncontrolled(), profile64, KEY)


@pytest.fixture(scope="module")
def bare():
    """Five homes without wires."""
    return build(load(None, ["homes.count=5", "feeder.part=none"]))


@pytest.mark.slow
def test_loading_is_judged_where_a_rating_is_known(two_lines, heavy, trial, profile64, float64):
    """I = P / U with U = (240 + √(240² - 4 R P)) / 2 over R = 2 OHM; all homes at one terminal, no reactive power."""
    placement = jnp.ones((heavy.homes, 1)) / heavy.homes
    world = dataclasses.replace(
        heavy, feeder=two_lines, placement=placement, limits=Limits(0.5, 1.5, 0.9), judges=("voltage", "loading")
    )
    share = np.linspace(0.2, 1.0, heavy.steps)[None, :, None]
    kw = jnp.asarray(np.broadcast_to(30 * share, trial.effect.power_kw.shape))
    effect = dataclasses.replace(trial.effect, power_kw=kw, reactive_kvar=0 * kw, room_kvar=0 * kw)
    outcome = world.verdict(effect, trial.end, profile64)
    assert world.judged == {"voltage": ("b.1", "c.1"), "loading": ("line.rated.1",)}
    watt = 30e3 * share[0, :, 0]
    ampere = 2 * watt / (240 + np.sqrt(240**2 - 4 * 2 * OHM * watt))
    np.testing.assert_allclose(outcome.conditions.loading[0, :, 0], ampere / AMPERE, rtol=1e-9)
    over = np.maximum(ampere / AMPERE - 0.9, 0)
    np.testing.assert_allclose(outcome.excess["loading"][1, :, 0], over, rtol=1e-8, atol=1e-9)
    found = measures(world.limits, outcome)
    assert float(found["overload_share_h"]) == pytest.approx(over.sum() * 24 / heavy.steps, rel=1e-7)
    assert float(found["overloaded_share"]) == pytest.approx((over > 0).mean())
    assert "unbalanced_share" not in found and outcome.excess.keys() == {"voltage", "loading"}


@pytest.mark.study
@pytest.mark.parametrize("width", [None, 12], ids=["one block", "many blocks"])
def test_a_feeder_of_rated_branches_has_their_currents(width, monkeypatch, float64):
    if width:
        monkeypatch.setattr(cutting, "DENSE_MOST", width)
        monkeypatch.setattr(cutting, "_products", lambda found: -len(found.blocks))  # however many they cost
        monkeypatch.setattr(cutting, "WIDTHS", (width,))
    whole = reduce_circuit(IEEE123().circuit())
    assert (whole.terminal.impedance.local.shape[0] > 1) == bool(width)
    some, known = rated(whole), whole.rating_a > 0
    assert some.branch.names == tuple(np.array(whole.branch.names)[known])
    assert 0 < len(some.branch.names) < len(whole.branch.names)
    one, other = (solve(each, whole.nominal_kw[None], whole.nominal_kvar[None], 1e-12) for each in (whole, some))
    np.testing.assert_allclose(other.branch_a, one.branch_a[:, known], rtol=1e-12)
    np.testing.assert_allclose(other.voltage_pu, one.voltage_pu, rtol=1e-12)


def test_a_voltmeter_s_flow_is_that_of_the_verdict(heavy, trial, profile64, float64):
    kept, solved = judge(heavy, trial, profile64), heavy.verdict(trial.effect, trial.end, profile64)
    assert trial.conditions is not None
    assert kept.excess.keys() == {"voltage", "loading", "unbalance"}
    for one, other in zip(jax.tree.leaves(kept), jax.tree.leaves(solved), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-8)


@pytest.mark.study
@pytest.mark.parametrize("limit", ["loading", "unbalance"])
def test_the_price_of_a_limit_has_the_slope_of_finite_differences(limit, heavy, trial, profile64, float64):
    """Along all homes' power; of one limit alone, and as large as its worth says."""
    weights = {"loading_pu": 0.05, "unbalance_pu": 0.5} | {f"{limit}_pu": 0.2}
    lagrangian = Lagrangian(100.0, 0.0, 0.0, 0.0, **weights)
    alone = {name: each * (name == limit) for name, each in lagrangian.multiplier(heavy).items()}

    @jax.jit
    def wires(scale):
        effect = dataclasses.replace(trial.effect, power_kw=scale * trial.effect.power_kw)
        outcome = heavy.verdict(effect, trial.end, profile64)
        return lagrangian.wires(outcome, alone), outcome

    value, outcome = wires(1.0)
    assert bool(outcome.converged.all())
    hours = (outcome.excess[limit] * outcome.dt_h[..., None]).sum((0, 1)).mean()
    assert float(value) == pytest.approx(100 * 0.2 * float(hours) * heavy.homes * outcome.price_level, rel=1e-9)
    assert float(value) > 0
    ahead, back = (float(wires(1 + step)[0]) for step in (1e-6, -1e-6))
    slope = float(jax.grad(lambda scale: wires(scale)[0])(1.0))
    assert slope == pytest.approx((ahead - back) / 2e-6, rel=1e-4)


@pytest.mark.study
@pytest.mark.parametrize("limit", ["voltage", "loading", "unbalance"])
def test_the_slopes_of_the_optimum_are_those_of_finite_differences(limit, heavy, trial, float64):
    kw, kvar = (each[:1, 18] @ heavy.placement for each in (trial.effect.power_kw, trial.effect.reactive_kvar))
    feeder, picked, at = heavy.feeder, np.arange(64), 17

    def level(load_kw):
        return getattr(
            conditions(feeder, solve(feeder, load_kw, kvar, 1e-12)), f"{limit}{'_pu' * (limit == 'voltage')}"
        )

    step = 1e-3 * np.eye(len(feeder.terminals))[at : at + 1]
    slope = (level(kw + step) - level(kw - step))[0, picked] / 2e-3
    found = sensitivity(heavy, kw, kvar, limit, picked)
    little = 1e-3 * np.abs(slope).max()  # the magnitude of a small current bends within the difference
    np.testing.assert_allclose(found[0, :, at], slope, rtol=1e-4, atol=little)
    assert np.abs(slope).max() > 1e-8


@pytest.mark.study
def test_an_overload_shows_in_the_tables(heavy, profile64):
    judged = evaluate(heavy, Uncontrolled(), profile64, np.arange(1))
    branches = branches_table("idle", judged, profile64, heavy.judged["loading"])
    assert branches.height == len(heavy.judged["loading"]) == 265
    worst = branches.sort("loading_max").tail(1)
    assert worst["branch"].item().startswith("line.") and worst["loading_max"].item() > 1.2
    assert branches["loading_max"].max() == pytest.approx(judged.loading.max())
    assert (branches["overloaded_share"] > 0).sum() == (judged.loading.max((0, 1)) > 1).sum()
    steps = steps_table("idle", judged, profile64, ["2020-01-01", "2020-01-02"])
    assert steps["loading_max"].max() == pytest.approx(worst["loading_max"].item())
    days = days_table("idle", judged, profile64, ["2020-01-01", "2020-01-02"])
    known = days.with_columns(optimum_cost_per_home=pl.lit(None, pl.Float64))
    figures = summarise(known, "idle")
    assert figures["worst_loading"] == pytest.approx(judged.loading.max())
    assert figures["overloaded_share"] == pytest.approx((judged.loading > 1).mean())
    assert figures["worst_unbalance"] == pytest.approx(judged.unbalance.max())
    calm = known.with_columns(violated_share=0.0, unbalanced_share=0.0, overloaded_share=pl.Series([0.0, 0.1]))
    assert summarise(calm, "idle")["days_with_violation_share"] == 0.5, "an overload alone is a violation"


def test_a_scenario_says_which_limits_are_judged(two_lines):
    section = FeederSection(service_drop_pu=0.01, loading=0.8, unbalance=0.0)
    found = limits_of(section)
    assert (found.low_pu, found.high_pu, found.loading) == pytest.approx((0.96, 1.04, 0.8))
    assert judges_of(section, two_lines) == ("voltage", "loading")
    unknown = dataclasses.replace(two_lines, rating_a=np.array([np.nan]))
    assert judges_of(FeederSection(), unknown) == ("voltage", "unbalance")
    assert judges_of(FeederSection(loading=0.0), two_lines) == ("voltage", "unbalance")
    with pytest.raises(ScenarioError, match="half the band"):
        load(None, ["feeder.low_pu=0.98", "feeder.service_drop_pu=0.04"])


@pytest.mark.slow
def test_homes_without_wires_are_judged_by_bills_alone(bare):
    assert bare.world.feeder is None and bare.world.judged == {} and bare.world.voltmeter is None
    assert bare.world.placement.sum() == 5 * 2
    profile = eqx.filter_jit(bare.sampler.every)(KEY, "test")
    profile = jax.tree.map(lambda each: each[:2], profile)
    judged = evaluate(bare.world, Uncontrolled(), profile, np.arange(2))
    assert judged.voltage_pu.shape == (2, bare.world.steps, 0) and judged.excess == {}
    assert judged.converged.all() and (judged.cost > 0).any()
    steps = steps_table("idle", judged, profile, ["2020-01-01", "2020-01-02"])
    absent = ["voltage_min_pu", "voltage_median_pu", "violation_pu_h", "over_share", "loading_max", "unbalance_max"]
    assert steps.select(absent).null_count().row(0) == (steps.height,) * len(absent)
    assert nodes_table("idle", judged, profile, ()).is_empty()
    assert branches_table("idle", judged, profile, ()).is_empty()
    days = days_table("idle", judged, profile, ["2020-01-01", "2020-01-02"])
    figures = summarise(days.with_columns(optimum_cost_per_home=pl.lit(None, pl.Float64)), "idle")
    assert figures["cost_per_home_day"] == pytest.approx(judged.cost.mean())
    assert figures["violation_pu_h"] is None and figures["days_with_violation_share"] is None
    optimum = next(bound(bare.world, jax.tree.map(lambda each: each[:1], profile)))
    assert optimum.converged and optimum.worst == {}
    assert optimum.cost == pytest.approx(optimum.free_cost, abs=5e-3)
    assert optimum.cost < judged.cost[0].sum()


@pytest.mark.slow
@pytest.mark.parametrize("kind", [GradMAP, PDL, Shac])
def test_learners_learn_without_wires(kind, bare):
    world, learner = on_device(bare.world, "float32"), kind(days=1)
    state = learner.init(world, KEY)
    after, log = eqx.filter_jit(learner.update)(state, world, bare.sampler.train, KEY)
    assert np.isfinite(float(log["objective"])) and float(log["violation_pu_h"]) == 0
    assert not eqx.tree_equal(after.nets, state.nets)
    assert all(bool(jnp.isfinite(leaf).all()) for leaf in jax.tree.leaves(after.nets))


def test_inverters_cannot_answer_a_voltage_that_is_not_there():
    with pytest.raises(ScenarioError, match="volt_var"):
        build(load(None, ["homes.count=2", "feeder.part=none", "homes.volt_var=[0.95, 0.97, 1.03, 1.05]"]))
