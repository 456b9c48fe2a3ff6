"""Measured figures stand in one generated file each: pages show what it says, and it says where it comes from."""

import importlib.util
import re

import pytest

from tests.house.commands import PAGE

ROOT = PAGE.parents[1]
MEASURED = sorted((ROOT / "benchmarks").glob("*.md"))
HEAD = re.compile(r"# .+\n\n- command: `.+`\n- commit: [0-9a-f]{7,}\b.*\n- date: \d{4}-\d\d-\d\d\n- machine: \S.*\n\n")


def load_fill():
    spec = importlib.util.spec_from_file_location("fill", ROOT / "docs" / "fill.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


fill = load_fill()


@pytest.mark.parametrize("page", fill.PAGES, ids=lambda page: page.name)
def test_pages_show_what_the_measured_files_say(page):
    text = page.read_text(encoding="utf-8")
    assert text == fill.filled(text)


@pytest.mark.parametrize("file", MEASURED, ids=lambda file: file.name)
def test_measured_files_begin_with_command_commit_date_and_machine(file):
    assert HEAD.match(file.read_text(encoding="utf-8"))


def test_every_figure_with_decimals_of_the_front_page_is_filled():
    """Outside the marks, README has no figure with decimals, per cent or thousands."""
    text = fill.MARK.sub("", (ROOT / "README.md").read_text(encoding="utf-8"))
    text = re.sub(r"```.*?```|\(.*?\)|Python 3\.11|Apache-2\.0", "", text, flags=re.DOTALL)
    assert set(re.findall(r"\d[\d,]*\.\d+|\d+(?= ?%)|\d{1,3},\d{3}", text)) == set()


@pytest.mark.parametrize("page", fill.PAGES, ids=lambda page: page.name)
def test_no_line_begins_with_a_figure(page):
    """Markdown takes a line that begins with a comment for HTML, and its paragraph ends there."""
    assert not re.findall(r"^<!-- from [^\n]+ -->\S.*", page.read_text(encoding="utf-8"), re.MULTILINE)


def test_a_cell_is_found_by_section_row_and_column():
    text = "## One\n\n| a | b [s] |\n|---|---:|\n| x | 1 |\n| y | |\n\n## Two\n\n| a | b |\n|---|---|\n| x | 2 |\n"
    assert fill.cell(fill.section(text, "One", "f"), "x", "b", "f") == "1"
    assert fill.cell(fill.section(text, "Two", "f"), "x", "b", "f") == "2"
    with pytest.raises(LookupError, match="rows that begin with 'x': 2"):
        fill.cell(text, "x", "b", "f")
    with pytest.raises(LookupError, match="columns that begin with 'c': 0"):
        fill.cell(text, "x", "c", "f")
    with pytest.raises(LookupError, match="sections called 'Three': 0"):
        fill.section(text, "Three", "f")


def test_a_stale_figure_is_replaced():
    mark = "<!-- from benchmarks/world.md: homes alone / home-steps -->"
    known = fill.filled(f"{mark}1<!-- end --> and {mark}2<!-- end -->")
    value = fill.cell((ROOT / "benchmarks" / "world.md").read_text(), "homes alone", "home-steps", "f")
    assert known == f"{mark}{value}<!-- end --> and {mark}{value}<!-- end -->"
