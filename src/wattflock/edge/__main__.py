"""`python -m wattflock.edge FOLDER --broker mqtt://…`: what `wattflock edge run` starts; it imports no JAX."""

import argparse
import math
import os
import sys
from pathlib import Path

from wattflock.core.errors import WattflockError
from wattflock.edge.controller import Settings
from wattflock.edge.mqtt import controller_of, door, run

PASSWORD = "WATTFLOCK_MQTT_PASSWORD"


def main(words: list[str] | None = None) -> int:
    """Serve until stopped; 2 where the folder or an option is wrong."""
    parser = argparse.ArgumentParser("wattflock edge run", description=f"The password is read from {PASSWORD}.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--broker", required=True)
    parser.add_argument("--user", default="")
    parser.add_argument("--authority", type=Path)
    parser.add_argument("--state", type=Path)
    parser.add_argument("--stale-s", type=float, default=0.0)
    parser.add_argument("--ramp-per-s", type=float, default=math.inf)
    parser.add_argument("--shadow", action="store_true")
    given = parser.parse_args(words)
    try:
        settings = Settings(given.stale_s, given.shadow, given.ramp_per_s)
        broker = door(given.broker, given.user, os.environ.get(PASSWORD, ""), given.authority)
        run(controller_of(given.folder, given.state, settings), broker)
    except (WattflockError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
