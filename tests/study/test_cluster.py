"""Work on many machines: folders travel whole, what is lost is tried again, and results are those of one process."""

import operator
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.game.homes import flock
from wattflock.core.errors import WattflockError
from wattflock.game import chunks
from wattflock.game.chunks import Runner
from wattflock.game.game import coalitions
from wattflock.study import carried as folders
from wattflock.study import cluster as module
from wattflock.study.carried import _packed, carried
from wattflock.study.cluster import for_long, on_ray
from wattflock.study.parallel import Lost, serial, side_by_side

MEMBERS = coalitions(6)[1:-1]
ONE_NODE = {"num_cpus": 1, "object_store_memory": 80 << 20, "include_dashboard": False}
DRIVER = """
import sys
import numpy as np
from pathlib import Path
from tests.game.homes import flock
from wattflock.game import chunks
from wattflock.study.cluster import on_ray
chunks.CHUNK = 1
days = flock().days
chunks.Runner(on_ray(sys.argv[1]), Path(sys.argv[2])).costs(days, np.load(sys.argv[3]))
"""


def written(shared: tuple[Path, str], item: str) -> str:
    """Work that goes on with a file, and marks the run as complete."""
    (runs, more), folder = shared, shared[0] / item
    (folder / "part").mkdir(parents=True, exist_ok=True)
    begun = folder / "begun.txt"
    begun.write_text((begun.read_text() if begun.exists() else "new") + more)
    (folder / "part" / "empty").touch()
    (folder / "a-mark.json").write_text("{}")
    for second, path in enumerate((begun, folder / "part" / "empty", folder / "a-mark.json")):
        os.utime(path, (second, second))
    return f"{item} in {runs.name}"


def test_folders_travel_both_ways(tmp_path, monkeypatch):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "begun.txt").write_text("old")
    order, write = [], folders.write_whole
    monkeypatch.setattr(folders, "write_whole", lambda path, data: order.append(path) or write(path, data))
    told = dict(carried(serial, lambda item: tmp_path / item)(written, (tmp_path, "+more"), ["old", "fresh"]))
    assert told[0].startswith("old in wattflock-") and told[1].startswith("fresh in wattflock-")
    assert {name: (tmp_path / name / "begun.txt").read_text() for name in ("old", "fresh")} == {
        "old": "old+more",
        "fresh": "new+more",
    }
    assert (tmp_path / "fresh" / "part" / "empty").read_bytes() == b""
    assert [path.name for path in order if tmp_path / "fresh" in path.parents] == ["begun.txt", "empty", "a-mark.json"]
    assert not list(tmp_path.rglob("lock.json"))


@pytest.mark.parametrize(("damage", "why"), [(lambda data: data[:-1], "whole"), (None, "lead elsewhere")])
def test_what_does_not_come_back_whole_is_not_written(tmp_path, damage, why):
    data = damage(_packed({"a": b"1"})) if damage else _packed({"../a": b"1"})
    far = lambda work, shared, items: ((number, ("", data)) for number, _ in enumerate(items))  # noqa: E731
    ((_, told),) = carried(far, lambda item: tmp_path / item)(written, (tmp_path,), ["run"])
    assert isinstance(told, Lost) and why in told.why
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_without_an_address_nothing_of_ray_is_asked_for(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    assert for_long(1, "") is serial and for_long(2, "").__qualname__.startswith(side_by_side.__name__)
    with pytest.raises(WattflockError, match=r"pip install 'wattflock\[ray\]'"):
        for_long(1, "local")


@pytest.mark.parametrize("address", ["127.0.0.1:9", "nowhere"])
def test_where_no_cluster_is_it_is_told_soon(address, monkeypatch):
    said = SimpleNamespace(is_initialized=lambda: False, init=lambda *_, **__: pytest.fail("Ray would wait"))
    monkeypatch.setitem(sys.modules, "ray", said)
    with pytest.raises(WattflockError, match=f"--ray {address}: .*; allowed: local, or host:port of a cluster"):
        for_long(1, address)


@pytest.fixture
def three(monkeypatch):
    """A cluster of three nodes, one core each, on this machine; and its nodes besides the first."""
    pytest.importorskip("ray")
    for name, value in {"RAY_AUTH_TOKEN": "5" * 64, **module.QUIET, **module.ENCLOSED}.items():
        monkeypatch.setenv(name, value)
    import ray
    from ray.cluster_utils import Cluster

    found = Cluster(initialize_head=True, head_node_args=ONE_NODE)
    try:
        nodes = [found.add_node(**ONE_NODE) for _ in range(2)]
        yield found, nodes
    finally:
        ray.shutdown()
        found.shutdown()


@pytest.mark.slow
@pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore:os.fork", "ignore::pytest.PytestUnraisableExceptionWarning"
)
def test_a_lost_process_node_or_driver_changes_no_bit(three, tmp_path, monkeypatch):
    (nodes, (node, _)), days = three, flock().days
    executor = on_ray(nodes.address)
    assert _killed(executor, tmp_path / "once") == {0: 5, 1: "7", 2: 9}
    assert threads_of(on_ray(nodes.address, 1)) == {0: ["1", "1", 1]}
    monkeypatch.setattr(chunks, "CHUNK", 1)
    expected, seen = Runner().costs(days, MEMBERS), []

    def losing(work, shared, items):
        for number, result in executor(work, shared, items):
            seen.append(number)
            if len(seen) == 3:
                nodes.remove_node(node)
            yield number, result

    np.testing.assert_array_equal(Runner(losing).costs(days, MEMBERS), expected)
    np.save(tmp_path / "members.npy", MEMBERS)
    for how in (signal.SIGKILL, signal.SIGINT):
        cache = tmp_path / how.name
        said, kept = _stopped([nodes.address, str(cache), str(tmp_path / "members.npy")], cache, how)
        assert 0 < len(kept) < len(days) * len(MEMBERS)
        assert how == signal.SIGKILL or "cancelled; what is finished is kept" in " ".join(said.split())
        np.testing.assert_array_equal(Runner(executor, cache).costs(days, MEMBERS), expected)
        assert {path: path.stat().st_mtime_ns for path in kept} == kept  # what was kept is not made again


def _killed(executor, mark: Path) -> dict:
    """Three items, in the first of which the process is killed, once."""
    dies = (
        f"5 if __import__('os').path.exists({str(mark)!r}) else (open({str(mark)!r}, 'x'), __import__('os')._exit(3))"
    )
    return dict(executor(operator.call, eval, [dies, "'7'", "9"]))


def threads_of(executor) -> dict:
    """What a process is told to use, and how many threads XLA has in it."""
    names = "[path.read_text() for path in __import__('pathlib').Path('/proc/self/task').glob('*/comm')]"
    told = "[__import__('os').environ['NPROC'], __import__('os').environ['OMP_NUM_THREADS']]"
    begun = "__import__('jax').numpy.ones(3).sum()"
    return dict(executor(operator.call, eval, [f"{begun} and {told} + [{names}.count('tf_XLAEigen\\n')]"]))


def _stopped(words: list[str], cache: Path, how: signal.Signals) -> tuple[str, dict[Path, int]]:
    """A driver that is stopped when it has kept some chunks: what it said, and what is kept."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    process = subprocess.Popen(
        [sys.executable, "-c", DRIVER, *words], env=environment, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 120
    while len(list(cache.glob("*.safetensors"))) < 5 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(how)
    said = process.communicate(timeout=60)[1]
    assert process.returncode, said
    return said, {path: path.stat().st_mtime_ns for path in cache.glob("*.safetensors")}
