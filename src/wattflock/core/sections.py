"""The tables of a scenario: every field with its type, its default, what is allowed, and a sentence."""

import math
import re
from typing import Annotated, Any, Literal

import pydantic
from pydantic import Field, field_validator

from wattflock.core.settings import STRICT
from wattflock.core.spans import spelled

Share = Annotated[float, Field(ge=0, le=1)]
Settings = dict[str, Any]
LOAD_ONLY = "load only"  # the kind of homes that no other kind takes
NAME = r"^[a-z0-9][a-z0-9_-]{0,40}$"  # of a scenario, and of a learner in `learn.others`
SETTINGS = Field(default_factory=dict, description="fields of the part; `wattflock explain <part>` lists them")


class Section(pydantic.BaseModel):
    """One table of a scenario."""

    model_config = STRICT


class DataSection(Section):
    """Where loads, sun, weather and prices come from, and how training days are varied."""

    part: str = Field(default="california", description="data source, a file of wattflock/sources")
    settings: Settings = SETTINGS
    homes_held_out: tuple[str, ...] = Field(
        default=(), description="measured homes that only the judge sees; H001000..H001199 is a span of names"
    )
    homes_swapped: Share = Field(
        default=0.0,
        description="of training days on which a home has the readings of another one, not held out [share]",
    )
    load_window_days: int = Field(
        default=14, ge=0, le=183, description="loads may come from days so far from the weather's day [days]"
    )
    load_low: float = Field(default=0.8, gt=0, le=5, description="smallest common scale of a training day's loads [1]")
    load_high: float = Field(default=1.4, gt=0, le=5, description="largest common scale of a training day's loads [1]")
    sun_spread: Share = Field(default=0.2, description="training sun is scaled by 1 ± this [share]")
    temperature_spread_c: float = Field(
        default=3.0, ge=0, le=20, description="training temperature is moved by ± this [°C]"
    )
    noise_share: Share = Field(default=0.08, description="noise from step to step, common to all homes [share of load]")
    forecast_error: Share = Field(
        default=0.2,
        description="standard deviation of the sun forecast four hours ahead, common to all homes; it grows with the "
        "square root of the horizon, to 1.5 times this [share]",
    )
    load_known: bool = Field(
        default=False, description="homes observe, and plans know, their mean load of the coming step as well"
    )
    day_ahead: bool = Field(
        default=False, description="homes observe the import prices of all steps of the day, published in the morning"
    )
    months: tuple[int, ...] = Field(
        default=(), description="weeks that begin in these months give the days, such as [11, 12, 1, 2, 3]; empty: all"
    )
    fold: int = Field(
        default=4,
        ge=0,
        le=4,
        description="weeks w with w mod 5 = this are the test days; 4 is the study's, with others those of 4 are put "
        "away: for choosing settings",
    )
    episode_days: int = Field(
        default=1,
        ge=1,
        le=31,
        description="days that follow one another: states carry over midnight and are valued at the end; whole blocks "
        "of weeks, as long as an episode, are for the judge [days]",
    )
    dt_h: float = Field(default=1.0, ge=0.083, le=1, description="length of a step; a whole number fills a day [h]")

    @field_validator("homes_held_out")
    @classmethod
    def _one_by_one(cls, homes: tuple[str, ...]) -> tuple[str, ...]:
        return spelled(homes)

    @field_validator("months")
    @classmethod
    def _of_a_year(cls, months: tuple[int, ...]) -> tuple[int, ...]:
        if not set(months) <= set(range(1, 13)) or len(set(months)) < len(months):
            raise ValueError("months from 1 to 12, each once")
        return months

    @field_validator("load_high")
    @classmethod
    def _above_low(cls, high: float, info: pydantic.ValidationInfo) -> float:
        low = info.data.get("load_low", high)
        if high < low:
            raise ValueError(f"at least data.load_low, which is {low:g}")
        return high

    @field_validator("dt_h")
    @classmethod
    def _fills_a_day(cls, dt_h: float) -> float:
        steps = round(24 / dt_h)
        if not math.isclose(24 / dt_h, steps, rel_tol=1e-3):
            raise ValueError(f"a length that fills a day with whole steps; the nearest is {24 / steps:.6g} h")
        return 24 / steps


class Kind(Section):
    """A kind of homes: all of them have the same devices, of sizes of their own."""

    name: str = Field(min_length=1, max_length=60, description="what tables and reports call it")
    share: Share = Field(description="of all homes [share]")
    devices: dict[str, Settings] = Field(
        default_factory=dict,
        description="device -> its fields, each a number, or [least, most] that homes are drawn from; fields that are "
        "not said have the device's own. A list of names has no fields of its own",
    )

    @field_validator("devices", mode="before")
    @classmethod
    def _tables(cls, devices: object) -> object:
        """A list of names as a table, and ranges as tuples."""
        if isinstance(devices, list | tuple):
            return {name: {} for name in devices}
        if not isinstance(devices, dict):
            return devices
        return {name: _ranges(fields) if isinstance(fields, dict) else fields for name, fields in devices.items()}


def _ranges(fields: Settings) -> Settings:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}


def _common(share: float, *devices: str) -> Kind:
    return Kind(name="+".join(devices), share=share, devices={key: {} for key in devices})


COMMON_KINDS = (
    _common(0.28, "battery", "panel"),
    _common(0.12, "battery"),
    _common(0.2, "heat_pump", "panel"),
    _common(0.2, "heat_pump"),
    _common(0.1, "generator", "panel"),
    _common(0.1, "generator"),
)


class HomesSection(Section):
    """Number of homes and their devices."""

    count: int = Field(default=1000, ge=1, le=1_000_000, description="homes that learn [homes]")
    homes_per_agent: float = Field(
        default=2.0, gt=0, le=1000, description="similar homes one stands for on the feeder [homes]"
    )
    kinds: tuple[Kind, ...] = Field(
        default=COMMON_KINDS,
        description="kinds of homes, each with a name, a share and devices; the rest have a load only",
    )
    file: str = Field(
        default="",
        description="CSV with a row for each home: where it is, its kind, its measured home, sizes of its devices; "
        "what it does not say is drawn",
    )
    voltmeter: bool = Field(default=True, description="homes see the voltage at their own meter, one step ago")
    volt_var: tuple[float, ...] = Field(
        default=(),
        description="voltages at which inverters give all, give none, draw none and draw all reactive power, such as "
        "[0.95, 0.97, 1.03, 1.05]; empty: they do not answer their voltage [pu]",
    )
    seed: int = Field(default=0, ge=0, le=2**32 - 1, description="who lives where and owns what")

    @field_validator("volt_var")
    @classmethod
    def _four_rising(cls, points: tuple[float, ...]) -> tuple[float, ...]:
        rising = len(points) == 4 and sorted(set(points)) == list(points) and points[0] >= 0.5 and points[3] <= 1.5
        if points and not rising:
            raise ValueError("nothing, or four voltages that rise, from 0.5 to 1.5 pu")
        return points

    @field_validator("kinds")
    @classmethod
    def _names_and_shares(cls, kinds: tuple[Kind, ...]) -> tuple[Kind, ...]:
        names, total = [kind.name for kind in kinds], sum(kind.share for kind in kinds)
        twice = sorted({name for name in names if names.count(name) > 1})
        rules = {
            f"names that differ; {', '.join(twice)} stands twice": bool(twice),
            f"names other than {LOAD_ONLY!r}, which the rest have": LOAD_ONLY in names,
            f"shares that add up to at most 1; these make {total:g}": total > 1 + 1e-9,
            "kinds of which at least one has a device": not any(kind.devices for kind in kinds),
        }
        if any(rules.values()):
            raise ValueError("; and ".join(rule for rule, broken in rules.items() if broken))
        return kinds


class FeederSection(Section):
    """The feeder and the limits that it must keep."""

    part: str = Field(
        default="ieee123", description="wiring, a file of wattflock/feeder/feeders; none: homes without wires"
    )
    settings: Settings = SETTINGS
    low_pu: float = Field(default=0.95, ge=0.5, le=1, description="lowest voltage that is no violation [pu]")
    high_pu: float = Field(default=1.05, ge=1, le=1.5, description="highest voltage that is no violation [pu]")
    service_drop_pu: float = Field(
        default=0.0, ge=0, le=0.05, description="kept for the customer's own line: narrows the band on both sides [pu]"
    )
    loading: float = Field(
        default=1.0, ge=0, le=10, description="most current over rating, where it is known; 0: not judged [share]"
    )
    unbalance: float = Field(
        default=0.03, ge=0, le=1, description="most negative over positive sequence voltage; 0: not judged [share]"
    )

    @field_validator("service_drop_pu")
    @classmethod
    def _leaves_a_band(cls, drop: float, info: pydantic.ValidationInfo) -> float:
        width = info.data.get("high_pu", 1.05) - info.data.get("low_pu", 0.95)
        if 2 * drop >= width - 1e-9:
            raise ValueError(f"less than half the band of voltages, which is {width:.3g} wide")
        return drop


class MarketSection(Section):
    """The market, which makes the bills."""

    part: str = Field(default="tariff", description="market, a file of wattflock/market/markets")
    settings: Settings = SETTINGS


class LimitSection(Section):
    """What all chargers of the homes that learn may draw together, hour by hour."""

    source: Literal["factor", "kw", "file", "headroom", "envelope"] = Field(
        default="factor",
        description="where it comes from: factor, kw, file, or the feeder with the uncontrolled load: its thermal "
        "headroom in every hour, or its operating envelope on a typical day of each month",
    )
    factor: float = Field(
        default=1.2, ge=0, le=100, description="limit over the homes' mean positive net load on training days [1]"
    )
    kw: float = Field(default=10.0, ge=0, description="limit, with source = kw [kW]")
    hours: tuple[Annotated[float, Field(ge=0, le=100)], ...] = Field(
        default=(), description="24 multiples of the limit, one for each hour of the day; empty: it is constant [1]"
    )

    file: str = Field(default="", description="CSV with time or hour (0 to 23), and limit_kw")
    cuts_per_week: float = Field(default=0.0, ge=0, le=84, description="sudden curtailments, drawn by chance [1/week]")
    cut_h: float = Field(default=2.0, gt=0, le=48, description="length of a curtailment [h]")
    cut_to: Share = Field(default=0.3, description="what a curtailment leaves of the limit [share]")
    seed: int = Field(default=0, ge=0, le=2**32 - 1, description="chance of curtailments")

    @field_validator("hours")
    @classmethod
    def _of_a_day(cls, hours: tuple[float, ...]) -> tuple[float, ...]:
        if len(hours) not in (0, 24):
            raise ValueError("nothing, or 24 numbers, one for each hour of the day")
        return hours


class RewardSection(Section):
    """What a coordinator is rewarded for: r = grid · r_g + fair · r_f + comfort · r_c, docs/coordinator.md."""

    grid: float = Field(default=1.0, ge=0, description="K1, weight of the limit's part that is not granted [1]")
    fair: float = Field(default=1.0, ge=0, description="K2, weight of even levels [1]")
    comfort: float = Field(default=1.0, ge=0, description="K3, weight of levels that are high enough [1]")
    low: Share = Field(default=0.2, description="SoC_l: a state of charge below it is a violation [share]")
    middle: Share = Field(default=0.5, description="SoC_m: between `low` and `high` [share]")
    high: Share = Field(default=0.8, description="SoC_h: a state of charge above it is worth no more [share]")
    best: float = Field(default=1.0, gt=0, description="n1: worth of a level above `high`, lost below `low` [1]")
    fine: float = Field(default=0.5, ge=0, description="n2: worth of a level at `middle` [1]")
    beyond: float = Field(default=-10.0, le=0, description="r_g where more than the limit is granted; never here [1]")

    @pydantic.model_validator(mode="after")
    def _rising(self) -> "RewardSection":
        if not self.low < self.middle < self.high:
            raise ValueError("low < middle < high")
        if self.fine > self.best:
            raise ValueError("fine, at most best")
        return self


class ReportsSection(Section):
    """What some homes say of their levels in place of what is true."""

    kind: Literal["honest", "offset", "scaled", "adaptive", "hostile", "random"] = Field(
        default="honest",
        description="honest; lower by `amount`; lower by `amount` times the level; adaptive: the least that is "
        "believed; hostile: 1 less the level; random: any level, drawn in each step",
    )
    share: Share = Field(default=0.1, description="of the homes, drawn by chance, that report so [share]")
    amount: Share = Field(default=0.3, description="of offset and scaled reports [share]")
    seed: int = Field(default=0, ge=0, le=2**32 - 1, description="chance of which homes")


class WatchSection(Section):
    """What a coordinator believes of reports."""

    kind: Literal["trust", "observer"] = Field(
        default="trust", description="all that can be used, or only levels that metered energy allows"
    )
    drift: Share = Field(default=0.01, description="most of a meter's error [share of the energy]")
    noise: Share = Field(default=0.0005, description="standard deviation of a step's error [share of the size]")
    bound: float = Field(default=4.0, ge=0, description="how many of these the observer allows for [1]")
    end: Share = Field(default=0.01, description="so near to full or empty a battery shows that it is so [share]")
    reading: Share = Field(default=0.01, description="by which an honest report may leave what is possible [share]")


class CoordinatorSection(Section):
    """A limit on the charging of all homes together, and how it is shared."""

    part: str = Field(
        default="unlimited", description="way to share, a file of wattflock/world/coordinators; unlimited: no limit"
    )
    settings: Settings = SETTINGS
    least_kw: float = Field(
        default=0.0, ge=0, description="chargers draw this or more, or nothing: 1.38 is 6 A at 230 V [kW]"
    )
    on_off: bool = Field(default=False, description="chargers draw all that they can take, or nothing")
    safe_kw: float = Field(
        default=0.0, ge=0, description="what a charger gets whose request or report is no number [kW]"
    )
    limit: LimitSection = LimitSection()
    reward: RewardSection = RewardSection()
    reports: ReportsSection = ReportsSection()
    watch: WatchSection = WatchSection()


class LearnerSection(Section):
    """One learner with its settings."""

    part: str = Field(description="learner, a file of wattflock/learn/learners")
    settings: Settings = SETTINGS
    rounds: int = Field(
        default=0,
        ge=0,
        le=10_000_000,
        description="rounds of `part`, its schedules stretched; 0 is what it was tuned to",
    )
    patience: int = Field(
        default=0,
        ge=0,
        description="looks at the validation days without a better one after which training stops; the best is kept; "
        "0 is never [looks]",
    )


class LearnSection(LearnerSection):
    """The scenario's own learner, and others by a name of their own."""

    part: str = Field(default="gradmap", description="learner, a file of wattflock/learn/learners")
    others: dict[str, LearnerSection] = Field(
        default_factory=dict,
        description="name -> part, settings and rounds of another learner, called so in `judge.methods`: one learner "
        "under several settings in one table",
    )

    @property
    def named(self) -> dict[str, LearnerSection]:
        """Every learner that has settings here, by the name that `judge.methods` has for it."""
        return {self.part: self, **self.others}

    @field_validator("others")
    @classmethod
    def _names(cls, others: dict[str, LearnerSection], info: pydantic.ValidationInfo) -> dict[str, LearnerSection]:
        part = info.data.get("part")
        if wrong := [name for name in others if name == part or not re.fullmatch(NAME, name)]:
            raise ValueError(f"names of a-z, 0-9, - and _, other than learn.part ({part}); not {', '.join(wrong)}")
        return others


class JudgeSection(Section):
    """The methods that are compared, and the days they are judged on."""

    methods: tuple[str, ...] = Field(
        default=("idle", "rules", "timer", "timer_droop", "gradmap"),
        min_length=1,
        description="learners to compare, also by their names in `learn.others`",
    )
    bound_days: int = Field(
        default=10, ge=0, description="test days with a perfect-foresight optimum; 0 is none [days]"
    )
    yardsticks: tuple[Literal["mpc", "one_step", "receding", "foresight"], ...] = Field(
        default=(),
        description="planners: mpc, every home by itself with forecasts, on the days with a bound; of a shared limit, "
        "on all test days, one_step, receding (some hours with forecasts) and foresight (the best plan found)",
    )
    curve_days: int = Field(
        default=0,
        ge=0,
        description="validation days on which learning is watched, each with a perfect-foresight optimum, so that its "
        "curves show the share captured; 0: all of them, without an optimum [days]",
    )
    test_days: int = Field(default=0, ge=0, description="test days to judge on; 0 is all [days]")
    seed: int = Field(
        default=0,
        ge=0,
        le=2**32 - 1,
        description="loads and first states of the test days; `seed` of the scenario is that of training alone",
    )

    @field_validator("methods", "yardsticks")
    @classmethod
    def _once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"each once; {', '.join(twice)} stands twice")
        return names
