"""The community through its worst day: the page holds the run's own numbers, its flows balance, its controls work."""

import dataclasses
import json
import re
import shutil
import subprocess

import numpy as np
import polars as pl
import pytest

from wattflock.core.errors import RunError
from wattflock.core.run_files import sealed
from wattflock.report import day_data, run_charts, run_data
from wattflock.report.day_page import OLD, community, style
from wattflock.report.html import PageSection, figure
from wattflock.report.html import page as html_page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def carried(text: str) -> tuple[dict, dict[str, np.ndarray]]:
    """What a page's script is given, and the numbers that it reads from it."""
    head, packs = (
        re.search(rf'class="{name}">(.*?)</script>', text, re.S)[1]  # type: ignore[index]
        for name in ("head", "packs")
    )
    told = json.loads(head)
    return told, day_data.read_back(told, packs)


@pytest.fixture(scope="module")
def busy(runs) -> run_data.RunData:
    """A run with violations."""
    return run_data.read(runs["busy"])


@pytest.fixture(scope="module")
def given(busy) -> tuple[dict, dict[str, np.ndarray]]:
    """What its page carries."""
    return carried(community(busy).body)


def kept(run: run_data.RunData, of: str, series: str, method: str = "gradmap") -> dict[str, list[float]]:
    table = run.worst_day.filter(of=of, series=series, method=method)
    return dict(table.select("name", "values").iter_rows())


@pytest.mark.study
def test_a_page_carries_the_numbers_of_the_run(busy, given):
    head, packs = given
    place = head["methods"].index("learned (gradmap)")
    assert place == head["first"] and len(head["methods"]) == 3
    volts = kept(busy, "node", "voltage")
    np.testing.assert_allclose(packs["voltage"][place], [volts[node] for node in head["nodes"]], atol=6e-6)
    series = {each["pack"]: each for each in head["series"]}
    for name in ("load", "battery", "net"):
        there, step = kept(busy, "home", name), next(p["scale"] for p in head["packs"] if p["name"] == f"home {name}")
        homes = [head["homes"]["home"][at] for at in series[f"home {name}"]["homes"]]
        assert len(homes) == len(there)
        np.testing.assert_allclose(packs[f"home {name}"][place], [there[home] for home in homes], atol=0.51 * step)
    bills = busy.homes.filter(method="gradmap", day=0).sort("home")["bill"]
    np.testing.assert_allclose(packs["money"][place, :, 0], bills, atol=0.006)


def test_a_branch_is_shown_by_its_worst_phase(busy, given):
    head, packs = given
    loads = kept(busy, "branch", "loading")
    name, one, other, _ = head["branches"][0]
    assert {head["buses"][one], head["buses"][other]} == set(busy.chart["branches"][0][1:])
    worst = 100 * np.max([values for branch, values in loads.items() if branch.rpartition(".")[0] == name], axis=0)
    np.testing.assert_allclose(packs["loading"][head["first"], 0], worst, atol=0.06)


def balance(head: dict, packs: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """By how much parts of homes, and of all together, miss the net power [kW], beside what rounding may do to them."""
    scale = {each["name"]: each["scale"] for each in head["packs"]}
    sums, slack = np.zeros((len(head["methods"]), len(head["homes"]["home"]), len(head["hour"]))), 0.0
    for each in head["series"]:
        if each["unit"] == "kW":
            sums[:, each["homes"]] += np.nan_to_num(packs[each["pack"]]) * (-1 if each["name"] == "net" else 1)
            slack += scale[each["pack"]] / 2
    sign = np.array([-1 if name == "net" else 1 for name in head["together"]])
    every = (np.nan_to_num(packs["together"]) * sign[:, None]).sum(1)
    return np.abs(sums).max((0, 2)) / slack, np.abs(every) / (len(sign) * scale["together"])


def test_load_and_charge_less_sun_and_discharge_are_the_net_import_at_every_step(given):
    """Of every home and of all together, from the very numbers of the page."""
    homes, together = balance(*given)
    assert len(homes) == 200 and homes.max() <= 1 and together.max() <= 1
    head, packs = given
    at = next(each for each in head["series"] if each["name"] == "panel")["pack"]
    homes, _ = balance(head, packs | {at: packs[at] * 1.1})
    assert homes.max() > 1, "a wrong flow is noticed"


def test_short_steps_are_put_together_and_keep_their_energy_and_their_worst(busy, monkeypatch):
    monkeypatch.setattr(day_data, "FRAMES", 8)
    found = day_data.day_data(busy)
    assert found is not None and found.head["hour"] == list(range(0, 24, 3)) and found.head["dt_h"] == 3
    packs = day_data.read_back(found.head, found.text)
    place = found.head["first"]
    net = np.array(list(kept(busy, "home", "net").values()))
    np.testing.assert_allclose(packs["home net"][place].sum(1) * 3, net.sum(1), atol=0.2)
    volts = np.array([kept(busy, "node", "voltage")[node] for node in found.head["nodes"]]).reshape(-1, 8, 3)
    np.testing.assert_allclose(np.abs(packs["voltage"][place] - 1), np.abs(volts - 1).max(-1), atol=6e-6)


def test_homes_that_do_not_fit_are_left_out_and_that_is_said(busy, monkeypatch):
    whole = len(day_data.day_data(busy).text)  # type: ignore[union-attr]
    monkeypatch.setattr(day_data, "HOMES_BYTES", whole // 5)
    section = community(busy)
    head, packs = carried(section.body)
    assert head["every"] == 4 and "every 4th has its series" in section.caption
    assert len(head["homes"]["home"]) == 200 and packs["home load"].shape[1] == 50


def test_a_number_that_is_none_stays_none():
    values = np.array([[[0.95, np.nan, 1.1]], [[1.0, 1.3, np.nan]]])
    pack = day_data.fitting(values, 1e-5, 1.0)
    found = day_data.unpacked(day_data.packed(pack.whole()), values.shape)
    np.testing.assert_array_equal(found, pack.whole())
    assert (found == day_data.NONE).sum() == 2


def test_a_run_of_an_older_version_has_a_word_instead_of_the_map(run_folder):
    (run_folder / "worst_day.parquet").unlink()
    run = run_data.read(run_folder)
    assert OLD in community(run).body and "</canvas>" not in community(run).body
    summary = json.loads((run_folder / "summary.json").read_text())
    (run_folder / "summary.json").write_text(json.dumps(sealed(summary | {"sha256": {"worst_day.parquet": "0"}})))
    with pytest.raises(RunError, match=r"worst_day\.parquet: is missing"):
        run_data.read(run_folder)


def test_methods_that_were_not_judged_on_the_day_are_named_as_they_are(busy):
    methods = busy.summary["methods"]
    summary = busy.summary | {"methods": methods | {"MyRule": methods["gradmap"]}}
    assert " MyRule: not judged on this day." in community(dataclasses.replace(busy, summary=summary)).caption


def test_what_a_run_calls_its_homes_cannot_leave_its_place(busy):
    kind = "</script><b>panel"
    homes = busy.homes.with_columns(pl.col("kind").replace("battery", kind))
    body = community(dataclasses.replace(busy, homes=homes)).body
    assert "</script><b>" not in body and "\\u003c/script>\\u003cb>panel" in body


ACTIONS = """<script>(async () => {
  const said = [], box = document.querySelector(".day"), part = name => box.querySelector("." + name);
  const wait = ms => new Promise(done => setTimeout(done, ms)), picture = () => part("canvas").toDataURL();
  addEventListener("error", event => said.push("error " + event.message));
  addEventListener("unhandledrejection", event => said.push("rejected " + event.reason));
  addEventListener("securitypolicyviolation", event => said.push("request " + event.blockedURI));
  const check = (name, holds) => said.push((holds ? "ok " : "no ") + name);
  const set = (name, value, event) => { part(name).value = value; part(name).dispatchEvent(new Event(event)); };
  for (let k = 0; k < 300 && !box.dataset.ready; k++) await wait(20);
  set("method", 0, "change");
  set("slider", 3, "input");
  const night = picture();
  set("slider", 12, "input");
  check("the slider moves the picture", picture() != night && part("clock").textContent.startsWith("12:00"));
  check("the words follow", part("said").textContent.startsWith("12:00–13:00, uncontrolled (idle): voltages from"));
  const noon = picture();
  set("by", "violation", "change");
  check("another colour", picture() != noon && part("legend").textContent.includes("mpu"));
  part("play").click();
  await wait(1300);
  check("play runs", +box.dataset.frame > 12 && part("play").getAttribute("aria-pressed") == "true");
  part("play").click();
  const still = box.dataset.frame;
  await wait(700);
  check("pause stays", box.dataset.frame == still);
  set("home", 3, "change");
  const named = part("title").textContent;
  check("the list shows a home", named.startsWith("Home 3:") && part("curve").querySelector("svg rect"));
  const area = part("canvas").getBoundingClientRect();
  const click = (x, y) => ["pointerdown", "pointerup"].forEach(name => part("canvas").dispatchEvent(
    new PointerEvent(name, {clientX: area.left + x, clientY: area.top + y, buttons: 1, bubbles: true})));
  search: for (let y = 10; y < area.height; y += 9) for (let x = 10; x < area.width; x += 9) {
    click(x, y);
    if (!part("title").textContent.startsWith("Home 3:")) break search;
  }
  check("a click shows a home", /^Home [0-9]+:/.test(part("title").textContent));
  const whole = picture();
  part("canvas").dispatchEvent(new KeyboardEvent("keydown", {key: "+"}));
  check("keys zoom", picture() != whole);
  part("canvas").dispatchEvent(new KeyboardEvent("keydown", {key: "0"}));
  check("0 shows all", picture() == whole);
  part("steps").open = true;
  await wait(100);
  check("a table of all steps", part("steps").querySelectorAll("tbody tr").length == 24);
  for (const name of ["canvas", "curve"])
    check(name + " has a text", part(name).getAttribute("aria-label").length > 60);
  check("no wider than its place", document.documentElement.scrollWidth <= innerWidth);
  const made_of = {}, blobs = [];
  URL.createObjectURL = blob => { blobs.push(blob); return "blob:" + blobs.length; };
  HTMLAnchorElement.prototype.click = function () { (made_of[this.download] ||= []).push(this.href.slice(0, 14)); };
  document.querySelectorAll(".save button").forEach(each => each.click());
  await wait(1500);
  const texts = await Promise.all(blobs.map(each => each.text()));
  check("pictures are saved", made_of["community.png"]?.includes("data:image/png")
    && made_of["tradeoff.png"]?.length == 1
    && texts.filter(each => each.startsWith("<svg ") && each.includes("http://www.w3.org/2000/svg")).length == 2);
  check("tables are saved", texts.some(each => each.startsWith('"this home","bill, this day USD"'))
    && texts.some(each => each.startsWith('"time","lowest pu"') && each.split("\\r\\n").length == 25));
  const made = document.createElement("pre");
  made.id = "said"; made.textContent = said.join("; "); document.body.append(made);
})();</script></body>"""


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine: the page is not opened in a browser")
@pytest.mark.parametrize("width", [1280, 500])
def test_browser_plays_the_day_and_shows_a_home(busy, tmp_path, width):
    report = tmp_path / "report.html"
    other = PageSection("tradeoff", "Cheap or safe?", "", figure(run_charts.tradeoff(busy)))
    before, after = html_page("a run", [community(busy), other], style=style()).rsplit("</body>", 1)
    report.write_text(before + ACTIONS + after)
    flags = [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--enable-logging=stderr",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", f"--window-size={width},900",
        f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=25000", "--dump-dom", report.as_uri(),
    ]  # fmt: skip
    found = subprocess.run([str(CHROMIUM), *flags], capture_output=True, text=True, timeout=120, check=True)
    said = re.search(r'<pre id="said">(.*?)</pre>', found.stdout)
    assert said, found.stderr[-2000:]
    assert [each for each in said[1].split("; ") if not each.startswith("ok ")] == []
    assert said[1].count("ok ") == 15
    console = [line for line in found.stderr.splitlines() if "CONSOLE" in line and "WARN" not in line]
    assert console == []
