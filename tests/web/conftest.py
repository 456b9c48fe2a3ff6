"""A folder to serve: a judged run, one that was stopped, a study, and what must not be served."""

import shutil
import socket
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.report.conftest import make_run
from wattflock.core.files import save_tree
from wattflock.verbs.data import looked
from wattflock.verbs.planning import planned_of
from wattflock.web.app import Site, Verbs, application
from wattflock.web.children import Children
from wattflock.web.guard import Access

SCENARIO = 'name = "tiny"\n[homes]\ncount = 5\n[learn]\npart = "gradmap"\nrounds = 20\n[judge]\nmethods = ["gradmap"]\n'
STUDY = (
    '<!doctype html><html lang="en"><head><title>A small &amp; old study</title></head><body>'
    '<header class="top"><h1>x</h1>'
    "</header><main></main><script>fetch('/start', {method: 'POST'})</script></body></html>"
)
CURVE = [{"method": "gradmap", "seed": 0, "round": k, "split": "validation", "cost": 5 / k} for k in (5, 10)]


def checkpoint(run: Path) -> None:
    """Ten of twenty rounds, as training keeps them."""
    card = {"method": "gradmap", "run": run.name, "rounds": 10, "curve": CURVE}
    save_tree(run / "checkpoints" / "gradmap.safetensors", {"x": np.zeros(1)}, card)


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> Path:
    """A judged run that nobody changes."""
    return make_run(tmp_path_factory.mktemp("made") / "busy")


@pytest.fixture
def served(tmp_path: Path, made: Path) -> SimpleNamespace:
    """Folder, children and the application, without a token."""
    folder = tmp_path / "runs"
    shutil.copytree(made, folder / "gradmap-0123456789")
    (folder / "gradmap-0123456789" / "scenario.toml").write_text(SCENARIO)
    (folder / "stopped-1").mkdir()
    (folder / "stopped-1" / "scenario.toml").write_text(SCENARIO)
    checkpoint(folder / "stopped-1")
    (folder / "study-small").mkdir()
    (folder / "study-small" / "study.html").write_text(STUDY)
    (folder / "study-small" / "table.csv").write_text("row,cost_mean\nmain,1.5\n=cmd,2.0\n")
    (folder / "tiny.toml").write_text(SCENARIO)
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "scenario.toml").write_text(SCENARIO)
    (tmp_path / "logs").mkdir()
    children = Children(folder, tmp_path / "logs")
    site = Site(folder, Verbs(looked, planned_of), children)
    yield SimpleNamespace(folder=folder, children=children, site=site, app=application(site, Access()))
    children.end()


@pytest.fixture
def port() -> int:
    """A free one."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]
