// A day of a home, or of all together, as SVG: what is drawn above zero and given below, levels under it, the hour marked.
const LEFT = 44, RIGHT = 10, POWER = 210, STATE = 62;

// Marks of an axis at round numbers, about four of them.
function marks(low, high) {
  const rough = (high - low) / 4 || 1, ten = 10 ** Math.floor(Math.log10(rough));
  const step = ten * [1, 2, 5, 10].find(each => each * ten >= rough * .7), found = [];
  for (let at = Math.ceil(low / step - 1e-9) * step; at <= high + 1e-9 * step; at += step) found.push(Math.abs(at) < 1e-9 * step ? 0 : at);
  return {found, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9))};
}

function axes(box, range, x, hours) {
  const {found, digits} = marks(...range), y = box.y;
  return found.map(each => `<line x1="${LEFT}" x2="${x(24)}" y1="${y(each)}" y2="${y(each)}" stroke="${hours.line}"/>` +
    `<text x="${LEFT - 6}" y="${y(each) + 4}" text-anchor="end" fill="${hours.soft}">${each.toFixed(digits)}</text>`).join("");
}

const level = (top, height, [low, high]) => value => top + height * (high - value) / ((high - low) || 1);
const steps = (values, x, y, dt) => values.map((value, k) => Number.isFinite(value) ?
  `${k && Number.isFinite(values[k - 1]) ? "L" : "M"}${x(k * dt)},${y(value)}H${x((k + 1) * dt)}` : "").join("");

// Each step's parts stacked away from zero, in order: rectangles.
function stacked(parts, x, y, dt, paper) {
  const up = Array(parts[0].values.length).fill(0), down = [...up];
  return parts.map(({values, colour}) => values.map((value, k) => {
    if (!value) return "";
    const pile = value > 0 ? up : down, from = pile[k];
    pile[k] += value;
    const top = y(Math.max(from, pile[k])), high = Math.abs(y(from) - y(pile[k]));
    return `<rect x="${x(k * dt)}" y="${top}" width="${x(dt) - x(0)}" height="${high}" fill="${colour}" stroke="${paper}" stroke-width=".4"/>`;
  }).join("")).join("");
}

// `day`: parts and net [kW], states ({name, values, limits}), price, frame, dt; `look`: colours as on light paper.
function daySvg(width, day, look) {
  const x = hour => LEFT + (width - LEFT - RIGHT) * hour / 24, dt = day.dt, tall = POWER + 34 + day.states.length * (STATE + 26);
  const sum = sign => Math.max(0, ...day.net.map((_, k) => day.parts.reduce((all, {values}) => all + Math.max(0, sign * values[k]), 0)));
  const range = [-1.04 * Math.max(sum(-1), 0), 1.04 * Math.max(sum(1), Math.max(...day.net), .1)], y = level(14, POWER, range);
  const prices = day.price.filter(Number.isFinite), [least, most] = [Math.min(...prices), Math.max(...prices)];
  const ground = day.price.map((each, k) => `<rect x="${x(k * dt)}" y="14" width="${x(dt) - x(0)}" height="${POWER}" fill="${look.ink}"
    opacity="${.02 + .13 * ((each - least) / ((most - least) || 1) || 0)}"/>`).join("");
  const hours = [0, 3, 6, 9, 12, 15, 18, 21, 24].map(each => `<text x="${x(each)}" y="${POWER + 30}" text-anchor="${each == 24 ? "end" : "middle"}" fill="${look.soft}">${each}</text>`).join("");
  const states = day.states.map((each, place) => state(each, POWER + 58 + place * (STATE + 26), x, dt, look)).join("");
  return `<svg viewBox="0 0 ${width} ${tall}" width="${width}" height="${tall}" font-size="11.5" aria-hidden="true">
    ${ground}${axes({y}, range, x, look)}${stacked(day.parts, x, y, dt, look.paper)}
    <line x1="${LEFT}" x2="${x(24)}" y1="${y(0)}" y2="${y(0)}" stroke="${look.soft}"/>
    <path d="${steps(day.net, x, y, dt)}" fill="none" stroke="${look.ink}" stroke-width="2"/>
    <text x="${LEFT}" y="10" fill="${look.soft}">kW; above zero is drawn, below is given</text>${hours}${states}
    <rect x="${x(day.frame * dt)}" y="14" width="${x(dt) - x(0)}" height="${tall - 30}" fill="none" stroke="${look.ink}" stroke-width="1.4" stroke-dasharray="4 3"/></svg>`;
}

// States stand at the end of the step that led to them; a voltage is that of the whole step.
function state({name, unit, values, limits = [], whole}, top, x, dt, look) {
  const known = values.concat(limits).filter(Number.isFinite), [low, high] = [Math.min(...known), Math.max(...known)];
  if (!known.length) return "";
  const least = {"%": 10, "°C": 2}[unit] || .1 * Math.max(Math.abs(high), .1), room = Math.max(.08 * (high - low), (least - high + low) / 2);
  const range = [low - room, high + room], y = level(top, STATE, range);
  const path = whole ? steps(values, x, y, dt) : values.map((each, k) => `${k ? "L" : "M"}${x((k + 1) * dt)},${y(each)}`).join("");
  const rules = limits.map(each => `<line x1="${LEFT}" x2="${x(24)}" y1="${y(each)}" y2="${y(each)}" stroke="${look.red}" stroke-dasharray="5 4"/>`).join("");
  return `<text x="${LEFT}" y="${top - 6}" fill="${look.soft}">${escaped(name)} [${escaped(unit)}]${whole ? "" : ", after each step"}</text>
    ${axes({y}, range, x, look)}${rules}<path d="${path}" fill="none" stroke="${look.blue}" stroke-width="2"/>`;
}
