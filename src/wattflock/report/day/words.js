// The day in words and tables: the sentence over the map, what a home saw and did, bills, and a row for each step.
const whole = value => Math.abs(value).toLocaleString("en", {maximumFractionDigits: 0});
const column = ([name, unit], place) =>
  `<th scope="col"${place ? "" : ' class="name"'}>${escaped(name)}<small>${escaped(unit || "")}</small></th>`;
const heading = cells => `<thead><tr>${cells.map(column).join("")}</tr></thead>`;
const line = ([first, ...rest], mark = "") =>
  `<tr class="${mark}"><th scope="row">${escaped(first)}</th>${rest.map(each => `<td>${each}</td>`).join("")}</tr>`;

function dayWords(head, at, beyond) {
  const wired = head.nodes.length > 0, net = head.together.indexOf("net");
  const until = frame => `${clock(head.hour[frame])}–${clock(head.hour[frame] + head.dt_h)}`;
  const steered = method => head.methods[method] != head.uncontrolled;

  function facts(method, frame) {
    let low = NaN, high = NaN, load = NaN, branch = "";
    const bad = new Set();
    head.bus_of.forEach((bus, node) => {
      const volts = at("voltage", method, node, frame);
      if (!(volts >= low)) low = volts;
      if (!(volts <= high)) high = volts;
      if (beyond(volts) > 0) bad.add(bus);
    });
    head.branches.forEach(([name], row) => {
      const value = at("loading", method, row, frame);
      if (!(value <= load)) [load, branch] = [value, name];
    });
    return {low, high, bad: bad.size, load, branch, net: at("together", method, net, frame)};
  }

  function sentence({method, frame}) {
    const {low, high, bad, load, branch, net} = facts(method, frame), limits = head.limits.map(each => plain(each, 3));
    const volts = `voltages from ${plain(low, 3)} to ${plain(high, 3)} pu, ${bad} of ${head.buses.length} buses ` +
      `beyond the limits of ${limits.join(" and ")} pu; `;
    const loaded = Number.isFinite(load) ? `the most loaded is ${branch} with ${plain(load, 0)} % of its rating; ` : "";
    const together = `all homes together ${net < 0 ? "give" : "draw"} ${whole(net)} kW.`;
    return `${until(frame)}, ${head.methods[method]}: ${wired ? volts : ""}${loaded}${together}`;
  }

  // What was so before the step, and what the devices did in it.
  function saw({method, frame, home}, {parts, states}) {
    const price = `a price of ${plain(head.price[frame], 3)} ${head.currency}/kWh`;
    const weather = `${price}, ${plain(head.outdoor[frame], 1)} °C outside`;
    if (home < 0) return `There was ${weather}.`;
    const load = parts.find(each => each.name == "load"), own = parts.filter(each => each != load);
    const told = load && frame ? [`load ${plain(load.values[frame - 1], 2)} kW`] : [];
    for (const {name, unit, values, ofStep} of states)
      if (frame && (!ofStep || head.voltmeter)) told.push(`${name} ${plain(values[frame - 1], ofStep ? 3 : 1)} ${unit}`);
    const before = told.length ? `; a step before: ${told.join(", ")}` : "";
    const done = own.filter(({values}) => Math.abs(values[frame]) > .005);
    const did = done.map(({name, values}) => `${name} ${plain(values[frame], 2)} kW`).join(", ") || "nothing";
    const who = steered(method) ? "It saw" : "Nobody steered. There was";
    return `${who}: ${weather}${before}. ${own.length ? `What its devices did: ${did}.` : "It has no device."}`;
  }

  function bills({method, home}) {
    const homes = home < 0 ? head.homes.home.map((_, place) => place) : [home];
    const mean = (which, kind) => homes.reduce((sum, each) => sum + at("money", which, each, kind), 0) / homes.length;
    const idle = head.methods.indexOf(head.uncontrolled), unit = head.currency;
    const rows = head.methods.map((label, which) => {
      const money = [0, 1, 2].map(kind => mean(which, kind)), saved = head.days_a_year * (mean(idle, 2) - money[2]);
      return line([label, ...money.map(each => plain(each, 2)), plain(saved, 0)], which == method ? "best" : "");
    });
    const cells = [[home < 0 ? "mean home" : "this home"], ["bill, this day", unit], ["bill, mean day", unit],
      ["cost, mean day", unit], ["saving", unit + "/year"]];
    return `${heading(cells)}<tbody>${rows.join("")}</tbody>`;
  }

  function steps({method}) {
    const cells = [["time"], ["lowest", "pu"], ["highest", "pu"], ["beyond limits", "buses"], ["most loaded", "%"],
      ["all homes", "kW"]];
    const rows = head.hour.map((_, frame) => {
      const {low, high, bad, load, net} = facts(method, frame);
      return line([until(frame), plain(low, 3), plain(high, 3), bad, plain(load, 0), plain(net, 0)]);
    });
    return `${heading(cells)}<tbody>${rows.join("")}</tbody>`;
  }

  return {until, facts, sentence, saw, bills, steps};
}
