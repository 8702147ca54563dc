// A line chart of the last minutes, drawn as SVG. The caption carries the
// newest values, and the picture's label says them to those who cannot see it.

const ns = 'http://www.w3.org/2000/svg'
// spans are how many minutes a chart may show: a service that just began has little to show yet.
const spans = [3, 15]
const box = { width: 600, height: 150, left: 52, right: 6, top: 8, bottom: 18 }

function svg(name, attributes, text) {
  const e = document.createElementNS(ns, name)
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v)
  if (text !== undefined) e.textContent = text
  return e
}

// nice is the smallest of 1, 2, 5 times a power of ten that is not below v.
function nice(v) {
  const p = 10 ** Math.floor(Math.log10(v))
  for (const m of [1, 2, 5, 10]) if (m * p >= v * 0.999) return m * p
  return v
}

export class Chart {
  // lines: [{ label, at }], where at(sample) is the value. format makes text of one.
  constructor(figure, title, lines, format, least) {
    Object.assign(this, { lines, format, least, title })
    const caption = document.createElement('figcaption')
    caption.append(title)
    this.keys = lines.map((line, n) => {
      const key = document.createElement('span')
      key.className = 'key'
      key.dataset.n = n
      key.append(document.createElement('i'), line.label + ' ')
      const value = document.createElement('b')
      key.append(value)
      caption.append(key)
      return value
    })
    this.picture = svg('svg', { role: 'img', preserveAspectRatio: 'none' })
    figure.replaceChildren(caption, this.picture)
  }

  draw(samples, now) {
    const width = Math.max(this.picture.clientWidth, 200)
    const minutesShown = spans.find(m => samples.length && now - samples[0][0] <= m * 60000) || spans[spans.length - 1]
    const span = minutesShown * 60000
    const from = now - span
    const top = nice(Math.max(this.least, ...samples.map(s => Math.max(...this.lines.map(l => l.at(s) || 0)))))
    const x = t => box.left + (t - from) / span * (width - box.left - box.right)
    const y = v => box.height - box.bottom - v / top * (box.height - box.top - box.bottom)
    const parts = []
    for (const share of [0, 0.5, 1]) {
      parts.push(svg('line', { class: 'rule', x1: box.left, x2: width - box.right, y1: y(top * share), y2: y(top * share) }))
      parts.push(svg('text', { x: box.left - 6, y: y(top * share) + 4, 'text-anchor': 'end' }, this.format(top * share)))
    }
    for (const minutes of [1, 2 / 3, 1 / 3, 0].map(share => share * minutesShown)) {
      const at = x(now - minutes * 60000)
      const anchor = minutes === minutesShown ? 'start' : minutes === 0 ? 'end' : 'middle'
      parts.push(svg('text', { x: at, y: box.height - 3, 'text-anchor': anchor }, minutes ? `−${Math.round(minutes)} min` : 'now'))
    }
    const runs = unbroken(samples.filter(s => s[0] >= from))
    this.lines.forEach((line, n) => {
      for (const run of runs) {
        const points = thin(run, span / width, line.at).map(s => `${x(s[0]).toFixed(1)} ${y(line.at(s) || 0).toFixed(1)}`)
        const first = x(run[0][0]).toFixed(1), last = x(run[run.length - 1][0]).toFixed(1)
        if (n === 0) parts.push(svg('path', { class: 'area', d: `M${first} ${y(0)}L${points.join('L')}L${last} ${y(0)}Z` }))
        parts.push(svg('path', { class: 's' + n, d: 'M' + points.join('L') }))
      }
    })
    this.picture.setAttribute('viewBox', `0 0 ${width} ${box.height}`)
    this.picture.replaceChildren(...parts)
    const newest = samples[samples.length - 1]
    this.keys.forEach((key, n) => { key.textContent = newest ? this.format(this.lines[n].at(newest)) : '–' })
    this.picture.setAttribute('aria-label', this.title + ', now: ' +
      this.lines.map((l, n) => `${l.label} ${this.keys[n].textContent}`).join(', '))
  }
}

// unbroken splits where seconds are missing: the service was not there.
function unbroken(samples) {
  const runs = []
  for (const s of samples) {
    const run = runs[runs.length - 1]
    if (run && s[0] - run[run.length - 1][0] < 5000) run.push(s)
    else runs.push([s])
  }
  return runs
}

// thin keeps about one sample per pixel, the highest of its time: a peak is what is looked for.
// The time is counted from 1970, not from the left end, or the line would shiver as it moves.
function thin(run, least, at) {
  const step = Math.ceil(least / 1000) * 1000
  const kept = []
  let slot
  for (const s of run) {
    const now = Math.floor(s[0] / step)
    if (now !== slot) kept.push(s)
    else if ((at(s) || 0) > (at(kept[kept.length - 1]) || 0)) kept[kept.length - 1] = s
    slot = now
  }
  return kept
}
