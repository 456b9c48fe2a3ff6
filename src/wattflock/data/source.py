"""What a data source is: it reads the owner's files and gives hourly or finer readings of homes."""

import abc
import dataclasses
import datetime

import equinox as eqx
import numpy as np


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


class DataSource(eqx.Module):
    """Reads one kind of file; settings are fields."""

    @abc.abstractmethod
    def read(self) -> Readings:
        """All whole days, nothing dropped silently; a file that cannot be used raises `ScenarioError`."""
