"""Works of many runs: a study is a list of rows, and every row and seed is an ordinary run."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from wattflock.verbs.study import Runs, Sets

if TYPE_CHECKING:
    from wattflock.report.study import Done
    from wattflock.scenario import Scenario
    from wattflock.store.run import Run
    from wattflock.study.rows import Row


def study(  # noqa: PLR0913 (an argument is an option of the command)
    name: Annotated[str, "A bundled study (gradmap), or a TOML file of rows."],
    small: Annotated[bool, "The small version: few homes, few rounds, a minute or so."] = False,
    rows: Annotated[list[str] | None, "Only this row. Can be repeated."] = None,
    seeds: Annotated[int, "So many runs of each row; 0: as the file says."] = 0,
    sets: Sets = None,
    runs: Runs = Path("runs"),
    fresh: Annotated[bool, "Run all again, finished or not."] = False,
) -> object:
    """Run every row of a study with several seeds, and write one table, its curves and a page.

    Finished runs are not repeated, stopped ones go on where they were: after Ctrl-C the same command continues. A row
    whose feeder file is not there is left out; a run that fails is told at the end, and the others go on.

    Example:
        wattflock study gradmap --small
        wattflock study gradmap --row main --row street-55 --seeds 2
        wattflock study gradmap --row ieee8500-5000 --set feeder.settings.file=ieee8500.feeder
    """
    from wattflock.errors import RunError
    from wattflock.report.progress import console, say
    from wattflock.report.study import Findings, write_study
    from wattflock.study.rows import read

    plan = read(name).smaller() if small else read(name)
    chosen = plan.expand(rows or (), seeds, sets or ())
    there = [row for row in chosen if not row.absent()]
    notes = [f"{row.name}: {row.scenarios[0].homes.count:,} homes; {row.about}." for row in there]
    missing = [f"{row.name}: left out, there is no file {row.absent()}." for row in chosen if row.absent()]
    say("\n".join(notes + missing))
    done: list[Done] = []
    failed: list[str] = []
    folder, table = runs / f"study-{plan.name}", "No run is finished."
    try:
        _run(there, runs, (fresh, plan.recompile), (done, failed))
    finally:
        if done:
            table = write_study(folder, Findings(plan.name, plan.about, done, notes + missing + failed))
            say(f"tables, curves and page  {folder}")
    if failed:
        console.print(table)
        raise RunError("\n".join(failed))
    return table


def _run(rows: "list[Row]", runs: Path, again: tuple[bool, bool], told: "tuple[list[Done], list[str]]") -> None:
    """Every seed of every row; what is done and what failed is added to `told` as it happens.

    `again`: whether finished runs are repeated, and whether each compiles for itself.
    """
    from wattflock.report.progress import bar
    from wattflock.report.study import Done
    from wattflock.store.run import open_run

    every = [(row.name, scenario) for row in rows for scenario in row.scenarios]
    with bar("study", len(every)) as shown:
        for place, (name, scenario) in enumerate(every, 1):
            which = f"{name}, seed {scenario.seed}"
            shown.at(place - 1, which)
            run = open_run(scenario, runs)
            try:
                _finish(scenario, run, again)
            except Exception as error:  # whatever it is, the others go on
                told[1].append(f"{which}: failed ({type(error).__name__}: {error})")
                shown.at(place, told[1][-1])
                continue
            told[0].append(Done(name, scenario.seed, run.folder))
            shown.at(place, f"{which} done")


def _finish(scenario: "Scenario", run: "Run", again: tuple[bool, bool]) -> None:
    """Make what a run lacks."""
    import jax

    from wattflock.experiment import Experiment, compared

    fresh, recompile = again
    if run.summary() and not fresh:
        return
    if recompile:
        jax.clear_caches()
    compared(Experiment(scenario, run), fresh)


VERBS = (study,)
