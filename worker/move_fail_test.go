package worker

import (
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/sys"
	"github.com/webchasor/webchasor/internal/transfer"
)

// idleClients opens n connections and makes every second one idle after a request.
func idleClients(tc *testCore, n int) []*client {
	tc.tb.Helper()
	clients := make([]*client, n)
	for i := range clients {
		clients[i] = tc.dial()
		if i%2 == 0 {
			clients[i].get("/ok")
			clients[i].want(200)
		}
	}
	eventually(tc.tb, "all accepted", func() bool { return tc.t.conns.count() == n })
	return clients
}

// drainOver drains to whoever holds the other ends of fds.
func (tc *testCore) drainOver(fds ...int) {
	tc.orders <- order{
		Order: handoff.Order{Kind: handoff.OrderDrain, Reason: handoff.DrainReload, Targets: make([]handoff.Target, len(fds))},
		fds:   fds,
	}
}

// Whatever happens to the first receiver, the second one gets what is left, and
// no client notices.
func TestReceiverFailsMidWay(t *testing.T) {
	const n = 20
	receivers := map[string]struct {
		grants bool
		fail   func(r *transfer.Receiver)
	}{
		"before it granted": {false, func(r *transfer.Receiver) { r.Close() }},
		"with a batch": {true, func(r *transfer.Receiver) {
			if b, err := r.Receive(time.Now().Add(patience)); err == nil { // else the second one was faster
				b.Close()
			}
			r.Close()
		}},
		"with an unread batch": {true, func(r *transfer.Receiver) {
			moment(20 * time.Millisecond)
			r.Close()
		}},
		"hanging": {true, func(*transfer.Receiver) {}},
		"full":    {false, func(*transfer.Receiver) {}},
	}
	for name, tt := range receivers {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, _ *probe, app App) {
				a, b := serveApp(t, app, anything), serveApp(t, app, anything)
				clients := idleClients(a, n)
				send, receive, err := sys.ControlPair()
				if err != nil {
					t.Fatal(err)
				}
				r, err := transfer.NewReceiver(receive)
				if err != nil {
					t.Fatal(err)
				}
				if tt.grants {
					if err := r.Grant(8); err != nil {
						t.Fatal(err)
					}
				}
				done := make(chan struct{})
				go func() {
					defer close(done)
					tt.fail(r)
				}()
				t.Cleanup(func() {
					<-done
					r.Close()
				})
				a.drainOver(send, path(t, b))
				a.exited()
				for _, c := range clients {
					c.get("/ok")
					if c.want(200).Close {
						t.Error("Connection: close")
					}
				}
				if got := b.t.conns.count(); got != n {
					t.Errorf("%d connections at the second receiver", got)
				}
			})
		})
	}
}

// A hand-off socket without room is given up; the connections go to the next target.
func TestFullHandOffSocket(t *testing.T) {
	a, b := serveApp(t, newProbe().fast(), anything), serveApp(t, newProbe().fast(), anything)
	clients := idleClients(a, 3)
	send, receive, err := sys.ControlPair()
	if err != nil {
		t.Fatal(err)
	}
	r, err := transfer.NewReceiver(receive)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	if err := r.Grant(8); err != nil {
		t.Fatal(err)
	}
	for syscall.Sendto(send, make([]byte, 16<<10), syscall.MSG_DONTWAIT, nil) == nil {
	}
	a.drainOver(send, path(t, b))
	a.exited()
	for _, c := range clients {
		c.get("/ok")
		c.want(200)
	}
}

// A target that takes only some leaves the rest here, with a goodbye, when it is
// the only one: no credits for a while are no taker.
func TestTargetWithoutRoom(t *testing.T) {
	both(t, func(t *testing.T, _ *probe, app App) {
		a := serveApp(t, app, anything)
		b := serveApp(t, app, func(s *config.Settings) { s.WorkerConnections = 2 })
		clients := idleClients(a, 4)
		a.drainTo(handoff.DrainReload, b)
		eventually(t, "giving up", func() bool { return a.t.draining.Load() })
		goodbyes := 0
		for _, c := range clients {
			c.get("/ok")
			if c.want(200).Close {
				goodbyes++
				c.closed()
			}
		}
		if stayed := b.t.conns.count(); goodbyes == 0 || stayed == 0 || goodbyes+stayed != len(clients) {
			t.Errorf("%d goodbyes, %d moved, of %d", goodbyes, stayed, len(clients))
		}
		a.exited()
	})
}

// A taker that drains itself passes on what it got, or what is still coming goes elsewhere.
func TestTakerDrainsToo(t *testing.T) {
	both(t, func(t *testing.T, _ *probe, app App) {
		a, b, c := serveApp(t, app, anything), serveApp(t, app, anything), serveApp(t, app, anything)
		clients := idleClients(a, 20)
		a.drainTo(handoff.DrainReload, b, c)
		b.drainTo(handoff.DrainScale, c)
		a.exited()
		b.exited()
		for _, cl := range clients {
			cl.get("/ok")
			if cl.want(200).Close {
				t.Error("Connection: close")
			}
		}
		if got := c.t.conns.count(); got != len(clients) {
			t.Errorf("%d connections at the end", got)
		}
	})
}

// Unix sockets move like TCP.
func TestUnixConnectionsMove(t *testing.T) {
	both(t, func(t *testing.T, _ *probe, app App) {
		a := serveApp(t, app, anything, func(o *coreOptions) { o.Listeners = []net.Listener{listenUnix(t)} })
		b := serveApp(t, app, anything)
		clients := idleClients(a, 4)
		a.drainTo(handoff.DrainReload, b)
		a.exited()
		for _, c := range clients {
			c.get("/ok")
			c.want(200)
		}
	})
}

// A receiver that hangs keeps copies of what it never took. The client hears the
// end of its connection all the same.
func TestHungReceiverKeepsNobodyWaiting(t *testing.T) {
	both(t, func(t *testing.T, _ *probe, app App) {
		a := serveApp(t, app, anything)
		clients := idleClients(a, 3)
		send, receive, err := sys.ControlPair()
		if err != nil {
			t.Fatal(err)
		}
		r, err := transfer.NewReceiver(receive)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(r.Close)
		if err := r.Grant(8); err != nil {
			t.Fatal(err)
		}
		a.drainOver(send)
		eventually(t, "giving up", func() bool { return a.t.draining.Load() })
		for _, c := range clients {
			c.get("/ok")
			if !c.want(200).Close {
				t.Error("no Connection: close")
			}
			c.closed()
		}
		a.exited()
	})
}
