"""The verbs for Python: plain arguments in, data out. `import wattflock as wf` shows them.

Nothing is written unless a folder of runs is named. Parts of your own (a learner, a policy, a market) are objects: they
need no file and no name in a registry.
"""

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

from wattflock.core import compile_cache, scenario, toml
from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.files import write_whole
from wattflock.core.registry import files, nearest, part, parts
from wattflock.core.scenario import Scenario
from wattflock.data.home_days import HomeDays
from wattflock.feeder import snapshot as snapshots
from wattflock.feeder.circuit import Circuit
from wattflock.feeder.file import to_bytes
from wattflock.feeder.limits import PRESETS, Limits
from wattflock.feeder.source import FeederSource
from wattflock.game.chunks import Runner
from wattflock.game.sharing import USUAL, Settings
from wattflock.learn.fixed_policy import FixedPolicy
from wattflock.learn.learner import Learner
from wattflock.market.market import Market
from wattflock.study.build import Parts, parts_of
from wattflock.study.run import find
from wattflock.synth import bundle
from wattflock.synth.generate import Wanted, made
from wattflock.synth.region import Mix
from wattflock.verbs import settling
from wattflock.verbs.experiment import experiment_of
from wattflock.verbs.judging import compared, judged, read_back
from wattflock.verbs.results import Bills, Comparison, Shares, SolvedFeeder, Training
from wattflock.verbs.sharing import shares
from wattflock.world.rollout import Policy

Method = Learner | Policy | Training | str  # a name is that of a learner that comes along
Methods = Sequence[str] | Mapping[str, Method]

OPTIONS = {"loads": ("constant-power", "as-modelled"), "taps": ("fixed", "settle"), "limits": tuple(PRESETS)}
ALLOWED = (
    'name → learner, policy or training, as in {"mine": MyPolicy()}; '
    "a class of your own subclasses wf.Policy or wf.Learner"
)

compile_cache.enable()


def load(name: str | Path | None = None, changes: Mapping[str, object] | None = None) -> Scenario:
    """A checked scenario: a TOML file, the name of a bundled one, `gradmap` by default, with changes on top.

    Args:
        name: file or bundled name; None is `gradmap`.
        changes: dotted field → value, as in `{"homes.count": 50, "learn.part": "through"}`.

    Raises:
        ScenarioError: lists every problem of file and changes at once.
    """
    sets = toml.assignments(changes or {})
    return scenario.load(None if name is None else Path(name), sets)


def train(
    scenario: Scenario, learner: Learner | None = None, runs: str | Path | None = None, minutes: float = 0.0
) -> Training:
    """Train one learner, the scenario's own by default.

    Args:
        scenario: as `load` gives it.
        learner: an object of your own instead; it needs no file.
        runs: folder in which checkpoints are kept, so that the same call goes on; None keeps nothing.
        minutes: stop after so long; 0 is no limit [min].
    """
    name = scenario.learn.part if learner is None else type(learner).__name__.lower()
    own = {} if learner is None else {name: learner}
    return experiment_of(scenario, _folder(runs), own, minutes=minutes).training(name)


def compare(
    scenario: Scenario,
    methods: Methods | None = None,
    market: Market | None = None,
    runs: str | Path | None = None,
    minutes: float = 0.0,
) -> Comparison:
    """Train and judge methods on the same test days, beside the uncontrolled flock and the optimum.

    Args:
        scenario: as `load` gives it.
        methods: names of learners, or name → learner, policy, finished training or the name of a learner; None:
            those of the scenario.
        market: an object of your own instead of the scenario's.
        runs: folder in which all is kept, so that the same call goes on; None keeps nothing.
        minutes: stop each training after so long; 0 is no limit [min].
    """
    own = None if methods is None else _learners(scenario, methods)
    return compared(experiment_of(scenario, _folder(runs), own, _instead(market), minutes))


def evaluate(scenario: Scenario, methods: Mapping[str, Method], market: Market | None = None) -> Comparison:
    """Judge policies on test days in float64, beside the uncontrolled flock; nothing is trained and none is optimal.

    Args:
        scenario: as `load` gives it.
        methods: name → policy, what `train` returned, or the name of a rule.
        market: an object of your own instead of the scenario's.
    """
    return judged(experiment_of(scenario, None, _learners(scenario, methods), _instead(market)), methods)


def share(
    scenario: Scenario,
    methods: Sequence[str] = ("nucleolus",),
    days: int = 1,
    settings: Settings = USUAL,
    runs: str | Path | None = None,
) -> Shares:
    """Share what homes save together on test days, in one way or several.

    Args:
        scenario: as `load` gives it.
        methods: names of ways to share (`wattflock.game.sharing.METHODS`), or "all".
        days: how many test days; 0 is all.
        settings: of the ways that have a choice: clusters, split, samples, seed.
        runs: folder in which values of coalitions are kept, so that the same call goes on; None keeps nothing.

    Raises:
        ScenarioError: names that are no methods; days, homes or prices that are no such game.
    """
    kept = _folder(runs)
    return shares(scenario, methods, days, settings, Runner(cache=kept / "coalitions" if kept else None))


def read_run(name: str = "latest", runs: str | Path = "runs") -> Comparison:
    """A finished comparison from its folder: a run's name, the beginning of it, or `latest`.

    Raises:
        RunError: there is none, or it is not judged yet.
    """
    return read_back(find(Path(runs), name))


def generate(
    region: str | Path = "london",
    homes: int = 10,
    days: int = 28,
    resolution: int = 60,
    seed: int = 0,
    mix: Mix | None = None,
) -> HomeDays:
    """New, believable homes: load, sun, car, heat and weather, as many as wanted.

    Args:
        region: a bundled region (london, california), or a file that `wattflock data fit` wrote.
        homes: how many.
        days: from Monday, 4 January 2027.
        resolution: length of a step, 5, 15, 30 or 60 [min].
        seed: which homes and which weather.
        mix: what stands in them; panels in half of them and cars in some by default.

    Returns:
        Arrays (homes, days, steps); `.table()` is the long form.
    """
    if resolution not in (5, 15, 30, 60):
        raise ScenarioError([Problem("generate", "resolution", resolution, "5, 15, 30 or 60 [min]")])
    fitted, card = bundle.load(region)
    start = datetime.date(2027, 1, 4)
    return made(fitted, Wanted(homes, days, start, card["zone"], 1440 // resolution, seed, None, mix or Mix()))


def settle(  # noqa: PLR0913
    run: str | Path,
    markets: Sequence[str] = ("mid_market",),
    changes: Mapping[str, object] | None = None,
    method: str = "",
    days: int = 0,
    tariffs: Path | None = None,
    communities: Path | None = None,
    runs: Path = Path("runs"),
) -> Bills:
    """What each home pays in markets, item by item, beside its own tariff.

    Args:
        run: of `runs`, or a CSV or Parquet file of meter readings (docs/settle.md).
        markets: names, or "all".
        changes: setting of the markets → value, as in `{"export_share": 0.4}`.
        method: of a run: whose meters.
        days: of a run: test days; 0 is all.
        tariffs: own tariffs, a file.
        communities: who belongs where, a file.
        runs: where runs are kept.

    Raises:
        ScenarioError: lists every problem of the file, or of what is asked.
    """
    sets = toml.assignments(changes or {})
    found = settling.settle(
        str(run), list(markets), method, sets, days, tariffs=tariffs, communities=communities, runs=runs
    )
    return cast(Bills, found)


def read_feeder(name: str | Path) -> Circuit:
    """A feeder's circuit: a bundled name (ieee13, ieee37, ieee123, european_lv), a file that `wattflock feeder import`
    wrote, or an OpenDSS model (`.dss`, read once; needs the extra `opendss`).

    Raises:
        ScenarioError: there is no such feeder or file, or it cannot be used.
    """
    from wattflock.feeder.feeders.imported import read_circuit

    path = Path(name)
    if path.suffix.lower() == ".dss":
        from wattflock.feeder.opendss import read_opendss

        return read_opendss(path)
    if str(name) in files("feeder"):
        return part("feeder", FeederSource, str(name))().circuit()
    if not path.exists():
        known = nearest(str(name), parts("feeder", FeederSource))
        allowed = f"an existing file that `wattflock feeder import` wrote, or {known}"
        raise ScenarioError([Problem("feeder", "file", f"{name} (no such file)", allowed)])
    return read_circuit(str(path))


def write_feeder(feeder: Circuit, path: str | Path) -> Path:
    """Keep a circuit in a file; `{"feeder.part": "imported", "feeder.settings.file": path}` puts homes on it."""
    return write_whole(Path(path), to_bytes(feeder))


def snapshot(
    feeder: Circuit | str | Path,
    loads: str = "constant-power",
    scale: float = 1.0,
    taps: str = "fixed",
    limits: Limits | str = "ansi-a",
) -> SolvedFeeder:
    """A feeder solved at its own spot loads in float64.

    Args:
        feeder: what `read_feeder` returns, or what it takes.
        loads: "constant-power", or "as-modelled": with their own dependence on voltage.
        scale: of every load; what feeds in stays.
        taps: "fixed", or "settle": regulators move until their voltage is in band.
        limits: what is marked as beyond them: "ansi-a", "ansi-b", "en50160", or limits of your own.
    """
    circuit = feeder if isinstance(feeder, Circuit) else read_feeder(feeder)
    refuse_options({"loads": loads, "taps": taps} | ({"limits": limits} if isinstance(limits, str) else {}))
    if not 0 < scale < float("inf"):
        raise ScenarioError([Problem("feeder", "scale", scale, "more than 0, and finite")])
    chosen = PRESETS[limits] if isinstance(limits, str) else limits
    return SolvedFeeder(snapshots.snapshot(circuit, loads, scale, taps), chosen)


def refuse_options(chosen: Mapping[str, str]) -> None:
    """Raises ScenarioError that names every option of a feeder (loads, taps, limits) that is none."""
    wrong = [
        Problem("feeder", name, value, nearest(value, OPTIONS[name]))
        for name, value in chosen.items()
        if value not in OPTIONS[name]
    ]
    if wrong:
        raise ScenarioError(wrong)


def _learners(scenario: Scenario, methods: Methods) -> dict[str, Learner]:
    """Name → learner.

    Raises:
        ScenarioError: names every method that is none, and every object that takes the name of a bundled learner.
    """
    if isinstance(methods, str) or not isinstance(methods, Sequence | Mapping):
        raise ScenarioError([Problem("methods", "methods", methods, f"a list of names, or {ALLOWED}")])
    given = methods if isinstance(methods, Mapping) else {name: name for name in methods}
    problems = [Problem("methods", str(name), each, ALLOWED) for name, each in given.items() if not _fits(name, each)]
    problems += [
        Problem("methods", name, type(each).__name__, "a name of its own: that of a bundled learner is taken")
        for name, each in given.items()
        if name in files("learn") and isinstance(each, Policy | Learner) and not _bundled(name, each)
    ]
    if problems or not given:
        raise ScenarioError(problems or [Problem("methods", "methods", methods, f"at least one: {ALLOWED}")])
    named = parts_of(scenario)
    return {name: _learner(named, each) for name, each in given.items()}


def _fits(name: object, given: object) -> bool:
    return isinstance(name, str) and isinstance(given, str | Learner | Policy | Training)


def _bundled(name: str, given: Policy | Learner) -> bool:
    return type(given) is part("learn", Learner, name)


def _learner(named: Parts, given: Method) -> Learner:
    if isinstance(given, str):
        return named.learner(given)
    policy = given.policy if isinstance(given, Training) else given
    return FixedPolicy(policy) if isinstance(policy, Policy) else policy


def _instead(market: Market | None) -> dict[str, Market]:
    return {} if market is None else {"market": market}


def _folder(runs: str | Path | None) -> Path | None:
    return None if runs is None else Path(runs)
