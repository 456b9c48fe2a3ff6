"""One tiny flock of trained-like networks as folders for boxes, made once."""

import equinox as eqx
import jax
import numpy as np
import pytest

from wattflock.core.files import pack
from wattflock.edge import card as cards
from wattflock.learn.nets import Separate, flock
from wattflock.study.exported import Flock, exported, taken_apart


@pytest.fixture(scope="session")
def policy(world) -> Separate:
    """Networks that say something in every home."""
    nets = flock((world.seen, 8, world.fleet.controls), world.homes, jax.random.key(3))
    return Separate(eqx.tree_at(lambda n: n.weights[-1], nets, 10 * nets.weights[-1]))


@pytest.fixture(scope="session")
def apart(world64, policy, profile) -> Flock:
    """The same taken apart."""
    return taken_apart(world64, policy, profile, "through")


@pytest.fixture(scope="session")
def homes(built) -> dict[str, int]:
    """A home of each kind."""
    return {kind: built.kinds.index(kind) for kind in built.kinds}


@pytest.fixture(scope="session")
def boxes(apart, homes, tmp_path_factory) -> dict[str, object]:
    """Folders of a home of each kind."""
    root = tmp_path_factory.mktemp("boxes")
    made = {}
    for kind, home in homes.items():
        found = exported(apart, home)
        about = {"name": f"home-{home}", "home": home}
        made[kind] = cards.write(root / f"home-{home}", pack(found.arrays, {}), about | found.card)
    return made


@pytest.fixture
def box(boxes, homes, apart):
    """Card and policy of a home with a battery and a panel, and values of a day that it observes (steps, seen)."""
    from wattflock.edge.policy import Policy

    card, arrays = cards.read(boxes["battery+panel"])
    raw = observed_by(apart, homes["battery+panel"], card)
    return card, Policy(card, arrays), raw


def observed_by(apart: Flock, home: int, card: cards.Card) -> np.ndarray:
    """What a home observes on the day of a flock, in the card's units: (steps, seen)."""
    from wattflock.study.exported import told_names

    names = [(group, each) for group, features in apart.world.features.items() for each in features]
    place = {name: k for k, (name, _) in enumerate(told_names(names))}
    scale = np.array([each.scale for each in card.observation])
    offset = np.array([each.offset for each in card.observation])
    return apart.features[:, home][:, [place[each.name] for each in card.observation]] * scale + offset
