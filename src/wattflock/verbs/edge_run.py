"""A trial from a run to its tables."""

import dataclasses
import time
from pathlib import Path

import numpy as np
import polars as pl

from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.progress import bar, say
from wattflock.study.exported import taken_apart
from wattflock.verbs.edge_limits import Schedule
from wattflock.verbs.edge_trial import BAD, FAULTS, GOOD, RECOVERY, Trial
from wattflock.verbs.edge_world import Play
from wattflock.verbs.exporting import opened, steered, written
from wattflock.verbs.results import EdgeTrial

WHERE = "wattflock edge trial"
EACH = GOOD + BAD + RECOVERY + 2  # steps of a fault


def tried(
    run: str, size: tuple[int, int, int], more: tuple[bool, bool], method: str, out: Path, runs: Path
) -> EdgeTrial:
    """Play days with boxes; `size`: homes, days, steps of each day (0 is all); `more`: faults, envelopes."""
    homes, days, steps = size
    experiment, policy, method = opened(run, method, runs, max(days, 1))
    world, profile = experiment.built.world, experiment.days.profile
    flock = taken_apart(world, policy, profile, method)
    able, a_day = steered(flock), profile.load_kw.shape[1]
    problems = [] if 1 <= homes <= len(able) else [Problem(WHERE, "--homes", homes, f"1 to {len(able)}, with a device")]
    problems += [] if days >= 1 else [Problem(WHERE, "--days", days, "1 or more")]
    problems += [] if 0 <= steps <= a_day else [Problem(WHERE, "--steps", steps, f"1 to {a_day}, or 0: all")]
    if out.exists() and any(out.iterdir()):
        problems.append(Problem(WHERE, "--out", str(out), "an empty folder, or none"))
    if problems:
        raise ScenarioError(problems)
    folders = {each.name: each for each in written(experiment, flock, method, able[:homes], out)}
    faults, envelopes = more
    with Trial(Play(world, policy, profile), folders, out) as trial:
        say(f"{homes} controllers are up; largest {trial.boxes.rss_mb():.0f} MB resident")
        found = _played(trial, days, steps or a_day, list(FAULTS) if faults else [])
        return dataclasses.replace(found, envelopes=_limited(trial)) if envelopes else found


def _limited(trial: Trial) -> pl.DataFrame:
    """The schedule of limits from two in the afternoon of the first day on, ignored and kept."""
    say("operating envelopes: ignored, then kept, which takes three minutes")
    schedule = Schedule(trial, 0, trial.play.steps * 14 // 24)
    return table_of([*schedule.ignored(), *schedule.kept()])


def _played(trial: Trial, days: int, steps: int, faults: list[str]) -> EdgeTrial:
    rows, apart_kw, began, before = [], 0.0, time.perf_counter(), trial.meters.messages
    with bar("trial", days + len(faults)) as shown:
        for day in range(days):
            tally, apart = trial.closed_loop(day, steps)
            apart_kw = max(apart_kw, apart)
            rows.append(tally)
            shown.at(day + 1, f"closed loop, {apart_kw:.1e} kW from the rollout")
        seconds, messages = time.perf_counter() - began, trial.meters.messages - before
        latency_ms = 1000 * np.array(trial.latency_s)
        trial.play.begin(0)
        for count, name in enumerate(faults):
            at = [(0, (count * EACH + k) % trial.play.steps) for k in range(EACH)]
            rows.append(trial.faulty(name, at))
            shown.at(days + count + 1, name)
    rss_mb, lacking, policy_ms = trial.boxes.rss_mb(), trial.unlogged(), np.quantile(trial.policy_ms(), 0.99, axis=0)
    figures = {
        "homes": len(trial.homes), "steps": days * steps, "messages": messages, "seconds": seconds,
        "messages_per_s": messages / seconds, "apart_kw": apart_kw,
        "policy_p99_ms": float(policy_ms[0]), "policy_cpu_p99_ms": float(policy_ms[1]),
        "answer_median_ms": float(np.median(latency_ms)), "answer_p99_ms": float(np.quantile(latency_ms, 0.99)),
        "rss_mb": rss_mb, "outside": sum(each.outside for each in rows), "missing_in_logs": lacking,
    }  # fmt: skip
    return EdgeTrial(figures, table_of(rows))


def table_of(rows: list) -> pl.DataFrame:
    """A row for each of some dataclasses."""
    return pl.DataFrame([dataclasses.asdict(each) for each in rows])
