"""A circuit → the dense operators between its terminals that `solve` iterates on.

All of it in float64 numpy: there are switches of 1e-6 ohm and an antifloat shunt of 1e-9 S, and what
a floating winding adds cancels only between whole columns.
"""

from collections.abc import Sequence

import numpy as np

from wattflock.core.errors import Problem, ScenarioError
from wattflock.feeder.circuit import GROUND, Circuit, Spot, bus_of
from wattflock.feeder.judged import sequences, watchable
from wattflock.feeder.loads import as_shunt, drawing_kva, is_impedance, layers, per_terminal, shunt_at_nominal
from wattflock.feeder.monitored import Probe, branches, heads, voltages
from wattflock.feeder.operator import Response, respond
from wattflock.feeder.solve import Feeder

BASE_KVA = 100.0  # of one terminal; it only scales numbers, no result depends on it


def reduce_circuit(circuit: Circuit, background: Sequence[Spot] = (), watched: Probe | None = None) -> Feeder:
    """The reduced feeder, in float64 numpy arrays.

    With Y the system's admittance, A the (terminals, nodes) incidence and I₀ the source's injection:
    no-load voltages V₀ = Y⁻¹ I₀, terminal impedance M = A Y⁻¹ Aᵀ; any other quantity R V is R V₀ - R Y⁻¹ Aᵀ c.

    Args:
        circuit: its spots give the terminals and the nominal load.
        background: loads that stay in the feeder as they depend on voltage (`circuit.spots`: all as modelled);
            the loads given to `solve` are added. Constant impedances among them become part of Y.
        watched: the voltages in `Flow.voltage_pu`; None: the voltages that limits judge (`watchable`).

    Raises:
        ScenarioError: a node without a path to a source, or a load to ground in an ungrounded part.

    Source: T.-H. Chen et al., "Distribution system power flow analysis - a rigid approach", IEEE Trans. Power
    Delivery 6(3), 1991 (implicit Z-bus); delta branches as in A. Bernstein et al., "Load flow in multiphase
    distribution networks", IEEE Trans. Power Systems, 2018, DOI 10.1109/TPWRS.2018.2823277.
    """
    moving = [spot for spot in background if not is_impedance(spot)]
    system = Response(circuit, [as_shunt(spot) for spot in background], BASE_KVA)
    _refuse(circuit, system.unloaded.floating)
    branch, rating_a = branches(system.circuit)
    kv = dict(zip(system.places.values(), system.kv.tolist(), strict=True))
    nominal = per_terminal(circuit, circuit.spots)
    shunt = per_terminal(circuit, [shunt_at_nominal(spot, kv[spot.plus, spot.minus]) for spot in background])
    return Feeder(
        terminal=respond(system, voltages(circuit, system.places, system.kv)),
        voltage=respond(system, watchable(system.unloaded) if watched is None else watched),
        sequence=respond(system, sequences(system.unloaded)),
        head=respond(system, heads(circuit, BASE_KVA)),
        branch=respond(system, branch),
        dependent=layers(kv, moving, system.slots, BASE_KVA) if moving else None,
        slot=system.slots.ravel(),
        nominal_kw=nominal[0],
        nominal_kvar=nominal[1],
        drawing_kva=drawing_kva(circuit),
        shunt_kw=shunt[0],
        shunt_kvar=shunt[1],
        rating_a=rating_a,
        base_kva=np.array(BASE_KVA),
    )


def _refuse(circuit: Circuit, floating: set[str]) -> None:
    """Raises for loads to ground in an ungrounded part: their current has no return path."""
    allowed = "a load between two phases: no wire of this bus is grounded"
    problems = [
        Problem(circuit.name, f"load {spot.name}", circuit.nodes[spot.plus], allowed)
        for spot in circuit.spots
        if spot.minus == GROUND and bus_of(circuit.nodes[spot.plus]) in floating
    ]
    if problems:
        raise ScenarioError(problems)
