package worker

import (
	"errors"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/scoreboard"
)

// Times that are not settings.
const (
	silentClient = time.Minute            // for a connection's first byte when timeout is off
	lastWord     = time.Second            // for a begun response to end with an error event
	killMargin   = time.Second            // for a handler to return after its exchange was ended in a drain
	settling     = 100 * time.Millisecond // for the last bytes of a connection's streams to be written
	minTick      = 10 * time.Millisecond
	maxTick      = 250 * time.Millisecond
	minStuck     = 500 * time.Millisecond
	maxStuck     = 10 * time.Second
)

// vigil is what the watchdog remembers of a connection between two looks.
type vigil struct {
	moved uint64        // the sum of its counters
	queue int           // bytes in the socket's send queue
	at    time.Duration // when one of these was last seen to change
	end   time.Duration // when it was first looked at after the budget of a drain
}

// ending is how long the whole budget of a drain has been used up.
func (v *vigil) ending(now time.Duration, p phase) time.Duration {
	switch {
	case p < phaseStream:
		return 0
	case v.end == 0:
		v.end = now
	}
	return now - v.end
}

// watchdog looks at every connection once per tick and acts on what time
// demands. Progress is noticed by comparing counters, so a request pays for no
// clock reading, and a verdict is up to one tick late, never early.
type watchdog struct {
	t      *tracker
	gate   *gate
	limits limits
	tick   time.Duration
	phase  func(now time.Duration) phase

	stuck    func(request string, age time.Duration) // called once
	reported bool
	hopeless func(requests []string) // called once: a drain waits for nothing else

	scanned  atomic.Int64 // when it last finished a look, for the heartbeat
	buf      []*conn
	noise    limiter                       // for clients that are too slow
	inFlight map[uint64]scoreboard.Request // by id, during a scan that needs it
}

func limitsOf(s config.Settings) limits {
	fresh := s.HTTP.HeaderTimeout
	if fresh == 0 {
		fresh = s.Timeout
	}
	if fresh == 0 {
		fresh = silentClient
	}
	return limits{
		fresh: fresh, idle: s.Keepalive, request: s.Timeout, write: s.WriteTimeout,
		stuck: min(max(s.Timeout/2, minStuck), maxStuck),
		head:  s.HTTP.HeaderTimeout, body: s.HTTP.BodyTimeout,
	}
}

// tickOf is fine enough for the shortest limit to be met within five per cent.
func tickOf(s config.Settings) time.Duration {
	tick := maxTick
	for _, d := range []time.Duration{s.Timeout, s.Keepalive, s.WriteTimeout, s.GracefulTimeout, s.StreamTimeout, s.HTTP.HeaderTimeout, s.HTTP.BodyTimeout} {
		if d > 0 {
			tick = min(tick, d/20)
		}
	}
	return max(tick, minTick)
}

// run looks until stop is closed.
func (w *watchdog) run(stop <-chan struct{}) {
	ticker := time.NewTicker(w.tick)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
			w.scan(w.t.clock.Now())
		}
	}
}

func (w *watchdog) scan(now time.Duration) {
	p := w.phase(now)
	w.buf = w.t.conns.snapshot(w.buf[:0])
	for _, c := range w.buf {
		w.look(c, now, p)
	}
	if p >= phaseGraceful {
		w.giveUp(now)
	}
	if p == phaseServing {
		w.relieve(now)
	}
	clear(w.buf)
	w.inFlight = nil
	w.scanned.Store(int64(now))
}

// look judges one connection and acts.
func (w *watchdog) look(c *conn, now time.Duration, p phase) {
	g := w.glance(c, now, p)
	switch judge(g, w.limits, p) {
	case vNone:
	case vLeave:
		c.leave()
	case vStream:
		c.streamingOn(g.id)
	case vTimeout:
		w.end(c, g, now, ErrTimeout)
	case vDraining:
		w.end(c, g, now, ErrDraining)
	case vCut:
		c.cut(g.id, now, false)
	case vSlow:
		w.slow(c, g, now)
	case vStuck:
		w.report(c, g, now, p)
	case vDrop:
		_ = c.drop().Close()
	}
}

// glance gathers what judge needs.
func (w *watchdog) glance(c *conn, now time.Duration, p phase) glance {
	v := &c.seen
	out := c.out.Load()
	moved := c.in.Load() + out + c.marks.Load()
	writing := c.writing.Load()
	if moved != v.moved {
		v.moved, v.at = moved, now
		c.advance(now)
	} else if writing && now-v.at >= w.tick {
		// A write that waits may move all the same: the kernel wakes the
		// writer only when a good part of the send buffer is free.
		if n, ok := sendQueue(c.socket); ok && n != v.queue {
			v.queue, v.at = n, now
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	r := &c.req
	head, body, bodyIn := c.arrival(now)
	shared := c.state == connShared
	return glance{
		id: r.id, state: c.state, age: now - c.since, quiet: now - v.at, writing: writing,
		begun: r.begun, stream: r.stream, warned: r.cutAt != 0, late: now >= r.cutAt,
		head: head, body: body, bodyIn: bodyIn,
		idle: shared && c.shared.idle(), busy: shared && c.shared.streams > 0, ending: v.ending(now, p),
	}
}

// end ends an exchange that used up its time: with a response of our own while
// that is possible, else by telling the handler and cutting it off a little later.
func (w *watchdog) end(c *conn, g glance, now time.Duration, cause error) {
	r := w.describe(c, g.id, now) // now: afterwards it may be over
	how, ok := c.giveNotice(g.id, now, cause)
	if !ok {
		return // it finished meanwhile
	}
	if errors.Is(cause, ErrTimeout) {
		w.t.totals.Timeout()
	}
	times := uint64(1)
	if g.head > 0 || g.body > 0 { // the client's doing, and there may be thousands like it
		if times, ok = w.noise.allow(now); !ok {
			return
		}
	}
	w.t.log.Warn("request timed out", zap.Uint64("times", times),
		zap.String("cause", cause.Error()), zap.String("action", how),
		zap.String("method", r.Method), zap.String("path", r.Path), zap.String("client", r.Client),
		zap.Duration("age", r.Age), zap.Duration("quiet", g.quiet))
}

func (w *watchdog) slow(c *conn, g glance, now time.Duration) {
	r := w.describe(c, g.id, now)
	if c.cut(g.id, now, true) {
		w.t.log.Warn("client does not take its response: connection cut",
			zap.String("method", r.Method), zap.String("path", r.Path), zap.String("client", r.Client),
			zap.Duration("age", r.Age), zap.Duration("quiet", g.quiet), zap.Uint64("bytes", r.BytesOut))
	}
}

// report tells the master that a handler does not return. A draining worker is
// being replaced already.
func (w *watchdog) report(c *conn, g glance, now time.Duration, p phase) {
	if !c.entry.MarkStuck(g.id) || w.reported || p != phaseServing {
		return
	}
	w.reported = true
	r := w.describe(c, g.id, now)
	w.stuck(nameOf(r.Method, r.Path), r.Age)
}

// giveUp ends a drain that waits only for handlers which do not return.
func (w *watchdog) giveUp(now time.Duration) {
	if len(w.buf) == 0 || w.hopeless == nil {
		return
	}
	var names []string
	for _, c := range w.buf {
		c.mu.Lock()
		gone := c.state == connClosed || c.state == connAnswered && now-c.since > killMargin
		id, open := c.req.id, c.req.open
		c.mu.Unlock()
		if !gone {
			return
		}
		if open {
			r := w.describe(c, id, now)
			names = append(names, nameOf(r.Method, r.Path))
		}
	}
	if len(names) != 0 {
		w.hopeless(names)
		w.hopeless = nil
	}
}

// relieve makes room when the worker is full and clients wait: the longest idle
// connections are asked to leave first, then those that never sent anything.
func (w *watchdog) relieve(now time.Duration) {
	waiting := w.gate.pressure()
	if waiting == 0 {
		return
	}
	if waiting -= going(w.buf); waiting <= 0 {
		return // those asked before have not gone yet
	}
	asked := 0
	for _, c := range expendable(w.buf, waiting, now) {
		if c.leave() {
			asked++
		}
	}
	w.gate.note(now, waiting, asked)
}

// describe names an exchange for people, from the scoreboard: nothing is
// copied while requests are served.
func (w *watchdog) describe(c *conn, id uint64, now time.Duration) scoreboard.Request {
	if w.inFlight == nil {
		w.inFlight = make(map[uint64]scoreboard.Request)
		for _, r := range w.t.board.InFlight(now) {
			w.inFlight[r.ID] = r
		}
	}
	if r, ok := w.inFlight[id]; ok {
		return r
	}
	return scoreboard.Request{ID: id, Client: clientOf(c.socket)}
}

func nameOf(method, path string) string {
	if method == "" {
		return "(request not complete)"
	}
	return method + " " + path
}
