package worker

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/scoreboard"
)

func TestDrainWithoutConnections(t *testing.T) {
	both(t, func(t *testing.T, p *probe, app App) {
		tc := serveApp(t, app, func(*config.Settings) {})
		tc.order(handoff.DrainStop)
		tc.expect(handoff.ReportClosed)
		tc.exited()
		if s := tc.board.Snapshot().State; s != scoreboard.StateGone {
			t.Errorf("state %v", s)
		}
		if _, err := net.Dial("tcp", tc.addr); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("after the end: %v", err)
		}
	})
}

// Only a stop and a lost master close the address; the others leave it to
// the workers that share it, and have nothing to report.
func TestDrainReportsClosedOnlyWhenItMatters(t *testing.T) {
	for reason, want := range map[handoff.DrainReason]bool{
		handoff.DrainStop: true, handoff.DrainOrphan: true, handoff.DrainReload: false,
		handoff.DrainRecycle: false, handoff.DrainMemory: false, handoff.DrainScale: false, handoff.DrainTimeout: false,
	} {
		tc := serveApp(t, newProbe().fast(), func(*config.Settings) {})
		tc.order(reason)
		tc.exited()
		select {
		case r := <-tc.reports:
			if !want {
				t.Errorf("%s: report %+v", reason, r)
			}
		default:
			if want {
				t.Errorf("%s: no report", reason)
			}
		}
	}
}

func TestDrainFinishesRequests(t *testing.T) {
	both(t, func(t *testing.T, p *probe, app App) {
		tc := serveApp(t, app, func(*config.Settings) {})
		busy, stream := tc.dial(), tc.dial()
		busy.get("/stuck")
		wait(t, "the handler", p.entered)
		stream.get("/stream/stuck")
		wait(t, "the stream", p.entered)
		tc.order(handoff.DrainReload)
		eventually(t, "the listener's end", func() bool {
			c, err := net.Dial("tcp", tc.addr)
			if err == nil {
				_ = c.Close()
			}
			return err != nil
		})
		if s := tc.board.Snapshot(); s.State != scoreboard.StateDraining || s.InFlight != 2 {
			t.Errorf("%+v", s)
		}
		close(p.release)
		if r := busy.want(200); !r.Close || r.body != "ok /stuck" {
			t.Errorf("close %v, body %q", r.Close, r.body)
		}
		busy.closed()
		if r := stream.want(200); r.bodyErr != nil || !strings.HasSuffix(r.body, "last\n") {
			t.Errorf("%v, %q", r.bodyErr, r.body)
		}
		_ = stream.Close()
		tc.exited()
	})
}

// An idle keep-alive connection may still send a request, which says goodbye.
func TestDrainLingers(t *testing.T) {
	both(t, func(t *testing.T, p *probe, app App) {
		tc := serveApp(t, app, func(s *config.Settings) { s.Keepalive = 500 * time.Millisecond })
		idle, silent, fresh, lazy := tc.dial(), tc.dial(), tc.dial(), tc.dial()
		for _, c := range []*client{idle, silent} {
			c.get("/ok")
			c.want(200)
		}
		eventually(t, "all accepted", func() bool { return tc.t.conns.count() == 4 })
		tc.order(handoff.DrainReload)
		eventually(t, "the drain", func() bool { return tc.board.Snapshot().State == scoreboard.StateDraining })
		for _, c := range []*client{idle, fresh} {
			c.get("/ok")
			if r := c.want(200); !r.Close {
				t.Error("no Connection: close")
			}
			c.closed()
		}
		silent.closed()
		lazy.closed()
		tc.exited()
	})
}

// What waits in the accept queue when the service stops is answered.
func TestStopEmptiesTheQueue(t *testing.T) {
	both(t, func(t *testing.T, p *probe, app App) {
		tc := serveApp(t, app, func(s *config.Settings) { s.WorkerConnections = 1 })
		first := tc.dial()
		first.get("/stuck")
		wait(t, "the handler", p.entered)
		var queued []*client
		for range 5 {
			c := tc.dial()
			c.send("GET /ok HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
			queued = append(queued, c)
		}
		tc.order(handoff.DrainStop)
		eventually(t, "the drain", func() bool { return tc.board.Snapshot().State == scoreboard.StateDraining })
		<-time.After(handoff.SweepTime + 100*time.Millisecond) // those who wait are worth more time than newcomers
		close(p.release)
		first.want(200)
		_ = first.Close()
		for _, c := range queued {
			c.want(200)
		}
		tc.expect(handoff.ReportClosed)
		tc.exited()
	})
}

// Newcomers cannot keep a stopping worker accepting.
func TestStopUnderNewcomers(t *testing.T) {
	both(t, func(t *testing.T, _ *probe, app App) {
		tc := serveApp(t, app, func(*config.Settings) {})
		stop := make(chan struct{})
		defer close(stop)
		for range 4 {
			go func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					c, err := net.Dial("tcp", tc.addr)
					if err != nil {
						return // refused at last
					}
					_, _ = io.WriteString(c, "GET /ok HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
					_, _ = io.Copy(io.Discard, c)
					_ = c.Close()
				}
			}()
		}
		eventually(t, "traffic", func() bool { return tc.board.Snapshot().Counters.Requests() > 20 })
		tc.order(handoff.DrainStop)
		tc.expect(handoff.ReportClosed)
		tc.exited()
	})
}

// A worker that is only replaced leaves the queue to whoever shares the socket.
func TestReloadLeavesTheQueue(t *testing.T) {
	shared := listen(t)
	dup := func() net.Listener { return another(t, shared) }
	with := func(l net.Listener) func(*coreOptions) {
		return func(o *coreOptions) { o.Listeners = []net.Listener{l} }
	}
	p := newProbe()
	old := serveApp(t, p.fast(), func(s *config.Settings) { s.WorkerConnections = 1 }, with(dup()))
	first := old.dial()
	first.get("/stuck")
	wait(t, "the handler", p.entered)
	queued := old.dial()
	queued.get("/ok")
	old.order(handoff.DrainReload)
	eventually(t, "the drain", func() bool { return old.board.Snapshot().State == scoreboard.StateDraining })
	close(p.release)
	first.want(200)
	old.exited()
	if n := old.board.Snapshot().Counters.Requests(); n != 1 {
		t.Errorf("the old worker answered %d requests", n)
	}
	serveApp(t, newProbe().fast(), func(*config.Settings) {}, with(dup()))
	queued.want(200)
}

func TestGracefulTimeoutEndsRequests(t *testing.T) {
	both(t, func(t *testing.T, p *probe, app App) {
		tc := serveApp(t, app, func(s *config.Settings) {
			s.GracefulTimeout, s.StreamTimeout = 300*time.Millisecond, 900*time.Millisecond
		})
		request, stream := tc.dial(), tc.dial()
		request.get("/wait")
		stream.get("/stream/wait")
		wait(t, "a handler", p.entered)
		wait(t, "a handler", p.entered)
		began := time.Now()
		tc.order(handoff.DrainReload)
		checkRefusal(t, request.want(503), "server_shutting_down")
		request.closed()
		if got := wait(t, "the context's end", p.causes); got != ErrDraining {
			t.Errorf("cause %v", got)
		}
		// The stream has its own, longer budget, and a last word.
		r := stream.want(200)
		if r.bodyErr != nil || r.body != "first\nerror event\n" {
			t.Errorf("%v, %q", r.bodyErr, r.body)
		}
		if d := time.Since(began); d < 890*time.Millisecond {
			t.Errorf("the stream ended after %v", d)
		}
		if got := wait(t, "the stream's context's end", p.causes); got != ErrDraining {
			t.Errorf("cause %v", got)
		}
		tc.exited()
		if n := tc.board.Snapshot().Counters.Timeouts; n != 0 {
			t.Errorf("%d timeouts counted", n)
		}
	})
}

// Handlers that do not return do not keep the worker; when they are why it was
// replaced, their stacks are kept.
func TestStuckAtTheEnd(t *testing.T) {
	for reason, abort := range map[handoff.DrainReason]bool{handoff.DrainTimeout: true, handoff.DrainReload: false} {
		t.Run(string(reason), func(t *testing.T) {
			t.Parallel()
			p := newProbe()
			defer close(p.release)
			tc := serveApp(t, p.fast(), func(s *config.Settings) {
				s.GracefulTimeout, s.StreamTimeout = 100*time.Millisecond, 200*time.Millisecond
			})
			c := tc.dial()
			c.get("/stuck")
			wait(t, "the handler", p.entered)
			tc.order(reason)
			c.want(503)
			tc.exited()
			if got := len(tc.aborted) == 1; got != abort {
				t.Errorf("aborted: %v", got)
			}
			lines := tc.logs.FilterMessage("leaving although handlers have not returned").All()
			if len(lines) != 1 || lines[0].ContextMap()["requests"].([]any)[0] != "GET /stuck" {
				t.Errorf("log lines %v", lines)
			}
		})
	}
}

func TestQuit(t *testing.T) {
	both(t, func(t *testing.T, p *probe, app App) {
		tc := serveApp(t, app, func(*config.Settings) {})
		idle, busy := tc.dial(), tc.dial()
		idle.get("/ok")
		idle.want(200)
		busy.get("/wait")
		wait(t, "the handler", p.entered)
		tc.order(handoff.DrainStop)
		tc.expect(handoff.ReportClosed)
		tc.orders <- order{Order: handoff.Order{Kind: handoff.OrderQuit}} // a second stop is a quick one
		idle.closed()
		busy.closed()
		if got := wait(t, "the context's end", p.causes); got != ErrDraining {
			t.Errorf("cause %v", got)
		}
		tc.exited()
	})
}

func TestOrphanDrains(t *testing.T) {
	p := newProbe()
	tc := serveApp(t, p.fast(), func(*config.Settings) {})
	c := tc.dial()
	c.get("/stuck")
	wait(t, "the handler", p.entered)
	close(tc.gone)
	tc.expect(handoff.ReportClosed)
	close(p.release)
	c.want(200)
	tc.exited()
}

// A full worker leaves the port although connections are queued, and although
// it was emptying the queue for a stop: the next master waits for it.
func TestFullOrphanLeavesThePort(t *testing.T) {
	for name, stopped := range map[string]bool{"serving": false, "stopping": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProbe()
			tc := serveApp(t, p.fast(), func(s *config.Settings) {
				s.WorkerConnections, s.GracefulTimeout, s.StreamTimeout = 1, time.Hour, time.Hour
			})
			c := tc.dial()
			c.get("/stuck")
			wait(t, "the handler", p.entered)
			tc.dial().get("/ok") // waits in the queue
			if stopped {
				tc.order(handoff.DrainStop)
				eventually(t, "the drain", func() bool { return tc.board.Snapshot().State == scoreboard.StateDraining })
			}
			close(tc.gone)
			tc.expect(handoff.ReportClosed)
			if _, err := net.Dial("tcp", tc.addr); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("the port: %v", err)
			}
			close(p.release)
			c.want(200)
			tc.exited()
		})
	}
}

// The master of an upgrade leaves while its workers drain for another reason.
func TestOrphanedWhileDraining(t *testing.T) {
	p := newProbe()
	tc := serveApp(t, p.fast(), func(*config.Settings) {})
	c := tc.dial()
	c.get("/stuck")
	wait(t, "the handler", p.entered)
	tc.order(handoff.DrainReload)
	eventually(t, "the drain", func() bool { return tc.board.Snapshot().State == scoreboard.StateDraining })
	close(tc.gone)
	tc.term <- syscall.SIGTERM
	tc.expect(handoff.ReportClosed)
	close(p.release)
	c.want(200)
	tc.exited()
}

func TestTermDrains(t *testing.T) {
	p := newProbe()
	tc := serveApp(t, p.fast(), func(*config.Settings) {})
	c := tc.dial()
	c.get("/stuck")
	wait(t, "the handler", p.entered)
	tc.term <- syscall.SIGTERM
	tc.expect(handoff.ReportTerm)
	if s := tc.board.Snapshot().State; s != scoreboard.StateReady {
		t.Fatalf("the worker is %v before its replacement is ready", s)
	}
	tc.term <- syscall.SIGTERM // the second one does not wait
	eventually(t, "the drain", func() bool { return tc.board.Snapshot().State == scoreboard.StateDraining })
	close(p.release)
	c.want(200)
	tc.exited()
}

func TestAppClose(t *testing.T) {
	tests := map[string]struct {
		close func(context.Context) error
		log   string
	}{
		"fine":  {func(context.Context) error { return nil }, "worker exits"},
		"error": {func(context.Context) error { return io.ErrUnexpectedEOF }, "the application's close failed"},
		"panic": {func(context.Context) error { panic("as ordered") }, "the application's close failed"},
		"hangs": {func(context.Context) error { select {} }, "the application's close took too long"},
		"ends with its context": {func(ctx context.Context) error {
			<-ctx.Done()
			return context.Cause(ctx)
		}, "worker exits"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := newProbe().fast()
			var calls atomic.Int32
			app.Close = func(ctx context.Context) error {
				calls.Add(1)
				return tt.close(ctx)
			}
			tc := serveApp(t, app, func(s *config.Settings) { s.GracefulTimeout = 100 * time.Millisecond })
			tc.order(handoff.DrainScale)
			tc.exited()
			if calls.Load() != 1 || tc.logged(tt.log) != 1 {
				t.Errorf("%d calls, %d lines %q", calls.Load(), tc.logged(tt.log), tt.log)
			}
		})
	}
}

// No request fails and no connection is closed on a client while workers that share a
// listening socket are replaced under load.
func TestReplacementUnderLoad(t *testing.T) {
	both(t, func(t *testing.T, _ *probe, app App) {
		shared := listen(t)
		start := func() *testCore {
			l := another(t, shared)
			return serveApp(t, app, func(s *config.Settings) { s.Keepalive = 2 * time.Second },
				func(o *coreOptions) { o.Listeners = []net.Listener{l} })
		}
		current := start()
		stop, results := make(chan struct{}), make(chan error, 8)
		for range 8 {
			go func() { results <- hammer("http://"+shared.Addr().String()+"/ok", stop) }()
		}
		for range 5 {
			next := start()
			current.order(handoff.DrainReload)
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

// hammer sends requests on keep-alive connections until stop; the transport
// does not retry because each is a POST.
func hammer(url string, stop <-chan struct{}) error {
	tr := &http.Transport{}
	defer tr.CloseIdleConnections()
	for {
		select {
		case <-stop:
			return nil
		default:
		}
		resp, err := (&http.Client{Transport: tr, Timeout: patience}).Post(url, "text/plain", strings.NewReader("x"))
		if err != nil {
			return err
		}
		if _, err = io.Copy(io.Discard, resp.Body); err != nil {
			return err
		}
		if err = resp.Body.Close(); err != nil || resp.StatusCode != 200 {
			return errors.Join(err, errors.New(resp.Status))
		}
	}
}
