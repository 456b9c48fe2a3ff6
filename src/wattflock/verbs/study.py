"""The study: trained, judged, compared, and what its parts are."""

from pathlib import Path
from typing import Annotated

ScenarioFile = Annotated[Path | None, "A TOML file or the name of a bundled scenario; the demo's by default."]
Sets = Annotated[list[str] | None, "Change a field: learn.rounds=200. Can be repeated."]
Runs = Annotated[Path, "Folder that holds the runs."]
Fresh = Annotated[bool, "Begin again, even where a checkpoint or a finished run is found."]
Resume = Annotated[bool, "Go on where this scenario was stopped (the default; see --fresh)."]
Minutes = Annotated[float, "Stop each training after so many minutes; 0 is no limit [min]."]
Devices = Annotated[int, "Devices that share the homes equally while training; 0 is as many as there are."]


def demo(sets: Sets = None, runs: Runs = Path("runs"), fresh: Fresh = False, resume: Resume = True) -> object:
    """Run the 1,000-home study: uncontrolled, rules, GradMAP and the optimum, on unseen days.

    A finished study is shown again at once; `--fresh` repeats it.

    Example:
        wattflock demo
        wattflock demo --set homes.count=200 --set learn.rounds=100
    """
    return compare(None, sets, runs, fresh=fresh, resume=resume)


def train(  # noqa: PLR0913 (an argument is an option of the command)
    scenario: ScenarioFile = None,
    sets: Sets = None,
    runs: Runs = Path("runs"),
    minutes: Minutes = 0.0,
    devices: Devices = 1,
    fresh: Fresh = False,
    resume: Resume = True,
) -> str:
    """Train the scenario's learner and keep its checkpoint; Ctrl-C loses nothing.

    Example:
        wattflock train --set learn.part=through --minutes 2
        wattflock train --resume --set learn.part=through
    """
    experiment = _experiment(scenario, sets, runs, minutes, devices)
    method = experiment.scenario.learn.part
    _, card = experiment.trained(method, fresh or not resume)
    path = experiment.run.checkpoint(method)
    return f"{method}: {card['rounds']} rounds in {card['seconds']:.1f} s; checkpoint {path}"


def evaluate(
    run: Annotated[str, "Id of a run, or its beginning."],
    method: Annotated[str, "Which of its trained methods, or a rule such as idle."] = "",
    days: Annotated[int, "Test days, spread over the year; 0 is all."] = 0,
    runs: Runs = Path("runs"),
) -> object:
    """Judge a trained policy on unseen days in float64 and say what it costs and violates.

    Example:
        wattflock evaluate gradmap- --method gradmap --days 14
    """
    from wattflock.experiment import judged
    from wattflock.report import comparison
    from wattflock.scenario import load
    from wattflock.store.run import find

    found = find(runs, run)
    scenario = load(found.folder / "scenario.toml", [f"judge.test_days={days}"])
    return comparison(judged(scenario, found, method or scenario.learn.part))


def tune(  # noqa: PLR0913 (an argument is an option of the command)
    run: Annotated[str, "Id of a run, or its beginning."],
    homes: Annotated[list[int] | None, "Number of a home that is fitted anew. Can be repeated."] = None,
    method: Annotated[str, "Which of its trained methods; the scenario's learner by default."] = "",
    rounds: Annotated[int, "Rounds of learning [rounds]."] = 300,
    days: Annotated[int, "Test days, spread over the year; 0 is all."] = 0,
    runs: Runs = Path("runs"),
    csv: Annotated[Path | None, "Also write the table of these homes to this CSV file."] = None,
) -> object:
    """Fit some homes of a trained flock anew, in seconds, while nobody else learns: a new home, or one that changed.

    They begin with fresh networks. The result is kept beside the method as `<method>+tuned`, which `evaluate` knows.

    Example:
        wattflock tune gradmap- --home 3 --home 17
    """
    from rich.console import Group

    from wattflock.errors import Problem, ScenarioError
    from wattflock.experiment import tuned
    from wattflock.report import comparison
    from wattflock.report.overview import homes_that_pay
    from wattflock.scenario import load
    from wattflock.store.folder import write_whole
    from wattflock.store.run import find

    wrong = [] if homes else [Problem("wattflock tune", "--home", homes or (), "one number or more")]
    wrong += [] if rounds > 0 else [Problem("wattflock tune", "--rounds", rounds, "1 or more")]
    if wrong or not homes:
        raise ScenarioError(wrong)
    found = find(runs, run)
    scenario = load(found.folder / "scenario.toml", [f"judge.test_days={days}"])
    summary, table = tuned(scenario, found, method or scenario.learn.part, homes, rounds)
    if csv:
        write_whole(csv, table.write_csv().encode())
    return Group(comparison(summary), homes_that_pay(table, summary["currency"]))


def compare(  # noqa: PLR0913 (an argument is an option of the command)
    scenario: ScenarioFile = None,
    sets: Sets = None,
    runs: Runs = Path("runs"),
    minutes: Minutes = 0.0,
    devices: Devices = 1,
    fresh: Fresh = False,
    resume: Resume = True,
) -> object:
    """Train and judge all methods of a scenario on the same unseen days; writes tables, figures and a report.

    Example:
        wattflock compare --set 'judge.methods=["rules", "through", "gradmap"]'
    """
    from wattflock.experiment import compared
    from wattflock.report import comparison, draw_all, write_report
    from wattflock.report.progress import say

    experiment = _experiment(scenario, sets, runs, minutes, devices)
    summary = None if fresh else experiment.run.summary()
    report = experiment.run.folder / "report.html"
    if summary:
        say("This study is finished; --fresh repeats it.")
    else:
        summary = compared(experiment, fresh or not resume)
        report.unlink(missing_ok=True)
    if not report.exists():  # a run of `study` has none yet
        say("drawing the figures and the report …")
        draw_all(experiment.run.folder)
        write_report(experiment.run.folder)
    say(f"report  {report}\nfigures {experiment.run.folder}/*.png")
    return comparison(summary)


def parts(room: Annotated[str, "Only this room: homes, feeder, market, learn or data."] = "") -> object:
    """List the parts that a scenario can name: devices, feeders, markets, learners, data.

    Example:
        wattflock parts --room learn
    """
    from rich.table import Table
    from rich.text import Text

    from wattflock.errors import Problem, ScenarioError
    from wattflock.registry import ROOMS, interface, nearest
    from wattflock.registry import parts as parts_of

    if room and room not in ROOMS:
        raise ScenarioError([Problem("wattflock parts", "room", room, nearest(room, ROOMS))])
    table = Table("room", "part", "what it is", box=None, header_style="bold")
    for each in [room] if room else ROOMS:
        for name, kind in parts_of(each, interface(each)).items():
            table.add_row(each, name, Text((kind.__doc__ or "").strip().splitlines()[0]))
    return table


def explain(name: Annotated[str, "A part (gradmap), a field (learn.rounds) or a figure (saving_captured)."]) -> str:
    """Say what a part, a field of a scenario or a figure of a report means.

    Example:
        wattflock explain gradmap
        wattflock explain judge.bound_days
    """
    from wattflock.explain import explanation

    return explanation(name)


def runs(
    ids: Annotated[list[str] | None, "Only these runs (ids or their beginnings). Can be repeated."] = None,
    runs: Runs = Path("runs"),
    csv: Annotated[Path | None, "Also write the table to this CSV file."] = None,
) -> object:
    """List the runs of a folder and compare their figures, newest first.

    Example:
        wattflock runs
        wattflock runs --id gradmap-1a2b --id gradmap-3c4d --csv runs.csv
    """
    from wattflock.report.overview import overview
    from wattflock.store.folder import write_whole
    from wattflock.store.run import find, table_of_runs

    table = table_of_runs(runs)
    if ids:
        names = [find(runs, each).folder.name for each in ids]
        table = table.filter(table["run"].is_in(names))
    if csv:
        write_whole(csv, table.write_csv().encode())
    return overview(table)


def _experiment(scenario: Path | None, sets: list[str] | None, runs: Path, minutes: float, devices: int):
    from wattflock.errors import Problem, ScenarioError
    from wattflock.experiment import Experiment
    from wattflock.scenario import load
    from wattflock.store.run import open_run

    if not minutes >= 0:
        raise ScenarioError([Problem("wattflock", "--minutes", minutes, "0 or more")])
    loaded = load(scenario, sets or [])
    return Experiment(loaded, open_run(loaded, runs), minutes, devices)


VERBS = (demo, train, tune, evaluate, compare, parts, explain, runs)
