package worker

import (
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/handoff"
)

// Workers that have drained but for a long request each keep their way to the
// heir open. They cost it nothing meanwhile: it accepts as if they were not there, and
// takes their last connections in the end.
func TestIdleSendersTakeNoRoom(t *testing.T) {
	both(t, func(t *testing.T, p *probe, app App) {
		const senders, room = 12, 20
		heir := serveApp(t, app, func(s *config.Settings) { s.WorkerConnections = room })
		var old []*testCore
		var busy []*client
		for range senders {
			a := serveApp(t, app, anything)
			c := a.dial()
			c.get("/stuck")
			wait(t, "the handler", p.entered)
			a.drainTo(handoff.DrainReload, heir)
			old, busy = append(old, a), append(busy, c)
		}
		eventually(t, "nothing is promised", func() bool { return heir.gate.promised.Load() == 0 })
		var fresh []*client
		for range room - senders - 2 {
			c := heir.dial()
			c.get("/ok")
			c.want(200)
			fresh = append(fresh, c)
		}
		close(p.release)
		for i, c := range busy {
			if c.want(200).Close {
				t.Error("Connection: close, although there is an heir")
			}
			old[i].exited()
		}
		for _, c := range append(fresh, busy...) {
			c.get("/ok")
			c.want(200)
		}
		if n := heir.t.conns.count(); n != room-2 {
			t.Errorf("%d connections at the heir, want %d", n, room-2)
		}
	})
}

// All senders together are promised a part of worker_connections only.
func TestPromisesAreShared(t *testing.T) {
	g := newGate(&tracker{}, nil, nil, 40)
	n := 0
	for g.promise(cap(g.permits) / takersShare) {
		n++
	}
	if n != 10 || len(g.permits) != 10 {
		t.Errorf("%d promises, %d permits, want 10", n, len(g.permits))
	}
	if g = newGate(&tracker{}, nil, nil, 1); !g.promise(cap(g.permits)/takersShare) || g.promise(1) {
		t.Error("want one promise of a single permit")
	}
}

// A sender whose heir is full by now serves on what the heir declines.
func TestFullHeirDeclines(t *testing.T) {
	both(t, func(t *testing.T, p *probe, app App) {
		a := serveApp(t, app, func(s *config.Settings) { s.GracefulTimeout, s.StreamTimeout = time.Minute, time.Minute })
		heir := serveApp(t, app, func(s *config.Settings) { s.WorkerConnections = 3 })
		busy := a.dial()
		busy.get("/stuck")
		wait(t, "the handler", p.entered)
		a.drainTo(handoff.DrainReload, heir)
		eventually(t, "a credit", func() bool { m := a.t.mover.Load(); return m != nil && m.room() > 0 })
		eventually(t, "nothing is promised", func() bool { return heir.gate.promised.Load() == 0 })
		var full []*client
		for range 3 {
			c := heir.dial()
			c.get("/ok")
			c.want(200)
			full = append(full, c)
		}
		close(p.release)
		busy.want(200)
		busy.get("/ok")
		busy.want(200)
		if a.t.mover.Load() == nil {
			t.Error("the answer had to wait until the sender gave up")
		}
		for _, c := range full {
			c.get("/ok")
			c.want(200)
		}
		if n := heir.t.conns.count(); n != 3 {
			t.Errorf("%d connections at an heir with room for 3", n)
		}
	})
}
