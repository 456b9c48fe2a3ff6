"""Files of ours that somebody made by hand, with checksums that are right: refused with file, field, value, allowed."""

import re

import numpy as np
import pytest

from wattflock.core.errors import RunError, ScenarioError
from wattflock.core.files import load_tree, pack, unpack
from wattflock.edge import card as edge_card
from wattflock.feeder.feeders.ieee13 import IEEE13
from wattflock.feeder.file import COLUMNS, from_bytes, to_bytes
from wattflock.synth import bundle

REGION = unpack(bundle.bundled()["california"].read_bytes())
FEEDER = unpack(to_bytes(IEEE13().circuit()))
TREE = {"done": np.int32(7), "weights": np.ones((4, 3), np.float32)}


def part(name, rows):
    return lambda arrays, card: (arrays | {name: np.ascontiguousarray(arrays[name][:rows])}, card)


def number(name, value, at=0):
    def change(arrays, card):
        values = arrays[name].copy()
        values.reshape(-1)[at] = value
        return arrays | {name: values}, card

    return change


def column(kind, name, value):
    return number(kind, value, COLUMNS[kind].index(name))


def size(name, value):
    return lambda arrays, card: (arrays, card | {"sizes": card["sizes"] | {name: value}})


def both(*changes):
    def change(arrays, card):
        for each in changes:
            arrays, card = each(arrays, card)
        return arrays, card

    return change


def field(name, value):
    return lambda arrays, card: (arrays, card | {name: value})


REGIONS = {  # a change -> the field that the refusal names, and a word of what is allowed
    "fewer cars than they are like": (part("cars.users.traits", 100), "cars.users.traits", r"shape \(132, 14\)"),
    "fewer cars, and their size": (
        both(size("users", 100), part("cars.users.traits", 100), part("cars.users.share", 100),
             part("cars.users.alike", 100), number("cars.users.share", 2, 99)),
        "cars.users.alike", "0 to 99",
    ),
    "a car beyond the last": (number("cars.users.alike", 132), "cars.users.alike", "whole numbers, 0 to 131"),
    "a car before the first": (number("cars.users.alike", -1), "cars.users.alike", "0 to 131"),
    "more switches than a day has": (number("cars.types.count", 7), "cars.types.count", "0 to 6"),
    "shares that fall": (number("cars.users.share", 1.5, 3), "cars.users.share", "rise"),
    "shares that end below 1": (number("cars.users.share", 0.999, -1), "cars.users.share", "at least 1"),
    "a size in words": (size("users", "132"), "card.sizes.users", "a whole number"),
    "a size too large": (size("users", 10**12), "card.sizes.users", "a whole number, 0 to"),
    "no sizes": (field("sizes", None), "card.sizes", "make the file again"),
    "light of 300 suns": (number("sky.panels.gain", 300), "sky.panels.gain", "0 to 2"),
    "a latitude of 100": (lambda a, c: (a | {"sky.place.latitude_deg": np.float32(100)}, c), "sky.place.latitude_deg",
                          "-90 to 90"),
    "texts of bits": (lambda a, c: (a | {"heat.loss": np.array([True, False])}, c), "heat.loss", "finite numbers"),
    "an array more": (lambda a, c: (a | {"sky.more": np.zeros(3)}, c), "sky.more", "the arrays"),
    "an array less": (lambda a, c: ({n: x for n, x in a.items() if n != "heat.loss"}, c), "heat.loss", "the arrays"),
    "another model": (field("load", 7), "card.load", "habits"),
}  # fmt: skip
FEEDERS = {
    "fewer nodes": (both(part("node_kv", 30), size("nodes", 30)), "card.sizes.nodes", "41, the number of names"),
    "a node beyond the last": (number("element_nodes", 41), "element_nodes", "-1 to 40"),
    "a load at no node": (column("spot", "plus", 41), "spot.plus", "-1 to 40"),
    "a load below the ground": (column("spot", "minus", -5), "spot.minus", "-1 to 40"),
    "a regulator of no element": (column("regulator", "element", 19), "regulator.element", "0 to 18"),
    "half a tap": (column("regulator", "tap", 0.5), "regulator.tap", "whole numbers"),
    "a tap beyond the highest": (column("regulator", "tap", 17), "regulator.tap", "-16 to 16"),
    "a tap without end": (column("regulator", "lowest", -np.inf), "regulator", "finite numbers"),
    "a conductor that is not there": (column("control", "conductor", 1e5), "control.conductor", "0 to 79"),
    "a conductor that its element lacks": (column("control", "conductor", 6), "arrays", "as many"),
    "a load that is no number": (column("spot", "kw", np.nan), "spot.kw", "finite numbers"),
    "more ends than widths": (number("element_ends", 90), "card.sizes.element_widths", "by the numbers"),
    "wider ends": (number("element_widths", 90), "card.sizes.element_nodes", "by the numbers"),
    "no control": (number("controlled", 0), "card.sizes.controls", "2, by the numbers"),
    "a name that is none": (lambda a, c: (a, c | {"names": c["names"] | {"bus": [{}] * 16}}), "names.bus", "texts"),
    "names that are none": (field("names", 3), "names.bus", "a list of texts"),
    "a frequency in words": (field("frequency_hz", "60"), "frequency_hz", "1 to 1000"),
    "an origin that is none": (field("origin", [1]), "origin", "texts by name"),
    "notes that are none": (field("notes", [1]), "notes", "a list of texts"),
    "other columns": (field("columns", [[]]), "columns", "import the model again"),
}
CHECKPOINTS = {
    "another shape": (part("weights", 3), r"weights is float32 \(3, 3\), not float32 \(4, 3\)"),
    "another kind": (lambda a, c: (a | {"weights": a["weights"].astype(np.float64)}, c), "weights is float64"),
    "an array less": (lambda a, c: ({"done": a["done"]}, c), "weights is none"),
    "an array more": (lambda a, c: (a | {"more": np.zeros(2)}, c), r"more is float64 \(2,\), not none"),
    "no number": (number("weights", np.nan), "not finite in weights"),
    "too large": (number("weights", 1e35), "not finite in weights, or above"),
    "rounds below 0": (lambda a, c: (a | {"done": np.int32(-7)}, c), "counts below 0"),
}


@pytest.mark.parametrize("name", REGIONS)
def test_a_forged_region_is_refused(tmp_path, name):
    change, said, allowed = REGIONS[name]
    path = tmp_path / "forged.safetensors"
    path.write_bytes(pack(*change(*REGION)))
    with pytest.raises(ScenarioError) as error:
        bundle.load(path)
    told(error, str(path), said, allowed)


@pytest.mark.parametrize("name", FEEDERS)
def test_a_forged_feeder_is_refused(name):
    change, said, allowed = FEEDERS[name]
    with pytest.raises(ScenarioError) as error:
        from_bytes(pack(*change(*FEEDER)), "forged.feeder")
    told(error, "forged.feeder", said, allowed)


def told(error, where: str, said: str, allowed: str) -> None:
    problems = [each for each in error.value.problems if each.field == said]
    assert problems and problems[0].where == where, str(error.value)
    assert re.search(allowed, problems[0].allowed), problems[0].allowed


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_a_forged_checkpoint_is_refused(tmp_path, name):
    change, said = CHECKPOINTS[name]
    path = tmp_path / "forged.safetensors"
    path.write_bytes(pack(*change({key: np.asarray(each) for key, each in TREE.items()}, {"rounds": 7})))
    with pytest.raises(RunError, match=rf"forged\.safetensors: .*{said}"):
        load_tree(path, TREE)


@pytest.mark.parametrize(
    ("name", "change", "allowed"),
    [
        ("weight0", lambda x: x[:1], r"\(2, 1\)"),
        ("weight0", lambda x: x * np.nan, "at most"),
        ("weight0", lambda x: x * 1e9, "at most"),
        ("bias0", lambda x: x.astype(int), "32 or 64 bits"),
        ("bias0", lambda x: x * np.inf, "at most"),
    ],
)
def test_a_forged_policy_is_refused(tmp_path, name, change, allowed):
    seen = [{"name": word, "unit": "kW", "offset": 0, "scale": 1} for word in "ab"]
    control = {"name": "battery", "device": "battery", "unit": "kW", "low": -5, "high": 5, "least": -5, "most": 5,
               "base": 0}  # fmt: skip
    card = {"name": "home-1", "step_s": 900, "observation": seen, "controls": [control], "reach": 1, "adds": [],
            "gives": []}  # fmt: skip
    arrays = {"weight0": np.ones((2, 1), np.float32), "bias0": np.ones(1, np.float32)}
    edge_card.read(edge_card.write(tmp_path / "whole", pack(arrays, {}), card))
    forged = edge_card.write(tmp_path / "forged", pack(arrays | {name: change(arrays[name])}, {}), card)
    with pytest.raises(ScenarioError, match=rf"policy\.safetensors: {name}.*allowed: .*{allowed}"):
        edge_card.read(forged)
