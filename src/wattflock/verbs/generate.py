"""New homes as long as you like: load, sun, car, heat and weather, as tables."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

if TYPE_CHECKING:
    from wattflock.synth.generate import Wanted

RESOLUTIONS = (5, 15, 30, 60)
PLACE = ("latitude", "longitude")


def generate(  # noqa: PLR0913 (an argument is an option of the command)
    homes: Annotated[int, "How many homes."] = 300,
    days: Annotated[int, "How many days; a study needs at least five weeks from a Monday."] = 364,
    resolution: Annotated[int, "Length of a step: 5, 15, 30 or 60 [min]."] = 60,
    start: Annotated[str, "First day, as in 2027-01-04, a Monday."] = "2027-01-04",
    seed: Annotated[int, "Which homes: the same seed gives the same homes, however many and on however many days."] = 0,
    region: Annotated[str, "london, california, or a file that `wattflock data fit` wrote."] = "london",
    weather: Annotated[int, "Number of the weather year; -1: the seed."] = -1,
    panels: Annotated[float, "Share of homes with a panel."] = 0.5,
    cars: Annotated[float, "Share of homes with an electric car."] = 0.5,
    heat_pumps: Annotated[float, "Share of homes with a heat pump (heat_kw is heat, not electricity)."] = 0.3,
    panel_kwp: Annotated[tuple[float, float], "Smallest and largest panel [kW peak]."] = (2.0, 6.0),
    load_scale: Annotated[float, "Every load times this."] = 1.0,
    zone: Annotated[str, "Time zone such as Asia/Kolkata: its clock, and its city's sun and seasons."] = "",
    latitude: Annotated[float | None, "Of another place than the zone's city [degrees, south is negative]."] = None,
    longitude: Annotated[float | None, "Of that place [degrees, west is negative]."] = None,
    out: Annotated[
        Path, "Folder to write to: one Parquet file, or several of some million rows; sizes.csv; card.json."
    ] = Path("homes"),
    fresh: Annotated[bool, "Write again what is there already."] = False,
) -> object:
    """Make new, believable homes: a long table with load, sun, car, heat and outdoor temperature.

    Columns: home, time (local clock, beginning of the step; every day has 24 h), load_kw (without car and heat pump),
    pv_kw, ev_plugged (share of the step), ev_charging_need_kwh (asked for by the session that begins in this step),
    ev_driving_kwh, heat_kw (demand for heat), outdoor_c. What stands in each home is in sizes.csv. After Ctrl-C the
    same command goes on.

    Example:
        wattflock generate --homes 300 --days 42 --resolution 30 --start 2027-01-04 --seed 7 --out homes
        wattflock compare --set data.part=table --set data.settings.path=homes
        wattflock generate --region california --cars 1 --panels 1 --out sunny
        wattflock generate --homes 20 --zone Australia/Sydney --out south
    """
    import json

    from wattflock.core.files import csv_bytes, read_json, write_json, write_table, write_whole
    from wattflock.core.progress import bar
    from wattflock.data.home_days import to_table
    from wattflock.report.feeder_tables import facts
    from wattflock.synth.bundle import load
    from wattflock.synth.generate import SIZES, Wanted, flocks, sizes
    from wattflock.synth.place import located
    from wattflock.synth.region import Mix

    from_region, about = load(region)
    shares = {"panels": panels, "cars": cars, "heat_pumps": heat_pumps}
    _check({"homes": homes, "days": days, "load-scale": load_scale}, shares, (resolution, start, panel_kwp, seed))
    mix = Mix(panels, cars, heat_pumps, panel_kwp, load_scale)
    chosen = None if weather < 0 else weather
    from_region = located(from_region, about["zone"], zone or about["zone"], latitude, longitude)
    wanted = Wanted(homes, days, _day(start), zone or about["zone"], 1440 // resolution, seed, chosen, mix)
    card = _card(wanted, about, region)
    card["made"] |= {f"{name}_deg": round(float(getattr(from_region.sky.place, f"{name}_deg")), 3) for name in PLACE}
    paths = _paths(out, wanted.parts())
    same = not fresh and (out / "card.json").exists() and read_json(out / "card.json") == json.loads(json.dumps(card))
    for old in () if same else out.glob("homes*.parquet"):
        old.unlink()
    write_json(out / "card.json", card)
    write_whole(out / SIZES, csv_bytes(sizes(from_region, wanted)))
    done = {part for part, path in paths.items() if path.exists()}
    rows = homes * days * wanted.steps
    with bar("homes", len(paths)) as progress:
        progress.at(len(done), "")
        for part, flock in flocks(from_region, wanted, done):
            write_table(paths[part], to_table(flock))
            done.add(part)
            progress.at(len(done), f"of {rows:,} rows")
    files = list(paths.values())
    size = sum(path.stat().st_size for path in files)
    return facts(
        [
            ("homes", f"{homes:,} in {about['name']}, {days} days from {start}, every {resolution} min"),
            ("rows", f"{rows:,} ({size / 1e6:,.1f} MB)"),
            (
                "written",
                f"{files[0]}" + (f" … {files[-1].name}" if len(files) > 1 else "") + f", {SIZES}, card.json",
            ),
        ]
    )


def _paths(out: Path, parts: list[tuple[int, int]]) -> dict[tuple[int, int], Path]:
    """One file, or one for each block of homes and stretch of days, by the first of each."""
    if len(parts) == 1:
        return {parts[0]: out / "homes.parquet"}
    return {(home, day): out / f"homes-{home:06d}-day-{day:04d}.parquet" for home, day in parts}


def _card(wanted: "Wanted", about: dict, region: str) -> dict:
    """What the homes are and what they come from, with units."""
    import dataclasses
    from importlib.metadata import version

    asked = dataclasses.asdict(wanted) | {"start": str(wanted.start)}
    units = {
        "home": "name", "time": f"local clock of {wanted.zone}, beginning of the step, 24 h every day",
        "load_kw": "kW, without car and heat pump", "pv_kw": "kW", "ev_plugged": "share of the step",
        "ev_charging_need_kwh": "kWh, at the step in which the session begins",
        "ev_driving_kwh": "kWh in the step", "heat_kw": "kW of heat", "outdoor_c": "°C",
    }  # fmt: skip
    return {"made": asked, "columns": units, "region": region, "from": about, "wattflock": version("wattflock")}


def _check(counts: dict[str, float], shares: dict[str, float], rest: tuple[int, str, tuple[float, float], int]) -> None:
    """Raises for every option that cannot be."""
    import datetime

    from wattflock.core.errors import Problem, ScenarioError

    resolution, start, (least, most), seed = rest
    found: list[tuple[str, object, str]] = [
        (name, value, "more than 0") for name, value in counts.items() if not value > 0
    ]
    found += [(name, value, "a share from 0 to 1") for name, value in shares.items() if not 0 <= value <= 1]
    if resolution not in RESOLUTIONS:
        found.append(("resolution", resolution, f"one of {', '.join(map(str, RESOLUTIONS))} [min]"))
    if not 0 < least <= most:
        found.append(("panel-kwp", (least, most), "two sizes, the smaller one first, more than 0 [kW peak]"))
    if not 0 <= seed < 2**32:
        found.append(("seed", seed, "a whole number from 0 to 4294967295"))
    try:
        datetime.date.fromisoformat(start)
    except ValueError:
        found.append(("start", start, "a day as in 2027-01-01"))
    if found:
        problems = [Problem("wattflock generate", f"--{name}", value, allowed) for name, value, allowed in found]
        raise ScenarioError(problems)


def _day(text: str):
    import datetime

    return datetime.date.fromisoformat(text)


VERBS = (generate,)
