// The section's menus, slider and button, and what they change.
const LIGHT = {ink: "#16202e", soft: "#5b6673", line: "#dde2e8", paper: "#ffffff", blue: "#0072b2", red: "#d55e00"};
const DAY_MS = 12_000;  // in which a day is played

async function dayPage(box) {
  const part = name => box.querySelector("." + name), head = JSON.parse(part("head").textContent);
  const at = await unpacked(head, part("packs").textContent), frames = head.hour.length;
  const now = {method: head.first, frame: 0, by: "voltage", home: -1};
  const beyond = volts => 1000 * Math.max(0, head.limits[0] - volts, volts - head.limits[1]);
  const words = dayWords(head, at, beyond), [slider, play, homes] = ["slider", "play", "home"].map(part);
  const shown = new Set(head.series.flatMap(each => each.unit == "kW" ? each.homes : []));
  const take = home => { if (shown.has(home)) choose({home}); };
  const map = head.nodes.length ? dayMap(part("canvas"), part("tip"), {head, at, beyond}, take) : null;
  const day = (pack, row) => head.hour.map((_, frame) => at(pack, now.method, row, frame));
  const called = home => `${head.homes.home[home]}: ${head.kinds[head.homes.kind[home]]}`;
  const paint = name => head.colour[name] || LIGHT.ink;
  let timer = null;

  // Parts and net power of what is chosen, and its states.
  function series() {
    const own = head.series.map(each => ({...each, row: each.homes.indexOf(now.home)})).filter(each => each.row >= 0);
    const power = now.home < 0
      ? head.together.map((name, row) => ({name, values: day("together", row)}))
      : own.filter(each => each.unit == "kW").map(each => ({name: each.name, values: day(each.pack, each.row)}));
    const states = own.filter(each => each.unit != "kW").map(each => ({...each, values: day(each.pack, each.row)}));
    const node = now.home < 0 ? -1 : head.nodes.indexOf(head.homes.node[now.home]);
    const volts = {name: "voltage at its terminal", unit: "pu", limits: head.limits, ofStep: true};
    if (node >= 0) states.push({...volts, values: day("voltage", node)});
    const order = Object.keys(head.colour), parts = power
      .filter(each => each.name != "net" && each.values.some(Number.isFinite))
      .map(({name, values}) => ({name, colour: paint(name), values: values.map(value => value || 0)}))
      .sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
    const net = power.find(each => each.name == "net").values;
    return {parts, net, states, price: head.price, frame: now.frame, dt: head.dt_h};
  }

  function drawDay() {
    const found = series(), {home, frame, method} = now, digits = home < 0 ? 0 : 2, node = head.homes.node[home];
    const who = home < 0 ? "All homes together" : `Home ${called(home)}${node && `, at ${node}`}`;
    part("title").textContent = `${who}; ${head.methods[method]}`;
    part("curve").innerHTML = daySvg(Math.max(280, part("curve").clientWidth), found, LIGHT);
    const keys = [...found.parts, {name: "net", colour: LIGHT.ink, values: found.net}];
    part("keys").innerHTML = keys.map(({name, colour, values}) =>
      `<li><svg width="11" height="11" aria-hidden="true"><rect width="11" height="11" rx="2" fill="${colour}"/></svg>
       ${escaped(name)} <b>${plain(values[frame], digits)}</b> kW</li>`).join("");
    part("saw").textContent = words.saw(now, found);
    part("bills").innerHTML = words.bills(now);
    part("curve").setAttribute("aria-label", `${part("title").textContent}. ${part("saw").textContent}`);
  }

  function drawMap() {
    map.show(now);
    const {title, colours, marks} = map.scale(), keys = "Arrow keys move it, plus and minus zoom, 0 shows all.";
    part("canvas").setAttribute("aria-label", `Map of the feeder, coloured by ${title}. ${part("said").textContent} ${keys}`);
    part("legend").innerHTML = `<span>${title}</span><i style="background:linear-gradient(to right,${colours.join()})"></i>
      <span class="marks">${marks.map(each => `<b>${each}</b>`).join("")}</span>`;
  }

  function choose(what) {
    Object.assign(now, what);
    [slider.value, homes.value, part("method").value, part("by").value] = [now.frame, now.home, now.method, now.by];
    slider.setAttribute("aria-valuetext", words.until(now.frame));
    part("clock").textContent = words.until(now.frame);
    part("said").setAttribute("aria-live", timer ? "off" : "polite");
    part("said").textContent = words.sentence(now);
    box.dataset.frame = now.frame;
    if (map) drawMap();
    drawDay();
    if ("method" in what) table();
  }

  const table = () => { if (part("steps").open) part("steps").querySelector("table").innerHTML = words.steps(now); };

  function playing(on) {
    clearInterval(timer);
    timer = on ? setInterval(() => choose({frame: (now.frame + 1) % frames}), DAY_MS / frames) : null;
    play.textContent = on ? "❚❚ Pause" : "▶ Play";
    play.setAttribute("aria-pressed", String(on));
    if (!on) choose({});
  }

  function menus() {
    const option = (value, text) => `<option value="${value}">${escaped(text)}</option>`;
    const every = [...shown].sort((a, b) => a - b).map(each => option(each, `home ${called(each)}`));
    part("method").innerHTML = head.methods.map((label, place) => option(place, label)).join("");
    homes.innerHTML = option(-1, "all together") + every.join("");
    slider.max = frames - 1;
    part("method").onchange = event => choose({method: +event.target.value});
    part("by").onchange = event => choose({by: event.target.value});
    homes.onchange = event => { choose({home: +event.target.value}); map?.reveal(); };
    slider.oninput = () => { if (timer) playing(false); choose({frame: +slider.value}); };
    play.onclick = () => playing(!timer);
    part("steps").ontoggle = table;
    box.querySelectorAll("[data-zoom]").forEach(each => { each.onclick = () => map.zoom(+each.dataset.zoom); });
  }

  function fit() {
    if (box.dataset.width == box.clientWidth) return;
    box.dataset.width = box.clientWidth;
    map?.resize();
    drawDay();
  }

  menus();
  const bad = head.hour.map((_, frame) => words.facts(now.method, frame).bad);
  choose({frame: bad.indexOf(Math.max(...bad))});
  fit();
  new ResizeObserver(() => setTimeout(fit)).observe(box);
  for (const query of ["(prefers-color-scheme: dark)", "print"])
    matchMedia(query).addEventListener("change", () => map?.draw());
  box.dataset.ready = "yes";
}

for (const box of document.querySelectorAll(".day"))
  dayPage(box).catch(error => { box.append("This day cannot be drawn: " + error.message); throw error; });
