"""Homes on a feeder trade in a market; a learner steers them; a judge says what it was worth.

Verbs return data: frozen dataclasses with Polars tables and Altair figures.

    import wattflock as wf

    scenario = wf.load(changes={"homes.count": 50, "learn.rounds": 20})
    found = wf.compare(scenario, ["rules", "gradmap"])
    found.methods            # a row for each method
    found.figures["voltage"]

| verb | what it returns |
|---|---|
| `load(name, changes)` | `Scenario`, checked |
| `build(scenario)` | `Built`: world, sampler of days, map, readings |
| `train(scenario, learner)` | `Training`: policy, curve |
| `compare(scenario, methods)` | `Comparison`: methods on the same test days, beside the optimum |
| `evaluate(scenario, policies)` | `Comparison` without training and without the optimum |
| `read_run(name)` | `Comparison` from a folder of runs |
| `share(scenario, methods)` | `Shares`: what homes save together, and what each gets of it |
| `generate(region, homes, days)` | `HomeDays`: new homes |
| `settle(run, markets)` | `Bills`: what each home of a run, or of a file of meter readings, pays in each market |
| `read_feeder(name)`, `snapshot(feeder)` | `Circuit`, `SolvedFeeder`: a feeder, and one solved at its spot loads |
| `write_feeder(circuit, path)` | the path of a file that a scenario can name |
| `whatif(feeder, cars="0:1:0.2")` | `WhatIf`: up to how many cars, heat pumps, … a feeder takes under methods |
| `rollout(world, policy, profile, key)` | `Trajectory`: days as they went |
| `solve(feeder, load_kw, load_kvar)` | `Flow`: three-phase power flow of many snapshots, differentiable |

A part of your own is a final subclass of `Device`, `Market`, `Learner`, `Policy`, `DataSource` or `FeederSource`.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wattflock.core.errors import WattflockError
    from wattflock.core.scenario import Scenario
    from wattflock.core.types import Profile, cast, on_device
    from wattflock.data.home_days import HomeDays
    from wattflock.data.source import DataSource, Readings
    from wattflock.feeder.reduce import reduce_circuit
    from wattflock.feeder.solve import Feeder, Flow, solve
    from wattflock.feeder.source import FeederSource
    from wattflock.homes.device import Device
    from wattflock.homes.home import Home
    from wattflock.learn.learner import Learner
    from wattflock.market.market import Market, Meter, Settlement
    from wattflock.study.build import Built, build
    from wattflock.verbs.api import (
        compare,
        evaluate,
        generate,
        load,
        read_feeder,
        read_run,
        settle,
        share,
        snapshot,
        train,
        write_feeder,
    )
    from wattflock.verbs.results import Bills, Comparison, Shares, SolvedFeeder, Training, WhatIf
    from wattflock.verbs.whatif import whatif
    from wattflock.world.rollout import Policy, Trajectory, rollout
    from wattflock.world.world import Observation, Outcome, World

# name -> where it stands; imported when it is first asked for, so that `import wattflock` is fast
PLACES = {
    "core.errors": "WattflockError",
    "core.scenario": "Scenario",
    "core.types": "Profile cast on_device",
    "data.home_days": "HomeDays",
    "data.source": "DataSource Readings",
    "feeder.reduce": "reduce_circuit",
    "feeder.solve": "Feeder Flow solve",
    "feeder.source": "FeederSource",
    "homes.device": "Device",
    "homes.home": "Home",
    "learn.learner": "Learner",
    "market.market": "Market Meter Settlement",
    "study.build": "Built build",
    "verbs.results": "Bills Comparison Shares SolvedFeeder Training WhatIf",
    "verbs.api": "compare evaluate generate load read_feeder read_run settle share snapshot train write_feeder",
    "verbs.whatif": "whatif",
    "world.rollout": "Policy Trajectory rollout",
    "world.world": "Observation Outcome World",
}
_MODULES = {name: f"wattflock.{module}" for module, names in PLACES.items() for name in names.split()}

__all__ = [
    "Bills", "Built", "Comparison", "DataSource", "Device", "Feeder", "FeederSource", "Flow", "Home", "HomeDays",
    "Learner", "Market", "Meter", "Observation", "Outcome", "Policy", "Profile", "Readings", "Scenario", "Settlement",
    "Shares", "SolvedFeeder", "Training", "Trajectory", "WattflockError", "WhatIf", "World", "build", "cast", "compare",
    "evaluate", "generate", "load", "on_device", "read_feeder", "read_run", "reduce_circuit", "rollout", "settle",
    "share", "snapshot", "solve", "train", "whatif", "write_feeder",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'wattflock' has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return __all__
