"""The folder is the registry: a new file is a new part, and nothing else is."""

import importlib
import os

import pytest

from wattflock.core import registry
from wattflock.core.errors import ScenarioError

PART = "from .shape import Shape\n\nclass {kind}(Shape):\n    def area(self):\n        return 1\n"


def shape() -> type:
    return registry.interface("market")


def test_a_new_file_is_a_new_part(rooms):
    assert set(registry.parts("market", shape())) == {"tariff"}
    (rooms / "market" / "barter.py").write_text(PART.format(kind="Barter"))
    assert set(registry.parts("market", shape())) == {"barter", "tariff"}
    assert registry.part("market", shape(), "barter")().area() == 1


def test_a_folder_in_the_environment_adds_parts(rooms, tmp_path, monkeypatch):
    (tmp_path / "mine" / "market").mkdir(parents=True)
    (tmp_path / "mine" / "market" / "gift.py").write_text(PART.format(kind="Gift"))
    monkeypatch.setenv("WATTFLOCK_PARTS", os.pathsep.join([str(tmp_path / "nothing"), str(tmp_path / "mine")]))
    assert set(registry.parts("market", shape())) == {"gift", "tariff"}


def test_helpers_and_abstract_classes_are_no_parts(rooms):
    (rooms / "market" / "maths.py").write_text("def double(x):\n    return 2 * x\n")
    (rooms / "market" / "half.py").write_text("from .shape import Shape\n\nclass Half(Shape):\n    pass\n")
    (rooms / "market" / "again.py").write_text("from .tariff import Tariff\n")
    assert set(registry.parts("market", shape())) == {"tariff"}


def test_an_unknown_part_suggests_the_nearest(rooms):
    with pytest.raises(ScenarioError, match="did you mean 'tariff'") as caught:
        registry.part("market", shape(), "tarif")
    assert caught.value.problems[0].value == "tarif"


def test_a_helper_is_not_offered_as_a_part(rooms):
    with pytest.raises(ScenarioError, match="one of tariff"):
        registry.part("market", shape(), "shape")


def test_two_parts_in_a_file_are_refused(rooms):
    text = PART.format(kind="One") + PART.format(kind="Two").partition("\n")[2]
    (rooms / "market" / "two.py").write_text(text)
    with pytest.raises(ScenarioError, match=r"market/two\.py.*one part in a file"):
        registry.parts("market", shape())


def test_a_broken_file_is_named_and_harms_no_neighbour(rooms):
    (rooms / "market" / "broken.py").write_text("import nothing_of_the_kind\n")
    with pytest.raises(ScenarioError, match=r"market/broken\.py.*nothing_of_the_kind"):
        registry.parts("market", shape())
    assert registry.part("market", shape(), "tariff")


def test_a_folder_on_the_path_of_a_real_room_adds_a_part(tmp_path, monkeypatch):
    (tmp_path / "gift.py").write_text(
        "from wattflock.market.market import Market\n\nclass Gift(Market):\n"
        "    @classmethod\n    def example(cls):\n        return cls()\n\n"
        "    def settle(self, meter):\n        return None\n"
    )
    package = importlib.import_module("wattflock.market.markets")
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    assert "gift" in registry.parts("market", registry.interface("market"))


@pytest.mark.parametrize("room", sorted(registry.ROOMS))
def test_every_room_has_its_interface_and_a_part(room):
    interface = registry.interface(room)
    found = registry.parts(room, interface)
    assert found
    assert all(issubclass(kind, interface) for kind in found.values())
