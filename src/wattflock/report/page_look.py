"""How the page looks and how its menus work: style and script as text, put into the one file."""

STYLE = """
:root { --ink: #16202e; --soft: #556070; --paper: #ffffff; --ground: #f4f6f8; --line: #dde2e8;
  --accent: #0072b2;
  --tint: #e8f2f9; color-scheme: light dark; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ecf1; --soft: #a2adba; --paper: #18202b;
  --ground: #10161e;
  --line: #2c3744; --accent: #5bb0e8; --tint: #1b2f40; } }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; }
body { margin: 0; background: var(--ground); color: var(--ink); line-height: 1.55;
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif; }
main, header.top { max-width: 1120px; margin: 0 auto; padding: 0 20px; }
header.top { padding-top: 44px; padding-bottom: 8px; }
.run { color: var(--soft); font-size: 14px; margin: 0; overflow-wrap: anywhere; }
h1 { font-size: clamp(26px, 4.2vw, 42px); line-height: 1.16; letter-spacing: -.015em; margin: 10px 0 14px;
  max-width: 24em; text-wrap: balance; overflow-wrap: anywhere; }
h2 { font-size: 21px; letter-spacing: -.005em; margin: 0 0 6px; }
.lead { font-size: 18px; max-width: 44em; margin: 0 0 20px; color: var(--ink); }
.soft, figcaption { color: var(--soft); font-size: 14.5px; max-width: 52em; margin: 0 0 12px; }
nav { display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: 14.5px; margin: 18px 0 0; }
nav a { color: var(--accent); text-decoration: none; } nav a:hover { text-decoration: underline; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(190px, 1fr)); gap: 12px; }
.tile, section { background: var(--paper); border: 1px solid var(--line); border-radius: 10px; }
.tile { padding: 14px 18px; } .tile b { display: block; font-size: 29px; line-height: 1.2;
  letter-spacing: -.01em; }
.tile b small { font-size: 15px; font-weight: 500; letter-spacing: 0; }
.tile span { color: var(--soft); font-size: 14px; }
section { padding: 22px 24px; margin: 16px 0; min-width: 0; }
.wide { overflow-x: auto; margin: 0 -24px; padding: 0 24px; }
table { border-collapse: collapse; width: 100%; font-size: 14.5px; font-variant-numeric: tabular-nums; }
th, td { padding: 8px 10px; text-align: right; border-bottom: 1px solid var(--line);
  vertical-align: bottom; }
th { font-weight: 600; line-height: 1.3; } th small { display: block; font-weight: 400;
  color: var(--soft); }
th:first-child, td:first-child { text-align: left; padding-left: 6px; white-space: nowrap; }
td small { display: block; color: var(--soft); white-space: nowrap; }
td { vertical-align: baseline; }
tr.best td { background: var(--tint); font-weight: 600; } tr:last-child td { border-bottom: 0; }
.dot { display: inline-block; width: 10px; height: 10px; border-radius: 50%; margin-right: 8px; }
.menus { display: flex; flex-wrap: wrap; gap: 8px 16px; margin: 8px 0 4px; font-size: 14.5px;
  color: var(--soft); }
.menus label { display: flex; align-items: center; gap: 8px; max-width: 100%; }
select { font: inherit; color: var(--ink); background: var(--ground); border: 1px solid var(--line);
  border-radius: 7px; padding: 6px 10px; min-width: 0; max-width: 100%; }
.plot { width: 100%; height: 430px; } .plot.tall { height: 540px; }
.pair { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 20px; }
dl { display: grid; grid-template-columns: minmax(150px, 220px) 1fr; gap: 8px 20px; margin: 0;
  font-size: 15px; }
dt { font-weight: 600; } dd { margin: 0; color: var(--soft); }
ul { padding-left: 20px; margin: 8px 0; } li { margin: 4px 0; }
summary { cursor: pointer; font-weight: 600; }
pre { overflow-x: auto; font-size: 13px; line-height: 1.45; background: var(--ground); padding: 14px;
  border-radius: 8px; }
@media (max-width: 760px) { .pair { grid-template-columns: minmax(0, 1fr); } dl {
  grid-template-columns: 1fr; gap: 2px; }
  dd { margin-bottom: 10px; } main, header.top { padding-left: 12px; padding-right: 12px; }
  section { padding: 16px 14px; } .wide { margin: 0 -14px; padding: 0 14px; } .plot { height: 380px; }
  header.top { padding-top: 24px; } .lead { font-size: 16.5px; } .tiles { grid-template-columns: 1fr 1fr; }
  .tile b { font-size: 23px; } .tile { padding: 10px 12px; } }
@media print { body { background: #fff; } section { break-inside: avoid; } .menus, nav { display: none; } }
"""

SCRIPT = """
const source = document.getElementById("figures").textContent;
const dark = matchMedia("(prefers-color-scheme: dark)");
const night = {"#0072b2": "#4aa8e0", "#6b7280": "#98a2b3", "#5d4037": "#a1887f", "#009e73": "#1fbf92"};

function paint(text) {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["ink", "paper", "line", "soft"])
    text = text.replaceAll("@" + name, style.getPropertyValue("--" + name).trim());
  if (dark.matches) for (const [day, other] of Object.entries(night)) text = text.replaceAll(day, other);
  return text;
}

function merge(under, over) {
  const both = {...under};
  for (const [key, value] of Object.entries(over || {}))
    both[key] = value && typeof value === "object" && !Array.isArray(value) ? merge(both[key], value) : value;
  return both;
}

function draw(place) {
  const figure = figures[place.dataset.figure];
  const key = place.dataset.key ?? [...document.querySelectorAll(`select[data-for="${place.id}"]`)]
    .map(menu => menu.value).join("|");
  const choice = figure.choices[key];
  if (!choice) { Plotly.purge(place); place.textContent = "No such data in this run."; return; }
  const style = getComputedStyle(document.body), small = place.clientWidth < 560;
  const layout = merge(merge({
    font: {family: style.fontFamily, size: small ? 11 : 13, color: style.color},
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", autosize: true, dragmode: false,
    margin: {l: small ? 52 : 68, r: 14, t: 14, b: 46},
    legend: {orientation: "h", x: 0, y: 1.02, yanchor: "bottom", font: {size: small ? 11 : 13}},
    hoverlabel: {bgcolor: style.getPropertyValue("--paper").trim() || "#fff", font: {color: style.color}},
  }, figure.layout), choice.layout);
  const line = getComputedStyle(document.documentElement).getPropertyValue("--line").trim();
  for (const name of Object.keys(layout)) if (/^[xy]axis/.test(name))
    layout[name] = merge({gridcolor: line, zeroline: false, automargin: true, linecolor: line}, layout[name]);
  Plotly.react(place, choice.data, layout, {displaylogo: false, responsive: true, displayModeBar: false});
}

let figures;
function all() { figures = JSON.parse(paint(source)); document.querySelectorAll(".plot").forEach(draw); }
document.querySelectorAll("select").forEach(menu =>
  menu.addEventListener("change", () => draw(document.getElementById(menu.dataset.for))));
dark.addEventListener("change", all);
all();
document.documentElement.dataset.drawn = document.querySelectorAll(".plot .main-svg").length;
"""

GLOSSARY = {
    "cost": "What a home pays for energy, with wear, fuel and discomfort priced in; a mean.",
    "saving captured": "Cost saved against doing nothing, as a share of what perfect foresight saves.",
    "violation": "How far and how long voltages leave their band, mean per node and day. 1 mpu·h is a "
    "thousandth of the nominal voltage for one hour.",
    "node-steps violated": "Share of all nodes and time steps whose voltage is outside the band.",
    "worst excess": "The deepest excursion beyond a limit, of any node at any time. 1 mpu is 0.001 pu.",
    "comfort": "Degrees outside the comfort band times hours, mean per home and day.",
    "CO₂": "Emissions of the energy drawn from the grid, per home and day.",
    "peak": "The highest power that all homes together draw from the feeder.",
    "train": "Seconds of training, compilation included; 0 where nothing is learned.",
    "bound": "The perfect-foresight optimum: it knows the whole day and every home; nothing is cheaper.",
    "pu": "Per unit: voltage as a share of nominal voltage.",
}
