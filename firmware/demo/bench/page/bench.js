// The bench's page. Everything it does is the JSON API of api.go; everything it
// shows is GET /api/events.
'use strict';
const $ = id => document.getElementById(id);
let now = null;       // the last state
let back = 0;         // which paper is shown, counted from the last
let shown = '';       // what the strip shows
let whose = 'kiosk';
let shape = localStorage.getItem('shape') || 'portrait';

// el makes an element: el('li', {class: 'x'}, 'text', other).
function el(tag, attrs, ...kids) {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(attrs || {})) e.setAttribute(k, v);
  e.append(...kids);
  return e;
}

async function order(path, body) {
  try {
    const r = await fetch('/api/' + path, {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(body)});
    const j = await r.json();
    if (!r.ok) throw new Error(j.error);
    draw(j);
  } catch (e) { oops(e.message); }
}
let oopsTimer;
function oops(words) {
  $('oops').textContent = words;
  $('oops').hidden = false;
  clearTimeout(oopsTimer);
  oopsTimer = setTimeout(() => { $('oops').hidden = true; }, 6000);
}

// ---- hands

const midway = () => $('midway').checked ? {after_mm: 40} : {};
function printer(body) {
  order('printer', {...body, ...midway()});
  $('midway').checked = false;
}
const swap = what => order(what, {link: now.devices[what].link === 'plugged' ? 'unplugged' : 'plugged'});
const acts = {
  'reader-link': () => order('reader', {link: now.devices.reader.link === 'plugged' ? 'unplugged' : 'plugged'}),
  'printer-link': () => printer({link: now.devices.printer.link === 'plugged' ? 'unplugged' : 'plugged'}),
  'pull': () => order('reader', {fault: 'pull-before'}),
  'tear': () => order('printer', {tear: true}),
  'power': () => now.kiosk.running ? (order('power', {action: 'cut', ...midway()}), $('midway').checked = false) : acts['power-on'](),
  'power-on': () => order('power', {action: 'on'}),
  'power-portal': () => order('power', {what: 'portal', action: now.portal.running ? 'cut' : 'on'}),
  'make-code': () => order('code', {}),
  'show-paper': () => order('scanner', {paper: back}),
  'scanner-link': () => swap('scanner'),
  'sheets-link': () => swap('sheets'),
  'sheets-power': () => order('sheets', {power: 'lost'}),
  'io-link': () => swap('cabinet'),
  'notes-link': () => swap('notes'),
  'older': () => { back++; draw(now); },
  'newer': () => { back = Math.max(0, back - 1); draw(now); },
};
document.addEventListener('click', ev => {
  const b = ev.target.closest('button');
  if (!b || !now) return;
  const d = b.dataset;
  if (d.do) acts[d.do]();
  else if (d.card) order('card', now.devices.reader.card === d.card ? {action: 'remove'} : {action: 'insert', card: d.card});
  else if (d.paper) printer({paper: d.paper});
  else if (d.cover) printer({cover: d.cover});
  else if (d.a4paper) order('sheets', {paper: d.a4paper});
  else if (d.a4cover) order('sheets', {cover: d.a4cover});
  else if (d.door) order('cabinet', {door: d.door});
  else if (d.supply) order('cabinet', {supply: d.supply});
  else if (d.tamper) order('cabinet', {tamper: d.tamper});
  else if (d.bill) order('notes', {insert: Number(d.bill)});
  else if (d.trouble) order('notes', {trouble: d.trouble});
  else if (d.board) order('kiosk', {board: d.board});
  else if (d.net) order('network', {mode: d.net});
  else if (d.clock) order('clock', d.clock === '1970' ? {at: '1970-01-01T00:00:00Z'} : {offset: d.clock});
  else if (d.log) { whose = d.log; draw(now); }
  else if (d.shape) { shape = d.shape; localStorage.setItem('shape', shape); fit(); }
});

$('show-form').addEventListener('submit', ev => {
  ev.preventDefault();
  if ($('show').value) order('scanner', {show: $('show').value});
});

$('code-form').addEventListener('submit', ev => {
  ev.preventDefault();
  if ($('code').value) order('enrol', {code: $('code').value});
});

// ---- the kiosk's screen, in its own pixels, scaled to the room there is

const sizes = {portrait: [1080, 1920], landscape: [1280, 800]};
function fit() {
  const [w, h] = sizes[shape];
  const frame = $('screen'), glass = $('glass');
  const wide = document.documentElement.clientWidth;
  const roomW = wide <= 980 ? wide - 80 : shape === 'portrait' ? wide * 0.34 : wide * 0.46;
  const s = Math.min(roomW / w, (innerHeight - 180) / h, 1);
  frame.style.width = w + 'px';
  frame.style.height = h + 'px';
  frame.style.transform = `scale(${s})`;
  glass.style.width = Math.floor(w * s) + 'px';
  glass.style.height = Math.floor(h * s) + 'px';
  for (const b of $('shape').children) b.setAttribute('aria-pressed', b.dataset.shape === shape);
}
addEventListener('resize', fit);

// ---- live views

const bytes = n => n < 10000 ? n + ' B' : n < 10e6 ? (n / 1024).toFixed(1) + ' KiB' : (n / 1048576).toFixed(1) + ' MiB';
function press(group, key, value) {
  for (const b of $(group).children) b.setAttribute('aria-pressed', b.dataset[key] === value);
}
function word(id, text, kind) {
  $(id).textContent = text;
  $(id).className = 'word' + (kind ? ' ' + kind : '');
  $(id).hidden = !text;
}
function facts(id, list) {
  $(id).replaceChildren(...list.flatMap(([k, v, c]) => [el('dt', {}, k), el('dd', c ? {class: c} : {}, String(v))]));
}

let wasRunning = true;
function draw(s) {
  now = s;
  const says = s.kiosk.says || null;
  const up = says && says.uplink || null;
  // the screen
  $('dark').hidden = s.kiosk.running;
  if (s.kiosk.running && !wasRunning) setTimeout(() => { $('screen').src = $('screen').dataset.url; }, 300);
  wasRunning = s.kiosk.running;
  drawNew(s.kiosk);
  // cards and reader
  const r = s.devices.reader;
  drawCards(s);
  word('reader-word', r.link === 'plugged' ? (r.card ? r.card : 'no card') : 'unplugged', r.link === 'plugged' ? '' : 'bad');
  $('reader-link').textContent = r.link === 'plugged' ? 'Unplug reader' : 'Plug reader in';
  // printer
  const p = s.devices.printer;
  press('paper', 'paper', p.paper);
  press('cover', 'cover', p.cover);
  $('printer-link').textContent = p.link === 'plugged' ? 'Unplug printer' : 'Plug printer in';
  const fine = p.link === 'plugged' && p.cover === 'closed' && (p.paper === 'ok' || p.paper === 'low');
  word('printer-word', p.link !== 'plugged' ? 'unplugged' : p.cover === 'open' ? 'cover open' : p.paper === 'out' ? 'no paper' : p.paper === 'jam' ? 'jammed' : p.printing ? 'printing' : p.paper === 'low' ? 'paper low' : 'ready', fine ? (p.paper === 'low' ? 'warn' : '') : 'bad');
  $('papers').textContent = p.papers === 1 ? '1 paper came out' : p.papers + ' papers came out';
  drawPaper(p);
  drawCabinet(s.devices);
  // network
  press('net', 'net', s.network.mode);
  facts('net-facts', [['Kiosk to portal', bytes(s.network.sent)], ['Portal to kiosk', bytes(s.network.received)], ['Connections', `${s.network.connections} open, ${s.network.total} in all`]]);
  // power and clock
  $('power').textContent = s.kiosk.running ? 'Pull the plug' : 'Switch on';
  $('power').className = s.kiosk.running ? 'big danger' : 'big';
  $('power-word').textContent = s.kiosk.running ? 'kill -9: nothing of the kiosk runs another step' : 'Off: ' + (s.kiosk.exit || 'not started');
  $('power-portal').textContent = s.portal.running ? 'Kill the portal' : 'Start the portal';
  $('time').textContent = s.clock.time.slice(0, 19).replace('T', ' ') + (s.clock.offset === '0s' ? '' : '  (' + s.clock.offset + ')');
  // queue and journal
  drawQueue(s.queue);
  if (s.journal) facts('journal', [['Entries', s.journal.size], ['Root', (s.journal.root || '').slice(0, 16).replace(/(.{4})/g, '$1 ').trim(), 'mono']]);
  else facts('journal', [['Entries', 'not known']]);
  // wire
  word('wire-word', !up ? 'not known' : up.connected ? 'connected' : (up.last_error || 'not connected'), !up ? 'warn' : up.connected ? '' : 'bad');
  const frames = up && up.last_frames || [];
  $('wire').replaceChildren(...frames.slice().reverse().map(f => el('li', {}, el('em', {}, (f.at || '').slice(11, 19)), el('span', {class: f.up ? 'up' : 'down'}, f.up ? '→' : '←'), `${f.type}${f.count > 1 ? ' ×' + f.count : ''}`, el('em', {}, bytes(f.bytes)))));
  drawHealth(says);
  press('whose', 'log', whose);
  drawLog(s[whose].log || []);
  drawTruth(s, up);
}

// A new board: what its enrolment lacks. It waits on while this is shown.
const lacking = {code: 'a one-time code', stick: 'a memory stick', portal: 'the portal does not answer', trust: 'who answers is not the portal', chip: 'the chip', storage: 'room'};
let wasEnrolling = false;
function drawNew(k) {
  press('board', 'board', k.board);
  $('new').hidden = !k.enrol;
  if (wasEnrolling && k.says) setTimeout(() => { $('screen').src = $('screen').dataset.url; }, 300);
  wasEnrolling = k.board === 'new' && !k.says && (wasEnrolling || !!k.enrol);
  if (!k.enrol) return;
  word('new-word', k.enrol.lacks ? 'lacks ' + (lacking[k.enrol.lacks] || k.enrol.lacks) : 'at ' + k.enrol.step, k.enrol.lacks ? 'warn' : '');
  $('new-code').textContent = k.code;
  $('new-says').textContent = [k.enrol.kiosk, k.enrol.refusal, k.enrol.fault].filter(Boolean).join(' · ');
}

// Unplugged things say so; what they say otherwise is in words.
function link(id, what, d, words, kind) {
  word(id + '-word', d.link === 'plugged' ? words : 'unplugged', d.link === 'plugged' ? kind : 'bad');
  $(id + '-link').textContent = d.link === 'plugged' ? 'Unplug ' + what : `Plug ${what} in`;
}
function drawCabinet({scanner, cabinet, notes, sheets}) {
  const a4 = sheets.cover === 'open' ? 'cover open' : sheets.paper === 'out' ? 'no paper' : sheets.paper === 'jam' ? 'jammed' : '';
  link('sheets', 'A4 printer', sheets, a4 || (sheets.jobs ? 'printing' : sheets.paper === 'low' ? 'paper low' : 'ready'), a4 ? 'bad' : sheets.paper === 'low' ? 'warn' : '');
  press('a4paper', 'a4paper', sheets.paper);
  press('a4cover', 'a4cover', sheets.cover);
  $('sheets-out').hidden = !sheets.out;
  $('sheets-out').textContent = sheets.out === 1 ? '1 document came out: see it' : sheets.out + ' documents came out: see the last';
  link('scanner', 'scanner', scanner, scanner.lit ? 'its light is on' : 'dark', '');
  const alarm = [cabinet.door === 'open' && 'door open', cabinet.supply === 'failing' && 'supply failing', cabinet.tamper === 'cut' && 'tampered'].filter(Boolean);
  link('io', 'I/O board', cabinet, alarm.join(', '), 'bad');
  press('door', 'door', cabinet.door);
  press('supply', 'supply', cabinet.supply);
  press('tamper', 'tamper', cabinet.tamper);
  link('notes', 'validator', notes, notes.power === 'off' ? 'no power' : notes.trouble === 'none' ? '' : notes.trouble, 'bad');
  press('trouble', 'trouble', notes.trouble);
  facts('notes-facts', [['In the box', notes.cassette + ' TMT'], ['Given back', notes.back + ' TMT']]);
}

let cardsShown = '';
function drawCards(s) {
  const key = JSON.stringify([s.cards, s.devices.reader.card]);
  if (key === cardsShown) return; // what is under the finger must not be replaced for nothing
  cardsShown = key;
  const staff = ['assistant', 'technician'], bad = ['foreign', 'expired', 'suspended'];
  const focus = document.activeElement && document.activeElement.dataset.card;
  $('cards').replaceChildren(...s.cards.map(c => el('button', {
    class: 'card' + (staff.includes(c.name) ? ' staff' : bad.includes(c.name) ? ' bad' : ''),
    'data-card': c.name, 'aria-pressed': s.devices.reader.card === c.name,
  }, el('b', {}, c.name), el('span', {}, c.holder), el('span', {}, `PIN ${c.pin}, ${c.tries} ${c.tries === 1 ? 'try' : 'tries'} left`), el('i', {class: 'chip', 'aria-hidden': 'true'}))));
  if (focus) $('cards').querySelector(`[data-card="${focus}"]`)?.focus();
}

let lastCount = -1;
function drawPaper(p) {
  const total = p.papers + (p.printing ? 1 : 0);
  if (total !== lastCount) { if (lastCount >= 0 && total > lastCount) back = 0; }
  back = Math.min(back, Math.max(0, total - 1));
  const key = total + ':' + back + (p.printing && back === 0 ? ':' + Date.now() : '');
  if (key !== shown && total > 0) {
    const img = el('img', {alt: 'The paper that came out', src: `/api/printer/paper.png?back=${back}&n=${encodeURIComponent(key)}`});
    const fresh = total > lastCount && lastCount >= 0 && !p.printing;
    if (fresh) img.className = 'new';
    img.onload = () => $('strip').replaceChildren(img);
  }
  shown = key;
  lastCount = total;
  $('pager').hidden = total === 0;
  $('pager-word').textContent = total ? `paper ${total - back} of ${total}` : '';
  $('pager-link').href = '/api/printer/paper.png?back=' + back;
}

const order8 = ['accepted', 'sending', 'delivered', 'registered', 'answered', 'returned', 'refused', 'withdrawn'];
function drawQueue(q) {
  if (!q) { word('queue-word', 'not known', 'warn'); $('queue').replaceChildren(); return; }
  const unsent = (q.accepted || 0) + (q.sending || 0);
  word('queue-word', unsent ? unsent + ' not yet received' : 'all received', unsent ? 'warn' : '');
  const most = Math.max(1, ...Object.values(q));
  const kind = {accepted: 'kept', sending: 'kept', refused: 'no', returned: 'no'};
  const names = order8.filter(n => n in q).concat(Object.keys(q).filter(n => !order8.includes(n)));
  $('queue').replaceChildren(...names.map(n => {
    const fill = el('span', {class: 'fill'});
    fill.style.width = 100 * q[n] / most + '%';
    return el('li', {class: kind[n] || ''}, el('span', {}, n), el('span', {class: 'bar'}, fill), el('b', {}, String(q[n])));
  }));
}

function drawHealth(says) {
  const list = says && says.health;
  if (!Array.isArray(list)) { word('health-word', 'not known', 'warn'); $('health').replaceChildren(); return; }
  word('health-word', list.length ? list.length + (list.length === 1 ? ' condition' : ' conditions') : 'all well', list.length ? 'warn' : '');
  $('health').replaceChildren(...list.map(c => typeof c === 'string' ? el('li', {}, c) : el('li', {}, el('b', {}, c.code || '?'), el('span', {class: 'soft'}, c.severity || ''))));
}

function drawLog(lines) {
  const pre = $('log'), text = lines.join('\n');
  if (pre.textContent === text) return;
  const low = pre.scrollTop + pre.clientHeight >= pre.scrollHeight - 8;
  pre.textContent = text;
  if (low) pre.scrollTop = pre.scrollHeight;
}

function drawTruth(s, up) {
  const t = !s.portal.running ? 'The portal is not running' : !s.kiosk.running ? 'The kiosk has no power' : !s.kiosk.says ? 'The kiosk does not say how it is' :
    s.network.mode === 'down' ? 'The network is cut' : s.network.mode === 'mute' ? 'The portal hears, but is not heard' : up && up.connected ? 'The kiosk is connected to the portal' : 'The kiosk is not connected';
  if ($('truth').textContent !== t) $('truth').textContent = t;
}

// Bytes a second, over the last minute.
const rates = [];
let lastNet = null;
setInterval(() => {
  if (!now) return;
  const n = now.network;
  if (lastNet) rates.push([n.sent - lastNet.sent, n.received - lastNet.received]);
  lastNet = n;
  if (rates.length > 60) rates.shift();
  const most = Math.max(200, ...rates.flat());
  const line = i => rates.map((r, x) => `${(120 * x / 59).toFixed(1)},${(34 - 32 * r[i] / most).toFixed(1)}`).join(' ');
  $('spark-up').setAttribute('points', line(0));
  $('spark-down').setAttribute('points', line(1));
}, 1000);

fit();
const events = new EventSource('/api/events');
events.onmessage = ev => draw(JSON.parse(ev.data));
events.onerror = () => { $('truth').textContent = 'The bench has ended'; };
