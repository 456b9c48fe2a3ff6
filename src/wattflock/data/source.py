"""The interface of data sources: reading an owner's files and returning readings of homes."""

import abc
import dataclasses
import datetime
from pathlib import Path
from typing import Annotated, Literal, Self

import equinox as eqx
import numpy as np
from pydantic import Field

from wattflock.core.registry import parts
from wattflock.core.types import REFERENCE_PRICE_PER_KWH
from wattflock.data.files import listed
from wattflock.data.raw import Raw

FilePath = Annotated[str, Field(description="file or folder of the owner's original data")]
Prices = Annotated[
    Literal["own", "california", "agile"],
    Field(description="prices and carbon: measured ones where there are any, or those of another set"),
]
PricesPath = Annotated[str, Field(description="file of the prices, where `prices` is agile")]


@dataclasses.dataclass(frozen=True)
class Readings:
    """Whole days of measured homes. Axes (days, steps, homes) or (days, steps)."""

    load_kw: np.ndarray
    sun_kw_per_kwp: np.ndarray
    outdoor_c: np.ndarray
    import_price_per_kwh: np.ndarray
    export_price_per_kwh: np.ndarray
    carbon_kg_per_kwh: np.ndarray
    weekend: np.ndarray  # (days,)
    month: np.ndarray  # (days,)
    first_day: datetime.date
    homes: tuple[str, ...]
    currency: str
    card: dict  # source, owner, licence, period
    ev_plugged: np.ndarray | None = None  # share of the step
    ev_driving_kw: np.ndarray | None = None  # mean of the step

    @property
    def reference_price_per_kwh(self) -> float:
        """Mean import price to one digit [currency per kWh]: prices of devices and features are relative to it."""
        return float(f"{abs(self.import_price_per_kwh.mean()):.1g}") or REFERENCE_PRICE_PER_KWH


class DataSource(eqx.Module):
    """Reads one kind of file; settings are fields."""

    @classmethod
    def fits(cls, path: str) -> bool:
        """Whether this file or folder has a layout of this source; False where it has none.

        Raises:
            ScenarioError: there is no such file.
        """
        return False

    @classmethod
    def example(cls, folder: Path) -> Self:
        """A small one that can be read at once; a source of files writes what it reads into `folder`."""
        del folder
        return cls()

    def bundled_homes(self) -> tuple[str, ...]:
        """Names of the homes where they come with the package; none where only reading tells."""
        return ()

    @abc.abstractmethod
    def raw(self) -> Raw:
        """The content of the files before cleaning, with findings; nothing is dropped silently.

        Raises:
            ScenarioError: there is no such file.
        """

    @abc.abstractmethod
    def read(self) -> Readings:
        """All whole days of the homes, cleaned and completed.

        Raises:
            ScenarioError: the files cannot be used, or hold no homes.
        """


def recognised(path: str) -> str:
    """The name of the source that reads this file or folder; `table` where the layout is unknown.

    Raises:
        ScenarioError: there is no such file.
    """
    listed(path, "a file")
    return next((name for name, kind in parts("data", DataSource).items() if kind.fits(path)), "table")
