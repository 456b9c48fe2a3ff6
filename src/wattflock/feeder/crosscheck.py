"""OpenDSS as a second opinion: the same feeder and loads in an engine that shares no code with ours.

Needs the optional package dss-python; its engine is one per process.
"""

import numpy as np

from wattflock.feeder.network import Network
from wattflock.feeder.script import to_opendss

COMMANDS = ("set tolerance=1e-10", "set maxiterations=200", "solve mode=snapshot")


class OpenDSS:
    """A feeder loaded into OpenDSS from our own tables. Source: OpenDSS by EPRI, through dss-python."""

    def __init__(self, network: Network):
        from dss import dss

        dss.AllowForms = False
        self.text = dss.Text
        self.circuit = dss.ActiveCircuit
        for command in (*to_opendss(network), *COMMANDS):
            self.command(command)
        self.nodes = tuple(name.lower() for name in self.circuit.AllNodeNames)

    def command(self, words: str) -> None:
        """Run one OpenDSS command, such as `set tolerance=1e-6`."""
        self.text.Command = words

    def solve(self, load_kw: np.ndarray, load_kvar: np.ndarray) -> tuple[np.ndarray, float, bool]:
        """One snapshot, shape (terminals,): voltage of `nodes` [pu], losses [kW], converged."""
        loads = self.circuit.Loads
        loads.First  # noqa: B018  (an action in this interface; the order is that of our table)
        for kw, kvar in zip(load_kw.tolist(), load_kvar.tolist(), strict=True):
            loads.kW = kw
            loads.kvar = kvar
            loads.Next  # noqa: B018
        self.circuit.Solution.SolveNoControl()
        done = bool(self.circuit.Solution.Converged)
        return np.array(self.circuit.AllBusVmagPu), float(np.ravel(self.circuit.Losses)[0]) / 1e3, done
