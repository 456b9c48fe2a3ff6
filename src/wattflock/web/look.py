"""Style and scripts of what a served page has beside the report's own: links, forms, lists, live figures."""

from wattflock.report import talk

STYLE = (
    """
nav.pages { font-size: 15.5px; margin: 0 0 18px; gap: 4px 22px; } nav.pages [aria-current] { font-weight: 600;
  color: var(--ink); }
nav.pages a, .links a { padding: 6px 0; display: inline-block; }
a { color: var(--accent); } [hidden] { display: none !important; }
[tabindex="-1"] { outline: 0; }
:not([tabindex="-1"]):focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
button, .drop { font: inherit; font-size: 15px; color: var(--ink); background: var(--tint);
  border: 1px solid var(--line); border-radius: 8px; padding: 8px 16px; cursor: pointer; }
button:disabled { opacity: .5; cursor: default; }
.line { display: flex; flex-wrap: wrap; gap: 10px; align-items: end; margin: 8px 0; }
.line label { display: grid; gap: 4px; font-size: 14.5px; color: var(--soft); min-width: 0; }
select, input { padding: 8px 10px; }
.list td, .list tbody th { white-space: normal; vertical-align: top; } .list tbody th { min-width: 11em;
  overflow-wrap: anywhere; } .list td:last-child { min-width: 16em; }
.list td:nth-child(2), .list td:nth-child(4) { white-space: nowrap; }
.drop { display: block; border-style: dashed; border-width: 2px; padding: 26px 18px; text-align: center; }
.drop.over { border-color: var(--accent); } .drop input { display: block; margin: 10px auto 0; }
.fault { color: #b3261e; }
.found pre { margin: 0 0 14px; padding: 6px 8px; white-space: pre-wrap; overflow-wrap: anywhere; }
progress { width: min(320px, 100%); vertical-align: middle; accent-color: var(--accent); }
@media (prefers-color-scheme: dark) { .fault, .talk [role=alert] { color: #ff8a80; } }
@media (max-width: 760px) { .list thead { display: none; }
  .list table, .list tbody, .list tr, .list td, .list tbody th { display: block; width: auto; text-align: left; }
  .list tr { border-bottom: 1px solid var(--line); padding: 8px 0; } .list td, .list tbody th { border: 0;
  padding: 2px 0; position: static; box-shadow: none; } }
@media print { form, button, .line, .links, #downloads { display: none !important; } }
"""
    + talk.STYLE
)
SHOW = """
function show(place, text) {
  place.innerHTML = text;
  place.querySelectorAll(".plot, .wide").forEach(each => { measure(each); watch.observe(each); });
}
async function ask(address, options, fault) {
  fault.textContent = "";
  try {
    const answer = await fetch(address, {method: "POST", ...options});
    const text = await answer.text();
    if (!answer.ok) throw new Error(text);
    return text;
  } catch (error) { fault.textContent = error.message; }
}
"""
FILTER = """
const filter = document.querySelector("#filter"), rows = [...document.querySelectorAll(".list tbody tr")];
if (filter) filter.addEventListener("input", () => {
  const words = filter.value.toLowerCase().split(/\\s+/);
  rows.forEach(row => { row.hidden = !words.every(word => row.textContent.toLowerCase().includes(word)); });
  document.querySelector("#shown").textContent = rows.filter(row => !row.hidden).length + " of " + rows.length;
});
"""
LIVE = (
    SHOW
    + """
const live = document.querySelector("#live"), plot = document.querySelector("#curves .plot");
let seen = "", curves = plot.nextElementSibling.textContent;
function told(event) {
  const now = JSON.parse(event.data), text = JSON.stringify(now.chart);
  if (now.status !== seen) { seen = now.status; show(live, seen); }
  if (text !== curves) { curves = text; plot.nextElementSibling.textContent = text; draw(plot); }
  document.querySelectorAll("form[data-when]").forEach(form => { form.hidden = form.dataset.when !== now.state; });
  document.body.dataset.state = now.state;
}
function listen() {
  const source = new EventSource(live.dataset.from), link = document.querySelector("#link");
  source.addEventListener("state", told);
  source.addEventListener("done", () => { source.close(); location.reload(); });
  source.addEventListener("open", () => { link.textContent = ""; });
  source.addEventListener("error", () => {
    link.textContent = "No answer from the server: trying again.";
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 3000);  // it was refused, which is for good
  });
}
listen();
"""
)
UPLOAD = (
    SHOW
    + """
const drop = document.querySelector(".drop"), pick = drop.querySelector("input");
const zone = document.querySelector("#zone"), busy = document.querySelector("#busy");
const card = document.querySelector("#card"), fault = document.querySelector("#fault");
async function send(file) {
  fault.textContent = ""; card.replaceChildren(); busy.textContent = "Reading " + file.name + " …";
  const headers = {"Content-Type": "application/octet-stream", "X-File-Name": encodeURIComponent(file.name),
    "X-Zone": encodeURIComponent(zone.value)};
  const text = await ask("/data", {body: file, headers}, fault);
  busy.textContent = "";
  if (text) { show(card, text); card.querySelector("h2").focus(); }
}
pick.addEventListener("change", () => { if (pick.files.length) send(pick.files[0]); });
["dragover", "dragleave", "drop"].forEach(name => drop.addEventListener(name, event => {
  event.preventDefault(); drop.classList.toggle("over", name === "dragover");
  if (name === "drop" && event.dataTransfer.files.length) send(event.dataTransfer.files[0]);
}));
"""
)
TALK = (
    talk.SCRIPT
    + SHOW
    + """
const ready = document.querySelector("#make"), plan = document.querySelector("#plan");
let kept = null;
document.addEventListener("agreed", event => { kept = event.detail.state; ready.disabled = false; });
ready.addEventListener("click", async () => {
  ready.disabled = true;
  const headers = {"Content-Type": "application/json"}, fault = document.querySelector("#fault");
  const text = await ask("/plan", {body: JSON.stringify({state: kept}), headers}, fault);
  if (text) { show(plan, text); plan.querySelectorAll("input[name=state]").forEach(each => {
    each.value = JSON.stringify(kept); }); plan.scrollIntoView(); }
  ready.disabled = false;
});
"""
)
