"""What meters read: of a run, gone through again, or of a file; with the grid's prices, in billing periods."""

import dataclasses
import datetime

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.types import Profile, on_device
from wattflock.data.meter_file import MeterFile
from wattflock.data.price_table import priced
from wattflock.data.source import Readings
from wattflock.feeder.marginal import Marginal
from wattflock.market.market import Meter
from wattflock.market.retail import Retail
from wattflock.world.rollout import Policy, rollout
from wattflock.world.world import World


@dataclasses.dataclass(frozen=True)
class Metered:
    """What meters read, in billing periods; numpy float64."""

    homes: tuple[str, ...]
    net_kwh: np.ndarray  # (periods, steps, homes); negative is fed in
    import_price_per_kwh: np.ndarray  # (periods, steps) of the grid
    export_price_per_kwh: np.ndarray  # (periods, steps)
    dt_h: np.ndarray  # (periods, steps)
    currency: str
    bid_per_kwh: np.ndarray | None = None  # (periods, steps, homes)
    wires: Marginal | None = None  # (periods, steps, homes), of a solved flow

    @property
    def days(self) -> float:
        """Calendar days in all periods."""
        return float(self.dt_h.sum() / 24)

    def meter(self, periods: slice) -> Meter:
        """What a market is told of some periods."""
        fields = (self.net_kwh, self.import_price_per_kwh, self.export_price_per_kwh, self.dt_h)
        return Meter(*jax.tree.map(lambda each: each[periods], (*fields, self.bid_per_kwh, self.wires)))


def metered(world: World, policy: Policy, profile: Profile, currency: str, wires: bool) -> Metered:
    """What the meters of a world read on days under a policy, in float64; each episode is a billing period.

    Args:
        world: as `build` makes it, float64 on the host.
        policy: what steers the homes.
        profile: (episodes, steps, homes).
        currency: what money is counted in.
        wires: whether a market needs the sensitivities of the power flow.
    """
    with jax.enable_x64(True):
        world, policy, days = on_device((world, policy, profile), jnp.float64)
        one_by_one = (jax.tree.map(lambda x, k=k: x[k : k + 1], days) for k in range(profile.days()))
        each = [_metered(world, policy, day, wires) for day in one_by_one]
    net_kwh, found = jax.tree.map(lambda *x: np.concatenate([np.asarray(one) for one in x]), *each)
    bought, sold, dt_h = map(np.asarray, (profile.import_price_per_kwh, profile.export_price_per_kwh, profile.dt_h))
    return Metered(tuple(map(str, range(world.homes))), net_kwh, bought, sold, dt_h, currency, wires=found)


@eqx.filter_jit
def _metered(world: World, policy: Policy, profile: Profile, wires: bool) -> tuple:
    effect = rollout(world, policy, profile, jax.random.key(0)).effect
    return effect.power_kw * profile.dt_h[..., None], world.marginal(effect) if wires else None


def metered_file(file: MeterFile, contract: Retail, period_days: int, currency: str) -> Metered:
    """Readings of a file with the grid's prices, in billing periods.

    Args:
        file: readings of all homes.
        contract: where prices come from that the file does not have.
        period_days: of a billing period, on whose peak a demand charge is; 0: a day, or all of a file with part days.
        currency: what money is counted in.

    Raises:
        ScenarioError: lists every problem: no prices, part days.
    """
    steps, a_day = len(file.net_kwh), round(24 / file.dt_h)
    whole = steps % a_day == 0
    length = min(steps, (period_days or 1) * a_day) if whole or period_days else steps
    problems = []
    if steps % length:
        said = f"days that divide the {steps / a_day:.6g} of the file"
        problems.append(Problem("wattflock settle", "--period-days", period_days, said))
    days = whole and (file.first.hour, file.first.minute) == (0, 0)
    if file.import_price_per_kwh is None and contract.prices_from == "data":
        said = "a column of that name, or --set prices_from=flat, bands or file"
        problems.append(Problem(file.path, "import_per_kwh", "(missing)", said))
    elif contract.prices_from in ("bands", "file") and not days:
        span = f"{steps / a_day:.6g} days from {file.first}"
        problems.append(Problem(file.path, "time", span, "whole days from midnight, where prices follow the clock"))
    if problems:
        raise ScenarioError(problems)
    shape = (steps // a_day, a_day) if days else (1, steps)
    prices = priced(contract, readings_of(file, shape))
    bought, sold = prices.import_price_per_kwh.reshape(-1, length), prices.export_price_per_kwh.reshape(-1, length)
    net, bids = (
        None if x is None else x.reshape(-1, length, len(file.homes)) for x in (file.net_kwh, file.bid_per_kwh)
    )
    assert net is not None
    return Metered(file.homes, net, bought, sold, np.full(bought.shape, file.dt_h), currency, bids)


def readings_of(file: MeterFile, shape: tuple[int, int]) -> Readings:
    """As much of readings as prices are made from, (days, steps); carbon is not known and 0."""
    first, nothing = file.first.date(), np.zeros(shape)
    dates = [first + datetime.timedelta(days=k) for k in range(shape[0])]
    prices = (file.import_price_per_kwh, file.export_price_per_kwh)
    bought, sold = (nothing if price is None else price.reshape(shape) for price in prices)
    return Readings(
        load_kw=nothing[..., None], sun_kw_per_kwp=nothing[..., None], outdoor_c=nothing,
        import_price_per_kwh=bought, export_price_per_kwh=sold, carbon_kg_per_kwh=nothing,
        weekend=np.array([float(date.weekday() >= 5) for date in dates]),
        month=np.array([date.month for date in dates]), first_day=first, homes=file.homes, currency="", card={},
    )  # fmt: skip
