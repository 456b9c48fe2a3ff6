"""A feeder compared with OpenDSS at several loads, node by node. Needs dss-python."""

import dataclasses
import math
import tempfile
from collections.abc import Iterator
from pathlib import Path

import jax
import numpy as np
from scipy.sparse.linalg import splu

from wattflock.core.errors import Problem, ScenarioError
from wattflock.feeder.circuit import Circuit, system_admittance
from wattflock.feeder.judged import determined
from wattflock.feeder.loads import per_terminal, scaled
from wattflock.feeder.monitored import Probe
from wattflock.feeder.opendss.crosscheck import BaseCase, OpenDSSSolution
from wattflock.feeder.opendss.script import load_models, to_opendss
from wattflock.feeder.reduce import reduce_circuit
from wattflock.feeder.snapshot import MOST, TOLERANCE_PU, solved
from wattflock.feeder.solve import Flow, solve
from wattflock.feeder.tables.network import Network

SCALES = (1.0, 0.5, 0.1)  # of all spot loads


@dataclasses.dataclass(frozen=True)
class FeederComparison:
    """One way of solving, compared with OpenDSS."""

    loads: str  # "as modelled" or "constant power"
    scale: float
    precision: str
    difference_pu: float  # largest of any voltage's magnitude (`judged.determined`); nan without a solution
    node: str  # where
    losses_kw: float
    opendss_losses_kw: float
    converged: tuple[bool, bool]  # ours, OpenDSS

    def agrees(self, tolerance_pu: float) -> bool:
        """Both found the same voltages, or neither found any."""
        return self.difference_pu <= tolerance_pu if all(self.converged) else not any(self.converged)


def opinion(circuit: Circuit, network: Network | None, master: Path | None) -> BaseCase:
    """The same feeder in OpenDSS: from the file it was imported from, or from our tables.

    Raises:
        ScenarioError: dss-python is missing, or the file has moved.
    """
    if network is not None:
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder) / f"{circuit.name}.dss"
            script.write_text("\n".join([*to_opendss(network), *load_models(network)]))
            return BaseCase(script)
    path = master or Path(circuit.origin.get("master", ""))
    if not path.is_file():
        raise ScenarioError([Problem(circuit.name, "master", str(path), "the OpenDSS file; say where it is: --master")])
    return BaseCase(path)


def comparisons(circuit: Circuit, other: BaseCase) -> Iterator[FeederComparison]:
    """As modelled in float64, then constant power in float64 and float32, each at several loads."""
    every = determined(circuit, splu(system_admittance(circuit)))
    for scale in SCALES:
        flow = solved(circuit, scaled(circuit.spots, scale), every)[1]
        yield _compared(("as modelled", scale, "float64"), every, circuit, flow, other.solve(scale))
    other.drop_cut_offs()
    plain = reduce_circuit(circuit, watched=every)
    for scale in SCALES:
        spots = scaled(circuit.spots, scale)
        theirs, loads = other.solve(scale), per_terminal(circuit, spots)
        with jax.enable_x64(True):
            flow = jax.tree.map(np.asarray, solve(plain, *loads, TOLERANCE_PU, MOST))
        yield _compared(("constant power", scale, "float64"), every, circuit, flow, theirs)
        flow = jax.tree.map(np.asarray, solve(plain, *loads, 1e-6, MOST))
        yield _compared(("constant power", scale, "float32"), every, circuit, flow, theirs)


def _compared(
    way: tuple[str, float, str], every: Probe, circuit: Circuit, flow: Flow, theirs: OpenDSSSolution
) -> FeederComparison:
    difference = np.abs(np.asarray(flow.voltage_pu) - np.abs(every.rows @ theirs.at(circuit.nodes)))
    worst = int(difference.argmax())
    converged = bool(flow.converged), theirs.converged
    return FeederComparison(
        *way,
        difference_pu=float(difference[worst]) if all(converged) else math.nan,
        node=every.names[worst],
        losses_kw=float(flow.losses_kw),
        opendss_losses_kw=theirs.losses_kw,
        converged=converged,
    )
