"""PettingZoo and Gymnasium: their own tests, and what those miss."""

import subprocess
import sys

import numpy as np
import pytest

from wattflock import gym
from wattflock.core.errors import ScenarioError
from wattflock.core.scenario import load
from wattflock.gym.host import Host, names_of

pytest.importorskip("pettingzoo", reason="PettingZoo is not installed: pip install 'wattflock[gym]'")
from gymnasium import error, spaces
from gymnasium.utils.env_checker import check_env
from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test
from pettingzoo.utils import parallel_to_aec

INFINITE = "ignore:.*observation space.* value is -?infinity"  # features have no bounds
NAMES = "ignore:We recommend agents to be named"  # a kind may have more than one word
NO_SPEC = "ignore:.*due to the environment not having a spec"  # there is nothing to render
official = [pytest.mark.filterwarnings(words) for words in (INFINITE, NAMES, NO_SPEC)]


def marked(test):
    for mark in official:
        test = mark(test)
    return test


@pytest.fixture(scope="module")
def flock(bare):
    """The homes without wires as agents."""
    return gym.parallel_env(bare)


def sampled(env):
    return {agent: env.action_space(agent).sample() for agent in env.agents}


@pytest.mark.slow
@marked
@pytest.mark.parametrize("world", ["bare", pytest.param("wired", marks=pytest.mark.study)])
def test_pettingzoo_is_content(world, request):
    built = request.getfixturevalue(world)
    parallel_api_test(gym.parallel_env(built))
    parallel_seed_test(lambda: gym.parallel_env(built))


@pytest.mark.study
@marked
def test_pettingzoo_is_content_with_agents_in_turn(flock, capsys):
    api_test(parallel_to_aec(flock))
    assert "Passed API test" in capsys.readouterr().out


@pytest.mark.study
@marked
@pytest.mark.parametrize("home", ["", "heat_pump_panel_0"])
def test_gymnasium_is_content(bare, home):
    check_env(gym.single_env(bare, home))


def test_agents_are_sorted_by_kind_and_number(bare, flock):
    names = names_of(bare.kinds)
    assert sorted(flock.possible_agents) == sorted(names) and len(set(names)) == 12
    kinds = [name.rpartition("_")[0] for name in flock.possible_agents]
    assert kinds == sorted(kinds) and flock.possible_agents != names
    assert [name.rpartition("_")[2] for name in flock.possible_agents[:2]] == ["0", "0"] or kinds[0] == kinds[1]
    assert gym.parallel_env(bare).possible_agents == flock.possible_agents


@pytest.mark.study
def test_names_differ_and_numbers_are_sorted_as_numbers():
    assert names_of(("ev+panel", "EV and  panel", "ev+panel", "+")) == [
        "ev_panel_0", "ev_and_panel_0", "ev_panel_1", "home_0",
    ]  # fmt: skip
    assert names_of(("a b", "a+b")) == ["a_b_0", "a_b_1"]
    built = load(None, ["homes.count=11", "feeder.part=none", "homes.kinds=[{name='b', share=1, devices=['battery']}]"])
    assert gym.parallel_env(built).possible_agents == [f"b_{number}" for number in range(11)]


def test_an_agent_is_its_home(bare, flock):
    names, host = names_of(bare.kinds), Host(gym.functional_env(bare))
    seen, _ = flock.reset(seed=5)
    flock.reset(seed=5)
    rows = host.reset(np.random.default_rng(np.random.PCG64(np.random.SeedSequence(5))), None)[0]
    assert all(np.array_equal(seen[name], rows[home]) for home, name in enumerate(names))
    moves = {name: np.full(flock.action_space(name).shape, home / 12, np.float32) for home, name in enumerate(names)}
    found = host.step(np.stack([moves[name] for name in names])[None])
    after, rewards, _, _, infos = flock.step(dict(reversed(moves.items())))
    for home, name in enumerate(names):
        assert np.array_equal(after[name], found.seen[0, home])
        assert rewards[name] == found.own["reward"][0, home] and infos[name]["bill"] == found.own["bill"][0, home]
    assert np.array_equal(flock.state(), np.concatenate([after[name] for name in flock.possible_agents]))


def test_episodes_are_truncated_and_end_for_all(flock):
    flock.reset(seed=0)
    for step in range(24):
        _, rewards, terminated, truncated, infos = flock.step(sampled(flock))
        assert set(terminated) == set(truncated) == set(rewards) == set(infos) == set(flock.possible_agents)
        assert all(value is False for value in terminated.values())
        assert all(value is (step == 23) for value in truncated.values())
        assert all(type(value) is float and np.isfinite(value) for value in rewards.values())
    assert flock.agents == [] and flock.step({}) == ({}, {}, {}, {}, {})
    flock.reset()
    assert flock.agents == flock.possible_agents


def test_nothing_is_shared_between_steps(flock):
    seen, _ = flock.reset(seed=0)
    kept = {name: value.copy() for name, value in seen.items()}
    after, *_, infos = flock.step(sampled(flock))
    assert all(np.array_equal(seen[name], kept[name]) for name in seen)
    state = flock.state()
    first, *rest = flock.possible_agents
    infos[first]["violation"]["mine"] = 1.0
    after[first][:] = np.nan  # they are the caller's own
    assert all("mine" not in infos[name]["violation"] and np.isfinite(after[name]).all() for name in rest)
    assert np.isfinite(state).all() and np.array_equal(state, flock.state())
    flock.agents.clear()
    assert flock.possible_agents == [first, *rest]


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e9])
def test_whatever_agents_say_all_numbers_are_numbers(flock, value):
    flock.reset(seed=1)
    while flock.agents:
        wild = {name: np.full(flock.action_space(name).shape, value) for name in flock.agents}
        seen, rewards, *_, infos = flock.step(wild)
        assert all(flock.observation_space(name).contains(each) for name, each in seen.items())
        assert all(each.dtype == np.float32 and np.isfinite(each).all() for each in seen.values())
        assert np.isfinite(list(rewards.values())).all()
        assert all(info["converged"] is True and info["violation"] == {} for info in infos.values())


def test_seeds_decide_the_days(flock):
    def begun(seed):
        return np.concatenate(list(flock.reset(seed=seed)[0].values()))

    one, again, other = begun(3), begun(3), begun(4)
    assert np.array_equal(one, again) and not np.array_equal(one, other)
    begun(3)
    goes_on = begun(None)
    assert not np.array_equal(goes_on, one)
    begun(3)
    assert np.array_equal(begun(None), goes_on)
    assert flock.np_random_seed == 3 and isinstance(flock.np_random, np.random.Generator)


@pytest.mark.study
def test_a_day_can_be_named(bare):
    env = gym.single_env(bare, split="test")
    env.reset(options={"day": 2})
    first, _ = env.reset(seed=1, options={"day": 2})
    same, _ = env.reset(seed=2, options={"day": 2})
    other, _ = env.reset(options={"day": 3})
    assert np.array_equal(first, same) and not np.array_equal(first, other)
    vector = gym.vector_env(bare, days=2, rows="flocks", split="test")
    seen, _ = vector.reset(options={"day": [2, 3]})
    np.testing.assert_allclose(seen, [first, other], rtol=1e-6)
    for wrong in (10_000, -1, 1.5, [1, 2], "monday"):
        with pytest.raises(ScenarioError, match=r"options\.day"):
            env.reset(options={"day": wrong})


@pytest.mark.slow
def test_one_home_decides_beside_others_without_control(bare):
    names = names_of(bare.kinds)
    chosen = "heat_pump_panel_0"
    place = names.index(chosen)
    one, free = gym.single_env(bare, chosen), gym.functional_env(bare)
    assert one.observation_space.shape == (free.seen,) and one.action_space.shape == (free.world.fleet.controls,)
    host = Host(free, alone=place)
    host.reset(np.random.default_rng(0), None)
    idle = host.step(np.zeros(host.acts)).own["bill"][0]
    host.reset(np.random.default_rng(0), None)
    moved = host.step(np.ones(host.acts)).own["bill"][0]
    assert np.flatnonzero(idle != moved).tolist() == [place]
    one.reset(seed=0)
    _, reward, terminated, truncated, info = one.step(one.action_space.sample())
    assert type(reward) is float and terminated is False and truncated is False
    assert info.keys() == {"bill", "cost", "net_kwh", "violation", "converged"} and reward == -info["cost"]


def test_a_single_episode_that_has_ended_is_not_stepped(bare):
    env = gym.single_env(bare)
    with pytest.raises(error.ResetNeeded):
        env.step(env.action_space.sample())
    env.reset(seed=0)
    ends = [env.step(env.action_space.sample())[2:4] for _ in range(24)]
    assert ends == [(False, False)] * 23 + [(False, True)]
    with pytest.raises(error.ResetNeeded):
        env.step(env.action_space.sample())


@pytest.mark.study
@pytest.mark.parametrize("rows", ["homes", "flocks"])
def test_vectors_are_days_side_by_side(bare, rows):
    env = gym.vector_env(bare, days=3, rows=rows)
    many = 36 if rows == "homes" else 3
    seen, more = env.reset(seed=0)
    assert env.num_envs == many and seen in env.observation_space and more == {}
    assert env.observation_space.shape == (many, *env.single_observation_space.shape)
    for step in range(24):
        seen, reward, terminated, truncated, more = env.step(env.action_space.sample())
        assert seen in env.observation_space and np.isfinite(seen).all()
        assert reward.shape == (many,) and reward.dtype == np.float64 and np.isfinite(reward).all()
        assert terminated.dtype == truncated.dtype == bool
        assert not terminated.any() and truncated.all() == truncated.any() == (step == 23)
        assert more["bill"].shape == more["converged"].shape == (many,)
    fresh, reward, terminated, truncated, more = env.step(env.action_space.sample())  # begins new days
    assert not (reward.any() or terminated.any() or truncated.any() or more)
    again, _ = env.reset(seed=0)
    assert not np.array_equal(fresh, seen) and not np.array_equal(fresh, again)
    env.step(env.action_space.sample())
    assert np.array_equal(env.reset(seed=0)[0], again)


@pytest.mark.slow
def test_vectors_agents_and_flocks_are_paid_alike(bare):
    homes, flocks = (gym.vector_env(bare, days=1, rows=rows, split="test") for rows in ("homes", "flocks"))
    agents, single = gym.parallel_env(bare, split="test"), gym.single_env(bare, split="test")
    for env, day in ((homes, [0]), (flocks, [0]), (agents, 0), (single, 0)):
        env.reset(options={"day": day})
    move = homes.action_space.sample()
    own = homes.step(move)[1]
    team, alone = flocks.step(move.reshape(1, -1))[1], single.step(move.ravel())[1]
    paid = agents.step(dict(zip(names_of(bare.kinds), move, strict=True)))[1]
    np.testing.assert_allclose([team[0], alone, np.mean(list(paid.values()))], own.mean(), rtol=1e-5)


@pytest.mark.slow
def test_violations_are_told_to_all(wired):
    env = gym.parallel_env(wired)
    env.reset(seed=0)
    *_, infos = env.step(sampled(env))
    told = [info["violation"] for info in infos.values()]
    assert all(each == told[0] and type(each["voltage"]) is float for each in told)
    assert gym.vector_env(wired, days=2).reset(seed=0)[0].shape == (24, env.observation_space(env.agents[0]).shape[0])


def test_wrong_options_are_told_at_once(bare):
    with pytest.raises(ScenarioError) as caught:
        gym.vector_env(bare, days=0, rows="home", split="tests", reward="mine", wires_price=-1.0)
    assert [problem.field for problem in caught.value.problems] == ["split", "reward", "wires_price", "days", "rows"]
    assert "did you mean 'test'" in str(caught.value) and "did you mean 'homes'" in str(caught.value)
    with pytest.raises(ScenarioError, match="did you mean 'battery_panel_0'"):
        gym.single_env(bare, "batery_panel_0")
    with pytest.raises(ScenarioError, match="no-such-scenario: file"):
        gym.functional_env("no-such-scenario")


def test_actions_that_lack_are_told(flock):
    flock.reset(seed=0)
    moves = sampled(flock)
    gone = flock.agents[3]
    del moves[gone]
    with pytest.raises(ScenarioError, match=f"none of {gone}"):
        flock.step(moves)
    with pytest.raises(ScenarioError, match="shape of actions"):
        flock.step({name: np.zeros(99, np.float32) for name in flock.agents})


@pytest.mark.slow
@pytest.mark.parametrize("package", ["pettingzoo", "gymnasium"])
def test_without_the_extra_the_functional_form_is_there(package):
    hidden = f"""
import sys
sys.modules[{package!r}] = None
from wattflock import gym
for make in (gym.parallel_env, gym.single_env, gym.vector_env):
    try:
        make(split="tests")
    except Exception as error:
        print(make.__name__, error)
"""
    done = subprocess.run([sys.executable, "-c", hidden], capture_output=True, text=True, check=True)
    lines = [line for line in done.stdout.splitlines() if "wattflock[gym]" in line]
    assert len(lines) == (1 if package == "pettingzoo" else 3)
    assert done.stdout.count("did you mean 'test'") == 3


def test_spaces_are_kept(flock):
    for name in flock.possible_agents:
        acts = flock.action_space(name)
        assert isinstance(acts, spaces.Box) and acts.dtype == np.float32
        assert (acts.low == -1).all() and (acts.high == 1).all() and acts is flock.action_space(name)
