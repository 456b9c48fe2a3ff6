// A day of a home, or of all together, as SVG: what is drawn above zero and given below, states under it, the step marked.
const LEFT = 44, RIGHT = 10, TOP = 14, POWER = 210, STATE = 62, GAP_PX = 26;
const LEAST = {"%": 10, "°C": 2};  // that an axis of states spans

// Marks of an axis at round numbers, about four of them.
function marks(low, high) {
  const rough = (high - low) / 4 || 1, ten = 10 ** Math.floor(Math.log10(rough)), found = [];
  const step = ten * [1, 2, 5, 10].find(each => each * ten >= rough * .7);
  for (let at = Math.ceil(low / step - 1e-9) * step; at <= high + 1e-9 * step; at += step)
    found.push(Math.abs(at) < 1e-9 * step ? 0 : at);
  return {found, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9))};
}

function axis(range, x, y, look) {
  const {found, digits} = marks(...range);
  return found.map(each => `<line x1="${LEFT}" x2="${x(24)}" y1="${y(each)}" y2="${y(each)}" stroke="${look.line}"/>
    <text x="${LEFT - 6}" y="${y(each) + 4}" text-anchor="end" fill="${look.soft}">${each.toFixed(digits)}</text>`).join("");
}

const level = (top, height, [low, high]) => value => top + height * (high - value) / ((high - low) || 1);
const steps = (values, x, y, dt) => values.map((value, k) => Number.isFinite(value)
  ? `${k && Number.isFinite(values[k - 1]) ? "L" : "M"}${x(k * dt)},${y(value)}H${x((k + 1) * dt)}` : "").join("");

// Each step's parts stacked away from zero, in order: rectangles.
function stacked(parts, x, y, dt, paper) {
  const up = Array(Math.round(24 / dt)).fill(0), down = [...up], wide = x(dt) - x(0);
  return parts.map(({values, colour}) => values.map((value, k) => {
    if (!value) return "";
    const pile = value > 0 ? up : down, from = pile[k], to = pile[k] += value;
    return `<rect x="${x(k * dt)}" y="${y(Math.max(from, to))}" width="${wide}" height="${Math.abs(y(from) - y(to))}"
      fill="${colour}" stroke="${paper}" stroke-width=".4"/>`;
  }).join("")).join("");
}

// The dearer the energy, the darker the ground.
function ground(price, x, dt, ink) {
  const known = price.filter(Number.isFinite), least = Math.min(...known), span = Math.max(...known) - least || 1;
  return price.map((each, k) => `<rect x="${x(k * dt)}" y="${TOP}" width="${x(dt) - x(0)}" height="${POWER}" fill="${ink}"
    opacity="${.02 + .13 * (each - least || 0) / span}"/>`).join("");
}

// `day`: parts and net [kW], states ({name, unit, values, limits}), price, frame, dt; `look`: colours as on light paper.
function daySvg(width, {parts, net, states, price, frame, dt}, look) {
  const x = hour => LEFT + (width - LEFT - RIGHT) * hour / 24, tall = POWER + 34 + states.length * (STATE + GAP_PX);
  const most = sign => Math.max(0, ...net.map((each, k) =>
    Math.max(sign * each || 0, parts.reduce((sum, {values}) => sum + Math.max(0, sign * values[k]), 0))));
  const range = [-1.04 * most(-1), 1.04 * Math.max(most(1), .1)], y = level(TOP, POWER, range);
  const hours = [0, 3, 6, 9, 12, 15, 18, 21, 24].map(each => `<text x="${x(each)}" y="${POWER + 30}"
    text-anchor="${each == 24 ? "end" : "middle"}" fill="${look.soft}">${each}</text>`);
  const below = states.map((each, place) => state(each, POWER + 58 + place * (STATE + GAP_PX), x, dt, look));
  return `<svg viewBox="0 0 ${width} ${tall}" width="${width}" height="${tall}" font-size="11.5" aria-hidden="true">
    ${ground(price, x, dt, look.ink)}${axis(range, x, y, look)}${stacked(parts, x, y, dt, look.paper)}
    <line x1="${LEFT}" x2="${x(24)}" y1="${y(0)}" y2="${y(0)}" stroke="${look.soft}"/>
    <path d="${steps(net, x, y, dt)}" fill="none" stroke="${look.ink}" stroke-width="2"/>
    <text x="${LEFT}" y="10" fill="${look.soft}">kW; above zero is drawn, below is given</text>
    ${hours.join("")}${below.join("")}
    <rect x="${x(frame * dt)}" y="${TOP}" width="${x(dt) - x(0)}" height="${tall - 30}" fill="none" stroke="${look.ink}"
      stroke-width="1.4" stroke-dasharray="4 3"/></svg>`;
}

// States stand at the end of the step that led to them; what is `ofStep` is that of the whole step.
function state({name, unit, values, limits = [], ofStep}, top, x, dt, look) {
  const known = values.concat(limits).filter(Number.isFinite), low = Math.min(...known), high = Math.max(...known);
  if (!known.length) return "";
  const least = LEAST[unit] || .1 * Math.max(Math.abs(high), .1);
  const room = Math.max(.08 * (high - low), (least - high + low) / 2), range = [low - room, high + room];
  const y = level(top, STATE, range), points = values.map((each, k) => `${k ? "L" : "M"}${x((k + 1) * dt)},${y(each)}`);
  const rules = limits.map(each => `<line x1="${LEFT}" x2="${x(24)}" y1="${y(each)}" y2="${y(each)}" stroke="${look.red}"
    stroke-dasharray="5 4"/>`);
  const title = `${escaped(name)} [${escaped(unit)}]${ofStep ? "" : ", after each step"}`;
  return `<text x="${LEFT}" y="${top - 6}" fill="${look.soft}">${title}</text>${axis(range, x, y, look)}${rules.join("")}
    <path d="${ofStep ? steps(values, x, y, dt) : points.join("")}" fill="none" stroke="${look.blue}" stroke-width="2"/>`;
}
