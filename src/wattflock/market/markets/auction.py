"""A double auction within the community at every step."""

from typing import Annotated, Literal, Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array
from pydantic import Field
from scipy import sparse

from wattflock.core.types import Profile
from wattflock.homes.device import ratio
from wattflock.homes.program import Program
from wattflock.market.community import Community, Trade, in_proportion
from wattflock.market.market import Meter
from wattflock.market.retail import Retail, fixed


class Auction(Community):
    """Homes bid a price for what they draw and ask one for what they feed in; the rest is bought and sold at the grid.

    The most energy is traded that bids and asks allow: the highest bids with the lowest asks. Those who tie at the
    margin share in proportion to their energy, so that the order of homes changes nothing. A bid counts as at most the
    grid's import price and an ask as at least its export price, so that nobody pays more than on the own tariff.

    `Meter.bid_per_kwh` has the bids. Where there are none, homes bid what the grid would cost or pay them: with
    `uniform` pricing in the middle that is the mid-market rate.

    Source: Chatterjee & Samuelson 1983, Bargaining under incomplete information (price k b + (1 - k) a of the bid b
    and the ask a); McAfee 1992, A dominant strategy double auction (the trade of the highest bids and lowest asks).
    """

    pricing: Annotated[
        Literal["uniform", "pay_as_bid"],
        Field(description="uniform: one price at each step; pay_as_bid: buyers pay their bids and sellers get their "
              "asks, and the community keeps the difference"),
    ] = fixed("uniform")  # fmt: skip
    buyers_share: Annotated[
        float,
        Field(ge=0, le=1, description="where the uniform price stands: 0 at the highest ask that is taken, 1 at the "
              "lowest bid that is taken [share]"),
    ] = fixed(0.5)  # fmt: skip

    @classmethod
    def example(cls) -> Self:
        return cls()

    def trade(self, meter: Meter, members: float) -> Trade:
        """Bids and asks meet after the network's charge, half of which each side pays."""
        low, high = self.exported(meter.export_price_per_kwh)[..., None], meter.import_price_per_kwh[..., None]
        drawn, given = jnp.maximum(meter.net_kwh, 0), jnp.maximum(-meter.net_kwh, 0)
        half = self.wedge(meter)[..., None] / 2
        if meter.bid_per_kwh is None:  # all bids are the same, and all asks: nothing to sort
            bid, ask, local_kwh = high - half, low + half, in_proportion(drawn, given)
            worst_bid, worst_ask = bid, ask
        else:
            said = jnp.clip(meter.bid_per_kwh, low, high)
            bid, ask = said - half, said + half
            bought, sold, *worst = cleared(drawn, given, bid, ask)
            local_kwh, (worst_bid, worst_ask) = bought - sold, (each[..., None] for each in worst)
        price = self.buyers_share * worst_bid + (1 - self.buyers_share) * worst_ask
        if self.pricing == "pay_as_bid":
            price = jnp.where(local_kwh > 0, bid, ask)
        return Trade(local_kwh, price * local_kwh, jnp.zeros_like(drawn))

    def plan(self, program: Program, power: sparse.csr_matrix, day: Profile) -> None:
        """Bills of homes that bid the grid's prices, as they do in a world: of a community, or of homes on their own.

        With pay_as_bid each pays what the grid would ask, whatever is traded.
        """
        if self.pricing == "uniform":
            super().plan(program, power, day)
        else:
            Retail.plan(self, program, power, day)


def zero_intelligence(meter: Meter, key: Array) -> Meter:
    """The meter with bids by chance between the grid's prices: traders without intelligence who never lose.

    Source: Gode & Sunder 1993, Allocative efficiency of markets with zero-intelligence traders (constrained traders).
    """
    low, high = meter.export_price_per_kwh[..., None], meter.import_price_per_kwh[..., None]
    chance = jax.random.uniform(key, meter.net_kwh.shape, meter.net_kwh.dtype)
    bids = low + (high - low) * chance
    return eqx.tree_at(lambda m: m.bid_per_kwh, meter, bids, is_leaf=lambda leaf: leaf is None)


def _cleared(drawn: Array, given: Array, bid: Array, ask: Array) -> tuple[Array, Array, Array, Array]:
    """The trade of one step, arguments (homes,): bought and sold (homes,) [kWh]; lowest bid and highest ask taken, ().

    D(p) is what is drawn at bids of p or more, S(p) what is fed in at asks of p or less. The traded energy is the
    largest min(D(p), S(p)); D changes at bids only and S grows with p, so that bids are the only p to look at.
    """
    demand = drawn.sum() - below(bid, drawn, bid, "left")
    most = jnp.minimum(demand, below(ask, given, bid, "right")).max()
    enough = most * (1 - 64 * jnp.finfo(drawn.dtype).eps)  # sums in another order differ by rounding
    before_bid, before_ask = drawn.sum() - below(bid, drawn, bid, "right"), below(ask, given, ask, "left")
    supply = below(ask, given, ask, "right")
    bought = drawn * _filled(most - before_bid, demand - before_bid)
    sold = given * _filled(most - before_ask, supply - before_ask)
    worst_bid = jnp.where((drawn > 0) & (demand >= enough), bid, bid.min()).max()
    worst_ask = jnp.where((given > 0) & (supply >= enough), ask, ask.max()).min()
    return bought, sold, worst_bid, worst_ask


cleared = jnp.vectorize(_cleared, signature="(h),(h),(h),(h)->(h),(h),(),()")


def below(value: Array, weight: Array, at: Array, side: str) -> Array:
    """The sum of weights (homes,) of values below each `at`, or with side "right" not above it, (homes,)."""
    order = jnp.argsort(value)
    sums = jnp.concatenate([jnp.zeros(1, weight.dtype), jnp.cumsum(weight[order])])
    return sums[jnp.searchsorted(value[order], at, side=side)]


def _filled(left: Array, wanted: Array) -> Array:
    """The share of what is wanted at one price that is left for it, 0 to 1."""
    return jnp.clip(ratio(left, wanted), 0, 1)
