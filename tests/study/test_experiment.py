"""An experiment goes on until every method was judged after all its rounds; parts of one's own need no file."""

import dataclasses
import datetime
import re
from types import SimpleNamespace

import numpy as np
import pytest

from tests.study.own import Flat, Guess, Pool
from wattflock.core import progress
from wattflock.core.errors import RunError, ScenarioError
from wattflock.core.scenario import load
from wattflock.data.sample import spread
from wattflock.learn.learners.gradmap import GradMAP
from wattflock.study.bound import USUAL, Optimum, Settings, bound
from wattflock.study.build import build, parts_of, refuse_few
from wattflock.study.compare import judge_plans, unseen
from wattflock.study.curve import curves, note
from wattflock.study.evaluate import evaluate
from wattflock.study.run import Run, open_run, table_of_runs
from wattflock.verbs import experiment as verbs
from wattflock.verbs.experiment import Experiment, experiment_of
from wattflock.verbs.judging import compared, doubts, finished, judged, read_back
from wattflock.world.rollout import ZeroPolicy

SHORT = 1e-9  # minutes: one chunk of rounds
FEW = ["homes.count=5", "feeder.part=ieee13", "judge.test_days=2", "judge.bound_days=1"]


@pytest.fixture(scope="module")
def brief():
    """A comparison of seconds, of a learner whose rounds take milliseconds."""
    return load(None, [*FEW, "judge.methods=['idle']"])


def mine(brief, runs, minutes=0.0) -> Experiment:
    return experiment_of(brief, runs, {"guess": Guess()}, minutes=minutes)


@pytest.fixture(scope="module")
def cut(brief, tmp_path_factory):
    """A comparison that stopped after 10 of its 20 rounds."""
    runs = tmp_path_factory.mktemp("cut")
    return runs, compared(mine(brief, runs, SHORT))


@pytest.mark.slow
def test_a_comparison_that_was_cut_says_so_and_goes_on(brief, cut):
    runs, found = cut
    assert found.unfinished == {"guess": (10, 20)}
    assert not finished(mine(brief, runs))
    states = dict(table_of_runs(runs).select("method", "state").iter_rows())
    assert states == {"idle": "complete", "guess": "10 of 20 rounds", "bound": "complete"}
    assert mine(brief, runs).training("guess").rounds == 20
    assert not finished(mine(brief, runs)), "trained to the end, but judged in the middle"
    again = compared(mine(brief, runs))
    assert again.unfinished == {}
    assert finished(mine(brief, runs))
    assert read_back(Run(again.folder)).summary == again.summary
    assert set(dict(table_of_runs(runs).select("method", "state").iter_rows()).values()) == {"complete"}


@pytest.mark.study
def test_a_learner_without_a_file_is_trained_kept_nowhere_and_judged(brief, cut):
    training = mine(brief, None, SHORT).training("guess")
    assert (training.rounds, training.rounds_asked, training.checkpoint) == (10, 20, None)
    assert training.curve["split"].to_list() == ["train", "validation"]
    runs, found = cut
    before = judged(dataclasses.replace(mine(brief, runs), run=Run(found.folder)), ["guess"])
    assert before.methods["method"].to_list() == ["idle", "guess"]
    assert [folder.name for folder in runs.iterdir()] == [found.folder.name]
    assert found.methods.columns[0] == "method" and "cost_per_home_day" in found.methods.columns
    with pytest.raises(RunError, match="train guess first"):
        judged(mine(brief, None), ["guess"])


def test_parts_of_one_s_own_have_folders_of_their_own(brief, tmp_path):
    plain = open_run(brief, tmp_path)
    runs = [experiment_of(brief, tmp_path).run, mine(brief, tmp_path).run,
            experiment_of(brief, tmp_path, {"guess": Guess(0.2)}).run,
            experiment_of(brief, tmp_path, instead={"market": Flat()}).run]  # fmt: skip
    assert runs[0] == plain
    assert len({run.folder for run in runs if run}) == 4


@pytest.mark.slow
def test_a_market_of_one_s_own_bills_and_one_without_prices_has_no_bound(brief):
    asked = brief.model_copy(update={"judge": brief.judge.model_copy(update={"yardsticks": ("mpc",)})})
    experiment = experiment_of(asked, instead={"market": Pool()})
    assert "no fixed prices" in experiment.no_bound
    found = compared(experiment)
    assert found.summary["bound_days"] == 0
    assert found.methods["method"].to_list() == ["idle"]
    assert "no bound under this market: the market Pool" in found.summary["notes"][0]
    assert found.summary["notes"][1] == "no mpc: judged on days with a bound, of which there are none"
    flat = compared(experiment_of(brief, instead={"market": Flat()}))
    assert flat.methods["method"].to_list() == ["idle", "bound"]
    assert flat.summary["notes"] == ["Flat stands in place of the scenario's Tariff"]
    assert flat.tables["steps"]["import_price_per_kwh"].unique().to_list() == [0.3]


@pytest.mark.study
@pytest.mark.parametrize(("work", "planner"), [("optima", "optima"), ("receding", "mpc")])
def test_progress_of_plans_is_per_home_and_day(work, planner, monkeypatch):
    """Plans of 30 for an episode of two days, five homes: 3 for each home and day."""
    experiment, said = experiment_of(load(None, [*FEW, "data.episode_days=2"])), []
    plan = SimpleNamespace(cost=30.0, action=np.zeros(0), worst={"voltage": 0.0})
    monkeypatch.setattr(verbs, planner, lambda *_: [plan])
    monkeypatch.setattr(progress.Bar, "at", lambda self, done, note: said.append(note))
    getattr(experiment, work)()
    assert re.search(r"3\.000 \w+ per home and day$", said[-1])


def test_progress_says_how_many_optima_break_a_limit(monkeypatch):
    experiment, said = experiment_of(load(None, FEW)), []
    plans = [SimpleNamespace(cost=30.0, action=np.zeros(0), worst={"loading": beyond}) for beyond in (0.0, 0.01)]
    monkeypatch.setattr(verbs, "optima", lambda *_: plans)
    monkeypatch.setattr(progress.Bar, "at", lambda self, done, note: said.append(note))
    experiment._solved("bound", experiment.days.profile)
    assert said[-2].endswith("per home and day") and said[-1].endswith("per home and day, 1 of 2 break a limit")


@pytest.mark.study
@pytest.mark.parametrize(
    ("flag", "said"),
    [
        ("judge.test_days=71", "judge.test_days = 71; allowed: 1 to 70"),
        ("judge.test_days=200", "judge.test_days = 200; allowed: 1 to 70"),
        ("judge.bound_days=71", "judge.bound_days = 71; allowed: 0 to 70"),
        ("data.homes_held_out=['nobody']", "data.homes_held_out"),
    ],
)
def test_what_is_refused_leaves_no_folder(flag, said, small, tmp_path):
    refused = load(None, [*small, flag])
    for work in (compared, lambda experiment: experiment.training("gradmap")):
        with pytest.raises(ScenarioError, match=said):
            work(Experiment(refused, open_run(refused, tmp_path)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_tolerance_of_the_search_is_no_violation(small):
    """Of a plan that violates all day; and the optimum of such a day, found within 1e-4 pu, violates nothing."""
    built = build(load(None, [*small, "judge.test_days=1", "judge.bound_days=1"]))
    days = unseen(built, 1, 0, 1)
    idle = {0: np.zeros((24, 20, built.world.fleet.controls))}
    judged = evaluate(built.world, ZeroPolicy(), days.profile, days.few, idle[0][None])
    assert judged.excess["voltage"].max() > 0.02 and judged.excess["loading"].max() > 0.3
    loose = Settings(tolerance_pu=0.01, loading_pu=0.05)
    found = judge_plans(built, days, "mine", idle, loose)["days"]
    for limit, off, column in (("voltage", 0.01, "violated_share"), ("loading", 0.2, "overloaded_share")):
        assert found[column].item() == pytest.approx((judged.excess[limit] > off).mean())
        assert found[column].item() < (judged.excess[limit] > 0).mean()
    hours = np.maximum(judged.excess["voltage"] - 0.01, 0).sum(1).mean()
    assert found["violation_pu_h"].item() == pytest.approx(hours)
    half = dataclasses.replace(built.world, placement=built.world.placement / 2)  # limits can be kept
    built, (best,) = dataclasses.replace(built, world=half), bound(half, days.profile)
    plain, fair = (judge_plans(built, days, "bound", {0: best.action}, each)["days"] for each in (None, USUAL))
    assert best.converged and 0 < plain["worst_pu"].item() < 1e-4
    assert plain["violated_share"].item() > 0
    assert fair["violated_share"].item() == 0


@pytest.mark.parametrize(("each", "broken"), [(1, 0), (900, 2)])
def test_loads_that_break_limits_without_any_device_are_told(brief, each, broken):
    heavy = brief.model_copy(update={"homes": brief.homes.model_copy(update={"homes_per_agent": float(each)})})
    judge = heavy.judge.model_copy(update={"bound_days": 0})
    found = compared(experiment_of(heavy.model_copy(update={"judge": judge}))).summary["notes"]
    said = f"loads of homes without any device break a limit on {broken} of 2 test days"
    assert len(found) == (broken > 0) and all(note.startswith(said) for note in found)


def test_an_optimum_that_breaks_a_limit_is_told():
    none = np.zeros((24, 0))
    kept, broken = (
        Optimum(1.0, 1.0, 1.0, none, none, 3, 9e-5, {"loading": loading, "voltage": 9e-5}, 0.0, 0.0, True)
        for loading in (1.1e-3, 2.2e-3)
    )
    (said,) = doubts({"2027-05-14": kept, "2027-05-17": broken})
    assert said.startswith("the optimum of 2027-05-17 breaks a limit (loading by 0.22 % at most)")


@pytest.mark.slow
def test_homes_with_panels_alone_are_judged_and_nothing_learns_there():
    roofs = 'homes.kinds=[{name="roof", share=0.5, devices=["panel"]}]'
    experiment = experiment_of(load(None, [roofs, *FEW, 'judge.methods=["idle", "rules"]']))
    with pytest.raises(ScenarioError, match="a kind with a device to control"):
        experiment.training("gradmap")
    methods = compared(experiment).summary["methods"]
    assert methods["idle"]["cost_per_home_day"] == methods["rules"]["cost_per_home_day"]


def test_a_checked_scenario_becomes_its_parts_without_another_check(small, monkeypatch):
    checked = load(None, [*small, "learn.settings={days=2, hidden=[8]}", "learn.rounds=7"])
    monkeypatch.setattr("wattflock.core.settings.settings_model", None)  # calling it would fail
    learner = parts_of(checked).learner("gradmap")
    assert isinstance(learner, GradMAP)
    assert (learner.hidden, learner.days, learner.rounds()) == ((8,), 2, 7)


@pytest.mark.slow
def test_curves_show_the_share_of_the_optimum_of_the_days_that_are_watched():
    """The optimum of the same two days, on which the uncontrolled homes have 0 and nobody more than 1."""
    sets = [*FEW, "feeder.part=none", "judge.methods=['idle']", "judge.bound_days=0", "judge.curve_days=2"]
    experiment = experiment_of(load(None, sets), None, {"guess": Guess()})
    curve = compared(experiment).tables["curves"].filter(split="validation")
    optimum = [each.cost for each in bound(experiment.built.world, experiment.watched)]
    assert experiment.watched.days() == len(optimum) == 2
    possible = experiment.idle["cost"] - np.mean(optimum) / experiment.scenario.homes.count
    np.testing.assert_allclose(curve["captured"], (experiment.idle["cost"] - curve["cost"]) / possible, rtol=1e-6)
    assert possible > 0 and (curve["captured"].to_numpy() < 1).all() and curve.height >= 2


def test_a_curve_of_days_without_an_optimum_says_no_share():
    row = {"method": "guess", "seed": 0, "round": 1, "split": "validation", "cost": 3.0}
    assert curves([row], 4.0, None)["captured"].to_list() == [None]
    assert curves([row], 4.0, 4.0)["captured"].to_list() == [None], "nothing to save"
    assert curves([row, row | {"split": "train"}], 4.0, 2.0)["captured"].to_list() == [0.5, None]


@pytest.mark.study
@pytest.mark.parametrize("wanted", [7, 10, 12, 20])
def test_some_days_of_a_year_hold_every_weekday_and_season(built, wanted):
    """Both the days that are judged and those with a bound; ten whole weeks are for the judge, the fifth first."""
    few, bound = unseen(built, wanted, 0), unseen(built, 0, 0, wanted)
    for dates in (few.dates, [bound.dates[day] for day in bound.planned]):
        days = [datetime.date.fromisoformat(date) for date in dates]
        assert len(set(days)) == wanted and {day.weekday() for day in days} == set(range(7))
        assert {day.month % 12 // 3 for day in days} == {0, 1, 2, 3}


def test_days_with_a_bound_are_one_of_each_part_of_the_year():
    places = spread([place % 7 for place in range(70)], 10)
    assert places == [0, 10, 20, 23, 33, 36, 46, 49, 59, 69]
    assert spread([3, 4, 5], 7) == [0, 1, 2] and spread([3, 4, 5], 0) == []


def test_seeds_of_training_meet_the_same_test_days(small):
    one, other, drawn = (
        Experiment(load(None, [*small, f"{name}={value}"])).days.profile.load_kw
        for name, value in (("seed", 0), ("seed", 1), ("judge.seed", 1))
    )
    assert np.array_equal(one, other) and not np.array_equal(one, drawn)


def test_every_day_is_judged_once_and_no_more_are_there(built):
    days = unseen(built, 70, 0)
    assert len(set(days.dates)) == 70
    with pytest.raises(ScenarioError, match="1 to 70"):
        unseen(built, 71, 0)


@pytest.mark.parametrize(("fold", "days"), [(4, 29), (0, 15), (2, 22)])
def test_readings_that_are_too_short_for_a_split_are_refused(fold, days):
    refuse_few(days, fold)
    with pytest.raises(ScenarioError, match=f"= {days - 1}; allowed: {days} or more"):
        refuse_few(days - 1, fold)


def test_the_bar_says_the_share_of_the_uncontrolled_violation():
    idle = {"cost": 4.0, "violation_pu_h": 2e-6}
    assert note({"cost": 3.5, "violation_pu_h": 5e-9}, idle, "USD") == (
        "3.500 USD/home-day, violation 0.25 % of uncontrolled"
    )
    assert "no violation" in note({"cost": 3.5, "violation_pu_h": 0.0}, idle | {"violation_pu_h": 0.0}, "USD")
    worse = note({"cost": 3.5, "violation_pu_h": 5e-6}, idle | {"violation_pu_h": 0.0}, "USD")
    assert "violation 5 µpu·h, uncontrolled none" in worse
