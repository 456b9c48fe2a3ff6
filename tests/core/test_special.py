"""A pipe in the place of a file that is read: refused at once, for nobody may ever write into it."""

import os
import socket
from pathlib import Path

import numpy as np
import pytest

from wattflock.assistant.files import lines_of
from wattflock.core import toml
from wattflock.core.errors import RunError, ScenarioError
from wattflock.core.files import load_tree, read_card, read_json, regular
from wattflock.core.run_files import read_summary, read_table
from wattflock.data.layout import format_of
from wattflock.data.unpack import content
from wattflock.game.game_file import read as read_game
from wattflock.synth.bundle import unpacked
from wattflock.synth.region import Region
from wattflock.verbs.data import looked

SAID = "a pipe, socket or device, not a file"
READERS = {
    "lock.json": read_json,
    "summary.json": lambda path: read_summary(path.parent),
    "homes.parquet": lambda path: read_table(path.parent, "homes"),
    "card.safetensors": read_card,
    "tree.safetensors": lambda path: load_tree(path, {"x": np.zeros(1)}),
    "region.safetensors": lambda path: unpacked(Region, path),
    "layout.toml": lambda path: format_of(str(path)),
    "game.json": read_game,
    "talk.jsonl": lines_of,
    "readings.csv.gz": content,
    "folder/readings.parquet": lambda path: looked(path.parent, "table", ["zone=Europe/Oslo"]),
    "folder/readings.csv": lambda path: looked(path.parent, "table", ["zone=Europe/Oslo"]),
}


@pytest.mark.parametrize("name", READERS)
def test_a_pipe_is_read_by_nobody(name: str, tmp_path: Path):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    os.mkfifo(path)
    with pytest.raises((RunError, ScenarioError), match=SAID):
        READERS[name](path)


def test_a_scenario_that_is_a_pipe_is_a_problem(tmp_path: Path):
    os.mkfifo(tmp_path / "scenario.toml")
    problems = []
    assert toml.read(tmp_path / "scenario.toml", problems) == {} and SAID in str(problems[0])


def test_files_alone_are_regular(tmp_path: Path):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "file")
    assert regular(tmp_path / "file").is_file() and regular(tmp_path / "link").is_file()
    with socket.socket(socket.AF_UNIX) as heard:
        heard.bind(str(tmp_path / "socket"))
        for path in (tmp_path / "socket", Path("/dev/zero")):
            with pytest.raises(OSError, match=SAID):
                regular(path)
    with pytest.raises(FileNotFoundError):
        regular(tmp_path / "missing")
