package worker

import (
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/sys"
)

// A full worker pauses: what waits is served when there is room, and never refused.
func TestGatePausesAndResumes(t *testing.T) {
	both(t, func(t *testing.T, p *probe, app App) {
		tc := serveApp(t, app, func(s *config.Settings) { s.WorkerConnections = 2 })
		var busy []*client
		for range 2 {
			c := tc.dial()
			c.get("/stuck")
			wait(t, "a handler", p.entered)
			busy = append(busy, c)
		}
		third := tc.dial()
		third.get("/ok")
		eventually(t, "the pause", func() bool { return tc.gate.listeners[0].waiting.Load() })
		if n := tc.t.conns.count(); n != 2 {
			t.Errorf("%d connections", n)
		}
		_ = third.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if _, err := third.r.ReadByte(); !isTimeout(err) {
			t.Fatalf("the third was not kept waiting: %v", err)
		}
		_ = third.SetReadDeadline(time.Now().Add(patience))
		close(p.release)
		for _, c := range busy {
			c.want(200)
		}
		_ = busy[0].Close()
		third.want(200)
	})
}

// The longest idle connection makes room, one that is just sending does not.
func TestPressureAsksIdleConnectionsToLeave(t *testing.T) {
	both(t, func(t *testing.T, p *probe, app App) {
		tc := serveApp(t, app, func(s *config.Settings) { s.WorkerConnections = 3; s.WriteTimeout = 400 * time.Millisecond })
		oldest, younger, busy := tc.dial(), tc.dial(), tc.dial()
		for i, c := range []*client{oldest, younger} {
			c.get("/ok")
			c.want(200)
			eventually(t, "idle", func() bool { return tc.board.Snapshot().Counters.Requests() == uint64(i+1) })
		}
		busy.get("/stuck")
		wait(t, "the handler", p.entered)
		next := tc.dial()
		next.get("/ok")
		oldest.closed()
		next.want(200)
		eventually(t, "one log line", func() bool { return tc.logs.FilterMessageSnippet("worker_connections reached").Len() == 1 })
		younger.get("/ok")
		younger.want(200)
		close(p.release)
		busy.want(200)
	})
}

// Clients that connect and say nothing cannot lock the others out until
// header_timeout is over.
func TestPressureAsksSilentConnectionsToLeave(t *testing.T) {
	both(t, func(t *testing.T, _ *probe, app App) {
		tc := serveApp(t, app, func(s *config.Settings) {
			s.WorkerConnections, s.WriteTimeout, s.HTTP.HeaderTimeout = 3, 400*time.Millisecond, time.Hour
		})
		var silent []*client
		for i := range 3 {
			silent = append(silent, tc.dial())
			eventually(t, "accepted", func() bool { return tc.t.conns.count() == i+1 })
		}
		next := tc.dial()
		next.get("/ok")
		next.want(200) // within patience, which is far less than header_timeout
		silent[0].closed()
		silent[2].get("/ok")
		silent[2].want(200)
	})
}

// Two listeners share the limit: one without clients must not hold the last place.
func TestGateWithSeveralListeners(t *testing.T) {
	both(t, func(t *testing.T, _ *probe, app App) {
		a, b := listen(t), listenUnix(t)
		tc := serveApp(t, app, func(s *config.Settings) { s.WorkerConnections, s.WriteTimeout = 1, 400*time.Millisecond },
			func(o *coreOptions) { o.Listeners = []net.Listener{a, b} })
		for range 3 {
			for _, addr := range []net.Addr{a.Addr(), b.Addr()} {
				tc.addr = addr.String()
				c := tc.dial()
				c.send("GET /ok HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
				c.want(200)
				c.closed()
			}
		}
		tc.order(handoff.DrainStop)
		tc.expect(handoff.ReportClosed)
		tc.exited()
	})
}

// faulty fails some times before it accepts.
type faulty struct {
	*sys.Listener
	err error

	mu    sync.Mutex
	left  int
	calls int
}

func (f *faulty) Accept() (net.Conn, error) {
	f.mu.Lock()
	f.calls++
	fail := f.left > 0
	if fail {
		f.left--
	}
	f.mu.Unlock()
	if fail {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", f.err)}
	}
	return f.Listener.Accept()
}

func TestAcceptErrorsAreWaitedOut(t *testing.T) {
	for _, errno := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EPROTO} {
		t.Run(errno.Error(), func(t *testing.T) {
			both(t, func(t *testing.T, _ *probe, app App) {
				f := &faulty{Listener: listen(t), err: errno, left: 6}
				tc := serveApp(t, app, func(*config.Settings) {}, func(o *coreOptions) { o.Listeners = []net.Listener{f} })
				c := tc.dial()
				c.get("/ok")
				c.want(200)
				if n := tc.logged("cannot accept connections: trying again"); n != 1 {
					t.Errorf("%d log lines", n)
				}
				if n := len(tc.gate.permits); n > 2 {
					t.Errorf("%d permits taken by one connection", n)
				}
			})
		})
	}
}

// A drain does not wait for the pause after an error.
func TestDrainDuringAcceptErrors(t *testing.T) {
	f := &faulty{Listener: listen(t), err: syscall.EMFILE, left: 1 << 30}
	tc := serveApp(t, newProbe().fast(), func(*config.Settings) {}, func(o *coreOptions) { o.Listeners = []net.Listener{f} })
	eventually(t, "an error", func() bool { return tc.logged("cannot accept connections: trying again") > 0 })
	tc.order(handoff.DrainReload)
	tc.exited()
}

// Nor does a stop spin while it cannot take what is queued.
func TestStopDuringAcceptErrors(t *testing.T) {
	f := &faulty{Listener: listen(t), err: syscall.EMFILE, left: 1 << 30}
	tc := serveApp(t, newProbe().fast(), func(s *config.Settings) { s.GracefulTimeout = time.Second }, func(o *coreOptions) { o.Listeners = []net.Listener{f} })
	tc.dial() // somebody who waits in the queue
	eventually(t, "an error", func() bool { return tc.logged("cannot accept connections: trying again") > 0 })
	tc.order(handoff.DrainStop)
	tc.expect(handoff.ReportClosed)
	tc.exited()
	if f.calls > 200 { // a sweep of half a second at one try per 20 ms is 25
		t.Errorf("%d calls of accept", f.calls)
	}
}

// A stop takes what is queued when descriptors get free in time.
func TestStopOutlastsAcceptErrors(t *testing.T) {
	f := &faulty{Listener: listen(t), err: syscall.EMFILE, left: 1 << 30}
	tc := serveApp(t, newProbe().fast(), func(*config.Settings) {}, func(o *coreOptions) { o.Listeners = []net.Listener{f} })
	c := tc.dial()
	c.get("/ok")
	eventually(t, "an error", func() bool { return tc.logged("cannot accept connections: trying again") > 0 })
	tc.order(handoff.DrainStop)
	<-tc.o.Draining
	f.mu.Lock()
	f.left = 3
	f.mu.Unlock()
	c.want(200)
	tc.exited()
}

// The master's shutdown(2) of a listening socket is the end of accepting, not an error to retry.
func TestListenerShutDownByTheMaster(t *testing.T) {
	f := &faulty{Listener: listen(t), err: syscall.EINVAL, left: 1}
	tc := serveApp(t, newProbe().fast(), func(*config.Settings) {}, func(o *coreOptions) { o.Listeners = []net.Listener{f} })
	eventually(t, "the end of accepting", func() bool { return tc.logged("no listening socket is left: waiting for orders") == 1 })
	tc.order(handoff.DrainStop)
	tc.expect(handoff.ReportClosed)
	tc.exited()
}

func TestUnixSocket(t *testing.T) {
	both(t, func(t *testing.T, p *probe, app App) {
		l := listenUnix(t)
		tc := serveApp(t, app, shortTimeout, func(o *coreOptions) { o.Listeners = []net.Listener{l} })
		tc.addr = l.Addr().String()
		c := tc.dial()
		c.get("/ok")
		c.want(200)
		c.get("/wait")
		checkRefusal(t, c.want(503), "request_timeout")
		c.closed()
		c = tc.dial()
		c.get("/wait")
		wait(t, "the handler", p.entered)
	})
}
