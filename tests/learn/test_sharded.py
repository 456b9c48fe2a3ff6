"""Where homes and days lie changes no result but by rounding; homes stay where they are."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jax.numpy as jnp
import pytest
from jax.sharding import PartitionSpec

from wattflock.core.errors import ScenarioError
from wattflock.world.sharding import mesh_of, spread

SCRIPT = Path(__file__).with_name("sharded.py")
# Half the compilation. Not the plain emitters of the other tests: with them rounding differs more between devices.
FEW_PASSES = "--xla_llvm_disable_expensive_passes=true --xla_backend_optimization_level=0"


@pytest.fixture(scope="module")
def apart(tmp_path_factory) -> dict:
    """What `sharded.py` found on four devices; this process has one."""
    flags = f"--xla_force_host_platform_device_count=4 --xla_cpu_parallel_codegen_split_count=1 {FEW_PASSES}"
    command = [sys.executable, str(SCRIPT), str(tmp_path_factory.mktemp("sharded"))]
    ran = subprocess.run(command, env=os.environ | {"XLA_FLAGS": flags}, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("mesh", ["4 x homes", "2 x days, 2 x homes"])
class TestFourDevices:
    """Eight rounds of forty homes, float32, against one device."""

    def test_actions_costs_voltages_and_objectives_are_those_of_one_device(self, apart, mesh):
        found = {what: apart[mesh][what] for what in ("action", "cost", "voltage", "objective")}
        assert max(found.values()) < 1e-5, found

    def test_homes_are_shared_equally_and_never_moved(self, apart, mesh):
        """Devices exchange sums (all-reduce) alone: nothing of a home leaves the device that has it."""
        assert apart[mesh]["weights on a device"] == {"4": 0.25, "2": 0.5}[mesh[0]]
        assert (apart[mesh]["sums"], apart[mesh]["moves"]) == (True, [])


@pytest.mark.slow
@pytest.mark.parametrize("way", ["written on one", "read on one"])
def test_a_checkpoint_goes_on_with_other_devices(apart, way):
    found = {what: apart["4 x homes"][f"{way}: {what}"] for what in ("action", "cost", "voltage")}
    assert max(found.values()) < 1e-5, found


@pytest.mark.parametrize(("homes", "devices", "days"), [(20, 2, 1), (20, 3, 1), (20, 1, 2)])
def test_devices_that_are_not_there_are_refused(homes, devices, days):
    with pytest.raises(ScenarioError, match=r"devices = \d; allowed: (1|none) "):
        mesh_of(homes, devices, days)


def test_one_device_is_a_mesh_too(world):
    mesh = mesh_of(world.homes)
    laid = spread(world, world.homes, mesh)
    assert laid.placement.sharding.spec == PartitionSpec("homes")
    assert laid.feeder.nominal_kw.sharding.spec == PartitionSpec()
    assert jnp.array_equal(laid.placement, world.placement)
