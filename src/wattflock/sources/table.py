"""Any table of readings, whatever its layout: homes in rows, in columns, or in a file each."""

import itertools
import re
from pathlib import Path
from typing import Annotated, Any, Literal

import equinox as eqx
import polars as pl
from pydantic import Field

from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.files import regular
from wattflock.data.columns import QUANTITIES
from wattflock.data.complete import PriceSource, to_readings
from wattflock.data.files import listed, table_of
from wattflock.data.finding import Finding, finding
from wattflock.data.layout import Clock, Counts, Layout, Stamped, Zeros, format_of, found_by_header, spelled
from wattflock.data.long import ALONE, Long, held_on_clock, to_long
from wattflock.data.raw import COMMON_COLUMNS, Raw, not_used, period
from wattflock.data.session_table import is_sessions, sessions_of
from wattflock.data.source import DataSource, FilePath, Prices, PricesPath, Readings
from wattflock.data.stamps import on_clock
from wattflock.data.time_grid import wrong_zone
from wattflock.data.zeros import zeros_back
from wattflock.synth.generate import SIZES

OF_A_PART = r"[ _-]*(?:\(\d+\)|(?:19|20)\d{2}(?:[-_]?\d{2}){0,2}|part[-_ ]?\d+|q[1-4])[ _-]*"  # of a file's name


class Table(DataSource):
    """Homes from any table: long (a row for each home and time), wide (a column for each home), or a file for each.

    Columns are found by a format (`format = "octopus"`, or a file of your own), by their names (home, time, load_kw,
    pv_kwh, ..) and cells, or by the mapping `columns = {load = "Usage"}`; units by names or `units = {load = "Wh"}`.
    A folder that `wattflock generate` wrote needs no mapping; its sizes.csv has the size of each panel.

    Source: the user's own files; owner and licence are not known.
    """

    path: FilePath = eqx.field(default="", static=True)
    columns: Annotated[
        dict[str, str],
        Field(
            description="which column is time, home, load, import, export, grid, pv, outdoor, import_price, ..; A + B"
        ),
    ] = eqx.field(default_factory=dict, static=True)
    units: Annotated[dict[str, str], Field(description="units of load, pv, outdoor, .. where names do not tell")] = (
        eqx.field(default_factory=dict, static=True)
    )
    zone: Annotated[
        str, Field(description="where the homes are, such as Europe/London; empty: stamps are as lived")
    ] = eqx.field(default="", static=True)
    clock: Annotated[Clock, Field(description="clock of stamps without an offset, where a zone is told")] = eqx.field(
        default="local", static=True
    )
    net: Annotated[
        Literal["tell", "split"], Field(description="load below zero is an error, or is parted into load and pv")
    ] = eqx.field(default="tell", static=True)
    currency: Annotated[str, Field(description="of the prices; empty: that of the format, or EUR")] = eqx.field(
        default="", static=True
    )
    prices: Prices = eqx.field(default="own", static=True)
    prices_path: PricesPath = eqx.field(default="", static=True)
    format: Annotated[str, Field(description="name of a layout, or FILE.toml; empty: found by the header")] = eqx.field(
        default="", static=True
    )
    stamps: Annotated[Stamped, Field(description="whether stamps name the start or the end of a step")] = eqx.field(
        default="auto", static=True
    )
    counts: Annotated[Counts, Field(description="whether values are energies, or registers that count up")] = eqx.field(
        default="auto", static=True
    )
    zeros: Annotated[Zeros, Field(description="whether steps that are left out are gaps, or were 0")] = eqx.field(
        default="auto", static=True
    )

    def raw(self) -> Raw:
        """Readings of all files, in our own units; or the sessions of cars, where a column is plug_in."""
        files = listed(self.path, "a CSV, Parquet, XLSX or XML with readings of homes, or a folder or zip of them")
        files, sizes = [file for file in files if file.name != SIZES], [file for file in files if file.name == SIZES]
        layouts, tables, names = [], [], []
        for file in files:
            name, layout, table = self._table(file)
            layouts.append(layout)
            tables.append(table)
            names.append(name)
        if layouts and is_sessions(layouts[0]):
            return self._sessions(files, tables, (names[0], layouts))
        read = [to_long(table, layout, file.name) for table, layout, file in zip(tables, layouts, files, strict=True)]
        return self._raw(files, read, (names[0], layouts[0]), _beside(sizes))

    def read(self) -> Readings:
        """Whole weeks, cleaned and completed."""
        return to_readings(self.raw(), PriceSource(self.prices, self.prices_path))

    def _table(self, file: Path) -> tuple[str, Layout, pl.DataFrame]:
        """Name of a file's format, its layout with what is told on top, and its cells."""
        name, layout = self.format, format_of(self.format) if self.format else Layout()
        table = table_of(file, layout.skip)
        if not self.format:
            name, layout = found_by_header(table.columns)
        if len(table.columns) < 3 and (len(table.columns) < 2 or table.height):
            wrong = Problem(file.name, "columns", table.columns[1:], "a header and at least a time and a reading")
            raise ScenarioError([wrong])
        told: dict[str, Any] = {"columns": self.columns, "units": self.units}
        told |= {name: value for name in PLAINLY if (value := getattr(self, name)) not in ("", "auto")}
        if wrong_zone(self.zone, (file.name, "zone")):
            del told["zone"]  # the check tells it
        if self.clock == "utc":
            told["clock"] = "utc"
        return name, Layout.model_validate(told).over(spelled(layout, table.columns)), table

    def _raw(self, files: list[Path], read: list[Long], how: tuple[str, Layout], kwp: dict[str, float]) -> Raw:
        format_name, layout = how
        frames = [each.rows.with_columns(pl.lit(number, pl.UInt16).alias("file")) for number, each in enumerate(read)]
        found = [one for each in read for one in each.findings]
        frames, more = _homes_of_files(frames, [each.named for each in read], [file.name for file in files])
        homes = pl.concat(frames, how="diagonal")
        homes, clock, mixed = _one_clock(homes, layout, files[0].name)
        if clock == "utc":
            homes, held = held_on_clock(homes, layout.zone, files[0].name)
            mixed += held
        homes, fed = self._fed_in(homes, files[0].name)
        homes, zeros = zeros_back(homes, layout, files[0].name)
        uses = tuple(dict.fromkeys(use for each in read for use in each.uses))
        known = [(QUANTITIES[use.quantity], use.unit) for use in uses if use.quantity in QUANTITIES]
        unitless = {quantity.own for quantity, unit in known if unit not in quantity.units}
        return Raw(
            files=tuple(file.name for file in files),
            zone=self.zone or layout.zone,
            clock=clock,
            currency=layout.currency or "EUR",
            card={
                "source": f"table {files[0].name}" + (f" and {len(files) - 1} more" if len(files) > 1 else ""),
                "owner": "not told",
                "licence": "not told: check with the owner",
                "period": period(homes["time"]),
            },
            homes=homes.drop("kwp", "zoned", *COMMON_COLUMNS, strict=False),
            common=_common(homes),
            kwp=_sizes(homes) | kwp,
            unitless=tuple(sorted("load_kw" if name in DRAWN else name for name in unitless)),
            net=self.net,
            findings=(*found, *more, *mixed, *fed, *zeros),
            uses=uses,
            layout=format_name,
            not_used=tuple(dict.fromkeys(column for each in read for column in each.not_used)),
        )

    def _fed_in(self, homes: pl.DataFrame, name: str) -> tuple[pl.DataFrame, list[Finding]]:
        """What is fed in beside what is drawn, without a meter of the panel: pv where `net` is split, else not used."""
        if "export_kw" not in homes.columns:
            return homes, []
        found = [finding("export-apart", (name, "export"), "taken as pv" if self.net == "split" else "not used")]
        found = found if (homes["export_kw"] != 0).any() else []
        if self.net == "split" and "pv_kw" not in homes.columns:
            return homes.rename({"export_kw": "pv_kw"}), found
        return homes.drop("export_kw"), found

    def _sessions(self, files: list[Path], tables: list[pl.DataFrame], how: tuple[str, list[Layout]]) -> Raw:
        format_name, layouts = how
        read = [
            sessions_of(table, layout, file.name) for table, layout, file in zip(tables, layouts, files, strict=True)
        ]
        parts = [each.select(pl.lit(k, pl.UInt16).alias("file"), pl.all()) for k, (each, _, _) in enumerate(read)]
        sessions, uses = pl.concat(parts), read[0][1]
        card = {"source": f"table {files[0].name}", "owner": "not told", "licence": "not told: check with the owner"}
        return Raw(
            files=tuple(file.name for file in files), zone=self.zone or layouts[0].zone,
            clock="local" if layouts[0].zone else "whole", currency=layouts[0].currency or "EUR",
            card=card | {"period": period(sessions["plug_in"])}, sessions=sessions, uses=uses, layout=format_name,
            findings=tuple(one for _, _, found in read for one in found), not_used=not_used(tables[0], uses),
        )  # fmt: skip


PLAINLY = ("zone", "stamps", "counts", "zeros", "currency")
DRAWN = {"import_kw", "grid_kw"}


def _homes_of_files(
    frames: list[pl.DataFrame], named: list[bool], names: list[str]
) -> tuple[list[pl.DataFrame], list[Finding]]:
    """Files that name no home are a home each, by their names; but parts of one whose names differ by a date alone."""
    if len(frames) < 2 or all(named):
        return frames, []
    stems = [re.sub(r"(?i)(\.\w{2,7}){1,2}$", "", name) for name in names]
    short = [re.sub(OF_A_PART, "", stem, flags=re.IGNORECASE) for stem in stems]
    homes = short if _in_turn(frames, short) else stems
    made = [
        frame if told or frame.is_empty() else frame.with_columns(
            home=pl.when(pl.col("home") == ALONE).then(pl.lit(home or ALONE)).otherwise("home")
        )
        for frame, told, home in zip(frames, named, homes, strict=True)
    ]  # fmt: skip
    own = sorted({home or ALONE for home, told in zip(homes, named, strict=True) if not told})
    return made, [finding("file-per-home", (names[0], "home"), f"{len(own)} homes: {', '.join(own[:8])}", len(own))]


def _in_turn(frames: list[pl.DataFrame], homes: list[str]) -> bool:
    """Whether files of one name do not overlap in time."""
    spans: list[tuple[str, Any, Any]] = [
        (home, frame["time"].min(), frame["time"].max())
        for home, frame in zip(homes, frames, strict=True)
        if frame.height
    ]
    spans.sort()
    return all(one[0] != two[0] or one[2] < two[1] for one, two in itertools.pairwise(spans))


def _one_clock(homes: pl.DataFrame, layout: Layout, name: str) -> tuple[pl.DataFrame, str, list[Finding]]:
    """All stamps on one clock: UTC where every one says its offset or is told to be, else that of the homes."""
    zoned = homes["zoned"] if "zoned" in homes.columns else pl.Series([], dtype=pl.Boolean)
    if not zoned.any() or homes.is_empty():
        return homes, layout.clock if layout.zone else "whole", []
    if not layout.zone:
        return (
            homes,
            "whole",
            [finding("time-zone", (name, "time"), "stamps with an offset; name the zone of the homes")],
        )
    if zoned.all() or layout.clock == "utc":
        return homes, "utc", []
    there = on_clock(layout.zone, pl.col("time"))
    moved = homes.with_columns(time=pl.when("zoned").then(there).otherwise("time"))
    count = int((~zoned).sum())
    return moved, "local", [finding("clock-mixed", (name, "time"), f"{count:,} stamps without an offset", count)]


def _common(homes: pl.DataFrame) -> pl.DataFrame | None:
    """Weather and prices once for each stamp: the mean over homes."""
    columns = [name for name in COMMON_COLUMNS if name in homes.columns]
    if not columns or homes.is_empty():
        return None
    first = [pl.col("file").first(), pl.col("row").min()]
    return homes.group_by("time").agg(*first, *[pl.col(name).mean() for name in columns]).sort("time")


def _sizes(homes: pl.DataFrame) -> dict[str, float]:
    if "kwp" not in homes.columns:
        return {}
    return dict(homes.filter(pl.col("kwp") > 0).group_by("home").agg(pl.col("kwp").median()).sort("home").iter_rows())


def _beside(sizes: list[Path]) -> dict[str, float]:
    """Size of each panel as `wattflock generate` wrote it next to its homes; homes without one are left out."""
    return {
        home: kwp
        for file in sizes
        for home, kwp in pl.read_csv(regular(file))["home", "panel_kwp"].iter_rows()
        if kwp > 0
    }
