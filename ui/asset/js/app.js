// What pages do beyond forms: the keyboard, the idle warning, live state.
// Every page works without it. Nothing is kept in the browser, no HTML is made
// from strings, no style is written into the page (Trusted Types, strict CSP).
const body = document.body, data = body.dataset;
const words = JSON.parse(document.getElementById("words").textContent);
const make = (tag, attrs = {}, ...kids) => {
  const e = document.createElement(tag);
  for (const k in attrs) if (attrs[k] !== undefined) e.setAttribute(k, attrs[k]);
  e.append(...kids);
  return e;
};
const icon = name => {
  const ns = "http://www.w3.org/2000/svg", s = document.createElementNS(ns, "svg"), u = document.createElementNS(ns, "use");
  s.setAttribute("class", "i"); s.setAttribute("aria-hidden", "true");
  u.setAttribute("href", "/asset/svg/icons.svg#" + name);
  s.append(u);
  return s;
};

// One touch is one action, however often a finger falls. While the kiosk's daemon is
// restarting a touch waits for it: the browser's own page about it would stay there.
let sent = false, waits = false, answers = false;
function later(form, button) {
  waits = true;
  body.classList.add("busy");
  const ask = () => fetch("/painted", { method: "POST" }).then(
    () => { answers = true; form.requestSubmit(button); }, () => setTimeout(ask, 500));
  ask();
}
document.addEventListener("submit", e => {
  if (sent || waits && !answers) { e.preventDefault(); return; }
  if (!answers && stream.readyState !== EventSource.OPEN) {
    e.preventDefault();
    later(e.target, e.submitter);
    return;
  }
  sent = true;
  body.classList.add("busy");
  e.submitter?.setAttribute("data-pressed", "");
});
addEventListener("pageshow", e => { sent = false; body.classList.remove("busy"); if (e.persisted) location.reload(); });
document.addEventListener("contextmenu", e => e.preventDefault());

// Focus: a fault first, else the field; else the heading, for those who listen.
const summary = document.getElementById("summary");
const field = document.querySelector("[data-osk]");
document.querySelectorAll(".summary a").forEach(a => a.addEventListener("click", e => {
  e.preventDefault();
  document.getElementById(a.hash.slice(1))?.focus();
}));

// ---- keyboard
const layouts = {
  tk: ["ä w e r t y u i o p ň ö", "a s d f g h j k l ş BACK", "SHIFT z ü ç ý b n m ž - .", "SYM LANG , SPACE ' ENTER"],
  ru: ["й ц у к е ё н г ш щ з х ъ", "ф ы в а п р о л д ж э BACK", "SHIFT я ч с м и т ь б ю - .", "SYM LANG , SPACE № ENTER"],
  en: ["q w e r t y u i o p", "a s d f g h j k l BACK", "SHIFT z x c v b n m - .", "SYM LANG , SPACE @ ENTER"],
  sym: ["1 2 3 4 5 6 7 8 9 0", "- / : ; ( ) № @ \" BACK", ". , ? ! ' _ % # + &", "ABC MORE SPACE ENTER"],
  more: ["$ * = ~ ^ < > [ ]", "{ } | \\ ` BACK", "ABC SYM SPACE"], // what passwords may have besides
  code: ["1 2 3 4 5 6 7 8 9 0", "A B C D E F G H J K M", "N P Q R S T V W X Y Z BACK"],
  num: ["1 2 3", "4 5 6", "7 8 9", "BACK 0 NEXT"],
  phone: ["1 2 3", "4 5 6", "7 8 9", "+ 0 BACK"],
};
const order = ["tk", "ru", "en"];
const faces = { BACK: ["backspace", "back"], SHIFT: ["shift", "shift"], ENTER: ["enter", "enter"], NEXT: ["arrow-right", "next"] };
const osk = document.getElementById("osk");
let cur = null, layer = "", base = "tk", shift = false;
const fields = [...document.querySelectorAll("[data-osk]")];
const upper = c => c.toLocaleUpperCase(base === "ru" ? "ru" : "tk");

function key(k) {
  const b = make("button", { type: "button", tabindex: "-1" });
  if (k.length === 1) {
    const c = shift ? upper(k) : k;
    b.dataset.ch = c;
    b.append(c);
    return b;
  }
  b.dataset.act = k;
  if (faces[k]) { b.append(icon(faces[k][0])); b.setAttribute("aria-label", words[faces[k][1]]); }
  if (k === "SHIFT") b.setAttribute("aria-pressed", String(shift));
  if (k === "SPACE") { b.append(words.space); b.dataset.w = "5"; }
  if (k === "SYM") { b.append("123"); b.setAttribute("aria-label", "123 " + words.digits); }
  if (k === "MORE") { b.append("$*="); b.setAttribute("aria-label", "$*= " + words.digits); b.dataset.w = "2"; }
  if (k === "ABC") { b.append("ABC"); b.setAttribute("aria-label", "ABC " + words.letters); b.dataset.w = "2"; }
  if (k === "LANG") { const n = order[(order.indexOf(base) + 1) % 3].toUpperCase(); b.append(n); b.setAttribute("aria-label", n + " " + words.lang); }
  return b;
}
function draw() {
  const long = cur.tagName === "TEXTAREA", more = fields.indexOf(cur) < fields.length - 1;
  osk.replaceChildren(...layouts[layer].map(r => make("div", {}, ...r.split(" ")
    .filter(k => (k !== "ENTER" || long) && (k !== "MORE" || cur.dataset.osk === "pass"))
    .map(k => k === "NEXT" && !more ? blank() : key(k)))));
  osk.hidden = false;
}
const blank = () => { const b = key("NEXT"); b.disabled = true; b.className = "gap"; return b; };
function begin() {
  const at = cur.selectionStart, before = cur.value.slice(0, at);
  return "caps" in cur.dataset && (before === "" || /[\s.-]$/.test(before) && !/^\d/.test(before));
}
function caps() {
  const s = order.includes(layer) && begin();
  if (s !== shift) { shift = s; draw(); }
}
function put(s, back) {
  let a = cur.selectionStart, z = cur.selectionEnd;
  if (back && a === z) a = Math.max(0, a - 1);
  if (cur.maxLength >= 0 && !back && cur.value.length - (z - a) >= cur.maxLength) return;
  cur.setRangeText(s, a, z, "end");
  cur.dispatchEvent(new InputEvent("input", { bubbles: true, data: s, inputType: back ? "deleteContentBackward" : "insertText" }));
  if (document.activeElement !== cur) cur.focus({ preventScroll: true });
  caps();
}
function forward() { fields[fields.indexOf(cur) + 1]?.focus(); }
if (osk && field) {
  osk.addEventListener("pointerdown", e => e.preventDefault()); // the field keeps focus and caret
  osk.addEventListener("click", e => {
    const b = e.target.closest("button");
    if (!b || !cur) return;
    switch (b.dataset.act) {
      case undefined: put(b.dataset.ch); break;
      case "BACK": put("", true); break;
      case "SPACE": put(" "); break;
      case "ENTER": put("\n"); break;
      case "NEXT": forward(); break;
      case "SHIFT": shift = !shift; draw(); break;
      case "SYM": layer = "sym"; shift = false; draw(); break;
      case "MORE": layer = "more"; draw(); break;
      case "ABC": layer = base; caps(); draw(); break;
      case "LANG": base = layer = order[(order.indexOf(base) + 1) % 3]; draw(); break;
    }
  });
  document.addEventListener("focusin", e => {
    if (!e.target.matches("[data-osk]") || e.target === cur) return;
    cur = e.target;
    cur.setAttribute("inputmode", "none");
    const want = { date: "num", pass: "en" }[cur.dataset.osk] ?? cur.dataset.osk;
    layer = layouts[want] ? want : "tk";
    if (order.includes(layer)) base = layer;
    shift = order.includes(layer) && begin();
    draw();
    cur.scrollIntoView({ block: "nearest" });
  });
  document.addEventListener("input", e => {
    const f = e.target;
    if (f.dataset?.full && f.value.length >= +f.dataset.full && f === cur) forward();
  });
}
const first = field || document.getElementById("h");
if (summary && !field) summary.focus({ preventScroll: true });
else {
  if (field) field.setSelectionRange(field.value.length, field.value.length);
  first?.focus({ preventScroll: true });
}

// ---- a long page says that it goes on
const main = document.getElementById("main");
if (main) {
  const b = make("button", { type: "button", class: "more", "aria-label": words.more, tabindex: "-1" }, icon("arrow-down"));
  const strip = make("div", { class: "further", hidden: "" }, b);
  main.after(strip);
  const look = () => { strip.hidden = main.scrollHeight - main.clientHeight - main.scrollTop < 8; };
  b.addEventListener("click", () => main.scrollBy({ top: main.clientHeight * .8, behavior: "smooth" }));
  main.addEventListener("scroll", look, { passive: true });
  new ResizeObserver(look).observe(main);
  document.fonts?.ready.then(look);
  look();
}

// ---- is anyone there?
const away = document.getElementById("away");
const post = action => fetch(data.home + "/" + action, { method: "POST", headers: { "X-Penjire-Beat": "1" }, redirect: "manual" }).catch(() => {});
let last = Date.now(), beat = last, warned = 0;
function warn() {
  if (!away || warned) return;
  warned = Date.now();
  away.showModal();
  document.getElementById("stay").focus();
}
function stay() {
  warned = 0; last = beat = Date.now();
  if (away?.open) away.close();
  post("stay");
}
if (away) {
  const warnAt = +data.warn, endAt = +data.end, left = document.getElementById("left");
  for (const t of ["pointerdown", "keydown"]) addEventListener(t, () => {
    if (warned) return;
    last = Date.now();
    if (last - beat > 10000) { beat = last; post("stay"); }
  }, { capture: true, passive: true });
  away.addEventListener("cancel", e => { e.preventDefault(); stay(); });
  document.getElementById("stay").addEventListener("click", e => { e.preventDefault(); stay(); });
  setInterval(() => {
    const now = Date.now();
    if (!warned && now - last >= warnAt) warn();
    if (!warned) return;
    const s = Math.ceil((endAt - (now - warned)) / 1000);
    left.textContent = Math.max(0, s);
    // The server ends the visit by its own clock; this only makes sure.
    if (s < -3) { warned = now; post("end").then(() => location.replace("/")); }
  }, 250);
}

// ---- live state
const typed = () => fields.some(f => f.value !== f.defaultValue);
function show(lights) {
  const ul = document.getElementById("lights");
  if (!ul || !lights) return;
  const is = [...ul.children].map(li => li.dataset.kind + li.textContent).join("|");
  if (is === lights.map(l => l.kind + l.text).join("|")) return;
  ul.replaceChildren(...lights.map(l => make("li", { class: "light", "data-kind": l.kind }, icon(l.icon), make("span", {}, l.text))));
}
const stream = new EventSource((data.home === "/" ? "" : data.home) + "/events");
stream.addEventListener("change", m => {
  const e = JSON.parse(m.data);
  if (e.over) { stream.close(); location.replace("/"); return; }
  if (!e.page) return;
  show(e.lights);
  if (sent) return;
  if (e.page === "away" && data.page !== "away" && away) { warn(); return; }
  if (e.sum === data.sum) return;
  if (e.page === data.page && typed()) return; // nobody loses what is being typed
  location.replace(data.home);
});
addEventListener("pagehide", () => stream.close());

// ---- does the screen still draw? After two frames a page has been painted; whoever
// watches over the browser hears of it, and mends a browser that went silent.
const painted = () => requestAnimationFrame(() => requestAnimationFrame(() => fetch("/painted", { method: "POST" }).catch(() => {})));
painted();
setInterval(painted, 5000);
