import { Chart } from '/chart.js'

const $ = id => document.getElementById(id)
const remembered = 15 * 60 * 1000
const state = { samples: [], events: [], status: null, token: sessionStorage.getItem('token') || '' }

// Text ------------------------------------------------------------------

function el(name, attributes = {}, ...children) {
  const e = document.createElement(name)
  for (const [k, v] of Object.entries(attributes)) {
    if (k === 'class') e.className = v
    else if (k.startsWith('data-') || k.startsWith('aria-') || k === 'role') e.setAttribute(k, v)
    else e[k] = v
  }
  e.append(...children.filter(c => c !== null && c !== undefined))
  return e
}

function seconds(s) {
  if (!s) return '0'
  if (s < 0.001) return Math.round(s * 1e6) + ' µs'
  if (s < 1) return +(s * 1000).toPrecision(3) + ' ms'
  if (s < 90) return +s.toPrecision(3) + ' s'
  if (s < 5400) return Math.round(s / 60) + ' min'
  if (s < 172800) return +(s / 3600).toPrecision(2) + ' h'
  return Math.round(s / 86400) + ' d'
}

function amount(n) {
  if (!n) return '0'
  for (const [unit, name] of [[1e9, 'G'], [1e6, 'M'], [1e4, 'k']]) {
    if (n >= unit) return +(n / (name === 'k' ? 1e3 : unit)).toPrecision(3) + name
  }
  return n >= 100 ? Math.round(n).toString() : (+n.toPrecision(2)).toString()
}

function bytes(n) {
  if (!n) return '–'
  for (const [unit, name] of [[2 ** 30, 'GiB'], [2 ** 20, 'MiB'], [2 ** 10, 'KiB']]) {
    if (n >= unit) return +(n / unit).toPrecision(3) + ' ' + name
  }
  return n + ' B'
}

// same replaces the children only when something changed, so that focus and
// selection survive an update, and a screen reader is not told the same again.
function same(parent, key, make) {
  if (parent.dataset.key === key) return
  parent.dataset.key = key
  const { death } = parent.contains(document.activeElement) ? document.activeElement.dataset : {}
  parent.replaceChildren(...make())
  // A new event pushes the others down; who stood on an autopsy still does.
  if (death) parent.querySelector(`[data-death="${CSS.escape(death)}"]`)?.focus({ preventScroll: true })
}

// Parts -----------------------------------------------------------------

const charts = [
  new Chart($('chart-rate'), 'Requests per second', [{ label: 'all', at: s => s[1] }, { label: 'failed', at: s => s[2] }], amount, 1),
  new Chart($('chart-latency'), 'Latency', [{ label: 'p50', at: s => s[3] }, { label: 'p95', at: s => s[4] }, { label: 'p99', at: s => s[5] }], seconds, 0.001),
  new Chart($('chart-load'), 'Load', [{ label: 'connections', at: s => s[6] }, { label: 'in flight', at: s => s[7] }], amount, 1),
  new Chart($('chart-queue'), 'Waiting', [{ label: 'to be accepted', at: s => s[8] }, { label: 'permits in use', at: s => s[10] }, { label: 'for a permit', at: s => s[11] }], amount, 1),
]

function drawHead(s) {
  document.title = `${s.health.state === 'ok' ? '' : '⚠ '}${s.name} · ${s.health.state}`
  $('name').textContent = s.name
  $('health').textContent = s.health.state + (s.phase === 'serving' ? '' : ' · ' + s.phase.replace('_', ' '))
  $('health').dataset.state = s.health.state
  $('about').textContent = [
    s.version, `generation ${s.generation}`, `master ${s.pid}, up ${seconds(s.uptime_seconds)}`,
    s.upgrades ? `${s.upgrades} upgrade${s.upgrades > 1 ? 's' : ''}` : '',
    s.listeners.map(l => l.address).join(', '), s.config || '',
  ].filter(Boolean).join(' · ')
  $('wanted').textContent = s.workers_wanted
  const notes = [...(s.health.reasons || []), ...(s.warnings || []).map(w => w.text)]
  $('notes').hidden = notes.length === 0
  same($('notes'), notes.join('\n'), () => notes.map(n => el('li', {}, n)))
}

function drawFigures(s) {
  const last = state.samples[state.samples.length - 1] || [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
  const lately = state.samples.slice(-60)
  const sum = i => lately.reduce((n, one) => n + one[i], 0)
  const failed = sum(1) > 0 ? 100 * sum(2) / sum(1) : 0
  const capacity = s.workers.reduce((n, w) => n + (w.connections_max || 0), 0)
  const queues = s.listeners.filter(l => l.depth >= 0)
  const deepest = Math.max(0, ...queues.map(l => l.deepest)), backlog = Math.max(0, ...queues.map(l => l.backlog))
  const memory = s.workers.reduce((n, w) => n + w.pss_bytes, 0)
  const level = (v, warn, bad) => v >= bad ? 'bad' : v >= warn ? 'warn' : ''
  const full = s.workers.filter(w => w.state === 'full').length
  const p99 = Math.max(0, ...lately.slice(-10).map(one => one[5]))
  const rows = [
    ['Requests/s', amount(last[1]), '', ''],
    ['Failed, 1 min', +failed.toPrecision(2) + ' %', '', level(failed, 1, 5)],
    ['p50', seconds(last[3]), '', ''],
    ['p95', seconds(last[4]), '', ''],
    ['p99, 10 s', seconds(p99), '', level(p99, 10, 60)],
    ['In flight', amount(s.totals.in_flight), s.totals.streams ? ` ${s.totals.streams} streams` : '', ''],
    ['Connections', amount(s.totals.connections), ` of ${amount(capacity)}`, level(capacity ? s.totals.connections / capacity : 0, 0.8, 0.95)],
    ['Accept queue', amount(deepest), ` of ${amount(backlog)}`, level(backlog ? deepest / backlog : 0, 0.5, 0.9)],
    ['Ready', s.workers_ready, ` of ${s.workers_wanted}`, s.workers_ready === 0 ? 'bad' : s.workers_ready < s.workers_wanted || full ? 'warn' : ''],
    ['Memory', bytes(memory).split(' ')[0], ' ' + (bytes(memory).split(' ')[1] || ''), ''],
  ]
  same($('figures'), JSON.stringify(rows), () => rows.map(([name, value, small, lvl]) =>
    el('div', { 'data-level': lvl }, el('dt', {}, name), el('dd', {}, String(value), small ? el('small', {}, small) : null))))
}

function drawWorkers(s) {
  const seen = new Set()
  const grid = $('grid')
  const known = new Map([...grid.children].map(li => [li.dataset.id, li]))
  const order = s.workers.map(w => {
    const id = `${w.slot}/${w.pid}`
    const li = known.get(id) || el('li', { class: 'worker', 'data-id': id })
    li.classList.toggle('second', seen.has(w.slot))
    seen.add(w.slot)
    known.delete(id)
    const load = w.connections_max ? w.connections / w.connections_max : 0
    const death = w.last_death
    const facts = [
      ['req/s', amount(w.requests_per_second)], ['p99', seconds(w.p99_seconds)],
      ['in flight', amount(w.in_flight)], ['oldest', w.in_flight ? seconds(w.oldest_request_seconds) : '–'],
      ['memory', bytes(w.pss_bytes)], ['CPU', +w.cpu_percent.toPrecision(2) + ' %'],
      ['age', seconds(Math.floor(w.age_seconds))], ['restarts', w.restarts],
    ]
    if (!li.children.length) li.append(el('header'), el('div', { class: 'load' }), el('dl'), el('div', { class: 'foot' }))
    const [head, bar, list, foot] = li.children
    // Each part for itself: numbers change every second, and a button that were replaced
    // with them would lose the focus, and a click that is half done.
    same(head, JSON.stringify([w.state, w.reason, w.generation]), () => [
      el('b', {}, `Slot ${w.slot}`), el('span', { class: 'pill', 'data-state': w.state }, w.state + (w.reason ? ` (${w.reason})` : '')),
      el('span', { class: 'gen' }, w.pid ? `gen ${w.generation} · ${w.pid}` : ''),
    ])
    same(bar, JSON.stringify([w.connections, w.connections_max]), () => [
      el('meter', { min: 0, max: 1, low: 0.8, high: 0.95, optimum: 0, value: load, 'aria-label': `Connections of slot ${w.slot}` }),
      `${amount(w.connections)} / ${amount(w.connections_max)}`,
    ])
    same(list, JSON.stringify(facts), () => facts.flatMap(([k, v]) => [el('dt', {}, k), el('dd', {}, String(v))]))
    same(foot, JSON.stringify([w.reason, death && death.id, !!state.token]), () => [
      death ? el('button', { class: 'link', type: 'button', 'data-death': death.id, title: death.text }, `† ${death.cause}`) : el('span', {}),
      w.pid && !w.reason ? el('button', { type: 'button', class: 'needs-token', disabled: !state.token, 'data-recycle': w.slot, 'aria-label': `Recycle slot ${w.slot}` }, 'Recycle') : '',
    ])
    return li
  })
  for (const gone of known.values()) gone.remove()
  order.forEach((li, i) => { if (grid.children[i] !== li) grid.insertBefore(li, grid.children[i] || null) })
}

function drawGauges(s) {
  const rows = s.listeners.map(l => l.depth < 0
    ? [l.address, 'this kind of socket does not tell', 0, 0]
    : [l.address, `${l.depth} waiting, deepest ${l.deepest} of ${l.backlog}`, l.deepest, l.backlog])
  for (const l of s.limits || []) {
    const name = (l.name || 'permits').replaceAll('_', ' ')
    rows.push([name, `${l.in_use} of ${l.max}` + (l.waiting ? `, ${l.waiting} wait` : ''), l.in_use, l.max])
  }
  same($('gauges'), JSON.stringify(rows), () => rows.map(([name, text, value, max]) => el('div', { class: 'gauge' },
    el('div', { class: 'row' }, el('span', {}, name), el('span', {}, text)),
    max > 0 ? el('meter', { min: 0, max, low: max * 0.7, high: max * 0.95, optimum: 0, value, 'aria-label': name }) : null)))
}

const levels = { death: 'bad', timeout: 'bad', boot: 'bad', poison: 'bad', suspect: 'warn', backoff: 'warn', backlog: 'warn', refused: 'warn', slept: 'warn' }

function drawEvents() {
  const list = state.events.slice(-150).reverse()
  same($('events'), list.map(e => e.seq).join(), () => list.map(e => {
    const time = new Date(e.time)
    const bad = levels[e.kind] || (['rejected', 'rolled_back', 'failed'].includes((e.fields || {}).outcome) ? 'bad' : '')
    const where = e.slot === undefined ? '' : `slot ${e.slot}: `
    return el('li', { 'data-level': bad },
      el('time', { dateTime: e.time, title: time.toLocaleString() }, time.toLocaleTimeString([], { hour12: false })),
      el('span', { class: 'kind' }, e.kind),
      el('span', { class: 'text' }, where + e.text + ' ', e.death ? el('button', { class: 'link', type: 'button', 'data-death': e.death }, 'autopsy') : null))
  }))
}

// A request keeps its row while it is under way, so that text selected there stays so.
function drawRequests(r) {
  const count = r.requests.length + r.omitted
  $('requests-count').textContent = count ? count : ''
  const body = $('requests')
  const known = new Map([...body.children].map(tr => [tr.dataset.id, tr]))
  const row = (id, key, make) => {
    const tr = known.get(id) || el('tr', { 'data-id': id })
    known.delete(id)
    same(tr, key, make)
    return tr
  }
  const note = text => row('note', text, () => [el('td', { colSpan: 7, class: 'empty' }, text)])
  const order = r.requests.map(q => {
    const tr = row(`${q.pid}/${q.id}`, JSON.stringify([q.method, q.path, q.state]), () => [
      el('td', {}, String(q.slot)),
      el('td', { class: 'path', title: q.path || '' }, q.method ? `${q.method} ${q.path || ''}` : 'not read yet'),
      el('td', {}, el('span', { class: 'pill', 'data-state': q.state }, q.state)),
      el('td', { class: 'num' }), el('td', { class: 'num' }), el('td', { class: 'num' }), el('td', {}, q.client)])
    const figures = [seconds(q.age_seconds), seconds(q.quiet_seconds), q.bytes_out ? bytes(q.bytes_out) : '0']
    figures.forEach((text, i) => { tr.children[3 + i].textContent = text })
    return tr
  })
  if (!count) order.push(note('none'))
  if (r.omitted) order.push(note(`and ${r.omitted} more`))
  for (const gone of known.values()) gone.remove()
  order.forEach((tr, i) => { if (body.children[i] !== tr) body.insertBefore(tr, body.children[i] || null) })
}

let announced = ''
function announce(kind, text) {
  const banner = $('banner')
  if (text === announced) return
  announced = text
  banner.hidden = !text
  banner.dataset.kind = kind
  banner.textContent = text
}

// Updates ---------------------------------------------------------------

let hold = 0
function said(kind, text) {
  announce(kind, text)
  clearTimeout(hold)
  hold = setTimeout(() => announce('', ''), 8000)
}

const newest = () => state.events.length ? state.events[state.events.length - 1].seq : 0

function update(u) {
  const floor = Date.now() - remembered
  state.samples = [...state.samples, ...(u.samples || [])].filter(s => s[0] > floor)
  if (u.events) {
    // A service that was started anew counts its events from the beginning.
    if (u.status && u.status.event_seq < newest()) state.events = []
    const last = newest()
    state.events = [...state.events, ...u.events.filter(e => e.seq > last)].slice(-400)
  }
  if (u.error) {
    $('health').dataset.state = 'lost'
    $('health').textContent = 'no answer'
    announce('bad', u.error)
    return
  }
  state.status = u.status
  drawHead(u.status)
  drawFigures(u.status)
  drawWorkers(u.status)
  drawGauges(u.status)
  drawEvents()
  drawRequests(u.requests || { requests: [], omitted: 0 })
  const now = state.samples.length ? state.samples[state.samples.length - 1][0] : Date.now()
  for (const c of charts) c.draw(state.samples, now)
  document.body.dataset.live = 'yes'
}

let lost = 0
function connect() {
  const stream = new EventSource('/api/stream')
  stream.onopen = () => {
    if (document.body.dataset.live === 'no') said('good', 'connected again')
    clearTimeout(lost)
    lost = 0
  }
  stream.onmessage = m => {
    const u = JSON.parse(m.data)
    // The first message after a reconnection repeats what is known already.
    if (u.samples && u.samples.length > 5) state.samples = []
    update(u)
  }
  // An upgrade takes the stream away for a moment: that is no news.
  stream.onerror = () => {
    lost ||= setTimeout(() => {
      document.body.dataset.live = 'no'
      $('health').dataset.state = 'lost'
      $('health').textContent = 'disconnected'
      announce('bad', 'The master does not answer; trying again. What is shown is old.')
    }, 3000)
    if (stream.readyState === EventSource.CLOSED) setTimeout(connect, 2000)
  }
}

// Actions ---------------------------------------------------------------

function permit() {
  for (const b of document.querySelectorAll('.needs-token')) {
    b.disabled = !state.token
    b.title = state.token ? '' : 'Needs the token: unlock first'
  }
  $('unlock').textContent = state.token ? 'Lock actions' : 'Unlock actions'
}

async function call(method, path, body) {
  const answer = await fetch(path, {
    method, headers: { Authorization: 'Bearer ' + state.token, ...(body ? { 'Content-Type': 'application/json' } : {}) },
    body: body ? JSON.stringify(body) : undefined,
  })
  const data = answer.status === 204 ? {} : await answer.json().catch(() => ({}))
  if (!answer.ok) throw new Error(data.message || `${answer.status} ${answer.statusText}`)
  return data
}

async function order(path, body) {
  try {
    const r = await call('POST', '/api/v1/' + path, body)
    said('good', `${r.order}: ${r.text || r.outcome}`)
  } catch (e) {
    said('bad', e.message)
  }
}

function confirmed(title, text, yes) {
  $('confirm-title').textContent = title
  $('confirm-text').textContent = text
  $('confirm-yes').textContent = yes
  const dialog = $('confirm-dialog')
  dialog.returnValue = 'no'
  dialog.showModal()
  return new Promise(done => dialog.addEventListener('close', () => done(dialog.returnValue === 'yes'), { once: true }))
}

async function showDeath(id) {
  $('autopsy-title').textContent = 'Autopsy ' + id
  $('autopsy-text').textContent = 'reading …'
  $('autopsy').showModal()
  try {
    const answer = await fetch('/api/v1/deaths/' + encodeURIComponent(id))
    const data = await answer.json()
    $('autopsy-text').textContent = answer.ok ? data.report : data.message
  } catch (e) {
    $('autopsy-text').textContent = 'cannot read it: ' + e.message
  }
}

$('unlock').addEventListener('click', () => {
  if (state.token) {
    state.token = ''
    sessionStorage.removeItem('token')
    permit()
    return
  }
  $('token-error').textContent = ''
  $('token').value = '' // of an attempt that was given up
  $('token-dialog').showModal()
  $('token').focus()
})
$('token-cancel').addEventListener('click', () => $('token-dialog').close())
$('token-form').addEventListener('submit', async event => {
  event.preventDefault()
  state.token = $('token').value
  try {
    await call('GET', '/api/permission')
    sessionStorage.setItem('token', state.token)
    $('token').value = ''
    $('token-dialog').close()
    permit()
  } catch (e) {
    state.token = ''
    $('token-error').textContent = e.message
  }
})
$('reload').addEventListener('click', async () => {
  try {
    const plan = await call('POST', '/api/v1/reload?dry_run=1')
    const changes = plan.changes.map(c => `${c.name}: ${c.old} → ${c.new} (${c.class})`).join('; ')
    if (await confirmed('Reload?', changes || 'No setting changed; the workers are replaced all the same.', 'Reload')) order('reload')
  } catch (e) {
    said('bad', e.message)
  }
})
$('recycle').addEventListener('click', async () => {
  if (await confirmed('Recycle all workers?', 'One after the other is replaced; no request is lost.', 'Recycle')) order('recycle', { all: true })
})
$('more').addEventListener('click', () => order('scale', { delta: 1 }))
$('fewer').addEventListener('click', () => order('scale', { delta: -1 }))
document.addEventListener('click', event => {
  const target = event.target.closest('[data-death], [data-recycle]')
  if (!target) return
  if (target.dataset.death) showDeath(target.dataset.death)
  else if (target.dataset.recycle) order('recycle', { slot: Number(target.dataset.recycle) })
})
$('theme').addEventListener('click', () => {
  const dark = document.documentElement.dataset.theme === 'dark' ||
    (!document.documentElement.dataset.theme && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.dataset.theme = dark ? 'light' : 'dark'
  localStorage.setItem('theme', document.documentElement.dataset.theme)
})
const theme = localStorage.getItem('theme')
if (theme) document.documentElement.dataset.theme = theme
permit()
connect()
