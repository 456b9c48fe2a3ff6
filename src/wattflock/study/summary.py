"""Days → the figures of a method, with intervals over days (paired with the uncontrolled case and the optimum)."""

import numpy as np
import polars as pl
from scipy.special import stdtrit

RESAMPLES = 2000
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
}
MOST = {
    "worst_pu": "worst_pu",
    "peak_kw": "peak_kw",
    "reverse_peak_kw": "reverse_peak_kw",
    "worst_loading": "worst_loading",
    "worst_unbalance": "worst_unbalance",
}
VIOLATED = ("violated_share", "overloaded_share", "unbalanced_share")


def summarise(days: pl.DataFrame, method: str) -> dict[str, float | None]:
    """The figures of one method from the table of all methods' days.

    The saving against the uncontrolled case is a paired difference: both are judged on the same days, so its interval
    (95 %, Student's t over days) excludes the effect of the season on both. The other intervals are 95 % bootstrap
    intervals over days (2,000 resamples of whole days, fixed seed). They show how a figure would change with other days
    of such a year, not with other homes or another training.

    Args:
        days: rows (method, day) with `optimum_cost_per_home` filled on the days with an optimum.
        method: which.
    """
    own = days.filter(pl.col("method") == method).sort("day")
    result: dict[str, float | None] = {"days": own.height}
    result |= {name: _number(own[column].mean()) for name, column in MEANS.items()}
    result |= {name: _number(own[column].max()) for name, column in MOST.items()}
    known = own.select(name for name in VIOLATED if own[name].count())
    result["days_with_violation_share"] = float((known.to_numpy() > 0).any(1).mean()) if known.width else None
    result["cost_low"], result["cost_high"] = _interval(own["cost_per_home"].to_numpy(), np.ones(own.height))
    idle = days.filter(pl.col("method") == "idle").select("day", idle="cost_per_home", beyond="violation_pu_h")
    paired = own.join(idle, on="day")
    saved = (paired["idle"] - paired["cost_per_home"]).to_numpy()
    result["saving_per_home_day"], result["saving_half_width"] = paired_mean(saved)
    result |= _captured(paired.filter(pl.col("optimum_cost_per_home").is_not_null()))
    beyond = float(paired["beyond"].sum())
    result["violation_of_idle"] = float(paired["violation_pu_h"].sum()) / beyond if beyond > 0 else None
    return result


def on_shared_days(days: pl.DataFrame) -> dict[str, dict[str, float | None]]:
    """`summarise` of every method on the days with an optimum, for some methods are judged on those alone.

    Empty where those are all days, or none: then the figures of all days can be held against each other.
    """
    some = days.filter(pl.col("optimum_cost_per_home").is_not_null())
    if not 0 < some["day"].n_unique() < days["day"].n_unique():
        return {}
    return {method: summarise(some, method) for method in some["method"].unique(maintain_order=True)}


def paired_mean(differences: np.ndarray) -> tuple[float | None, float | None]:
    """Mean of differences of the same days, and half of its 95 % interval (Student's t); None where too few days."""
    count = len(differences)
    if count < 2:
        return (float(differences[0]) if count else None), None
    error = float(differences.std(ddof=1)) / count**0.5
    return float(differences.mean()), float(stdtrit(count - 1, 0.975)) * error


def _captured(paired: pl.DataFrame) -> dict[str, float | None]:
    saved = (paired["idle"] - paired["cost_per_home"]).to_numpy()
    possible = (paired["idle"] - paired["optimum_cost_per_home"]).to_numpy()
    if not len(saved) or possible.sum() <= 0:
        return {"saving_captured": None, "saving_captured_low": None, "saving_captured_high": None}
    low, high = _interval(saved, possible)
    return {
        "saving_captured": float(saved.sum() / possible.sum()),
        "saving_captured_low": low,
        "saving_captured_high": high,
    }


def _interval(above: np.ndarray, below: np.ndarray) -> tuple[float, float]:
    """95 % bootstrap interval of sum(above) / sum(below) over days."""
    pick = np.random.default_rng(0).integers(len(above), size=(RESAMPLES, len(above)))
    low, high = np.percentile(above[pick].sum(1) / below[pick].sum(1), (2.5, 97.5))
    return float(low), float(high)


def _number(value) -> float | None:
    return None if value is None or np.isnan(value) else float(value)
