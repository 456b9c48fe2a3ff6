"""Homes and days over several devices; where an array lies changes no result but by rounding (docs/learn-scale.md)."""

from collections.abc import Callable

import equinox as eqx
import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array

from wattflock.core.errors import Problem, ScenarioError
from wattflock.core.types import Profile

DAYS, HOMES = "days", "homes"  # axes of the mesh


def mesh_of(homes: int, devices: int = 0, days: int = 1) -> Mesh:
    """The devices as a mesh of `days` rows, each with an equal share of the homes in every device.

    Homes are not padded: more of them would draw other random numbers and make another checkpoint.

    Args:
        homes: number of agents.
        devices: how many to use; 0 is the most that share the homes equally.
        days: rows; each works on its part of a batch of days.

    Raises:
        ScenarioError: there are not so many devices, or they do not divide the homes.
    """
    here = jax.devices()
    allowed = [n for n in range(days, len(here) + 1, days) if homes % (n // days) == 0]
    wanted = devices or max(allowed, default=0)
    if wanted not in allowed:
        numbers = ", ".join(map(str, allowed)) or "none"
        told = f"{numbers} (of the {len(here)} there are, those that share {homes} homes equally)"
        raise ScenarioError([Problem("wattflock", "devices", devices, told)])
    grid = np.array(here[:wanted]).reshape(days, -1)
    return Mesh(grid, (DAYS, HOMES), axis_types=(AxisType.Auto, AxisType.Auto))


def spread(tree, homes: int, mesh: Mesh):
    """The same tree on the mesh: an array whose first axis is as long as there are homes is split along it.

    All others are copied to every device. The length alone decides: an array that has it by chance is split as well,
    which costs time and changes nothing.
    """
    cut, whole = NamedSharding(mesh, PartitionSpec(HOMES)), NamedSharding(mesh, PartitionSpec())

    def lay(leaf):
        if not eqx.is_array(leaf):
            return leaf
        return jax.device_put(leaf, cut if leaf.shape[:1] == (homes,) else whole)

    return jax.tree.map(lay, tree)


class SpreadDraw(eqx.Module):
    """Batches of days as `draw` gives them, each device with its days and homes."""

    draw: Callable[[Array, int], Profile]
    mesh: Mesh = eqx.field(static=True)

    def __call__(self, key: Array, days: int) -> Profile:
        """A batch (days, steps, homes) that lies on the mesh."""
        profile = self.draw(key, days)
        own = NamedSharding(self.mesh, PartitionSpec(DAYS, None, HOMES))
        common = NamedSharding(self.mesh, PartitionSpec(DAYS, None))
        shardings = jax.tree.map(lambda leaf: own if leaf.ndim == 3 else common, profile)
        return jax.lax.with_sharding_constraint(profile, shardings)
