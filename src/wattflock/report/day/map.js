// The feeder on a canvas: buses, branches and homes of one frame; drag, zoom, point and click.
const TURN = Math.PI * (3 - Math.sqrt(5)), PAD = 22, REACH = 12, NEAREST = 40;
const STAR = [...Array(10).keys()].map(k => [Math.sin(k * Math.PI / 5), -Math.cos(k * Math.PI / 5)]
  .map(each => each * (k % 2 ? .4 : 1)));

function dayMap(canvas, tip, {head, at, beyond}, chosen) {
  const pen = canvas.getContext("2d"), view = {zoom: 1, x: 0, y: 0}, known = scales(head);
  const wide = Math.max(...head.x) || 1, tall = Math.max(...head.y), ratio = Math.min(1.05, Math.max(.5, tall / wide));
  const homesAt = head.buses.map(() => []);
  head.homes.bus.forEach((bus, home) => bus >= 0 && homesAt[bus].push(home));
  const many = homesAt.map(each => each.length).filter(Boolean).sort((a, b) => a - b);
  const usual = many[Math.floor(.8 * many.length)] || 1, row = new Map(head.nodes.map((node, place) => [node, place]));
  const nodesAt = head.buses.map(() => []);
  head.bus_of.forEach((bus, node) => nodesAt[bus].push(node));
  let targets = [], shown = {method: 0, frame: 0, by: "voltage", home: -1}, size = [0, 0];

  const measure = volts => shown.by == "voltage" ? volts : beyond(volts);
  const worse = (one, other) => shown.by == "voltage" ? Math.abs(one - 1) > Math.abs(other - 1) : one > other;
  function ofNodes(nodes) {
    let found = NaN;
    for (const node of nodes) {
      const value = measure(at("voltage", shown.method, node, shown.frame));
      if (Number.isNaN(found) || worse(value, found)) found = value;
    }
    return found;
  }

  function places() {
    const [width, height] = size, scale = Math.min((width - 2 * PAD) / wide, (height - 2 * PAD) / (tall || 1));
    const left = (width - scale * wide) / 2, top = (height + scale * tall) / 2;
    return head.x.map((x, bus) =>
      [(left + scale * x) * view.zoom + view.x, (top - scale * head.y[bus]) * view.zoom + view.y]);
  }

  function resize() {
    const width = canvas.parentNode.clientWidth, sharp = Math.max(2, window.devicePixelRatio || 1);
    size = [width, Math.round(Math.max(260, width * ratio))];
    canvas.style.height = size[1] + "px";
    [canvas.width, canvas.height] = size.map(each => Math.round(each * sharp));
    pen.setTransform(sharp, 0, 0, sharp, 0, 0);
    draw();
  }

  function dot([x, y], radius, fill, edge) {
    pen.beginPath();
    pen.arc(x, y, radius, 0, 7);
    pen.fillStyle = fill;
    pen.fill();
    if (edge) { pen.strokeStyle = edge; pen.lineWidth = .8; pen.stroke(); }
  }

  function draw() {
    const style = getComputedStyle(canvas), [ink, soft, paper, wire] = ["--ink", "--soft", "--paper", "--wire"]
      .map(name => style.getPropertyValue(name).trim()), where = places(), by = known[shown.by];
    const inside = ([x, y]) => x > -30 && y > -30 && x < size[0] + 30 && y < size[1] + 30;
    pen.clearRect(0, 0, ...size);
    pen.lineCap = "round";
    const line = (a, b, colour, thick) => {
      pen.beginPath(); pen.moveTo(...where[a]); pen.lineTo(...where[b]);
      pen.strokeStyle = colour; pen.lineWidth = thick; pen.stroke();
    };
    head.wires.forEach(([a, b]) => line(a, b, wire, 1.2));
    targets = [];
    if (shown.by == "loading") drawBranches(line, where, by, ink);
    const lengths = head.wires.map(([a, b]) => Math.hypot(where[a][0] - where[b][0], where[a][1] - where[b][1]));
    const apart = lengths.sort((a, b) => a - b)[Math.floor(lengths.length / 2)] || 40;
    const space = Math.min(9, .55 * apart / Math.sqrt(usual)), single = space >= 2.8;
    drawBuses(where, by, {ink, soft, paper, wire}, {inside, single, apart});
    if (single) drawHomes(where, by, {ink, soft, paper}, {inside, space});
    if (where[head.source]) star(where[head.source], ink, paper);
    if (shown.home >= 0 && head.homes.bus[shown.home] >= 0) ring(where, space, single, ink, paper);
  }

  function drawBranches(line, where, by, ink) {
    const order = head.branches.map((each, row) => [at("loading", shown.method, row, shown.frame), row]);
    for (const [value, row] of order.sort((a, b) => a[0] - b[0])) {
      const [name, a, b, isLine] = head.branches[row], colour = by.colour(value);
      if (!colour) continue;
      const middle = [0, 1].map(k => (where[a][k] + where[b][k]) / 2), thick = value > head.rated ? 6 : 3;
      if (isLine) line(a, b, colour, thick);
      else {
        pen.fillStyle = colour; pen.fillRect(middle[0] - 5, middle[1] - 5, 10, 10);
        pen.strokeStyle = ink; pen.lineWidth = .8; pen.strokeRect(middle[0] - 5, middle[1] - 5, 10, 10);
      }
      targets.push({place: middle, text: `${name}: ${plain(value, 0)} % of its rating`});
    }
  }

  // Buses that would lie on each other are one dot, of the worst of them.
  function drawBuses(where, by, {ink, soft, paper, wire}, {inside, single, apart}) {
    const grid = new Map(), least = Math.max(1.6, Math.min(5, apart / 5));
    where.forEach((place, bus) => {
      if (!inside(place)) return;
      const key = place.map(each => Math.floor(each / Math.max(2, 1.3 * least))).join();
      const value = shown.by == "loading" ? NaN : ofNodes(nodesAt[bus]), found = grid.get(key);
      const homes = homesAt[bus].length + (found?.homes || 0), buses = 1 + (found?.buses || 0);
      if (!found || Number.isNaN(found.value) || worse(value, found.value)) grid.set(key, {place, bus, value, homes, buses});
      else Object.assign(found, {homes, buses});
    });
    for (const {place, bus, value, homes, buses} of grid.values()) {
      const radius = single ? least : least + .55 * Math.sqrt(homes), colour = by.colour(value);
      if (shown.by == "loading") dot(place, single ? 2 : .6 * radius, paper, soft);
      else if (colour) dot(place, radius, colour, ink);
      else dot(place, Math.max(1.6, .6 * radius), Number.isNaN(value) ? wire : paper, soft);
      const volts = shown.by == "voltage" ? `, ${plain(value, 4)} pu` : `, ${plain(value, 2)} mpu beyond`;
      const worst = Number.isNaN(value) ? "" : volts;
      const name = buses > 1 ? `${buses} buses around ${head.buses[bus]}` : `bus ${head.buses[bus]}`;
      targets.push({place, bus, homes, text: `${name}${worst}; ${homes} home${homes == 1 ? "" : "s"}`});
    }
  }

  const homePlace = (where, home, space) => {
    const bus = head.homes.bus[home], k = homesAt[bus].indexOf(home), far = space * Math.sqrt(k + 1.6);
    return [where[bus][0] + far * Math.cos(TURN * k), where[bus][1] + far * Math.sin(TURN * k)];
  };

  function drawHomes(where, by, {ink, soft, paper}, {inside, space}) {
    homesAt.forEach((homes, bus) => inside(where[bus]) && homes.forEach(home => {
      const place = homePlace(where, home, space), node = row.get(head.homes.node[home]);
      const colour = shown.by == "loading" || node === undefined ? soft : by.colour(ofNodes([node]));
      dot(place, Math.max(1.2, .4 * space), colour || paper, colour && space < 4 ? "" : soft);
      targets.push({place, home, text: `home ${head.homes.home[home]}, ${head.kinds[head.homes.kind[home]]}`});
    }));
  }

  function ring(where, space, single, ink, paper) {
    const place = single ? homePlace(where, shown.home, space) : where[head.homes.bus[shown.home]];
    for (const [radius, colour, thick] of [[9, paper, 5], [9, ink, 2.2]]) {
      pen.beginPath(); pen.arc(...place, radius, 0, 7); pen.strokeStyle = colour; pen.lineWidth = thick; pen.stroke();
    }
  }

  function star([x, y], ink, paper) {
    pen.beginPath();
    STAR.forEach(([a, b]) => pen.lineTo(x + 9 * a, y + 9 * b));
    pen.closePath();
    pen.fillStyle = ink; pen.fill(); pen.strokeStyle = paper; pen.lineWidth = 1; pen.stroke();
    targets.push({place: [x, y], text: "source"});
  }

  function zoom(factor, about = size.map(each => each / 2)) {
    const now = Math.min(NEAREST, Math.max(1, view.zoom * factor)), share = now / view.zoom;
    view.x = about[0] - share * (about[0] - view.x);
    view.y = about[1] - share * (about[1] - view.y);
    view.zoom = now;
    if (now == 1) view.x = view.y = 0;
    canvas.style.touchAction = now == 1 ? "pan-y" : "none";
    draw();
  }

  // Moves the map so that the chosen home is inside.
  function reveal() {
    const place = places()[head.homes.bus[shown.home]];
    if (!place || (place[0] > PAD && place[1] > PAD && place[0] < size[0] - PAD && place[1] < size[1] - PAD)) return;
    view.x += size[0] / 2 - place[0];
    view.y += size[1] / 2 - place[1];
    draw();
  }

  const spot = event => [event.offsetX, event.offsetY];
  function under(place) {
    let best = null, least = REACH;
    for (const each of targets) {
      const far = Math.hypot(each.place[0] - place[0], each.place[1] - place[1]) - (each.home === undefined ? 0 : 2);
      if (far < least) [best, least] = [each, far];
    }
    return best;
  }
  function point(event) {
    const found = under(spot(event));
    tip.hidden = !found;
    canvas.style.cursor = found && (found.home !== undefined || found.homes) ? "pointer" : "grab";
    if (!found) return;
    tip.textContent = found.text;
    const [x, y] = found.place, right = x > size[0] / 2;
    tip.style.cssText = `top:${Math.max(0, y - 38)}px;` + (right ? `right:${size[0] - x}px` : `left:${x}px`);
  }

  let drag = null;
  canvas.addEventListener("pointerdown", event => { drag = {from: spot(event), moved: false}; });
  canvas.addEventListener("pointermove", event => {
    if (!drag || !event.buttons) { drag = null; point(event); return; }
    const here = spot(event), step = here.map((each, k) => each - drag.from[k]);
    if (!drag.moved && Math.hypot(...step) < 4) return;
    if (!drag.moved) canvas.setPointerCapture(event.pointerId);
    drag.moved = true; drag.from = here; tip.hidden = true;
    view.x += step[0]; view.y += step[1];
    draw();
  });
  canvas.addEventListener("pointerup", event => {
    const found = drag && !drag.moved ? under(spot(event)) : null;
    drag = null;
    if (found?.home !== undefined) chosen(found.home);
    else if (found?.homes) zoom(3, found.place);
  });
  canvas.addEventListener("pointerleave", () => { tip.hidden = true; });
  canvas.addEventListener("wheel", event => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 300), spot(event));
  }, {passive: false});
  canvas.addEventListener("keydown", event => {
    const pan = {ArrowLeft: [40, 0], ArrowRight: [-40, 0], ArrowUp: [0, 40], ArrowDown: [0, -40]}[event.key];
    if (pan) { view.x += pan[0]; view.y += pan[1]; draw(); }
    else if (event.key == "+" || event.key == "=") zoom(1.5);
    else if (event.key == "-") zoom(1 / 1.5);
    else if (event.key == "0") zoom(0);
    else return;
    event.preventDefault();
  });
  const show = what => { shown = {...shown, ...what}; draw(); };
  return {draw, resize, zoom, reveal, show, scale: () => known[shown.by]};
}
