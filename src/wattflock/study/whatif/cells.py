"""A what-if as ordinary scenarios: one for each combination of shares and each seed."""

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from wattflock.core import toml
from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.files import write_whole
from wattflock.core.registry import files, nearest
from wattflock.core.scenario import Scenario, load
from wattflock.feeder.limits import PRESETS
from wattflock.study.whatif.shares import Shares, abreast, crossed, kind_of_homes, kinds

SHORT = {"heat_pumps": "hp", "cars": "ev", "panels": "pv", "batteries": "bat"}  # in names of runs
OWN = ("name", "seed", "homes.count", "homes.homes_per_agent", "homes.kinds", "homes.file", "homes.seed", "feeder.part",
       "judge.methods", "judge.seed", "judge.bound_days", "judge.test_days")  # fmt: skip
TIMERS = ("idle", "timer", "timer_droop")  # methods unless others are asked for
LEARNED = "gradmap"
AIM = 0.02  # of the days may break a limit while learning, where all shall keep them; none at all cannot be aimed at


@dataclasses.dataclass(frozen=True)
class Asked:
    """What is asked of a feeder."""

    feeder: str  # a part of `feeder/feeders`, or a file that `wattflock feeder import` wrote
    sweeps: Mapping[str, tuple[float, ...]]  # a name of `DEVICES` → shares of the homes
    homes: int  # that are simulated, each with devices of its own
    seeds: int = 3  # draws of who lives where and owns what, each with its days
    days: int = 14  # unseen days that all methods are judged on; 0: all that there are
    methods: tuple[str, ...] = TIMERS
    limits: str = "ansi-a"
    learn_s: float = 0.0  # gradmap learns for so long in each cell; 0: it is left out [s]
    sets: tuple[str, ...] = ()  # fields of the scenario, as `--set` has them
    spot_kva: float = 0.0  # of the feeder's own loads together, in whose place homes stand; 0: not known [kVA]
    together: bool = False  # the shares of all sweeps rise together, in place of every combination
    reliability: float = 1.0  # least share of the days that keep every limit in all steps
    homes_per_agent: int = 1  # homes that each simulated one stands for
    growth: float = 0.05  # of the homes get the devices each year [share/year]
    discount: float = 0.035  # of money a year later [1/year]

    @property
    def compared(self) -> tuple[str, ...]:
        """All methods, the uncontrolled homes first."""
        more = (LEARNED,) if self.learn_s else ()
        return tuple(dict.fromkeys(("idle", *self.methods, *more)))

    @property
    def all_homes(self) -> int:
        """Homes on the feeder."""
        return self.homes * self.homes_per_agent

    @property
    def combinations(self) -> list[Shares]:
        """The shares of every cell."""
        return abreast(self.sweeps) if self.together else crossed(self.sweeps)

    def beside(self, sweep: str) -> list[str]:
        """The other sweeps, where they rise by themselves."""
        return [] if self.together else [name for name in self.sweeps if name != sweep]


@dataclasses.dataclass(frozen=True)
class Cell:
    """One combination of shares with one seed."""

    shares: Shares
    seed: int
    scenario: Scenario

    @property
    def name(self) -> str:
        """For people: `cars 40 %, heat pumps 20 %, seed 1`."""
        return f"{named(self.shares)}, seed {self.seed}"


def named(shares: Shares) -> str:
    """Shares in words."""
    return ", ".join(f"{name.replace('_', ' ')} {100 * share:.4g} %" for name, share in shares.items())


def problems_of(asked: Asked) -> list[Problem]:
    """What cannot be asked, beside what scenarios say themselves."""
    where, known = "wattflock whatif", tuple(files("learn"))
    least = {"seeds": (asked.seeds, 1), "days": (asked.days, 0), "homes": (asked.homes, 1), "learn": (asked.learn_s, 0)}
    least["homes-per-agent"] = (asked.homes_per_agent, 1)
    found = [
        Problem(where, f"--{name}", value, f"{low} or more") for name, (value, low) in least.items() if not value >= low
    ]
    shares = {"reliability": (asked.reliability, "above 0, at most 1"), "growth": (asked.growth, "above 0, at most 1")}
    found += [Problem(where, f"--{name}", value, told) for name, (value, told) in shares.items() if not 0 < value <= 1]
    if not 0 <= asked.discount < 1:
        found.append(Problem(where, "--discount", asked.discount, "0 or more, below 1"))
    if asked.together and len({len(each) for each in asked.sweeps.values() if len(each) > 1}) > 1:
        told = "; ".join(f"{name} {len(each)}" for name, each in asked.sweeps.items())
        found.append(Problem(where, "--together", told, "as many shares of each device, or one"))
    if not asked.sweeps:
        found.append(Problem(where, "--heat-pumps, --cars, --panels, --batteries", "none", "one of them, as 0:1:0.2"))
    if asked.limits not in PRESETS:
        found.append(Problem(where, "--limits", asked.limits, nearest(asked.limits, PRESETS)))
    found += [Problem(where, "--methods", name, nearest(name, known)) for name in asked.methods if name not in known]
    taken = [text for text in asked.sets if toml.split(text)[0] in OWN]
    return found + [Problem(where, "--set", text, "another field: the sweep decides this one") for text in taken]


def cells(asked: Asked, folder: Path, problems: Iterable[Problem] = ()) -> list[Cell]:
    """Every cell, seed by seed; files that say who owns what are written to `folder`.

    Args:
        asked: the sweep.
        folder: is made.
        problems: that are known already, and are told beside all others.

    Raises:
        ScenarioError: lists what cannot be asked, and what is wrong with the scenario that all cells change.
    """
    found = [*problems, *problems_of(asked)]
    try:
        load(None, [*_common(asked), *asked.sets] if not found else list(asked.sets))
    except ScenarioError as error:
        found += error.problems
    if found:
        raise ScenarioError(found)
    return [
        Cell(shares, seed, _scenario(asked, shares, seed, folder))
        for seed in range(asked.seeds)
        for shares in asked.combinations
    ]


def _scenario(asked: Asked, shares: Shares, seed: int, folder: Path) -> Scenario:
    """The scenario of a cell: its homes are a file, which says the kind of each."""
    each = kind_of_homes(shares, asked.homes, seed)
    text = "home,kind\n" + "".join(f"{number + 1},{kind}\n" for number, kind in enumerate(each))
    path = folder / f"homes-{hashlib.sha256(text.encode()).hexdigest()[:10]}.csv"
    if not path.exists():
        write_whole(path, text.encode())
    short = "-".join(f"{SHORT[name]}{100 * share:.0f}" for name, share in shares.items())
    own = {
        "name": f"whatif-{short}",
        "seed": seed,
        "homes.seed": seed,
        "judge.seed": seed,
        **_data(asked, seed),
        "homes.file": str(path),
        "homes.kinds": [
            {"name": name, "share": each.count(name) / len(each), "devices": {device: {} for device in devices}}
            for name, devices in kinds(asked.sweeps).items()
        ],
    }
    return load(None, [*_common(asked), *toml.assignments(own), *asked.sets])


def _common(asked: Asked) -> list[str]:
    """What all cells of a sweep share, as `--set` has it."""
    limits, own = PRESETS[asked.limits], asked.feeder in files("feeder")
    return toml.assignments({
        **_data(asked, 0),
        "homes.count": asked.homes,
        "homes.homes_per_agent": float(asked.homes_per_agent),
        "feeder.part": asked.feeder if own else "imported",
        "feeder.settings": {} if own else {"file": asked.feeder},
        "feeder.low_pu": limits.low_pu,
        "feeder.high_pu": limits.high_pu,
        "feeder.loading": limits.loading,
        "feeder.unbalance": limits.unbalance,
        "judge.methods": list(asked.compared),
        "judge.bound_days": 0,
        "judge.test_days": asked.days,
        **_aims(asked),
    })  # fmt: skip


def _aims(asked: Asked) -> dict[str, object]:
    """What gradmap and timers are told of the days that may break a limit, unless learners are said."""
    if {toml.split(text)[0] for text in asked.sets} & {"learn.part", "learn.settings", "learn.others"}:
        return {}
    aim = {"violated_days": max(round(1 - asked.reliability, 6), AIM)}
    timers = {name: {"part": name, "settings": aim} for name in TIMERS[1:] if name in asked.compared}
    return {"learn.settings": aim, "learn.others": timers}


def _data(asked: Asked, seed: int) -> dict[str, object]:
    """Made homes under a weather of their own for each seed, unless the data are said."""
    if any(toml.split(text)[0] == "data.part" for text in asked.sets):
        return {}
    return {
        "data.part": "synthetic",
        "data.settings": {"region": "london", "homes": asked.homes, "seed": seed},
    }


def picked(text: str, sweeps: Mapping[str, tuple[float, ...]], problems: list[Problem]) -> Shares:
    """A cell from `cars=0.4,heat_pumps=1`; a sweep that is not named stands at its largest share, nothing: no cell.

    What is wrong is added to `problems`, but for what follows from wrong shares or from no sweep at all: that is told.
    """
    found, wrong = {}, [name for name, shares in sweeps.items() if not shares]
    allowed = ", ".join([f"{name}={share:g}" for name in sweeps for share in sweeps[name]] + wrong)
    for part in filter(None, text.replace(" ", "").split(",")):
        name, _, value = part.partition("=")
        name = name.replace("-", "_")
        near = [share for share in sweeps.get(name, ()) if value == f"{share:g}" or value == str(share)]
        if near:
            found[name] = near[0]
        elif sweeps and name not in wrong:
            problems.append(Problem("wattflock whatif", "--cell", part, f"a share of this sweep: {allowed}"))
    return {name: found.get(name, shares[-1]) for name, shares in sweeps.items() if shares} if found else {}
