"""The box in the hall: run a home's exported policy on an MQTT broker, or try many on one."""

import os
import sys
from pathlib import Path
from typing import Annotated

from wattflock.verbs.study import Runs

WHERE = "wattflock export"


def export(
    run: Annotated[str, "A run: its id, the beginning of it, or latest."],
    out: Annotated[Path, "Folder to write; each home gets a folder of its own in it."],
    homes: Annotated[list[int] | None, "A home, by its number. Can be repeated."] = None,
    every: Annotated[bool, "All homes that have a device to control."] = False,
    method: Annotated[str, "Whose policy; the run's learner by default."] = "",
    runs: Runs = Path("runs"),
) -> str:
    """Write homes' trained policies as small folders that need no JAX: policy.safetensors and card.json.

    The card says what the policy observes and sets, in units, and what holds without it. Where the package `onnx` is
    installed, the network is also written as policy.onnx. `wattflock edge run` runs a folder.

    Example:
        wattflock export latest --home 17 --out boxes
        wattflock export latest --every --out boxes
    """
    from wattflock.verbs.exporting import write_homes

    folders = write_homes(run, homes or [], every, method, out, runs)
    return "\n".join(map(str, folders))
