"""What the arrays of a region's file must be, piece by piece; sizes are in its card, see `core/tables.py`.

Ranges are wide: they keep out what cannot be, not what is unusual. A piece that is fitted anew keeps within them.
"""

from typing import Any

import equinox as eqx

from wattflock.core.registry import part
from wattflock.core.tables import Table, places
from wattflock.data.sessions import SWITCHES
from wattflock.synth.cars import AGES, OPEN_AGES, Cars
from wattflock.synth.disaggregate import Finer
from wattflock.synth.heat import Heat
from wattflock.synth.load_model import LoadModel
from wattflock.synth.region import Region
from wattflock.synth.sky import Sky

CLOSE = 1.00001  # a share of 1 after rounding

CARS = {
    "users.share": Table("users", 0, 2, rising=True, reaches=1),
    "users.traits": Table("users traits", -50, 50),
    "users.alike": places("users like", "users"),
    "users.jitter": Table("traits", 0, 10),
    "users.log_battery": Table("2", -2, 7, rising=True),
    "users.log_power": Table("2", -3, 7, rising=True),
    "types.share": Table("types", 0, 2, rising=True, reaches=1),
    "types.plugged": Table("types", 0, 1, whole=True),
    "types.count": Table("types", 0, SWITCHES, whole=True),
    "types.weekday": Table("7 types", -100, 100),
    "types.before": Table("types types", -100, 100),
    "types.age": Table(f"{len(AGES) + 1 + OPEN_AGES} types", -100, 100),
    "types.habit": Table("2 habits types", -100, 100),
    "types.own": Table("2", -1, 1),
    "types.mix": Table(f"types {SWITCHES} {SWITCHES}", -10, 10),
    "types.hours": Table(f"types {SWITCHES} knots", 0, 24, rising=True),
    "energy.away_h": Table("away", 0, 10_000, rising=True),
    "energy.away": Table("away+1", -10, 10),
    "energy.stay_h": Table("stay", 0, 10_000, rising=True),
    "energy.stay": Table("stay+1", -10, 10),
    "energy.scores": Table("scores", -20, 20, rising=True),
    "energy.season": Table("2", -10, 10),
}
SKY = {
    "place.latitude_deg": Table("", -90, 90),
    "place.longitude_deg": Table("", -180, 180),
    "place.meridian_deg": Table("", -180, 180),
    "clouds.keep": Table("", -1, 1),
    "clouds.levels": Table("levels", 0, 1, rising=True),
    "clouds.days": Table("12 levels", 0, 2, rising=True),
    "clouds.best": Table("12", 0.01, 2),
    "clouds.edges": Table("2 edges", 0, 2, rising=True),
    "clouds.hours": Table("2 edges+1 24 levels", 0, 10, rising=True),
    "clouds.patterns": Table("2 edges+1 patterns 24", -5, 5),
    "clouds.rest": Table("2 edges+1 24", 0, 5),
    "beam.clearness": Table("clearness", 0, 2, rising=True),
    "beam.share": Table("clearness", 0, 2),
    "warmth.season": Table("7 24", -80, 80),
    "warmth.patterns": Table("warmth 24", -80, 80),
    "warmth.keep": Table("warmth warmth", -5, 5),
    "warmth.follow": Table("warmth", -20, 20),
    "warmth.draw": Table("warmth draws", -20, 20),
    "panels.tilt_deg": Table("panels", 0, 90),
    "panels.azimuth_deg": Table("panels", -360, 360),
    "panels.gain": Table("panels", 0, 2),
    "panels.morning": Table("panels", -1, CLOSE),
    "panels.evening": Table("panels", -1, CLOSE),
    "panels.spread": Table("5", 0, 90),
    "local.jump": Table("jumps", 0, 2, rising=True),
    "local.hour": Table("jumps", 0, 5),
    "local.day": Table("", 0, 5),
}
FINER = {
    f"{which}.{name}": Table(shape, -100, 100)
    for which in ("first", "between")
    for name, shape in {
        "into": "7 hidden",
        "into_bias": "hidden",
        "middle": "hidden hidden",
        "middle_bias": "hidden",
        "out": "hidden out",
        "out_bias": "out",
    }.items()
}
HEAT = {
    "loss": Table("2", 0, 5),
    "balance": Table("2", 0, 40),
    "setback": Table("2", 0, 20),
    "wake_h": Table("2", 0, 24),
}
MARKET = {
    "import_price_per_kwh": Table("12 2 24", -1000, 1000),
    "export_price_per_kwh": Table("12 2 24", -1000, 1000),
    "carbon_kg_per_kwh": Table("12 2 24", 0, 5),
    "changes": Table("shapes 3 48", -1000, 1000),
    "scores": Table("shapes quantiles", -1000, 1000, rising=True),
    "keep": Table("shapes", -1, 1),
}
PIECES: dict[type[eqx.Module], dict[str, Table]] = {Cars: CARS, Sky: SKY, Finer: FINER, Heat: HEAT}


def tables(kind: Any, model: str) -> dict[str, Table]:
    """What the arrays of a region or of a piece of one must be, by their names in its file.

    Args:
        kind: the class of the module: `Region`, `LoadModel` or a piece.
        model: name of the load model.
    """
    if kind is not Region:
        return part("synth", LoadModel, model).tables() if issubclass(kind, LoadModel) else PIECES[kind]
    of = {"load": part("synth", LoadModel, model).tables(), "finer": FINER, "sky": SKY, "cars": CARS, "heat": HEAT}
    of["market"] = MARKET
    return {f"{piece}.{name}": table for piece, named in of.items() for name, table in named.items()}
