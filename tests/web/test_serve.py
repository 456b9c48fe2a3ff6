"""Every address of the server, and who is refused."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from pathlib import Path

import anyio
import pytest
from starlette.testclient import TestClient

from wattflock.core.errors import RunError, ScenarioError
from wattflock.core.files import save_tree
from wattflock.core.run_files import sealed
from wattflock.report import geojson, html, run_data
from wattflock.verbs.serving import serve
from wattflock.web import live
from wattflock.web.app import Verbs, application
from wattflock.web.guard import UPLOAD_BYTES, Access
from wattflock.web.listing import entries

HERE = "http://127.0.0.1:8420"
OWN = {"origin": HERE}
RUN = "/run/gradmap-0123456789"
READINGS = "time,load kWh\n" + "".join(
    f"2024-{1 + day // 28:02}-{1 + day % 28:02} {hour:02}:00,{'oops' if day == hour == 3 else 0.4 + 0.02 * hour}\n"
    for day in range(56)
    for hour in range(24)
)


@pytest.fixture
def visitor(served) -> TestClient:
    return TestClient(served.app, HERE, follow_redirects=False)


def test_the_list_says_what_stands_in_the_folder(served, visitor):
    text = visitor.get("/").text
    parts = [f'href="{RUN}"', 'href="/run/stopped-1"', 'href="/study/study-small"', "A small &amp; old study"]
    for part in (*parts, "not judged yet", "saves an average home", 'value="file:tiny.toml"', 'value="bundled:mixed"'):
        assert part in text
    states = {each.name: each.state for each in entries(served.folder)}
    assert states == {"gradmap-0123456789": "done", "stopped-1": "stopped", "study-small": "done"}
    assert "Type “wattflock demo”" in TestClient(_empty(served), HERE).get("/").text


def _empty(served):
    folder = served.folder / "none"
    folder.mkdir()
    return application(type(served.site)(folder, served.site.verbs, served.children), Access())


@pytest.mark.study
def test_a_run_is_served_as_its_report_with_downloads(served, visitor):
    text, alone = visitor.get(RUN).text, visitor.get(f"{RUN}/report.html").text
    assert text.count('class="plot"') == alone.count('class="plot"') > 5
    assert "connect-src" not in text and f"{RUN}/homes.xlsx" in text and "Downloads" not in alone
    csv = visitor.get(f"{RUN}/methods.csv")
    assert csv.headers["content-disposition"] == 'attachment; filename="gradmap-0123456789-methods.csv"'
    assert csv.text.startswith("method,") and csv.text.count("\n") == 6
    day = visitor.get(f"{RUN}/worst_day.csv").text.splitlines()
    assert day[0].endswith("value,step") and len(day) % 24 == 1 and day[1].endswith(",0") and day[24].endswith(",23")
    with zipfile.ZipFile(io.BytesIO(visitor.get(f"{RUN}/nodes.xlsx").content)) as book:
        assert "xl/worksheets/sheet1.xml" in book.namelist()
    assert visitor.get(f"{RUN}/secrets.csv").status_code == visitor.get(f"{RUN}/homes.parquet").status_code == 404


def test_the_feeder_as_geojson(served, visitor):
    folder = served.folder / "gradmap-0123456789"
    found, run = visitor.get(f"{RUN}/feeder.geojson").json(), run_data.read(folder)
    points = [each for each in found["features"] if each["geometry"]["type"] == "Point"]
    lines = [each for each in found["features"] if each["geometry"]["type"] == "LineString"]
    assert len(points) == len(run.chart["bus"]) and len(points) - 1 <= len(lines) <= len(run.chart["edges"])
    worst = run.nodes.filter(run.nodes["method"] == "idle")["violation_pu_h"].max()
    assert max(each["properties"].get("idle_violation_pu_h", 0) for each in points) == worst > 0
    at = {each["properties"]["bus"]: each["geometry"]["coordinates"] for each in points}
    assert all(at[each["properties"]["from"]] == each["geometry"]["coordinates"][0] for each in lines)
    assert found["coordinates_are"] == geojson.OWN
    nowhere = dict.fromkeys(("x", "y"), [None] * len(points))
    drawn = geojson.feeder_geojson(run_data.RunData(**vars(run) | {"chart": run.chart | nowhere}))
    assert drawn["coordinates_are"] == geojson.DRAWN
    assert len({tuple(each["geometry"]["coordinates"]) for each in drawn["features"][: len(points)]}) == len(points)


def test_a_study_is_served_with_our_scripts_alone(visitor):
    page = visitor.get("/study/study-small")
    assert "fetch('/start'" not in page.text and 'aria-label="Pages"' in page.text
    assert page.text.count("<script>") == len(html.scripts())
    assert "connect-src 'none'; form-action 'none'" in page.headers["content-security-policy"]
    assert visitor.get("/study/study-small/table.csv").text == "row,cost_mean\nmain,1.5\n'=cmd,2.0\n"


def test_a_what_if_is_listed_with_its_files(served, visitor):
    folder = served.folder / "whatif-lv-1"
    folder.mkdir()
    (folder / "whatif.html").write_text("<title>Cars on a street</title>")
    (folder / "whatif.geojson").write_text("{}")
    text = visitor.get("/").text
    assert 'href="/study/whatif-lv-1"' in text and "Cars on a street" in text
    found = visitor.get("/study/whatif-lv-1/whatif.geojson")
    assert found.text == "{}" and found.headers["content-type"] == "application/geo+json"
    assert visitor.get("/study/whatif-lv-1/whatif.xlsx").status_code == 404
    (served.folder / "stopped-1").rename(served.folder / "whatif-cars50-1")  # one of its cells is a run
    assert 'href="/run/whatif-cars50-1"' in visitor.get("/").text
    assert visitor.get("/run/whatif-cars50-1").status_code == 200


def test_a_run_that_was_stopped_shows_its_curves(served, visitor):
    text = visitor.get("/run/stopped-1").text
    assert "10 of 20 rounds" in text and "it can go on from there" in text and "connect-src 'self'" in text
    found = live.facts(served.folder / "stopped-1", None)
    assert found["state"] == "stopped" and [row["cost"] for row in _rows(found["chart"])] == [1.0, 0.5]


def test_a_forged_run_hides_no_other(served, visitor):
    for name, files in {
        "bad-toml": {"scenario.toml": 'homes = "many"\nlearn = 3\njudge = {methods = 4}\n'},
        "bad-summary": {"scenario.toml": "", "summary.json": '{"methods": {"<b>": {"rounds": "x"}}, "currency": []}'},
        "bad-lock": {"scenario.toml": "", "lock.json": '{"process": "1; rm"}'},
        "bad-depth": {"scenario.toml": "a = " + "[" * 50_000},
        "bad-size": {"scenario.toml": "", "summary.json": _sealed("gradmap", 10**400)},
        "bad-method": {"scenario.toml": "", "summary.json": _sealed("<b>", 1)},
    }.items():
        (served.folder / name).mkdir()
        for file, text in files.items():
            (served.folder / name / file).write_text(text)
        assert visitor.get(f"/run/{name}").status_code in (200, 400)
    save_tree(served.folder / "bad-lock" / "checkpoints" / "a.safetensors", {}, {"rounds": "x", "curve": "y"})
    assert visitor.get("/run/bad-lock").status_code == 200
    text = visitor.get("/").text
    assert "bad-summary" in text and "broken" in text and "<b>" not in text and RUN in text


def test_a_pipe_in_a_run_holds_nobody_up(served, visitor):
    judged, stopped = served.folder / RUN[5:], served.folder / "stopped-1"
    os.mkfifo(stopped / "checkpoints" / "idle.safetensors")
    os.mkfifo(stopped / "checkpoints" / "gradmap.timings.json")
    for path in (stopped / "lock.json", judged / "homes.parquet", served.folder / "study-small" / "table.csv"):
        path.unlink(missing_ok=True)
        os.mkfifo(path)
    assert visitor.get("/").status_code == visitor.get("/run/stopped-1").status_code == 200
    for address in (f"{RUN}/homes.csv", "/study/study-small/table.csv"):
        found = visitor.get(address)
        assert found.status_code == 400 and "a pipe, socket or device, not a file" in found.text
    os.mkfifo(served.folder / "pipe.toml")
    sent = visitor.post("/start", data={"scenario": "file:pipe.toml"}, headers=OWN)
    assert sent.status_code == 400 and not served.children.known
    (judged / "summary.json").unlink()
    os.mkfifo(judged / "summary.json")
    assert visitor.get("/").text.count("broken") == 1 and visitor.get(RUN).status_code == 400


def _sealed(method: str, figure: int) -> str:
    figures = dict.fromkeys(("cost_per_home_day", "violation_pu_h", "rounds"), figure)
    return json.dumps(sealed({"methods": {"idle": figures, method: figures}, "currency": "GBP"}))


def test_a_name_in_any_alphabet_can_be_downloaded(served, visitor):
    (served.folder / "gradmap-0123456789").rename(served.folder / "улица-0123456789")
    found = visitor.get("/run/улица-0123456789/methods.csv")
    name = "%D1%83%D0%BB%D0%B8%D1%86%D0%B0-0123456789-methods.csv"
    assert found.headers["content-disposition"] == f"attachment; filename*=UTF-8''{name}"


def _rows(chart: dict) -> list[dict]:
    return [row for table in chart["datasets"].values() for row in table]


def test_events_come_once_for_each_change(served, monkeypatch):
    monkeypatch.setattr(live, "POLL_S", 0.01)
    path = served.folder / "stopped-1"

    async def watched(last: str, change) -> list[str]:
        heard, stream = [], live.events(path, lambda: None, last)
        async for text in stream:
            heard.append(text)
            if len(heard) == 2:
                change()
            if len(heard) == 3:
                break
        await stream.aclose()
        return heard

    first = anyio.run(watched, "", lambda: (path / "summary.json").write_text("{}"))
    assert first[0] == "retry: 2000\n\n" and all("event: state\n" in each for each in first[1:])
    ids = [each.partition("id: ")[2].partition("\n")[0] for each in first[1:]]
    assert len(set(ids)) == 2 and json.loads(first[2].partition("data: ")[2])["state"] == "broken"
    monkeypatch.setattr(live, "QUIET_S", 0.02)
    assert anyio.run(watched, ids[1], lambda: None)[1:] == [": still here\n\n"] * 2  # nothing is told again


def test_a_meter_file_is_judged_beside_its_rows(visitor):
    sent = visitor.post("/data", content=READINGS, headers=OWN | {"x-file-name": "m%20y.csv", "x-zone": "Europe/Oslo"})
    assert sent.status_code == 200 and "m-y.csv" in sent.text and 'class="plot"' in sent.text
    assert "77: 2024-01-04 03:00,oops" in sent.text and "unread-value" in sent.text
    fed = "".join(f"{line},a\x0cb\n" for line in READINGS.splitlines())  # a form feed ends no row
    fed = visitor.post("/data", content=fed, headers=OWN | {"x-file-name": "m.csv", "x-zone": "Europe/Oslo"})
    assert "77: 2024-01-04 03:00,oops" in fed.text
    wrong = visitor.post("/data", content=READINGS, headers=OWN | {"x-file-name": "m.csv", "x-zone": "Europe/Olso"})
    assert "Europe/Oslo" in wrong.text or "unknown-zone" in wrong.text
    assert visitor.post("/data", content=b"\0\1", headers=OWN | {"x-file-name": "m.xlsx"}).status_code in (200, 400)


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.csv", b"x,y\n1,2\n"), ("a.csv", b""), ("a.xlsx", b"PK\3\4"), ("a.parquet", b"\0\1"), ("a.zip", b"PK"),
     ("a.json", b"[["), ("a.xml", b"<a>"), ("a.csv.gz", b"\0"), ("a.exe", b"MZ"), ("a", b"")],
)  # fmt: skip
def test_what_is_wrong_with_a_file_names_it_as_its_owner_does(visitor, name, content):
    sent = visitor.post("/data", content=content, headers=OWN | {"x-file-name": name, "x-zone": "Europe/Oslo"})
    assert sent.status_code in (200, 400) and name in sent.text and "wattflock-" not in sent.text, sent.text
    assert tempfile.gettempdir() not in sent.text


def test_a_conversation_and_its_plan(visitor):
    first = visitor.post("/talk", json={"state": None, "words": None}, headers=OWN).json()
    then = visitor.post("/talk", json={"state": first["state"], "words": "64 kWh"}, headers=OWN).json()
    assert then["agreed"] == {"ev_battery_kwh": "the battery of the car holds 64 kWh"}
    plan = visitor.post("/plan", json={"state": then["state"]}, headers=OWN)
    assert plan.status_code == 200 and "Your plan" in plan.text and 'class="plot"' in plan.text
    table = visitor.post("/plan.csv", data={"state": json.dumps(then["state"])}, headers=OWN)
    assert table.headers["content-disposition"].endswith('"plan.csv"') and table.text.startswith("begins,")
    for message in ("no json", "[]", '{"state": 3}', "[" * 100_000):
        answer = visitor.post("/talk", content=message, headers=OWN)
        assert answer.status_code == 400 and answer.json()["error"]


def test_what_stands_above_the_folder_or_behind_a_link_is_not_served(served, visitor):
    outside = served.folder.parent / "secret"
    os.symlink(outside, served.folder / "linked")
    (served.folder / "inner").mkdir()
    os.symlink(outside / "scenario.toml", served.folder / "inner" / "scenario.toml")
    os.symlink(outside / "scenario.toml", served.folder / "link.toml")
    names = ("linked", "inner", "..%2Fsecret", "%2e%2e", ".", "..%5Csecret", "%2Fetc", "a%00b", "nobody", "x" * 300)
    for name in names:
        for rest in ("", "/homes.csv", "/events", "/..%2F..%2Fsecret%2Fscenario.toml"):
            assert visitor.get(f"/run/{name}{rest}").status_code == 404, (name, rest)
    assert visitor.get("/study/gradmap-0123456789").status_code == 404
    for value in ("file:link.toml", "file:../secret/scenario.toml", "file:tiny", "bundled:nobody", "file:", ""):
        assert visitor.post("/start", data={"scenario": value}, headers=OWN).status_code == 404, value
    assert "linked" not in visitor.get("/").text and not served.children.known


@pytest.mark.parametrize(
    ("headers", "code"),
    [({}, 403), ({"origin": "null"}, 403), ({"origin": "http://evil.example"}, 403),
     ({"origin": "http://127.0.0.1:9"}, 403), (OWN, 404)],
)  # fmt: skip
def test_only_our_own_pages_can_start_anything(served, visitor, headers, code):
    assert visitor.post("/start", data={"scenario": "bundled:nobody"}, headers=headers).status_code == code
    assert visitor.post("/run/stopped-1/resume", headers={"origin": "null"}).status_code == 403
    assert visitor.post("/run/stopped-1/resume", headers={"origin": "http://[x"}).status_code == 403
    assert visitor.post("/run/study-small/resume", headers=OWN).status_code == 404  # it is no run
    assert visitor.get("/start").status_code == 405 and not served.children.known


@pytest.mark.slow
@pytest.mark.parametrize(
    ("site", "mode", "dest", "code"),
    [("cross-site", "navigate", "document", 200), ("cross-site", "navigate", "iframe", 403),
     ("cross-site", "no-cors", "image", 403), ("cross-site", "no-cors", "script", 403),
     ("cross-site", "cors", "empty", 403), ("cross-site", None, None, 403), ("same-origin", "cors", "empty", 200),
     ("none", "navigate", "document", 200), (None, None, None, 200)],
)  # fmt: skip
def test_another_site_can_lead_here_and_ask_for_nothing(visitor, site, mode, dest, code):
    said = {"sec-fetch-site": site, "sec-fetch-mode": mode, "sec-fetch-dest": dest}
    headers = {name: value for name, value in said.items() if value}
    for address in ("/", RUN, f"{RUN}/methods.csv"):
        assert visitor.get(address, headers=headers).status_code == code
        assert visitor.head(address, headers=headers).status_code == code


def test_a_name_that_points_here_is_refused(visitor):
    for host in ("evil.example:8420", "evil.example", "127.0.0.1.evil.example:8420", "", "[::1"):
        assert visitor.get("/", headers={"host": host}).status_code == 421
    for host in ("localhost:8420", "127.0.0.1:8420", "[::1]:8420"):
        assert visitor.get("/", headers={"host": host}).status_code == 200


def test_a_token_is_asked_for_once(served):
    token = "correct-horse-battery"
    app = application(served.site, Access("0.0.0.0", 8420, token))
    visitor = TestClient(app, "http://box.local:8420", follow_redirects=False)
    assert "?token=" in visitor.get("/").text and visitor.get("/").status_code == 401
    assert visitor.get("/?token=wrong").status_code == visitor.get(RUN).status_code == 401
    assert visitor.get(RUN, headers={"cookie": f"wattflock-8420={token}"}).status_code == 401
    first = visitor.get(f"/%2Fevil.example?token={token}&x=1")
    assert first.status_code == 303 and first.headers["location"] == "/evil.example?x=1"
    cookie = first.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie and token not in cookie
    assert visitor.get("/").status_code == 200  # the client has kept the cookie
    program, wrong = ({"authorization": f"Bearer {said}"} for said in (token, f"{token}x"))
    bare = TestClient(app, "http://box.local:8420")
    assert bare.get("/", headers=program).status_code == 200 and bare.get("/", headers=wrong).status_code == 401
    assert bare.post("/start", data={"scenario": "bundled:nobody"}, headers=program).status_code == 404
    assert visitor.post("/start", data={"scenario": "bundled:nobody"}).status_code == 403  # the cookie alone


def test_too_much_is_refused_before_it_is_read(visitor):
    def much(count: int):
        for _ in range(count):
            yield b"x" * (1 << 20)

    sent = visitor.post("/data", content=much(2 + (UPLOAD_BYTES >> 20)), headers=OWN | {"x-file-name": "m.csv"})
    assert sent.status_code == 413 and "64 MB" in sent.text
    assert visitor.post("/talk", content=much(2), headers=OWN).status_code == 413


@pytest.mark.study
def test_every_answer_carries_its_headers(visitor):
    for address in ("/", RUN, "/data", "/talk", "/nobody", "/run/nobody", f"{RUN}/homes.csv"):
        headers = visitor.get(address).headers
        assert headers["content-security-policy"].startswith("default-src 'none'"), address
        assert "unsafe-inline" not in headers["content-security-policy"].partition("script-src")[2]
        assert headers["x-content-type-options"] == "nosniff" and headers["cache-control"] == "no-store"


def test_refusals_come_in_the_form_that_is_expected(served, visitor):
    for address, code in (("/nobody", 404), ("/start", 405), ("/run/nobody", 404)):
        found = visitor.get(address)
        assert found.status_code == code and "This cannot be shown" in found.text and "<script" not in found.text
    assert visitor.get("/start").headers["allow"] == "POST" and "/start takes POST alone" in visitor.get("/start").text
    assert "<h1>" in visitor.get("/", headers={"host": "evil.example"}).text
    assert visitor.post("/talk", content=b"{}").json() == {"error": "Only a page of this server can ask for this."}
    assert visitor.post("/data", content=b"{}").text == "Only a page of this server can ask for this."
    assert "<h1>" in visitor.post("/start").text


def test_a_fault_of_the_server_is_told_in_words(served):
    def full(*_):
        raise OSError("the disk is full")

    site = type(served.site)(served.folder, Verbs(full, full), served.children)
    visitor = TestClient(application(site, Access()), HERE, raise_server_exceptions=False)
    found = visitor.post("/data", content=READINGS, headers=OWN | {"x-file-name": "m.csv"})
    assert found.status_code == 500 and "terminal" in found.text and "disk" not in found.text
    assert found.headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.parametrize(
    ("given", "field"),
    [({"host": "0.0.0.0"}, "--host"), ({"token": "short"}, "--token"), ({"port": 0}, "--port")],
)
def test_the_command_refuses_what_is_not_safe(given, field, monkeypatch):
    monkeypatch.delenv("WATTFLOCK_TOKEN", raising=False)
    with pytest.raises(ScenarioError, match=field):
        serve(Path("runs"), **given)


def test_a_port_that_is_taken_is_told(tmp_path):
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(RunError, match=r"cannot listen on 127\.0\.0\.1"),
    ):
        serve(tmp_path, port=taken.getsockname()[1])


@pytest.mark.slow
def test_ctrl_c_stops_the_server_and_its_runs(served):
    """The command itself, with a run at work that keeps what it has when it is told to stop."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    begin = f"import sys; sys.argv[1:] = {['serve', '--runs', str(served.folder), '--port', str(port)]}"
    work = "import pathlib, sys, time; time.sleep(60)"
    begin += f"\nfrom wattflock.web import children\nchildren.WATTFLOCK = (sys.executable, '-c', {work!r})"
    command = [sys.executable, "-c", f"{begin}\nfrom wattflock.apps.cli import main\nmain()"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        said = process.stderr.readline()
        here = {"origin": said.strip().rstrip("/"), "content-type": "application/x-www-form-urlencoded"}
        asked = urllib.request.Request(f"{said.strip()}start", b"scenario=file:tiny.toml", here)
        page = urllib.request.urlopen(asked, timeout=60)
        assert said.startswith(f"http://127.0.0.1:{port}/") and "Under way" in page.read().decode()
        process.send_signal(signal.SIGINT)
        assert "stopped" in process.communicate(timeout=60)[1] and process.returncode == 130
    finally:
        process.kill()
        process.communicate()
