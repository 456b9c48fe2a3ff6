# ruff: noqa: E501 (a case is a line)
"""Meter files in the layouts that people have: each is made here, read, and compared with the load that it was made of."""

import datetime
import io

import numpy as np
import polars as pl
import pytest

from tests.data.make import made_up
from wattflock.core.errors import ScenarioError
from wattflock.core.registry import interface, part
from wattflock.data.layout import formats, found_by_header
from wattflock.data.look import look
from wattflock.data.source import recognised
from wattflock.sources.table import Table

MONDAY = datetime.datetime(2025, 1, 6)
DAYS = 42


def profile(steps: int = 24, seed: int = 0) -> np.ndarray:
    """Load of a home [kW] at every step of DAYS, at least 0.1 kW."""
    return made_up(1, DAYS, steps, seed)[0][0]


def daily(load: np.ndarray) -> float:
    """Mean energy of a day [kWh]."""
    return float(load.mean() * 24)


def clock(
    steps: int = 24, form: str = "%Y-%m-%d %H:%M", first: datetime.datetime = MONDAY, after: int = 0
) -> list[str]:
    """Stamps of every step; `after` steps later, as stamps of ends are."""
    width = datetime.timedelta(days=1) / steps
    return [(first + (k + after) * width).strftime(form) for k in range(DAYS * steps)]


def rows(header: str, *columns, sign: str = ",") -> str:
    cells = [[each if isinstance(each, str) else f"{each:.4f}" for each in column] for column in columns]
    return "\n".join([header, *(sign.join(row) for row in zip(*cells, strict=True))]) + "\n"


def comma(values) -> list[str]:
    return [f"{each:.3f}".replace(".", ",") for each in values]


H, SUN = profile(), made_up(1, DAYS, 24)[1][0] * 4
HH, OTHER = profile(48), profile(seed=5)
KWH = 0.5 * HH
TIMES = clock()
RISING = np.cumsum(H)
RESET = np.cumsum(H.reshape(DAYS, 24), 1).ravel()
NIGHT = np.tile(np.arange(24) < 7, DAYS)
OFFSET = clock(form="%Y-%m-%d %H:%M:%S-06")
SIXTH = [f"{each}00" for each in OFFSET]
NET = H - SUN
LOCAL = {"zone": "Europe/Oslo"}
CHICAGO = {"zone": "America/Chicago"}
UTC_NEPAL = clock(form="%Y-%m-%dT%H:%M:%SZ", first=MONDAY - datetime.timedelta(hours=6))
DAY_HOUR = ([t[:10] for t in clock(form="%d/%m/%Y %H")], [str(k % 24 + 1) for k in range(24 * DAYS)])
ZEROED = np.where(np.tile(np.arange(48) % 12 == 3, DAYS), 0.0, KWH)
KEPT = ZEROED > 0
WITHOUT_NOON = np.tile((np.arange(24) < 11) | (np.arange(24) > 14), DAYS)
FLUVIUS = "Van (datum);Van (tijdstip);Tot (datum);Tot (tijdstip);EAN-code;Register;Volume;Eenheid;Validatiestatus"


def fluvius() -> str:
    lines = [FLUVIUS]
    for k, kwh in enumerate(H):
        at, end = (MONDAY + datetime.timedelta(hours=k + more) for more in (0, 1))
        for name, value in (("Afname Dag", 0 if NIGHT[k] else kwh), ("Afname Nacht", kwh if NIGHT[k] else 0),
                            ("Injectie Dag", 0), ("Injectie Nacht", 0)):  # fmt: skip
            lines.append(
                f'{at:%d-%m-%Y;%H:%M:%S};{end:%d-%m-%Y;%H:%M:%S};="54";{name};{value:.3f};kWh;ok'.replace(".", ",")
            )
    return "\n".join(lines)


PGE = 'Name,A PERSON\nAddress,"1 STREET, TOWN CA"\nAccount Number,0\nService,Service 1\n\n'
SCE = 'Energy Usage Information\n"For location: 1 STREET"\n\n"Meter Reading Information"\n\n'
ONE = daily(H)
CASES = {  # name: (text or files, settings, kWh a day of each home, more columns and their mean)
    "grid and gross solar, local": (rows("time,grid_kw,solar_kw", TIMES, NET, SUN), CHICAGO | {"net": "split"},
                                    {"1": ONE}, {"pv_kw": daily(SUN)}),
    "grid and gross solar, offsets": (rows("home,time,grid_kw,solar_kw", ["7"] * len(H), SIXTH, NET, SUN), CHICAGO,
                                      {"7": ONE}, {"pv_kw": daily(SUN)}),
    "net with offsets": (rows("time,net_kw", SIXTH, NET), CHICAGO | {"net": "split"},
                         {"1": daily(np.maximum(NET, 0))}, {"pv_kw": daily(np.maximum(-NET, 0))}),
    "begins anew at midnight": (rows("time,energy_kwh", TIMES, RESET), LOCAL, {"1": ONE}, {}),
    "counts up": (rows("time,energy_kwh", TIMES, RISING), LOCAL, {"1": ONE}, {}),
    "counts up from a large reading": (rows("time,energy_kwh", TIMES, 5000 + RISING - H), LOCAL, {"1": ONE}, {}),
    "opsd": (rows("utc_timestamp,cet_cest_timestamp,DE_KN_residential1_dishwasher,DE_KN_residential1_grid_import,"
                  "DE_KN_residential2_grid_import,interpolated", clock(form="%Y-%m-%dT%H:%M:%SZ"), TIMES, RISING / 9,
                  RISING, np.cumsum(OTHER), [""] * len(H)), {}, {"de_kn_residential1": ONE,
                  "de_kn_residential2": daily(OTHER)}, {}),
    "price in pence": (rows("time,load_kwh,price (p/kWh)", TIMES, H, 10 + 5 * H), {"zone": "Europe/London"}, {"1": ONE},
                       {"import_price_per_kwh": 0.01 * float((10 + 5 * H).mean())}),
    "homes beside others": (rows("time,house_a,house_b,cost_nok,humidity", TIMES, H, OTHER, H, 55 + H),
                            LOCAL | {"units": {"load": "kWh"}}, {"house_a": ONE, "house_b": daily(OTHER)}, {}),
    "two tariffs and gas": (rows("Hour Start,Low Tariff,Normal Tariff,Low Returned,Normal Returned,Gas",
                                 clock(form="%Y-%m-%dT%H:%M:%S+01:00"), H * NIGHT, H * ~NIGHT, 0 * H, 0 * H, H),
                            {"zone": "Europe/Amsterdam", "units": {"load": "kWh"}}, {"1": ONE}, {}),
    "units in the names of homes": (rows("time,a_kwh,b_kwh", TIMES, H, OTHER), LOCAL, {"a": ONE, "b": daily(OTHER)}, {}),
    "a file for each house": ({"house1.csv": rows("time,load_kwh", TIMES, H),
                               "house2.csv": rows("time,load_kwh", clock(first=MONDAY.replace(month=3, day=31)), OTHER)},
                              LOCAL, {"house1": ONE, "house2": daily(OTHER)}, {}),
    "a file for each year": ({"home-2024.csv": rows("time,load_kwh", clock(first=MONDAY - datetime.timedelta(weeks=6)), H),
                              "home-2025.csv": rows("time,load_kwh", TIMES, H)}, LOCAL, {"home": ONE}, {}),
    "offsets in some rows": (rows("time,load_kwh", [*clock(form="%Y-%m-%dT%H:%M:%S+0100")[:500],
                                                    *clock(form="%Y-%m-%d %H:%M:%S")[500:]], H), LOCAL, {"1": ONE}, {}),
    "kWh per h": (rows("time,load [kWh/h]", clock(48), HH), LOCAL, {"1": daily(HH)}, {}),
    "thousands": (rows("time;load_w", TIMES, [f"{4000 * each:,.0f}".replace(",", ".") for each in H], sign=";"),
                  LOCAL, {"1": 4 * ONE}, {}),
    "decimal comma, some whole": (rows("time;load_kw", TIMES, [f"{round(each, 1):g}".replace(".", ",") for each in H],
                                       sign=";"), LOCAL, {"1": daily(H.round(1))}, {}),
    "octopus without zeros": (rows("Consumption (kwh), Estimated Cost Inc. Tax (p), Start, End", KWH[KEPT], KWH[KEPT],
                                   *(np.array(clock(48, "%Y-%m-%dT%H:%M:%S+00:00", after=k))[KEPT].tolist()
                                     for k in (0, 1))), {}, {"1": daily(2 * ZEROED)}, {}),
    "enedis, ends of steps": (rows("Horodate;Valeur", clock(48, "%Y-%m-%dT%H:%M:%S+01:00", after=1),
                                   [f"{1000 * each:.0f}" for each in HH], sign=";"),
                              {"zone": "Europe/Paris"}, {"1": daily(HH)}, {}),
    "pecan street": (rows("dataid,local_15min,air1,grid,solar,solar2", ["100"] * len(H), OFFSET, H, NET, SUN, [""] * len(H)),
                     CHICAGO, {"100": ONE}, {"pv_kw": daily(SUN)}),
    "offsets of hours": (rows("time,load_kw", OFFSET, H), CHICAGO, {"1": ONE}, {}),
    "pge": (PGE + rows("TYPE,DATE,START TIME,END TIME,USAGE (kWh),COST,NOTES", ["Electric usage"] * len(H),
                       [t[:10] for t in TIMES], [t[11:] for t in TIMES], [t[11:13] + ":59" for t in TIMES], H,
                       [f"${each:.2f}" for each in H], [""] * len(H)), {"zone": "America/Los_Angeles"}, {"1": ONE}, {}),
    "sce": (SCE + rows("Energy consumption time period,Usage(Real energy in kilowatt-hours),Reading quality",
                       [f'"{a} to {b}"' for a, b in zip(clock(form="%Y-%m-%d %H:%M:%S"),
                                                        clock(form="%Y-%m-%d %H:%M:%S", after=1), strict=True)],
                       [f'"{each:.4f}"' for each in H], ['""'] * len(H)),
            {"zone": "America/Los_Angeles"}, {"1": ONE}, {}),
    "sep line": ("sep=;\n" + rows("time;load_kwh", TIMES, H, sign=";"), LOCAL, {"1": ONE}, {}),
    "datadis": (rows("CUPS;Fecha;Hora;Consumo_kWh;Metodo_obtencion", ["ES00"] * len(H), *DAY_HOUR, comma(H),
                     ["R"] * len(H), sign=";"), {}, {"ES00": ONE}, {}),
    "fluvius": (fluvius().encode("utf-8-sig"), {}, {"54": ONE}, {}),
    "midnight without a time": (rows("time;load_kwh", [t.removesuffix(" 00:00:00") for t in clock(form="%Y-%m-%d %H:%M:%S")],
                                     H, sign=";"), LOCAL, {"1": ONE}, {}),
    "two-digit year, month first": (rows("time,load_kwh", clock(form="%m/%d/%y %H:%M"), H), CHICAGO, {"1": ONE}, {}),
    "two-digit year, day first": (rows("time,load_kwh", clock(form="%d/%m/%y %H:%M"), H), CHICAGO, {"1": ONE}, {}),
    "kathmandu": (rows("time,load_kwh", UTC_NEPAL, H), {"zone": "Asia/Kathmandu"}, {"1": ONE}, {}),
    "import and export in rows": ("time,meter,kwh,kind\n" + "".join(
        f"{t},M1,{each:.4f},import\n{t},M1,0,export\n" for t, each in zip(TIMES, H, strict=True)),
        LOCAL, {"M1": ONE}, {}),
    "windows-1252": (rows("Début;Conso (kWh)", clock(form="%d/%m/%Y %H:%M"), comma(H), sign=";").encode("cp1252"),
                     {"zone": "Europe/Paris"}, {"1": ONE}, {}),
    "utf-16": (rows("time,load_kwh", TIMES, H).encode("utf-16"), LOCAL, {"1": ONE}, {}),
    "solaredge": (rows("Time,Consumption (W),System Production (W)", clock(form="%m/%d/%Y %H:%M"), 1000 * H, 1000 * SUN),
                  {"zone": "Europe/Berlin"}, {"1": ONE}, {"pv_kw": daily(SUN)}),
    "no header": (rows("M7,2024-12-31 23:00,0.4", ["M7"] * len(H), TIMES, H), LOCAL | {"units": {"load": "kWh"},
                  "columns": {"home": "column_1", "load": "column_3"}}, {"M7": ONE}, {}),
    "a day in a row": (rows("MPAN,Date," + ",".join(t[11:] for t in clock(48)[:48]), ["1000"] * DAYS,
                            clock(1, "%d/%m/%Y"), *KWH.reshape(DAYS, 48).T), LOCAL | {"units": {"load": "kWh"}},
                       {"1000": daily(HH)}, {}),
    "a day in a row, ends": (rows("Date," + ",".join(t[11:] for t in clock(48, after=1)[:48]), clock(1, "%Y-%m-%d"),
                                  *KWH.reshape(DAYS, 48).T), LOCAL | {"units": {"load": "kWh"}}, {"1": daily(HH)}, {}),
    "phases in rows": ("time,phase,kw\n" + "".join(f"{t},L{k},{each / 3:.5f}\n" for t, each in zip(TIMES, H, strict=True)
                                                  for k in (1, 2, 3)), LOCAL, {"1": ONE}, {}),
    "seconds since 1970": (rows("unix,load_w", [f"{(MONDAY - datetime.datetime(1970, 1, 1)).total_seconds() + 3600 * k:.0f}"
                                               for k in range(len(H))], 1000 * H), LOCAL, {"1": ONE}, {}),
    "24:00": (rows("time,load_kwh", [
        t if t[11:] != "00:00" else f"{datetime.datetime.fromisoformat(t) - datetime.timedelta(days=1):%Y-%m-%d} 24:00"
        for t in clock(after=1)], H), LOCAL, {"1": ONE}, {}),
    "import and pv without export": (rows("time,grid consumption (kWh),pv (kWh)", TIMES, H, SUN), LOCAL, {"1": ONE}, {}),
    "am and pm": (rows("time,load_kwh", clock(form="%m/%d/%Y %I:%M %p"), H), CHICAGO, {"1": ONE}, {}),
}  # fmt: skip


def read(tmp_path, content, settings: dict):
    files = content if isinstance(content, dict) else {"meters.csv": content}
    for name, text in files.items():
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    path = str(tmp_path if isinstance(content, dict) else tmp_path / "meters.csv")
    assert recognised(path) == "table"
    return look(Table(path, **settings).raw())


@pytest.mark.study
@pytest.mark.parametrize("name", CASES)
def test_a_file_is_read_as_the_load_that_it_was_made_of(tmp_path, name):
    content, settings, homes, more = CASES[name]
    seen = read(tmp_path, content, settings)
    assert seen.cleaned is not None, seen.findings
    flock = seen.cleaned.flock
    assert dict(zip(flock.homes, 24 * np.nanmean(flock.load_kw, (1, 2)), strict=True)) == pytest.approx(
        homes, rel=0.012
    )
    for column, mean in more.items():
        found = seen.cleaned.common.get(column, getattr(flock, column, None))
        assert np.nanmean(found) * (24 if column.endswith("_kw") else 1) == pytest.approx(mean, rel=0.01), column
    evening = np.nanmean(flock.load_kw[0], 0).argmax() * 24 / flock.shape()[2]
    assert 17 <= evening <= 21 or name == "kathmandu" or settings.get("net") == "split" or "opsd" in name


SAID = {  # what is told beside the right value: a finding, or a column that is not used
    "begins anew at midnight": "register", "counts up": "register", "homes beside others": ("cost_nok", "humidity"),
    "two tariffs and gas": ("Gas",), "a file for each house": "file-per-home", "offsets in some rows": "clock-mixed",
    "octopus without zeros": "zeros-left-out", "enedis, ends of steps": "stamps-end", "kathmandu": "zone-part",
    "24:00": "stamps-end", "phases in rows": "read-as", "import and pv without export": "import-apart",
}  # fmt: skip


@pytest.mark.parametrize("name", SAID)
def test_what_was_done_with_a_file_is_told(tmp_path, name):
    seen = read(tmp_path, *CASES[name][:2])
    told = SAID[name]
    if isinstance(told, str):
        assert told in {each.code for each in seen.findings}
    else:
        assert dict(seen.facts)["not used"] == ", ".join(told)


@pytest.mark.parametrize(("header", "ahead_h"), [("time (UTC)", 0), ("timeUtc", 0), ("time (UTC+1)", 1), ("GMT+01:00", 1),
                                                 ("time (UTC-5)", -5), ("date (UTC),hour", 0), ("date (UTC+1),hour", 1)])  # fmt: skip
def test_a_column_says_how_far_its_clock_is_off_utc(tmp_path, header, ahead_h):
    moments = [MONDAY + datetime.timedelta(hours=k + 7 - 1 + ahead_h) for k in range(len(H))]  # from 7 h in Oslo
    form = "%Y-%m-%d,%-H" if "hour" in header else "%Y-%m-%d %H:%M"
    seen = read(tmp_path, rows(f"{header},load_kwh", [f"{t:{form}}" for t in moments], H), LOCAL)
    assert seen.cleaned is not None, seen.findings
    assert np.nanmean(seen.cleaned.flock.load_kw[0], 0).argmax() == (H.reshape(-1, 24).mean(0).argmax() + 7) % 24


def test_the_unit_of_a_cell_comes_before_that_of_the_header(tmp_path):
    seen = read(tmp_path, rows("time,load_kw", clock(48), [f"{each:.4f} kWh" for each in KWH]), LOCAL)
    assert seen.cleaned is not None, seen.findings
    assert 24 * np.nanmean(seen.cleaned.flock.load_kw) == pytest.approx(daily(HH), rel=1e-3)


REFUSED = {  # what no one can know is an error, by name
    "a power that counts up": (rows("time,load_kw", TIMES, RISING), LOCAL, "counts-up"),
    "decimal comma between commas": (rows("time,load_kwh", TIMES, comma(H)), LOCAL, "ragged"),
    "prices in pounds as pence": (rows("time,load_kwh,price (p/kWh)", TIMES, H, 0.1 + 0 * H + 0.01 * H), LOCAL, "price-small"),
    "pence as pounds": (rows("time,load_kwh,price_per_kwh", TIMES, H, 12 + H), LOCAL, "price-unit"),
    "homes in kWh and in Wh": ("time,home,value,unit\n" + "".join(f"{t},a,{v:.5f},kWh\n{t},b,{1000 * v:.2f},Wh\n" for t, v in zip(
        TIMES, H, strict=True)), LOCAL, "unknown-unit"),
    "a register in kWh and in Wh": ("time,register,value,unit\n" + "".join(
        f"{t},import,{v if k < 99 else 1000 * v:.5f},{'kWh' if k < 99 else 'Wh'}\n{t},export,0,kWh\n"
        for k, (t, v) in enumerate(zip(TIMES, H, strict=True))), LOCAL, "unknown-unit"),
    "cells in kWh and in Wh": (rows("time,load_kwh", TIMES, [f"{v:.4f} kWh" if k % 2 else f"{v:.4f} Wh" for k, v in
                                                            enumerate(H)]), LOCAL, "unknown-unit"),
    "tenths of a kWh": (rows("time,load [0.1 kWh]", TIMES, 10 * H), LOCAL, "unknown-unit"),
    "a column that is no home": (rows("time,a,b,x", TIMES, H, OTHER, 55 + H), LOCAL | {"units": {"load": "kWh"}}, "home-large"),
    "holes in every day": (rows("time,load_kwh", np.array(TIMES)[WITHOUT_NOON].tolist(), H[WITHOUT_NOON]), LOCAL,
                           "no-whole-day"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_known_is_refused_by_name(tmp_path, name):
    content, settings, code = REFUSED[name]
    seen = read(tmp_path, content, settings)
    assert code in {each.code for each in seen.findings if each.severity == "error"}


def test_sessions_with_an_offset_are_on_the_clock_of_the_homes(tmp_path):
    start = [MONDAY + datetime.timedelta(days=k, hours=16) for k in range(20)]
    text = rows("user_id,plugin_time,plugout_time,energy_session", ["U1"] * 20, [f"{t:%Y-%m-%dT%H:%M:%SZ}" for t in start],
                [f"{t + datetime.timedelta(hours=12):%Y-%m-%dT%H:%M:%SZ}" for t in start], ["10"] * 20)  # fmt: skip
    path = tmp_path / "sessions.csv"
    path.write_text(text)
    own = part("data", interface("data"), recognised(str(path)))(path=str(path)).raw().sessions
    columns = {"user": "user_id", "plug_in": "plugin_time", "plug_out": "plugout_time", "energy": "energy_session"}
    mapped = Table(str(path), columns=columns, zone="Europe/Oslo").raw().sessions
    assert {each.hour for each in own["plug_in"]} == {each.hour for each in mapped["plug_in"]} == {17}
    assert own["energy_kwh"].to_list() == mapped["energy_kwh"].to_list() == [10.0] * 20


def test_a_sheet_a_zip_and_green_button_say_the_same(tmp_path):
    import zipfile

    from wattflock.report.spreadsheet import to_xlsx

    table = pl.DataFrame({"time": TIMES, "load_kwh": H})
    (tmp_path / "a.xlsx").write_bytes(to_xlsx({"meters": table}))
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as packed:
        packed.writestr("meters.csv", rows("time,load_kwh", TIMES, H))
    seconds = (MONDAY - datetime.datetime(1970, 1, 1)).total_seconds() - 3600
    readings = "".join(
        f"<IntervalReading><timePeriod><duration>3600</duration><start>{seconds + 3600 * k:.0f}</start></timePeriod>"
        f"<value>{1000 * kwh:.0f}</value></IntervalReading>" for k, kwh in enumerate(H)
    )  # fmt: skip
    entry = "<entry><content><{0} xmlns='http://naesb.org/espi'>{1}</{0}></content></entry>"
    kind = entry.format("ReadingType", "<powerOfTenMultiplier>0</powerOfTenMultiplier><uom>72</uom>")
    (tmp_path / "c.xml").write_text(f"<feed>{kind}{entry.format('IntervalBlock', readings)}</feed>")
    for name in ("a.xlsx", "b.zip", "c.xml"):
        seen = look(Table(str(tmp_path / name), zone="Europe/Oslo").raw())
        assert seen.cleaned is not None, (name, seen.findings)
        assert 24 * np.nanmean(seen.cleaned.flock.load_kw) == pytest.approx(ONE, rel=1e-3), name


def test_every_format_is_found_by_its_header_alone():
    known = formats()
    assert len(known) >= 14
    for name, layout in known.items():
        assert found_by_header(each.upper() for each in layout.header)[0] == name
        assert layout.about and layout.columns


def test_a_format_of_ones_own_is_a_file(tmp_path):
    (tmp_path / "mine.toml").write_text(
        'columns = { time = "wann", load = "viel" }\nunits = { load = "Wh" }\nstamps = "end"\n'
    )
    (tmp_path / "meters.csv").write_text(rows("wann,viel,mehr", clock(after=1)[3:], 1000 * H[3:], H[3:]))
    seen = look(Table(str(tmp_path / "meters.csv"), format=str(tmp_path / "mine.toml"), **LOCAL).raw())
    assert seen.cleaned is not None
    assert 24 * np.nanmean(seen.cleaned.flock.load_kw) == pytest.approx(ONE, rel=0.01)
    assert dict(seen.facts)["stamps"] == "the end of a step"
    (tmp_path / "wrong.toml").write_text('colums = {}\nstamps = "middle"\n')
    for name, word in ((str(tmp_path / "wrong.toml"), "colums"), ("octopos", "octopus"), ("no.toml", "a file")):
        with pytest.raises(ScenarioError, match=word):
            Table(str(tmp_path / "meters.csv"), format=name).raw()


def test_the_check_says_what_was_read_where_nothing_is_wrong(tmp_path):
    from rich.console import Console

    from wattflock.verbs.data import check

    path = tmp_path / "meters.csv"
    path.write_text(rows("time,load_kwh,humidity", TIMES, H, 50 + H))
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(check(path, zone="Europe/Oslo", plot=tmp_path / "homes.png"))
    text = console.export_text()
    said = (
        "60 min",
        "2025-01-06 to 2025-02-16",
        "Europe/Oslo",
        f"{ONE:.4g}",
        "load_kwh = load [kWh]",
        "humidity",
        "nothing to",
    )
    assert [each for each in said if each not in text] == []
    assert (tmp_path / "homes.png").read_bytes()[:4] == b"\x89PNG"
