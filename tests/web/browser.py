"""A real Chromium without a window, driven over a pipe (Chrome DevTools Protocol): no package is needed for it."""

import base64
import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--remote-debugging-pipe", "about:blank",
)  # fmt: skip
NUMBERED = """
import os, sys  # the browser reads commands from file 3 and writes answers to file 4
for number, file in enumerate([os.dup(int(each)) for each in sys.argv[1:3]], 3):
    os.dup2(file, number)
    os.set_inheritable(number, True)
os.execv(sys.argv[3], sys.argv[3:])
"""
PATIENCE_S = 40.0
DESKTOP, PHONE = (1280, 900), (390, 844)


class Browser:
    """One tab: opens pages, runs JavaScript in them, and keeps what they complained of and asked for."""

    def __init__(self, told: int, heard: int):
        self.told, self.heard, self.rest, self.number = told, heard, b"", 0
        self.complaints: list[str] = []  # console errors, exceptions and refusals of the content security policy
        self.asked: list[str] = []  # addresses
        page = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for name in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{name}.enable")

    session = ""

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """The result of a command."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        message |= {"sessionId": self.session} if self.session else {}
        os.write(self.told, json.dumps(message).encode() + b"\0")
        while True:
            found = self._next()
            if found.get("id") == self.number:
                assert "error" not in found, found
                return found["result"]

    def open(self, address: str, size: tuple[int, int] = DESKTOP, dark: bool = False) -> None:
        """Open a page and wait until it has loaded and drawn its figures."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=size[0], height=size[1], deviceScaleFactor=1, mobile=False
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Page.navigate", url=address)
        self.wait("document.readyState === 'complete' && location.href !== 'about:blank'")
        self.wait("[...document.querySelectorAll('.plot')].every(each => each.dataset.drawn || !each.clientWidth)")

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def wait(self, script: str) -> None:
        """Until an expression is true; a page that is being replaced has none."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            with contextlib.suppress(AssertionError):
                if self.run(f"!!({script})"):
                    return
            time.sleep(0.1)
        raise AssertionError(f"never true: {script}; the page says: {self.run('document.body.innerText')[:2000]}")

    def picture(self, path: Path) -> Path:
        """A screenshot of the whole page."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 9000), "scale": 1}
        found = self.call("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(found["data"]))
        return path

    def printed(self) -> bytes:
        """The page as PDF."""
        return base64.b64decode(self.call("Page.printToPDF", printBackground=True)["data"])

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self.rest:
            more = os.read(self.heard, 1 << 20)
            assert more, "the browser has ended"
            self.rest += more
        first, _, self.rest = self.rest.partition(b"\0")
        found = json.loads(first)
        self._note(found.get("method"), found.get("params", {}))
        return found

    def _note(self, method: str | None, params: dict[str, Any]) -> None:
        if method == "Network.requestWillBeSent":
            self.asked.append(params["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(str(params["exceptionDetails"])[:500])
        elif method == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.complaints.append(str(params["entry"])[:500])
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "assert"):
            self.complaints.append(str(params["args"])[:500])


@contextlib.contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """A browser with a profile of its own; it is ended afterwards."""
    (theirs, told), (heard, ours) = os.pipe(), os.pipe()

    command = [sys.executable, "-S", "-c", NUMBERED, str(theirs), str(ours), str(CHROMIUM), *FLAGS]
    command.append(f"--user-data-dir={profile}")
    nowhere = subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=nowhere, stderr=nowhere, pass_fds=(theirs, ours))
    os.close(theirs)
    os.close(ours)
    try:
        yield Browser(told, heard)
    finally:
        process.terminate()
        process.wait(20)
        os.close(told)
        os.close(heard)
