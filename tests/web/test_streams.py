"""As many pages as anybody opens that listen to a run: the others are still served."""

import time
import urllib.error
import urllib.request

import pytest
from starlette.testclient import TestClient

from tests.web.at_work import at_work
from wattflock.web.guard import MOST_STREAMS, Guard

EVENTS = "/run/stopped-1/events"


@pytest.mark.study
def test_streams_leave_room_for_pages(served, port):
    here = f"http://127.0.0.1:{port}"
    with at_work(served.app, port):
        streams = [urllib.request.urlopen(here + EVENTS, timeout=20) for _ in range(MOST_STREAMS)]
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(here + EVENTS, timeout=20)
        assert refused.value.code == 503 and refused.value.headers["retry-after"] == "5"
        assert b"try again" in refused.value.read()
        with urllib.request.urlopen(f"{here}/data", timeout=20) as page:
            assert page.status == 200
        for stream in streams:
            stream.close()
        until = time.monotonic() + 20
        while served.app.free[True] < MOST_STREAMS and time.monotonic() < until:
            time.sleep(0.05)
        with urllib.request.urlopen(here + EVENTS, timeout=20) as again:
            assert again.readline() == b"retry: 2000\n"


def test_too_many_pages_at_once_are_told_in_words(served):
    assert isinstance(served.app, Guard)
    visitor = TestClient(served.app, "http://127.0.0.1:8420")
    served.app.free[False] = 0
    found = visitor.get("/")
    assert found.status_code == 503 and "<h1>" in found.text and "try again" in found.text
    served.app.free[False] = 1
    for _ in range(3):  # each gives its place back, a refused one too
        assert visitor.get("/").status_code == 200 and visitor.get("/run/nobody").status_code == 404
