"""Style and script of every page, as text that is put into the one file."""

from importlib import resources

from wattflock.report.theme import INK, LINE, NIGHT, PAPER, SOFT

DAY = {
    "ink": INK,
    "soft": SOFT,
    "line": LINE,
    "paper": PAPER,
    "ground": "#f4f6f8",
    "accent": "#0072b2",
    "tint": "#e8f2f9",
}
DARK = {name: NIGHT[colour] for name, colour in DAY.items() if colour in NIGHT} | {
    "ground": "#10161e", "accent": "#5bb0e8", "tint": "#1b2f40",
}  # fmt: skip


def _variables(colours: dict[str, str]) -> str:
    return "".join(f"--{name}: {colour}; " for name, colour in colours.items())


def _recoloured() -> str:
    """Figures have their colours as attributes of SVG, so a style sheet can replace them."""
    return "\n".join(
        f'  :is(.plot, .drawn) [{what}="{day}"] {{ {what}: {night}; }}'
        for day, night in NIGHT.items()
        for what in ("fill", "stroke")
    )


STYLE = (
    f"""
:root {{ {_variables(DAY)} color-scheme: light dark; }}
@media screen and (prefers-color-scheme: dark) {{
  :root {{ {_variables(DARK)} }}
{_recoloured()}
}}
"""
    + """
* { box-sizing: border-box; }
html { scroll-behavior: smooth; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif; }
main, header.top { max-width: 1120px; margin: 0 auto; padding: 0 20px; }
header.top { padding-top: 44px; padding-bottom: 8px; }
.kicker { color: var(--soft); font-size: 14px; margin: 0; overflow-wrap: anywhere; }
h1 { font-size: clamp(26px, 4vw, 40px); line-height: 1.18; letter-spacing: -.015em; margin: 10px 0 14px;
  max-width: 25em; text-wrap: balance; overflow-wrap: anywhere; }
h2 { font-size: 21px; letter-spacing: -.005em; margin: 0 0 6px; } h3 { font-size: 16px; margin: 16px 0 2px; }
.lead { font-size: 18px; max-width: 44em; margin: 0 0 20px; }
.soft, figcaption { color: var(--soft); font-size: 14.5px; max-width: 52em; margin: 0 0 12px; }
nav { display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: 14.5px; margin: 18px 0 0; }
nav a { color: var(--accent); text-decoration: none; } nav a:hover { text-decoration: underline; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(200px, 1fr)); gap: 12px; }
.tile, section { background: var(--paper); border: 1px solid var(--line); border-radius: 10px; }
.tile { padding: 14px 18px; } .tile b { display: block; font-size: 29px; line-height: 1.2; letter-spacing: -.01em; }
.tile b small { font-size: 15px; font-weight: 500; letter-spacing: 0; }
.tile span { color: var(--soft); font-size: 14px; display: block; }
section { padding: 22px 24px; margin: 16px 0; min-width: 0; }
.wide { overflow-x: auto; margin: 0 -24px; padding: 0 24px; background:
  linear-gradient(to right, var(--paper) 30%, transparent) left / 40px 100%,
  linear-gradient(to left, var(--paper) 30%, transparent) right / 40px 100%,
  linear-gradient(to right, rgba(0, 0, 0, .22), transparent) left / 10px 100%,
  linear-gradient(to left, rgba(0, 0, 0, .22), transparent) right / 10px 100%;
  background-repeat: no-repeat; background-attachment: local, local, scroll, scroll; }
.hint { display: none; margin: 0 0 4px; color: var(--soft); font-size: 13px; }
table { border-collapse: collapse; width: 100%; font-size: 14.5px; font-variant-numeric: tabular-nums; }
th, td { padding: 8px 10px; text-align: right; border-bottom: 1px solid var(--line); vertical-align: baseline;
  white-space: nowrap; }
thead th { font-weight: 600; line-height: 1.3; vertical-align: bottom; white-space: normal; }
th small, td small { display: block; font-weight: 400; color: var(--soft); }
tbody th, .name { text-align: left; font-weight: inherit; } tbody th, th:first-child { padding-left: 6px; }
tbody tr.best { background: var(--tint); font-weight: 600; } tbody tr:last-child > * { border-bottom: 0; }
.dot { display: inline-block; width: 10px; height: 10px; border-radius: 50%; margin-right: 8px; }
figure { margin: 0; min-width: 0; } figcaption { margin-top: 8px; }
.plot { width: 100%; min-height: 60px; overflow-x: auto; overflow-y: hidden; display: flex;
  flex-direction: column-reverse; align-items: flex-start; }
.plot svg { display: block; flex: none; }
.plot .vega-bindings { display: flex; flex-wrap: wrap; gap: 8px 18px; margin: 4px 0 10px; font-size: 14.5px; }
.plot .vega-bindings:empty { display: none; }
.plot .vega-bind { display: block; } .plot .vega-bind-name { color: var(--soft); margin-right: 8px; }
.plot .vega-bind label { display: flex; align-items: center; flex-wrap: wrap; }
select, input { font: inherit; color: var(--ink); background: var(--ground); border: 1px solid var(--line);
  border-radius: 7px; padding: 5px 9px; max-width: 100%; }
#vg-tooltip-element { background: var(--paper) !important; color: var(--ink) !important;
  border: 1px solid var(--line) !important; font: 13px/1.4 system-ui, sans-serif !important; }
#vg-tooltip-element td.key { color: var(--soft) !important; }
#vg-tooltip-element td, #vg-tooltip-element th { border: 0; padding: 1px 5px; }
.save { display: flex; gap: 6px; margin: 6px 0 0; }
.save button { font: inherit; font-size: 12px; color: var(--soft); background: none; border: 1px solid var(--line);
  border-radius: 5px; padding: 0 7px; cursor: pointer; } .save button:hover, .save button:focus { color: var(--ink); }
.pair { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 20px; }
dl { display: grid; grid-template-columns: minmax(150px, 230px) 1fr; gap: 8px 20px; margin: 0; font-size: 15px; }
dt { font-weight: 600; } dd { margin: 0; color: var(--soft); }
ul { padding-left: 20px; margin: 8px 0; } li { margin: 4px 0; }
summary { cursor: pointer; font-weight: 600; } details { margin-top: 12px; }
pre { overflow-x: auto; font-size: 13px; line-height: 1.45; background: var(--ground); padding: 14px;
  border-radius: 8px; }
@media (max-width: 760px) {
  tbody th, thead th:first-child { position: sticky; left: 0; background: var(--paper); z-index: 1;
    box-shadow: inset 0 -1px var(--line); white-space: normal; min-width: 7.5em; }
  tbody tr.best th { background: var(--tint); }
  .pair, dl { grid-template-columns: minmax(0, 1fr); } dl { gap: 2px; } dd { margin-bottom: 10px; }
  main, header.top { padding-left: 12px; padding-right: 12px; } header.top { padding-top: 24px; }
  section { padding: 16px 14px; } .wide { margin: 0 -14px; padding: 0 14px; } .lead { font-size: 16.5px; }
  .tiles { grid-template-columns: 1fr 1fr; } .tile b { font-size: 23px; } .tile { padding: 10px 12px; }
}
@media screen { .cut > .hint { display: block; } }
@media print { body { background: #fff; font-size: 12px; } section { break-inside: avoid; border: 0; padding: 8px 0; }
  nav, .save, .vega-bindings { display: none !important; } .wide { overflow: visible; }
  .wide table { font-size: 9px; } .wide th, .wide td { padding: 3px 4px; }
  .plot { overflow: visible; } .plot svg { max-width: 100%; height: auto; }
  main, header.top { padding: 0; max-width: none; } }
"""
)

SAVE = (resources.files("wattflock.report") / "save.js").read_text()
SCRIPT = (
    SAVE
    + """
const NARROW = 560, AXIS = 58, HEAD = 78, GAP = 24;  // px beside a view, and beside all of a facet

function resize(view, width, ratio) {
  view.width = width;
  if (ratio) view.height = Math.round(width * ratio);
}

function fit(spec, room) {
  const narrow = room < NARROW, ratio = spec.usermeta?.ratio;
  const axis = ratio ? 6 : AXIS, parts = spec.hconcat || spec.vconcat || spec.concat;
  if (narrow) {
    spec.config.legend.columns = 1;
    if (spec.hconcat) { spec.vconcat = spec.hconcat; delete spec.hconcat; }
    if (spec.columns) spec.columns = 1;
  }
  if (parts) {
    const across = spec.vconcat ? 1 : spec.columns || parts.length;
    const width = Math.floor((room - (across - 1) * GAP) / across) - axis;
    parts.forEach(part => resize(part.spec || part, width, ratio));
  } else if (spec.facet) {
    const across = spec.columns || 1;
    resize(spec.spec, Math.floor((room - HEAD - (across - 1) * GAP) / across));
  } else {
    resize(spec, room, ratio);
    spec.autosize = {type: "fit-x", contains: "padding"};
  }
  return spec;
}

function named(bind) {
  const words = bind.querySelector(".vega-bind-name")?.textContent.trim() || "choice";
  bind.querySelectorAll("select, input").forEach(each => { each.ariaLabel = words; });
}

function draw(place) {
  const source = JSON.parse(place.nextElementSibling.textContent);
  place.dataset.width = place.clientWidth;
  const options = {actions: false, renderer: "svg", ast: true, defaultStyle: false};
  return vegaEmbed(place, fit(source, place.clientWidth), options)
    .then(({view}) => {
      place.view = view;
      place.querySelectorAll(".vega-bind").forEach(named);
      if (place.scrollWidth > place.clientWidth) place.tabIndex = 0;  // so that it scrolls from the keyboard
      place.dataset.drawn = "yes";
      offerPicture(place);
    })
    .catch(error => { place.textContent = "This figure cannot be drawn: " + error.message; });
}

function measure(place) {
  if (place.className == "wide") place.parentNode.classList.toggle("cut", place.scrollWidth > place.clientWidth + 4);
  else if (place.clientWidth && place.dataset.width != place.clientWidth) {
    place.dataset.width = place.clientWidth;
    drawn = drawn.then(() => draw(place)).then(() => new Promise(shown => setTimeout(shown)));
  }
}

let drawn = Promise.resolve();  // one figure after another: the first is there before the last is laid out
const places = document.querySelectorAll(".plot, .wide");
const watch = new ResizeObserver(entries => setTimeout(() => entries.forEach(entry => measure(entry.target))));
places.forEach(place => { measure(place); watch.observe(place); });
// Vega answers too late to keep a browser from enlarging the whole page.
document.addEventListener("wheel", event => {
  if ((event.ctrlKey || event.metaKey) && event.target.closest(".plot")) event.preventDefault();
}, {passive: false});
"""
)
