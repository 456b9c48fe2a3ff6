"""What-if: shares are read, larger shares only add devices, and what a feeder takes is counted from the smallest."""

import dataclasses
from itertools import pairwise

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import polars as pl
import pytest

from wattflock.core.errors import ScenarioError
from wattflock.core.scenario import dump, load
from wattflock.core.types import on_device
from wattflock.feeder.feeders.ieee13 import IEEE13
from wattflock.feeder.limits import Limits
from wattflock.feeder.solve import solve
from wattflock.study.build import build
from wattflock.study.hosting.capacity import worst_stress
from wattflock.study.hosting.sensitivity import operating_point
from wattflock.study.whatif.cells import AIM, Asked, cells, picked
from wattflock.study.whatif.left import CAP_KW, UNLIMITED, judged_limits, more, tightest
from wattflock.study.whatif.outcome import NO_SOLUTION, first_broken, over_seeds, taken, used, uses
from wattflock.study.whatif.shares import DEVICES, abreast, crossed, owners, parsed

HOMES = 10
GRID = {"heat_pumps": (0.0, 0.5), "cars": (0.0, 0.5, 1.0)}


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        ("0:1:0.2", (0, 0.2, 0.4, 0.6, 0.8, 1)),
        ("0:1:0.3", (0, 0.3, 0.6, 0.9)),
        ("0.1:0.1:1", (0.1,)),
        ("0, 0.25 ,1", (0, 0.25, 1)),
        ("0.5", (0.5,)),
    ],
)
def test_shares_are_read(text, shares):
    problems: list = []
    assert parsed(text, "whatif", "--cars", problems) == shares
    assert not problems


@pytest.mark.parametrize(
    "text",
    ["", "x", "0:1", "0:1:0", "1:0:0.5", "0:2:0.5", "0:1:1e-9", "0:nan:1", "0.5,0.2", "0,0", "-1,0", "nan", "inf"],
)
def test_what_are_no_shares_is_told_with_what_is_allowed(text):
    problems: list = []
    assert parsed(text, "whatif", "--cars", problems) == ()
    (problem,) = problems
    assert (problem.field, problem.value) == ("--cars", text)
    assert "0:1:0.2" in problem.allowed


@pytest.mark.parametrize("name", DEVICES)
def test_a_larger_share_only_adds_owners(name):
    every = [owners(name, share, 55, seed=3) for share in np.linspace(0, 1, 12)]
    assert [int(own.sum()) for own in every] == [0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55]
    assert all((many >= few).all() for few, many in pairwise(every))
    assert (owners(name, 0.5, 55, seed=4) != owners(name, 0.5, 55, seed=3)).any()


def asked(**more) -> Asked:
    return Asked("ieee13", GRID, HOMES, **({"seeds": 2, "days": 2} | more))


def test_cells_of_a_seed_differ_by_devices_alone(tmp_path):
    measured = ("data.part=california", "data.settings={}")
    every = cells(asked(seeds=1, sets=measured), tmp_path)
    assert [each.shares for each in every] == crossed(GRID)
    built = [build(each.scenario) for each in (every[0], every[1], every[-1])]
    first, *others = (each.world.fleet.devices for each in built)
    assert all((values == 0).all() for values in (first["ev"].size_kwh, first["heat_pump"].limit_kw))
    for devices, world in zip(others, built[1:], strict=True):
        assert (world.world.placement == built[0].world.placement).all()
        assert eqx.tree_equal(world.sampler, built[0].sampler)
        assert devices["ev"].size_kwh.shape == (HOMES,)
    half, whole = others
    own = half["ev"].size_kwh > 0
    assert own.sum() == 5
    assert (half["ev"].size_kwh[own] == whole["ev"].size_kwh[own]).all()
    assert (whole["ev"].size_kwh > 0).all()
    assert (half["heat_pump"].resistance_c_per_kw == whole["heat_pump"].resistance_c_per_kw).all()


def test_a_cell_is_an_ordinary_scenario_of_its_own_seed(tmp_path):
    one, other = (each for each in cells(asked(), tmp_path) if each.shares == {"heat_pumps": 0.5, "cars": 1.0})
    assert (one.scenario.homes.seed, other.scenario.homes.seed, other.scenario.judge.seed) == (0, 1, 1)
    assert other.scenario.data.settings["seed"] == 1
    kinds = {kind.name: kind.share for kind in one.scenario.homes.kinds}
    assert kinds == {"heat_pump": 0.0, "ev": 0.5, "heat_pump+ev": 0.5}
    file = tmp_path / "cell.toml"
    file.write_text(dump(one.scenario))
    assert load(file) == one.scenario


def test_all_that_cannot_be_asked_is_told_at_once(tmp_path):
    wrong = asked(
        seeds=0, days=-1, methods=("idle", "timr"), limits="en50161", sets=("homes.count=3", "learn.rounds=x")
    )
    with pytest.raises(ScenarioError) as caught:
        cells(wrong, tmp_path)
    told = {problem.field for problem in caught.value.problems}
    assert told == {"--seeds", "--days", "--methods", "--limits", "--set", "learn.rounds"}
    assert "did you mean 'timer'" in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_cell_of_the_map_is_picked_by_its_shares():
    problems: list = []
    assert picked("cars=0.5", GRID, problems) == {"heat_pumps": 0.5, "cars": 0.5}
    assert picked("", GRID, problems) == {}
    assert not problems
    picked("cars=0.4, boats=1", GRID, problems)
    assert [problem.value for problem in problems] == ["cars=0.4", "boats=1"]


def test_a_cell_is_no_second_problem_where_the_shares_themselves_are_wrong():
    problems: list = []
    assert picked("cars=0.5,heat_pumps=0.5", GRID | {"cars": ()}, problems) == {"heat_pumps": 0.5}
    assert picked("cars=0.5", {}, problems) == {}
    assert not problems
    picked("boats=1", {"cars": ()}, problems)
    assert [problem.allowed for problem in problems] == ["a share of this sweep: cars"]


def test_how_much_of_a_limit_is_used():
    scenario = load(None, ["feeder.low_pu=0.9", "feeder.high_pu=1.1", "feeder.unbalance=0.02"])
    used = uses(scenario, (0.95, 1.02), 0.6, 0.03)
    assert used == pytest.approx({"low voltage": 0.5, "high voltage": 0.2, "loading": 0.6, "unbalance": 1.5})
    assert set(uses(scenario, (0.95, 1.02), None, None)) == {"low voltage", "high voltage"}


def outcomes(kept) -> pl.DataFrame:
    """A table of cells by whether (heat pumps, cars, seed) keeps all limits."""
    rows = [
        each | {"method": "idle", "seed": seed, "kept": kept(*each.values(), seed), "limit": "loading"}
        for seed in (0, 1)
        for each in crossed(GRID)
    ]
    numbers = dict.fromkeys(("lowest_pu", "highest_pu", "worst_loading", "worst_unbalance", "use_share"), 1.0)
    numbers |= {"more_kw_capped": False, "least_more_kw_capped": False}
    return pl.DataFrame([row | numbers | {"cost_per_home_day": row["seed"], "unsolved_share": 0.0} for row in rows])


def test_days_are_forgiven_as_far_as_reliability_says():
    """Ten days at 0.96 pu of at least 0.95, two of them at 0.94 and one of these without a solution in a step."""
    days = [day for day in range(10) for _ in range(2)]
    lowest = [0.94 if day in (3, 7) else 0.96 for day in days]
    steps = pl.DataFrame({
        "day": days, "voltage_min_pu": lowest, "voltage_max_pu": [1.0] * 20, "converged": [True] * 20,
        "loading_max": [0.2] * 20, "unbalance_max": [0.0] * 20,
    })  # fmt: skip
    scenario = load(None, ["feeder.low_pu=0.95", "feeder.loading=1.0"])
    strict, some = (used(scenario, steps, reliability) for reliability in (1.0, 0.8))
    assert (strict["kept"], strict["limit"], strict["kept_days_share"]) == (False, "low voltage", 0.8)
    assert strict["use_share"] == pytest.approx(1.2)
    assert (some["kept"], some["use_share"]) == (True, pytest.approx(0.8))
    assert not used(scenario, steps, 0.81)["kept"]
    unsolved = steps.with_columns(converged=pl.Series([True] * 7 + [False] + [True] * 12))
    assert used(scenario, unsolved, 1.0) == {
        "kept_days_share": 0.8, "use_share": None, "limit": NO_SOLUTION, "kept": False
    }  # fmt: skip
    assert used(scenario, unsolved, 0.9)["limit"] == "low voltage"


def test_shares_rise_together_or_in_every_combination():
    sweeps = {"heat_pumps": (0.0, 0.5), "cars": (0.2, 1.0)}
    assert abreast(sweeps) == [{"heat_pumps": 0.0, "cars": 0.2}, {"heat_pumps": 0.5, "cars": 1.0}]
    assert len(crossed(sweeps)) == 4
    assert abreast(sweeps | {"panels": (0.3,)})[1] == {"heat_pumps": 0.5, "cars": 1.0, "panels": 0.3}


def test_what_a_feeder_takes_is_counted_from_the_smallest_share_on():
    only = asked(methods=("idle",))
    table = outcomes(lambda pumps, cars, seed: pumps == 0 and (cars == 0 or (seed == 1 and cars == 1)))
    none, some = (
        taken(table, "cars", only).filter(pl.col("heat_pumps") == share).row(0, named=True) for share in (0.5, 0)
    )
    assert (none["none_seeds"], none["least"], none["most"]) == (2, None, None)
    assert (some["least"], some["most"], some["most_homes"]) == (0.0, 0.0, 0)  # 1 is kept, 0.5 before it is not
    table = outcomes(lambda pumps, cars, seed: cars <= 0.5 + seed)
    row = taken(table, "cars", only).row(0, named=True)
    assert (row["least_homes"], row["most_homes"], row["whole_seeds"]) == (5, 10, 1)
    missing = table.filter(~((pl.col("cars") == 0.5) & (pl.col("seed") == 1)))
    assert taken(missing, "cars", only).row(0, named=True)["most"] == 0.5  # a cell without a result is not kept
    assert first_broken(table, tuple(GRID)) == {"heat_pumps": 0.0, "cars": 1.0}
    assert first_broken(outcomes(lambda *_: True), tuple(GRID)) is None


def test_seeds_are_one_row_with_means_and_ranges():
    table = over_seeds(outcomes(lambda pumps, cars, seed: seed == 0), tuple(GRID))
    assert table.height == len(crossed(GRID))
    row = table.row(0, named=True)
    assert (row["seeds"], row["kept_seeds"]) == (2, 1)
    assert (row["cost_per_home_day"], row["cost_per_home_day_least"], row["cost_per_home_day_most"]) == (0.5, 0, 1)


def test_an_extreme_over_seeds_is_that_of_the_worst_seed():
    """Two seeds at 0.956 pu and one at 0.934: a mean of 0.949 would stand above a limit of 0.94 that is broken."""
    columns = {"lowest_pu": [0.956, 0.934, 0.956], "highest_pu": [1.0, 1.1, 1.01], "worst_loading": [0.5, 0.9, 0.6]}
    columns |= {"worst_unbalance": [0.01, 0.03, 0.02], "least_more_kw": [3.0, 0.0, 6.0], "more_kw": [3.0, 0.0, 6.0]}
    rest = {"cars": [0.5] * 3, "method": ["idle"] * 3, "kept": [True, False, True], "limit": ["low voltage"] * 3}
    rest |= {name: [0.0] * 3 for name in ("unsolved_share", "use_share", "cost_per_home_day")}
    rest |= {"more_kw_capped": [False, False, True], "least_more_kw_capped": [True, False, False]}
    row = over_seeds(pl.DataFrame(columns | rest), ("cars",)).row(0, named=True)
    assert [row[name] for name in columns] == [0.934, 1.1, 0.9, 0.03, 0.0, 3.0]
    assert (row["more_kw_capped"], row["least_more_kw_capped"]) == (True, False)  # a mean may be more, the least is not
    gap = pl.DataFrame(columns | rest).with_columns(lowest_pu=pl.Series([0.956, None, 0.956]))
    assert over_seeds(gap, ("cars",))["lowest_pu"].to_list() == [None]


def test_the_tightest_steps_are_those_of_lowest_voltage_and_highest_loading():
    steps = {"day": [0, 0, 1], "step": [0, 1, 0], "voltage_min_pu": [0.95, 0.94, 0.96]}
    assert tightest(pl.DataFrame(steps | {"loading_max": [0.3, 0.2, 0.9]})) == [(0, 1), (1, 0)]
    unrated = pl.DataFrame(steps | {"loading_max": pl.Series([None] * 3, dtype=pl.Float64)})
    assert tightest(unrated) == [(0, 1), (0, 1)]


@pytest.mark.study
def test_nothing_is_left_where_a_limit_is_broken_and_what_is_left_keeps_every_limit():
    feeder = IEEE13().build()
    assert feeder is not None
    base = 30.0 * np.ones(len(feeder.terminals))
    with jax.enable_x64(True):
        broken = operating_point(feeder, Limits(low_pu=1.09, high_pu=1.2), base, base / 3)
        kw, said = more(broken)
        assert (kw == 0).all() and all(each.startswith("broken already: under-voltage") for each in said)
        lowest = float(solve(on_device(feeder, float), jnp.asarray(base), jnp.asarray(base / 3)).voltage_pu.min())
        world = load(None, ["feeder.part=ieee13", "feeder.unbalance=0", "feeder.loading=0", "homes.count=2"])
        unjudged = judged_limits(build(world).world)
        assert (unjudged.loading, unjudged.unbalance) == (UNLIMITED, UNLIMITED)
        tight = operating_point(feeder, Limits(lowest - 1e-4, 1.2, UNLIMITED, UNLIMITED), base, base / 3)
        kw, said = more(tight)
        assert 0 < kw.min() < CAP_KW
        for place in {int(kw.argmin()), int(kw.argmax())}:
            extra = np.eye(len(base))[place] * kw[place]
            reached = worst_stress(tight, extra[None])[0][0]
            assert reached <= 0 and (reached > -1e-6 or said[place] == f"none up to {CAP_KW:g} kW")


def test_timers_and_gradmap_are_told_of_the_days_that_reliability_forgives(tmp_path):
    asked = Asked("ieee13", {"cars": (0.5,)}, homes=4, seeds=1, learn_s=1.0, reliability=0.9)
    (cell,) = cells(asked, tmp_path)
    learn = cell.scenario.learn
    assert learn.settings["violated_days"] == 0.1
    assert {name: each.settings["violated_days"] for name, each in learn.others.items()} == {
        "timer": 0.1,
        "timer_droop": 0.1,
    }
    (every,) = cells(dataclasses.replace(asked, reliability=1.0), tmp_path)
    assert every.scenario.learn.settings["violated_days"] == AIM
    (said,) = cells(dataclasses.replace(asked, sets=("learn.part=ppo",)), tmp_path)
    assert said.scenario.learn.part == "ppo"
    (own,) = cells(dataclasses.replace(asked, sets=("learn.settings.violated_days=0.5",)), tmp_path)
    assert own.scenario.learn.settings["violated_days"] == 0.5
