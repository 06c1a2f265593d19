// Keeps a page up to date: only what changed is touched, nothing under focus or pointer, no scrolling.
const root = document.getElementById("live");
const link = document.getElementById("link");
const progress = document.getElementById("progress");
const SHOWN = 50;
const SILENT = 25000;
let source = null;
let after = Number(root.dataset.sequence);
let heard = 0;
let lost = 0;
let said = 0;
let over = false;
const held = new Map();
const appliedAt = new Map();
const queue = [];
const pending = [];

function say(text) {
  if (link.textContent !== text) link.textContent = text;
}

function utc(time) {
  return `${new Date(time).toISOString().slice(11, 19)} UTC`;
}

function url() {
  const given = new URLSearchParams(root.dataset.window);
  given.set("after", after);
  return `${root.dataset.run}/events?${given}`;
}

function open() {
  close();
  if (over || document.hidden) return;
  heard = Date.now();
  source = new EventSource(url());
  source.onopen = alive;
  source.onerror = () => {
    lost ||= Date.now();
    // The browser tries again by itself, but not after an answer that it does not understand.
    if (source?.readyState === EventSource.CLOSED) setTimeout(() => !over && !document.hidden && open(), 2000);
  };
  for (const name of ["patch", "reset", "beat", "end"]) {
    source.addEventListener(name, (event) => {
      alive();
      if (event.lastEventId) after = Number(event.lastEventId);
      if (name === "end") finish();
      else if (name !== "beat") later(event.data);
    });
  }
}

function close() {
  source?.close();
  source = null;
}

function alive() {
  heard = Date.now();
  lost = 0;
  say("Live");
}

function finish() {
  over = true;
  close();
  flush();
  say("Ended");
  for (const [id, element] of [...held]) replace(id, element, false);
}

function watch() {
  if (over || document.hidden) return;
  const now = Date.now();
  if (now - heard > SILENT) {
    lost ||= heard;
    open();
  }
  if (lost && now - lost > 30000) say(`No connection since ${utc(lost)}. The run goes on; this page catches up by itself.`);
  else if (lost && now - lost > 3000) say("Reconnecting");
  release();
}

// Whatever comes between two frames is drawn once: of each region the newest.
function later(html) {
  if (pending.push(html) === 1) requestAnimationFrame(flush);
}

function flush() {
  const regions = new Map();
  for (const html of pending.splice(0)) {
    const box = document.createElement("template");
    box.innerHTML = html;
    for (const element of [...box.content.children]) {
      if (element.localName === "template") card(element.content.firstElementChild);
      else regions.set(element.id, element);
    }
  }
  if (!regions.size) return;
  // All questions before all changes: each question after one would lay the page out once more.
  const waits = elsewhere();
  const inUse = new Set([...regions.keys()].filter((id) => busy(document.getElementById(id))));
  for (const [id, element] of regions) replace(id, element, inUse.has(id));
  drain(waits);
  document.dispatchEvent(new Event("dc43:patched"));
}

function busy(old) {
  if (!old || old.contains(document.activeElement)) return Boolean(old);
  // Only rows can change their places: a sentence moves on at once.
  const holds = old.dataset.hold && old.querySelector("tr");
  return holds && (old.matches(":hover") || Date.now() - (appliedAt.get(old.id) ?? 0) < Number(old.dataset.hold));
}

function replace(id, element, inUse) {
  const old = document.getElementById(id);
  held.delete(id);
  if (!old || old.isEqualNode(element)) return;
  if (id === "head") headline(element);
  // The timeline takes in what changed around its focused element.
  if (inUse && id !== "timeline") {
    if (old.dataset.hold && !old.contains(document.activeElement)) counts(old, element);
    held.set(id, element);
    return;
  }
  appliedAt.set(id, Date.now());
  sync(old, element);
}

// Makes one element like another in place: what is equal is not touched, so it is neither laid out
// nor painted anew.
function sync(old, fresh) {
  if (old.isEqualNode(fresh) || old.dataset?.keep !== undefined) return;
  if (old.nodeName !== fresh.nodeName || old.id !== fresh.id) {
    old.replaceWith(fresh);
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    old.nodeValue = fresh.nodeValue;
    return;
  }
  for (const { name, value } of [...fresh.attributes]) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  const mine = [...old.childNodes];
  for (const node of [...fresh.childNodes]) {
    const known = mine.shift();
    if (known) sync(known, node);
    else old.append(node);
  }
  for (const node of mine) node.remove();
}

// What was held back under focus or pointer is taken in once they are gone.
function release() {
  for (const [id, element] of [...held]) replace(id, element, busy(document.getElementById(id)));
}

// Counts move at once; rows change their places now and then, and never under the pointer.
function counts(old, element) {
  const rows = new Map([...old.querySelectorAll("tr[data-key]")].map((row) => [row.dataset.key, row]));
  for (const row of element.querySelectorAll("tr[data-key]")) {
    const known = rows.get(row.dataset.key);
    if (known) sync(known, row.cloneNode(true));
  }
}

function headline(element) {
  document.title = element.dataset.title;
  const now = Date.now();
  if (now - said < 15000 && element.dataset.state === root.dataset.state) return;
  said = now;
  root.dataset.state = element.dataset.state;
  if (progress.textContent !== element.dataset.progress) progress.textContent = element.dataset.progress;
}

function card(element) {
  const known = document.getElementById(element.id);
  if (known) sync(known, element);
  else queue.push(element);
}

// Below the list's top, or with focus in it, new cards wait: nothing shifts under the reader.
function elsewhere() {
  const list = document.getElementById("cards");
  return list.scrollTop > 4 || list.getBoundingClientRect().top < 0 || list.contains(document.activeElement);
}

function drain(waits) {
  const list = document.getElementById("cards");
  const waiting = document.getElementById("waiting");
  if (waits && queue.length) {
    waiting.hidden = false;
    waiting.firstElementChild.textContent = queue.length === 1 ? "1 new batch" : `${queue.length} new batches`;
    return;
  }
  waiting.hidden = true;
  for (const element of queue.splice(0)) list.prepend(element);
  while (list.children.length > SHOWN) list.lastElementChild.remove();
}

document.getElementById("waiting").firstElementChild.addEventListener("click", () => {
  const list = document.getElementById("cards");
  list.scrollTop = 0;
  document.getElementById("waiting").hidden = true;
  for (const element of queue.splice(0)) list.prepend(element);
  while (list.children.length > SHOWN) list.lastElementChild.remove();
  list.firstElementChild?.firstElementChild.focus();
});
document.addEventListener("focusout", () => setTimeout(release));
document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    close();
    say(over ? "Ended" : "Paused");
  } else open();
});

async function peek() {
  if (!document.hidden || over) return;
  try {
    const answer = await fetch(`${root.dataset.run}/state`);
    document.title = (await answer.json()).title;
  } catch {
    // The next look may find the server again.
  }
}

open();
setInterval(watch, 500);
setInterval(peek, 30000);
