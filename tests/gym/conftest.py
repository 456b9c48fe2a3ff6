"""Small flocks with every device: without wires, and on a feeder whose limits are broken."""

import pytest

from tests.conftest import EVERY
from wattflock.core.scenario import load
from wattflock.study.build import Built, build

FLOCK = ["homes.count=12", EVERY, "judge.test_days=3", "judge.seed=7"]


@pytest.fixture(scope="session")
def bare() -> Built:
    """Twelve homes without wires."""
    return build(load(None, [*FLOCK, "feeder.part=none"]))


@pytest.fixture(scope="session")
def wired() -> Built:
    """The same on IEEE 13 with voltmeters; each stands for so many that limits are broken."""
    return build(load(None, [*FLOCK, "feeder.part=ieee13", "homes.homes_per_agent=60"]))
