"""The network tariff that a run found, as a file for other worlds and a picture."""

from pathlib import Path
from typing import Annotated, Any

from wattflock.verbs.study import Runs

WHERE = "wattflock tariff"


def tariff(
    run: Annotated[str, "A run: its id, the beginning of it, or latest."],
    out: Annotated[Path, "File to write: .parquet or .csv; a picture of the same name is written beside it."] = Path(
        "network.parquet"
    ),
    method: Annotated[str, "Whose tariff; the run's learner by default."] = "",
    runs: Runs = Path("runs"),
) -> str:
    """Write the network tariff that `tariff_design` found: a price for each terminal, hour and kind of day.

    A scenario puts it on top of every home's tariff with `market.part=network_tariff`, so that any method can be
    judged under it; what homes pay is handed back in equal parts.

    Example:
        wattflock train thousand --set learn.part=tariff_design
        wattflock tariff latest --out network.parquet
        wattflock compare thousand --set market.part=network_tariff --set market.settings.network_file=network.parquet
    """
    from wattflock.core.errors import ScenarioError
    from wattflock.report.spreadsheet import refuse_ending, to_csv, to_parquet, write_sheets
    from wattflock.report.tariff_charts import prices
    from wattflock.report.theme import save

    if problems := refuse_ending(WHERE, "--out", out, {".parquet": to_parquet, ".csv": to_csv}):
        raise ScenarioError(problems)
    table, currency = found(run, method, runs)
    written = write_sheets(out, {"network": table})
    return f"{written}\n{save(prices(table, currency), out.with_suffix('.png'))}"


def found(run: str, method: str, runs: Path):
    """The tariff's table, as `table_of` has it, and the currency.

    Raises:
        ScenarioError: the method finds no tariff, or the run has no wires.
    """
    from wattflock.core.errors import Problem, ScenarioError
    from wattflock.learn.learners.tariff_design import TariffDesign
    from wattflock.verbs.experiment import was_trained
    from wattflock.verbs.study import _reopened

    experiment = _reopened(runs, run, 1, WHERE)
    method = method or experiment.scenario.learn.part
    if not isinstance(experiment.parts.learner(method), TariffDesign):
        raise ScenarioError([Problem(WHERE, "--method", method, "tariff_design, or another name of it")])
    feeder = experiment.built.world.feeder
    if feeder is None:
        raise ScenarioError(
            [Problem(WHERE, "feeder.part", "none", "a run on a feeder: without wires nothing is to pay")]
        )
    _, progress, _ = was_trained(experiment, method)
    return table_of(progress.state.beside, feeder.terminals), experiment.built.readings.currency


def table_of(made: Any, terminals: tuple[str, ...]):
    """A row for each terminal, kind of day and hour: terminal, zone, day, hour, network_per_kwh; `made` is a Tariff."""
    import numpy as np
    import polars as pl

    from wattflock.core.types import DAY_KINDS

    zone, price = np.asarray(made.zone), np.asarray(made.price, float)
    kinds, steps = price.shape[:2]
    return pl.DataFrame(
        {
            "terminal": np.tile(terminals, kinds * steps),
            "zone": np.tile(zone + 1, kinds * steps),
            "day": np.repeat(list(DAY_KINDS), steps * len(terminals)),
            "hour": np.tile(np.repeat(np.arange(steps) * 24 / steps, len(terminals)), kinds),
            "network_per_kwh": price[..., zone].ravel().round(6),
        }
    )


VERBS = (tariff,)
