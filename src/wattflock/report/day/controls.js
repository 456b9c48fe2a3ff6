// The section's menus, slider and button, and the words beside the pictures.
async function dayPage(box) {
  const part = name => box.querySelector("." + name), head = JSON.parse(part("head").textContent);
  const at = await unpacked(head, part("packs").textContent), frames = head.hour.length;
  const now = {method: head.first, frame: 0, by: "voltage", home: -1};
  const every = count => [...Array(count).keys()], wired = head.nodes.length > 0;
  const map = wired ? dayMap(part("canvas"), part("tip"), head, at, home => { if (shownHomes.has(home)) choose({home}); }) : null;
  const look = {ink: "#16202e", soft: "#5b6673", line: "#dde2e8", paper: "#ffffff", blue: "#0072b2", red: "#d55e00"};
  const [slider, play, homes] = ["slider", "play", "home"].map(part);
  let timer = null;

  const until = frame => `${clock(head.hour[frame])}–${clock(head.hour[frame] + head.dt_h)}`;
  const day = (pack, row) => every(frames).map(frame => at(pack, now.method, row, frame));
  const shownHomes = new Set(head.series.flatMap(each => each.unit == "kW" ? each.homes : []));

  function facts(frame) {
    const volts = every(head.nodes.length).map(node => at("voltage", now.method, node, frame));
    const bad = new Set(volts.flatMap((each, node) => map?.beyond(each) > 0 ? [head.bus_of[node]] : []));
    const loads = every(head.branches.length).map(row => at("loading", now.method, row, frame));
    const most = loads.reduce((best, each, row) => each > loads[best] || Number.isNaN(loads[best]) ? row : best, 0);
    return {low: Math.min(...volts), high: Math.max(...volts), bad: bad.size, load: loads[most], branch: head.branches[most]?.[0],
      net: at("together", now.method, head.together.indexOf("net"), frame)};
  }

  function sentence() {
    const found = facts(now.frame), net = found.net, wires = wired ? `voltages from ${plain(found.low, 3)} to ${plain(found.high, 3)} pu, ` +
      `${found.bad} of ${head.buses.length} buses beyond the limits of ${head.limits.map(each => plain(each, 3)).join(" and ")} pu; ` : "";
    const load = Number.isFinite(found.load) ? `the most loaded is ${found.branch} with ${plain(found.load, 0)} % of its rating; ` : "";
    return `${until(now.frame)}, ${head.methods[now.method]}: ${wires}${load}all homes together ${net < 0 ? "give" : "draw"} ${Math.abs(net).toLocaleString("en", {maximumFractionDigits: 0})} kW.`;
  }

  // Parts, net and states of what is chosen.
  function series() {
    const paint = name => head.colour[name] || look.ink, home = now.home;
    const kept = head.series.map(each => ({...each, row: each.homes.indexOf(home)})).filter(each => each.row >= 0);
    const power = home < 0 ? head.together.map((name, row) => ({name, colour: paint(name), values: day("together", row)}))
      : kept.filter(each => each.unit == "kW").map(each => ({name: each.name, colour: paint(each.name), values: day(each.pack, each.row)}));
    const states = kept.filter(each => each.unit != "kW").map(each => ({name: each.name, unit: each.unit, values: day(each.pack, each.row)}));
    const node = head.nodes.indexOf(head.homes.node[home]);
    if (home >= 0 && node >= 0) states.push({name: "voltage at its terminal", unit: "pu", values: day("voltage", node), limits: head.limits, whole: true});
    const order = Object.keys(head.colour), rank = each => order.indexOf(each.name);
    const there = power.filter(each => each.name != "net" && each.values.some(Number.isFinite));
    there.forEach(each => { each.values = each.values.map(value => value || 0); });
    return {parts: there.sort((a, b) => rank(a) - rank(b)),
      net: power.find(each => each.name == "net").values, states, price: head.price, frame: now.frame, dt: head.dt_h};
  }

  function drawDay() {
    const found = series(), frame = now.frame, digits = now.home < 0 ? 0 : 2;
    part("title").textContent = now.home < 0 ? `All homes together, ${head.methods[now.method]}`
      : `Home ${head.homes.home[now.home]}: ${head.kinds[head.homes.kind[now.home]]}, at ${head.homes.node[now.home] || "the grid"}; ${head.methods[now.method]}`;
    part("curve").innerHTML = daySvg(Math.max(280, part("curve").clientWidth), found, look);
    part("keys").innerHTML = [...found.parts, {name: "net", colour: look.ink, values: found.net}].map(each =>
      `<li><svg width="11" height="11" aria-hidden="true"><rect width="11" height="11" rx="2" fill="${each.colour}"/></svg> ${escaped(each.name)} <b>${plain(each.values[frame], digits)}</b> kW</li>`).join("");
    part("saw").textContent = saw(found);
    part("bills").innerHTML = bills();
  }

  function saw({parts, states}) {
    const {frame, home} = now, weather = `a price of ${plain(head.price[frame], 3)} ${head.currency}/kWh, ${plain(head.outdoor[frame], 1)} °C outside`;
    if (home < 0) return `There was ${weather}.`;
    const before = states.map(each => frame && !(each.whole && !head.voltmeter) ? `${each.name} ${plain(each.values[frame - 1], each.whole ? 3 : 1)} ${each.unit}` : "").filter(Boolean);
    const load = frame ? [`load ${plain(parts.find(each => each.name == "load").values[frame - 1], 2)} kW`] : [];
    const told = [weather, ...(frame ? [`a step before: ${[...load, ...before].join(", ")}`] : [])].join("; ");
    const own = parts.filter(each => each.name != "load"), does = own.filter(each => Math.abs(each.values[frame]) > .005);
    const did = does.map(each => `${each.name} ${plain(each.values[frame], 2)} kW`).join(", ") || "nothing";
    const who = head.methods[now.method] == head.uncontrolled ? "Nobody steered. There was" : "It saw";
    return `${who}: ${told}. ${own.length ? `What its devices did: ${did}.` : "It has no device."}`;
  }

  function bills() {
    const rows = head.methods.map((label, method) => [label, ...[0, 1, 2].map(kind => now.home < 0
      ? every(head.homes.home.length).reduce((sum, home) => sum + at("money", method, home, kind), 0) / head.homes.home.length
      : at("money", method, now.home, kind))]);
    const idle = rows.find(each => each[0] == head.uncontrolled), unit = head.currency;
    const line = ([label, ...money]) => `<tr class="${label == head.methods[now.method] ? "best" : ""}"><th scope="row">${escaped(label)}</th>` +
      [...money.map(each => plain(each, 2)), idle ? plain(head.days_a_year * (idle[3] - money[2]), 0) : "–"].map(each => `<td>${each}</td>`).join("") + "</tr>";
    return `<thead><tr><th scope="col" class="name">${now.home < 0 ? "mean home" : "this home"}</th>` + [["bill, this day", unit], ["bill, mean day", unit], ["cost, mean day", unit], ["saving", unit + "/year"]]
      .map(([name, of]) => `<th scope="col">${name}<small>${escaped(of)}</small></th>`).join("") + `</tr></thead><tbody>${rows.map(line).join("")}</tbody>`;
  }

  function table() {
    if (!part("steps").open) return;
    const cells = every(frames).map(frame => { const f = facts(frame); return [until(frame), plain(f.low, 3), plain(f.high, 3), f.bad, plain(f.load, 0), plain(f.net, 0)]; });
    part("steps").querySelector("table").innerHTML = `<thead><tr>${["time", "lowest [pu]", "highest [pu]", "buses beyond", "most loaded [%]", "all homes [kW]"].map((each, k) => `<th scope="col"${k ? "" : ' class="name"'}>${each}</th>`).join("")}</tr></thead><tbody>` +
      cells.map(([first, ...rest]) => `<tr><th scope="row">${first}</th>${rest.map(each => `<td>${each}</td>`).join("")}</tr>`).join("") + "</tbody>";
  }

  function choose(what) {
    Object.assign(now, what);
    slider.value = now.frame; homes.value = now.home; part("method").value = now.method; part("by").value = now.by;
    slider.setAttribute("aria-valuetext", until(now.frame));
    part("clock").textContent = until(now.frame);
    part("said").textContent = sentence();
    part("said").setAttribute("aria-live", timer ? "off" : "polite");
    box.dataset.frame = now.frame;
    if (map) {
      map.show(now);
      const {title, colours, marks} = map.scale();
      part("canvas").setAttribute("aria-label", `Map of the feeder, coloured by ${title}. ${sentence()} Arrow keys move it, plus and minus zoom, 0 shows all.`);
      part("legend").innerHTML = `<span>${title}</span><i style="background:linear-gradient(to right,${colours.join()})"></i><span class="marks">${marks.map(each => `<b>${each}</b>`).join("")}</span>`;
    }
    part("curve").setAttribute("aria-label", part("title").textContent + ". " + (drawDay(), part("saw").textContent));
    if ("method" in what) table();
  }

  function playing(on) {
    clearInterval(timer);
    timer = on ? setInterval(() => choose({frame: (now.frame + 1) % frames}), 12_000 / frames) : null;
    play.textContent = on ? "❚❚ Pause" : "▶ Play";
    play.setAttribute("aria-pressed", String(on));
    if (!on) choose({});
  }

  const option = (value, text) => `<option value="${value}">${escaped(text)}</option>`;
  part("method").innerHTML = head.methods.map((label, place) => option(place, label)).join("");
  homes.innerHTML = option(-1, "all together") + [...shownHomes].sort((a, b) => a - b).map(place => option(place, `home ${head.homes.home[place]}, ${head.kinds[head.homes.kind[place]]}`)).join("");
  part("method").onchange = event => choose({method: +event.target.value});
  homes.onchange = event => { choose({home: +event.target.value}); map?.reveal(); };
  part("by").onchange = event => choose({by: event.target.value});
  slider.max = frames - 1;
  slider.oninput = () => { if (timer) playing(false); choose({frame: +slider.value}); };
  play.onclick = () => playing(!timer);
  part("steps").ontoggle = table;
  box.querySelectorAll("[data-zoom]").forEach(each => { each.onclick = () => map.zoom(+each.dataset.zoom); });
  const worst = every(frames).reduce((best, frame) => facts(frame).bad > facts(best).bad ? frame : best, 0);
  choose({frame: worst});
  const again = () => { map?.resize(); drawDay(); };
  for (const query of ["(prefers-color-scheme: dark)", "print"]) matchMedia(query).addEventListener("change", () => map?.draw());
  const measure = () => { if (box.dataset.width != box.clientWidth) { box.dataset.width = box.clientWidth; again(); } };
  new ResizeObserver(() => setTimeout(measure)).observe(box);
  again();
  box.dataset.ready = "yes";
}

for (const box of document.querySelectorAll(".day")) dayPage(box).catch(error => { box.append("This day cannot be drawn: " + error.message); throw error; });
