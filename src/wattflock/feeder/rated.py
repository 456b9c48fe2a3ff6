"""A feeder whose branches are those with a known rating: what a world judges, and no more."""

import dataclasses

import numpy as np

from wattflock.feeder.operator import Impedance, Readout, Values
from wattflock.feeder.solve import Feeder


def rated(feeder: Feeder) -> Feeder:
    """The same feeder without the branches whose rating is unknown; unchanged where none is known."""
    known = np.asarray(feeder.rating_a) > 0  # nan is not
    if not known.any():
        return feeder
    return dataclasses.replace(feeder, branch=some(feeder.branch, known), rating_a=feeder.rating_a[known])


def some(readout: Readout, keep: np.ndarray) -> Readout:
    """The quantities `keep` (names,) of a readout, at least one, in their order."""
    outputs = readout.no_load.shape[-1] // 2
    block, output = np.divmod(np.asarray(readout.place)[keep], outputs)
    rank = np.array([np.sum(block[:at] == own) for at, own in enumerate(block)])
    taken = np.zeros((len(readout.no_load), rank.max() + 1), int)  # a block with fewer repeats its first
    taken[block, rank] = output
    columns = np.concatenate([taken, outputs + taken], -1)[:, None]

    def cut(matrix: Values) -> np.ndarray:
        return np.take_along_axis(np.asarray(matrix), columns, -1)

    whole = readout.impedance
    impedance = Impedance(cut(whole.local), whole.up, whole.across, cut(whole.down))
    names = tuple(name for name, kept in zip(readout.names, keep, strict=True) if kept)
    return Readout(impedance, cut(readout.no_load), block * taken.shape[1] + rank, names)
