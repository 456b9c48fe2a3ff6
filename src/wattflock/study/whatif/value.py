"""What a method is worth to a network: how many more homes with devices fit, how many years later, and in money."""

import itertools

import polars as pl

from wattflock.study.summary import over_seeds
from wattflock.study.whatif.outcome import Swept, every_cell


def hosted(found: Swept, sweep: str) -> pl.DataFrame:
    """The share of homes at which the tightest limit is reached, for each method and seed; other sweeps at their least.

    Between the last cell that keeps every limit and the first that does not, use is taken as a straight line; where the
    latter has no number, no more than the former fits.

    Returns:
        method, seed, share, capped: whether no cell breaks a limit, so that the share may be larger.
    """
    table = every_cell(found.table, found.asked)
    for name in found.asked.beside(sweep):
        table = table.filter(pl.col(name) == found.asked.sweeps[name][0])
    return pl.DataFrame([
        {"method": method, "seed": seed} | _crossing(rows.sort(sweep), sweep)
        for (method, seed), rows in table.group_by("method", "seed", maintain_order=True)
    ])  # fmt: skip


def _crossing(rows: pl.DataFrame, sweep: str) -> dict:
    every = list(rows.select(sweep, "use_share", "kept").iter_rows())
    if not every[0][2]:
        return {"share": every[0][0], "capped": False}
    for (here, use, _), (there, more, kept) in itertools.pairwise(every):
        if not kept:
            part = 0.0 if more is None else (1 - use) / (more - use)
            return {"share": here + part * (there - here), "capped": False}
    return {"share": every[-1][0], "capped": True}


def worth(found: Swept, sweep: str) -> pl.DataFrame:
    """What each method is worth beside uncontrolled homes, over the seeds; ± is half of the 95 % interval (paired).

    The network is reinforced when the tightest limit is reached. Homes with devices grow by `Asked.growth` a year from
    the smallest share on; t₀ and t are the years until then uncontrolled and under the method, r is `Asked.discount`.
    Of each unit of money that reinforcement costs, (1 + r)^-t₀ - (1 + r)^-t is saved, in money of the first year.
    Source: the present value of an investment that is deferred, as in Wang, Ochoa & Harrison 2010 (IEEE Transactions on
    Power Systems 25(2), 1134-1141), with one reinforcement.

    Returns:
        method, homes (mean over the seeds), capped_seeds (of seeds), and, for all but the uncontrolled homes,
        more_homes, years_later, saved_share, each with `_half`: null for one seed. For the method under which most
        homes fit also ahead_homes, how many more than under the next best, and `_half`; null where two are equal, or
        where it or the next best reaches no limit in some seed.
    """
    asked, table = found.asked, hosted(found, sweep)
    years = (pl.col("share") - asked.sweeps[sweep][0]) / asked.growth
    table = table.with_columns(
        more_homes=pl.col("share") * asked.all_homes, years_later=years, saved_share=-((1 + asked.discount) ** -years)
    )
    of = {name: table.filter(pl.col("method") == name) for name in found.methods}
    best, *after = sorted(of, key=lambda name: -sum(of[name]["more_homes"]) / of[name].height)

    def beside(method: str, other: str, figure: str) -> tuple[float | None, float | None]:
        return over_seeds(*(dict(zip(of[name]["seed"], of[name][figure], strict=True)) for name in (method, other)))

    ahead = None, None
    if after and not any(of[name]["capped"].any() for name in (best, after[0])):
        ahead = beside(best, after[0], "more_homes")
    rows = []
    for method, mine in of.items():
        row = {"method": method, "homes": mine["more_homes"].mean(), "seeds": mine.height}
        row |= {"capped_seeds": int(mine["capped"].sum())}
        for name in ("more_homes", "years_later", "saved_share"):
            row[name], row[f"{name}_half"] = beside(method, "idle", name) if method != "idle" else (None, None)
        row["ahead_homes"], row["ahead_homes_half"] = ahead if method == best and ahead[0] else (None, None)
        rows.append(row)
    return pl.DataFrame(rows, infer_schema_length=None)
