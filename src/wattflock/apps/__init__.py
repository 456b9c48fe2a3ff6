"""The terminal: commands made from the verbs' signatures (`cli`), and what they print (`render`)."""

import sys

from wattflock.core.machine import LEAST_GB, small_space

if said := small_space(LEAST_GB, "wattflock"):  # before libraries are loaded that would end the process without a word
    print(said, file=sys.stderr)
    raise SystemExit(2)
