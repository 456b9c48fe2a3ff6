"""The feeders and known answers that the tests of this room share."""

import csv
import json
from pathlib import Path

import jax
import numpy as np
import pytest

from wattflock.feeder.feeders.ieee123 import IEEE123
from wattflock.feeder.judged import every_node
from wattflock.feeder.reduce import reduce_circuit

ROOT = Path(__file__).parents[2]


def whole(circuit, background=()):
    """The feeder with every node watched, to ground."""
    return reduce_circuit(circuit, background, every_node(circuit))


@pytest.fixture(scope="session")
def feeder():
    """IEEE 123 as the scenarios build it."""
    return IEEE123().build()


@pytest.fixture(scope="session")
def whole_feeder():
    """IEEE 123 with every node watched, as OpenDSS reports it."""
    return whole(IEEE123().circuit())


@pytest.fixture(scope="session")
def case():
    """(load_kw, load_kvar), both (snapshots, terminals), and what OpenDSS found."""
    folder = ROOT / "cases" / "ieee123_constant_power"
    with open(folder / "input.csv") as file:
        rows = list(csv.DictReader(file))
    snapshots = int(rows[-1]["snapshot"]) + 1
    loads = (np.array([float(row[name]) for row in rows]) for name in ("load_kw", "load_kvar"))
    load_kw, load_kvar = (values.reshape(snapshots, -1) for values in loads)
    return load_kw, load_kvar, json.loads((folder / "expected.json").read_text())


@pytest.fixture(scope="session")
def published():
    """The OpenDSS solution of EPRI's own files at Kersting's taps; outside the repository."""
    path = ROOT.parent / "shared" / "feeders" / "truth" / "ieee123_kersting_taps_constPQ.npz"
    if not path.exists():
        pytest.skip(f"no reference at {path}: the shared folder is not part of the repository")
    return np.load(path)


@pytest.fixture
def float64():
    """Work in float64."""
    with jax.enable_x64(True):
        yield
