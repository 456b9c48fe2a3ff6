"""Turns as messages: a whole conversation without a state kept, hostile messages, and a browser that talks."""

import json
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from wattflock.assistant.reply import reply
from wattflock.report import html, talk

OFFER = {"value": "Oxford", "state": "filled", "candidates": ["Oxford"], "evidence": "Oxford", "read_back": None}
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def test_a_conversation_goes_on_from_its_state_alone():
    first = reply({"state": None, "words": None})
    assert "battery of your car" in first["said"] and not first["done"] and first["agreed"] == {}
    second = reply(json.loads(json.dumps({"state": first["state"], "words": "64 kWh"})))
    assert second["agreed"] == {"ev_battery_kwh": "the battery of the car holds 64 kWh"}
    assert reply({"state": second["state"], "words": "64 kWh"}) == reply({"state": second["state"], "words": "64 kWh"})


@pytest.mark.parametrize(
    "message",
    [
        None,
        [],
        {"words": 3},
        {"state": []},
        {"state": {"wanted": ["city"]}},
        {"locale": "fr"},
        {"state": "wanted"},
    ],
)
def test_what_is_no_message_is_refused(message):
    with pytest.raises(ValueError, match=r"message|words|state|conversation|locale"):
        reply(message)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("wanted", ["citty"]),
        ("values", {"ev_battery_kwh": 1e9}),
        ("values", {"__class__": 1}),
        ("values", []),
        ("wanted", [["city"]]),
        ("refused", [[1]]),
        ("tries", {"city": "x"}),
        ("tries", 3),
        ("offered", {"city": 3}),
        ("offered", {"city": OFFER | {"state": "ambiguous", "candidates": []}}),
        ("offered", {"city": OFFER | {"state": "ambiguous", "candidates": [None, {}]}}),
        ("offered", {"city": OFFER | {"value": 3}}),
        ("offered", {"city": OFFER | {"state": "unknown"}}),
        ("locale", "xx"),
        ("today", "never"),
        ("today", "9999-12-31"),
        ("values", {"date_start": "9999-12-31"}),
    ],
)
def test_a_state_that_no_reply_gave_is_refused(field, value):
    state = reply({})["state"] | {field: value}
    with pytest.raises(ValueError, match=r"saved conversation|cannot be|isoformat"):
        reply({"state": state, "words": "yes"})


class Door(BaseHTTPRequestHandler):
    page = ""

    def do_GET(self):
        self.told(self.page.encode(), "text/html")

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.told(json.dumps(reply(message)).encode(), "application/json")

    def told(self, data, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


DRIVEN = """
const said = ['<b>64</b> kWh', 'yes'];
document.querySelector('.talk').addEventListener('agreed', event => {
  if (Object.keys(event.detail.agreed).length) { document.body.dataset.heard = 'yes'; return; }
  setTimeout(() => { document.querySelector('#talk-words').value = said.shift();
    document.querySelector('.talk form').requestSubmit(); }, 0);
});
"""


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: the page is not opened in a browser")
def test_a_browser_talks(tmp_path):
    box = f"<style>{html.STYLE}{talk.STYLE}</style>{talk.talk('/talk')}<script>{talk.SCRIPT}{DRIVEN}</script>"
    server = HTTPServer(("127.0.0.1", 0), type("OneDoor", (Door,), {"page": f"<!doctype html><body>{box}</body>"}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    flags = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    flags += ["--virtual-time-budget=8000", "--dump-dom", f"http://127.0.0.1:{server.server_port}/"]
    try:
        found = subprocess.run([str(CHROMIUM), *flags], capture_output=True, text=True, timeout=90, check=True).stdout
    finally:
        server.shutdown()
        server.server_close()
    assert 'data-heard="yes"' in found and "<li>the battery of the car holds 64 kWh</li>" in found
    assert '<li class="told">&lt;b&gt;64&lt;/b&gt; kWh</li>' in found
