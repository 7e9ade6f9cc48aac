// The live list, the search box and the keys. Everything here works without it, by plain forms; no text is made here.
"use strict";
const $ = (id) => document.getElementById(id);
const body = document.body, list = $("visits"), search = $("search"), words = $("live")?.dataset;
let revision = Number(body.dataset.revision), stream = null, beat = 0, asking = false, again = false;
const filter = body.dataset.live, token = document.querySelector("input[name=csrf]")?.value;

// --- the connection ---
function online(at) {
  body.classList.remove("offline");
  $("lost").hidden = true;
  $("live").classList.add("on");
  $("live").textContent = `${words.live} ${at}`;
  $("lost-at").textContent = at;
}
function offline() {
  body.classList.add("offline");
  $("lost").hidden = false;
  $("live").classList.remove("on");
  $("live").textContent = "";
}
function listen() {
  if (stream || document.hidden) return;
  stream = new EventSource("/events");
  const alive = () => { clearTimeout(beat); beat = setTimeout(offline, Number(words.silentMs)); };
  stream.addEventListener("changed", (event) => { alive(); if (Number(event.data) !== revision || body.classList.contains("offline")) refresh(); });
  stream.addEventListener("beat", (event) => { alive(); if (body.classList.contains("offline")) refresh(); else online(event.data); });
  stream.addEventListener("session", () => location.reload());
  stream.onerror = () => {
    offline();
    if (stream?.readyState === EventSource.CLOSED) { silence(); setTimeout(listen, 2000); }
  };
  alive();
}
function silence() { clearTimeout(beat); stream?.close(); stream = null; }

// --- the rows ---
async function refresh() {
  if (asking) { again = true; return; }
  asking = true;
  try {
    const answer = await fetch(`/rows?since=${revision}&filter=${filter}`, { cache: "no-store" });
    if (answer.status === 401) return location.reload();
    if (!answer.ok) throw new Error(answer.status);
    take(await answer.json());
  } catch { offline(); }
  asking = false;
  if (again) { again = false; refresh(); }
}
function take(news) {
  revision = news.revision;
  online(news.at);
  count("open-count", news.open, news.overdue);
  count("numbers-count", news.numbers, false);
  if ($("banners").innerHTML.trim() !== news.banners.trim()) $("banners").innerHTML = news.banners;
  if (body.dataset.seq && news.rows[body.dataset.seq] > Number(body.dataset.visitRevision)) $("newer").hidden = false;
  if (!list || !news.order) return;
  const held = document.activeElement?.closest?.("tr[data-visit]")?.id;
  const row = document.createElement("template");
  for (const [seq, html] of Object.entries(news.html)) {
    row.innerHTML = html.trim();
    const fresh = row.content.firstElementChild, old = $(`v${seq}`);
    if (old) old.replaceWith(fresh);
    else { fresh.classList.add("fresh"); list.append(fresh); }
  }
  if ($("unserved") && $("unserved").innerHTML.trim() !== news.unserved.trim()) $("unserved").innerHTML = news.unserved;
  const wanted = new Set(news.order.map((seq) => `v${seq}`));
  for (const each of [...list.children]) if (!wanted.has(each.id)) each.remove();
  news.order.forEach((seq, place) => { const each = $(`v${seq}`); if (each && list.children[place] !== each) list.insertBefore(each, list.children[place] ?? null); });
  if (news.arrivals !== null && $("arrivals")) {
    $("arrivals").innerHTML = news.arrivals;
    $("arrivals-empty").hidden = Boolean(news.arrivals.trim());
    $("arrivals-empty").textContent = news.arrivals_empty;
    $("arrivals-count").textContent = news.arrivals_count;
  }
  $("how-many").textContent = news.count;
  if (held && !document.activeElement?.closest?.("tr")) $(held)?.querySelector("a")?.focus();
  sift();
}
function count(id, number, late) {
  const place = $(id);
  if (!place) return;
  place.textContent = number;
  place.classList.toggle("zero", !number);
  place.classList.toggle("late", late);
}

// --- searching; the same folding as kiosk/desk/search.py ---
const folded = (text) => [...text.normalize("NFKC").replace(/\s+/gu, "").toLowerCase()]
  .map((each) => (each >= "ぁ" && each <= "ゖ" ? String.fromCodePoint(each.codePointAt(0) + 0x60) : each)).join("");
const all = () => [...($("unserved")?.children ?? []), ...list.children];
const link = (row) => row?.querySelector("a, button") ?? null; // of a visit its name
function sift() {
  if (!search || !list) return;
  const wanted = folded(search.value);
  let seen = 0;
  for (const each of all()) { each.hidden = Boolean(wanted) && !each.dataset.find.includes(wanted); seen += !each.hidden; }
  $("empty").hidden = all().length > 0;
  $("found").textContent = wanted ? (seen ? `${seen}${$("found").dataset.unit}` : $("found").dataset.none) : "";
}
const links = () => all().filter((row) => !row.hidden).map(link).filter(Boolean);
function jump(event) { // Enter of the keyboard or of a barcode reader
  event.preventDefault();
  const wanted = folded(search.value), rows = all();
  const exact = rows.filter((row) => wanted && row.dataset.number === wanted);
  const found = exact.length ? exact : rows.filter((row) => !row.hidden);
  if (wanted && found.length && (exact.length || found.length === 1)) {
    search.value = "";
    sift();
    link(found[0])?.focus();
    found[0].scrollIntoView({ block: "nearest" });
  } else search.select();
}

// --- keys ---
const typing = (place) => place.closest?.("input, select, textarea, summary");
function key(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  if (event.key === "F2" || (event.key === "/" && !typing(event.target))) {
    const place = search ?? $("wanted");
    if (place) { event.preventDefault(); place.focus(); place.select(); }
  } else if (event.key === "Escape") {
    if (event.target === search && search.value) { search.value = ""; sift(); }
    else if ($("back") && !typing(event.target)) $("back").click();
    else event.target.blur?.();
  } else if (list && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    if (typing(event.target) && event.target !== search) return;
    const places = links(), here = places.indexOf(link(event.target.closest?.("tr")));
    const next = places[here < 0 ? 0 : here + (event.key === "ArrowDown" ? 1 : -1)];
    if (next) { event.preventDefault(); next.focus(); next.closest("tr").scrollIntoView({ block: "nearest" }); }
  } else if (search && !typing(event.target) && event.key.length === 1 && event.key !== " ") {
    search.value = ""; // a reader, or somebody who just types: the character itself follows
    search.focus();
  }
}

// --- a person is there: the idle lock counts anew; at most once a minute ---
let active = Date.now();
function person() {
  if (Date.now() - active < 60000) return;
  active = Date.now();
  fetch("/active", { method: "POST", body: new URLSearchParams({ csrf: token }) }).then((answer) => answer.status === 401 && location.reload(), () => {});
}

addEventListener("keydown", (event) => { key(event); person(); });
addEventListener("pointerdown", person);
addEventListener("submit", (event) => { // one press is one act
  const form = event.target;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "1";
  setTimeout(() => delete form.dataset.sent, 5000);
});
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
if (search) { search.addEventListener("input", sift); search.form.addEventListener("submit", (event) => { if (filter !== "none") jump(event); }); sift(); }
if (navigator.clipboard) for (const each of document.querySelectorAll("[data-copy]")) {
  each.hidden = false;
  each.addEventListener("click", async () => { await navigator.clipboard.writeText(each.dataset.copy); each.textContent = body.dataset.copied; each.classList.add("done"); });
}
if ($("print-now")) { $("print-now").hidden = false; $("print-now").addEventListener("click", () => print()); }
if (words) {
  addEventListener("offline", offline); // a cable that is out ends no stream; what is heard afterwards says that it is well
  document.addEventListener("visibilitychange", () => { if (document.hidden) silence(); else { refresh(); listen(); } });
  listen();
}
