package worker

import (
	"testing"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/sys"
)

// path connects a leaving worker with one that takes: it returns the sending
// end. The other end is with the taker already, as the master does it.
func path(tb testing.TB, to *testCore) int {
	tb.Helper()
	send, receive, err := sys.ControlPair()
	if err != nil {
		tb.Fatal(err)
	}
	to.orders <- order{Order: handoff.Order{Kind: handoff.OrderTake}, fds: []int{receive}}
	return send
}

// drainTo orders a drain with targets.
func (tc *testCore) drainTo(reason handoff.DrainReason, targets ...*testCore) {
	tc.tb.Helper()
	o := order{Order: handoff.Order{Kind: handoff.OrderDrain, Reason: reason}}
	for i, to := range targets {
		o.fds = append(o.fds, path(tc.tb, to))
		o.Targets = append(o.Targets, handoff.Target{Slot: i})
	}
	tc.orders <- o
}

func anything(*config.Settings) {}

// Idle and fresh connections are served by another worker, and nobody hears a goodbye.
func TestIdleConnectionsMove(t *testing.T) {
	both(t, func(t *testing.T, p *probe, app App) {
		a, b := serveApp(t, app, anything), serveApp(t, app, anything)
		idle, fresh, busy := a.dial(), a.dial(), a.dial()
		idle.get("/ok")
		idle.want(200)
		busy.get("/stuck")
		wait(t, "the handler", p.entered)
		eventually(t, "all accepted", func() bool { return a.t.conns.count() == 3 })
		a.drainTo(handoff.DrainReload, b)
		eventually(t, "two have moved", func() bool { return b.t.conns.count() == 2 })
		for _, c := range []*client{idle, fresh} {
			c.get("/ok")
			if r := c.want(200); r.Close {
				t.Error("Connection: close")
			}
		}
		close(p.release)
		if r := busy.want(200); r.Close {
			t.Error("Connection: close for one that was busy")
		}
		a.exited()
		busy.get("/ok")
		busy.want(200)
		if n := b.t.conns.count(); n != 3 {
			t.Errorf("%d connections at the other worker", n)
		}
		if n := len(a.gate.permits); n != 0 {
			t.Errorf("%d permits are still taken", n)
		}
	})
}

// Under load every request is answered while two workers hand their
// connections back and forth; no client has to reconnect.
func TestMoveUnderLoad(t *testing.T) {
	both(t, func(t *testing.T, _ *probe, app App) {
		current := serveApp(t, app, anything)
		stop, results := make(chan struct{}), make(chan error, 8)
		for range 8 {
			c := current.dial()
			go func() { results <- c.hammer(stop) }()
		}
		eventually(t, "all accepted", func() bool { return current.t.conns.count() == 8 }) // its queue ends with it
		for range 30 {
			next := serveApp(t, app, anything)
			current.drainTo(handoff.DrainReload, next)
			current.exited()
			current = next
		}
		close(stop)
		for range 8 {
			if err := wait(t, "a client's end", results); err != nil {
				t.Error(err)
			}
		}
	})
}

// Connections that nobody takes are served here, with a goodbye.
func TestNobodyTakes(t *testing.T) {
	both(t, func(t *testing.T, p *probe, app App) {
		a := serveApp(t, app, anything)
		idle := a.dial()
		idle.get("/ok")
		idle.want(200)
		send, receive, err := sys.ControlPair()
		if err != nil {
			t.Fatal(err)
		}
		_ = sys.CloseFD(receive)
		a.orders <- order{Order: handoff.Order{Kind: handoff.OrderDrain, Reason: handoff.DrainScale}, fds: []int{send}}
		eventually(t, "giving up", func() bool { return a.t.draining.Load() })
		idle.get("/ok")
		if r := idle.want(200); !r.Close {
			t.Error("no Connection: close")
		}
		idle.closed()
		a.exited()
	})
}
