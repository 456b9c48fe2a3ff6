"""The network's impedance operator: from currents at terminals to voltages, dense or in two levels."""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from scipy import sparse
from scipy.sparse.linalg import SuperLU, splu

from wattflock.core.errors import Problem, ScenarioError
from wattflock.feeder.circuit import Circuit, Matrix, injection, terminals
from wattflock.feeder.floating import floating_buses
from wattflock.feeder.judged import Unloaded, nominal_kv
from wattflock.feeder.monitored import Probe, voltages
from wattflock.feeder.partition import Block, partition
from wattflock.feeder.stiff import Factored, System, factored, system_of

Values = Array | np.ndarray
Pair = tuple[Array, Array]  # real and imaginary parts
APART = 768  # snapshots from which two products cost less than joining what they multiply (measured on a CPU)


class Impedance(eqx.Module):
    """A matrix from terminal currents to drops, exact, as blocks and the coupling between them.

    Cutting the feeder at a few buses leaves blocks that meet at these cut nodes only, so that
    Y⁻¹ = blockdiag(Y_aa⁻¹) + N Z_CC N'. With one block and no cut it is the whole dense matrix. Complex
    vectors are packed [Re | Im] within a block, padded to the widest block; matrices act from the right.
    """

    local: Float[Values, "blocks 2*width 2*outputs"]
    up: Float[Values, "blocks 2*width 2*rim"]  # current into the cut nodes around each block
    across: Float[Values, "blocks*2*rim blocks*2*rim"]  # to the drop of voltage at cut nodes
    down: Float[Values, "blocks 2*rim 2*outputs"]

    def drop(self, current: Pair) -> Float[Array, "blocks batch 2*outputs"]:
        """The drop at each output [as the matrices say]; `current` is two of (blocks, batch, width)."""
        near = _product(current, self.local)
        blocks, batch, _ = near.shape
        if not self.across.size:
            return near
        rim = _product(current, self.up).transpose(1, 0, 2).reshape(batch, -1)
        far = exactly(rim, self.across).reshape(batch, blocks, -1).transpose(1, 0, 2)
        return near + _product(halves(far), self.down)


class Readout(eqx.Module):
    """Named quantities that are affine in the terminal currents: y = y₀ - drop."""

    impedance: Impedance
    no_load: Float[Values, "blocks 1 2*outputs"]
    place: Int[Values, "names"]  # of each name among blocks × outputs
    names: tuple[str, ...] = eqx.field(static=True)

    def packed(self, current: Pair) -> Array:
        """Shape (blocks, batch, 2*outputs)."""
        return jnp.subtract(self.no_load, self.impedance.drop(current))

    def named(self, values: Float[Array, "blocks batch outputs"]) -> Float[Array, "batch names"]:
        """The same values in the order of the names."""
        blocks, batch, outputs = values.shape
        if blocks == 1:  # nothing is padded, but for a readout of nothing
            return values[0, :, : len(self.names)]
        return jnp.take(values.transpose(1, 0, 2).reshape(batch, blocks * outputs), self.place, axis=-1)

    def phasor(self, current: Pair) -> Array:
        """Complex quantities, shape (batch, names)."""
        real, imaginary = halves(self.packed(current))
        return jax.lax.complex(self.named(real), self.named(imaginary))


def halves(packed: Array) -> Pair:
    """Real and imaginary parts of what is packed on the last axis."""
    half = packed.shape[-1] // 2
    return packed[..., :half], packed[..., half:]


def _product(left: Pair, right: Values) -> Array:
    """[Re | Im] times a packed matrix: joined, or each part with its own rows, whichever costs less."""
    _, batch, half = left[0].shape
    if batch < APART:
        return exactly(jnp.concatenate(left, -1), right)
    return exactly(left[0], right[:, :half]) + exactly(left[1], right[:, half:])


def exactly(left: Array, right: Values) -> Array:
    """left @ right in the precision that both have, on every device."""
    return jnp.matmul(left, right, precision=jax.lax.Precision.HIGHEST)  # no TF32: it loses 1e-3


Shunt = tuple[tuple[int, ...], Matrix]
STRIP = 16  # columns


class Response:
    """A circuit, factored: whole, and block by block.

    With a the inside of a block and C the cut nodes, V_a = Y_aa⁻¹ (I_a - Y_aC V_C) and S V_C = I_C - Σ Y_Ca Y_aa⁻¹ I_a,
    S the Schur complement of the cut nodes.
    """

    def __init__(self, circuit: Circuit, shunts: list[Shunt], base_kva: float):
        system = system_of(circuit, shunts)
        self.circuit, self.join = system.circuit, system.join
        self.admittance: Any = system.admittance
        self.places = {name: place for place, name in terminals(circuit).items()}
        if not self.places:
            raise ScenarioError([Problem(circuit.name, "loads", "none", "at least one load: where homes can stand")])
        self.whole = _factor(system)
        self.no_load = self.whole.inner.solve(self.join.T @ injection(circuit))  # in the unknowns of `stiff`
        self.unloaded = self._unloaded(shunts)
        self.kv = nominal_kv(circuit, self.unloaded.voltage, self.places.values())
        ampere = base_kva / self.kv  # of a terminal that is 1 pu
        split = partition(system)
        self.blocks = split.blocks
        self.width = max(len(block.terminals) for block in self.blocks)
        self.rim = max(len(block.rim) for block in self.blocks)
        self.slots = np.stack([self._padded_terminals(block) for block in self.blocks])  # (blocks, width)
        incidence = voltages(circuit, self.places, self.kv).rows @ self.join
        incidence = sparse.csr_array(sparse.diags_array(1e3 * self.kv * ampere) @ incidence)  # ampere per pu into nodes
        self.parts = [_Part(self, block, sparse.csr_array(incidence[block.terminals])) for block in self.blocks]
        self.across = self._across(split.cut)

    def _unloaded(self, shunts: list[Shunt]) -> Unloaded:
        """Without the loads that are impedances of the network."""
        bare = _factor(system_of(self.circuit, [])) if shunts else self.whole
        floating = floating_buses(self.circuit, bare)
        return Unloaded(self.circuit, bare.solve(injection(self.circuit)), floating)

    def _padded_terminals(self, block: Block) -> Matrix:
        return np.pad(block.terminals, (0, self.width - len(block.terminals)), constant_values=len(self.places))

    def _across(self, cut: Matrix) -> Matrix:
        """Voltage at the rims per current into them, packed block by block."""
        if not len(cut):
            return np.zeros((0, 0))
        schur = self.admittance[cut][:, cut].toarray()
        at = np.full(len(self.circuit.nodes), -1)
        at[cut] = np.arange(len(cut))
        for part in self.parts:
            rim = at[part.block.rim]
            schur[np.ix_(rim, rim)] -= part.eliminated
        inverse = np.linalg.inv(schur)
        rims = [at[part.block.rim] for part in self.parts]
        rows = [[pack(_padded(inverse[np.ix_(out, into)], self.rim, self.rim)) for out in rims] for into in rims]
        return np.block(rows)


class _Part:
    """One block: voltages inside it per terminal current [V/pu] and per voltage on its rim."""

    def __init__(self, system: Response, block: Block, incidence: Any):
        self.block = block
        inside, rim = block.inside, block.rim
        own = sparse.csc_array(system.admittance[inside][:, inside])
        to_rim = system.admittance[inside][:, rim].toarray()
        from_rim = sparse.csr_array(system.admittance[rim][:, inside])
        factor = system.whole.inner if len(inside) == len(system.circuit.nodes) else splu(own)
        self.to_terminals = solved(factor, incidence[:, inside].T.toarray())
        self.to_rim = solved(factor, to_rim)
        self.eliminated = from_rim @ self.to_rim
        self.into_rim = incidence[:, rim].T.toarray() - from_rim @ self.to_terminals


def respond(system: Response, probe: Probe) -> Readout:
    """The probe as an affine function of the terminal currents [its own unit], packed."""
    probe = dataclasses.replace(probe, rows=sparse.csr_array(probe.rows @ system.join))
    homes = _homes(system, probe)
    outputs = max(1, max(len(rows) for rows in homes))
    no_load = probe.offset + probe.rows @ system.no_load
    local, up, down, base = [], [], [], []
    place = np.zeros(len(probe.names), int)
    for number, (part, rows) in enumerate(zip(system.parts, homes, strict=True)):
        mine: Any = sparse.csr_array(probe.rows[rows])
        inside, rim = mine[:, part.block.inside], mine[:, part.block.rim].toarray()
        local.append(pack(_padded(inside @ part.to_terminals, outputs, system.width)))
        up.append(pack(_padded(part.into_rim, system.rim, system.width)))
        down.append(pack(_padded(rim - inside @ part.to_rim, outputs, system.rim)))
        padded = np.pad(no_load[rows], (0, outputs - len(rows)), constant_values=1)
        base.append(np.concatenate([np.real(padded), np.imag(padded)])[None])
        place[rows] = number * outputs + np.arange(len(rows))
    impedance = Impedance(np.stack(local), np.stack(up), system.across, np.stack(down))
    return Readout(impedance, np.stack(base), place, probe.names)


def solved(factor: SuperLU, right: Matrix) -> Matrix:
    """In strips of a few columns: of many at once SuperLU makes small products in threads, which take far longer."""
    cuts = range(STRIP, right.shape[1], STRIP)
    return np.concatenate([factor.solve(part) if part.size else part for part in np.split(right, cuts, 1)], 1)


def pack(matrix: Matrix) -> Matrix:
    """Complex (out, in) → real (2 in, 2 out) that multiplies [Re | Im] from the right."""
    real, imaginary = np.real(matrix).T, np.imag(matrix).T
    return np.block([[real, imaginary], [-imaginary, real]])


def _padded(matrix: Matrix, rows: int, columns: int) -> Matrix:
    return np.pad(matrix, ((0, rows - matrix.shape[0]), (0, columns - matrix.shape[1])))


def _homes(system: Response, probe: Probe) -> list[Matrix]:
    """Numbers of the rows that each block answers: all that a row touches lies on its inside or its rim."""
    if len(system.blocks) == 1:
        return [np.arange(len(probe.names))]
    block = np.full(len(system.circuit.nodes), -1)
    for number, each in enumerate(system.blocks):
        block[each.inside] = number
    home = np.full(len(probe.names), -1)
    indptr, indices = probe.rows.indptr, probe.rows.indices
    for row in range(len(home)):
        touched = indices[indptr[row] : indptr[row + 1]]
        inside = block[touched]
        home[row] = inside.max() if (inside >= 0).any() else _around(system, touched)
    return [np.flatnonzero(home == number) for number in range(len(system.blocks))]


def _around(system: Response, nodes: Matrix) -> int:
    """A block with all these cut nodes on its rim."""
    return next(number for number, one in enumerate(system.blocks) if np.isin(nodes, one.rim).all())


def _factor(system: System) -> Factored:
    try:
        return factored(system)
    except RuntimeError as error:
        raise ScenarioError(
            [Problem(system.circuit.name, "admittance", str(error), "a path from every node to a source")]
        ) from None
