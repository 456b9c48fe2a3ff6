"""Data: look at files of readings before they are used, fit a generator to them, judge what it makes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from wattflock.verbs.card import card

if TYPE_CHECKING:
    from wattflock.data.look import Look
    from wattflock.data.source import DataSource


def check(  # noqa: PLR0913 (an argument is an option of the command)
    path: Annotated[Path, "File or folder of readings, as its owner gives it."],
    source: Annotated[str, "Whose layout it is (wattflock parts --room data); recognised where not told."] = "",
    columns: Annotated[list[str] | None, "What a column of a table is, as in load=Usage; can be repeated."] = None,
    units: Annotated[list[str] | None, "Unit of a column of a table, as in load=Wh; can be repeated."] = None,
    zone: Annotated[str, "Where the homes of a table are, such as Europe/London."] = "",
    sets: Annotated[list[str] | None, "A setting of the source, as in clock=utc; can be repeated."] = None,
    format: Annotated[str, "Layout of a table: a name (docs/data.md) or FILE.toml; found by the header."] = "",
    plot: Annotated[Path | None, "Draw a mean day and the months of each home to this .png or .svg file."] = None,
) -> object:
    """Say what is read from a file of readings, and list every problem at once, with what cleaning would do.

    The summary names homes, step, period, clock, kWh a day, which column is what and in which unit, and the columns
    that are not used. Errors come first and give exit code 2; what can be repaired and what is only worth knowing
    follows.

    Example:
        wattflock data check meters.csv --column load=Usage --unit load=Wh --zone Europe/Oslo
        wattflock data check solar-homes/ --source ausgrid
        wattflock data check p1.csv --zone Europe/Amsterdam --format dsmr --plot p1.png
    """
    from rich.console import Group
    from rich.text import Text

    from wattflock.core.errors import ScenarioError
    from wattflock.core.progress import console
    from wattflock.data.check import refuse
    from wattflock.data.finding import findings_table
    from wattflock.data.source import recognised
    from wattflock.report.feeder_tables import facts
    from wattflock.report.spreadsheet import refuse_ending
    from wattflock.report.theme import FORMATS as PICTURES

    if problems := refuse_ending("wattflock data check", "--plot", plot, PICTURES):
        raise ScenarioError(problems)
    name = source or recognised(str(path))
    said = [*(f"columns.{each}" for each in columns or ()), *(f"units.{each}" for each in units or ())]
    said += [f"{key}={value}" for key, value in (("zone", zone), ("format", format)) if value]
    seen = looked(path, name, [*said, *(sets or ())])
    title = f"{path}, read as {name}"
    table = findings_table(seen.findings, "") if seen.findings else Text("nothing to find fault with")
    shown = Group(Text(title), facts(seen.facts), table)
    if any(each.severity == "error" for each in seen.findings):
        console.print(shown)
        refuse(seen.findings)
    if plot and seen.cleaned:
        from wattflock.report.data_charts import write_picture

        write_picture(seen.cleaned.flock, plot)
    return shown


def fit(  # noqa: PLR0913 (an argument is an option of the command)
    name: Annotated[str, "What the region is called."],
    load: Annotated[str, "Homes to learn from: SOURCE=PATH, or california alone."],
    zone: Annotated[str, "Time zone of the region, such as Europe/London, where the source does not know it."] = "",
    sets: Annotated[list[str] | None, "A setting of the source, as in prices=agile; can be repeated."] = None,
    cars: Annotated[str, "File of charging sessions (norway_ev); else the cars of --like."] = "",
    sky: Annotated[str, "Panels and weather, as KIND=FOLDER (california, london); else the sky of --like."] = "",
    like: Annotated[str, "Region that lends what is not given: a bundled one or a file."] = "",
    model: Annotated[str, "Model of load (wattflock parts --room synth)."] = "habits",
    held_out: Annotated[str, "Homes to keep back, as id,id; every fourth by mean load where not told."] = "",
    without: Annotated[str, "Homes to leave out altogether, as id,id."] = "",
    seed: Annotated[int, "Chance in learning."] = 0,
    out: Annotated[Path | None, "File to write; NAME.safetensors here by default."] = None,
    fresh: Annotated[bool, "Begin again; else pieces that were finished before are used."] = False,
) -> object:
    """Learn a region from measured homes: habits, half hours, cars, sky and prices, in one small file.

    Each piece is kept beside the file as soon as it is learned, so that a fit that was stopped goes on.

    Example:
        wattflock data fit mine table=meters.parquet --zone Europe/Oslo --like london
        wattflock generate --region mine.safetensors --homes 100 --days 30 --out homes
    """
    import shutil

    from wattflock.core.files import write_whole
    from wattflock.core.progress import bar
    from wattflock.report.feeder_tables import facts
    from wattflock.synth.bundle import packed
    from wattflock.synth.fit import FitRequest, Pieces, fit_region

    source, _, path = load.partition("=")
    kept_back = tuple(filter(None, held_out.split(","))) or None
    said = [*([f"zone={zone}"] if source == "table" and zone else []), *(sets or ())]
    asked = FitRequest(
        name, _source(source, path, said), " ".join([load, *(sets or ())]), zone, model, cars, sky, like,
        kept_back, tuple(filter(None, without.split(","))), seed,
    )  # fmt: skip
    path_out = out or Path(f"{name}.safetensors")
    folder = path_out.with_suffix(".pieces")
    if fresh:
        shutil.rmtree(folder, ignore_errors=True)
    with bar("fit", 100) as progress:
        region, card = fit_region(
            asked, Pieces(folder, write_whole), lambda share, said: progress.at(round(100 * share), said)
        )
    written = write_whole(path_out, packed(region, card))
    shutil.rmtree(folder, ignore_errors=True)
    homes = card["load_data"]
    return facts(
        [
            ("region", f"{name}, {card['zone']}, prices in {card['currency']}"),
            ("learned from", f"{len(homes['homes'])} homes; {len(homes['held_out'])} kept back for the card"),
            ("written", f"{written} ({written.stat().st_size / 1e6:.2f} MB)"),
        ]
    )


def looked(path: Path, source: str = "", said: list[str] | None = None) -> "Look":
    """The findings about files of readings and a summary of what was read.

    Args:
        path: file or folder.
        source: whose layout it is; recognised where not told.
        said: settings of the source, as `zone=Europe/Oslo`.

    Raises:
        ScenarioError: there is no such source or setting, or the files are none of readings.
    """
    from wattflock.data.look import look
    from wattflock.data.source import recognised

    return look(_source(source or recognised(str(path)), str(path), said or []).raw())


def _source(name: str, path: str, said: list[str]) -> "DataSource":
    """A source with its settings, as a person wrote them.

    Raises:
        ScenarioError: there is no such source or setting.
    """
    import json

    import pydantic

    from wattflock.core import toml
    from wattflock.core.errors import ScenarioError
    from wattflock.core.registry import part
    from wattflock.core.settings import make, problems_of, settings_model
    from wattflock.data.source import DataSource as Interface

    kind = part("data", Interface, name)
    tree: dict[str, Any] = {"path": path}
    problems = [problem for text in said if (problem := toml.assign(tree, text, {}))]
    model = settings_model(kind)
    tree = {key: value for key, value in tree.items() if key != "path" or "path" in model.model_fields}
    try:
        model.model_validate_json(json.dumps(tree, default=str))
    except pydantic.ValidationError as error:
        problems += problems_of(error, model, ("data", "settings"), lambda dotted: "wattflock data check")
    if problems:
        raise ScenarioError(problems)
    return make(kind, tree)


VERBS = (check, fit, card)
