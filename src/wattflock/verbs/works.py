"""Works of many runs: a study is a list of rows, and every row and seed is an ordinary run."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from wattflock.core import compile_cache
from wattflock.verbs.study import Methods, Runs, Sets

if TYPE_CHECKING:
    from wattflock.core.scenario import Scenario
    from wattflock.report.study_data import Done
    from wattflock.study.study_file import Plan, StudyRow


def study(  # noqa: PLR0913 (an argument is an option of the command)
    name: Annotated[str, "A bundled study (gradmap, worlds, coalition, …), or a TOML file of rows."],
    small: Annotated[bool, "The small version: few homes, few rounds, a minute or so."] = False,
    rows: Annotated[list[str] | None, "Only this row. Can be repeated."] = None,
    seeds: Annotated[int, "So many runs of each row; 0: as the file says."] = 0,
    sets: Sets = None,
    runs: Runs = Path("runs"),
    workers: Annotated[int, "Runs side by side, each on its share of the cores; seconds are then of that share."] = 1,
    fresh: Annotated[bool, "Run all again, finished or not."] = False,
    backend: Annotated[
        str, "Who reads, of kind interview: rules, openai or embedded, as WATTFLOCK_LLM_… say."
    ] = "rules",
) -> Methods:
    """Run every row of a study with several seeds, and write one table, its curves and a page.

    Finished runs are not repeated, stopped ones go on where they were: after Ctrl-C the same command continues. A row
    whose feeder file is not there is left out; a run that fails is told at the end, and the others go on.

    Example:
        wattflock study gradmap --small
        wattflock study gradmap --row main --row street-55 --seeds 2 --workers 2
        wattflock study p2p-clusters --row community-30
        wattflock study coalition --small
        wattflock study hems-interface --small
        wattflock study gradmap --row ieee8500-5000 --set feeder.settings.file=ieee8500.feeder
    """
    from wattflock.core.errors import Problem, RunError, ScenarioError
    from wattflock.core.progress import console, say
    from wattflock.report.study_data import Findings, figures, spreads
    from wattflock.report.study_page import write_study
    from wattflock.study.parallel import cores
    from wattflock.study.study_file import read
    from wattflock.verbs.results import Study

    if not 1 <= workers <= len(cores()):
        raise ScenarioError([Problem("wattflock study", "--workers", workers, f"1 to {len(cores())}, the cores here")])
    plan = read(name).smaller() if small else read(name)
    if backend != "rules" and plan.kind != "interview":
        raise ScenarioError([Problem(f"study {plan.name}", "--backend", backend, "rules: nobody is interviewed")])
    chosen = plan.expand(rows or (), seeds, sets or ())
    there = [row for row in chosen if not row.absent()]
    notes = [f"{row.name}: {_size(plan, row)}; {row.about}." for row in there]
    missing = [f"{row.name}: left out, there is no file {row.absent()}." for row in chosen if row.absent()]
    say("\n".join(notes + missing))
    done: list[Done] = []
    failed: list[str] = []
    folder, table = runs / f"study-{plan.name}", None
    if plan.kind == "coalition":
        return _shared(plan, chosen, folder, fresh)
    if plan.kind == "interview":
        return _interviewed(plan, chosen, folder, fresh, backend)
    try:
        _run(there, runs, (fresh, plan.recompile), (done, failed), workers)
    finally:
        if done:
            order = [row.name for row in there]
            done.sort(key=lambda each: (order.index(each.row), each.seed))
            said = notes + missing + failed
            told = plan.references, plan.published, plan.claims
            table = write_study(folder, Findings(plan.name, plan.about, done, said, *told))
            say(f"tables, curves and page  {folder}")
    if failed:
        if table:
            console.print(table)
        raise RunError("\n".join(failed))
    if not done:
        return "No run is finished."
    every, currency = figures(done)
    return Study(folder, currency, every, spreads(every))


def _size(plan: "Plan", row: "StudyRow") -> str:
    if plan.kind == "interview":
        return f"{len(row.scenarios)} residents"
    return f"{row.scenarios[0].homes.count:,} homes"


def _of_cases(cases: list, solve: Callable[[Any], Any]) -> list:
    """What comes of each case, with the name of the one that is worked on."""
    from wattflock.core.progress import bar

    found = []
    with bar("study", len(cases)) as shown:
        for count, case in enumerate(cases):
            shown.at(count, case.name)
            found.append(solve(case))
        shown.at(len(cases), "")
    return found


def _shared(plan: "Plan", rows: "tuple[StudyRow, ...]", folder: Path, fresh: bool) -> Methods:
    """A study of ways to share: every row and seed that is not in the folder yet, then tables and page."""
    import polars as pl

    from wattflock.core.progress import say
    from wattflock.game.coalition_study import cases, solved
    from wattflock.report.coalition_page import write_coalition
    from wattflock.verbs.results import SharingStudy

    lines = _of_cases(cases(plan, rows), lambda case: solved(case, folder, fresh))
    table = pl.DataFrame([line for some in lines for line in some], infer_schema_length=None)
    notes = dict.fromkeys(f"{row.sweep or row.name}: {row.about}." for row in rows)
    write_coalition(folder, plan, table, list(notes))
    say(f"tables, charts and page  {folder}")
    return SharingStudy(folder, table)


def _interviewed(plan: "Plan", rows: "tuple[StudyRow, ...]", folder: Path, fresh: bool, backend: str) -> Methods:
    """A study of interviews: every one that is not in the folder yet, then tables and page."""
    from wattflock.assistant.backends import Wanted, model_of
    from wattflock.assistant.interface_study import cases, solved, tables
    from wattflock.core.errors import ScenarioError
    from wattflock.core.progress import say
    from wattflock.report.interface_page import write_interface
    from wattflock.verbs.results import InterviewStudy

    model, problems = model_of("wattflock study", Wanted(backend))
    if problems:
        raise ScenarioError(problems)
    folder = folder if backend == "rules" else folder.with_name(f"{folder.name}-{backend}")
    made = tables(_of_cases(cases(plan, rows, model), lambda case: solved(case, folder, fresh)))
    write_interface(folder, plan, made, [f"{row.name}: {row.about}." for row in rows])
    say(f"tables, chart and page  {folder}")
    return InterviewStudy(folder, *made)


def _run(
    rows: "list[StudyRow]", runs: Path, again: tuple[bool, bool], told: "tuple[list[Done], list[str]]", workers: int
):
    """Every seed of every row; what is done and what failed is added to `told` as it happens.

    `again`: whether finished runs are repeated, and whether each compiles for itself.
    """
    from wattflock.core.progress import bar
    from wattflock.report.study_data import Done
    from wattflock.study.parallel import side_by_side
    from wattflock.study.run import open_run

    every = [(row, scenario) for row in rows for scenario in row.scenarios]
    names = [f"{row.name}, seed {scenario.seed}" for row, scenario in every]
    with bar("study", len(every)) as shown:

        def in_turn() -> Iterator[tuple[int, str]]:
            for place, (_, scenario) in enumerate(every):
                shown.at(place, names[place])
                yield place, _finish(scenario, runs, *again)

        apart = [(scenario, runs, *again) for _, scenario in every]
        ended = in_turn() if workers == 1 else side_by_side(_finish_apart, apart, workers)
        for count, (place, failure) in enumerate(ended, 1):
            row, scenario = every[place]
            if failure:
                told[1].append(f"{names[place]}: {failure}")
            else:
                told[0].append(Done(row.name, scenario.seed, open_run(scenario, runs).folder, row.sweep))
            shown.at(count, told[1][-1] if failure else f"{names[place]} done")


def _finish(scenario: "Scenario", runs: Path, fresh: bool, recompile: bool) -> str:
    """Make what a run lacks; returns what went wrong, if anything did: the others go on."""
    import jax

    from wattflock.study.run import open_run
    from wattflock.verbs.experiment import Experiment, compared, finished

    try:
        experiment = Experiment(scenario, open_run(scenario, runs))
        if fresh or not finished(experiment):
            if recompile:
                compile_cache.disable()
                jax.clear_caches()
            compared(experiment, fresh)
    except Exception as error:  # whatever it is
        return f"failed ({type(error).__name__}: {error})"
    return ""


def _finish_apart(scenario: "Scenario", runs: Path, fresh: bool, recompile: bool) -> str:
    """The same in a process of its own, whose bars nobody sees."""
    compile_cache.enable()  # for its cores
    from wattflock.core.progress import console

    console.quiet = True
    return _finish(scenario, runs, fresh, recompile)


VERBS = (study,)
