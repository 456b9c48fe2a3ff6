// The numbers of the day: packed by report/day_data.py, given by `at(pack, method, row, frame)`; NaN for none.
async function unpacked(head, text) {
  const bytes = Uint8Array.from(atob(text.trim()), each => each.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const data = new Uint8Array(await new Response(stream).arrayBuffer()), packs = {};
  let place = 0;
  for (const {name, scale, offset, shape: [methods, rows, frames]} of head.packs) {
    const size = methods * rows * frames, change = new Int16Array(size), whole = new Int16Array(size);
    for (let i = 0; i < size; i++) {
      change[i] = (data[place + i] | data[place + size + i] << 8) + (i % frames ? change[i - 1] : 0);
      whole[i] = change[i] + (i < rows * frames ? 0 : whole[i % (rows * frames)]);
    }
    packs[name] = {whole, scale, offset, rows, frames};
    place += 2 * size;
  }
  return (name, method, row, frame) => {
    const {whole, scale, offset, rows, frames} = packs[name], value = whole[(method * rows + row) * frames + frame];
    return value == -32768 ? NaN : offset + scale * value;
  };
}

const plain = (value, digits) => Number.isFinite(value) ? value.toFixed(digits) : "–";
const two = number => String(number).padStart(2, "0");
const clock = hour => `${two(Math.floor(hour + 1e-9))}:${two(Math.round(hour * 60) % 60)}`;
const escaped = text => text.replace(/[&<>"]/g, each => `&#${each.charCodeAt(0)};`);

// The colour of a value between places that rise, each of which has one.
function ramp(colours, places) {
  const parts = colours.map(each => [1, 3, 5].map(at => parseInt(each.slice(at, at + 2), 16)));
  return value => {
    if (!Number.isFinite(value)) return null;
    let i = 0;
    while (i < places.length - 2 && value > places[i + 1]) i++;
    const share = Math.min(1, Math.max(0, (value - places[i]) / (places[i + 1] - places[i])));
    return `rgb(${parts[i].map((from, k) => Math.round(from + share * (parts[i + 1][k] - from)))})`;
  };
}

// What colours the map: its name, the colour of a value, and the values that the legend names.
function scales(head) {
  const {low_high, more} = head.colours, [floor, top] = head.violation, decades = Math.log10(top / floor);
  const even = (low, high) => [0, 1, 2, 3, 4].map(at => low + at * (high - low) / 4);
  const log = ramp(more, even(Math.log10(floor), Math.log10(top)));
  const volts = even(1 - head.reach, 1 + head.reach), loads = even(0, 2 * head.rated);
  return {
    voltage: {title: "voltage farthest from nominal [pu]", colour: ramp(low_high, volts), colours: low_high,
      marks: volts.map(each => plain(each, 2))},
    violation: {title: "beyond the limits, worst phase [mpu]", colour: value => value > 0 ? log(Math.log10(value)) : null,
      colours: more, marks: [0, .5, 1].map(at => String(+(floor * 10 ** (at * decades)).toPrecision(2)))},
    loading: {title: "current, worst phase [% of the rating]", colour: ramp(more, loads), colours: more,
      marks: loads.map(each => plain(each, 0))},
  };
}
