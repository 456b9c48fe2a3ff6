"""The tables of a study: figures of all rows, savings by part, differences, growth with homes, published figures."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import polars as pl

from wattflock.report.html import Row
from wattflock.report.study_claims import claims
from wattflock.report.study_data import ALL, WORST, Findings, Law, known, middle, spreads
from wattflock.report.study_race import race
from wattflock.report.tables import FigureTable
from wattflock.report.theme import methods
from wattflock.report.words import DASH, number
from wattflock.report.words import shown as cell
from wattflock.study.quantities import CHARGING_WIDE, QUANTITIES, SHORT, Quantity
from wattflock.study.scaling import EXPONENT, PowerLaw
from wattflock.study.summary import PARTS, over_seeds

CAPTION = "Mean over seeds, ± their standard deviation where it is not 0; the worst excess is that of any seed."
COLUMNS = (*CHARGING_WIDE, *SHORT, "violated_share", "worst_loading", "train_seconds")
MONEY = (
    "saving_per_home_month", *(f"saving_{part}_per_home_month" for part in PARTS), "operating_cost_per_home_day",
    "daily_peak_kw",
)  # fmt: skip
SCALED = ("train_seconds", "warm_seconds", "saving_per_home_month", "saving_captured")
GROWING = ("train_seconds", "warm_seconds")
AGAINST = (
    "cost_per_home_day", "saving_captured", "operating_cost_per_home_day", "daily_peak_kw", "violation_pu_h",
    "violated_share", "overload_share_h", "days_with_violation_share", "comfort_violation_c_h", "co2_kg_per_home_day",
    "reward_per_episode", "fairness", "capacity_used_share", "low_h_per_home_day", "least_satisfaction",
)  # fmt: skip
PACE_S = (10, 30, 60, 120, 300, 600)
NOTHING = 0.005  # what is shown as 0.00


Laws = dict[Law, PowerLaw]


def tables(study: Findings, runs: pl.DataFrame, marks: pl.DataFrame, fitted: Laws, currency: str) -> list[FigureTable]:
    """All tables of a study, each with its note; those without a line are left out.

    Args:
        study: says what the reference is, and what was published.
        runs: as `figures` gives them.
        marks: of learning.
        fitted: how seconds grow with the number of homes.
        currency: of all money.
    """
    found = spreads(runs)
    single = found.filter(pl.col("sweep") == "")
    one_by_one = runs.filter(pl.col("sweep") == "")
    every = {
        "Figures": tables_of(single, currency),
        "Savings part by part": [money(single.filter(pl.col("judged_on") == ALL), currency)],
        "Paired differences": differences(one_by_one, currency, study.references),
        "Pace": [pace(marks)],
        "Race": race(marks, study.references[0]) if study.references else [],
        "Against the number of homes": scaling(found, fitted, currency),
        "Published figures": [published(study, found, fitted, currency)],
        "Claims": [claims(study.claims, one_by_one)],
    }
    return [
        dataclasses.replace(table, title=table.title or (title if place == 0 else f"{title}, {place + 1}"))
        for title, some in every.items()
        for place, table in enumerate(each for each in some if each.rows)
    ]


def spread(quantity: Quantity, row: dict) -> str:
    """`87.1 ± 0.4`, from a line of `spreads`."""
    beside = row.get(f"{quantity.name}_sd")
    more = "0" if quantity.name in WORST or beside is None else number(quantity.scale * beside, 2)
    text = cell(quantity, middle(quantity, row))
    return text if more == "0" else f"{text} ± {more}"


def tables_of(found: pl.DataFrame, currency: str, names: tuple[str, ...] = COLUMNS) -> list[FigureTable]:
    """The tables of a study, one for each set of days: a row for each of its rows and methods, all on the same days."""
    each = found.partition_by("judged_on", maintain_order=True) if found.height else []
    made = [(some["judged_on"][0], some) for some in each]
    return [
        dataclasses.replace(_table_of(some, currency, names, f"On {days}. {CAPTION}"), title=days.capitalize())
        for days, some in made
    ]


def money(found: pl.DataFrame, currency: str) -> FigureTable:
    """What a home saves in a month, part by part, and what the community pays and draws."""
    large = [name for name in MONEY if known(found, name) and (found[f"{name}_mean"].abs() > NOTHING).any()]
    note = (
        "Saved by a home in a month of 730 h against the uncontrolled homes; the parts add up to it. On all test days."
    )
    return _table_of(found, currency, tuple(large), f"{note} {CAPTION}")


def _table_of(found: pl.DataFrame, currency: str, names: tuple[str, ...], note: str) -> FigureTable:
    looks = methods(found["method"].unique(maintain_order=True))
    chosen = [QUANTITIES[name] for name in names if known(found, name)]
    rows = [
        Row(
            [
                each["row"],
                looks[each["method"]].label,
                str(each["seeds"]),
                *(spread(quantity, each) for quantity in chosen),
            ],
            colour=looks[each["method"]].colour,
        )
        for each in found.iter_rows(named=True)
    ]
    heads = [("row", ""), ("method", ""), ("seeds", ""), *((each.label, each.unit_in(currency)) for each in chosen)]
    return FigureTable(heads, rows, note, left=2)


def differences(runs: pl.DataFrame, currency: str, references: Sequence[str] = ()) -> list[FigureTable]:
    """What each method has more than a reference on the same seeds, and in words where that one is not ahead.

    The reference is the row's learner where none is named; without seeds of both there is no line. The intervals are
    95 %, Student's t of the paired differences over seeds (`over_seeds`).
    """
    runs = runs.filter(pl.col("judged_on") == ALL)
    chosen = [QUANTITIES[name] for name in AGAINST if name in runs.columns and (runs[name].fill_null(0) != 0).any()]
    looks, rows = methods(runs["method"].unique(maintain_order=True)), []
    groups = runs.group_by("row", "method", "learner", maintain_order=True)
    pairs = [(key, some, named) for named in references or ("",) for key, some in groups]
    for (row, method, learner), some, named in pairs:
        other = named or str(learner)
        theirs = runs.filter(row=row, method=other)
        if method != other and theirs.height:
            found = {quantity: _difference(quantity, some, theirs) for quantity in chosen}
            told = [_beside(mean, half) for mean, half in found.values()]
            cells = [str(row), looks[str(method)].label, other, verdict(found), *told]
            rows.append(Row(cells, colour=looks[str(method)].colour))
    names = [(name, "") for name in ("row", "method", "reference", "the reference is")]
    heads = [*names, *((each.label, each.unit_in(currency)) for each in chosen)]
    note = (
        f"Method less the reference, on {ALL}: mean of the paired differences over seeds ± half of its interval. In "
        "words: where the reference is ahead or behind, outside this interval."
    )
    return [FigureTable(heads, rows, note, left=len(names))] if rows else []


def verdict(found: dict[Quantity, tuple[float | None, float | None]]) -> str:
    """Where the reference is ahead, behind, or not shown to be ahead, from differences and half of their intervals."""
    said: dict[str, list[str]] = {"ahead in": [], "behind in": [], "not ahead in": []}
    for quantity, (mean, half) in found.items():
        if mean is None or not quantity.better:
            continue
        more = mean if quantity.better == "lower" else -mean
        word = "not ahead in" if half is None or abs(more) <= half else "ahead in" if more > 0 else "behind in"
        said[word].append(quantity.label)
    return "; ".join(f"{word} {', '.join(labels)}" for word, labels in said.items() if labels)


def _difference(quantity: Quantity, mine: pl.DataFrame, theirs: pl.DataFrame) -> tuple[float | None, float | None]:
    of_seed = ({seed: quantity.scale * value for seed, value in each.select("seed", quantity.name).drop_nulls().rows()}
               for each in (mine, theirs))  # fmt: skip
    return over_seeds(*of_seed)


def _beside(mean: float | None, half: float | None) -> str:
    return number(mean) if half is None else f"{number(mean)} ± {number(half, 2)}"


def pace(marks: pl.DataFrame) -> FigureTable:
    """How far each method is after so many seconds of training, compilation left out: share of the optimum."""
    marks = marks.drop_nulls("captured")
    longest = marks["warm"].max() if marks.height else 0
    times = [second for second in PACE_S if second <= max(longest, PACE_S[0])]  # type: ignore[type-var]
    looks, rows = methods(marks["method"].unique(maintain_order=True)), []
    for (row, method), some in marks.group_by("row", "method", maintain_order=True):
        runs = [run.sort("warm") for _, run in some.group_by("run", maintain_order=True)]
        at = np.array([np.interp([*times, np.inf], run["warm"], run["captured"]) for run in runs])
        best = [[run["captured"].max()] for run in runs]
        every = np.concatenate([at, np.array(best, float)], 1)
        cells = [_of_seeds(column) for column in every.T]
        rows.append(Row([str(row), looks[str(method)].label, *cells], colour=looks[str(method)].colour))
    heads = [("row", ""), ("method", ""), *((f"{second} s", "%") for second in times), ("last", "%"), ("best", "%")]
    note = (
        "Share of the perfect-foresight saving on the validation days that are watched, after so many seconds of "
        "training without compilation; a run that has ended keeps its last mark. Mean over seeds ± standard deviation."
    )
    return FigureTable(heads, rows, note, left=2)


def _of_seeds(values: np.ndarray) -> str:
    text = f"{values.mean():.1f}"
    return text if len(values) < 2 else f"{text} ± {number(float(values.std(ddof=1)), 2)}"


def scaling(found: pl.DataFrame, fitted: Laws, currency: str) -> list[FigureTable]:
    """Training and saving against the number of homes, and the exponents; nothing without such rows."""
    swept = found.filter((pl.col("sweep") != "") & (pl.col("judged_on") == ALL))
    if swept.is_empty():
        return []
    of_counts = _table_of(swept.sort("sweep", "homes", maintain_order=True), currency, SCALED, f"By homes. {CAPTION}")
    looks = methods(dict.fromkeys(method for _, method, _ in fitted))
    rows = [
        Row([sweep, looks[method].label, *(_exponent(fitted.get((sweep, method, name))) for name in GROWING)],
            colour=looks[method].colour)
        for sweep, method in dict.fromkeys((sweep, method) for sweep, method, _ in fitted)
    ]  # fmt: skip
    heads = [("row", ""), ("method", ""), *((f"exponent of {QUANTITIES[name].label}", "") for name in GROWING)]
    note = (
        "Seconds grow as homes to this power: least squares of logarithms over all seeds ± half of its 95 % interval."
    )
    return [of_counts, FigureTable(heads, rows, note, left=2)]


def _exponent(law: PowerLaw | None) -> str:
    return DASH if law is None else _beside(law.exponent, law.half_width)


def published(study: Findings, found: pl.DataFrame, fitted: Laws, currency: str) -> FigureTable:
    """Figures of publications beside ours, of the rows that are there."""
    there = {*found["row"], *found["sweep"]}
    looks = methods(dict.fromkeys(each.method for each in study.published))
    every = {(row["row"], row["method"]): row for row in found.filter(pl.col("judged_on") == ALL).iter_rows(named=True)}
    rows = []
    for each in study.published:
        if each.row not in there:
            continue
        mine = every.get((each.row, each.method), {})
        theirs = every.get((each.over_row or each.row, each.over or each.method), {})
        if each.quantity == EXPONENT:
            label, unit = "exponent of training, compiled", ""
            ours = _exponent(fitted.get((each.row, each.method, "warm_seconds")))
        elif beside := " of ".join(filter(None, (each.over, each.over_row))):
            label, unit = f"{QUANTITIES[each.quantity].label}, over {beside}", ""
            ours = _ratio(*(middle(QUANTITIES[each.quantity], row) for row in (mine, theirs)))
        else:
            label, unit = QUANTITIES[each.quantity].label, QUANTITIES[each.quantity].unit_in(currency)
            ours = spread(QUANTITIES[each.quantity], mine)
        source = f"{each.source}. {each.about}" if each.about else each.source
        rows.append(Row([each.row, looks[each.method].label, label, unit, source, ours, each.paper]))
    heads = [(name, "") for name in ("row", "method", "figure", "unit", "source", "ours", "paper")]
    note = "Published figures beside ours: other homes, prices and machines, see the source."
    return FigureTable(heads, rows, note, left=5)


def _ratio(above: float | None, below: float | None) -> str:
    return number(above / below) if above is not None and below else DASH
