"""Each page and each main action in a real browser, on a desk and on a phone: no complaint, nothing from outside."""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.at_work import at_work
from tests.web.browser import CHROMIUM, DESKTOP, PHONE, Browser, browser
from tests.web.conftest import checkpoint
from tests.web.test_serve import READINGS, RUN
from wattflock.core.scenario import load
from wattflock.study.run import open_run
from wattflock.web import children, live

# `make browser` installs it, where npm is; without it accessibility is not checked.
SHOTS = Path(__file__).parents[2] / "build" / "pages"  # what every page looked like, desk and phone
AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
pytestmark = [
    pytest.mark.study,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: no page is opened in a browser"),
]
# In place of `wattflock compare`: half of its rounds, then it waits for a file `go` and copies a judged run.
STANDS_IN = """
import json, os, pathlib, platform, shutil, signal, sys, time
half, judged, _, scenario, runs = map(pathlib.Path, [*sys.argv[1:3], *sys.argv[3:5], sys.argv[-1]])
run = runs / half.name
shutil.copytree(half, run, dirs_exist_ok=True)
lock = run / "lock.json"
lock.write_text(json.dumps({"process": os.getpid(), "machine": platform.node()}))
def stopped(*_):
    lock.unlink()
    sys.exit(143)
signal.signal(signal.SIGTERM, stopped)
print("gradmap: 10/20  <b>12 %</b> of uncontrolled", flush=True)
while not (runs / "go").exists():
    time.sleep(0.05)
shutil.copytree(judged, run, dirs_exist_ok=True)
lock.unlink()
"""

NAMED = """
[...document.querySelectorAll('input, select, button, a')].filter(each => each.type !== 'hidden' &&
  !each.labels?.length && !each.ariaLabel && !each.textContent.trim()).map(each => each.outerHTML)
"""


@pytest.fixture
def address(served, port) -> Iterator[str]:
    """The server at work."""
    with at_work(served.app, port):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def tab(tmp_path: Path, address: str) -> Iterator[Browser]:
    with browser(tmp_path / "profile") as found:
        yield found
        outside = [each for each in found.asked if not each.startswith((address, "data:", "blob:", "about:"))]
        assert found.complaints == [] and outside == []


@pytest.mark.slow
def test_every_page_opens_and_fits(tab, address):
    SHOTS.mkdir(parents=True, exist_ok=True)
    for path in ("/", RUN, "/run/stopped-1", "/study/study-small", "/data", "/talk"):
        for size in (DESKTOP, PHONE):
            tab.open(address + path, size, dark=size == PHONE)
            assert tab.run("document.documentElement.scrollWidth") <= size[0], (path, size)
            assert "cannot be drawn" not in tab.run("document.body.innerText"), path
            assert tab.run(NAMED) == [], path
            assert tab.run("document.querySelectorAll('h1').length === 1 && document.documentElement.lang === 'en'")
            name = "-".join(filter(None, path.split("/"))) or "home"
            assert tab.picture(SHOTS / f"{name}-{size[0]}.png").stat().st_size > 3_000, path
    tab.open(address + RUN)
    assert tab.printed().startswith(b"%PDF")


@pytest.mark.slow
@pytest.mark.skipif(not AXE.exists(), reason="no axe-core on this machine (make browser): accessibility is not checked")
def test_no_page_is_closed_to_anybody(tab, address):
    rules = "axe.run().then(found => found.violations.map(each => each.id + ': ' + each.nodes[0].html))"
    for path in ("/", RUN, "/run/stopped-1", "/data", "/talk"):
        for size in (DESKTOP, PHONE):
            tab.open(address + path, size, dark=size == PHONE)
            tab.run(AXE.read_text())
            assert tab.run(rules) == [], (path, size)


def test_a_saved_table_holds_no_formula(tab, address):
    tab.open(address + RUN)
    formulas = ("=1", "+1", "@x", "-x", "-2+3", "-2+cmd|' /C calc'!A0", "-1 -HYPERLINK(x)", "-1 cmd|x!A0")
    for text in formulas:
        assert tab.run(f"cell({{childNodes: [{{textContent: {json.dumps(text)}}}]}})") == f'"\'{text}"', text
    for text in ("-", "-1", "-1.5", "-1,234.5", "-3 (-4 to 2)", "-2.1 %", "2-1", "home 3"):
        assert tab.run(f"cell({{childNodes: [{{textContent: {json.dumps(text)}}}]}})") == f'"{text}"', text


def test_the_list_is_filtered_from_the_keyboard(tab, address):
    tab.open(f"{address}/")
    tab.run("document.querySelector('#filter').focus()")
    tab.call("Input.insertText", text="small study")
    tab.wait("document.querySelector('#shown').textContent === '1 of 3'")
    tab.run("document.querySelector('tr:not([hidden]) a').focus()")
    tab.call("Input.dispatchKeyEvent", type="keyDown", key="Enter", windowsVirtualKeyCode=13, text="\r")
    tab.wait("location.pathname === '/study/study-small'")


@pytest.mark.slow
def test_a_run_is_started_stopped_and_gone_on_with(tab, address, served, tmp_path, made, monkeypatch):
    monkeypatch.setattr(live, "POLL_S", 0.05)
    name = open_run(load(served.folder / "tiny.toml"), served.folder).folder.name
    half = tmp_path / "half" / name
    half.mkdir(parents=True)
    shutil.copy(served.folder / "tiny.toml", half / "scenario.toml")
    checkpoint(half)
    monkeypatch.setattr(children, "WATTFLOCK", (sys.executable, "-c", STANDS_IN, str(half), str(made)))
    tab.open(f"{address}/")
    tab.run("document.querySelector('select').value = 'file:tiny.toml'")
    tab.run("document.querySelector('form').requestSubmit()")
    tab.wait(f"location.pathname === '/run/{name}' && document.querySelector('progress')?.value === 10")
    tab.wait("document.querySelector('#live pre')?.textContent.includes('<b>12 %</b> of uncontrolled')")
    tab.wait("document.querySelector('#curves .plot').textContent.includes('cost')")
    pressed = "[...document.querySelectorAll('button')].find(each => each.checkVisibility()).click()"
    tab.run(pressed)
    tab.wait("document.querySelector('.state')?.textContent.startsWith('Stopped')")
    assert served.children.known[name].process.wait(20) == 143
    tab.wait("[...document.querySelectorAll('button')].find(each => each.checkVisibility())?.textContent === 'Go on'")
    tab.run(pressed)
    tab.wait("document.querySelector('.state')?.textContent.startsWith('Under way')")
    (served.folder / "go").touch()
    tab.wait("document.querySelector('#downloads') && document.querySelector('#gains .plot')?.dataset.drawn")


def test_a_page_outlives_its_server(served, port, tmp_path, monkeypatch):
    monkeypatch.setattr(live, "POLL_S", 0.05)
    with browser(tmp_path / "profile") as tab:
        with at_work(served.app, port):
            tab.open(f"http://127.0.0.1:{port}/run/stopped-1")
            tab.wait("document.querySelector('.state').textContent.startsWith('Stopped')")
        tab.wait("document.querySelector('#link').textContent.startsWith('No answer')")
        (served.folder / "stopped-1" / "lock.json").write_text(json.dumps({"process": os.getpid()}))
        with at_work(served.app, port):
            tab.wait("document.querySelector('.state').textContent.startsWith('Under way')")
            assert tab.run("document.querySelector('#link').textContent") == ""


def test_a_meter_file_is_given_and_judged(tab, address, tmp_path):
    (tmp_path / "meter.csv").write_text(READINGS)
    tab.open(f"{address}/data")
    tab.run("document.querySelector('#zone').value = 'Europe/Oslo'")
    found = tab.call("Runtime.evaluate", expression="document.querySelector('input[type=file]')")["result"]
    tab.call("DOM.setFileInputFiles", objectId=found["objectId"], files=[str(tmp_path / "meter.csv")])
    tab.wait("document.querySelector('#card .plot')?.dataset.drawn && document.activeElement.tagName === 'H2'")
    assert "77: 2024-01-04 03:00,oops" in tab.run("document.querySelector('#card').textContent")


def test_a_conversation_leads_to_a_plan(tab, address):
    tab.open(f"{address}/talk", PHONE)
    tab.wait("document.querySelectorAll('.talk ol li').length === 1")
    tab.run("document.querySelector('#talk-words').value = '64 kWh'")
    tab.run("document.querySelector('.talk form').requestSubmit()")
    tab.wait("document.querySelector('.talk ul').textContent.includes('64 kWh')")
    tab.run("document.querySelector('#make').click()")
    tab.wait("document.querySelector('#plan .plot')?.dataset.drawn")
    assert "64" in tab.run("document.querySelector('#plan input[name=state]').value")
    assert tab.run("document.documentElement.scrollWidth") <= PHONE[0]
