"""Homes of a finished run as folders for the box in the hall."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.files import pack, write_whole
from wattflock.core.scenario import fingerprint, load
from wattflock.edge.card import Card, read, write
from wattflock.study.exported import WHERE, Flock, absent, exported, of_home, taken_apart
from wattflock.verbs.experiment import Experiment, was_trained
from wattflock.verbs.study import _reopened
from wattflock.world.rollout import Policy


def opened(run: str, method: str, runs: Path, days: int = 1) -> tuple[Experiment, Policy, str]:
    """A run, the policy of its method as its training left it, and the method's name."""
    experiment = _reopened(runs, run, days, WHERE)
    method = method or experiment.scenario.learn.part
    who, progress, _ = was_trained(experiment, method)
    return experiment, who.policy(progress.state), method


def write_homes(run: str, homes: list[int], whole: bool, method: str, out: Path, runs: Path) -> list[Path]:
    """Write a folder for each home; returns them."""
    experiment, policy, method = opened(run, method, runs)
    count = experiment.scenario.homes.count
    problems = [Problem(WHERE, "--home", home, f"0 to {count - 1}") for home in homes if not 0 <= home < count] + [
        Problem(WHERE, "--home", "none", "homes, or --all")
    ] * (not homes and not whole)
    if problems:
        raise ScenarioError(problems)
    flock = taken_apart(experiment.built.world, policy, experiment.days.profile, method)
    return written(experiment, flock, method, steered(flock) if whole else homes, out)


def steered(flock: Flock) -> list[int]:
    """Homes that have a device to control."""
    devices = flock.world.fleet.devices.values()
    return [
        home
        for home in range(flock.world.homes)
        if any(device.controls and not absent(of_home(device, home)) for device in devices)
    ]


def written(experiment: Experiment, flock: Flock, method: str, homes: list[int], out: Path) -> list[Path]:
    """Write the folders of some homes of a flock, and read each back."""
    run, built, folders = experiment.run, experiment.built, []
    scenario = load(run.folder / "scenario.toml") if run else experiment.scenario  # as it was, with all its test days
    about: dict[str, Any] = {
        "version": version("wattflock"), "run": run.folder.name if run else "",
        "method": method, "scenario": fingerprint(scenario), "feeder": scenario.feeder.part,
        "currency": built.readings.currency,
    }  # fmt: skip
    for home in homes:
        found = exported(flock, home)
        card = about | {"name": f"home-{home}", "home": home, "kind": built.kinds[home]} | found.card
        folder = write(out / f"home-{home}", pack(found.arrays, {"of": f"home-{home}"}), card)
        write_onnx(folder)
        folders.append(folder)
    return folders


def write_onnx(folder: Path) -> Path | None:
    """The network of a folder as policy.onnx, of values in the card's units; None where `onnx` is not installed."""
    try:
        import onnx
    except ImportError:
        return None
    card, arrays = read(folder)
    return write_whole(folder / "policy.onnx", onnx.ModelProto.SerializeToString(_graph(card, arrays)))


def _graph(card: Card, arrays: dict) -> Any:
    """values (rows, seen) → action (rows, controls), not clipped, in float64."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    layers = len(arrays) // 2
    fixed = {name: each.astype(float) for name, each in arrays.items()}
    fixed["offset"] = np.array([each.offset for each in card.observation])
    fixed["scale"] = np.array([each.scale for each in card.observation])
    fixed["base"], fixed["reach"] = np.array([each.base for each in card.controls]), np.array(card.reach)
    nodes = [
        helper.make_node("Sub", ["values", "offset"], ["apart"]),
        helper.make_node("Div", ["apart", "scale"], ["x0"]),
    ]
    for k in range(layers):
        nodes.append(helper.make_node("MatMul", [f"x{k}", f"weight{k}"], [f"product{k}"]))
        nodes.append(helper.make_node("Add", [f"product{k}", f"bias{k}"], [f"sum{k}"]))
        nodes.append(helper.make_node("Tanh", [f"sum{k}"], [f"x{k + 1}"]))
    nodes.append(helper.make_node("Mul", [f"x{layers}", "reach"], ["moved"]))
    nodes.append(helper.make_node("Add", ["moved", "base"], ["action"]))
    ends = (("values", len(card.observation)), ("action", len(card.controls)))
    given, made = (helper.make_tensor_value_info(name, TensorProto.DOUBLE, ["rows", size]) for name, size in ends)
    constants = [numpy_helper.from_array(each, name) for name, each in fixed.items()]
    graph = helper.make_graph(nodes, card.name, [given], [made], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
