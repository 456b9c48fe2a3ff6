"""Data: look at files of readings before they are used."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

if TYPE_CHECKING:
    from wattflock.data.source import DataSource


def check(
    path: Annotated[Path, "File or folder of readings, as its owner gives it."],
    source: Annotated[str, "Whose layout it is (wattflock parts --room data); recognised where not told."] = "",
    columns: Annotated[list[str] | None, "What a column of a table is, as in load=Usage; can be repeated."] = None,
    units: Annotated[list[str] | None, "Unit of a column of a table, as in load=Wh; can be repeated."] = None,
    zone: Annotated[str, "Where the homes of a table are, such as Europe/London."] = "",
    sets: Annotated[list[str] | None, "A setting of the source, as in clock=utc; can be repeated."] = None,
) -> object:
    """List every problem of a file of readings at once, with rows and counts, and what cleaning would do.

    Errors come first and give exit code 2; what can be repaired and what is only worth knowing follows.

    Example:
        wattflock data check meters.csv --column load=Usage --unit load=Wh --zone Europe/Oslo
        wattflock data check solar-homes/ --source ausgrid
    """
    from wattflock.data.check import check as findings_of
    from wattflock.data.check import refuse
    from wattflock.data.listing import findings_table
    from wattflock.data.recognise import recognised
    from wattflock.report.progress import console

    name = source or recognised(str(path))
    said = [*(f"columns.{each}" for each in columns or ()), *(f"units.{each}" for each in units or ())]
    said += [*([f"zone={zone}"] if zone else []), *(sets or ())]
    raw = _source(name, str(path), said).raw()
    found = findings_of(raw)
    if not found:
        return f"{path}, read as {name}: nothing to find fault with"
    table = findings_table(found, f"{path}, read as {name}")
    if any(each.severity == "error" for each in found):
        console.print(table)
        refuse(found)
    return table


def _source(name: str, path: str, said: list[str]) -> "DataSource":
    """A source with its settings, as a person wrote them.

    Raises:
        ScenarioError: there is no such source or setting.
    """
    import json

    import pydantic

    from wattflock import toml
    from wattflock.check import make, problems_of, settings_model
    from wattflock.data.source import DataSource as Interface
    from wattflock.errors import ScenarioError
    from wattflock.registry import part

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


VERBS = (check,)
