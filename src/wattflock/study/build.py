"""Scenario → world, sampler and learners: the only place where names become objects."""

import dataclasses
import itertools
from collections.abc import Callable, Iterator
from typing import Any, cast

import numpy as np

from wattflock.core.errors import Problem, ScenarioError, gathered
from wattflock.core.registry import nearest, part
from wattflock.core.scenario import Scenario
from wattflock.core.sections import (
    LOAD_ONLY,
    CoordinatorSection,
    DataSection,
    FeederSection,
    HomesSection,
    Kind,
    LearnerSection,
)
from wattflock.core.settings import make
from wattflock.core.types import REFERENCE_PRICE_PER_KWH
from wattflock.data.sample import SPLITS, Augment, Sampler, sampler, split_of_week
from wattflock.data.source import DataSource, Readings
from wattflock.feeder.limits import Limits
from wattflock.feeder.loads import apportion
from wattflock.feeder.rated import rated
from wattflock.feeder.solve import Feeder
from wattflock.feeder.source import FeederMap, FeederSource
from wattflock.feeder.volt_var import VoltVar
from wattflock.homes.device import Device
from wattflock.homes.home import Home
from wattflock.learn.learner import Learner
from wattflock.market.market import Market
from wattflock.study import homes_file
from wattflock.study.charging_limit import limited
from wattflock.world.charging_reward import Reward
from wattflock.world.coordinator import Coordinator
from wattflock.world.false_reports import Observer, reports_of
from wattflock.world.sensors import Voltmeter
from wattflock.world.sharing import Sharing
from wattflock.world.world import World

Values = dict[str, np.ndarray]  # field → (homes,)
UNLIMITED = "unlimited"  # the part without a coordinator
KVAR_PER_KW = 0.329  # power factor 0.95 of the uncontrolled load


@dataclasses.dataclass(frozen=True)
class Parts:
    """The objects that a scenario names; `dataclasses.replace` puts in one that has no file."""

    source: DataSource
    wiring: FeederSource
    market: Market
    devices: dict[str, type[Device]]
    sharing: Sharing
    learners: dict[str, Learner]  # the scenario's own with its settings, and those that it is compared with

    def learner(self, name: str) -> Learner:
        """A learner by name; one that the scenario does not name has its defaults."""
        return self.learners[name] if name in self.learners else part("learn", Learner, name)()


def parts_of(scenario: Scenario) -> Parts:
    """The parts of a checked scenario; no file of readings is read yet."""
    named = {name: _learner(section) for name, section in scenario.learn.named.items()}
    others = {name: part("learn", Learner, name)() for name in scenario.judge.methods if name not in named}
    return Parts(
        source=_made("data", DataSource, scenario.data),
        wiring=_made("feeder", FeederSource, scenario.feeder),
        market=_made("market", Market, scenario.market),
        devices={name: part("homes", Device, name) for name in device_names(scenario.homes.kinds)},
        sharing=_made("coordinator", Sharing, scenario.coordinator),
        learners=named | others,
    )


def _learner(section: LearnerSection) -> Learner:
    made = _made("learn", Learner, section)
    return made.lasting(section.rounds) if section.rounds else made


def learner(scenario: Scenario, name: str) -> Learner:
    """A learner by name; a scenario has settings for `learn.part` and `learn.others`, more have their defaults."""
    return parts_of(scenario).learner(name)


def _made(room: str, interface: type, section: Any) -> Any:
    return make(part(room, interface, section.part), section.settings)


@dataclasses.dataclass(frozen=True)
class Built:
    """The objects of a scenario. World and tables are float64 on the host; cast the world to train."""

    world: World
    sampler: Sampler
    chart: FeederMap
    readings: Readings
    kinds: tuple[str, ...]  # devices of each home, e.g. "battery+panel"
    terminals: tuple[str, ...]  # where each home is
    devices: dict[str, tuple[str, ...]]  # of each kind of homes


def build(scenario: Scenario, parts: Parts | None = None) -> Built:
    """World, days and chart of a scenario; the same scenario gives the same homes.

    Args:
        scenario: checked, as `load` gives it.
        parts: instead of those that it names.

    Raises:
        ScenarioError: readings, a feeder or homes that do not fit the scenario.
    """
    random, parts = np.random.default_rng(scenario.homes.seed), parts or parts_of(scenario)
    _, given, feeder = gathered(lambda: refuse_optimum(scenario), parts.source.read, parts.wiring.build)
    level, held_out = given.reference_price_per_kwh, scenario.data.homes_held_out
    terminals = feeder.terminals if feeder else ("",)
    known = homes_file.Known(scenario.homes.kinds, parts.devices, terminals, given.homes, held_out)
    weight = np.asarray(feeder.drawing_kva) if feeder else np.ones(1)
    readings, who, *_ = gathered(
        lambda: parts.market.priced(given),
        lambda: settle(scenario.homes, known, weight, level, random),
        lambda: refuse_held_out(given.homes, held_out),
        lambda: None if feeder else refuse_no_wires(scenario),
        lambda: parts.market.refuse_world(scenario.homes.count, feeder is not None),
    )
    at = tuple(terminals[t] for t in who.terminal)
    placed = dataclasses.replace(parts, market=parts.market.placed(at))
    world, days = world_of(scenario, who, level, feeder, placed), days_of(scenario.data, who.source, readings, random)
    return Built(
        world=world,
        sampler=days if world.coordinator is None else limited(scenario.coordinator.limit, world, days, readings),
        chart=parts.wiring.chart(),
        readings=readings,
        kinds=tuple(who.kinds[number] for number in who.kind),
        terminals=at,
        devices={kind.name: tuple(kind.devices) for kind in scenario.homes.kinds} | {LOAD_ONLY: ()},
    )


@dataclasses.dataclass(frozen=True)
class Settled:
    """Who owns what and lives where, as `homes.file` says and else by chance; on the host."""

    kind: Any  # (homes,) number in `kinds`
    kinds: tuple[str, ...]  # names, those with a load only last
    devices: dict[str, Device]
    terminal: np.ndarray  # (homes,) number among the feeder's
    placement: Any  # (homes, terminals) homes of this kind at a terminal
    source: np.ndarray  # (homes,) measured home that it is said to be; -1: not said


def settle(
    homes: HomesSection, known: homes_file.Known, weight: np.ndarray, price_per_kwh: float, random: np.random.Generator
) -> Settled:
    """Homes with their devices at their terminals, `weight` of which says how many stand at each.

    Raises:
        ScenarioError: every cell of `homes.file` that cannot be used, or devices that do not fit.
    """
    said = homes_file.read(homes, known)
    kind = filled(said.kind, lambda count: assign(homes.kinds, count, random))
    devices = furnish(homes.kinds, kind, known.devices, price_per_kwh, random, said.fields)
    at = filled(said.terminal, lambda count: place(weight, count, random))
    each = np.where(np.isnan(said.homes_per_agent), homes.homes_per_agent, said.homes_per_agent)
    placement = np.where(at[:, None] == np.arange(len(weight)), each[:, None], 0.0)
    return Settled(kind, (*(each.name for each in homes.kinds), LOAD_ONLY), devices, at, placement, said.source)


def world_of(scenario: Scenario, who: Settled, price_per_kwh: float, feeder: Feeder | None, parts: Parts) -> World:
    """The world of these homes, float64 on the host."""
    homes, kvar_per_kw = scenario.homes, np.full(scenario.homes.count, KVAR_PER_KW)
    steps = round(24 / scenario.data.dt_h)
    return World(
        fleet=Home(
            who.devices,
            cast(Any, kvar_per_kw),
            price_per_kwh,
            scenario.data.load_known,
            steps * scenario.data.day_ahead,
        ),
        feeder=rated(feeder) if feeder else None,
        market=parts.market,
        limits=limits_of(scenario.feeder),
        judges=judges_of(scenario.feeder, feeder),
        steps=steps,
        placement=who.placement,
        voltmeter=Voltmeter(who.terminal) if homes.voltmeter and feeder else None,
        guard=VoltVar(*homes.volt_var) if homes.volt_var else None,
        kind=who.kind,
        kinds=who.kinds,
        episode_days=scenario.data.episode_days,
        coordinator=coordinator_of(scenario.coordinator, parts.sharing, who.devices, homes.count),
    )


def coordinator_of(
    section: CoordinatorSection, sharing: Sharing, devices: dict[str, Device], homes: int
) -> Coordinator | None:
    """The coordinator of a scenario; None where nothing is shared.

    Raises:
        ScenarioError: no device can be charged.
    """
    if section.part == UNLIMITED:
        return None
    charging = sum(type(device).claim is not Device.claim for device in devices.values())
    if not charging:
        allowed = "a kind of homes with a battery, a car or a reserve, which can be charged"
        raise ScenarioError([Problem("scenario", "homes.kinds", sorted(devices), allowed)])
    reward = Reward(**section.reward.model_dump())
    reports, watch = section.reports, section.watch
    liars = np.random.default_rng(reports.seed).permutation(homes) < round(reports.share * homes)
    told_by = cast(Any, np.tile(liars, charging))  # chargers are devices × homes
    return Coordinator(
        sharing, reward, section.least_kw, section.on_off, section.safe_kw,
        reports_of(reports.kind, reports.amount, told_by) if reports.kind != "honest" else None,
        Observer(**watch.model_dump(exclude={"kind"})) if watch.kind == "observer" else None,
    )  # fmt: skip


def limits_of(section: FeederSection) -> Limits:
    """The limits that a scenario asks for; the band of voltages is that at the meter."""
    drop = section.service_drop_pu
    return Limits(section.low_pu + drop, section.high_pu - drop, section.loading, section.unbalance)


def judges_of(section: FeederSection, feeder: Feeder | None) -> tuple[str, ...]:
    """The limits that are judged: loading only where a rating is known."""
    known = feeder is not None and bool((feeder.rating_a > 0).any())
    asked = {"voltage": True, "loading": known and section.loading > 0, "unbalance": section.unbalance > 0}
    return tuple(name for name, wanted in asked.items() if wanted)


def refuse_optimum(scenario: Scenario) -> None:
    """Raises ScenarioError where an optimum is asked for of homes that share a limit: it knows of none."""
    asked = {name: getattr(scenario.judge, name) for name in ("bound_days", "curve_days")}
    wrong = {name: days for name, days in asked.items() if days and scenario.coordinator.part != UNLIMITED}
    said = "0 where a limit is shared: the optimum of a day's cost knows of none"
    if wrong:
        raise ScenarioError([Problem("scenario", f"judge.{name}", days, said) for name, days in wrong.items()])


def refuse_no_wires(scenario: Scenario) -> None:
    """Raises ScenarioError where inverters are to answer a voltage that homes without wires do not have."""
    if scenario.homes.volt_var:
        found = Problem("scenario", "homes.volt_var", list(scenario.homes.volt_var), "empty where there are no wires")
        raise ScenarioError([found])


def days_of(data: DataSection, named: np.ndarray, readings: Readings, random: np.random.Generator) -> Sampler:
    """The sampler: which measured home each agent is, its size, and how training days are varied.

    `named` (homes,) is the measured home that an agent was said to be, at its own size; -1: one is drawn.
    """
    source, count = sources(readings.homes, data.homes_held_out, named, random), len(named)
    scale = np.where(named < 0, random.uniform(0.6, 1.4, count), 1.0)
    if len(set(source["train"])) == count:
        scale = np.ones(count)  # every agent is a home of its own, as it was measured
    refuse_few(len(readings.month), data.fold, data.episode_days)
    varied = data.load_low, data.load_high, data.sun_spread, data.temperature_spread_c, data.noise_share
    augment = Augment(*varied, data.homes_swapped)
    days = sampler(
        readings,
        source,
        scale,
        data.dt_h,
        (data.fold, data.load_window_days, data.episode_days),
        (augment, data.forecast_error),
    )
    return of_months(days, readings.month, data.months) if data.months else days


def of_months(days: Sampler, month: np.ndarray, months: tuple[int, ...]) -> Sampler:
    """A sampler of the weeks that begin in some months; ScenarioError where a split has none."""
    wanted = np.isin(month, months)
    kept = {name: each[wanted[np.asarray(each) // 7 * 7]] for name, each in days.split_days.items()}
    if missing := [name for name, each in kept.items() if not len(each)]:
        said = f"more months: no week of these is for {', '.join(missing)}"
        raise ScenarioError([Problem("scenario", "data.months", list(months), said)])
    return dataclasses.replace(days, split_days=kept)


def refuse_few(days: int, fold: int, episode_days: int = 1) -> None:
    """Raises ScenarioError where readings are too short for a training, a validation and a test day, or episode."""
    missing = set(SPLITS)
    for week in itertools.count():
        missing.discard(split_of_week(week, fold))
        if not missing:
            break
    block = 7 * -(-episode_days // 7)
    least = block * week + episode_days
    if days < least:
        said = f"{least} or more: whole weeks are for training, validation and test (data.fold={fold})"
        raise ScenarioError([Problem("scenario", "data: days of readings", days, said)])


def sources(
    measured: tuple[str, ...], held_out: tuple[str, ...], named: np.ndarray, random: np.random.Generator
) -> dict[str, np.ndarray]:
    """Which measured home each agent is, by split; those held out are in the test split only.

    Where there are enough homes no two agents are the same one.

    Raises:
        ScenarioError: a home to hold out was not measured, or none would be left to learn from.
    """
    refuse_held_out(measured, held_out)
    known = [k for k, home in enumerate(measured) if home not in held_out]
    seen = filled(named, lambda count: random.choice(known, count, replace=count > len(known)))
    unseen = random.choice([measured.index(home) for home in held_out], len(named)) if held_out else seen
    return {"train": seen, "validation": seen, "test": unseen}


def refuse_held_out(measured: tuple[str, ...], held_out: tuple[str, ...]) -> None:
    """Raises ScenarioError for homes to hold out that were not measured, and where none would be left."""
    unknown = [home for home in held_out if home not in measured]
    problems = [Problem("scenario", "data.homes_held_out", home, nearest(home, measured)) for home in unknown]
    if not problems and set(held_out) == set(measured):
        problems = [Problem("scenario", "data.homes_held_out", held_out, "fewer than all measured homes")]
    if problems:
        raise ScenarioError(problems)


def filled(said: np.ndarray, draw: Callable[[int], np.ndarray]) -> np.ndarray:
    """Indices (homes,) as they are said; where they are -1, `draw` of as many as are missing."""
    unsaid = said < 0
    said = said.copy()
    said[unsaid] = draw(unsaid.sum())
    return said


def device_names(kinds: tuple[Kind, ...]) -> tuple[str, ...]:
    """Every device that some kind has, panels first."""
    named = dict.fromkeys(name for kind in kinds for name in kind.devices)
    return tuple(sorted(named, key=lambda name: name != "panel"))


def assign(kinds: tuple[Kind, ...], count: int, random: np.random.Generator) -> np.ndarray:
    """Number of each home's kind (homes,), by largest remainder and in random order; `len(kinds)` is a load only."""
    shares = np.array([kind.share for kind in kinds])
    number = apportion(count, np.append(shares, max(0.0, 1 - shares.sum())))
    return random.permutation(np.repeat(np.arange(len(kinds) + 1), number))


def furnish(
    kinds: tuple[Kind, ...],
    kind: np.ndarray,
    devices: dict[str, type[Device]],
    price_per_kwh: float,
    random: np.random.Generator,
    said: dict[tuple[str, str], np.ndarray],
) -> dict[str, Device]:
    """Devices of all homes by name, in the order in which compiled programs have them: sorted.

    `said` has the fields of homes by themselves, (device, field) → (homes,), NaN where a home's kind decides.
    Fields in currency are scaled to a mean import price of `price_per_kwh`; sizes of absent devices are zero.

    Raises:
        ScenarioError: lists every device of which homes have fields that do not belong together.
    """
    made, problems = {}, []
    for name, device in devices.items():
        values = drawn(name, device, kinds, kind, random)
        values |= {
            field: np.where(np.isnan(own), values[field], own) for (of, field), own in said.items() if of == name
        }
        present = np.array([name in each.devices for each in kinds] + [False])[kind]
        problems += disordered(name, device, values, present)
        values |= {field: values[field] * (price_per_kwh / REFERENCE_PRICE_PER_KWH) for field in device.prices}
        values |= {field: values[field] * present for field in device.sizes}
        made[name] = device(**values)
    if problems:
        raise ScenarioError(problems)
    return dict(sorted(made.items()))


def drawn(
    name: str, device: type[Device], kinds: tuple[Kind, ...], kind: np.ndarray, random: np.random.Generator
) -> Values:
    """Fields of a device as each home's kind says, else drawn from the device's ranges, or its example's."""
    example = device.example()
    values = {f.name: np.full(kind.shape, float(getattr(example, f.name))) for f in dataclasses.fields(device)}
    values |= {field: random.uniform(low, high, kind.shape) for field, (low, high) in sorted(device.ranges.items())}
    for number, each in enumerate(kinds):
        for field, given in each.devices.get(name, {}).items():
            low, high = given if isinstance(given, tuple) else (given, given)
            values[field] = np.where(kind == number, random.uniform(low, high, kind.shape), values[field])
    return values


def disordered(name: str, device: type[Device], values: Values, present: np.ndarray) -> Iterator[Problem]:
    """Problems where homes have fields that do not belong together, as cells of `homes.file` may say."""
    for low, sign, high in device.ordered:
        below = np.less_equal if sign == "<=" else np.less
        single = {field: values[field].astype("float32") for field in (low, high)}  # as examples are
        if len(wrong := np.flatnonzero(present & ~below(single[low], single[high]))):
            first = wrong[0]
            said = f"{sign} {name}.{high}, which is {values[high][first]:g}; so in {len(wrong)} homes"
            yield Problem(f"homes: home {first}", f"{name}.{low}", float(values[low][first]), said)


def place(weight: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """Terminal of each home: numbers in proportion to `weight`, by largest remainder; order at random.

    Raises:
        ScenarioError: nothing draws at any terminal.
    """
    if not count:
        return np.zeros(0, int)
    if not weight.any():
        allowed = "a load that draws at each place where homes stand: give the model one of 1 kW there"
        raise ScenarioError([Problem("feeder", "loads", "none that draws", allowed)])
    return random.permutation(np.repeat(np.arange(len(weight)), apportion(count, weight)))
