"""Works of many runs: a study is a list of rows, and every row and seed is an ordinary run."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from wattflock.core import compile_cache
from wattflock.verbs.study import Methods, Ray, Runs, Sets

if TYPE_CHECKING:
    from wattflock.core.errors import Problem
    from wattflock.core.scenario import Scenario
    from wattflock.report.study_data import Done
    from wattflock.study.parallel import Executor
    from wattflock.study.study_file import Plan, StudyRow


def study(  # noqa: PLR0913 (an argument is an option of the command)
    name: Annotated[str, "A bundled study (gradmap, worlds, coalition, …), or a TOML file of rows."],
    small: Annotated[bool, "The small version: few homes, few rounds, a minute or so."] = False,
    rows: Annotated[list[str] | None, "Only this row. Can be repeated."] = None,
    seeds: Annotated[int, "So many runs of each row; 0: as the file says."] = 0,
    sets: Sets = None,
    runs: Runs = Path("runs"),
    workers: Annotated[int, "Runs side by side, each on its share of the cores; seconds are then of that share."] = 1,
    ray: Ray = "",
    fresh: Annotated[bool, "Run all again, finished or not."] = False,
    done_only: Annotated[bool, "Tables and page of the runs that are finished; none is begun."] = False,
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
        wattflock study thousand --done-only
        wattflock study gradmap --small --ray local --workers 2
        wattflock study p2p-clusters --row community-30
        wattflock study coalition --small
        wattflock study hems-interface --small
        wattflock study gradmap --row ieee8500-5000 --set feeder.settings.file=ieee8500.feeder
    """
    from wattflock.core.errors import RunError, ScenarioError
    from wattflock.core.progress import console, say
    from wattflock.report.study_data import Findings, figures, said_of, spreads
    from wattflock.report.study_page import write_study
    from wattflock.study.cluster import for_folders, for_long
    from wattflock.study.run import open_run
    from wattflock.study.study_file import read
    from wattflock.verbs.results import Study

    plan = read(name).smaller() if small else read(name)
    if problems := list(_misused(plan, workers, backend, ray, (fresh, done_only))):
        raise ScenarioError(problems)
    chosen = plan.expand(rows or (), seeds, sets or ())
    there = [row for row in chosen if not row.absent()]
    notes = [f"{row.name}: {_size(plan, row)}; {row.about}." for row in there]
    missing = [f"{row.name}: left out, there is no file {row.absent()}." for row in chosen if row.absent()]
    say("\n".join(notes + missing))
    done: list[Done] = []
    failed: list[str] = []
    folder, table = runs / f"study-{plan.name}", None
    if plan.kind == "coalition":
        return _shared(plan, chosen, (folder, fresh), for_long(workers, ray))
    if plan.kind == "interview":
        return _interviewed(plan, chosen, folder, fresh, backend)
    try:
        if done_only:
            there = [replace(row, scenarios=tuple(filter(partial(_is_done, runs), row.scenarios))) for row in there]
        executor = for_folders(workers, ray, lambda scenario: open_run(scenario, runs).folder)
        _run(there, (runs, fresh, plan.recompile), (done, failed), executor)
    finally:
        if done:
            order = [row.name for row in there]
            done.sort(key=lambda each: (order.index(each.row), each.seed))
            told_by_runs = said_of(done)
            said = notes + told_by_runs + missing + failed
            told = plan.references, plan.published, plan.claims
            table = write_study(folder, Findings(plan.name, plan.about, done, said, *told))
            say("\n".join([*told_by_runs, f"tables, curves and page  {folder}"]))
    if failed:
        if table:
            console.print(table)
        raise RunError("\n".join(failed))
    if not done:
        return "No run is finished."
    every, currency = figures(done)
    return Study(folder, currency, every, spreads(every))


def _misused(plan: "Plan", workers: int, backend: str, ray: str, which: tuple[bool, bool]) -> "Iterator[Problem]":
    """Options that do not go together; `which`: whether finished runs are repeated, and whether they are all."""
    from wattflock.core.errors import Problem
    from wattflock.study.parallel import cores

    where, interview, (fresh, done_only) = f"study {plan.name}", plan.kind == "interview", which
    if not 1 <= workers <= len(cores()):
        yield Problem(where, "--workers", workers, f"1 to {len(cores())}, the cores here")
    if backend != "rules" and not interview:
        yield Problem(where, "--backend", backend, "rules: nobody is interviewed")
    if ray and interview:
        yield Problem(where, "--ray", ray, "nothing: interviews are held here")
    if done_only and (fresh or plan.kind != "runs"):
        yield Problem(where, "--done-only", "given", "a study of kind runs, without --fresh")


def _size(plan: "Plan", row: "StudyRow") -> str:
    from wattflock.report.words import counted

    if plan.kind == "interview":
        return counted(len(row.scenarios), "resident")
    return counted(row.scenarios[0].homes.count, "home")


def _shared(plan: "Plan", rows: "tuple[StudyRow, ...]", place: tuple[Path, bool], executor: "Executor") -> Methods:
    """A study of ways to share: every row and seed that is not in the folder yet, then tables and page.

    `place`: the folder, and whether what is in there is made again.
    """
    import polars as pl

    from wattflock.core.errors import RunError
    from wattflock.core.files import read_json, write_json
    from wattflock.core.progress import bar, say
    from wattflock.game.coalition_study import cases, solved
    from wattflock.report.coalition_page import write_coalition
    from wattflock.study.parallel import Lost
    from wattflock.verbs.results import SharingStudy

    (folder, fresh), every = place, cases(plan, rows)
    missing = [case for case in every if fresh or not case.file(folder).exists()]
    with bar("study", len(missing)) as shown, closing(executor(solved, None, missing)) as results:
        for count, (number, lines) in enumerate(results, 1):
            if isinstance(lines, Lost):
                raise RunError(f"{missing[number].name}: {lines}; what is finished is kept")
            write_json(missing[number].file(folder), lines)
            shown.at(count, f"{missing[number].name} done")
    table = pl.DataFrame([line for case in every for line in read_json(case.file(folder))], infer_schema_length=None)
    notes = dict.fromkeys(f"{row.sweep or row.name}: {row.about}." for row in rows)
    write_coalition(folder, plan, table, list(notes))
    say(f"tables, charts and page  {folder}")
    return SharingStudy(folder, table)


def _interviewed(plan: "Plan", rows: "tuple[StudyRow, ...]", folder: Path, fresh: bool, backend: str) -> Methods:
    """A study of interviews: every one that is not in the folder yet, then tables and page."""
    from wattflock.assistant.backends import Wanted, model_of
    from wattflock.assistant.interface_study import cases, solved, tables
    from wattflock.core.errors import ScenarioError
    from wattflock.core.progress import bar, say
    from wattflock.report.interface_page import write_interface
    from wattflock.verbs.results import InterviewStudy

    model, problems = model_of("wattflock study", Wanted(backend))
    if problems:
        raise ScenarioError(problems)
    folder = folder if backend == "rules" else folder.with_name(f"{folder.name}-{backend}")
    every, found = cases(plan, rows, model), []
    with bar("study", len(every)) as shown:
        for count, case in enumerate(every):
            shown.at(count, case.name)
            found.append(solved(case, folder, fresh))
        shown.at(len(every), "")
    made = tables(found)
    write_interface(folder, plan, made, [f"{row.name}: {row.about}." for row in rows])
    say(f"tables, chart and page  {folder}")
    return InterviewStudy(folder, *made)


def _run(
    rows: "list[StudyRow]",
    how: tuple[Path, bool, bool],
    told: "tuple[list[Done], list[str]]",
    executor: "Executor",
) -> None:
    """Every seed of every row; what is done and what failed is added to `told` as it happens.

    `how`: the folder of runs, whether finished runs are repeated, and whether each compiles for itself.
    """
    from wattflock.core.progress import bar
    from wattflock.report.study_data import Done
    from wattflock.study.run import open_run

    every = [(row, scenario) for row in rows for scenario in row.scenarios]
    names = [f"{row.name}, seed {scenario.seed}" for row, scenario in every]
    with bar("study", len(every)) as shown:

        def begun() -> Iterator["Scenario"]:
            for name, (_, scenario) in zip(names, every, strict=True):
                shown.at(sum(map(len, told)), name)
                yield scenario

        with closing(executor(finish, how, begun())) as results:
            for place, failure in results:
                row, scenario = every[place]
                if failure := str(failure):
                    told[1].append(f"{names[place]}: {failure}")
                else:
                    told[0].append(Done(row.name, scenario.seed, open_run(scenario, how[0]).folder, row.sweep))
                shown.at(sum(map(len, told)), told[1][-1] if failure else f"{names[place]} done")


def _is_done(runs: Path, scenario: "Scenario") -> bool:
    """Whether a run of this folder is finished."""
    from wattflock.study.run import open_run
    from wattflock.verbs.experiment import Experiment
    from wattflock.verbs.judging import finished

    return finished(Experiment(scenario, open_run(scenario, runs)))


def finish(how: tuple[Path, bool, bool], scenario: "Scenario") -> str:
    """Make what a run lacks; returns what went wrong, if anything did: the others go on."""
    import jax

    from wattflock.study.kept_optima import FOLDER as OPTIMA
    from wattflock.study.run import open_run
    from wattflock.verbs.experiment import Experiment
    from wattflock.verbs.judging import compared, finished

    runs, fresh, recompile = how
    try:
        experiment = Experiment(scenario, open_run(scenario, runs), kept=runs / OPTIMA)
        if fresh or not finished(experiment):
            if recompile:
                compile_cache.disable()
                jax.clear_caches()
            compared(experiment, fresh)
    except Exception as error:  # whatever it is
        return f"failed ({type(error).__name__}: {error})"
    return ""


VERBS = (study,)
