"""Who pays what: metered energy settled in one market or several."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol, cast

from wattflock.verbs.study import Runs

if TYPE_CHECKING:
    import numpy as np

    from wattflock.core.errors import Problem
    from wattflock.market.market import Market
    from wattflock.market.retail import Retail
    from wattflock.study.metered import Metered

WHERE = "wattflock settle"
ALL, NO_NAME = "all", "currency"
FILES = (".csv", ".gz", ".txt", ".tsv", ".parquet")
OF_RUN, OF_FILE = ("--method", "--days"), ("--period-days", "--currency")  # options of one source only
OF_PRICES = (
    "prices_from", "flat_per_kwh", "bands", "bands_free", "file", "exports_from", "export_per_kwh", "carbon_per_t",
    "carbon_on_exports",
)  # fmt: skip


def settle(  # noqa: PLR0913 (an argument is an option of the command)
    run: Annotated[
        str,
        "A run (id, its beginning, latest, its folder), a scenario.toml, or a CSV or Parquet file of meter readings.",
    ],
    markets: Annotated[list[str] | None, "A market, or all; mid_market by default. Can be repeated."] = None,
    method: Annotated[str, "Of a run: whose meters; its learner by default, or a rule such as idle."] = "",
    sets: Annotated[list[str] | None, "Change a setting of the markets: export_share=0.4. Can be repeated."] = None,
    days: Annotated[int, "Of a run: test days to settle; 0 takes the scenario's."] = 0,
    period_days: Annotated[int, "Of a file: days of a billing period, for charges on its peak; 0: one day."] = 0,
    tariffs: Annotated[Path | None, "Own tariffs: home, import_per_kwh, export_per_kwh, standing_per_day."] = None,
    communities: Annotated[Path | None, "Who belongs where: home, community, share."] = None,
    currency: Annotated[str, "Of a file: what money is counted in."] = NO_NAME,
    out: Annotated[Path | None, "Write the bills to this .csv, .xlsx or .parquet file."] = None,
    picture: Annotated[Path | None, "Draw all bills before and after to this .png, .svg or .pdf file."] = None,
    runs: Runs = Path("runs"),
) -> object:
    """Settle metered energy: what each home pays in a market, item by item, beside its own tariff.

    A file has a row for each home and step: time, home, net_kwh (negative is fed in), import_kwh and export_kwh, or
    load_kw and pv_kw; the grid's prices import_per_kwh and export_per_kwh, unless --set prices_from says where they
    come from; and bids, bid_per_kwh, if there are any. Of a run the test days are gone through again with the method as
    it was trained.

    Example:
        wattflock settle latest --market mid_market --market auction
        wattflock settle meters.csv --market all --out bills.xlsx --picture bills.png
        wattflock settle meters.csv --set prices_from=flat --set flat_per_kwh=0.3 --set exports_from=fixed
    """
    from wattflock.core.errors import ScenarioError
    from wattflock.core.registry import files
    from wattflock.data.meter_file import read_communities, read_tariffs
    from wattflock.report.spreadsheet import FORMATS, refuse_ending, write_sheets
    from wattflock.report.theme import FORMATS as PICTURES
    from wattflock.report.theme import save
    from wattflock.study.settlement import settled
    from wattflock.verbs.results import Bills

    all_of = ALL in (markets or ())
    names = files("market") if all_of else list(dict.fromkeys(markets or ["mid_market"]))
    problems = refuse_ending(WHERE, "--out", out, FORMATS) + refuse_ending(WHERE, "--picture", picture, PICTURES)
    of_file = Path(run).suffix.lower() in FILES
    said = {"--method": method, "--days": days, "--period-days": period_days}
    problems += _wrong(run, of_file, said | {"--currency": "" if currency == NO_NAME else currency})
    asked = _settings(names, sets or (), problems)
    if problems:
        raise ScenarioError(problems)
    if of_file:
        source: Source = FromFile(Path(run), asked, period_days, currency)
    else:
        source = FromRun(run, asked, method, days, runs)
    own = read_tariffs(tariffs, source.homes) if tariffs else None
    more = {"communities": read_communities(communities, source.homes)} if communities else {}
    made = {name: _made(name, source.settings | more) for name in names}
    kept, notes = _possible(source, made, all_of)
    read = source.metered(any(market.needs_wires for market in kept.values()))
    pays = own.bills(read.net_kwh, read.days) if own else None
    every = settled(read, kept, _made("tariff", source.settings), pays)
    found = Bills(every, read.currency, read.days, [source.about, *notes])
    if out:
        write_sheets(out, {"bills": found.table, "totals": found.totals})
    if picture:
        save(found.figures["bills"], picture)
    return found


class Source(Protocol):
    """Where energies come from."""

    homes: tuple[str, ...]
    settings: dict[str, Any]  # of markets
    wires: bool
    about: str

    def prices(self) -> "tuple[np.ndarray, np.ndarray]":
        """Import and export price of the grid, (periods, steps)."""
        ...

    def metered(self, wires: bool) -> "Metered":
        """Energies, and sensitivities of the power flow where `wires` are asked for."""
        ...


class FromFile:
    """A file of meter readings."""

    wires = False

    def __init__(self, path: Path, asked: dict[str, Any], period_days: int, currency: str):
        from wattflock.data.meter_file import read_meters
        from wattflock.report.words import counted
        from wattflock.study.metered import metered_file

        self.settings, file = asked, read_meters(path)
        self.homes = file.homes
        self._read = metered_file(file, cast("Retail", _made("tariff", asked)), period_days, currency)
        homes, steps = counted(len(file.homes), "home"), counted(len(file.net_kwh), "step")
        self.about = f"{path}: {homes}, {steps} of {file.dt_h:g} h"

    def prices(self) -> "tuple[np.ndarray, np.ndarray]":
        return self._read.import_price_per_kwh, self._read.export_price_per_kwh

    def metered(self, wires: bool) -> "Metered":
        return self._read


class FromRun:
    """Test days of a run under one of its methods, or of a scenario under a rule."""

    def __init__(self, name: str, asked: dict[str, Any], method: str, days: int, runs: Path):
        from wattflock.core.errors import Problem, ScenarioError
        from wattflock.core.scenario import load
        from wattflock.report.words import counted
        from wattflock.verbs.experiment import Experiment
        from wattflock.verbs.study import _reopened

        if wrong := [each for each in asked if each in OF_PRICES]:
            said = "a setting of the market beside its prices, which are those that the run was made with"
            raise ScenarioError([Problem(WHERE, "--set", each, said) for each in wrong])
        if (Path(name) / "scenario.toml").is_file():
            runs, name = Path(name).parent, Path(name).resolve().name
        if name.endswith(".toml"):
            self._experiment = Experiment(load(Path(name), [f"judge.test_days={days}"] if days else []))
        else:
            self._experiment = _reopened(runs, name, days, WHERE)
        scenario = self._experiment.scenario
        learned = scenario.learn.part if scenario.learn.part in scenario.judge.methods else scenario.judge.methods[-1]
        self.method = method or (learned if self._experiment.run else "idle")
        self.homes = tuple(map(str, range(scenario.homes.count)))
        self.settings = scenario.market.settings | asked
        self.wires = self._experiment.built.world.feeder is not None
        self.about = f"{name}: {counted(len(self._experiment.days.dates), 'test day')} under {self.method}"

    def prices(self) -> "tuple[np.ndarray, np.ndarray]":
        profile = self._experiment.days.profile
        return profile.import_price_per_kwh, profile.export_price_per_kwh  # type: ignore (numpy on the host)

    def metered(self, wires: bool) -> "Metered":
        from wattflock.study.metered import metered
        from wattflock.verbs.experiment import was_trained

        experiment = self._experiment
        who, progress, _ = was_trained(experiment, self.method)
        policy, built = who.policy(progress.state), experiment.built
        return metered(built.world, policy, experiment.days.profile, built.readings.currency, wires)


def _wrong(run: str, of_file: bool, said: dict[str, Any]) -> "list[Problem]":
    """A source that is neither a run nor a file of readings, and options that cannot be or that it does not have."""
    from wattflock.core.errors import Problem

    problems = [Problem(WHERE, name, said[name], "0 or more") for name in ("--days", "--period-days") if said[name] < 0]
    if not of_file and not run.endswith(".toml") and Path(run).is_file():
        problems.append(
            Problem(WHERE, "run", run, f"a run, a scenario.toml, or a file that ends with {', '.join(FILES)}")
        )
    lost, where = (OF_RUN, "of a run") if of_file else (OF_FILE, "of a file of readings")
    return problems + [Problem(WHERE, name, said[name], f"{where} only") for name in lost if said[name]]


def _settings(names: list[str], sets: Sequence[str], problems: "list[Problem]") -> dict[str, Any]:
    """Settings of markets by field; what is not allowed of them, and markets that there are not, join `problems`."""
    from wattflock.core import toml
    from wattflock.core.errors import Problem, ScenarioError
    from wattflock.core.registry import nearest, part
    from wattflock.core.settings import settings_model
    from wattflock.market.market import Market

    asked: dict[str, Any] = {}
    problems += filter(None, [toml.assign(asked, text, {}) for text in sets])
    known: set[str] = set()
    for name in ("tariff", *names):
        try:
            known |= settings_model(part("market", Market, name, [ALL])).model_fields.keys()
        except ScenarioError as error:
            problems += [Problem(WHERE, "--market", each.value, each.allowed) for each in error.problems]
    unknown = [field for field in asked if field not in known]
    problems += [Problem(WHERE, "--set", field, f"a setting of a market, {nearest(field, known)}") for field in unknown]
    for name in () if problems else ("tariff", *names):
        try:
            _made(name, asked)
        except ScenarioError as error:
            problems += [each for each in error.problems if each not in problems]
    return asked


def _made(name: str, settings: dict[str, Any]) -> "Market":
    """A market with those of the settings that it has.

    Raises:
        ScenarioError: lists every setting that is not allowed.
    """
    from wattflock.core.errors import ScenarioError
    from wattflock.core.registry import part
    from wattflock.core.settings import check_parts, make, settings_model
    from wattflock.market.market import Market

    kind = part("market", Market, name)
    section = {"part": name, "settings": {k: v for k, v in settings.items() if k in settings_model(kind).model_fields}}
    if problems := check_parts({"market": section}, lambda dotted: f"--set {dotted.split('.')[2]}"):
        raise ScenarioError(problems)
    return make(kind, section["settings"])


def _possible(source: Source, made: "dict[str, Market]", all_of: bool) -> "tuple[dict[str, Market], list[str]]":
    """Markets that these homes and prices can be settled in; of `all` the others are left out and told."""
    from wattflock.core.errors import Problem, ScenarioError

    kept, notes, problems = {}, [], list[Problem]()
    for name, market in made.items():
        try:
            market.refuse_world(len(source.homes), source.wires, places=False)
            market.refuse_prices(*source.prices())
            kept[name] = market
        except ScenarioError as error:
            problems += error.problems
            notes.append(f"{name} is left out: {error.problems[0]}")
    if problems and not (all_of and kept):
        raise ScenarioError(problems)
    return kept, notes


VERBS = (settle,)
