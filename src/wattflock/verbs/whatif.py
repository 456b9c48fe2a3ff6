"""What a feeder takes: a sweep of the shares of homes with heat pumps, cars, panels and batteries."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from wattflock.core import compile_cache
from wattflock.verbs.feeder import FeederName, Preset
from wattflock.verbs.study import Methods, Ray, Runs, Sets

if TYPE_CHECKING:
    from wattflock.core.errors import Problem
    from wattflock.core.scenario import Scenario
    from wattflock.study.run import Run
    from wattflock.study.whatif.cells import Asked, Cell
    from wattflock.study.whatif.outcome import Swept
    from wattflock.study.whatif.shares import Shares
    from wattflock.verbs.experiment import Experiment

WHERE = "wattflock whatif"
Sweep = Annotated[str, "Shares of the homes, start:stop:step or a comma list: 0:1:0.2 or 0,0.3,1."]


def whatif(  # noqa: PLR0913 (an argument is an option of the command)
    feeder: FeederName,
    heat_pumps: Sweep = "",
    cars: Sweep = "",
    panels: Sweep = "",
    batteries: Sweep = "",
    homes: Annotated[int, "Homes on the feeder, in proportion to its loads; 0: one at each terminal."] = 0,
    homes_per_agent: Annotated[int, "Homes that each simulated one stands for."] = 1,
    seeds: Annotated[int, "So many draws of who lives where and owns what; ranges are over them."] = 3,
    days: Annotated[int, "Unseen days that all are judged on, spread over the year; 0 is all."] = 14,
    methods: Annotated[str, "Methods, a comma list; timers are fitted in each cell."] = "idle,timer,timer_droop",
    learn: Annotated[float, "Let gradmap learn for so long in each cell as well; 0: it is left out [s]."] = 0.0,
    limits: Preset = "ansi-a",
    together: Annotated[bool, "Let all shares rise together, in place of every combination."] = False,
    reliability: Annotated[float, "A cell keeps its limits where at least this share of the days does."] = 1.0,
    growth: Annotated[float, "So many more of the homes own the devices each year [share/year]."] = 0.05,
    discount: Annotated[float, "What money is worth less a year later [1/year]."] = 0.035,
    cell: Annotated[str, "Cell of the map, as cars=0.4,heat_pumps=1; by default the one of most use."] = "",
    sets: Sets = None,
    runs: Runs = Path("runs"),
    workers: Annotated[int, "Cells side by side, each on its share of the cores."] = 1,
    ray: Ray = "",
    fresh: Annotated[bool, "Run all cells again, finished or not."] = False,
    csv: Annotated[Path | None, "Also write the table of cells, seeds and methods to this CSV file."] = None,
) -> Methods:
    """Say up to how many heat pumps, cars, panels and batteries a feeder takes, before and after each method.

    Every cell is an ordinary run: homes of made days, judged on days that no method was fitted on. Raising a share
    only adds devices to the homes that are there. After Ctrl-C the same command goes on. Writes a page, a workbook, a
    GeoJSON file and figures.

    Example:
        wattflock whatif european_lv --heat-pumps 0:1:0.2 --cars 0:1:0.2 --limits en50160
        wattflock whatif european_lv --heat-pumps 0:1:0.2 --cars 0:1:0.2 --together --reliability 0.9
        wattflock whatif mine.feeder --cars 0,0.3,0.6 --panels 0.5 --seeds 2 --days 7 --csv cells.csv
    """
    from wattflock.core.errors import Problem
    from wattflock.core.files import csv_bytes, refuse_place, safe_name, write_whole
    from wattflock.core.progress import say
    from wattflock.report.whatif_page import write_whatif
    from wattflock.study.parallel import cores
    from wattflock.study.whatif.cells import cells
    from wattflock.verbs.results import WhatIf

    compile_cache.enable()
    texts = {"heat_pumps": heat_pumps, "cars": cars, "panels": panels, "batteries": batteries}
    names = tuple(filter(None, methods.replace(" ", "").split(",")))
    options = {"homes": homes, "seeds": seeds, "days": days, "methods": names, "limits": limits, "learn_s": learn}
    options["homes_per_agent"] = homes_per_agent
    options |= {"together": together, "reliability": reliability, "growth": growth, "discount": discount}
    problems = refuse_place(WHERE, "--csv", csv)
    if not 1 <= workers <= len(cores()):
        problems.append(Problem(WHERE, "--workers", workers, f"1 to {len(cores())}, the cores here"))
    asked, shown = _asked(feeder, texts, options | {"sets": tuple(sets or ())}, cell, problems)
    found = swept(asked, cells(asked, runs / "whatif-homes", problems), runs, (fresh, workers, ray))
    folder = runs / f"whatif-{safe_name(Path(feeder).stem)}-{found.fingerprint}"
    files = write_whatif(folder, found, shown)
    if csv:
        write_whole(csv, csv_bytes(found.table))
    say(f"page  {files[0]}\nworkbook, GeoJSON and figures  {folder}")
    return WhatIf(folder, found)


def _asked(
    feeder: str, texts: dict[str, str], options: dict, cell: str, problems: "list[Problem]"
) -> "tuple[Asked, Shares]":
    """What is asked, and the cell of the map; what cannot be asked is added to `problems`."""
    from wattflock.core.errors import Problem, ScenarioError
    from wattflock.feeder.circuit import terminals
    from wattflock.feeder.loads import drawing_kva
    from wattflock.study.whatif.cells import Asked, picked
    from wattflock.study.whatif.shares import parsed
    from wattflock.verbs.api import read_feeder

    sweeps = {
        name: parsed(text, WHERE, f"--{name.replace('_', '-')}", problems) for name, text in texts.items() if text
    }
    places, spot_kva = 1, 0.0
    if Path(feeder).suffix.lower() == ".dss":
        problems.append(Problem(WHERE, "feeder", feeder, "a file that `wattflock feeder import` makes of it"))
    else:
        try:
            circuit = read_feeder(feeder)
            places, spot_kva = len(terminals(circuit)), float(drawing_kva(circuit).sum())
        except ScenarioError as error:
            problems += error.problems
    options |= {"homes": options["homes"] or places, "spot_kva": spot_kva}
    return Asked(feeder, sweeps, **options), picked(cell, sweeps, problems)


def swept(asked: "Asked", every: "list[Cell]", runs: Path, again: tuple[bool, int, str]) -> "Swept":
    """Every cell that is not finished yet, with a bar; then the table of all.

    Args:
        asked: the sweep.
        every: its cells.
        runs: where their runs are kept.
        again: whether finished ones are run again, how many are worked on side by side, and on which Ray cluster.

    Raises:
        RunError: no cell could be finished, or a file of one is damaged.
    """
    from wattflock.core.errors import RunError
    from wattflock.core.progress import bar
    from wattflock.study.cluster import for_folders
    from wattflock.study.whatif.outcome import Ended, Swept, cells_table

    (fresh, workers, ray), ended, failed = again, {}, []
    executor = for_folders(workers, ray, lambda scenario: opened(scenario, runs, asked.learn_s).folder)
    with bar("what-if", len(every)) as shown:

        def begun() -> Iterator["Scenario"]:
            for each in every:
                shown.at(len(ended) + len(failed), each.name)
                yield each.scenario

        with closing(executor(finish, (runs, asked.learn_s, fresh), begun())) as results:
            for place, failure in results:
                each = every[place]
                if failure := str(failure):
                    failed.append(f"{each.name}: {failure}")
                else:
                    ended[place] = Ended(each, opened(each.scenario, runs, asked.learn_s).folder)
                shown.at(len(ended) + len(failed), failed[-1] if failure else f"{each.name} done")
    if not ended:
        raise RunError("\n".join(failed))
    done = tuple(ended[place] for place in sorted(ended))
    return Swept(asked, done, cells_table(done, asked.reliability), tuple(failed))


def opened(scenario: "Scenario", runs: Path, learn_s: float) -> "Run":
    """The run of a cell; another time to learn is another run."""
    from wattflock.study.run import open_run

    return open_run(scenario, runs, f"learn {learn_s:g} s" if learn_s else "")


def finish(how: tuple[Path, float, bool], scenario: "Scenario") -> str:
    """Make what a cell lacks; returns what went wrong, if anything did: the others go on.

    `how`: the folder of runs, the seconds that gradmap learns [s], and whether finished cells are run again.
    """
    runs, learn_s, fresh = how
    try:
        _finish(opened(scenario, runs, learn_s), scenario, learn_s, fresh)
    except Exception as error:  # whatever it is
        return f"failed ({type(error).__name__}: {error})"
    return ""


def _finish(run: "Run", scenario: "Scenario", learn_s: float, fresh: bool) -> None:
    """Train and judge the methods of a cell, then look for what is left at its tightest hours."""
    import polars as pl

    from wattflock.core.files import write_table
    from wattflock.core.run_files import read_table
    from wattflock.study.whatif.left import hosting_left
    from wattflock.study.whatif.outcome import LEFT
    from wattflock.verbs.experiment import Experiment, was_trained
    from wattflock.verbs.judging import compared

    path = run.folder / f"{LEFT}.parquet"
    if path.exists() and not fresh:
        return
    path.unlink(missing_ok=True)
    experiment = _limited(run, scenario, learn_s, fresh) if learn_s else Experiment(scenario, run)
    compared(experiment, fresh and not learn_s)
    steps, left = read_table(run.folder, "steps"), []
    for name in experiment.methods:
        who, progress, _ = was_trained(experiment, name)
        own = steps.filter(pl.col("method") == name)
        left.append(hosting_left(name, experiment.place(name).world, who.policy(progress.state), experiment.days, own))
    write_table(path, pl.concat(left))


def _limited(run: "Run", scenario: "Scenario", learn_s: float, fresh: bool) -> "Experiment":
    """A cell whose learner has what is left of its time; the others are trained, for theirs is not limited."""
    from wattflock.study.whatif.cells import LEARNED
    from wattflock.verbs.experiment import Experiment, was_trained

    experiment, kept = Experiment(scenario, run), run.checkpoint(LEARNED)
    experiment.begin()
    if fresh:
        kept.unlink(missing_ok=True)
    for name in experiment.methods:
        if name != LEARNED:
            experiment.trained(name, fresh)
    spent_s = was_trained(experiment, LEARNED)[2]["seconds"] if kept.exists() else 0.0
    return Experiment(scenario, run, max(learn_s - spent_s, 1e-3) / 60)


VERBS = (whatif,)
