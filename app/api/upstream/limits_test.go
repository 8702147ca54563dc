package upstream

import (
	"bytes"
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/webchasor/webchasor/app/api/upstream/upstreamtest"
)

// Every limit ends in an error of its own. The limits are as short as they can be
// for what answers at once on a busy machine, or else not reached at all.
func TestLimits(t *testing.T) {
	t.Parallel()
	t.Run("first byte, before the headers", func(t *testing.T) {
		t.Parallel()
		up := startUpstream(t)
		up.Answer(upstreamtest.Answer{StallAfter: -1})
		r := newRouter(t, quick(Upstream{BaseURL: up.URL(), Timeouts: Timeouts{FirstByte: 50 * time.Millisecond}}))
		if e := wantError(t, r, chat(question), CodeFirstByteSlow); e.Status != 504 || e.Type != "timeout" {
			t.Errorf("the error is %+v", e)
		}
		eventually(t, "the upstream is left", func() bool { return len(up.Cancelled()) == 1 })
	})
	t.Run("first byte, after the headers", func(t *testing.T) {
		t.Parallel()
		up := startUpstream(t)
		up.Answer(upstreamtest.Answer{FirstDelay: time.Hour})
		r := newRouter(t, quick(Upstream{BaseURL: up.URL(), Timeouts: Timeouts{FirstByte: 50 * time.Millisecond}}))
		_ = wantError(t, r, stream(), CodeFirstByteSlow)
		eventually(t, "the upstream is left", func() bool { return len(up.Cancelled()) == 1 })
	})
	t.Run("between bytes", func(t *testing.T) {
		t.Parallel()
		up := startUpstream(t)
		up.Answer(upstreamtest.Answer{StallAfter: 2})
		r := newRouter(t, quick(Upstream{BaseURL: up.URL(), Timeouts: Timeouts{FirstByte: time.Hour, BetweenBytes: 50 * time.Millisecond}}))
		_ = wantError(t, r, stream(), CodeBetweenSlow)
		eventually(t, "the upstream is left", func() bool { return len(up.Cancelled()) == 1 })
	})
	t.Run("TLS", func(t *testing.T) {
		t.Parallel()
		r := newRouter(t, quick(Upstream{BaseURL: "https://" + deaf(t), Timeouts: Timeouts{Connect: 50 * time.Millisecond}}))
		if e := wantError(t, r, chat(question), CodeConnectSlow); e.Status != 504 {
			t.Errorf("the error is %+v", e)
		}
	})
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		r := newRouter(t, quick(Upstream{BaseURL: nobody(t), Timeouts: Timeouts{Connect: time.Hour}}))
		if e := wantError(t, r, chat(question), CodeUnreachable); e.Status != 502 {
			t.Errorf("the error is %+v", e)
		}
	})
}

// A silent upstream may be at work: the same one is not asked the same again.
func TestSilenceIsNotRepeated(t *testing.T) {
	t.Parallel()
	up := startUpstream(t)
	up.Answer(upstreamtest.Answer{StallAfter: -1})
	c := quick(Upstream{BaseURL: up.URL(), Timeouts: Timeouts{FirstByte: 50 * time.Millisecond}})
	c.Retries = 5
	_ = wantError(t, newRouter(t, c), chat(question), CodeFirstByteSlow)
	if got := len(up.Requests()); got != 1 {
		t.Errorf("%d attempts, want 1", got)
	}
}

// fakeBody hands out what the test sends.
type fakeBody struct {
	ctx  context.Context
	from chan string
}

func (f fakeBody) Read(p []byte) (int, error) {
	select {
	case text, ok := <-f.from:
		if !ok {
			return 0, io.EOF
		}
		return copy(p, text), nil
	case <-f.ctx.Done():
		return 0, f.ctx.Err()
	}
}

func (fakeBody) Close() error { return nil }

// With a clock of the test's own: what counts as waiting for the upstream, and
// what does not.
func TestLimitsWatchTheUpstreamOnly(t *testing.T) {
	start := func(t *testing.T) (*exchange, chan string) {
		t.Helper()
		e := &endpoint{meter: unwatched{}, Upstream: Upstream{Timeouts: Timeouts{FirstByte: time.Minute, BetweenBytes: 10 * time.Second}}}
		e.health.tell = func(condition, time.Duration) {}
		x := newExchange(t.Context(), target{endpoint: e}, pass{}, time.Now)
		bytes := make(chan string, 100)
		x.from = fakeBody{x.ctx, bytes}
		x.limits.enter(sending)
		x.limits.enter(waiting)
		return x, bytes
	}
	t.Run("a slow reader", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x, from := start(t)
			x.limits.enter(answered)
			from <- "a"
			from <- "b"
			close(from)
			for _, want := range []string{"a", "b"} {
				p := make([]byte, 8)
				n, err := x.Read(p)
				if err != nil || string(p[:n]) != want {
					t.Fatalf("read %q, %v", p[:n], err)
				}
				<-time.After(time.Hour) // the client takes its time
				if err := context.Cause(x.ctx); err != nil {
					t.Fatalf("the upstream was blamed: %v", err)
				}
			}
			if _, err := x.Read(make([]byte, 8)); err != io.EOF {
				t.Errorf("the end is %v", err)
			}
			if x.ctx.Err() == nil {
				t.Error("the exchange is over and its context is not")
			}
		})
	})
	t.Run("a slow upload", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x, _ := start(t)
			<-time.After(59 * time.Second)
			x.limits.enter(sending) // late: it changes nothing
			<-time.After(2 * time.Second)
			if context.Cause(x.ctx) == nil {
				t.Error("a late report gave the upstream more time")
			}
		})
	})
	t.Run("steady bytes", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x, from := start(t)
			x.limits.enter(answered)
			go func() {
				for range 60 {
					<-time.After(9 * time.Second)
					from <- "x"
				}
			}()
			var got bytes.Buffer
			_, err := io.Copy(&got, x)
			if e, ok := err.(*Error); !ok || e.Code != CodeBetweenSlow || got.Len() != 60 {
				t.Errorf("after %d bytes: %v", got.Len(), err)
			}
		})
	})
	t.Run("no limits", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			x, from := start(t)
			x.limits.set = Timeouts{}
			x.limits.enter(answered)
			x.limits.arm(0)
			go func() {
				<-time.After(24 * time.Hour)
				from <- "x"
				<-time.After(24 * time.Hour)
				close(from)
			}()
			if all, err := io.ReadAll(x); err != nil || string(all) != "x" {
				t.Errorf("read %q, %v", all, err)
			}
		})
	})
}
