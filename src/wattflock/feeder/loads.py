"""Loads on terminals: spot loads, and loads whose power depends on voltage."""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from wattflock.feeder.circuit import Circuit, Matrix, Spot, terminals
from wattflock.feeder.operator import Shunt, Values


class Dependent(eqx.Module):
    """Loads at the terminals, in layers: one per terminal each. Their fields are explained in `circuit.Spot`.

    The share `folded` of the impedance that draws the rated power is in the feeder's admittance already and subtracted
    here, so that the iteration converges faster. Arrays (layers, blocks, 1, width).
    """

    kw: Float[Values, "layers blocks 1 width"]  # at rated voltage [per unit of power]
    kvar: Float[Values, "layers blocks 1 width"]
    kw_exponent: Float[Values, "layers blocks 1 width"]
    kvar_exponent: Float[Values, "layers blocks 1 width"]
    kw_folded: Float[Values, "layers blocks 1 width"]
    kvar_folded: Float[Values, "layers blocks 1 width"]
    rated: Float[Values, "layers blocks 1 width"]  # rated voltage [per unit of the terminal's]
    band: "Band | None"  # where the model holds; None: everywhere

    def power(self, voltage: Float[Array, "blocks batch width"]) -> tuple[Array, Array]:
        """Drawn at these magnitudes [per unit], active and reactive, each (blocks, batch, width)."""
        share = voltage[None] / self.rated
        active, reactive = share**self.kw_exponent, share**self.kvar_exponent
        if self.band is not None:
            active = self.band.bounded(share, active, self.band.kw_edge)
            reactive = self.band.bounded(share, reactive, self.band.kvar_edge)
        square = share**2
        kw, kvar = active - self.kw_folded * square, reactive - self.kvar_folded * square
        return (self.kw * kw).sum(0), (self.kvar * kvar).sum(0)


class Band(eqx.Module):
    """Voltages within which a load keeps its model [share of rated]; outside it is an impedance."""

    low: Float[Values, "layers blocks 1 width"]
    high: Float[Values, "layers blocks 1 width"]
    floor: Float[Values, "layers blocks 1 width"]
    kw_edge: Float[Values, "layers blocks 1 width"]  # at an edge v the share of rated power is v^edge
    kvar_edge: Float[Values, "layers blocks 1 width"]

    def bounded(self, share: Array, inside: Array, edge: Values) -> Array:
        """Share of rated power: above `high` v² through the edge; below `low` current linear down to `floor`."""
        above = share**2 * self.high ** (edge - 2)
        slope = (self.low ** (edge - 1) - self.floor) / (self.low - self.floor)
        falling = share * (self.floor + slope * (share - self.floor))
        below = jnp.where(share > self.floor, falling, share**2)
        return jnp.where(share > self.high, above, jnp.where(share > self.low, inside, below))


NOWHERE_PU, EVERYWHERE_PU = 1e-6, 1e3  # edges that no voltage crosses


def constant_power(spots: Sequence[Spot]) -> tuple[Spot, ...]:
    """The same loads, drawing the same power at any voltage."""
    return tuple(Spot(one.name, one.plus, one.minus, one.kw, one.kvar, one.rated_kv) for one in spots)


def scaled(spots: Sequence[Spot], factor: float) -> tuple[Spot, ...]:
    """The same loads, `factor` times as large; a load that feeds in is unchanged."""
    total: dict[tuple[str, int, int], float] = {}
    for spot in spots:  # a ZIP mix may have a share below zero
        total[_whole(spot)] = total.get(_whole(spot), 0.0) + spot.kw
    grown = (dataclasses.replace(spot, kw=factor * spot.kw, kvar=factor * spot.kvar) for spot in spots)
    return tuple(new if total[_whole(spot)] >= 0 else spot for new, spot in zip(grown, spots, strict=True))


def _whole(spot: Spot) -> tuple[str, int, int]:
    return spot.name, spot.plus, spot.minus


def is_impedance(spot: Spot) -> bool:
    """Whether the whole load is an admittance of the network."""
    return spot.kw_exponent == spot.kvar_exponent == 2


def folded(spot: Spot) -> tuple[float, float]:
    """Share of its rated impedance that is an admittance of the network, active and reactive.

    With e the exponent, e/2 takes from the current all that moves in phase with the voltage, so that the
    iteration converges fastest; a load with edges becomes an impedance far below them, and is one from the start.
    """
    return (1.0, 1.0) if has_edges(spot) else (spot.kw_exponent / 2, spot.kvar_exponent / 2)


def has_edges(spot: Spot) -> bool:
    """Whether its model changes at the edges of a voltage band; that of an impedance does not."""
    return not is_impedance(spot) and (max(spot.low_pu, spot.floor_pu) > 0 or spot.high_pu < math.inf)


def as_shunt(spot: Spot) -> Shunt:
    """Its nodes and the admittance between them [S]."""
    kw, kvar = folded(spot)
    siemens = complex(kw * spot.kw, -kvar * spot.kvar) / spot.rated_kv**2 / 1e3
    return (spot.plus, spot.minus), siemens * np.array([[1, -1], [-1, 1]])


def per_terminal(circuit: Circuit, spots: Sequence[Spot]) -> tuple[Matrix, Matrix]:
    """Their power at rated voltage, [kW] and [kvar], each (terminals,)."""
    at = {place: number for number, place in enumerate(terminals(circuit))}
    total = np.zeros((2, len(at)))
    for spot in spots:
        total[:, at[spot.plus, spot.minus]] += spot.kw, spot.kvar
    return total[0], total[1]


def drawing_kva(circuit: Circuit) -> Matrix:
    """Apparent power of the loads that draw at each terminal, without what feeds in there [kVA], (terminals,)."""
    kw: dict[tuple[str, int, int], float] = {}
    for spot in circuit.spots:
        kw[_whole(spot)] = kw.get(_whole(spot), 0.0) + spot.kw
    return np.hypot(*per_terminal(circuit, [spot for spot in circuit.spots if kw[_whole(spot)] > 0]))


def apportion(count: int, weight: Matrix) -> Matrix:
    """How many of `count` homes are at each terminal: in proportion to `weight`, by largest remainder."""
    wanted = count * weight / weight.sum()
    number = np.floor(wanted).astype(int)
    number[np.argsort(number - wanted)[: count - number.sum()]] += 1
    return number


def shunt_at_nominal(spot: Spot, nominal_kv: float) -> Spot:
    """What `as_shunt` draws at the nominal voltage of its terminal."""
    kw, kvar = folded(spot)
    square = (nominal_kv / spot.rated_kv) ** 2
    return dataclasses.replace(spot, kw=kw * square * spot.kw, kvar=kvar * square * spot.kvar)


def layers(
    nominal_kv: Mapping[tuple[int, int], float], spots: Sequence[Spot], slot: Matrix, base_kva: float
) -> Dependent:
    """Spots in layers, one per terminal each.

    Args:
        nominal_kv: of every terminal, in their order [kV].
        spots: the loads.
        slot: the terminal at each place, shape (blocks, width).
        base_kva: of one terminal.
    """
    at = {place: number for number, place in enumerate(nominal_kv)}
    stacks: list[list[Spot]] = [[] for _ in range(len(at) + 1)]  # the last one is of no terminal
    for spot in spots:
        stacks[at[spot.plus, spot.minus]].append(spot)
    most = max(map(len, stacks))

    def spread(value: Callable[[Spot], float], empty: float) -> Matrix:
        table = np.full((most, len(stacks)), float(empty))
        for terminal, stack in enumerate(stacks):
            table[: len(stack), terminal] = [value(spot) for spot in stack]
        return table[:, slot][:, :, None]

    def edge(own: Callable[[Spot], float]) -> Matrix:
        return spread(lambda spot: own(spot) if math.isnan(spot.edge_exponent) else spot.edge_exponent, 0)

    band = Band(
        low=spread(lambda spot: max(spot.low_pu, 2 * NOWHERE_PU), 2 * NOWHERE_PU),
        high=spread(lambda spot: min(spot.high_pu, EVERYWHERE_PU), EVERYWHERE_PU),
        floor=spread(lambda spot: max(spot.floor_pu, NOWHERE_PU), NOWHERE_PU),
        kw_edge=edge(lambda spot: spot.kw_exponent),
        kvar_edge=edge(lambda spot: spot.kvar_exponent),
    )
    return Dependent(
        kw=spread(lambda spot: spot.kw / base_kva, 0),
        kvar=spread(lambda spot: spot.kvar / base_kva, 0),
        kw_exponent=spread(lambda spot: spot.kw_exponent, 0),
        kvar_exponent=spread(lambda spot: spot.kvar_exponent, 0),
        kw_folded=spread(lambda spot: folded(spot)[0], 0),
        kvar_folded=spread(lambda spot: folded(spot)[1], 0),
        rated=spread(lambda spot: spot.rated_kv / nominal_kv[spot.plus, spot.minus], 1),
        band=band if any(map(has_edges, spots)) else None,
    )
