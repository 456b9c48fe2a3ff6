"""The interface of models of household load: drawing homes, and each home's days one after another."""

import abc
from collections.abc import Callable
from typing import Any, Self

import equinox as eqx
from jaxtyping import Array, Float

from wattflock.core.tables import Table
from wattflock.data.calendar import When
from wattflock.data.home_days import HomeDays

Hours = Float[Array, "24"]
Say = Callable[[float, str], None]  # progress of a fit [share], and a note


class Around(eqx.Module):
    """What all homes of a region share on one day."""

    when: When
    outdoor_c: Hours  # of each hour [°C]


class LoadModel(eqx.Module):
    """Load of one home, hour by hour; fields are arrays or nested dicts of arrays, so that a file can hold them.

    Everything is written for one home and one day, and is pure: the generator vmaps over homes and scans over days.
    `traits`, `begin` and `day` get keys of their own, so a home is the same whatever else is drawn.
    """

    @classmethod
    @abc.abstractmethod
    def fit(cls, measured: HomeDays, seed: int, say: Say) -> Self:
        """A model of measured homes: hourly `load_kw` (homes, days, 24) and `outdoor_c` (days, 24)."""

    @classmethod
    def tables(cls) -> dict[str, Table]:
        """What each array of a file must be, by its dotted name; without them only a traced day checks a file."""
        return {}

    @abc.abstractmethod
    def traits(self, key: Array) -> Any:
        """Constants of a home: a tree of arrays."""

    @abc.abstractmethod
    def begin(self, traits: Any, key: Array) -> Any:
        """The state before the first day; some days of it are thrown away, so it need only be plausible."""

    @abc.abstractmethod
    def day(self, given: tuple[Any, Any], around: Around, key: Array) -> tuple[Any, Hours]:
        """One day.

        Args:
            given: traits and state of the home.
            around: the day and what all homes share on it.
            key: of this home and this day.

        Returns:
            The state after the day and the mean load of each hour [kW], shape (24,).
        """
