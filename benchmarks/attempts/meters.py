# ruff: noqa: E501 (a case is a line)
"""Meter files in every form that people have: the right kWh a day and hour of the peak, or an error that names it."""

import datetime
import gzip
import io
import itertools
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from attempts.attempt import RIGHT, TOLD, WRONG, Attempt, attempt
from wattflock.core.registry import interface, part
from wattflock.data.check import refuse
from wattflock.data.look import look
from wattflock.data.source import recognised

MONDAY = datetime.datetime(2025, 1, 6)
DAYS = 35
QUIET = {"gap", "unsorted", "clock-missing", "clock-doubled", "kwp-unknown", "zero-days"}  # no word about the value


class Case(NamedTuple):
    """A file and what is right."""

    kind: str
    tried: str
    content: str | bytes | dict[str, str]  # of a file, or of several
    settings: dict[str, Any]
    kwh: dict[str, float] | None  # a day of each home; None: it is to be refused
    name: str = "meters.csv"
    peak_h: float | None = 19.0  # None: not looked at


def home(steps: int = 24, seed: int = 0) -> np.ndarray:
    """Load [kW] with one peak at 19 h, more at the end of the week."""
    random = np.random.default_rng(seed)
    hour = np.tile(np.arange(steps) * 24 / steps, DAYS)
    week = np.repeat(1 + 0.3 * (np.arange(DAYS) % 7 > 4), steps)
    return (
        week * (0.2 + 0.02 * seed + 1.2 * np.exp(-(((hour - 19) / 2) ** 2))) * random.uniform(0.95, 1.05, DAYS * steps)
    )


def times(form: str = "%Y-%m-%d %H:%M", steps: int = 24, after: int = 0, shift_h: float = 0) -> list[str]:
    """Stamps of all steps, `after` steps later, `shift_h` earlier."""
    width, first = datetime.timedelta(days=1) / steps, MONDAY - datetime.timedelta(hours=shift_h)
    return [(first + (k + after) * width).strftime(form) for k in range(DAYS * steps)]


def text(header: str, *columns, sign: str = ",") -> str:
    """A table of columns of text or numbers."""
    cells = [[each if isinstance(each, str) else f"{each:.5f}" for each in column] for column in columns]
    return "\n".join([header, *(sign.join(row) for row in zip(*cells, strict=True))]) + "\n"


LOAD, OTHER, HALF = home(), home(seed=4), home(48)
ONE, TWO = float(LOAD.mean() * 24), float(OTHER.mean() * 24)
SUN = 3 * np.tile(np.maximum(0, np.sin(np.pi * (np.arange(24) - 6) / 12)), DAYS)
OSLO = {"zone": "Europe/Oslo"}
CHICAGO = {"zone": "America/Chicago"}
FORMS = (
    "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.000", "%Y/%m/%d %H:%M",
    "%d/%m/%Y %H:%M", "%d.%m.%Y %H:%M", "%d-%m-%Y %H:%M:%S", "%d.%m.%y %H:%M", "%d/%m/%y %H:%M", "%m/%d/%Y %H:%M",
    "%m/%d/%y %H:%M", "%m/%d/%Y %I:%M %p", "%m/%d/%Y %I:%M:%S %p", "%d/%m/%Y %I:%M %p", "%d-%b-%Y %H:%M", "%d %b %Y %H:%M:%S",
    "%d%b%y:%H:%M:%S", "%b %d %Y %I:%M %p", "%Y%m%d%H%M", "%Y%m%d %H%M", "%Y%m%dT%H%M%S", "%Y.%m.%d %H:%M", "%d.%m.%Y %H.%M",
    "%d.%m.%Y %H:%M Uhr", "%Y-%m-%d %Hh%M", "%A %d %B %Y %H:%M", "%Y-%m-%d:%H:%M", "%d/%m/%Y, %H:%M:%S", "%Y-%m-%d %H",
)  # fmt: skip
OFFSETS = ("Z", "+00:00", "+0000", "+00", " UTC", " GMT", " +00:00", ".000Z", ".000000+00:00", "+01:00", "+0100", "-05:00", "-0500",
           "-05", " -05", "+05:45", "+01:00[Europe/Oslo]", " CET", " EST")  # fmt: skip
HOURS = {"Z": 0, "+01:00": 1, "+0100": 1, "-05:00": -5, "-0500": -5, "-05": -5, " -05": -5, "+05:45": 5.75, "+01:00[Europe/Oslo]": 1,
         " CET": 1, " EST": -5}  # fmt: skip


def stamps() -> Iterator[Case]:
    for form in FORMS:
        sign = ";" if "," in form else ","
        yield Case("stamps", form, text(f"time{sign}load_kwh", times(form), LOAD, sign=sign), OSLO, {"1": ONE})
    for offset in OFFSETS:
        at = times("%Y-%m-%d %H:%M:%S", shift_h=1 - HOURS.get(offset, 0))
        yield Case(
            "stamps", f"offset {offset}", text("time,load_kwh", [t + offset for t in at], LOAD), OSLO, {"1": ONE}
        )
    since = [(MONDAY - datetime.datetime(1970, 1, 1)).total_seconds() + 3600 * (k - 1) for k in range(len(LOAD))]
    for parts, words in ((1, "s"), (1e3, "ms"), (1e6, "µs"), (1e9, "ns")):
        yield Case("stamps", f"unix {words}", text("timestamp,load_kwh", [f"{each * parts:.0f}" for each in since], LOAD), OSLO,
                   {"1": ONE})  # fmt: skip
    days = [f"{(each + 3600) / 86400 + 25569:.8f}" for each in since]
    yield Case("stamps", "days of a spreadsheet", text("time,load_kwh", days, LOAD), OSLO, {"1": ONE})
    bare = [each.removesuffix(" 00:00:00") for each in times("%Y-%m-%d %H:%M:%S")]
    yield Case("stamps", "midnight without a time", text("time,load_kwh", bare, LOAD), OSLO, {"1": ONE})
    late = [(datetime.datetime.fromisoformat(t) - datetime.timedelta(days=1)).strftime("%Y-%m-%d 24:00") if t.endswith("00:00")
            else t for t in times(after=1)]  # fmt: skip
    yield Case("stamps", "24:00", text("time,load_kwh", late, LOAD), OSLO, {"1": ONE})
    for steps in (24, 48, 96, 288):
        at, kw = times(steps=steps, after=1), home(steps)
        yield Case(
            "stamps",
            f"ends of {1440 // steps} min, found",
            text("time,load_kw", at, kw),
            OSLO,
            {"1": float(kw.mean() * 24)},
        )
    yield Case(
        "stamps",
        "ends, told",
        text("time,load_kw", times(after=1)[5:-7], LOAD[5:-7]),
        OSLO | {"stamps": "end"},
        {"1": ONE},
    )
    yield Case(
        "stamps", "ends, by the name", text("interval_end,load_kw", times(after=1)[5:-7], LOAD[5:-7]), OSLO, {"1": ONE}
    )
    mixed = [*times("%Y-%m-%dT%H:%M:%S+01:00")[:300], *times("%Y-%m-%dT%H:%M:%S")[300:]]
    yield Case("stamps", "offset in some rows", text("time,load_kwh", mixed, LOAD), OSLO, {"1": ONE})
    yield Case("stamps", "no date at all", text("time,load_kwh", ["soon"] * len(LOAD), LOAD), OSLO, None)
    yield Case("stamps", "month 13", text("time,load_kwh", [f"2025-13-{t[8:]}" for t in times()], LOAD), OSLO, None)
    yield Case("stamps", "offset without a zone", text("time,load_kwh", times("%Y-%m-%dT%H:%M:%SZ"), LOAD), {}, None)
    yield Case("stamps", "no such zone", text("time,load_kwh", times(), LOAD), {"zone": "Europe/Nowhere"}, None)
    apart = {
        "date, time": ("date,time,load_kwh", times("%Y-%m-%d"), times("%H:%M")),
        "Date, Time of day": ("Date,Start Time,load_kwh", times("%d/%m/%Y"), times("%I:%M %p")),
        "Datum, Uhrzeit": ("Datum,Uhrzeit,load_kwh", times("%d.%m.%Y"), times("%H:%M:%S")),
        "date, hour 0..23": ("date,hour,load_kwh", times("%Y-%m-%d"), times("%-H")),
        "Fecha, Hora 1..24": ("Fecha,Hora,load_kwh", times("%d/%m/%Y"), [str(k % 24 + 1) for k in range(len(LOAD))]),
        "date, HE01": ("date,interval,load_kwh", times("%Y-%m-%d"), times("%H:%M-%H:59")),
        "date with midnight, time": ("date,time,load_kwh", times("%Y-%m-%d 00:00:00"), times("%H:%M")),
    }
    for words, (header, date, clock) in apart.items():
        yield Case("stamps", words, text(header, date, clock, LOAD), OSLO, {"1": ONE})
    spans = [f"{a} to {b}" for a, b in zip(times(), times(after=1), strict=True)]
    yield Case("stamps", "a to b", text("period,load_kwh", spans, LOAD), OSLO, {"1": ONE})
    yield Case("stamps", "start and end", text("end,start,load_kwh", times(after=1), times(), LOAD), OSLO, {"1": ONE})
    for zone, hours in (("Asia/Kathmandu", 5.75), ("Asia/Kolkata", 5.5), ("Australia/Adelaide", 10.5), ("America/St_Johns", -3.5),
                        ("Pacific/Chatham", 13.75), ("Asia/Tokyo", 9), ("America/Los_Angeles", -8)):  # fmt: skip
        at = times("%Y-%m-%dT%H:%M:%SZ", shift_h=float(np.ceil(hours)))
        yield Case("stamps", f"UTC in {zone}", text("time,load_kwh", at, LOAD), {"zone": zone}, {"1": ONE}, peak_h=None)


UNITS = {
    "load_kwh": 1, "load_kw": 1, "load_w": 1000, "load_wh": 1000, "load_mwh": 1e-3, "Load [kWh]": 1, "Load (kW)": 1, "Usage (Wh)": 1000,
    "use [kW]": 1, "Consumption (kWh)": 1, "consumption kWh": 1, "Verbrauch [kWh]": 1, "Verbrauch in kWh": 1, "Wirkleistung [W]": 1000,
    "Conso (kWh)": 1, "Consumo_kWh": 1, "Energy consumed (Wh)": 1000, "KWH": 1, "Energy (kilowatt-hours)": 1, "power_watts": 1000,
    "Usage(Real energy in kilowatt-hours)": 1, "load [kWh/h]": 1, "Load MWh": 1e-3, "load MW": 1e-3, "Forbruk (kWh)": 1,
    "A+ [kWh]": 1, "1.8.0 (kWh)": 1, "Bezug [kWh]": 1, "Afname (kWh)": 1, "Import kWh": 1, "grid_import_kwh": 1,
}  # fmt: skip


def units() -> Iterator[Case]:
    for header, factor in UNITS.items():
        yield Case("units", header, text(f"time,{header}", times(), LOAD * factor), OSLO, {"1": ONE})
    half = ("load_kwh", "load_kw", "load [kWh/h]", "KWH/hh (per half hour)", "load_w")
    for header, factor in zip(half, (0.5, 1, 1, 0.5, 1000), strict=True):
        yield Case("units", f"{header}, half hours", text(f"time,{header}", times(steps=48), HALF * factor), OSLO,
                   {"1": float(HALF.mean() * 24)})  # fmt: skip
    yield Case("units", "none in the name", text("time,load", times(), LOAD), OSLO, None)
    yield Case("units", "none, told", text("time,load", times(), LOAD), OSLO | {"units": {"load": "kWh"}}, {"1": ONE})
    yield Case("units", "W said to be kW", text("time,load_kw", times(), 1000 * LOAD), OSLO, None)
    yield Case("units", "kW said to be W", text("time,load_w", times(), LOAD), OSLO, None)
    yield Case("units", "kW/h", text("time,load [kW/h]", times(), LOAD), OSLO, None)
    yield Case("units", "kVA", text("time,load [kVA]", times(), LOAD), OSLO, None)
    yield Case(
        "units",
        "a unit in every cell",
        text("time,load_kwh", times(), [f"{each:.3f} kWh" for each in LOAD]),
        OSLO,
        {"1": ONE},
    )
    prices = {"price (p/kWh)": 20, "price [ct/kWh]": 20, "price_per_kwh": 0.2, "price (EUR/MWh)": 200, "Preis (€/kWh)": 0.2,
              "price_eur_per_kwh": 0.2, "price c/kWh": 20, "pris øre/kWh": 20, "price_per_mwh": 200}  # fmt: skip
    for header, price in prices.items():
        yield Case("prices", header, text(f"time,load_kwh,{header}", times(), LOAD, price + LOAD * price / 9), OSLO,
                   {"1": ONE, "import_price_per_kwh": 0.2 + ONE / 24 * 0.2 / 9})  # fmt: skip
    for header, price in {
        "price_per_kwh": 20,
        "price (p/kWh)": 0.2,
        "price (EUR/MWh)": 0.2,
        "price [ct/kWh]": 2000,
    }.items():
        yield Case(
            "prices",
            f"{header}: {price:g}",
            text(f"time,load_kwh,{header}", times(), LOAD, price + 0 * LOAD),
            OSLO,
            None,
        )
    for header, at in {"Temp (°F)": 50.0, "temperature": 10.0, "outdoor [K]": 283.15, "temp_c": 10.0}.items():
        yield Case(
            "prices",
            header,
            text(f"time,load_kwh,{header}", times(), LOAD, at + 0 * LOAD),
            OSLO,
            {"1": ONE, "outdoor_c": 10.0},
        )
    for header, at in {"carbon g/kWh": 300, "carbon_kg_per_kwh": 0.3, "co2 (g/kWh)": 300, "carbon kg/MWh": 300}.items():
        yield Case("prices", header, text(f"time,load_kwh,{header}", times(), LOAD, at + 0 * LOAD), OSLO,
                   {"1": ONE, "carbon_kg_per_kwh": 0.3})  # fmt: skip
    yield Case("prices", "grams said to be kg", text("time,load_kwh,carbon", times(), LOAD, 300 + 0 * LOAD), OSLO, None)


def numbers() -> Iterator[Case]:
    watts = 4000 * LOAD
    forms = {
        "0,123": (";", LOAD, lambda x: f"{x:.3f}".replace(".", ",")), "0,1 beside 1": (";", LOAD.round(1), lambda x: f"{x:g}".replace(".", ",")),
        "1.234": (";", watts / 1000, lambda x: f"{1000 * x:,.0f}".replace(",", ".")), '"1,234"': (",", watts / 1000, lambda x: f'"{1000 * x:,.0f}"'),
        "1.234,5": (";", watts / 1000, lambda x: f"{1000 * x:,.1f}".replace(",", "_").replace(".", ",").replace("_", ".")),
        '"1,234.5"': (",", watts / 1000, lambda x: f'"{1000 * x:,.1f}"'), "1 234,5": (";", watts / 1000, lambda x: f"{1000 * x:,.1f}".replace(",", " ").replace(".", ",")),
        "1'234.5": (",", watts / 1000, lambda x: f"{1000 * x:,.1f}".replace(",", "'")), "1e3": (",", watts / 1000, lambda x: f"{1000 * x:.4e}"),
        "+12.5": (",", watts / 1000, lambda x: f"{1000 * x:+.1f}"), "nbsp": (";", watts / 1000, lambda x: f"{1000 * x:,.1f}".replace(",", "\u00a0").replace(".", ",")),
        '="12"': (",", watts / 1000, lambda x: f'="{1000 * x:.0f}"'), " 12.5 ": (",", watts / 1000, lambda x: f" {1000 * x:.1f} "),
    }  # fmt: skip
    for words, (sign, kw, form) in forms.items():
        unit = "kw" if "0," in words[:2] else "w"
        yield Case("numbers", words, text(f"time{sign}load_{unit}", times(), [form(each) for each in kw], sign=sign), OSLO,
                   {"1": float(kw.mean() * 24)})  # fmt: skip
    for sign, words in ((",", "comma"), (";", "semicolon"), ("\t", "tab"), ("|", "bar")):
        yield Case(
            "numbers", f"separator {words}", text(f"time{sign}load_kwh", times(), LOAD, sign=sign), OSLO, {"1": ONE}
        )
    yield Case("numbers", "comma in numbers and between", text("time,load_kwh", times(), [f"{each:.2f}".replace(".", ",") for each in LOAD]),
               OSLO, None)  # fmt: skip
    yield Case("numbers", "text instead of a third", text("time,load_kwh", times(), ["off" if k % 3 == 0 else f"{v:.3f}" for k, v in
                                                                                    enumerate(LOAD)]), OSLO, None)  # fmt: skip
    for word in ("NA", "null", "", "-", "NaN", "unavailable", "N/A", "?"):
        yield Case("numbers", f"missing as {word!r}", text("time,load_kwh", times(), [word if k % 97 == 50 else f"{v:.4f}" for k, v in
                                                                                     enumerate(LOAD)]), OSLO, {"1": ONE})  # fmt: skip
    body = text("time,load_kwh", times(), LOAD)
    for words, raw in {"UTF-8": body.encode(), "BOM": body.encode("utf-8-sig"), "UTF-16": body.encode("utf-16"), "UTF-16 LE":
                       body.encode("utf-16-le"), "UTF-16 BE": body.encode("utf-16-be"), "CR LF": body.replace("\n", "\r\n").encode(),
                       "blank lines before": b"\n\n" + body.encode(), "sep=": b"sep=,\n" + body.encode()}.items():  # fmt: skip
        yield Case("files", words, raw, OSLO, {"1": ONE})
    latin = text("Début;Énergie consommée (kWh)", times(), LOAD, sign=";")
    for encoding in ("cp1252", "latin-1", "utf-8", "utf-8-sig", "utf-16"):
        yield Case("files", f"accents in {encoding}", latin.encode(encoding), OSLO, {"1": ONE})
    for lines in (1, 3, 7, 12):
        yield Case(
            "files",
            f"{lines} lines before the header",
            "Some title\n" + "Name,A PERSON\n" * (lines - 1) + body,
            OSLO,
            {"1": ONE},
        )
    yield Case("files", "a line of totals", body + f"Total,{LOAD.sum():.3f}\n", OSLO, {"1": ONE})
    yield Case("files", "empty", "", OSLO, None)
    yield Case("files", "header alone", "time,load_kwh\n", OSLO, None)
    yield Case("files", "one column", "\n".join(["load_kwh", *(f"{each:.3f}" for each in LOAD)]), OSLO, None)
    yield Case("files", "no numbers", "a,b,c\nx,y,z\nx,y,z\n", OSLO, None)
    yield Case("files", "bytes", bytes(range(256)) * 40, OSLO, None)
    yield Case("files", "a page of HTML", "<html><body>no</body></html>", OSLO, None, "meters.csv")
    yield Case("files", "gzip", gzip.compress(body.encode()), OSLO, {"1": ONE}, "meters.csv.gz")
    yield Case("files", "half a gzip", gzip.compress(body.encode())[:200], OSLO, None, "meters.csv.gz")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("a/meters.csv", body)
    yield Case("files", "zip", packed.getvalue(), OSLO, {"1": ONE}, "meters.zip")
    yield Case("files", "no zip", b"PK\x03\x04 no", OSLO, None, "meters.zip")
    yield Case("files", "no parquet", b"PAR1 no", OSLO, None, "meters.parquet")
    yield Case("files", "no sheet", b"PK no", OSLO, None, "meters.xlsx")
    yield Case("files", "no JSON", b"{", OSLO, None, "meters.json")


def registers() -> Iterator[Case]:
    total, day = np.cumsum(LOAD), np.cumsum(LOAD.reshape(DAYS, 24), 1).ravel()
    replaced = np.where(np.arange(len(total)) < 400, 7000 + total, total - total[399])
    readings = {
        "from zero": total,
        "from 5,000": 5000 + total - LOAD,
        "anew at midnight": day,
        "replaced": replaced,
        "anew each week": np.cumsum(LOAD.reshape(-1, 168), 1).ravel(),
        "whole kWh": np.floor(5000 + total * 40) / 40,
    }
    for words, values in readings.items():
        for unit, factor in (("kwh", 1), ("wh", 1000)):
            yield Case(
                "registers",
                f"{words}, {unit}",
                text(f"time,energy_{unit}", times(), values * factor),
                OSLO,
                {"1": ONE},
                peak_h=None,
            )
    zoned = times("%Y-%m-%dT%H:%M:%SZ", shift_h=1)
    yield Case(
        "registers", "anew at local midnight, stamps in UTC", text("time,energy_kwh", zoned, day), OSLO, {"1": ONE}
    )
    rnd = np.random.default_rng(1).integers(1, 3599, len(total) * 3)
    moments = sorted(
        (MONDAY + datetime.timedelta(seconds=int(1200 * k + each % 1200)), k) for k, each in enumerate(rnd)
    )
    yield Case(
        "registers",
        "read at odd moments",
        text(
            "last_changed,state (kWh)",
            [f"{t:%Y-%m-%d %H:%M:%S}" for t, _ in moments],
            [
                float(np.interp((t - MONDAY).total_seconds() / 3600, np.arange(len(total) + 1), [0, *total]))
                for t, _ in moments
            ],
        ),
        OSLO,
        None,
    )
    yield Case("registers", "in kW", text("time,load_kw", times(), total), OSLO, None)
    yield Case("registers", "without a unit", text("time,load", times(), total), OSLO, None)
    yield Case("registers", "of two homes in rows", text("time,home,energy_kwh", times() * 2, ["a"] * len(total) + ["b"] * len(total),
                                                        [*total, *np.cumsum(OTHER)]), OSLO, {"a": ONE, "b": TWO})  # fmt: skip
    yield Case(
        "registers",
        "of two homes in columns",
        text("time,a_kwh,b_kwh", times(), total, np.cumsum(OTHER)),
        OSLO,
        {"a": ONE, "b": TWO},
    )
    night = np.tile(np.arange(24) < 7, DAYS)
    for words, (low, high) in {"energies": (LOAD * night, LOAD * ~night), "readings": (np.cumsum(LOAD * night) + 90,
                                                                                      np.cumsum(LOAD * ~night) + 70)}.items():  # fmt: skip
        for names in (("Low Tariff (kWh)", "Normal Tariff (kWh)"), ("Import T1 [kWh]", "Import T2 [kWh]"), ("1.8.1 (kWh)", "1.8.2 (kWh)"),
                      ("Energie HC (Wh)", "Energie HP (Wh)"), ("afname nacht kWh", "afname dag kWh"), ("peak_kwh", "offpeak_kwh")):  # fmt: skip
            factor = 1000 if "(Wh)" in names[0] else 1
            yield Case("registers", f"{words} of {names[0]} + {names[1]}", text(f"time,{names[0]},{names[1]}", times(), low * factor,
                                                                               high * factor), OSLO, {"1": ONE}, peak_h=None)  # fmt: skip
    for one, two in (
        ("import", "export"),
        ("Afname", "Injectie"),
        ("1.8.0", "2.8.0"),
        ("E1", "B1"),
        ("delivered", "received"),
    ):
        for unit in (True, False):
            body = "".join(f"{t},M,{one},{v:.5f}{',kWh' if unit else ''}\n{t},M,{two},0{',kWh' if unit else ''}\n"
                           for t, v in zip(times(), LOAD, strict=True))  # fmt: skip
            header = "time,meter,register,value" + (",unit\n" if unit else "\n")
            told = OSLO if unit else OSLO | {"units": {"load": "kWh"}}
            yield Case(
                "registers",
                f"rows of {one} and {two}{', unit in rows' if unit else ''}",
                header + body,
                told,
                {"M": ONE},
            )
    for words in ("L1,L2,L3", "phase 1,phase 2,phase 3", "Leg 1,Leg 2,Leg 3"):
        header = ",".join(f"{name} (kW)" for name in words.split(","))
        yield Case("registers", f"columns {words}", text(f"time,{header}", times(), *[LOAD / 3] * 3), OSLO, {"1": ONE})
    for names, columns in {("grid_kw", "solar_kw"): (LOAD - SUN, SUN), ("net_kwh", "pv_kwh"): (LOAD - SUN, SUN),
                           ("import_kwh", "export_kwh", "production_kwh"): (np.maximum(LOAD - SUN, 0), np.maximum(SUN - LOAD, 0), SUN),
                           ("load_kw", "pv_kw"): (LOAD, SUN)}.items():  # fmt: skip
        yield Case(
            "registers", " beside ".join(names), text(f"time,{','.join(names)}", times(), *columns), OSLO, {"1": ONE}
        )
    yield Case("registers", "net alone", text("time,net_kw", times(), LOAD - SUN), OSLO, None)
    drawn = float(np.maximum(LOAD - SUN, 0).mean() * 24)
    yield Case(
        "registers", "net alone, split", text("time,net_kw", times(), LOAD - SUN), OSLO | {"net": "split"}, {"1": drawn}
    )
    fed = (np.maximum(LOAD - SUN, 0), np.maximum(SUN - LOAD, 0))
    yield Case("registers", "import and export", text("time,import_kwh,export_kwh", times(), *fed), OSLO, {"1": drawn})


def homes() -> Iterator[Case]:
    both = {"a": ONE, "b": TWO}
    kwh = OSLO | {"units": {"load": "kWh"}}
    others = {"cost_nok": LOAD, "humidity": 55 + LOAD, "gas_m3": LOAD, "temperature": 5 + LOAD, "wind speed": 4 + LOAD, "voltage": 230 + LOAD,
              "price_per_kwh": 0.2 + 0.01 * LOAD, "month": 1 + 0 * LOAD, "co2 (g/kWh)": 300 + LOAD}  # fmt: skip
    for name, values in others.items():
        yield Case(
            "homes", f"columns a, b and {name}", text(f"time,a,b,{name}", times(), LOAD, OTHER, values), kwh, both
        )
        yield Case(
            "homes", f"load beside {name}", text(f"time,load_kwh,{name}", times(), LOAD, values), OSLO, {"1": ONE}
        )
    yield Case(
        "homes", "a column of 55 without a name for it", text("time,a,b,x", times(), LOAD, OTHER, 55 + LOAD), kwh, None
    )
    for name in (
        "home",
        "meter",
        "household_id",
        "LCLID",
        "MPAN",
        "EAN",
        "CUPS",
        "customer_id",
        "dataid",
        "NMI",
        "Zählpunkt",
    ):
        yield Case("homes", f"rows named by {name}", text(f"{name},time,load_kwh", ["a"] * len(LOAD) + ["b"] * len(LOAD), times() * 2,
                                                         [*LOAD, *OTHER]), OSLO, both)  # fmt: skip
    yield Case("homes", "houses beside their total", text("time,house_a,house_b,total", times(), LOAD, OTHER, LOAD + OTHER), kwh,
               {"house_a": ONE, "house_b": TWO})  # fmt: skip
    yield Case(
        "homes",
        "a total beside devices",
        text("time,total (kWh),fridge (kWh),oven (kWh)", times(), LOAD, LOAD / 5, LOAD / 9),
        OSLO,
        {"1": ONE},
    )
    yield Case("homes", "columns a_kwh and b_kwh", text("time,a_kwh,b_kwh", times(), LOAD, OTHER), OSLO, both)
    yield Case("homes", "columns house_a use and house_b use", text("time,ha use (kWh),hb use (kWh)", times(), LOAD, OTHER), OSLO,
               {"ha": ONE, "hb": TWO})  # fmt: skip
    one, two = (text("time,load_kwh", times(), each) for each in (LOAD, OTHER))
    yield Case("homes", "a file each", {"a.csv": one, "b.csv": two}, OSLO, both)
    yield Case(
        "homes",
        "a file each, at other times",
        {"a.csv": one, "b.csv": text("time,load_kwh", times(shift_h=-24 * 49), OTHER)},
        OSLO,
        both,
    )
    early = text("time,load_kwh", times(shift_h=24 * 35), LOAD)
    yield Case("homes", "a file for each year", {"home 2024.csv": early, "home 2025.csv": one}, OSLO, {"home": ONE})
    zoned = text("time,load_kwh", times("%Y-%m-%dT%H:%M:%SZ", shift_h=1), OTHER)
    yield Case("homes", "a file each, one in UTC", {"a.csv": one, "b.csv": zoned}, OSLO, both)
    for steps in (24, 48, 96):
        kw = home(steps)
        value = {"1": float(kw.mean() * 24)}
        cells = (kw.reshape(DAYS, steps) * 24 / steps).T
        for words, labels in {"clock": times("%H:%M", steps)[:steps], "ends": times("%H:%M", steps, 1)[:steps],
                              "number": [f"H{k + 1:02d}" for k in range(steps)], "spans": [f"{a}-{b}" for a, b in zip(
                                  times("%H:%M", steps)[:steps], times("%H:%M", steps, 1)[:steps], strict=True)]}.items():  # fmt: skip
            yield Case("homes", f"a day in a row, {steps} columns, {words}", text("date," + ",".join(labels), times("%Y-%m-%d", 1), *cells),
                       kwh, value)  # fmt: skip
    yield Case(
        "homes",
        "a year in one column of days",
        text("date,load_kwh", times("%Y-%m-%d", 1), LOAD.reshape(DAYS, 24).sum(1)),
        OSLO,
        None,
    )
    yield Case(
        "homes",
        "no header",
        text("2025-01-05 23:00,0.3", times(), LOAD),
        kwh | {"columns": {"load": "column_2"}},
        {"1": ONE},
    )
    bad = text("time,load_kwh", times(), LOAD).splitlines()
    yield Case(
        "homes", "rows with more fields, few", "\n".join([*bad[:90], bad[90] + ",7", *bad[91:]]), OSLO, {"1": ONE}
    )
    yield Case(
        "homes",
        "rows with more fields, all",
        "\n".join([bad[0], *(f"{k},{line}" for k, line in enumerate(bad[1:]))]),
        OSLO,
        None,
    )
    yield Case("homes", "rows twice", "\n".join([*bad, *bad[1:]]), OSLO, {"1": ONE})
    yield Case("homes", "rows backwards", "\n".join([bad[0], *bad[:0:-1]]), OSLO, {"1": ONE})
    yield Case(
        "homes",
        "two homes without their name",
        "\n".join([*bad, *text("time,load_kwh", times(), OTHER).splitlines()[1:]]),
        OSLO,
        None,
    )
    kept = [line for k, line in enumerate(bad[1:]) if not 10 <= k % 24 < 14]
    yield Case("homes", "no whole day", "\n".join([bad[0], *kept]), OSLO, None)
    yield Case("homes", "always the same", text("time,load_kwh", times(), 0.5 + 0 * LOAD), OSLO, None)


def formats() -> Iterator[Case]:
    """Files in the layouts whose formats come along, found by themselves."""
    kwh, utc = [f"{each:.4f}" for each in LOAD], times("%Y-%m-%dT%H:%M:%SZ", shift_h=1)
    half = float(HALF.mean() * 24)
    night, zero = np.tile(np.arange(24) < 7, DAYS), ["0"] * len(LOAD)
    yield Case(
        "layouts",
        "octopus",
        text(
            "Consumption (kwh), Estimated Cost Inc. Tax (p), Standing Charge Inc. Tax (p), Start, End",
            HALF / 2,
            HALF,
            HALF,
            times(" %Y-%m-%dT%H:%M:%S+00:00", 48),
            times(" %Y-%m-%dT%H:%M:%S+00:00", 48, 1),
        ),
        {},
        {"1": half},
    )
    yield Case(
        "layouts",
        "n3rgy",
        text("timestamp (UTC),energyConsumption (kWh)", times(steps=48, after=1), HALF / 2),
        {},
        {"1": half},
    )
    yield Case(
        "layouts",
        "enedis",
        "Identifiant PRM;Type;Debut;Fin;Grandeur;Unite\n1;Courbe;2025;2025;Energie;W\n"
        + text(
            "Horodate;Valeur",
            times("%Y-%m-%dT%H:%M:%S+01:00", 48, 1),
            [f"{1000 * each:.0f}" for each in HALF],
            sign=";",
        ),
        {},
        {"1": half},
    )
    header = "Van (datum);Van (tijdstip);Tot (datum);Tot (tijdstip);EAN-code;Meter;Metertype;Register;Volume;Eenheid;Validatiestatus;Omschrijving"
    lines = [
        f'{a[:10]};{a[11:]};{b[:10]};{b[11:]};="5414";1;Digitale meter;{name};{f"{each * share:.3f}".replace(".", ",")};kWh;Uitgelezen;'
        for a, b, each in zip(times("%d-%m-%Y %H:%M:%S"), times("%d-%m-%Y %H:%M:%S", after=1), LOAD, strict=True)
        for name, share in (("Afname Dag", 0.5), ("Afname Nacht", 0.5), ("Injectie Dag", 0), ("Injectie Nacht", 0))
    ]
    yield Case("layouts", "fluvius", "\n".join([header, *lines]), {}, {"5414": ONE})
    hours = [str(k % 24 + 1) for k in range(len(LOAD))]
    for form, words in ((hours, "1..24"), ([f"{int(h):02d}:00" for h in hours], "01:00..24:00")):
        yield Case(
            "layouts",
            f"datadis {words}",
            text(
                "CUPS;Fecha;Hora;Consumo_kWh;Metodo_obtencion",
                ["ES1"] * len(LOAD),
                times("%Y/%m/%d"),
                form,
                [each.replace(".", ",") for each in kwh],
                ["R"] * len(LOAD),
                sign=";",
            ),
            {},
            {"ES1": ONE},
        )
    quarter = home(96)
    labels = [f"{a}-{b}" for a, b in zip(times("%H:%M", 96)[:96], times("%H:%M", 96, 1)[:96], strict=True)]
    yield Case(
        "layouts",
        "e-distribuzione",
        text(
            "Giorno;" + ";".join(labels),
            times("%d/%m/%Y", 1),
            *[[f"{v:.3f}".replace(".", ",") for v in c] for c in (quarter / 4).reshape(DAYS, 96).T],
            sign=";",
        ),
        {},
        {"1": float(quarter.mean() * 24)},
    )
    yield Case(
        "layouts",
        "greenbutton (PG&E)",
        'Name,A PERSON\nAddress,"1 STREET, TOWN"\nAccount Number,1\nService,S\n\n'
        + text(
            "TYPE,DATE,START TIME,END TIME,USAGE (kWh),COST,NOTES",
            ["Electric usage"] * len(LOAD),
            times("%Y-%m-%d"),
            times("%H:%M"),
            times("%H:59"),
            LOAD,
            [f"${v:.2f}" for v in LOAD],
            [""] * len(LOAD),
        ),
        {"zone": "America/Los_Angeles"},
        {"1": ONE},
    )
    yield Case(
        "layouts",
        "dsmr",
        text(
            "Hour Start,Low Tariff,Normal Tariff,Low Returned,Normal Returned,Gas",
            times("%Y-%m-%dT%H:%M:%S+01:00"),
            LOAD * night,
            LOAD * ~night,
            zero,
            zero,
            LOAD,
        ),
        {},
        {"1": ONE},
    )
    yield Case(
        "layouts",
        "home assistant statistics",
        text(
            "statistic_id;unit;start;state;sum",
            ["sensor.energy"] * len(LOAD),
            ["kWh"] * len(LOAD),
            times("%d.%m.%Y %H:%M"),
            900 + np.cumsum(LOAD),
            5 + np.cumsum(LOAD),
            sign=";",
        ),
        OSLO,
        {"sensor.energy": ONE},
    )
    yield Case(
        "layouts",
        "opsd",
        text(
            "utc_timestamp,cet_cest_timestamp,DE_KN_residential1_grid_import,DE_KN_residential1_dishwasher,interpolated",
            utc,
            times("%Y-%m-%dT%H:%M:%S+0100"),
            np.cumsum(LOAD),
            np.cumsum(LOAD) / 9,
            [""] * len(LOAD),
        ),
        {},
        {"1": ONE},
    )
    yield Case(
        "layouts",
        "pecan street",
        text(
            "dataid,local_15min,air1,grid,solar,solar2",
            ["9"] * len(LOAD),
            times("%Y-%m-%d %H:%M:%S-06"),
            LOAD / 3,
            LOAD - SUN,
            SUN / 2,
            SUN / 2,
        ),
        CHICAGO,
        {"9": ONE},
    )
    since = [str(int((MONDAY - datetime.datetime(1970, 1, 1)).total_seconds()) + 1800 * k) for k in range(len(HALF))]
    yield Case(
        "layouts",
        "refit",
        text("Time,Unix,Aggregate,Appliance1", times("%Y-%m-%d %H:%M:%S", 48), since, 1000 * HALF, HALF),
        {},
        {"1": half},
    )
    yield Case(
        "layouts",
        "solaredge",
        text(
            "Time,Consumption (W),System Production (W),Self-consumption (W)",
            times("%m/%d/%Y %H:%M"),
            1000 * LOAD,
            1000 * SUN,
            LOAD,
        ),
        OSLO,
        {"1": ONE},
    )
    yield Case(
        "layouts",
        "umass smart",
        text(
            "Date & Time,use [kW],gen [kW],Grid [kW],Furnace [kW]",
            times("%Y-%m-%d %H:%M:%S"),
            LOAD,
            SUN,
            LOAD - SUN,
            LOAD / 2,
        ),
        {"zone": "America/New_York"},
        {"1": ONE},
    )
    for name, form in (("ausgrid, told", "%d/%m/%Y"),):
        cells = (HALF / 2).reshape(DAYS, 48)
        body = [
            "Solar homes",
            "Customer,Generator Capacity,Postcode,Consumption Category,date,"
            + ",".join(times("%-H:%M", 48, 1)[:48])
            + ",Row Quality",
        ]
        body += [
            f"1,2.0,2000,GC,{t},{','.join(f'{v:.4f}' for v in row)},"
            for t, row in zip(times(form, 1), cells, strict=True)
        ]
        yield Case("layouts", name, "\n".join(body), {}, {"1": half})
    yield Case(
        "layouts",
        "UK Power Networks",
        text(
            "LCLid,stdorToU,DateTime,KWH/hh (per half hour) ",
            ["MAC1"] * len(HALF),
            ["Std"] * len(HALF),
            times("%Y-%m-%d %H:%M:%S.0000000", 48),
            HALF / 2,
        ),
        {},
        {"MAC1": half},
    )
    yield Case(
        "layouts",
        "Tesla",
        text(
            "Date time,Home (kW),Solar Energy (kW),Powerwall (kW),Grid (kW)",
            times("%Y-%m-%dT%H:%M:%S+01:00"),
            LOAD,
            SUN,
            zero,
            LOAD - SUN,
        ),
        OSLO,
        {"1": ONE},
    )
    yield Case(
        "layouts",
        "Emporia",
        text(
            "Time Bucket (Europe/Oslo),Mains_A (kWhs),Mains_B (kWhs),Oven (kWhs)",
            times("%m/%d/%Y %H:%M:%S"),
            LOAD / 2,
            LOAD / 2,
            LOAD / 9,
        ),
        OSLO,
        {"1": ONE},
    )
    yield Case(
        "layouts",
        "Shelly",
        text(
            "timestamp,consumed_energy_Wh,returned_energy_Wh,min_voltage_V",
            times("%d/%m/%Y %H:%M"),
            1000 * LOAD,
            zero,
            zero,
        ),
        OSLO,
        {"1": ONE},
    )
    yield Case(
        "layouts",
        "P1 monitor, registers",
        text(
            "time,Import T1 kWh,Import T2 kWh,Export T1 kWh,Export T2 kWh,Gas m3",
            times(),
            4000 + np.cumsum(LOAD * night),
            3000 + np.cumsum(LOAD * ~night),
            zero,
            zero,
            zero,
        ),
        OSLO,
        {"1": ONE},
        peak_h=None,
    )
    yield Case(
        "layouts",
        "Elhub (Norway)",
        text(
            "Målepunkt-ID;Fra;Til;Kvantitet;Enhet;Kvalitet",
            ["707"] * len(LOAD),
            times("%d.%m.%Y %H:%M"),
            times("%d.%m.%Y %H:%M", after=1),
            [v.replace(".", ",") for v in kwh],
            ["kWh"] * len(LOAD),
            ["Målt"] * len(LOAD),
            sign=";",
        ),
        OSLO,
        {"707": ONE},
    )
    yield Case(
        "layouts",
        "Eloverblik (Denmark)",
        text(
            "MålepunktsID;Fra_dato;Til_dato;Mængde;Måleenhed;Kvalitet;Type",
            ["571"] * len(LOAD),
            times("%d-%m-%Y %H:%M"),
            times("%d-%m-%Y %H:%M", after=1),
            [v.replace(".", ",") for v in kwh],
            ["KWH"] * len(LOAD),
            ["Målt"] * len(LOAD),
            ["Tidsserie"] * len(LOAD),
            sign=";",
        ),
        OSLO,
        {"571": ONE},
    )
    yield Case(
        "layouts",
        "Fingrid Datahub (Finland)",
        text(
            "MeteringPointGSRN;Product Type;Resolution;Unit Type;Reading Type;Start Time;Quantity;Quality",
            ["643"] * len(LOAD),
            ["8716867000030"] * len(LOAD),
            ["PT60M"] * len(LOAD),
            ["kWh"] * len(LOAD),
            ["BN01"] * len(LOAD),
            utc,
            [v.replace(".", ",") for v in kwh],
            ["OK"] * len(LOAD),
            sign=";",
        ),
        {"zone": "Europe/Oslo"},
        {"643": ONE},
    )
    yield Case(
        "layouts",
        "Vattenfall / Stromnetz",
        "Zeitraum;01.01.2025 - 30.06.2025\nZählpunkt;DE00\n\n"
        + text(
            "Datum;von;bis;Verbrauch (kWh)",
            times("%d.%m.%Y"),
            times("%H:%M"),
            times("%H:%M", after=1),
            [v.replace(".", ",") for v in kwh],
            sign=";",
        ),
        OSLO,
        {"1": ONE},
    )
    yield Case(
        "layouts",
        "Powerpal",
        text(
            "datetime_utc,datetime_local,watt_hours,cost_dollars,is_peak",
            times("%Y-%m-%d %H:%M:%S", shift_h=1),
            times("%Y-%m-%d %H:%M:%S"),
            1000 * LOAD,
            LOAD,
            zero,
        ),
        OSLO,
        {"1": ONE},
    )
    yield Case(
        "layouts",
        "NEM12-like",
        "100,NEM12,202501010000\n200,NMI1,E1,E1,E1,,kWh,30\n300,20250106," + ",".join(kwh[:48]) + ",A\n900\n",
        OSLO,
        None,
    )


def sessions() -> Iterator[tuple[str, str, dict[str, Any], str]]:
    """Tables of charging sessions: what, content, settings, name of the file; each begins at 18 h on the clock of the homes."""
    start = [MONDAY + datetime.timedelta(days=k, hours=18) for k in range(30)]
    end = [each + datetime.timedelta(hours=11) for each in start]

    def at(form: str, late_h: float = 0, which: list = start) -> list[str]:
        return [(each - datetime.timedelta(hours=late_h)).strftime(form) for each in which]

    ten = ["10.0"] * 30
    yield (
        "evcc",
        text(
            "Created,Finished,Loadpoint,Identifier,Vehicle,Odometer (km),Charged energy (kWh),Charging time",
            at("%Y-%m-%d %H:%M:%S"),
            at("%Y-%m-%d %H:%M:%S", 0, end),
            ["Garage"] * 30,
            [""] * 30,
            ["Car"] * 30,
            ["1"] * 30,
            ten,
            ["3:00:00"] * 30,
        ),
        {},
        "s.csv",
    )
    yield (
        "elaadnl",
        text(
            "TransactionId;ChargePoint;UTCTransactionStart;UTCTransactionStop;StartCard;ConnectedTime;ChargeTime;TotalEnergy;MaxPower",
            [str(k) for k in range(30)],
            ["P"] * 30,
            at("%d/%m/%Y %H:%M", 1),
            at("%d/%m/%Y %H:%M", 1, end),
            ["C"] * 30,
            ["11,0"] * 30,
            ["3,0"] * 30,
            ["10,0"] * 30,
            ["3,7"] * 30,
            sign=";",
        ),
        {},
        "s.csv",
    )
    items = ",".join(
        f'{{"connectionTime": "{a}", "disconnectTime": "{b}", "kWhDelivered": 10.0, "stationID": "S"}}'
        for a, b in zip(at("%a, %d %b %Y %H:%M:%S GMT", -8), at("%a, %d %b %Y %H:%M:%S GMT", -8, end), strict=True)
    )
    yield "ACN-Data", f'{{"_meta": {{}}, "_items": [{items}]}}', {}, "s.json"
    columns = {"plug_in": "from", "plug_out": "to", "energy": "Wh", "user": "who"}
    for words, form, late in (
        ("local", "%Y-%m-%d %H:%M", 0),
        ("UTC", "%Y-%m-%dT%H:%M:%SZ", 1),
        ("offset", "%Y-%m-%d %H:%M:%S+02", -1),
    ):
        yield (
            f"mapped, {words}",
            text("who,from,to,Wh", ["a"] * 30, at(form, late), at(form, late, end), ["10000"] * 30),
            OSLO | {"columns": columns},
            "s.csv",
        )


def of_sessions(tried: str, content: str, settings: dict[str, Any], name: str) -> Attempt:
    """Whether sessions begin at 18 h on the clock of the homes and take 10 kWh."""

    def act() -> tuple[str, str]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_text(content)
            raw = part("data", interface("data"), recognised(str(path)))(path=str(path), **settings).raw()
        seen = look(raw)
        refuse(seen.findings)
        assert raw.sessions is not None
        hours, kwh = set(raw.sessions["plug_in"].dt.hour()), set(raw.sessions["energy_kwh"])
        said = f"{raw.sessions.height} sessions, begin at {hours} h, {kwh} kWh"
        return (RIGHT if hours == {18} and kwh == {10.0} and raw.sessions.height == 30 else WRONG), said

    return attempt("meter file: sessions", tried, "30 sessions from 18 h, 10 kWh each", act)


def attempts() -> list[Attempt]:
    """Every case, read as a run reads it."""
    cases = itertools.chain(stamps(), units(), numbers(), registers(), homes(), formats())
    return [*(one(case) for case in cases), *(of_sessions(*each) for each in sessions())]


def one(case: Case) -> Attempt:
    """A case as a row of the table."""
    expected = "refused" if case.kwh is None else ", ".join(f"{name} {value:.4g}" for name, value in case.kwh.items())
    return attempt(f"meter file: {case.kind}", case.tried, expected, lambda: judged(case))


def judged(case: Case) -> tuple[str, str]:
    """Reads the file and compares; what is read though it should be refused is wrong."""
    with tempfile.TemporaryDirectory() as folder:
        files = case.content if isinstance(case.content, dict) else {case.name: case.content}
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content.encode() if isinstance(content, str) else content)
        path = folder if isinstance(case.content, dict) else str(Path(folder) / case.name)
        seen = look(part("data", interface("data"), recognised(path))(path=path, **case.settings).raw())
    refuse(seen.findings)
    assert seen.cleaned is not None
    flock, common = seen.cleaned.flock, seen.cleaned.common
    found = {home: float(np.nanmean(kw) * 24) for home, kw in zip(flock.homes, flock.load_kw, strict=True)}
    found |= {name: float(np.nanmean(common[name])) for name in (case.kwh or {}) if name in common}
    hour = float(np.nanmean(flock.load_kw[0], 0).argmax() * 24 / flock.shape()[2])
    told = [each.code for each in seen.findings if each.code not in QUIET]
    said = ", ".join([*(f"{name} {value:.4g}" for name, value in found.items()), f"peak at {hour:g} h", *told])
    same = (
        case.kwh is not None
        and found.keys() == case.kwh.keys()
        and all(abs(found[k] / v - 1) < 0.02 for k, v in case.kwh.items())
    )
    in_time = case.peak_h is None or abs(hour - case.peak_h) <= 0.5 or (case.settings.get("net") == "split")
    if not same or not in_time:
        return WRONG, said
    return TOLD if told else RIGHT, said
