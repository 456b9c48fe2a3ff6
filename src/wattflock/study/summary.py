"""Days → the figures of a method, with intervals over days (paired with the uncontrolled case and the optimum).

All intervals are 95 %, Student's t. Those over days show how a figure would change with other days of such a year, not
with other homes or another training; `over_seeds` gives that of the difference of two methods over trainings.
"""

from collections.abc import Mapping

import numpy as np
import polars as pl

DAYS_A_YEAR = 365
DAYS_A_MONTH = 730 / 24
SAME = 1e-6  # of a bill: costs that differ by less are equal, they were summed in another order
MEANS = {
    "cost_per_home_day": "cost_per_home",
    "violation_pu_h": "violation_pu_h",
    "violated_share": "violated_share",
    "comfort_violation_c_h": "discomfort_c_h_per_home",
    "import_kwh_per_home_day": "import_kwh_per_home",
    "export_kwh_per_home_day": "export_kwh_per_home",
    "co2_kg_per_home_day": "carbon_kg_per_home",
    "overload_share_h": "overload_share_h",
    "overloaded_share": "overloaded_share",
    "unbalanced_share": "unbalanced_share",
    "daily_peak_kw": "peak_kw",
}
PARTS = ("energy", "carbon", "network", "community", "wear", "fuel", "comfort", "stored")  # of the cost
MOST = {
    "worst_pu": "worst_pu",
    "peak_kw": "peak_kw",
    "reverse_peak_kw": "reverse_peak_kw",
    "worst_loading": "worst_loading",
    "worst_unbalance": "worst_unbalance",
}
CHARGING = {  # where a limit is shared
    "reward_per_episode": "reward_per_episode",
    "capacity_used_share": "capacity_used_share",
    "fairness": "fairness",
    "low_times_per_home_day": "low_times_per_home",
    "low_h_per_home_day": "low_h_per_home",
    "jain": "jain",
    "gini": "gini",
    "least_satisfaction": "least_satisfaction",
    "missed_departures_per_home_day": "missed_departures_per_home",
    "granted_kwh_per_home_day": "granted_kwh_per_home",
    "shortfall_kwh_per_home_day": "shortfall_kwh_per_home",
    "refused_share": "refused_share",
}
TRUST = ("honest_reward_per_episode", "liar_level", "false_alarm_share")  # where homes lie, or are watched
VIOLATED = ("violated_share", "overloaded_share", "unbalanced_share")
Figures = dict[str, float | None]


def summarise(days: pl.DataFrame, method: str, homes: pl.DataFrame | None = None) -> Figures:
    """The figures of one method from the tables of all methods, all of them on the same days: those of the method.

    Args:
        days: rows (method, day) with `optimum_cost_per_home` filled on the days with an optimum.
        method: which.
        homes: rows (method, day, home) with `cost`; without them it is not known who pays more.

    Returns:
        Every figure of `quantities` but training, half widths of intervals, and how many days. The saving captured is
        None unless all of the days have an optimum.
    """
    own = days.filter(pl.col("method") == method).sort("day")
    result: Figures = {"days": own.height}
    result |= {name: _number(own[column].mean()) for name, column in MEANS.items()}
    result |= {name: _number(own[column].max()) for name, column in MOST.items()}
    shared = "reward_per_episode" in own.columns
    result |= {name: _number(own[column].mean()) if shared else None for name, column in CHARGING.items()}
    result |= {name: _number(own[name].mean()) if name in own.columns else None for name in TRUST}
    result["low_depth_share"] = _number(own["low_depth_share"].max()) if shared else None
    result["days_with_violation_share"] = _days_violated(own)
    _, result["cost_half_width"] = paired_mean(own["cost_per_home"].to_numpy())
    idle = days.filter(pl.col("method") == "idle").select("day", idle="cost_per_home", beyond="violation_pu_h")
    paired = own.join(idle, on="day")
    saved = (paired["idle"] - paired["cost_per_home"]).to_numpy()
    result["saving_per_home_day"], result["saving_half_width"] = paired_mean(saved)
    result |= _saved_a_month(own, days.filter(pl.col("method") == "idle"))
    result["operating_cost_per_home_day"] = _number((own["cost_per_home"] - own["community_cost_per_home"]).mean())
    possible = (paired["idle"] - paired["optimum_cost_per_home"]).to_numpy()
    known = len(possible) > 0 and np.isfinite(possible).all() and possible.sum() > 0
    captured = paired_ratio(saved, possible) if known else (None, None)
    result["saving_captured"], result["saving_captured_half_width"] = captured
    beyond = float(paired["beyond"].sum())
    result["violation_of_idle"] = float(paired["violation_pu_h"].sum()) / beyond if beyond > 0 else None
    return result | who_pays_more(homes, method, own["day"])


def _saved_a_month(own: pl.DataFrame, idle: pl.DataFrame) -> Figures:
    """What a home saves in a month, and each part of it: they add up."""
    both = own.join(idle, on="day", suffix="_idle")
    columns = {"": "cost_per_home"} | {f"{part}_": f"{part}_cost_per_home" for part in PARTS}
    return {
        f"saving_{part}per_home_month": _number((DAYS_A_MONTH * (both[f"{column}_idle"] - both[column])).mean())
        for part, column in columns.items()
    }


def on_shared_days(days: pl.DataFrame, homes: pl.DataFrame | None = None) -> dict[str, Figures]:
    """`summarise` of every method on the days with an optimum, for some methods are judged on those alone.

    Empty where those are all days, or none: then the figures of all days can be held against each other.
    """
    some = days.filter(pl.col("optimum_cost_per_home").is_not_null())
    if not 0 < some["day"].n_unique() < days["day"].n_unique():
        return {}
    return {method: summarise(some, method, homes) for method in some["method"].unique(maintain_order=True)}


def who_pays_more(homes: pl.DataFrame | None, method: str, days: pl.Series) -> Figures:
    """Share of the homes whose mean cost over these days is above idle's, and the most that one pays more in a year.

    Args:
        homes: rows (method, day, home) with `cost` [currency]; None: both figures are None.
        method: which.
        days: on which; idle's cost is that of the same days.
    """
    if homes is None:
        return {"pay_more_share": None, "pay_more_worst_per_year": None}
    mean = homes.filter(pl.col("day").is_in(days.implode())).group_by("method", "home").agg(pl.col("cost").mean())
    usual = mean.filter(pl.col("method") == "idle").select("home", usual="cost")
    mine = mean.filter(pl.col("method") == method).join(usual, on="home")
    more = -mine.select(gain(pl.col("cost"), pl.col("usual"))).to_series().to_numpy()
    return {
        "pay_more_share": float(np.mean(more > 0)) if len(more) else None,
        "pay_more_worst_per_year": DAYS_A_YEAR * float(max(more.max(), 0)) if len(more) else None,
    }


def gain(cost: pl.Expr, usual: pl.Expr) -> pl.Expr:
    """What each home saves; 0 where the costs are equal but for rounding: `SAME` of its bill, or of the mean one."""
    saved, size = usual - cost, pl.max_horizontal(usual.abs(), usual.abs().mean())
    return pl.when(saved.abs() <= SAME * size).then(0.0).otherwise(saved)


def paired_mean(differences: np.ndarray) -> tuple[float | None, float | None]:
    """Mean of differences of the same days, and half of its 95 % interval (Student's t); None where too few days."""
    count = len(differences)
    if count < 2:
        return (float(differences[0]) if count else None), None
    error = float(differences.std(ddof=1)) / count**0.5
    from scipy.special import stdtrit  # a list of runs needs no numerics

    return float(differences.mean()), float(stdtrit(count - 1, 0.975)) * error


def paired_ratio(above: np.ndarray, below: np.ndarray) -> tuple[float, float | None]:
    """R = Σ above / Σ below over the same days, and half of its 95 % interval; None for one day.

    The delta method: the half width is t(n - 1, 0.975) · s / (√n · mean below), with s the standard deviation (n - 1)
    of the residuals above - R · below, whose sum is 0. Source: Cochran 1977, Sampling Techniques, eq. 2.46, without the
    correction for a finite population.
    """
    share = float(above.sum() / below.sum())
    _, half = paired_mean(above - share * below)
    return share, None if half is None else half / abs(float(below.mean()))


def over_seeds(mine: Mapping[int, float], theirs: Mapping[int, float]) -> tuple[float | None, float | None]:
    """Mean over the seeds of both methods of mine - theirs, and half of its 95 % interval (Student's t, paired).

    Args:
        mine: seed of training → a figure.
        theirs: the same of the other method; seeds that one of them lacks are left out.

    Returns:
        None for the half width of fewer than two seeds, None for both of no seed.
    """
    seeds = sorted(mine.keys() & theirs.keys())
    return paired_mean(np.array([mine[seed] - theirs[seed] for seed in seeds], float))


def _days_violated(own: pl.DataFrame) -> float | None:
    """Share of the days of one method with any limit exceeded; None where none is judged."""
    judged = own.select(name for name in VIOLATED if own[name].count())
    return float((judged.to_numpy() > 0).any(1).mean()) if judged.width else None


def _number(value) -> float | None:
    return None if value is None or np.isnan(value) else float(value)
