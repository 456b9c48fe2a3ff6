"""Public layouts of meter files: which get in without an option, with one, or are refused by name.

    python benchmarks/layouts.py [--write]

The files are made here in each owner's layout, from a load that is known; nobody's readings are in them. A layout gets
in where homes, kWh a day and the hour of the peak are right. `--write` makes layouts.md. The exit code is 1 where a
value is wrong without a word.
"""

# ruff: noqa: E501 (a case is a line)
import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from attempts import meters
from attempts.attempt import REFUSED, RIGHT, TOLD, TRACEBACK, WRONG, Attempt, attempt
from attempts.meters import Case, home, judged, of_sessions, text, times
from pages.head import head
from pages.table import table

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent))  # some inputs are those of the tests

from tests.data import make, test_real_layouts as real  # noqa: E402, I001 (after the path)

H, HH, QH = home(), home(48), home(96)
ONE, HALF, QUARTER = (float(each.mean() * 24) for each in (H, HH, QH))
LEAST = 0.8  # of the layouts, with at most one option
WITHOUT, WITH_ONE, WITH_MORE = "without an option", "with one", "with more"


def layouts() -> Iterator[Case]:
    """Those of the table of attempts, those of the tests, and more."""
    yield from meters.formats()
    yield Case("layouts", "SCE", real.CASES["sce"][0], real.CASES["sce"][1], real.CASES["sce"][2], peak_h=None)
    yield Case("layouts", "Octopus without zeros", real.CASES["octopus without zeros"][0], {},
               real.CASES["octopus without zeros"][2], peak_h=None)  # fmt: skip
    load, _ = make.made_up(1, 40, 48, seed=4)
    yield Case("layouts", "Low Carbon London", make.london_text(1, 40, real.MONDAY), {},
               {"MAC000000": float(load.mean() * 24)}, peak_h=None)  # fmt: skip
    load, _ = make.made_up(1, 40, 48, seed=3)
    yield Case("layouts", "Ausgrid solar homes", make.ausgrid_text(1, 40, real.MONDAY.date()), {},
               {"1": float(load.mean() * 24)}, peak_h=None)  # fmt: skip
    yield from europe()
    yield from america()


def europe() -> Iterator[Case]:
    """Portals of network operators."""
    day, clock, after = (times(form, 96, shift) for form, shift in (("%d.%m.%Y", 0), ("%H:%M", 0), ("%H:%M", 1)))
    yield Case("layouts", "Wiener Netze", text("Datum;Zeit von;Zeit bis;Verbrauch [kWh]", day, clock, after,
               comma(QH / 4), sign=";"), {"zone": "Europe/Vienna"}, {"1": QUARTER})  # fmt: skip
    yield Case("layouts", "Netz NÖ", text("Messzeitpunkt;Verbrauch (kWh);Qualität", times("%d.%m.%Y %H:%M", 96),
               comma(QH / 4), ["L1"] * len(QH), sign=";"), {"zone": "Europe/Vienna"}, {"1": QUARTER})  # fmt: skip
    hours = [str(k % 24 + 1) for k in range(len(H))]
    yield Case("layouts", "i-DE (Spain)", text("CUPS;Fecha;Hora;AE_kWh;AS_kWh;REAL/ESTIMADO", ["ES2"] * len(H),
               times("%d/%m/%Y"), hours, comma(H), comma(0 * H), ["R"] * len(H), sign=";"),
               {"zone": "Europe/Madrid"}, {"ES2": ONE})  # fmt: skip
    yield Case("layouts", "E-REDES (Portugal)", text("Data;Hora;Consumo registado (kW);Estado", times("%Y/%m/%d", 96),
               times("%H:%M", 96), comma(QH), ["Real"] * len(QH), sign=";"), {"zone": "Europe/Lisbon"},
               {"1": QUARTER})  # fmt: skip
    yield Case("layouts", "ESB Networks (Ireland)", text("MPRN,Meter Serial Number,Read Value,Read Type,Read Date and End Time",
               ["10"] * len(HH), ["7"] * len(HH), HH, ["Active Import Interval (kW)"] * len(HH),
               times("%d-%m-%Y %H:%M", 48, 1)), {"units": {"load": "kW"}}, {"10": HALF})  # fmt: skip
    yield Case("layouts", "Tibber", text("from,to,consumption,consumptionUnit,cost,unitPrice", times("%Y-%m-%dT%H:%M:%S.000+01:00"),
               times("%Y-%m-%dT%H:%M:%S.000+01:00", after=1), H, ["kWh"] * len(H), H, 0 * H + 1.2),
               {"zone": "Europe/Oslo"}, {"1": ONE})  # fmt: skip
    yield Case("layouts", "Elering (Estonia)", text("Periood;Kogus (kWh)", times("%d.%m.%Y %H:%M"), comma(H), sign=";"),
               {"zone": "Europe/Tallinn"}, {"1": ONE})  # fmt: skip


def america() -> Iterator[Case]:
    """Utilities and makers of devices."""
    yield Case("layouts", "Con Edison", text("TYPE,DATE,START TIME,END TIME,USAGE,UNITS,COST,NOTES", ["Electric usage"] * len(H),
               times("%m/%d/%Y"), times("%H:%M"), times("%H:59"), H, ["kWh"] * len(H), ["$0.10"] * len(H), [""] * len(H)),
               {"zone": "America/New_York"}, {"1": ONE})  # fmt: skip
    yield Case("layouts", "Smart Meter Texas", text("ESIID,USAGE_DATE,REVISION_DATE,USAGE_START_TIME,USAGE_END_TIME,USAGE_KWH,"
               "ESTIMATED_ACTUAL,CONSUMPTION_SURPLUSGENERATION", ["'1008"] * len(QH), times("%m/%d/%Y", 96),
               times("%m/%d/%Y 06:00:00", 96), times("%H:%M", 96), times("%H:%M", 96, 1), QH / 4, ["A"] * len(QH),
               ["Consumption"] * len(QH)), {"zone": "America/Chicago"}, {"'1008": QUARTER})  # fmt: skip
    yield Case("layouts", "Hydro-Québec", text("Contrat;Date et heure;kWh;Code de consommation;Température moyenne (°C)",
               ["301"] * len(H), times("%Y-%m-%d %H:%M:%S"), comma(H), ["R"] * len(H), ["-5"] * len(H), sign=";"),
               {"zone": "America/Toronto"}, {"301": ONE})  # fmt: skip
    sun = 2 * np.maximum(0, np.sin(np.pi * (np.arange(len(QH)) % 96 / 4 - 6) / 12))
    yield Case("layouts", "Enphase", text("Date/Time,Energy Produced (Wh),Energy Consumed (Wh),Exported to Grid (Wh),"
               "Imported from Grid (Wh)", times("%m/%d/%Y %H:%M", 96), 250 * sun, 250 * QH, 250 * np.maximum(sun - QH, 0), 250 * np.maximum(QH - sun, 0)),
               {"zone": "America/Los_Angeles"}, {"1": QUARTER})  # fmt: skip
    days = [",".join(["300", day, *(f"{kwh:.3f}" for kwh in row), "A", "", "", day + "120000", ""])
            for day, row in zip(times("%Y%m%d", 1), (HH / 2).reshape(-1, 48), strict=True)]  # fmt: skip
    lines = ["100,NEM12,202501060000,MDP1,Retailer", "200,NMI1,E1,E1,E1,N1,METER1,KWH,30,", *days, "900"]
    yield Case("layouts", "NEM12 (Australia)", "\n".join(lines), {"zone": "Australia/Sydney"}, {"NMI1": HALF})


def comma(values: np.ndarray) -> list[str]:
    """With a decimal comma."""
    return [f"{each:.5f}".replace(".", ",") for each in values]


def tried(case: Case) -> tuple[str, str, Attempt]:
    """How a layout gets in, by which option, and what was said last."""
    options: list[dict[str, Any]] = [{}, *({name: value} for name, value in case.settings.items()), case.settings]
    found = Attempt("", "", "", REFUSED, "")
    for option in options:
        found = attempt("", case.tried, "", lambda option=option: judged(case._replace(settings=option)))
        if found.verdict != REFUSED:
            how = (WITHOUT, WITH_ONE)[len(option)] if len(option) < 2 else WITH_MORE
            return how if found.verdict in (RIGHT, TOLD) else found.verdict, _named(option), found
    return REFUSED, "", found


def _named(option: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in option.items())


def rows() -> list[tuple[str, str, str, Attempt]]:
    """Layout, how it gets in, the option, and what was said."""
    found = [(case.tried, *tried(case)) for case in layouts()]
    for name, content, settings, file in meters.sessions():
        if not settings:
            seen = of_sessions(name, content, settings, file)
            found.append((f"{name}, charging", WITHOUT if seen.verdict == RIGHT else seen.verdict, "", seen))
    return found


def page(found: list[tuple[str, str, str, Attempt]]) -> str:
    """Counts, then a row for each layout."""
    counts, total = Counter(how for _, how, _, _ in found), len(found)
    inside = counts[WITHOUT] + counts[WITH_ONE]
    told = ", ".join(f"{each} {counts[each]}" for each in (WITHOUT, WITH_ONE, WITH_MORE, REFUSED, WRONG, TRACEBACK))
    about = (
        f"{total} public layouts, {100 * inside / total:.0f} % get in with at most one option: {told}. The files are "
        "made in each owner's layout from a known load; homes, kWh a day and the hour of the peak are compared."
    )
    rows_of_page = ((name, how, option, seen.said.replace("|", "/")) for name, how, option, seen in found)
    lines = [head("Public layouts", "python benchmarks/layouts.py --write"), about, ""]
    return "\n".join([*lines, table(("layout", "gets in", "option", "said"), rows_of_page)]) + "\n"


def main() -> int:
    """Tries all layouts."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--write", action="store_true")
    asked, found = options.parse_args(), rows()
    text_of_page = page(found)
    print(text_of_page)
    if asked.write:
        (HERE / "layouts.md").write_text(text_of_page, encoding="utf-8")
    counts = Counter(how for _, how, _, _ in found)
    inside = (counts[WITHOUT] + counts[WITH_ONE]) / len(found)
    return 1 if counts[WRONG] or counts[TRACEBACK] or inside < LEAST else 0


if __name__ == "__main__":
    sys.exit(main())
