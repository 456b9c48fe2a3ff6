"""The same feeder and loads in OpenDSS, whose code is independent of ours.

Needs the optional package dss-python. Each object has an engine of its own.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wattflock.core.errors import Problem, ScenarioError
from wattflock.feeder.opendss.elements import enabled, kind_of, node_names, node_voltage
from wattflock.feeder.opendss.engine import base_case, command, solve, start
from wattflock.feeder.opendss.script import to_opendss
from wattflock.feeder.tables.network import Network

COMMANDS = ("set tolerance=1e-10", "set maxiterations=200", "solve mode=snapshot")
SCALES = (1.0, 0.5, 0.1)  # of all spot loads
ZIP = 8  # OpenDSS's number of that load model; its shares need not add up to 1
WITHOUT_CUT_OFF = "model=1 vminpu=0 vmaxpu=3 vlowpu=0"


class OpenDSS:
    """A feeder loaded into OpenDSS from our own tables. Source: OpenDSS by EPRI, through dss-python."""

    def __init__(self, network: Network):
        self.engine = start()
        self.command(*to_opendss(network), *COMMANDS)
        self.nodes = tuple(name.lower() for name in self.engine.ActiveCircuit.AllNodeNames)

    def command(self, *words: str) -> None:
        """Run OpenDSS commands, such as `set tolerance=1e-6`."""
        command(self.engine, *words)

    def solve(self, load_kw: np.ndarray, load_kvar: np.ndarray) -> tuple[np.ndarray, float, bool]:
        """One snapshot, shape (terminals,): voltage of `nodes` [pu], losses [kW], converged."""
        circuit = self.engine.ActiveCircuit
        loads = circuit.Loads
        loads.First  # noqa: B018  (an action in this interface; the order is that of our table)
        for kw, kvar in zip(load_kw.tolist(), load_kvar.tolist(), strict=True):
            loads.kW = kw
            loads.kvar = kvar
            loads.Next  # noqa: B018
        circuit.Solution.SolveNoControl()
        done = bool(circuit.Solution.Converged)
        return np.array(circuit.AllBusVmagPu), float(np.ravel(circuit.Losses)[0]) / 1e3, done


@dataclass(frozen=True, eq=False)
class OpenDSSSolution:
    """Complex voltages [V] of named nodes, shape (nodes,), losses [kW], and whether OpenDSS converged."""

    nodes: tuple[str, ...]
    voltage: np.ndarray
    losses_kw: float
    converged: bool

    def at(self, nodes: tuple[str, ...]) -> np.ndarray:
        """[V] of some nodes, in their order.

        Raises:
            ScenarioError: OpenDSS does not have them all: it is another feeder.
        """
        place = {name: index for index, name in enumerate(self.nodes)}
        if strange := [name for name in nodes if name not in place]:
            raise ScenarioError([Problem("OpenDSS", "nodes", ", ".join(strange[:5]), "nodes of the same feeder")])
        return self.voltage[[place[name] for name in nodes]]


class BaseCase:
    """An OpenDSS model frozen in its base case, as `read_opendss` gets it, in this very process.

    Raises:
        ScenarioError: as `read_opendss`.
    """

    def __init__(self, master: Path):
        self.engine, self.notes = base_case(master)
        self.rated = self._each_load()

    def command(self, *words: str) -> None:
        """Run OpenDSS commands, such as `batchedit load..* vminpu=0.8`."""
        command(self.engine, *words)

    def drop_cut_offs(self) -> None:
        """From here on, every load is constant power at any voltage: what it draws at its rated one."""
        loads = self.engine.ActiveCircuit.Loads
        for name, (kw, kvar) in self.rated.items():
            loads.Name = name
            if loads.Model == ZIP:
                shares = np.reshape(loads.ZIPV[:6], (2, 3)).sum(1)
                self.rated[name] = kw * float(shares[0]), kvar * float(shares[1])
        names = [name for name in enabled(self.engine) if kind_of(name) == "load"]
        self.command(*(f'edit "{name}" {WITHOUT_CUT_OFF}' for name in names))

    def solve(self, scale: float = 1.0) -> OpenDSSSolution:
        """Every load times `scale`, those of fixed status too, which OpenDSS's own multiplier leaves as they are.

        Loads that feed in are unchanged, as in `loads.scaled`.
        """
        loads = self.engine.ActiveCircuit.Loads
        for name, (kw, kvar) in self.rated.items():
            loads.Name = name
            share = scale if kw >= 0 else 1.0
            loads.kW, loads.kvar = share * kw, share * kvar
        converged = solve(self.engine)
        losses_kw = float(np.ravel(self.engine.ActiveCircuit.Losses)[0]) / 1e3
        return OpenDSSSolution(node_names(self.engine), node_voltage(self.engine), losses_kw, converged)

    def _each_load(self) -> dict[str, tuple[float, float]]:
        """Name → what it draws before any multiplier [kW, kvar]."""
        loads = self.engine.ActiveCircuit.Loads
        found, more = {}, loads.First
        while more:
            found[loads.Name] = float(loads.kW), float(loads.kvar)
            more = loads.Next
        return found
