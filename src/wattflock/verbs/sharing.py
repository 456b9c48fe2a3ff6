"""What coalitions save, and how it is shared fairly."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from wattflock.verbs.study import Methods, Ray, Runs, Sets

if TYPE_CHECKING:
    from wattflock.core.errors import Problem
    from wattflock.core.scenario import Scenario
    from wattflock.game.chunks import Runner
    from wattflock.game.sharing import Settings
    from wattflock.verbs.results import Shares

ALL = "all"


def game(
    file: Annotated[Path, "A JSON file with all values, or with a rule and its numbers (docs/game.md)."],
    out: Annotated[Path | None, "Write all answers here, as JSON."] = None,
    samples: Annotated[int, "Values to ask for, for a sampled Shapley value; 0: every answer, exactly."] = 0,
    tolerance: Annotated[float, "With --samples: stop where every 95 % interval is this narrow on either side."] = 0.0,
    seed: Annotated[int, "With --samples: of the sampled orders."] = 0,
) -> object:
    """Solve a cooperative game: Shapley value, nucleolus, least core, fair least core, Banzhaf value.

    Each payoff has a certificate: whether it hands out all there is, who gets less than alone, the coalition with the
    largest excess (what it is worth beyond what its members get), Jain's and Gini's indices. Exact up to 20 players;
    larger games that are given by a rule have a sampled Shapley value with error bars.

    Example:
        wattflock game airport.json --out answers.json
        wattflock game parliament.json --samples 20000 --tolerance 0.001
    """
    from wattflock.core.errors import Problem, ScenarioError
    from wattflock.core.files import refuse_place, write_json
    from wattflock.core.progress import bar
    from wattflock.game import answers
    from wattflock.game.game import EXACT_PLAYERS, Game
    from wattflock.game.game_file import read, too_many
    from wattflock.verbs.results import SolvedGame

    options = (("--samples", samples), ("--seed", seed))
    wrong = [Problem("wattflock game", name, value, "0 or more") for name, value in options if value < 0]
    if not samples:
        chosen = (("--tolerance", tolerance), ("--seed", seed))
        wrong += [Problem("wattflock game", *each, "only with --samples") for each in chosen if each[1] > 0]
    if wrong := wrong + refuse_place("wattflock game", "--out", out):
        raise ScenarioError(wrong)
    found = read(file)
    if samples:
        with bar("values", samples) as progress:
            solved = answers.sampled(found, samples, tolerance, seed, progress.at)
    elif found.players > EXACT_PLAYERS:
        raise ScenarioError([Problem(str(file), "players", found.players, too_many(found.players))])
    else:
        solved = answers.exact(found if isinstance(found, Game) else found.listed())
    if out:
        write_json(out, solved)
    return SolvedGame(solved)


def share(  # noqa: PLR0913 (an argument is an option of the command)
    flock: Annotated[str, "A scenario (bundled name or TOML), a run (folder or id), or a file or folder of homes."],
    methods: Annotated[list[str] | None, "How to share, or all; nucleolus by default. Can be repeated."] = None,
    days: Annotated[int, "Test days, spread over the year; 0 is all."] = 1,
    homes: Annotated[int, "So many homes; 0: as the scenario or the file says."] = 0,
    clusters: Annotated[int, "Players that K-means makes of more than 16 homes; 0: as the elbow says."] = 10,
    scaled: Annotated[bool, "Cluster profiles by their shape alone, not by their size as well."] = False,
    split: Annotated[str, "Inside a cluster: marginal, prices or equal (docs/share.md)."] = "marginal",
    samples: Annotated[int, "Values for a sampled Shapley value; 0: the fewest that have an error bar."] = 0,
    seed: Annotated[int, "Of K-means and of sampled orders."] = 0,
    sets: Sets = None,
    runs: Runs = Path("runs"),
    workers: Annotated[int, "Processes that share days and coalitions, without --ray; worth it from many days on."] = 1,
    ray: Ray = "",
    out: Annotated[Path | None, "Write what every home saves to this .csv, .xlsx or .parquet file."] = None,
    picture: Annotated[Path | None, "Draw what every home saves to this .png, .svg or .pdf file."] = None,
    resume: Annotated[bool, "Go on with the values that were found before; this is always so."] = True,
) -> Methods:
    """Share what homes save together, in one way or several, and say who would rather leave.

    A coalition of homes schedules its batteries, cars, heat and panels together and is billed as one meter; what that
    saves beside every home alone is shared. Values are kept in the folder of runs: after Ctrl-C the same command
    goes on.

    Example:
        wattflock share mixed --homes 12 --method all
        wattflock share mixed --method nucleolus --clusters 10 --out shares.xlsx --picture shares.png
        wattflock share meters.parquet --method owen --method mid_market --days 30 --workers 2
    """
    del resume
    from wattflock.core.errors import ScenarioError
    from wattflock.game.chunks import Runner
    from wattflock.game.sharing import Settings
    from wattflock.report.share_report import picture as drawn
    from wattflock.report.spreadsheet import write_sheets
    from wattflock.report.theme import save
    from wattflock.study.cluster import for_short

    numbers = {"--days": days, "--homes": homes, "--clusters": clusters, "--samples": samples, "--seed": seed}
    if problems := _wrong(methods or [], numbers, split, out, picture, workers):
        raise ScenarioError(problems)
    scenario, names = _homes(flock, homes, sets or [], runs)
    runner = Runner(for_short(workers, ray), runs / "coalitions")
    settings = Settings(clusters, scaled, split, samples=samples, seed=seed)
    found = shares(scenario, methods or ["nucleolus"], days, settings, runner, names)
    if out:
        write_sheets(out, {"homes": found.homes, "methods": found.methods})
    if picture:
        save(drawn(found.found, found.currency), picture)
    return found


def shares(
    scenario: "Scenario",
    methods: "Sequence[str]",
    days: int,
    settings: "Settings",
    runner: "Runner",
    names: tuple[str, ...] = (),
) -> "Shares":
    """What homes save together on test days, shared by these methods, or all; `names` of homes instead of our own."""
    from wattflock.core.progress import bar
    from wattflock.game.days import refuse_market
    from wattflock.game.outcome import outcome
    from wattflock.game.sharing import refuse_unknown, usual
    from wattflock.game.values import flock_of, homes_named
    from wattflock.study.build import build, parts_of
    from wattflock.study.compare import unseen
    from wattflock.verbs.results import Shares

    refuse_unknown(name for name in methods if name != ALL)
    refuse_market((parts := parts_of(scenario)).market)  # before homes and readings are made
    built = build(scenario, parts)
    profile = unseen(built, days, scenario.judge.seed).profile
    made = flock_of(built.world, profile, names or homes_named(built.kinds), runner=runner)
    asked = usual(made.players) if ALL in methods else tuple(methods)
    with bar("share", len(asked)) as progress:
        return Shares(outcome(made, asked, settings, progress.at), built.readings.currency)


def _wrong(
    methods: list[str], numbers: dict[str, int], split: str, out: Path | None, picture: Path | None, workers: int
) -> "list[Problem]":
    """Every option that cannot be."""
    from wattflock.core.errors import Problem
    from wattflock.core.registry import nearest
    from wattflock.game.sharing import METHODS
    from wattflock.game.split import BY
    from wattflock.report.spreadsheet import FORMATS, refuse_ending
    from wattflock.report.theme import FORMATS as PICTURES
    from wattflock.study.parallel import cores
    from wattflock.study.study_file import MOST_CLUSTERS

    known, where = (*METHODS, ALL), "wattflock share"
    problems = [Problem(where, "--method", name, nearest(name, known)) for name in methods if name not in known]
    problems += [Problem(where, name, value, "0 or more") for name, value in numbers.items() if value < 0]
    if numbers["--clusters"] > MOST_CLUSTERS:
        allowed = f"1 to {MOST_CLUSTERS}, or 0: as the elbow says"
        problems.append(Problem(where, "--clusters", numbers["--clusters"], allowed))
    if split not in BY:
        problems.append(Problem(where, "--split", split, nearest(split, BY)))
    if not 1 <= workers <= len(cores()):
        problems.append(Problem(where, "--workers", workers, f"1 to {len(cores())}, the cores here"))
    return problems + refuse_ending(where, "--out", out, FORMATS) + refuse_ending(where, "--picture", picture, PICTURES)


def _homes(name: str, count: int, sets: list[str], runs: Path) -> "tuple[Scenario, tuple[str, ...]]":
    """The scenario of a name, and names of its homes where a file has them.

    A name is a bundled scenario, a TOML file, a run, or a file or folder of readings, with devices as `gradmap` has.
    """
    from wattflock.core.scenario import bundled, load
    from wattflock.study.run import LATEST, find, listed

    path, more = Path(name), [f"homes.count={count}"] if count else []
    if (path / "scenario.toml").is_file():
        path = path / "scenario.toml"
    elif path.exists() and path.suffix != ".toml":
        return _readings(path, count, runs, sets)
    elif name not in bundled() and (name == LATEST or any(each.name.startswith(name) for each in listed(runs))):
        path = find(runs, name).folder / "scenario.toml"
    return load(path, [*more, *sets]), ()  # which says what there is, where there is no such name


def _readings(path: Path, count: int, runs: Path, sets: list[str]) -> "tuple[Scenario, tuple[str, ...]]":
    """A scenario with the readings of a table: each of its homes once, in its order."""
    from wattflock.core.files import write_whole
    from wattflock.core.scenario import load
    from wattflock.study.build import parts_of

    of_table = ["name=share", "data.part=table", f"data.settings.path={path}", "feeder.part=none", "market.part=tariff"]
    own = [text for text in sets if text.startswith("data.")]
    names = parts_of(load(None, [*of_table, *own])).source.read().homes[: count or None]
    lines = "\n".join(["home,source", *(f"{name},{name}" for name in names)])
    listed = write_whole(runs / "coalitions" / "homes.csv", lines.encode())
    return load(None, [*of_table, f"homes.file={listed}", f"homes.count={len(names)}", *sets]), names


VERBS = (game, share)
