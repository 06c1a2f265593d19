// The timeline by pointer and keys: a line through all panels, and what it stands at in words.
const box = () => document.getElementById("panels");
const readout = document.getElementById("readout");
let at = -1;
let speaking = 0;

function columns() {
  const panels = box();
  if (panels.raw !== panels.dataset.columns) {
    panels.raw = panels.dataset.columns;
    panels.read = JSON.parse(panels.raw);
  }
  return panels.read;
}

function show(index, say) {
  const all = columns();
  if (!all.length) return;
  at = Math.max(0, Math.min(all.length - 1, index));
  const x = `${(100 * (at + 0.39)) / Number(box().dataset.room)}%`;
  for (const line of box().querySelectorAll(".cross")) {
    line.setAttribute("x1", x);
    line.setAttribute("x2", x);
    line.classList.add("shown");
  }
  clearTimeout(speaking);
  const [, name, label, said] = all[at];
  const text = `${name}, ${label}: ${said}`;
  // Whoever moves on does not want to hear it; whoever rests does.
  if (say) speaking = setTimeout(() => (readout.textContent = text), 300);
  else readout.textContent = text;
}

function hide() {
  at = -1;
  for (const line of box().querySelectorAll(".cross")) line.classList.remove("shown");
}

function next(flag) {
  const all = columns();
  for (let step = 1; step <= all.length; step += 1) {
    const index = (Math.max(at, -1) + step) % all.length;
    if (all[index][flag]) return index;
  }
  return at;
}

document.addEventListener("keydown", (event) => {
  if (document.activeElement !== box() || event.ctrlKey || event.metaKey || event.altKey) return;
  const last = columns().length - 1;
  const step = event.shiftKey ? 10 : 1;
  const to = {
    ArrowLeft: () => (at < 0 ? last : at - step),
    ArrowRight: () => (at < 0 ? 0 : at + step),
    Home: () => 0,
    End: () => last,
    u: () => next(4),
    b: () => next(5),
  }[event.key];
  if (event.key === "Enter" && at >= 0) {
    location.assign(`${box().dataset.run}/batches/${columns()[at][0]}`);
  } else if (event.key === "Escape") {
    hide();
  } else if (to) {
    event.preventDefault();
    show(to(), true);
  }
});

document.addEventListener("pointermove", (event) => {
  const plot = event.target.closest?.("#panels .plot");
  if (!plot) return;
  const { left, width } = plot.getBoundingClientRect();
  show(Math.floor(((event.clientX - left) / width) * Number(box().dataset.room)), false);
});

document.addEventListener("pointerout", (event) => {
  if (event.target.closest?.("#panels") && !event.relatedTarget?.closest?.("#panels")) hide();
});

// Dragging over the overview fills the two fields of the form.
let began = null;
const of = (event, plot) => {
  const { left, width } = plot.getBoundingClientRect();
  return Math.max(0, Math.min(1, (event.clientX - left) / (width * plot.dataset.filled / 100)));
};
document.addEventListener("pointerdown", (event) => {
  const plot = event.target.closest?.(".brush");
  if (plot) began = of(event, plot);
});
document.addEventListener("pointerup", (event) => {
  if (began === null) return;
  const plot = document.querySelector(".brush");
  const [first, total] = [Number(plot.dataset.first), Number(plot.dataset.total)];
  const [low, high] = [began, of(event, plot)].sort((a, b) => a - b);
  began = null;
  document.getElementById("from").value = first + Math.floor(low * total);
  document.getElementById("to").value = first + Math.min(total - 1, Math.floor(high * total));
});

document.addEventListener("dc43:patched", () => {
  if (at >= 0) show(at, document.activeElement === box());
});
