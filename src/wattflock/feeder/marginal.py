"""What one more kilowatt at a terminal does to losses and voltages: sensitivities of a solved flow."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from wattflock.feeder.limits import Limits
from wattflock.feeder.solve import Flow


class Marginal(eqx.Module):
    """Derivatives with respect to what is drawn at a place, a terminal or the one where a home is."""

    loss: Float[Array, "*batch places"]  # of all losses of the feeder [kW per kW]
    voltage: Float[Array, "*batch places"]  # of the violations of all nodes' voltage limits [pu per kW]


def marginal(
    flow_of: Callable[[Array], Flow],
    limits: Limits,
    load_kw: Float[Array, "*batch terminals"],
    weight: Float[Array, "*batch nodes"] | None = None,
) -> Marginal:
    """Sensitivities from the power flow's adjoint: two backward solves, whatever the number of terminals.

    Args:
        flow_of: the flow at what is drawn, (…, terminals) [kW].
        limits: whose band of voltages is meant.
        load_kw: where they are taken; snapshots of any number of leading axes do not affect each other.
        weight: of each node, such as its multiplier over a common price; by default 1 where the band is left, 0 inside.

    Returns:
        Marginal; zero in a snapshot that did not converge. Itself it is taken as given: it has no gradient.

    Source: nodal prices of distribution networks from loss and voltage sensitivities: Bai et al. 2018, Distribution
    locational marginal pricing (DLMP) for congestion management and voltage support, IEEE Trans. Power Systems, DOI
    10.1109/TPWRS.2017.2767632; the adjoint in docs/feeder.md.
    """
    load_kw = jax.lax.stop_gradient(load_kw)

    def told(load_kw: Array) -> tuple[Array, Array]:
        flow = flow_of(load_kw)
        over, under = flow.voltage_pu - limits.high_pu, limits.low_pu - flow.voltage_pu
        far = jnp.maximum(over, under)
        each = jnp.where(far > 0, 1.0, 0.0) if weight is None else weight
        return flow.losses_kw.sum(), (jax.lax.stop_gradient(each) * far).sum()

    _, pull = jax.vjp(told, load_kw)
    one, none = jnp.ones((), load_kw.dtype), jnp.zeros((), load_kw.dtype)
    (loss,), (voltage,) = pull((one, none)), pull((none, one))
    return Marginal(loss, voltage)
