"""What the verbs find, as data: frozen, with tables in Polars; a door shows them on a terminal or as JSON."""

import dataclasses
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from wattflock.assistant.plan.schedule import Plan
    from wattflock.feeder.limits import Limits
    from wattflock.feeder.snapshot import Snapshot
    from wattflock.game.outcome import Outcome
    from wattflock.study.hosting.assessment import Hosted
    from wattflock.study.settlement import Settled
    from wattflock.study.whatif.outcome import Swept
    from wattflock.world.rollout import Policy


@dataclasses.dataclass(frozen=True)
class Training:
    """A method as its training left it."""

    method: str
    policy: "Policy"
    rounds: int
    rounds_asked: int
    seconds: float  # of learning, compilation included
    curve: pl.DataFrame  # rows as in `curves` of a run
    checkpoint: Path | None  # None: it was kept nowhere


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Methods on the same test days."""

    summary: dict[str, Any]  # as `summary.json` says it
    tables: Mapping[str, pl.DataFrame]  # steps, homes, nodes, branches, days, examples, worst_day, curves
    chart: Mapping[str, Any]  # the map of the feeder, as `chart.json` says it
    folder: Path | None = None  # None: it was kept nowhere

    @property
    def figures(self) -> Mapping[str, Any]:
        """Altair charts by name: tradeoff, voltage, feeder, feeder_voltage, curves, homes, gains, days, loading."""
        from wattflock.report import run_data
        from wattflock.report.charts import Figures
        from wattflock.report.run_charts import CHARTS

        run = run_data.given(self.summary, dict(self.chart), self.tables)
        return Figures({name: functools.partial(draw, run) for name, draw in CHARTS.items()})

    @property
    def geojson(self) -> dict[str, Any]:
        """The feeder's results of every method as GeoJSON, as `feeder.geojson` of a run."""
        from wattflock.report import run_data
        from wattflock.report.geojson import feeder_geojson

        return feeder_geojson(run_data.given(self.summary, dict(self.chart), self.tables))

    def _repr_html_(self) -> str:
        from wattflock.report.tables import compared

        return "".join(table.page() for table in compared(self.summary))

    @property
    def methods(self) -> pl.DataFrame:
        """A row for each method with all its figures."""
        rows = [{"method": name} | figures for name, figures in self.summary["methods"].items()]
        return pl.DataFrame(rows, infer_schema_length=None)

    @property
    def unfinished(self) -> dict[str, tuple[int, int]]:
        """Methods that were judged before their last round: name → rounds done, rounds asked for."""
        rounds = {
            name: (each.get("rounds"), each.get("rounds_asked")) for name, each in self.summary["methods"].items()
        }
        return {name: (done, asked) for name, (done, asked) in rounds.items() if asked and (done or 0) < asked}


@dataclasses.dataclass(frozen=True, eq=False)
class SolvedFeeder:
    """A feeder solved at its spot loads, in float64."""

    snapshot: "Snapshot"  # circuit, feeder, flow: arrays
    limits: "Limits"

    @property
    def nodes(self) -> pl.DataFrame:
        """A row for each node: voltage to ground, magnitude [pu] and angle [deg]."""
        from wattflock.report.feeder_tables import node_table

        return node_table(self.snapshot)

    @property
    def branches(self) -> pl.DataFrame:
        """A row for each line and transformer: current [A], rating [A], loading [share]."""
        from wattflock.report.feeder_tables import branch_table

        return branch_table(self.snapshot)

    @property
    def figures(self) -> Mapping[str, Any]:
        """Altair charts by name: map, profile, and snapshot with both."""
        from wattflock.report.feeder_charts import snapshot_figures
        from wattflock.report.feeder_view import see

        return snapshot_figures(see(self.snapshot), self.limits, self.snapshot.circuit.name)

    def _repr_html_(self) -> str:
        from wattflock.report import html
        from wattflock.report.feeder_tables import flow_facts

        return html.definitions(dict(flow_facts(self.snapshot, self.limits)))


@dataclasses.dataclass(frozen=True, eq=False)
class HostedFeeder:
    """What a feeder can still take: hosting capacity of each terminal, and operating envelopes per home."""

    found: "Hosted"

    @property
    def table(self) -> pl.DataFrame:
        """A row for each terminal."""
        from wattflock.report.feeder_tables import hosting_table

        return hosting_table(self.found)


@dataclasses.dataclass(frozen=True)
class Tuned:
    """Some homes fitted anew, or all that learned on: the flock before and after, and what each pays [currency/day]."""

    comparison: Comparison
    homes: pl.DataFrame  # home, kind, terminal, and a column for each method


@dataclasses.dataclass(frozen=True)
class Runs:
    """Runs of a folder, newest first: a row for each method."""

    table: pl.DataFrame  # run, method, state and the figures of `summary.json`


@dataclasses.dataclass(frozen=True)
class Listing:
    """Rows to read as they are, such as the parts of a room or the fields in which two scenarios differ."""

    table: pl.DataFrame


@dataclasses.dataclass(frozen=True)
class Study:
    """A study of many runs: figures of each, and their means and spreads over seeds."""

    folder: Path
    currency: str
    runs: pl.DataFrame  # a row for each run and method
    table: pl.DataFrame  # a row for each row of the study and method


@dataclasses.dataclass(frozen=True)
class SolvedGame:
    """Answers of a cooperative game: payoffs by concept, and what can be said of each."""

    answers: Mapping[str, Any]  # as the verb `game` writes them

    @property
    def table(self) -> pl.DataFrame:
        """A row for each player, a column for each concept."""
        payoffs = {name: each for name, each in self.answers.items() if name in self.answers["certificate"]}
        return pl.DataFrame({"player": self.answers["names"]} | payoffs)


@dataclasses.dataclass(frozen=True)
class Bills:
    """What homes pay in one market or several, beside their own tariffs."""

    settled: "list[Settled]"
    currency: str
    days: float  # calendar days that were settled
    notes: list[str]

    @property
    def table(self) -> pl.DataFrame:
        """A row for each market and home: energies [kWh], items of the bill, total, own tariff, difference."""
        return pl.concat([each.homes for each in self.settled])

    @property
    def totals(self) -> pl.DataFrame:
        """A row for each market: the sums, margin, the grid's bill, and how many homes pay less or more."""
        return pl.DataFrame([each.totals for each in self.settled])

    @property
    def figures(self) -> Mapping[str, Any]:
        """Altair charts by name: bills."""
        from wattflock.report.bills import picture
        from wattflock.report.charts import Figures

        return Figures({"bills": lambda: picture(self.settled, self.currency)})


@dataclasses.dataclass(frozen=True)
class Shares:
    """What homes save together, and what each gets of it in one way or several."""

    found: "Outcome"
    currency: str

    @property
    def homes(self) -> pl.DataFrame:
        """A row for each home: cost without control (`feed_in`) and alone, and what it saves of that by each method."""
        return self.found.homes

    @property
    def methods(self) -> pl.DataFrame:
        """A row for each method: saving kept, homes better and worse off, largest excess, indices, time, programs."""
        return self.found.methods

    @property
    def figures(self) -> Mapping[str, Any]:
        """Altair charts by name: savings."""
        from wattflock.report.charts import Figures
        from wattflock.report.share_report import picture

        return Figures({"savings": lambda: picture(self.found, self.currency)})


@dataclasses.dataclass(frozen=True)
class SharingStudy:
    """A study of ways to share: figures of each row, seed and method."""

    folder: Path
    runs: pl.DataFrame  # a row for each row of the study, seed and method

    @property
    def table(self) -> pl.DataFrame:
        """Means over seeds, and halves of their 95 % intervals."""
        from wattflock.game.coalition_study import spreads

        return spreads(self.runs)


@dataclasses.dataclass(frozen=True)
class InterviewStudy:
    """A study of interviews: how it went for every interview and slot, and which true constraints are kept."""

    folder: Path
    slots: pl.DataFrame
    constraints: pl.DataFrame

    @property
    def table(self) -> pl.DataFrame:
        """Means for each persona and setting: right, asked again, wrong but accepted, questions, seconds of a slot."""
        names = ("right", "at_once", "asked_again", "wrong", "questions", "seconds")
        means = [pl.col(name).cast(pl.Float64).mean() for name in names]
        return self.slots.group_by("persona", "method", maintain_order=True).agg(means)


@dataclasses.dataclass(frozen=True)
class Extracted:
    """What was read out of residents' answers."""

    read: Mapping[str, Any]  # id → slot → value, state, candidates, evidence, read_back
    asked: Mapping[str, tuple[str, ...]]

    @property
    def table(self) -> pl.DataFrame:
        """A row for each answer and slot that was asked for or filled: state, value, evidence, read-back."""
        rows = [
            {"id": name, "slot": slot, "state": each["state"], "value": _in_words(each)}
            | {"evidence": each["evidence"], "read back": each["read_back"] or ""}
            for name, slots in self.read.items()
            for slot, each in slots.items()
            if slot in self.asked[name] or each["state"] != "unknown"
        ]
        return pl.DataFrame(rows)


def _in_words(filling: Mapping[str, Any]) -> str:
    """A value, or candidates, as text."""
    if filling["state"] == "ambiguous":
        return " | ".join(map(str, filling["candidates"]))
    return "" if filling["value"] is None else str(filling["value"])


@dataclasses.dataclass(frozen=True)
class Planned:
    """A home's plan, and what is to be said of it."""

    plan: "Plan"
    said: list[str]  # when what runs, and what that saves
    binding: list[str]  # which wishes make it dearer, and by how much
    offers: list[str]  # nearest to wishes that cannot be kept

    @property
    def table(self) -> pl.DataFrame:
        """A row for each half hour: prices, weather, power of each device [kW], levels."""
        from wattflock.assistant.plan.table import steps

        return steps(self.plan)

    @property
    def sentences(self) -> list[tuple[str, list[str]]]:
        """Titles and what stands under them."""
        assumed = list(self.plan.home.parameters.assumed)
        titles = ("Your plan", "What cannot be", "What binds", "Taken as usual")
        return list(zip(titles, (self.said, self.offers, self.binding, assumed), strict=True))

    @property
    def facts(self) -> dict[str, Any]:
        """All of it as JSON values; costs are in the currency of the home."""
        parameters, found = self.plan.home.parameters, self.plan
        steps = self.table.with_columns(
            pl.col("begins").dt.strftime("%Y-%m-%dT%H:%M"), pl.selectors.float().fill_nan(None)
        )
        return {
            "said": self.said, "offers": self.offers, "binding": self.binding,
            "parameters": parameters.model_dump(mode="json"), "cost": found.planned.cost,
            "usual_cost": found.usual.cost, "timer_cost": found.timer.cost, "saving": found.saving,
            "least_cost": found.least_cost, "steps": steps.to_dicts(),
        }  # fmt: skip

    @property
    def figures(self) -> Mapping[str, Any]:
        """Altair charts by name: plan."""
        from wattflock.assistant.plan.table import nets, powers
        from wattflock.report.charts import Figures
        from wattflock.report.plan_charts import plan_days

        currency = self.plan.home.parameters.currency
        return Figures({"plan": lambda: plan_days(self.table, powers(self.plan), nets(self.plan), currency)})


@dataclasses.dataclass(frozen=True)
class EdgeTrial:
    """What controllers on a broker did."""

    figures: Mapping[str, float]  # homes, messages_per_s, answer_p99_ms, rss_mb, apart_kw, outside, missing_in_logs, …
    faults: pl.DataFrame  # a row for the closed loop and each fault: steps, outside, fell_back, recovered_after
    envelopes: pl.DataFrame | None = None  # powers beyond operating envelopes, ignored and kept: home_steps, outside, …


@dataclasses.dataclass(frozen=True, eq=False)
class WhatIf:
    """What a feeder takes, before and after each method."""

    folder: Path  # page, workbook, GeoJSON and figures
    found: "Swept"

    @property
    def headline(self) -> str:
        """The answer in a sentence."""
        from wattflock.report.whatif_words import headline

        return headline(self.found)

    @property
    def table(self) -> pl.DataFrame:
        """A row for each cell, seed and method."""
        return self.found.table

    @property
    def cells(self) -> pl.DataFrame:
        """A row for each cell and method over the seeds: extremes of the worst one, means of all else."""
        return self.found.cells

    @property
    def taken(self) -> pl.DataFrame:
        """Up to which share of a sweep all limits are kept, beside each combination of the others."""
        return self.found.taken

    @property
    def worth(self) -> pl.DataFrame:
        """What each method is worth to the network, by sweep, as `study.whatif.value.worth` has it."""
        from wattflock.report.whatif_words import several
        from wattflock.study.whatif.value import worth

        return pl.concat([worth(self.found, name).with_columns(sweep=pl.lit(name)) for name in several(self.found)])

    @property
    def figures(self) -> Mapping[str, Any]:
        """Altair charts by name: limits, taken, and one for each quantity."""
        from wattflock.report.whatif_charts import figures

        return figures(self.found)
