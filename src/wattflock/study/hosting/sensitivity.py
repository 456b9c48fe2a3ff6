"""Derivatives of voltages, loadings and unbalance by the power of each terminal, at one operating point."""

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float
from numpy.typing import ArrayLike

from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.types import on_device
from wattflock.feeder.limits import Limits, branch_loading, stress_names
from wattflock.feeder.solve import Feeder, Flow, solve

MOST = 60  # iterations of a power flow
AT_ONCE = 128  # rows of the Jacobian that are pulled together


class Point(eqx.Module):
    """A feeder, its limits, and the load of its terminals. Made by `operating_point`."""

    feeder: Feeder
    limits: Limits
    load_kw: Float[Array, "terminals"]
    load_kvar: Float[Array, "terminals"]


class Sensitivity(eqx.Module):
    """Derivatives of rows (voltages [pu], or limits as in `limits.stress`) by the power drawn at each terminal."""

    names: tuple[str, ...] = eqx.field(static=True)
    terminals: tuple[str, ...] = eqx.field(static=True)
    value: Float[Array, "rows"]  # at the operating point
    per_kw: Float[Array, "rows terminals"]  # [pu/kW], for loadings and unbalance [share/kW]
    per_kvar: Float[Array, "rows terminals"]  # [pu/kvar], [share/kvar]
    converged: Bool[Array, ""]  # False: values mean nothing and both derivatives are zero


def operating_point(feeder: Feeder, limits: Limits, load_kw: ArrayLike, load_kvar: ArrayLike) -> Point:
    """The operating point, on the device and in the precision of the moment (float64 under `jax.enable_x64(True)`).

    Args:
        feeder: as built.
        limits: any, such as `limits.PRESETS["en50160"]`.
        load_kw: drawn at each terminal, negative = fed in [kW], shape (terminals,).
        load_kvar: reactive power drawn at each terminal [kvar], shape (terminals,).

    Raises:
        ScenarioError: a load of another shape, or one that is not finite.
    """
    dtype = jnp.result_type(float)
    loads = {"load_kw": np.asarray(load_kw, dtype), "load_kvar": np.asarray(load_kvar, dtype)}
    shape = (len(feeder.terminals),)
    wrong = [
        Problem("operating point", name, value.shape, f"finite numbers of shape {shape}")
        for name, value in loads.items()
        if value.shape != shape or not np.isfinite(value).all()
    ]
    if wrong:
        raise ScenarioError(wrong)
    return Point(on_device(feeder, dtype), limits, *(jnp.asarray(value) for value in loads.values()))


def voltage_sensitivity(point: Point) -> Sensitivity:
    """Sensitivity of every monitored voltage magnitude to the power drawn at each terminal.

    From the implicit function theorem at the solution of `solve` (docs/feeder.md), one adjoint for each row, in chunks
    of `AT_ONCE` rows so that memory is rows × terminals and little more. Never raises.
    """
    value, per_kw, per_kvar, converged = _jacobian(point, _voltages, tolerance_of(point))
    return Sensitivity(point.feeder.nodes, point.feeder.terminals, value, per_kw, per_kvar, converged)


def stress_sensitivity(point: Point) -> Sensitivity:
    """Of every row of `limits.stress`, in the order of `stress_names`, to the power drawn at each terminal.

    An under-voltage row is an over-voltage row with the other sign, so each voltage is derived once. Never raises.
    """
    value, per_kw, per_kvar, converged = _jacobian(point, _quantities, tolerance_of(point))
    nodes, branches, limits = len(point.feeder.nodes), len(point.feeder.branch.names), point.limits
    volt, load, skew = jnp.split(value, [nodes, nodes + branches])
    margins = volt - limits.high_pu, limits.low_pu - volt, load - limits.loading, skew - limits.unbalance

    def doubled(rows: Array) -> Array:
        return jnp.concatenate([rows[:nodes], -rows[:nodes], rows[nodes:]])

    return Sensitivity(
        names=stress_names(point.feeder),
        terminals=point.feeder.terminals,
        value=jnp.concatenate(margins),
        per_kw=doubled(per_kw),
        per_kvar=doubled(per_kvar),
        converged=converged,
    )


def tolerance_of(point: Point) -> float:
    """Tolerance of the power flow [pu] that the precision of the point allows."""
    return 1e-11 if point.load_kw.dtype == jnp.float64 else 1e-6


def _voltages(feeder: Feeder, flow: Flow) -> Array:
    return flow.voltage_pu


def _quantities(feeder: Feeder, flow: Flow) -> Array:
    rows = flow.voltage_pu, branch_loading(feeder, flow.branch_a), flow.unbalance
    return jnp.concatenate(rows, -1)


@partial(jax.jit, static_argnums=(1, 2))
def _jacobian(point: Point, read, tolerance: float) -> tuple[Array, Array, Array, Array]:
    """Value (rows,), derivatives by kW and by kvar (rows, terminals), converged ()."""

    def rows(load_kw, load_kvar):
        flow = solve(point.feeder, load_kw, load_kvar, tolerance, MOST)
        return read(point.feeder, flow), flow.converged

    value, pull, converged = jax.vjp(rows, point.load_kw, point.load_kvar, has_aux=True)
    count = value.shape[0]
    one = partial(jax.nn.one_hot, num_classes=count, dtype=value.dtype)
    per_kw, per_kvar = jax.lax.map(lambda row: pull(one(row)), jnp.arange(count), batch_size=min(AT_ONCE, count))
    return value, per_kw, per_kvar, converged
