"""What a run leaves for a box: the same actions without JAX, and a folder that is checked before it is used."""

import json
import shutil
import subprocess
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from wattflock.core.errors import ScenarioError
from wattflock.edge import card as cards
from wattflock.edge.__main__ import main
from wattflock.edge.mqtt import door
from wattflock.edge.policy import Policy
from wattflock.study.exported import absent, of_home, taken_apart
from wattflock.world.rollout import ZeroPolicy

from .conftest import observed_by


def test_a_box_decides_as_the_library_does(apart, policy, boxes, homes):
    with jax.enable_x64(True):
        nets = jax.tree.map(lambda x: x.astype(jnp.float64), policy.nets)
        actions = np.asarray(nets(jnp.moveaxis(jnp.asarray(apart.features), 0, 1)))  # (homes, steps, controls)
    owners = [name for name, device in apart.world.fleet.devices.items() for _ in range(device.controls)]
    for kind, home in homes.items():
        card, arrays = cards.read(boxes[kind])
        steered = [k for k, name in enumerate(owners) if not absent(of_home(apart.world.fleet.devices[name], home))]
        found = np.stack([Policy(card, arrays)(row) for row in observed_by(apart, home, card)])
        np.testing.assert_allclose(found, actions[home][:, steered], atol=1e-9)
        assert {each.device for each in card.controls} == {owners[k] for k in steered}


def test_the_card_tells_units_limits_and_what_holds_without_a_policy(boxes):
    card, _ = cards.read(boxes["battery+panel"])
    (battery,) = card.controls
    assert (battery.unit, battery.low, battery.most, battery.fallback) == ("kW", -5.0, 5.0, 0.0)
    assert card.gives == ("panel: yield of the panels",)
    (pump,) = cards.read(boxes["heat_pump"])[0].controls
    assert pump.fallback is None  # its thermostat
    (car,) = cards.read(boxes["ev"])[0].controls
    assert (car.least, car.fallback) == (0.0, pytest.approx(7.4))  # it cannot give; without a policy it charges at once


def test_policies_that_are_no_networks_are_refused_by_name(world64, profile):
    with pytest.raises(ScenarioError, match=r"idle \(ZeroPolicy\)"):
        taken_apart(world64, ZeroPolicy(), profile, "idle")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda card: card["controls"][0].update(most=1e6), "sha256"),
        (lambda card: card.update(format=99), "format"),
        (lambda card: card.update(sha256=None), "sha256"),
    ],
)
def test_a_folder_that_was_changed_is_refused(change, words, boxes, tmp_path):
    folder = shutil.copytree(boxes["battery"], tmp_path / "box")
    card = json.loads((folder / cards.CARD).read_text())
    change(card)
    (folder / cards.CARD).write_text(json.dumps(card))
    with pytest.raises(ScenarioError, match=words):
        cards.read(folder)


def test_every_problem_of_a_card_is_told_at_once(boxes, tmp_path):
    packed = (boxes["battery"] / cards.POLICY).read_bytes()
    card = json.loads((boxes["battery"] / cards.CARD).read_text())
    card["controls"][0] |= {"least": 9.0, "base": "x"}
    card["observation"][0]["scale"] = 0
    cards.write(tmp_path, packed, card | {"name": "../up", "adds": 5})
    with pytest.raises(ScenarioError) as found:
        cards.read(tmp_path)
    fields = {each.field for each in found.value.problems}
    assert {"battery charging power.least", "base", "observation", "name", "adds"} <= fields
    (tmp_path / cards.CARD).write_text("[" * 100_000)
    with pytest.raises(ScenarioError, match=r"card\.json: content"):
        cards.read(tmp_path)


def test_onnx_decides_the_same(box, boxes):
    pytest.importorskip("onnx", reason="onnx is not installed: extra edge")
    onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    from wattflock.verbs.exporting import write_onnx

    _, policy, values = box
    path = write_onnx(boxes["battery+panel"])
    (found,) = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(None, {"values": values})
    np.testing.assert_allclose(found, np.stack([policy(row) for row in values]), atol=1e-12)


def test_a_decision_takes_less_than_a_millisecond(box):
    _, policy, values = box
    began = time.process_time()
    for _ in range(1000):
        policy(values[0])
    assert time.process_time() - began < 1.0


@pytest.mark.parametrize("broker", ["http://x", "mqtt://", "mqtt://host:port", "mqtt://127.0.0.1"])
def test_a_wrong_folder_or_broker_is_told(broker, tmp_path, capsys):
    assert main([str(tmp_path), "--broker", broker]) == 2
    said = capsys.readouterr().err
    assert ("mqtt://host[:port]" in said) != (broker == "mqtt://127.0.0.1")
    with pytest.raises(ScenarioError, match="mqtts://"):
        door("mqtt://elsewhere.example", "home-1", "secret", None)


def test_the_process_has_no_jax_and_is_small(boxes):
    code = (
        "import re, sys; from pathlib import Path\n"
        "from wattflock.edge import __main__, card, policy\n"
        "found = policy.Policy(*card.read(Path(sys.argv[1])))\n"
        "print([name for name in ('jax', 'polars', 'equinox', 'pydantic') if name in sys.modules])\n"
        "print(int(re.search(r'VmHWM:\\s*(\\d+)', Path('/proc/self/status').read_text())[1]) / 1024)"
    )
    call = [sys.executable, "-c", code, str(boxes["battery"])]
    loaded, rss_mb = subprocess.run(call, capture_output=True, text=True, check=True).stdout.split("\n")[:2]
    assert loaded == "[]"
    assert float(rss_mb) < 60
