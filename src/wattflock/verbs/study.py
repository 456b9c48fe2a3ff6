"""The study: trained, judged, compared, and what its parts are."""

from pathlib import Path
from typing import Annotated

ScenarioFile = Annotated[Path | None, "A TOML file or the name of a bundled scenario; `gradmap` by default."]
Sets = Annotated[list[str] | None, "Change a field: learn.rounds=200. Can be repeated."]
Runs = Annotated[Path, "Folder that holds the runs."]
Fresh = Annotated[bool, "Begin again, even where a checkpoint or a finished run is found."]
Resume = Annotated[bool, "Go on where this scenario was stopped (the default; see --fresh)."]
RunName = Annotated[str, "Id of a run, its beginning, or latest: the one begun or gone on with last."]
Days = Annotated[int, "Test days, spread over the year; 0 is all."]
Minutes = Annotated[float, "Stop each training after so many minutes; 0 is no limit [min]."]
Methods = Annotated[object, "a table of methods, which has more columns for the one who asks"]
Ray = Annotated[str, "Work on a Ray cluster: local, or host:port of one that this machine is part of."]
Devices = Annotated[int, "Devices that share the homes equally while training; 0 is as many as there are."]
DEMO = (  # the small form of `thousand`, for a few minutes on two cores
    "data.dt_h=1",
    "data.settings.step_min=60",
    "learn.rounds=150",
    "learn.settings.violated_days=0.25",
    "learn.others.timer={part='timer', settings={violated_days=0.25}}",
    "learn.others.own-bill={part='gradmap', rounds=60, settings={multiplier_init=0.0, curvature=0.0}}",
    "judge.methods=['idle', 'timer', 'own-bill', 'gradmap']",
    "judge.bound_days=0",
)


def demo(sets: Sets = None, runs: Runs = Path("runs"), fresh: Fresh = False, resume: Resume = True) -> Methods:
    """Run the small form of the scenario `thousand`: 1,000 homes by the hour, judged on four weeks of test days.

    Uncontrolled, with a fitted timer, each home for its own bill alone (`own-bill`), and learned together with GradMAP.
    A finished study is shown again at once; `--fresh` repeats it.

    Example:
        wattflock demo
        wattflock demo --set homes.count=200 --set learn.rounds=100
    """
    return compare(Path("thousand"), [*DEMO, *(sets or [])], runs, fresh=fresh, resume=resume)


def train(  # noqa: PLR0913 (an argument is an option of the command)
    scenario: ScenarioFile = None,
    sets: Sets = None,
    runs: Runs = Path("runs"),
    minutes: Minutes = 0.0,
    devices: Devices = 1,
    fresh: Fresh = False,
    resume: Resume = True,
) -> object:
    """Train the scenario's learner and keep its checkpoint; Ctrl-C loses nothing.

    Example:
        wattflock train --set learn.part=through --minutes 2
        wattflock train --resume --set learn.part=through
    """
    experiment, _ = _experiment(scenario, sets, runs, minutes, devices)
    return experiment.training(experiment.scenario.learn.part, fresh or not resume)


def evaluate(
    run: RunName,
    method: Annotated[str, "Which of its trained methods, or a rule such as idle."] = "",
    days: Days = 0,
    runs: Runs = Path("runs"),
) -> Methods:
    """Judge a trained policy on test days in float64 and say what it costs and violates.

    Example:
        wattflock evaluate latest --method gradmap --days 14
    """
    from wattflock.verbs.judging import judged

    experiment = _reopened(runs, run, days, "wattflock evaluate")
    return judged(experiment, [method or experiment.scenario.learn.part])


def tune(  # noqa: PLR0913 (an argument is an option of the command)
    run: RunName,
    homes: Annotated[
        list[int] | None,
        "Number of a home that is fitted anew. Can be repeated. None: all homes learn on, with the training days of "
        "the homes held out (data.homes_held_out) that they are judged in.",
    ] = None,
    method: Annotated[str, "Which of its trained methods; the scenario's learner by default."] = "",
    rounds: Annotated[int, "Rounds of learning [rounds]."] = 300,
    days: Days = 0,
    runs: Runs = Path("runs"),
    csv: Annotated[Path | None, "Also write the table of these homes to this CSV file."] = None,
) -> Methods:
    """Fit some homes of a trained flock anew, in seconds, while nobody else learns: a new home, or one that changed.

    They begin with fresh networks. Without --home a flock that was judged in homes of which it knew nothing learns on
    among these, from the networks it has. The result is kept beside the method as `<method>+tuned`, which `evaluate`
    knows.

    Example:
        wattflock tune latest --home 3 --home 17
        wattflock tune latest --rounds 60
    """
    from wattflock.core.errors import Problem, ScenarioError
    from wattflock.core.files import csv_bytes, write_whole
    from wattflock.verbs.judging import tuned

    if rounds <= 0:
        raise ScenarioError([Problem("wattflock tune", "--rounds", rounds, "1 or more")])
    experiment = _reopened(runs, run, days, "wattflock tune")
    found = tuned(experiment, method or experiment.scenario.learn.part, homes or [], rounds)
    if csv:
        write_whole(csv, csv_bytes(found.homes))
    return found


def compare(  # noqa: PLR0913 (an argument is an option of the command)
    scenario: ScenarioFile = None,
    sets: Sets = None,
    runs: Runs = Path("runs"),
    minutes: Minutes = 0.0,
    devices: Devices = 1,
    fresh: Fresh = False,
    resume: Resume = True,
) -> Methods:
    """Train and judge all methods of a scenario on the same test days; writes tables, figures and a report.

    A comparison is finished when every method was judged after all its rounds; until then the same command goes on.

    Example:
        wattflock compare --set 'judge.methods=["rules", "through", "gradmap"]'
    """
    from wattflock.core.errors import RunError
    from wattflock.core.machine import PICTURES_GB, small_space
    from wattflock.core.progress import say
    from wattflock.report.run_page import is_drawn, write_report
    from wattflock.verbs.experiment import SMALLER
    from wattflock.verbs.judging import compared, finished, read_back

    experiment, run = _experiment(scenario, sets, runs, minutes, devices)
    report = run.folder / "report.html"
    if not fresh and finished(experiment):
        say("This study is finished; --fresh repeats it.")
        found = read_back(run)
    else:
        found = compared(experiment, fresh or not resume)
    if not is_drawn(run.folder):
        report.unlink(missing_ok=True)
    if small := small_space(PICTURES_GB, "drawing the report"):
        say(f"{small}; all else is done")
    else:
        if not report.exists():
            say("drawing the figures and the report …")
            write_report(run.folder)
        say(f"report  {report}\nfigures {run.folder}/*.png")
    if broken := found.summary.get("broken"):
        raise RunError(
            "\n".join(f"{name}: {why}, so it is judged as it was before. {SMALLER}" for name, why in broken.items())
        )
    return found


def parts(
    room: Annotated[str, "Only this room: synth, data, homes, feeder, market, coordinator or learn."] = "",
) -> object:
    """List the parts that a scenario or a command can name: devices, feeders, markets, learners, data, models of load.

    Example:
        wattflock parts --room learn
    """
    import polars as pl

    from wattflock.core.errors import Problem, ScenarioError
    from wattflock.core.registry import ROOMS, interface, nearest
    from wattflock.core.registry import parts as parts_of
    from wattflock.verbs.results import Listing

    if room and room not in ROOMS:
        raise ScenarioError([Problem("wattflock parts", "room", room, nearest(room, ROOMS))])
    rows = [
        (each, name, (kind.__doc__ or "").strip().splitlines()[0])
        for each in ([room] if room else ROOMS)
        for name, kind in parts_of(each, interface(each)).items()
    ]
    return Listing(pl.DataFrame(rows, schema=["room", "part", "what it is"], orient="row"))


def explain(
    name: Annotated[
        str, "A part (gradmap), field (learn.rounds), section (feeder), setting (export_share) or figure (captured)."
    ],
) -> str:
    """Say what a part, a field of a scenario or a figure of a report means.

    Example:
        wattflock explain gradmap
        wattflock explain judge.bound_days
        wattflock explain observation
    """
    from wattflock.verbs.explain import explanation

    return explanation(name)


def runs(
    ids: Annotated[list[str] | None, "Only these runs (ids, their beginnings, or latest). Can be repeated."] = None,
    diff: Annotated[tuple[str, str] | None, "Two runs: say in which fields of their scenarios they differ."] = None,
    runs: Runs = Path("runs"),
    csv: Annotated[Path | None, "Also write the table to this CSV file."] = None,
) -> object:
    """List the runs of a folder and compare their figures, newest first.

    Example:
        wattflock runs
        wattflock runs --diff latest gradmap-1a2b
        wattflock runs --id gradmap-1a2b --id through-300homes-3c4d --csv runs.csv
    """
    from wattflock.core.files import csv_bytes, write_whole
    from wattflock.study.run import find, table_of_runs
    from wattflock.verbs.results import Listing, Runs

    if diff:
        found = Listing(_differing(*(find(runs, name).folder for name in diff)))
    else:
        table = table_of_runs(runs)
        names = [find(runs, each).folder.name for each in ids or ()]
        found = Runs(table.filter(table["run"].is_in(names)) if names else table)
    if csv:
        write_whole(csv, csv_bytes(found.table))
    return found


def _differing(one: Path, other: Path):
    """The fields in which the scenarios of two runs differ, as a table."""
    import polars as pl

    from wattflock.core.scenario import differences, load

    found = differences(*(load(folder / "scenario.toml") for folder in (one, other)))
    rows = [(name, *map(str, values)) for name, values in found.items()]
    heads = ["field", one.name, other.name] if one.name != other.name else ["field", one.name, f"{other.name} again"]
    return pl.DataFrame(rows, schema=dict.fromkeys(heads, pl.String), orient="row")


def _experiment(scenario: Path | None, sets: list[str] | None, runs: Path, minutes: float, devices: int):
    from wattflock.core.errors import Problem, ScenarioError
    from wattflock.core.scenario import load_to_run
    from wattflock.study.run import open_run
    from wattflock.verbs.experiment import Experiment

    problems = [] if minutes >= 0 else [Problem("wattflock", "--minutes", minutes, "0 or more [min]")]
    problems += [] if devices >= 0 else [Problem("wattflock", "--devices", devices, "0 or more")]
    try:
        loaded = load_to_run(scenario, sets or [])
    except ScenarioError as error:
        raise ScenarioError(error.problems + problems) from None
    if problems:
        raise ScenarioError(problems)
    run = open_run(loaded, runs)
    return Experiment(loaded, run, minutes, devices), run


def _reopened(runs: Path, name: str, days: int, where: str):
    """A run as its folder says it, to be judged on so many of its test days."""
    from wattflock.core.errors import Problem, ScenarioError
    from wattflock.core.scenario import load
    from wattflock.study.compare import refuse_days
    from wattflock.study.run import find
    from wattflock.verbs.experiment import Experiment

    if days < 0:
        raise ScenarioError([Problem(where, "--days", days, "1 or more, or 0: all")])
    run = find(runs, name)
    experiment = Experiment(load(run.folder / "scenario.toml", [f"judge.test_days={days}"]), run)
    refuse_days(experiment.built.sampler, days, where=(where, "--days"))
    return experiment


VERBS = (demo, train, tune, evaluate, compare, parts, explain, runs)
