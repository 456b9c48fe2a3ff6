// Buttons that save every picture of a page as SVG or PNG and every table as CSV; nothing leaves the page.
function offer(place, kinds) {
  const line = document.createElement("p");
  line.className = "save";
  for (const [kind, made] of Object.entries(kinds)) {
    const button = document.createElement("button"), section = place.closest("section")?.id || "page";
    button.type = "button";
    button.textContent = kind;
    button.ariaLabel = `save as ${kind}`;
    button.onclick = async () => {
      const link = document.createElement("a");
      link.href = await made();
      link.download = `${section}.${kind.toLowerCase()}`;
      link.click();
    };
    line.append(button);
  }
  place.append(line);
}

const asFile = (text, type) => URL.createObjectURL(new Blob([text], {type}));
// A text that a spreadsheet would take for a formula gets an apostrophe; a number below 0 and its note are none.
const negative = /^-[\d.,]+( (?!.*\w\()[^=|!]*)?$/;
const isFormula = text => /^[=+@\t]/.test(text) || /^-./.test(text) && !negative.test(text);
const cell = each => {
  const text = [...each.childNodes].map(part => part.textContent.trim()).filter(Boolean).join(" ");
  return `"${(isFormula(text) ? "'" + text : text).replaceAll('"', '""')}"`;
};
const csv = table => [...table.rows].map(row => [...row.cells].map(cell).join(",")).join("\r\n");

function offerPicture(place) {
  if (place.dataset.saved) return;
  place.dataset.saved = "yes";
  offer(place.parentNode, {
    SVG: async () => asFile(await place.view.toSVG(), "image/svg+xml"), PNG: () => place.view.toImageURL("png", 2),
  });
}

document.querySelectorAll("table").forEach(table =>
  offer(table.closest(".wide")?.parentNode || table.parentNode, {CSV: () => asFile("\ufeff" + csv(table), "text/csv")}));
document.querySelectorAll(".curve").forEach(curve => offer(curve.parentNode, {SVG: () =>
  asFile(new XMLSerializer().serializeToString(curve.querySelector("svg")), "image/svg+xml")}));
document.querySelectorAll("canvas").forEach(canvas =>
  offer(canvas.parentNode, {PNG: () => canvas.toDataURL("image/png")}));
