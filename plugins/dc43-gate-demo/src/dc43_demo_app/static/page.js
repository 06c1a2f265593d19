// Settings at once, copies, a question before a run is stopped, and keys; pages work without it.
for (const form of document.querySelectorAll("form.setting")) {
  form.querySelector("button").hidden = true;
  if (form.elements.zone) form.elements.zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone;
  form.querySelector("select").addEventListener("change", () => form.requestSubmit());
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.dataset.ask || form.elements.sure) return;
  event.preventDefault();
  if (!window.confirm(form.dataset.ask)) return;
  const sure = document.createElement("input");
  sure.type = "hidden";
  sure.name = "sure";
  sure.value = "yes";
  form.append(sure);
  form.submit();
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (!button) return;
  const said = button.getAttribute("aria-label");
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch {
    // Browsers copy on secure pages only: elsewhere the text is there, selected, for a key.
    const text = button.previousElementSibling;
    text.textContent = button.dataset.copy;
    getSelection().selectAllChildren(text);
    return;
  }
  const use = button.querySelector("use");
  const tell = (icon, label) => {
    use.setAttribute("href", icon);
    button.setAttribute("aria-label", label);
    button.classList.toggle("copied", label !== said);
  };
  tell("#i-ok", "Copied");
  setTimeout(() => tell("#i-copy", said), 2000);
});

const KEYS = {
  "/": ["go to the filter", () => document.querySelector("[data-filter], #from")],
  f: ["follow the newest batches", () => document.querySelector(".brushform a.button")],
  "?": ["show or hide these keys", () => help()],
};
const OFF = "dc43-keys-off";

function help() {
  const known = document.getElementById("keys");
  if (known) {
    known.remove();
    return null;
  }
  const box = document.createElement("aside");
  box.id = "keys";
  box.className = "surface";
  box.tabIndex = -1;
  const list = document.createElement("dl");
  const more = { "Left, Right": "a column of the timeline; with Shift ten, Home and End its ends", "u, b": "in the timeline: the next unusual, the next blocked batch", Enter: "in the timeline: open the batch" };
  for (const [key, said] of [...Object.entries(KEYS).map(([k, v]) => [k, v[0]]), ...Object.entries(more)]) {
    const dt = document.createElement("dt");
    const dd = document.createElement("dd");
    dt.textContent = key;
    dd.textContent = said;
    list.append(dt, dd);
  }
  const label = document.createElement("label");
  const off = document.createElement("input");
  off.type = "checkbox";
  off.checked = localStorage.getItem(OFF) === "yes";
  off.addEventListener("change", () => localStorage.setItem(OFF, off.checked ? "yes" : "no"));
  label.append(off, " Keys are off, but for this one");
  box.append(list, label);
  document.getElementById("main").prepend(box);
  return box;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, [contenteditable]")) return;
  const known = KEYS[event.key];
  if (!known || (event.key !== "?" && localStorage.getItem(OFF) === "yes")) return;
  const target = known[1]();
  event.preventDefault();
  if (!target) return;
  if (event.key === "f") target.click();
  else target.focus();
});
