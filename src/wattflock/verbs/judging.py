"""A run judged: every method on the same days, as it was trained, and what the run's files say of it."""

import datetime
import time
from collections.abc import Iterable

import jax
import jax.numpy as jnp
import numpy as np
import polars as pl

from wattflock.core.errors import Problem, RunError, ScenarioError
from wattflock.core.files import read_json
from wattflock.core.machine import machine
from wattflock.learn.lagrangian import Gradient
from wattflock.learn.learner import Progress
from wattflock.study import compare
from wattflock.study.bound import USUAL, Optimum
from wattflock.study.build import Built, parts_of
from wattflock.study.charging_bound import bounded, reward_bounds
from wattflock.study.curve import curves, warm_seconds
from wattflock.study.fine_tune import FineTune, going_on, met
from wattflock.study.run import Run
from wattflock.study.summary import on_shared_days
from wattflock.verbs.experiment import TUNED, Experiment, untrained, versions, was_trained
from wattflock.verbs.results import Comparison, Tuned


def finished(experiment: Experiment) -> bool:
    """Whether every method was judged after all its rounds; else `compared` goes on where it was."""
    summary = experiment.run.summary() if experiment.run else None
    judged = summary["methods"] if summary else {}
    asked = {name: experiment.parts.learner(name).rounds() for name in experiment.methods}
    done = {name: each.get("rounds") for name, each in judged.items()}
    return all(
        done.get(name) is not None and (done[name] >= rounds or bool(judged[name].get("stopped")))
        for name, rounds in asked.items()
    )


def read_back(run: Run) -> Comparison:
    """A comparison as its folder has it.

    Raises:
        RunError: it was never judged.
    """
    summary = run.summary()
    if summary is None:
        raise RunError(f"{run.folder}: is not judged yet; `wattflock compare` does it")
    return Comparison(summary, run.tables(), read_json(run.folder / "chart.json"), run.folder)


def compared(experiment: Experiment, fresh: bool = False) -> Comparison:
    """Train, judge and write everything of a run but the report."""
    experiment.begin()
    with experiment.alone():
        return _compared(experiment, fresh)


def _compared(experiment: Experiment, fresh: bool) -> Comparison:
    began = time.perf_counter()
    experiment.refuse_untaught()
    wanted = experiment.scenario.judge.bound_days and not experiment.no_bound  # known before any work
    tables, cards, seconds, policies, days = [], {}, {}, {}, experiment.days
    for method in experiment.methods:
        policies[method], cards[method] = experiment.trained(method, fresh)
        tables.append(compare.judge_method(experiment.place(method), days, method, policies[method]))
        days = days.with_worst(tables[0])  # of the uncontrolled homes
    alone = compare.loads_alone(experiment.built, days, policies["idle"])
    seconds["methods"] = time.perf_counter() - began
    optima = experiment.optima() if wanted else {}
    if optima:
        best = {day: optimum.action for day, optimum in optima.items()}
        tables.append(compare.judge_plans(experiment.built, days, "bound", best, USUAL))
        if "mpc" in experiment.scenario.judge.yardsticks:
            tables.append(compare.judge_plans(experiment.built, days, "mpc", experiment.receding()))
    tables += experiment.planned(policies, days)
    seconds["bound"] = time.perf_counter() - began - seconds["methods"]
    every = compare.collect(tables, optima, experiment.scenario.homes.count, experiment.days.length)
    points_of_all = [point for card in cards.values() for point in card["curve"]]
    every["curves"] = curves(points_of_all, experiment.idle["cost"], experiment.watched_optimum)
    result = summary(experiment, compare.figures(every), cards) | {
        "bound_days": len(optima) * experiment.days.length,
        "on_bound_days": on_shared_days(every["days"], every["homes"]),
        "network_cost_per_home_day": network_cost(optima, experiment.scenario.homes.count * experiment.days.length),
        "seconds": {name: round(value, 1) for name, value in seconds.items()},
        "notes": [*notes(experiment), *alone, *doubts(named_optima(experiment, optima))],
        "broken": {name: card["stopped"] for name, card in cards.items() if card.get("broken")},
    }
    if experiment.run:
        experiment.run.write(every, result, chart(experiment.built))
    return Comparison(result, every, chart(experiment.built), experiment.run.folder if experiment.run else None)


def notes(experiment: Experiment) -> list[str]:
    """What was asked for and is not in the table, with the reason."""
    judge = experiment.scenario.judge
    said = [f"no bound under this market: {experiment.no_bound}"] if experiment.no_bound else []
    if (found := len(experiment.days.planned)) < judge.bound_days:
        said.append(f"an optimum of {found} days, not {judge.bound_days}: no more are judged")
    if "mpc" in judge.yardsticks and (experiment.no_bound or not judge.bound_days):
        said.append("no mpc: judged on days with a bound, of which there are none")
    of_limit = [name for name in judge.yardsticks if name != "mpc"]
    if of_limit and experiment.built.world.coordinator is None:
        said.append(f"no {', '.join(of_limit)}: no limit is shared here (coordinator.part)")
    if "foresight" in of_limit and bounded(experiment.built.world):
        most = list(reward_bounds(experiment.built.world, experiment.days.profile))
        said.append(f"no sharing is rewarded more than {np.mean(most):.1f} an episode (bound from above, a relaxation)")
    named = parts_of(experiment.scenario)
    for room in ("market", "wiring", "source"):
        own, theirs = getattr(experiment.parts, room), getattr(named, room)
        if type(own) is not type(theirs):
            said.append(f"{type(own).__name__} stands in place of the scenario's {type(theirs).__name__}")
    return said


def named_optima(experiment: Experiment, optima: dict[int, Optimum]) -> dict[str, Optimum]:
    """Every optimum that the tables and curves refer to, by what a sentence calls its day."""
    watched = {f"validation day {k + 1}": each for k, each in enumerate(experiment.watched_optima)}
    return {experiment.days.dates[day]: each for day, each in optima.items()} | watched


def doubts(optima: dict[str, Optimum]) -> list[str]:
    """A sentence on each optimum, by the name of its day, whose plan breaks a limit."""
    units = {"voltage": (1000, "mpu"), "loading": (100, "%"), "unbalance": (100, "%")}
    said = []
    for day, found in optima.items():
        amounts = [
            f"{limit} by {excess * units[limit][0]:.2f} {units[limit][1]}"
            for limit, excess in USUAL.broken(found).items()
        ]
        if amounts:
            said.append(f"the optimum of {day} breaks a limit ({', '.join(amounts)} at most): no better plan was found")
    return said


def network_cost(optima: dict[int, Optimum], homes: int) -> float | None:
    """What keeping the limits costs the optimum, beside the one that ignores them [currency per home and day]."""
    extra = [optimum.cost - optimum.free_cost for optimum in optima.values()]
    return float(np.mean(extra)) / homes if extra else None


def judged(experiment: Experiment, methods: Iterable[str]) -> Comparison:
    """Methods of a run, as they were trained, on test days beside the uncontrolled case; nothing is written.

    Raises:
        RunError: a method learns and was not trained in this run.
    """
    tables, cards, days = [], {}, experiment.days
    for name in dict.fromkeys(("idle", *methods)):
        who, progress, cards[name] = was_trained(experiment, name)
        tables.append(compare.judge_method(experiment.place(name), days, name, who.policy(progress.state)))
        days = days.with_worst(tables[0])
    every = compare.collect(tables, {}, experiment.scenario.homes.count)
    every["curves"] = curves([], 0.0)  # nothing learns here
    found = summary(experiment, compare.figures(every), cards) | {"bound_days": 0}
    return Comparison(found, every, chart(experiment.built), experiment.run.folder if experiment.run else None)


def tuned(experiment: Experiment, method: str, homes: list[int], rounds: int) -> Tuned:
    """Some homes of a trained flock fitted anew from fresh networks, while all others act as they learned to.

    No home: where homes are held out (`data.homes_held_out`), all learn on from what they are, with the training days
    of those that they are judged in. The result is kept as a checkpoint beside the method's, which stays as it is.

    Raises:
        ScenarioError: homes that there are not, or a method that has no networks, or more than these to go on with.
        RunError: the method was not trained in this run, or ended with numbers that nobody should believe.
    """
    name, count, held_out = method + TUNED, experiment.scenario.homes.count, experiment.scenario.data.homes_held_out
    who, trained, _ = was_trained(experiment, method)
    where = "wattflock tune"
    problems = [Problem(where, "--home", home, f"0 to {count - 1}") for home in homes if not 0 <= home < count]
    if not homes and not held_out:
        problems.append(Problem(where, "--home", (), "one number or more; none where data.homes_held_out names homes"))
    if not isinstance(who, Gradient):
        problems.append(Problem(where, "--method", method, "a learner by gradient, such as gradmap"))
    if not homes and jax.tree.leaves(getattr(trained.state, "beside", ())):
        said = "with --home, or a learner of networks alone, such as gradmap or through"
        problems.append(Problem(where, "--method", method, said))
    if problems or not isinstance(who, Gradient):
        raise ScenarioError(problems)
    short, key = who.lasting(rounds), jax.random.key(experiment.scenario.seed)
    if homes:
        fine = FineTune(short, jnp.asarray(np.isin(np.arange(count), homes)))
        course, state = experiment.course(name, fine), fine.begin(trained.state, experiment.world, key)
    else:
        experiment = experiment.among(met(experiment.built))
        course, state = experiment.course(name, short), going_on(short, trained.state, experiment.world, key)
    start = Progress(state, jnp.zeros_like(trained.done), trained.key)
    with experiment.alone():
        _, card = experiment._train(name, course, start, untrained() | {"homes": sorted(homes)})
    experiment.refuse_broken(name, card)
    found, moved = judged(experiment, (method, name)), homes or range(count)
    pays = found.tables["homes"].filter(pl.col("home").is_in(moved)).group_by("method", "home", "kind", "terminal")
    table = pays.mean().pivot("method", index=["home", "kind", "terminal"], values="cost").sort("home")
    return Tuned(found, table.select("home", "kind", "terminal", "idle", method, name))


def summary(experiment: Experiment, figures: dict[str, dict], cards: dict[str, dict]) -> dict:
    """What `summary.json` says; the bound is trained by nobody."""
    homes = experiment.scenario.homes
    methods = {
        name: found
        | {
            "train_seconds": round(cards[name]["seconds"], 2) if name in cards else None,
            "warm_seconds": warm_seconds(cards[name]["curve"]) if name in cards else None,
            "rounds": cards[name]["rounds"] if name in cards else None,
            "rounds_asked": _asked(experiment, name) if name in cards else None,
            "stopped": cards[name].get("stopped", "") if name in cards else "",
        }
        for name, found in figures.items()
    }
    return {
        "run": experiment.run.folder.name if experiment.run else experiment.scenario.name,
        "scenario": experiment.scenario.model_dump(mode="json"),
        "homes": homes.count,
        "homes_on_feeder": round(homes.count * homes.homes_per_agent),
        "test_days": len(experiment.days.dates) * experiment.days.length,
        "currency": experiment.built.readings.currency,
        "data": experiment.built.readings.card,
        "versions": versions(),
        "machine": machine(),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "methods": methods,
    }


def _asked(experiment: Experiment, method: str) -> int | None:
    """Rounds after which a method is trained; of homes that were tuned nobody asks."""
    return None if method.endswith(TUNED) else experiment.parts.learner(method).rounds()


def chart(built: Built) -> dict:
    """The map of the feeder, as `chart.json`."""
    drawn = built.chart
    return {
        "bus": list(drawn.buses),
        "x": list(drawn.x),
        "y": list(drawn.y),
        "edges": [list(edge) for edge in drawn.edges],
        "branches": [list(branch) for branch in drawn.branches],
        "source": drawn.source or None,
    }
