"""A run folder with plausible numbers, as `wattflock compare` would write it: nothing here was measured."""

import csv
import json
import shutil
from datetime import date, timedelta
from importlib import resources
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from wattflock.core.run_files import sealed
from wattflock.report import theme
from wattflock.study.summary import PARTS, on_shared_days, summarise

METHODS = {  # cost per home and day, share captured, violation of idle, training seconds
    "idle": (5.013, 0.0, 1.0, 0.0),
    "rules": (4.184, 0.597, 2.14, 0.0),
    "through": (3.894, 0.806, 0.0026, 60.2),
    "gradmap": (3.825, 0.8655, 0.0017, 60.1),
}
TEST_DAYS = [35 * week + day for week in range(10) for day in range(7)]
BOUND_DAYS = TEST_DAYS[3::7]
HOURS = np.arange(24)
IDLE_PU_H = 0.0021  # mean violation of a node and day when nobody steers

theme.VALIDATE = True


def make_run(folder: Path, seed: int = 0, calm: bool = False) -> Path:
    """Write a whole run folder and return it; `calm` is a world without any violation."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    chart = make_chart()
    tables = {
        "steps": make_steps(rng),
        "homes": make_homes(rng, chart["bus"]),
        "nodes": make_nodes(rng, chart),
        "branches": make_branches(chart),
        "days": make_days(rng),
        "examples": make_examples(rng),
        "curves": make_curves(rng),
    }
    tables["worst_day"] = make_worst_day(tables, calm)
    if calm:
        quiet = (
            "violation_pu_h",
            "violated_share",
            "worst_pu",
            "over_share",
            "under_share",
            "overload_share_h",
            "overloaded_share",
        )
        tables = {
            name: table.with_columns(pl.lit(0.0).alias(column) for column in quiet if column in table.columns)
            for name, table in tables.items()
        }
    (folder / "chart.json").write_text(json.dumps(chart))
    (folder / "summary.json").write_text(json.dumps(sealed(make_summary(tables["days"], tables["homes"]))))
    for name, table in tables.items():
        table.write_parquet(folder / f"{name}.parquet")
    return folder


def make_summary(days: pl.DataFrame, homes: pl.DataFrame) -> dict:
    trained = {
        name: {"train_seconds": seconds, "warm_seconds": seconds / 2, "rounds": 700, "stopped": "early"}
        for name, (*_, seconds) in METHODS.items()
    }
    trained["bound"] = dict.fromkeys(("train_seconds", "warm_seconds", "rounds"))
    scenario = {
        "name": "gradmap", "seed": 0, "data": {"part": "california"}, "homes": {"count": 200},
        "feeder": {"part": "ieee123", "low_pu": 0.95, "high_pu": 1.05},
        "learn": {"part": "gradmap", "rounds": 700},
    }  # fmt: skip
    return {
        "scenario": scenario, "run": "gradmap-0123456789", "homes": 200, "homes_on_feeder": 2000,
        "test_days": days["day"].n_unique(), "bound_days": days.drop_nulls("optimum_cost_per_home")["day"].n_unique(),
        "currency": "USD", "on_bound_days": on_shared_days(days, homes),
        "data": {
            "source": "some homes", "owner": "somebody", "licence": "MIT", "period": "2016 to 2017",
            "composite": {"sun": "california"}, "repairs": {"gap filled": 1234},
        },
        "versions": {"wattflock": "0.1.0", "jax": "0.10.2"},
        "seconds": {"train": 121.0, "judge": 9.2, "bound": 31.5},
        "methods": {name: summarise(days, name, homes) | card for name, card in trained.items()},
    }  # fmt: skip


def make_chart() -> dict:
    tables = resources.files("wattflock") / "feeder" / "tables" / "ieee123"
    edges: list[list[str]] = []
    branches: list[list[str]] = []
    kinds = {"lines": "line", "switches": "switch", "transformers": "transformer", "regulators": "regulator"}
    for name, kind in kinds.items():
        rows = csv.DictReader((tables / f"{name}.csv").read_text().splitlines())
        joined = [[row["from_bus"], row["to_bus"]] for row in rows]
        edges += joined
        branches += [[f"{kind}.x{at}.{phase}", *pair] for at, pair in enumerate(joined) for phase in (1, 2)]
    found = [row for row in csv.DictReader((tables / "buses.csv").read_text().splitlines()) if row["x"]]
    place = {row["bus"]: (float(row["x"]), float(row["y"])) for row in found}
    buses = list(place)
    x, y = zip(*place.values(), strict=True)
    return {"bus": buses, "x": list(x), "y": list(y), "edges": edges, "branches": branches, "source": "150"}


def sun(day: int) -> np.ndarray:
    """Sun of the hours of a day [kW per kW peak]."""
    season = 0.7 - 0.3 * np.cos(2 * np.pi * day / 365)
    return np.clip(np.sin((HOURS - 5.5) / 13 * np.pi), 0, 1) * ((HOURS > 5) & (HOURS < 19)) * season


def evening() -> np.ndarray:
    return np.exp(-0.5 * ((HOURS - 19) / 2.0) ** 2)


def price() -> np.ndarray:
    return np.where((HOURS >= 16) & (HOURS < 20), 0.54, np.where((HOURS >= 8) & (HOURS < 16), 0.26, 0.21))


def day_name(day: int) -> str:
    return (date(2018, 1, 1) + timedelta(days=day)).isoformat()


def make_steps(rng: np.random.Generator) -> pl.DataFrame:
    strength = {"idle": 1.0, "rules": 1.35, "through": 0.72, "gradmap": 0.70}
    frames = []
    for method, size in strength.items():
        for day in TEST_DAYS:
            middle = 0.99 + size * (0.035 * sun(day) - 0.028 * evening()) + rng.normal(0, 0.002, 24)
            up = size * (0.03 * sun(day) + 0.006) + 0.004
            down = size * (0.04 * evening() * rng.uniform(0.7, 1.1) + 0.006) + 0.004
            low, high = middle - down, middle + up
            if method in ("gradmap", "through"):
                low, high = np.clip(low, 0.9496, None), np.clip(high, None, 1.0502)
            over, under = np.clip(high - 1.05, 0, None), np.clip(0.95 - low, 0, None)
            frames.append(pl.DataFrame({
                "method": [method] * 24, "day": [day] * 24, "date": [day_name(day)] * 24, "step": HOURS,
                "hour": HOURS.astype(float), "net_kw": 2500 * evening() - 4000 * sun(day),
                "voltage_min_pu": low, "voltage_max_pu": high,
                "voltage_p05_pu": middle - 0.6 * down, "voltage_median_pu": middle,
                "voltage_p95_pu": middle + 0.6 * up, "violation_pu_h": (over + under) / 10,
                "over_share": over, "under_share": under,
                "import_price_per_kwh": price(), "outdoor_c": 15 + 6 * sun(day), "converged": [True] * 24,
                "loading_max": 0.4 + size * evening(), "unbalance_max": 0.01 + 0.005 * sun(day),
            }))  # fmt: skip
    return pl.concat(frames)


def make_homes(rng: np.random.Generator, buses: list[str], homes: int = 200) -> pl.DataFrame:
    kinds = ["battery+panel", "battery", "heat_pump+panel", "heat_pump", "generator+panel", "generator"]
    kind = rng.choice(kinds, homes, p=[0.32, 0.08, 0.24, 0.16, 0.12, 0.08])
    size = rng.uniform(0.6, 1.4, homes)
    terminals = [f"{buses[(1 + 2 * home) % len(buses)]}.{1 + home % 3}" for home in range(homes)]
    frames = []
    for method, (cost, *_) in METHODS.items():
        for day in TEST_DAYS[::7]:
            costs = cost * size * rng.normal(1, 0.05, homes)
            frames.append(pl.DataFrame({
                "method": [method] * homes, "day": [day] * homes, "home": np.arange(homes), "kind": kind,
                "terminal": terminals, "cost": costs, "bill": costs * 0.95, "import_kwh": 20 * size,
                "export_kwh": 8 * size, "discomfort_c_h": 0.3 * size, "carbon_kg": 5 * size,
            }))  # fmt: skip
    return pl.concat(frames)


def make_nodes(rng: np.random.Generator, chart: dict) -> pl.DataFrame:
    far = np.hypot(np.array(chart["x"]) - min(chart["x"]), np.array(chart["y"]) - 1500)
    far = far / far.max()
    places = [(bus, phase, far[i]) for i, bus in enumerate(chart["bus"]) for phase in (1, 2, 3) if (i + phase) % 4]
    rows = []
    for method, (_, _, violation, _) in METHODS.items():
        for bus, phase, away in places:
            worst = max(0.0, away - 0.45 + rng.normal(0, 0.08)) * 0.008 * violation
            rows.append((method, f"{bus}.{phase}", bus, phase, 1 - 0.085 * away * violation**0.12,
                         1 + 0.08 * away * violation**0.12, worst if violation > 0.01 or away > 0.9 else 0.0,
                         0.01 * violation))  # fmt: skip
    names = [
        "method",
        "node",
        "bus",
        "phase",
        "voltage_min_pu",
        "voltage_max_pu",
        "violation_pu_h",
        "violated_share",
    ]
    return pl.DataFrame(rows, schema=names, orient="row")


def make_branches(chart: dict) -> pl.DataFrame:
    """Two phases of each branch; the second is loaded the most, and near the source more than at the ends."""
    strength = {"idle": 1.0, "rules": 1.35, "through": 0.72, "gradmap": 0.70}
    rows = []
    for method, size in strength.items():
        for at, name in enumerate(dict.fromkeys(branch for branch, *_ in chart["branches"])):
            worst = size * (0.3 + 1.2 * (1 - at / len(chart["branches"])) + 0.1 * name.endswith(".2"))
            rows.append((method, name, worst, max(worst - 1, 0), float(worst > 1)))
    names = ["method", "branch", "loading_max", "overload_share_h", "overloaded_share"]
    return pl.DataFrame(rows, schema=names, orient="row")


def make_worst_day(tables: dict[str, pl.DataFrame], calm: bool) -> pl.DataFrame:
    """The first test day of every method that learned or stayed idle, in the columns of `study/worst_day.py`."""
    rng, frames = np.random.default_rng(1), []
    homes = tables["homes"].unique("home", maintain_order=True).select("home", "kind").rows()
    for method in ("idle", "rules", "gradmap"):
        nodes = tables["nodes"].filter(method=method)["node"].to_list()
        branches = tables["branches"].filter(method=method).select("branch", "loading_max").rows()
        strength = 0.01 if calm or method == "gradmap" else 0.07
        series = {("node", node, "voltage", "pu"): 1 + strength * (sun(0) - evening()) * rng.uniform(0.2, 1.2)
                  for node in nodes}  # fmt: skip
        series |= {("branch", name, "loading", "1"): worst * (0.3 + 0.7 * evening()) for name, worst in branches}
        sums: dict[str, np.ndarray] = {}
        for home, kind in homes:
            for one in home_series(rng, method, (home, kind, 0)):
                name, unit, value = one["series"][0], one["unit"][0], one["value"].to_numpy()
                series["home", str(home), name, unit] = value
                if unit == "kW":
                    sums[name] = sums.get(name, 0) + 10 * value
        series |= {("all", "homes", name, "kW"): value for name, value in sums.items()}
        of, name, what, unit = zip(*series, strict=True)
        frames.append(pl.DataFrame({
            "method": [method] * len(of), "day": 0, "date": day_name(0), "of": of, "name": name, "series": what,
            "unit": unit, "values": pl.Series([list(each) for each in series.values()], dtype=pl.List(pl.Float32)),
        }))  # fmt: skip
    return pl.concat(frames)


def make_days(rng: np.random.Generator) -> pl.DataFrame:
    rows = []
    optimum = METHODS["idle"][0] - 1.453
    for method, (cost, _, violation, _) in (METHODS | {"bound": (optimum, 1.0, 0.0, None)}).items():
        for day in BOUND_DAYS if method == "bound" else TEST_DAYS:
            season = 1.5 * np.cos(2 * np.pi * day / 365)
            hot = rng.random() < (0.8 if violation > 0.5 else 0.09)
            amount = hot * rng.exponential(IDLE_PU_H * violation * (1.2 if violation > 0.5 else 11))
            total = cost + season + rng.normal(0, 0.1)
            rows.append({
                "method": method, "day": day, "date": day_name(day), "month": date.fromisoformat(day_name(day)).month,
                "cost_per_home": total, "import_kwh_per_home": 21.0,
                "export_kwh_per_home": 8.0, "discomfort_c_h_per_home": 0.31,
                "carbon_kg_per_home": 4.5 if method == "idle" else 4.87, "peak_kw": 5312.0, "reverse_peak_kw": 4790.0,
                "violation_pu_h": amount, "violated_share": 5 * amount, "worst_pu": 10 * amount, "converged": True,
                "overload_share_h": amount / 9, "overloaded_share": amount / 2, "worst_loading": 0.8 + 99 * amount,
                "unbalance_share_h": 0.0, "unbalanced_share": 0.0, "worst_unbalance": 0.017,
                "optimum_cost_per_home": optimum + season if day in BOUND_DAYS else None,
                **{f"{part}_cost_per_home": total * (part == "energy") for part in PARTS},
            })  # fmt: skip
    return pl.DataFrame(rows, infer_schema_length=None)


def make_examples(rng: np.random.Generator) -> pl.DataFrame:
    frames = []
    homes = {12: "battery+panel", 407: "heat_pump+panel", 846: "generator"}
    for method in ("idle", "rules", "gradmap"):
        for home, kind in homes.items():
            for day in (TEST_DAYS[0], TEST_DAYS[44]):
                frames += home_series(rng, method, (home, kind, day))
    return pl.concat(frames)


def home_series(rng: np.random.Generator, method: str, which: tuple[int, str, int]) -> list[pl.DataFrame]:
    home, kind, day = which
    load = 0.6 + 1.6 * evening() + 0.4 * np.exp(-0.5 * ((HOURS - 7) / 1.2) ** 2) + rng.uniform(0, 0.3, 24)
    found = {"load": ("kW", load)}
    if "panel" in kind:
        found["panel"] = ("kW", -6.5 * sun(day))
    if "battery" in kind and method != "idle":
        power = np.where(sun(day) > 0.25, 1.6, np.where(evening() > 0.2, -1.7, 0.05))
        found["battery"] = ("kW", power)
        found["state of charge"] = ("%", np.clip(45 + np.cumsum(power) / 12 * 100, 10, 95))
    if "heat_pump" in kind:
        found["heat_pump"] = ("kW", 1.2 + 0.7 * np.cos(HOURS / 24 * 2 * np.pi) + 0.5 * (price() < 0.22))
        found["indoor temperature"] = ("°C", 20.4 + 0.9 * np.sin((HOURS - 3) / 24 * 2 * np.pi))
    if "generator" in kind and method != "idle":
        found["generator"] = ("kW", np.where(price() > 0.5, -2.4, 0.0))
    found["net"] = ("kW", np.sum([value for unit, value in found.values() if unit == "kW"], axis=0))
    return [
        pl.DataFrame({
            "method": [method] * 24, "home": [home] * 24, "kind": [kind] * 24, "day": [day] * 24,
            "date": [day_name(day)] * 24, "step": HOURS, "hour": HOURS.astype(float), "series": [name] * 24,
            "unit": [unit] * 24, "value": value,
        })
        for name, (unit, value) in found.items()
    ]  # fmt: skip


def make_curves(rng: np.random.Generator) -> pl.DataFrame:
    rows = []
    for method, speed, end in (("through", 8.0, 3.894), ("gradmap", 4.0, 3.825)):
        for seed in range(3):
            for split, gap in (("train", -0.03), ("validation", 0.0)):
                for place, seconds in enumerate(np.linspace(1, 60, 30)):
                    cost = end + gap + 0.9 * np.exp(-seconds / speed) + rng.normal(0, 0.008)
                    amount = IDLE_PU_H * (0.002 + 0.08 * np.exp(-seconds / speed / 1.5)) * rng.uniform(0.6, 1.5)
                    saving = 5.013 - cost
                    shown = (saving, saving / 1.453) if split == "validation" else (None, None)
                    objective = cost + 2000 * amount / 20
                    rows.append((method, seed, seconds, 20 * place, objective, cost, amount, split, *shown))
    names = ["method", "seed", "seconds", "round", "objective", "cost", "violation_pu_h", "split", "saving", "captured"]
    return pl.DataFrame(rows, schema=names, orient="row")


@pytest.fixture(scope="session")
def runs(tmp_path_factory) -> dict[str, Path]:
    """Run folders that nobody changes: one with violations, and one without any."""
    folder = tmp_path_factory.mktemp("runs")
    return {name: make_run(folder / name, calm=name == "calm") for name in ("busy", "calm")}


@pytest.fixture
def run_folder(tmp_path: Path, runs: dict[str, Path]) -> Path:
    """A run folder of one's own."""
    return shutil.copytree(runs["busy"], tmp_path / "runs" / "gradmap-0123456789")
