package worker

import (
	"errors"
	"net"
	"syscall"
	"testing"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/sys"
)

// dupOf is a descriptor of a listening socket, as the master passes it.
func dupOf(tb testing.TB, l net.Listener) (fd int) {
	tb.Helper()
	err := sys.WithFD(l.(syscall.Conn), func(own int) (err error) {
		fd, err = sys.DupCloexec(own)
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return fd
}

// dialTo connects to another address than the core's own.
func (tc *testCore) dialTo(l net.Listener) *client {
	own := tc.addr
	defer func() { tc.addr = own }()
	tc.addr = l.Addr().String()
	return tc.dial()
}

func adoption(tb testing.TB, slot int, l net.Listener) order {
	tb.Helper()
	return order{
		Order: handoff.Order{Kind: handoff.OrderAdopt, Slot: slot, Listeners: []handoff.Listener{{Network: "tcp", Address: l.Addr().String()}}},
		fds:   []int{dupOf(tb, l)},
	}
}

// What waits at a slot without a worker is served by the adopter, until the
// slot has its own again: its socket and queue are untouched then.
func TestAdoptAndRelease(t *testing.T) {
	both(t, func(t *testing.T, _ *probe, app App) {
		tc, orphaned := serveApp(t, app, anything), listen(t)
		before := tc.dialTo(orphaned)
		before.get("/ok")
		for range 3 {
			tc.orders <- adoption(t, 7, orphaned)
			before.want(200)
			tc.orders <- order{Order: handoff.Order{Kind: handoff.OrderRelease, Slot: 7}}
			eventually(t, "the release", func() bool { return len(tc.gate.doors()) == 1 })
			after := tc.dialTo(orphaned)
			after.get("/ok")
			eventually(t, "it waits", func() bool { return queuedAt(t, orphaned) == 1 })
			before.get("/ok")
			before.want(200) // a connection that was accepted stays
			before.get("/ok")
			before.want(200)
			before = after
		}
		own := tc.dial()
		own.get("/ok")
		own.want(200)
		raw, err := orphaned.Accept()
		if err != nil {
			t.Fatalf("the owner cannot accept: %v", err)
		}
		_ = raw.Close()
	})
}

func queuedAt(tb testing.TB, l net.Listener) (n int) {
	tb.Helper()
	err := sys.WithFD(l.(syscall.Conn), func(fd int) (err error) {
		n, _, err = sys.QueueDepth(fd)
		return err
	})
	if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		tb.Fatal(err)
	}
	return n
}

// A worker that leaves gives adopted sockets up at once; in a final stop it
// answers what waits there first.
func TestAdopterDrains(t *testing.T) {
	for reason, answered := range map[handoff.DrainReason]bool{handoff.DrainReload: false, handoff.DrainStop: true} {
		t.Run(string(reason), func(t *testing.T) {
			t.Parallel()
			p := newProbe()
			tc, orphaned := serveApp(t, p.fast(), func(s *config.Settings) { s.WorkerConnections = 1 }), listen(t)
			busy := tc.dial()
			busy.get("/stuck")
			wait(t, "the handler", p.entered)
			tc.orders <- adoption(t, 3, orphaned)
			eventually(t, "the adoption", func() bool { return len(tc.gate.doors()) == 2 })
			waiting := tc.dialTo(orphaned)
			waiting.send("GET /ok HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
			tc.order(reason)
			eventually(t, "the drain", func() bool { return tc.gate.stopped() })
			if !answered {
				eventually(t, "the end of the adoption", func() bool { return len(tc.gate.doors()) == 1 })
			}
			close(p.release)
			busy.want(200)
			_ = busy.Close()
			if answered {
				waiting.want(200)
			}
			tc.exited()
			if n := queuedAt(t, orphaned); !answered && n != 1 {
				t.Errorf("%d connections wait for the owner", n)
			}
		})
	}
}

// What the master ordered before it went away is what the worker does.
func TestOrdersBeforeTheEnd(t *testing.T) {
	for range 50 {
		tc := newTestCore(t, newProbe().fast(), anything)
		tc.orders <- order{Order: handoff.Order{Kind: handoff.OrderLogLevel}}
		tc.order(handoff.DrainUpgrade)
		close(tc.gone)
		tc.run(inbox{orders: tc.orders, gone: tc.gone, term: tc.term})
		if got := tc.logs.FilterMessage("draining").All()[0].ContextMap()["reason"]; got != string(handoff.DrainUpgrade) {
			t.Fatalf("it drained because of %q", got)
		}
	}
}

// Descriptors that nobody wants are closed, so that the sender finds another way.
func TestUnwantedDescriptors(t *testing.T) {
	p := newProbe()
	tc := serveApp(t, p.fast(), anything)
	busy := tc.dial()
	busy.get("/stuck")
	wait(t, "the handler", p.entered)
	tc.order(handoff.DrainReload)
	eventually(t, "the drain", func() bool { return tc.gate.stopped() })
	for _, kind := range []handoff.OrderKind{handoff.OrderTake, handoff.OrderAdopt, handoff.OrderShed, handoff.OrderDrain, handoff.OrderReopen, "surprise"} {
		a, b, err := sys.ControlPair()
		if err != nil {
			t.Fatal(err)
		}
		tc.orders <- order{Order: handoff.Order{Kind: kind, Count: 1}, fds: []int{a}}
		eventually(t, string(kind)+": the end of the file", func() bool {
			over, err := sys.Readable(b)
			return over && err == nil
		})
		_ = sys.CloseFD(b)
	}
	close(p.release)
	busy.want(200)
	tc.exited()
}
