"""The box in the hall: run a home's exported policy on an MQTT broker, or try many on one."""

import os
import sys
from pathlib import Path
from typing import Annotated

from wattflock.verbs.study import Runs

WHERE = "wattflock export"


def export(
    run: Annotated[str, "A run: its id, the beginning of it, or latest."],
    homes: Annotated[list[int] | None, "A home, by its number. Can be repeated."] = None,
    all: Annotated[bool, "All homes that have a device to control."] = False,
    out: Annotated[Path, "Folder to write; each home gets a folder of its own in it."] = Path("boxes"),
    method: Annotated[str, "Whose policy; the run's learner by default."] = "",
    runs: Runs = Path("runs"),
) -> str:
    """Write homes' trained policies as small folders that need no JAX: policy.safetensors and card.json.

    The card says what the policy observes and sets, in units, and what holds without it. Where the package `onnx` is
    installed, the network is also written as policy.onnx. `wattflock edge run` runs a folder.

    Example:
        wattflock export latest --home 17 --out boxes
        wattflock export latest --all --out boxes
    """
    from wattflock.verbs.exporting import write_homes

    folders = write_homes(run, homes or [], all, method, out, runs)
    return "\n".join(map(str, folders))


def run(  # noqa: PLR0913 (an argument is an option of the command)
    folder: Annotated[Path, "Of one home, as `wattflock export` wrote it."],
    broker: Annotated[str, "mqtt://host[:port], or mqtts://host[:port] with TLS."],
    user: Annotated[str, "Of the broker; the password is read from WATTFLOCK_MQTT_PASSWORD."] = "",
    authority: Annotated[Path | None, "Certificate of who signed the broker's; the system's by default."] = None,
    state: Annotated[
        Path | None, "Where audit log and limits of the network are kept; FOLDER/state by default."
    ] = None,
    shadow: Annotated[bool, "Publish set-points where no device listens."] = False,
    stale_s: Annotated[float, "Readings older than this give the fallback; 0: one and a half steps. [s]"] = 0.0,
    ramp_per_s: Annotated[float, "Most change of a set-point, as a share of its range; 0: no limit. [1/s]"] = 0.0,
) -> None:
    """Run one home's policy on an MQTT broker: a process without JAX, whose set-points pass a safety shell.

    The same as `python -m wattflock.edge`, which needs numpy, safetensors and paho-mqtt only.

    Example:
        wattflock edge run boxes/home-17 --broker mqtt://127.0.0.1
        wattflock edge run boxes/home-17 --broker mqtts://broker.example --user home-17 --shadow
    """

    options = {
        "--broker": broker, "--user": user, "--authority": authority, "--state": state, "--stale-s": stale_s,
        "--ramp-per-s": ramp_per_s or "inf",
    }  # fmt: skip
    words = [word for name, value in options.items() if value not in ("", None) for word in (name, str(value))]
    sys.stdout.flush()
    more = ["--shadow"] * shadow
    os.execv(sys.executable, [sys.executable, "-m", "wattflock.edge", str(folder), *words, *more])


def trial(  # noqa: PLR0913 (an argument is an option of the command)
    run: Annotated[str, "A run: its id, the beginning of it, or latest."],
    homes: Annotated[int, "How many homes, each with a process of its own."] = 100,
    days: Annotated[int, "Test days to play."] = 1,
    steps: Annotated[int, "Steps of each day to play; 0: all."] = 0,
    faults: Annotated[bool, "Also break things, one after the other."] = False,
    envelopes: Annotated[bool, "Also publish operating envelopes, and compare measured powers with them."] = False,
    method: Annotated[str, "Whose policy; the run's learner by default."] = "",
    out: Annotated[Path, "Folder for boxes, broker and logs."] = Path("edge-trial"),
    runs: Runs = Path("runs"),
) -> object:
    """Play test days over a real broker (Mosquitto, TLS, a user per home) with a controller process for each home.

    The closed loop is compared with the library's rollout; then come the faults: a row says whether set-points kept
    their limits, after how many steps all homes followed their policies again, and what the audit logs lack. With
    envelopes, a schedule of limits on what homes draw and give is first ignored and then kept, for three minutes.

    Example:
        wattflock edge trial latest --homes 100 --days 1 --faults
        wattflock edge trial latest --homes 10 --steps 2 --envelopes
    """
    from wattflock.verbs.edge_run import tried

    return tried(run, (homes, days, steps), (faults, envelopes), method, out, runs)


VERBS = (run, trial)  # of the group; `export` stands by itself
