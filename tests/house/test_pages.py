"""Pages of docs: no word of which state of the code a figure is, and every link, path, name and snippet is there."""

import ast
import fnmatch
import importlib
import itertools
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "wattflock"
DOCS = sorted((ROOT / "docs").glob("*.md"))
DECISIONS = sorted((ROOT / "decisions").glob("*.md"))
MEASURED = sorted((ROOT / "benchmarks").glob("*.md"))
FRONT = ROOT / "README.md"
ROOTS = sorted(ROOT.glob("*.md"))
MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
STATE = re.compile(
    rf"\b(today|earlier)\b|as before\b|in this state|\b\d{{1,2}} ({MONTHS})\b(?! (?!2026)\d{{4}})",
    re.IGNORECASE,
)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`[^`\n]*`(?!\])")
FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
PYTHON = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
FILE = re.compile(r"`((?:[\w-]+/)*[\w-]+(?:\.(?:py|toml|csv|md)|/))`")
MODULE = re.compile(r"\bwattflock((?:\.\w+)+)")
WRITTEN = re.compile(
    r"^(runs|card|table|curves-.*|envelopes|voltages|sizes|meters|agile|chart|mine|source|slots|constraints)\b"
)

pages = pytest.mark.parametrize("page", [FRONT, *DOCS], ids=lambda page: page.name)
all_pages = pytest.mark.parametrize("page", [*ROOTS, *DOCS, *DECISIONS, *MEASURED], ids=lambda page: page.name)
docs = pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)


def prose(page: Path) -> str:
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def links(page: Path) -> list[tuple[Path, str]]:
    """Files of this repository that a page links to, each with an anchor or none."""
    found = [link for link in LINK.findall(CODE.sub("", prose(page))) if "://" not in link]
    return [
        ((page.parent / target).resolve() if target else page, anchor)
        for target, _, anchor in (link.partition("#") for link in found)
    ]


@cache
def anchors(page: Path) -> set[str]:
    """Headings as GitHub makes anchors of them."""
    found = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


@cache
def names_of_files() -> set[str]:
    """Every file and folder of code and data, by each of its endings: `feeder/solve.py` and `solve.py`."""
    found: set[str] = set()
    for folder in ("src", "tests", "benchmarks", "cases", "decisions", "docs", "examples"):
        for path in (ROOT / folder).rglob("*"):
            parts = path.relative_to(ROOT).parts
            found |= {"/".join(parts[start:]) + "/" * path.is_dir() for start in range(len(parts))}
    return found


def module_of(parts: list[str]) -> tuple[Path, list[str]]:
    """The file or folder that a dotted name stands in, and what of the name is left."""
    place, rest = SOURCE, parts
    while rest and ((place / rest[0]).is_dir() or (place / f"{rest[0]}.py").is_file()):
        folder = place / rest[0]
        place, rest = (folder if folder.is_dir() else folder.with_suffix(".py")), rest[1:]
    return place, rest


@pages
def test_no_word_says_which_state_of_the_code_a_figure_is_of(page):
    text = prose(page)
    assert [text[max(0, found.start() - 40) : found.end() + 20] for found in STATE.finditer(text)] == []


@all_pages
def test_links_lead_somewhere(page):
    there = [file.exists() and (not anchor or anchor in anchors(file)) for file, anchor in links(page)]
    assert [link for link, found in zip(links(page), there, strict=True) if not found] == []


@all_pages
def test_headings_go_down_one_level_at_a_time(page):  # the site of the pages takes no others
    levels = [len(mark) for mark in re.findall(r"^(#+) ", prose(page), re.MULTILINE)]
    assert levels[0] == 1
    assert [pair for pair in itertools.pairwise(levels) if pair[1] > pair[0] + 1] == []


@docs
def test_the_site_has_every_page(page):
    listed = re.findall(r"^\.\./([\w*-]+)$", (ROOT / "docs" / "site" / "index.md").read_text(), re.MULTILINE)
    assert any(fnmatch.fnmatch(page.stem, name) for name in listed)


def test_every_decision_has_a_number_of_its_own_in_name_and_heading():
    numbers = [page.name.partition("-")[0] for page in DECISIONS]
    assert len({*numbers}) == len(numbers)
    headings = [page.read_text(encoding="utf-8").partition("\n")[0] for page in DECISIONS]
    assert [told for number, told in zip(numbers, headings, strict=True) if not told.startswith(f"# {number}: ")] == []


@docs
def test_files_that_are_named_exist(page):
    named = {name for name in FILE.findall(prose(page)) if not WRITTEN.match(name)}
    assert sorted(named - names_of_files()) == []


@docs
def test_modules_that_are_named_exist(page):
    missing = []
    for dotted in MODULE.findall(page.read_text(encoding="utf-8")):
        place, rest = module_of(dotted.strip(".").split("."))
        file = place / "__init__.py" if place.is_dir() else place
        if rest and not re.search(rf"\b{rest[0]}\b", file.read_text(encoding="utf-8")):
            missing.append(dotted)
    assert missing == []


@docs
def test_what_snippets_import_exists(page):
    for code in PYTHON.findall(page.read_text(encoding="utf-8")):
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("wattflock"):
                module = importlib.import_module(node.module or "")
                assert [name.name for name in node.names if not hasattr(module, name.name)] == []


def test_every_page_is_reached_from_the_list_of_pages():
    reached, to_read = set(), [ROOT / "docs" / "README.md"]
    while to_read:
        page = to_read.pop()
        reached.add(page)
        to_read += [file for file, _ in links(page) if file in DOCS and file not in reached]
    assert [page.name for page in DOCS if page not in reached] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("measured in today's state", True),
        ("as before, nobody", True),
        ("measured on 20 November", True),
        ("measured on 26 November 2026", True),
        ("from Monday, 1 August 2016", False),
        ("2 Nov 2013, and it may well be", False),
        ("the day before", False),
    ],
)
def test_the_pattern_finds_what_it_is_for(text, found):
    assert bool(STATE.search(text)) == found
