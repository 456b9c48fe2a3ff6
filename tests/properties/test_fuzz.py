"""No file ends in a traceback, whatever it holds: a reader gives what it read, or refuses in plain words.

The time of all readers together is WATTFLOCK_FUZZ_SECONDS (20); `python benchmarks/fuzz.py` goes on for longer.
"""

import os
import time

import pytest

from tests.properties.readers import READERS, throw

SECONDS = float(os.environ.get("WATTFLOCK_FUZZ_SECONDS", "20"))
AT_ONCE = 10  # files in a round


@pytest.mark.study
@pytest.mark.parametrize("name", READERS)
def test_a_reader_reads_or_refuses(name):
    end, rounds = time.monotonic() + SECONDS / len(READERS), 0
    while not rounds or time.monotonic() < end:
        throw(READERS[name], AT_ONCE, rounds)
        rounds += 1
