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
from wattflock.feeder.opendss.apart import solutions
from wattflock.feeder.opendss.crosscheck import SCALES, OpenDSSSolution
from wattflock.feeder.opendss.script import load_models, to_opendss
from wattflock.feeder.reduce import reduce_circuit
from wattflock.feeder.snapshot import MOST, TOLERANCE_PU, solved
from wattflock.feeder.solve import Flow, solve
from wattflock.feeder.tables.network import Network


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


def opinion(circuit: Circuit, network: Network | None, master: Path | None) -> list[OpenDSSSolution]:
    """The same feeder solved by OpenDSS at each of `SCALES`, as modelled and at constant power.

    It is read from the file that the feeder was imported from, or from our tables.

    Raises:
        ScenarioError: dss-python is missing, or the file has moved.
    """
    if network is not None:
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder) / "circuit.dss"
            script.write_text("\n".join([*to_opendss(network), *load_models(network)]))
            return solutions(script)
    path = master or Path(circuit.origin.get("master", ""))
    if not path.is_file():
        raise ScenarioError([Problem(circuit.name, "master", str(path), "the OpenDSS file; say where it is: --master")])
    return solutions(path)


def comparisons(circuit: Circuit, others: list[OpenDSSSolution]) -> Iterator[FeederComparison]:
    """As modelled in float64, then constant power in float64 and float32, each at several loads."""
    every = determined(circuit, splu(system_admittance(circuit)))
    modelled, constant = others[: len(SCALES)], others[len(SCALES) :]
    for scale, theirs in zip(SCALES, modelled, strict=True):
        flow = solved(circuit, scaled(circuit.spots, scale), every)[1]
        yield _compared(("as modelled", scale, "float64"), every, circuit, flow, theirs)
    plain = reduce_circuit(circuit, watched=every)
    for scale, theirs in zip(SCALES, constant, strict=True):
        loads = per_terminal(circuit, scaled(circuit.spots, scale))
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
