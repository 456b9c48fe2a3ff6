"""Makes cases/ieee123_constant_power anew with OpenDSS: `python tests/feeder/make_case.py`."""

import csv
import json
from pathlib import Path

import numpy as np

from wattflock.feeder.feeders.ieee123 import IEEE123
from wattflock.feeder.opendss.crosscheck import OpenDSS
from wattflock.feeder.tables.network import terminal_names

CASE = Path(__file__).parents[2] / "cases" / "ieee123_constant_power"


def draw_loads(nominal_kw: np.ndarray, nominal_kvar: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The spot loads, nothing, ten draws of demand, and eight with panels, most of which export."""
    random = np.random.default_rng(20)
    size = len(nominal_kw)
    demand = random.uniform(0.2, 1.9, (18, size))
    panels = np.where(np.arange(18) < 10, 0.0, random.uniform(0.5, 4.0, 18))[:, None] * random.uniform(
        0.4, 1, (18, size)
    )
    kw = np.concatenate([[np.ones(size), np.zeros(size)], demand - panels]) * nominal_kw
    kvar = np.concatenate([[np.ones(size), np.zeros(size)], demand]) * nominal_kvar
    return kw.round(3), kvar.round(3)


def main() -> None:
    network = IEEE123().network()
    names = terminal_names(network)
    nominal = np.array([(load.load_kw, load.load_kvar) for load in network.loads])
    load_kw, load_kvar = draw_loads(*nominal.T)
    engine = OpenDSS(network)
    answers = [engine.solve(*pair) for pair in zip(load_kw, load_kvar, strict=True)]
    assert all(done for _, _, done in answers)
    CASE.mkdir(parents=True, exist_ok=True)
    with open(CASE / "input.csv", "w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("snapshot", "terminal", "load_kw", "load_kvar"))
        for snapshot, (kws, kvars) in enumerate(zip(load_kw, load_kvar, strict=True)):
            table.writerows(zip([snapshot] * len(names), names, kws, kvars, strict=True))
    expected = {
        "taps": network.taps,
        "nodes": engine.nodes,
        "losses_kw": [round(losses, 8) for _, losses, _ in answers],
        "voltage_pu": [voltage.round(10).tolist() for voltage, _, _ in answers],
    }
    (CASE / "expected.json").write_text(json.dumps(expected) + "\n")


if __name__ == "__main__":
    main()
