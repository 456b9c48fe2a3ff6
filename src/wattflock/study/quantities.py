"""Every figure of a study: its name, unit, format and meaning.

Tables, glossary, `wattflock explain` and reports read them here, so that a quantity has one name and one definition.
"""

from dataclasses import dataclass
from typing import Literal

MONEY_PER_DAY = "{currency}/day"
MONEY_PER_MONTH = "{currency}/month"


@dataclass(frozen=True)
class Quantity:
    """One figure of a method: a field of `methods` in `summary.json`."""

    name: str  # the field; the unit is the last part of it
    label: str  # the heading of a column
    unit: str  # of the shown value; "{currency}" is that of the readings
    meaning: str  # one sentence or two
    scale: float = 1.0  # shown = scale · value
    decimals: int | None = None  # None: three significant digits
    better: Literal["lower", "higher", ""] = ""  # "": neither
    half_width: str = ""  # the field with half of its 95 % interval, where it has one

    def unit_in(self, currency: str) -> str:
        """The unit, with the currency by its name."""
        return self.unit.format(currency=currency)


_ALL = (
    Quantity(
        "cost_per_home_day", "cost", MONEY_PER_DAY,
        "What a home pays for energy, with wear, fuel and discomfort priced in. Energy left in batteries and cars at "
        "the end of a day is counted back, heat left in a house is not. Mean over homes and test days.",
        decimals=2, better="lower",
    ),
    Quantity(
        "saving_per_home_day", "saving", MONEY_PER_DAY,
        "Cost of the uncontrolled homes less that of the method on the same days. The interval is that of the paired "
        "difference: 95 %, Student's t over days.",
        decimals=2, better="higher", half_width="saving_half_width",
    ),
    Quantity(
        "saving_captured", "captured", "%",
        "Share of the achievable saving: (uncontrolled - method) / (uncontrolled - bound), on days with a bound. "
        "The interval is that of the paired ratio: 95 %, Student's t over days (delta method).",
        scale=100, decimals=1, better="higher", half_width="saving_captured_half_width",
    ),
    Quantity(
        "violation_of_idle", "violation", "% of idle",
        "How far and how long voltages leave their band, as a share of the uncontrolled homes' on the same days.",
        scale=100, better="lower",
    ),
    Quantity(
        "violation_pu_h", "violation", "mpu·h/day",
        "How far and how long voltages leave their band: per unit times hours, mean per node and day. 1 mpu·h is a "
        "thousandth of the nominal voltage for one hour.",
        scale=1000, better="lower",
    ),
    Quantity(
        "violated_share", "violated node-steps", "%",
        "Share of all nodes and time steps whose voltage is outside the band.",
        scale=100, better="lower",
    ),
    Quantity(
        "worst_pu", "worst excess", "mpu",
        "The farthest that any node is beyond a limit at any step. 1 mpu is 0.001 per unit.",
        scale=1000, better="lower",
    ),
    Quantity(
        "days_with_violation_share", "violated days", "%",
        "Share of test days with any node, branch or bus beyond a limit at any step.",
        scale=100, better="lower",
    ),
    Quantity(
        "comfort_violation_c_h", "discomfort", "°C·h/day",
        "Degrees outside the comfort band times hours, per home and day; mean over all homes.",
        better="lower",
    ),
    Quantity(
        "import_kwh_per_home_day", "drawn", "kWh/day", "Energy drawn from the grid, per home and day.", better="lower",
    ),
    Quantity("export_kwh_per_home_day", "fed in", "kWh/day", "Energy fed into the grid, per home and day."),
    Quantity(
        "co2_kg_per_home_day", "CO₂", "kg/day",
        "Energy from the grid times the grid's carbon intensity (feeding in counts back), plus fuel burnt at home; per "
        "home and day. What is left in batteries, cars and houses at the end of a day is not counted.",
        decimals=2, better="lower",
    ),
    Quantity(
        "peak_kw", "peak", "kW",
        "The highest power that the feeder's homes together draw; each home that learns stands for several there.",
        better="lower",
    ),
    Quantity(
        "reverse_peak_kw", "reverse peak", "kW", "The highest power that the feeder's homes together feed in.",
        better="lower",
    ),
    Quantity(
        "pay_more_share", "homes that pay more", "%",
        "Share of the homes whose mean cost over the judged days is above that of the uncontrolled homes, by more "
        "than a millionth of a bill.",
        scale=100, better="lower",
    ),
    Quantity(
        "pay_more_worst_per_year", "worst home pays more", "{currency}/year",
        "What the home that loses most pays more than uncontrolled, its mean over the judged days times 365; 0 where "
        "no home pays more.",
        better="lower",
    ),
    Quantity(
        "daily_peak_kw", "daily peak", "kW",
        "The highest power that all homes together draw on a day, mean over the test days.",
        better="lower",
    ),
    Quantity(
        "operating_cost_per_home_day", "operating cost", MONEY_PER_DAY,
        "The cost less what homes pay to their own community, such as its charge on peaks: what leaves the community, "
        "with wear, fuel, discomfort and what is left in store.",
        decimals=2, better="lower",
    ),
    Quantity(
        "saving_per_home_month", "saving a month", MONEY_PER_MONTH,
        "The saving of a home in a month of 730 hours; its parts add up to it.",
        decimals=2, better="higher",
    ),
    *(
        Quantity(f"saving_{name}_per_home_month", label, MONEY_PER_MONTH, f"Part of the saving a month: {meaning}.",
                 decimals=2, better="higher")
        for name, label, meaning in (
            ("energy", "energy", "energy from the grid at prices without carbon"),
            ("carbon", "carbon", "what the price of carbon adds to the grid's prices"),
            ("network", "network", "charges beside energy: losses, exports, demand and standing charges"),
            ("community", "community", "what homes pay to their own community beyond the grid bill"),
            ("wear", "wear", "wear of batteries and cars, with energy that cars buy on the way"),
            ("fuel", "fuel", "fuel burnt at home"),
            ("comfort", "comfort", "the price of discomfort"),
            ("stored", "left in store", "the value of what is left in batteries, cars and houses"),
        )
    ),
    Quantity(
        "train_seconds", "training", "s",
        "Wall-clock time of learning, compilation included, validation marks left out; 0 where nothing is learned.",
        better="lower",
    ),
    Quantity(
        "warm_seconds", "training, compiled", "s",
        "The same without compilation: the median time of a round, times the number of rounds.",
        better="lower",
    ),
    Quantity(
        "overload_share_h", "overload", "%·h/branch/day",
        "How far and how long currents are above what lines and transformers are rated for: share of the rating times "
        "hours, mean per branch with a known rating and day.",
        scale=100, better="lower",
    ),
    Quantity(
        "overloaded_share", "branch-steps overloaded", "%",
        "Share of all branches with a known rating and time steps whose current is above what is allowed.",
        scale=100, better="lower",
    ),
    Quantity(
        "worst_loading", "worst loading", "%",
        "The most current of any branch at any step, as a share of its rating.",
        scale=100, better="lower",
    ),
    Quantity(
        "unbalanced_share", "bus-steps unbalanced", "%",
        "Share of all buses with three phases and time steps whose unbalance is above what is allowed.",
        scale=100, better="lower",
    ),
    Quantity(
        "worst_unbalance", "worst unbalance", "%",
        "The most unbalance of any bus at any step: negative over positive sequence voltage.",
        scale=100, better="lower",
    ),
    Quantity(
        "reward_per_episode", "reward", "1/episode",
        "What the coordinator of a limited charging power is rewarded for, summed over an episode: part of the limit "
        "not granted, even levels, and levels that are high enough (docs/coordinator.md).",
        decimals=1, better="higher",
    ),
    Quantity(
        "capacity_used_share", "limit used", "%",
        "Granted charging power over the limit in force, mean over steps.",
        scale=100, decimals=1, better="lower",
    ),
    Quantity(
        "fairness", "fairness", "1",
        "One less the coefficient of variation of the states of charge, mean over steps: 1 where all are alike, below "
        "0 where they differ by more than their mean.",
        better="higher",
    ),
    Quantity(
        "low_times_per_home_day", "falls below", "times/month",
        "How often a state of charge falls below the lowest that is no violation (coordinator.reward.low), per home "
        "and 30 days.",
        scale=30, better="lower",
    ),
    Quantity(
        "low_h_per_home_day", "hours below", "h/day",
        "How long states of charge are below the lowest that is no violation, per home and day.",
        better="lower",
    ),
    Quantity(
        "low_depth_share", "deepest below", "%",
        "The farthest that any state of charge is below the lowest that is no violation.",
        scale=100, better="lower",
    ),
    Quantity(
        "jain", "Jain", "1",
        "Jain's index of satisfaction over chargers: 1 all alike, 1/n where one has all; mean over days. A charger's "
        "satisfaction is its mean state of charge when it leaves, or at all steps of a day on which it does not leave.",
        better="higher",
    ),
    Quantity(
        "gini", "Gini", "1",
        "Gini's coefficient of satisfaction over chargers, see Jain: 0 all alike; mean over days.",
        better="lower",
    ),
    Quantity(
        "least_satisfaction", "least satisfied", "%",
        "Satisfaction of the charger that has least of it, see Jain; mean over days.",
        scale=100, decimals=1, better="higher",
    ),
    Quantity(
        "missed_departures_per_home_day", "missed departures", "times/month",
        "How often a car leaves with more than a fifth of its battery still to be charged, per home and 30 days.",
        scale=30, better="lower",
    ),
    Quantity(
        "granted_kwh_per_home_day", "granted", "kWh/day", "Energy that the coordinator granted, per home and day.",
    ),
    Quantity(
        "shortfall_kwh_per_home_day", "shortfall", "kWh/day",
        "Energy drawn from the grid beyond what was granted, per home and day: the load that neither the sun nor the "
        "battery could serve.",
        better="lower",
    ),
    Quantity(
        "refused_share", "refused", "%",
        "Share of chargers and steps whose request or report was no number, infinite or negative.",
        scale=100, better="lower",
    ),
    Quantity(
        "honest_reward_per_episode", "reward of the honest", "1/episode",
        "The coordinator's reward of homes that report what is true, where others do not.",
        decimals=1, better="higher",
    ),
    Quantity(
        "liar_level", "liars' level", "%",
        "Mean true state of charge of chargers that report what is not true: what a lie is worth is this less what "
        "they have where they are honest.",
        scale=100, decimals=1,
    ),
    Quantity(
        "false_alarm_share", "false alarms", "%",
        "Share of steps at which an observer of energy meters holds an honest report for impossible.",
        scale=100, better="lower",
    ),
)  # fmt: skip
CHARGING = (  # the first figures where a limit is shared
    "reward_per_episode", "capacity_used_share", "fairness", "low_times_per_home_day", "low_h_per_home_day", "jain",
    "gini", "least_satisfaction", "shortfall_kwh_per_home_day",
)  # fmt: skip
CHARGING_WIDE = (
    *CHARGING, "low_depth_share", "missed_departures_per_home_day", "granted_kwh_per_home_day", "refused_share",
    "honest_reward_per_episode", "liar_level", "false_alarm_share",
)  # fmt: skip
QUANTITIES = {quantity.name: quantity for quantity in _ALL}
SHORT = (  # the first figures of a comparison; at most 120 characters wide on a terminal
    "cost_per_home_day", "saving_per_home_day", "saving_captured", "violation_pu_h", "worst_pu", "overload_share_h",
    "days_with_violation_share", "comfort_violation_c_h", "co2_kg_per_home_day", "pay_more_share",
)  # fmt: skip
WIDE = (
    *SHORT, "pay_more_worst_per_year", "violated_share", "violation_of_idle", "peak_kw", "reverse_peak_kw",
    "import_kwh_per_home_day", "export_kwh_per_home_day", "overloaded_share", "worst_loading", "worst_unbalance",
    "train_seconds",
)  # fmt: skip
