// What the pages do beyond plain HTML. Each of them works without this file: it adds values under the pointer and by
// arrow keys to charts, shows a new cycle in a page that is open, switches charts in place, and gives the present mode
// its keys. It holds no text and no state of its own: both come from the server's HTML.

const DAY = 86_400_000; // milliseconds
const AGAIN = 60_000; // milliseconds until a stream that the server refused is asked for again
const LOST = 3_000; // milliseconds without a stream after which a page says so: the server ends each one now and then

// ---------------------------------------------------------------------------------------------------------- charts
// A chart is drawn by the server, and has its figures in a table. A slider over the drawing walks through the rows of
// that table: screen readers announce a slider's text, and know its keys.

const rowsOf = (figure) => [...figure.querySelectorAll("tr[data-day]")];

function enhanceCharts(root) {
  for (const figure of root.querySelectorAll("figure.chart")) {
    const last = rowsOf(figure).length - 1;
    if (last < 0) continue;
    const slider = document.createElement("div");
    slider.className = "reader";
    slider.tabIndex = 0;
    slider.setAttribute("role", "slider");
    slider.setAttribute("aria-label", figure.querySelector("svg title").textContent);
    slider.setAttribute("aria-valuemin", "0");
    slider.setAttribute("aria-valuemax", last);
    const reading = document.createElement("div");
    reading.className = "reading";
    reading.hidden = true;
    figure.querySelector(".drawing").append(slider, reading);
    describe(figure, last);
  }
}

/** The lines that a row says: the day, then each cell that is not empty with the heading of its column. */
function linesOf(figure, row) {
  const headings = [...figure.querySelectorAll("thead th")].map((cell) => cell.textContent.trim());
  return [...row.cells]
    .map((cell, index) => [index ? headings[index] : "", cell.textContent.trim().replace(/\s+/g, " ")])
    .filter(([, text]) => text)
    .map(([heading, text]) => (heading ? `${heading}: ${text}` : text));
}

function describe(figure, index) {
  const slider = figure.querySelector(".reader");
  slider.setAttribute("aria-valuenow", index);
  slider.setAttribute("aria-valuetext", linesOf(figure, rowsOf(figure)[index]).join(", "));
}

/** Shows the row with this number beside its place in the drawing. */
function show(figure, index) {
  const rows = rowsOf(figure);
  const row = rows[Math.max(0, Math.min(index, rows.length - 1))];
  const reading = figure.querySelector(".reading");
  describe(figure, rows.indexOf(row));
  const paragraph = (line) => Object.assign(document.createElement("p"), { textContent: line });
  reading.replaceChildren(...linesOf(figure, row).map(paragraph));
  const share = placeOf(visibleDrawing(figure), row);
  reading.style.left = `${share * 100}%`;
  reading.classList.toggle("before", share > 0.5); // towards the middle, so that it stays on the screen
  reading.hidden = false;
}

const visibleDrawing = (figure) => [...figure.querySelectorAll("svg")].find((svg) => svg.getClientRects().length);

/** Where a row's day lies in a drawing, as a share of its width. */
function placeOf(svg, row) {
  const { first, last, left, right } = svg.dataset;
  const share = (Date.parse(row.dataset.day) - Date.parse(first)) / Math.max(Date.parse(last) - Date.parse(first), DAY);
  return (Number(left) + (Number(right) - Number(left)) * Math.min(Math.max(share, 0), 1)) / 100;
}

function nearest(figure, clientX) {
  const svg = visibleDrawing(figure);
  const box = svg.getBoundingClientRect();
  const pointer = (clientX - box.left) / box.width;
  const distances = rowsOf(figure).map((row) => Math.abs(placeOf(svg, row) - pointer));
  return distances.indexOf(Math.min(...distances));
}

const STEPS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageUp: 7, PageDown: -7 };

function listenToCharts() {
  const figureOf = (event) => event.target.closest?.(".reader")?.closest("figure");
  document.addEventListener("pointermove", (event) => {
    const figure = figureOf(event);
    if (figure) show(figure, nearest(figure, event.clientX));
  });
  document.addEventListener("pointerout", (event) => {
    const figure = figureOf(event);
    if (figure && document.activeElement !== event.target) figure.querySelector(".reading").hidden = true;
  });
  document.addEventListener("focusin", (event) => {
    const figure = figureOf(event);
    if (figure) show(figure, Number(event.target.getAttribute("aria-valuenow")));
  });
  document.addEventListener("focusout", (event) => {
    const figure = figureOf(event);
    if (figure) figure.querySelector(".reading").hidden = true;
  });
  document.addEventListener("keydown", (event) => {
    const figure = figureOf(event);
    if (!figure) return;
    const now = Number(event.target.getAttribute("aria-valuenow"));
    const to = event.key === "Home" ? 0 : event.key === "End" ? Infinity : event.key in STEPS ? now + STEPS[event.key] : null;
    if (to === null) return;
    event.preventDefault();
    show(figure, to);
  });
}

// ------------------------------------------------------------------------------------------------------------ live
// A page that is open asks for itself again after an event, and takes over what differs, node by node. What did not
// change keeps its place, selection and focus. A field in which somebody typed keeps its text: a browser gives a new
// default only to fields that nobody touched. What answers a person stays until that person acts: a form that was
// refused, with its reason and all that was typed, and what the script itself wrote beside a form.

const typed = new WeakSet(); // forms that must not go
const KEPT = ["open"]; // attributes that the reader sets, not the server
const REASON = "[role=alert]"; // why something was refused
const ANSWER = `${REASON}, .spot .outcome:not(:empty)`;

const ownKey = (node) =>
  node.id || node.dataset.key || node.dataset.day || (node.nodeName === "FORM" && node.className) || (node.matches(REASON) && "alert");
const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE && ownKey(node)) || "";
const alike = (old, fresh) => old.nodeType === fresh.nodeType && old.nodeName === fresh.nodeName && keyOf(old) === keyOf(fresh);
const isAnswer = (node) =>
  node.nodeType === Node.ELEMENT_NODE &&
  (node.matches(ANSWER) || (node.nodeName === "FORM" && node.querySelector(REASON) !== null));
const mustStay = (node) =>
  node.nodeType === Node.ELEMENT_NODE &&
  (isAnswer(node) || node.querySelector(ANSWER) || [node, ...node.querySelectorAll("form")].some((form) => typed.has(form)));

function takeOver(old, fresh) {
  if (isAnswer(old)) return;
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
    return;
  }
  takeOverAttributes(old, fresh);
  let next = old.firstChild;
  for (const child of [...fresh.childNodes]) {
    const same = following(next, child);
    if (same) {
      while (next !== same) next = removed(next);
      next = same.nextSibling;
      takeOver(same, child);
    } else {
      old.insertBefore(document.importNode(child, true), next);
    }
  }
  while (next) next = removed(next);
}

function takeOverAttributes(old, fresh) {
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !KEPT.includes(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value && !KEPT.includes(name)) old.setAttribute(name, value);
  }
}

const isBlank = (node) => node.nodeType === Node.TEXT_NODE && !node.nodeValue.trim();

/** The old node that a fresh one continues: the next with the same key; without a key only the very next, where blanks
 *  and answers to a person do not count. */
function following(old, fresh) {
  while (old && (isAnswer(old) || isBlank(old)) && !alike(old, fresh)) old = old.nextSibling;
  if (!keyOf(fresh)) return old && alike(old, fresh) ? old : null;
  while (old && !alike(old, fresh)) old = old.nextSibling;
  return old;
}

function removed(node) {
  const next = node.nextSibling;
  if (!mustStay(node)) node.remove();
  return next;
}

let latest = 0;

/** Shows what the server has at an address now. Returns whether it did. */
async function refresh(address) {
  const mine = ++latest; // an answer that is overtaken by a later question is not shown
  const answer = await fetch(address, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer?.ok || answer.redirected) {
    document.body.classList.add("offline"); // such as a session that is over: the page stays as it is
    return false;
  }
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (mine !== latest) return false;
  enhanceCharts(fresh);
  const shown = [...document.querySelectorAll(".reading:not([hidden])")].map((reading) => {
    const figure = reading.closest("figure");
    return [figure, rowsOf(figure)[figure.querySelector(".reader").getAttribute("aria-valuenow")].dataset.day];
  });
  takeOverAttributes(document.body, fresh.body);
  for (const part of ["header.bar", "main"]) takeOver(document.querySelector(part), fresh.querySelector(part));
  document.title = fresh.title;
  for (const [figure, day] of shown) {
    const index = rowsOf(figure).findIndex((row) => row.dataset.day === day);
    if (index >= 0) show(figure, index);
  }
  return true;
}

function stayLive() {
  let stream = null;
  let opened = false;
  const listen = () => {
    if (stream || document.hidden) return;
    stream = new EventSource(document.body.dataset.live);
    let first = true;
    stream.onopen = () => {
      document.body.classList.remove("offline");
      if (opened) refresh(location.href); // nobody listened for a while
      opened = true;
    };
    stream.onmessage = ({ data }) => {
      // The first event of a stream names the present state, which the page may show already.
      if (!first || data !== document.body.dataset.cycle) refresh(location.href);
      first = false;
    };
    stream.onerror = () => {
      setTimeout(() => document.hidden || stream?.readyState === EventSource.OPEN || document.body.classList.add("offline"), LOST);
      if (stream.readyState !== EventSource.CLOSED) return; // the browser itself asks again
      stream = null;
      setTimeout(listen, AGAIN);
    };
  };
  const stop = () => {
    stream?.close();
    stream = null;
  };
  // A browser opens six connections to a server in all: pages that nobody sees must not keep them.
  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : listen()));
  addEventListener("pagehide", stop);
  addEventListener("pageshow", listen);
  document.addEventListener("input", ({ target }) => target.form && typed.add(target.form));
  listen();
}

// ---------------------------------------------------------------------------------------------------------- switches
// A link of a switch changes the charts of the page: without a journey to its top.

function switchInPlace() {
  document.addEventListener("click", async (event) => {
    const link = event.target.closest?.(".switch a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    const { href } = link;
    if (await refresh(href)) history.pushState(null, "", href);
    else location.assign(href);
  });
  addEventListener("popstate", () => refresh(location.href));
}

// ----------------------------------------------------------------------------------------------------------- present

const RELATIONS = { ArrowRight: "next", PageDown: "next", ArrowLeft: "prev", PageUp: "prev", Escape: "up" };

function presentByKeys() {
  document.addEventListener("keydown", (event) => {
    if (!document.body.classList.contains("present") || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.target.closest?.("form, .reader")) return; // there the same keys have another use
    document.querySelector(`a[rel="${RELATIONS[event.key]}"]`)?.click();
  });
}

// A note that is typed in the meeting is a check-in on a key result. It is sent without leaving the screen, which then
// shows what the key result's page says of it.

function noteOnTheSpot() {
  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("form.spot");
    if (!form) return;
    event.preventDefault();
    const body = new URLSearchParams(new FormData(form));
    const sent = { method: "POST", body, headers: { Accept: "text/html" } }; // what refuses it is a page with a sentence
    const answer = await fetch(event.submitter?.formAction ?? form.action, sent).catch(() => null);
    const page = new DOMParser().parseFromString((await answer?.text()) ?? "", "text/html");
    if (answer?.ok) {
      form.elements.note.value = "";
      typed.delete(form);
      await refresh(location.href); // which brings the form another id: the next note is another one
    }
    const words = page.querySelector("[role=status], [role=alert]")?.textContent.trim();
    const outcome = document.querySelector("form.spot .outcome");
    outcome.textContent = words || (answer ? `${answer.status}` : outcome.dataset.noAnswer);
  });
}

enhanceCharts(document);
listenToCharts();
switchInPlace();
presentByKeys();
noteOnTheSpot();
if (!document.body.classList.contains("past")) stayLive();
