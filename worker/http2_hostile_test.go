package worker

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/webchasor/webchasor/internal/config"
)

// empty waits until a core holds nothing of what a client did.
func (tc *testCore) empty() {
	tc.tb.Helper()
	eventually(tc.tb, "nothing is left", func() bool {
		return tc.t.conns.count() == 0 && len(tc.gate.permits) <= 1 && tc.gate.spare.Load() == 0 &&
			len(tc.board.InFlight(tc.t.clock.Now())) == 0
	})
}

// A client that resets its streams as fast as it opens them (CVE-2023-44487) makes no more
// handlers run at a time than one that waits for their answers. When they do not end for it, the
// connection does. Nothing of it stays in the books.
func TestRapidReset(t *testing.T) {
	t.Parallel()
	const limit = 20
	for name, obeys := range map[string]bool{"handlers that obey": true, "handlers that do not": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var running, most atomic.Int32
			release := make(chan struct{})
			app := overHTTP2(App{HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/ok" {
					_, _ = io.WriteString(w, "ok /ok")
					return
				}
				n := running.Add(1)
				defer running.Add(-1)
				for old := most.Load(); old < n && !most.CompareAndSwap(old, n); old = most.Load() {
				}
				if obeys {
					<-r.Context().Done()
				} else {
					<-release
				}
			})})
			tune := app.TuneHTTP
			app.TuneHTTP = func(s *http.Server) {
				tune(s)
				s.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: limit}
			}
			tc := serveApp(t, app, anything)
			c := tc.frames()
			ended := make(chan *http2.GoAwayFrame, 1)
			go func() {
				frame, _ := c.until(func(f http2.Frame) bool { _, ok := f.(*http2.GoAwayFrame); return ok }).(*http2.GoAwayFrame)
				ended <- frame
			}()
			var failed error
			for i := 0; i < 3000 && failed == nil; i++ {
				var stream uint32
				if stream, failed = c.open("/reset"); failed == nil {
					failed = c.reset(stream)
				}
			}
			if obeys {
				_ = c.Close()
				if g := wait(t, "the end", ended); g != nil && g.ErrCode != http2.ErrCodeEnhanceYourCalm {
					t.Errorf("GOAWAY with %v", g.ErrCode)
				}
			} else if g := wait(t, "the end", ended); g == nil || g.ErrCode != http2.ErrCodeEnhanceYourCalm {
				t.Errorf("the connection ended with %v, want ENHANCE_YOUR_CALM", g)
			}
			close(release)
			tc.empty()
			if n := most.Load(); n == 0 || n > limit {
				t.Errorf("%d handlers ran at a time, want at most %d", n, limit)
			}
			tc.http2Client().ok("/ok")
		})
	}
}

// A client that does not take its answer is cut after write_timeout: the stream alone when it is
// the stream that it does not take, with the connection when it reads nothing at all.
func TestSlowReaderOfHTTP2(t *testing.T) {
	t.Parallel()
	soon := func(s *config.Settings) { s.WriteTimeout = 500 * time.Millisecond }
	closed := http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0}
	for name, path := range map[string]string{"a long answer": "/big", "a short one, whose handler has returned": "/ok"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc := serveApp(t, overHTTP2(newProbe().http()), soon)
			c := tc.frames(closed)
			stream, err := c.open(path)
			c.must(err)
			if status := c.answered(stream); status != "200" {
				t.Errorf("status %s", status)
			}
			c.broken(stream)
			eventually(t, "the stream is over", func() bool { return len(tc.board.InFlight(tc.t.clock.Now())) == 0 })
			// Its neighbour goes on.
			stream, err = c.open("/ok")
			c.must(err)
			c.must(c.WriteWindowUpdate(stream, 1000))
			c.answered(stream)
			data, ok := c.until(func(f http2.Frame) bool { _, ok := f.(*http2.DataFrame); return ok }).(*http2.DataFrame)
			if !ok || string(data.Data()) != "ok /ok" {
				t.Errorf("the neighbour got %v", data)
			}
			_ = c.Close()
			tc.empty()
		})
	}
	t.Run("nothing is read", func(t *testing.T) {
		t.Parallel()
		tc := serveApp(t, overHTTP2(newProbe().http()), func(s *config.Settings) {
			soon(s)
			s.Keepalive = time.Second // for a kernel that takes a last frame after all
		})
		c := tc.frames(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 30})
		c.must(c.WriteWindowUpdate(0, 1<<30))
		_, err := c.open("/big")
		c.must(err)
		tc.empty()
	})
}

// A client that is gone is gone for all its streams.
func TestClosedHTTP2EndsItsStreams(t *testing.T) {
	t.Parallel()
	p := newProbe()
	tc := serveApp(t, overHTTP2(p.http()), anything)
	c := tc.frames()
	for range 5 {
		_, err := c.open("/wait")
		c.must(err)
		wait(t, "the handler", p.entered)
	}
	stream, err := c.open("/stream/wait")
	c.must(err)
	c.answered(stream) // it waits after its first bytes
	_ = c.Close()
	for range 6 {
		if cause := wait(t, "a handler's end", p.causes); !errors.Is(cause, ErrClientGone) {
			t.Errorf("the cause is %v", cause)
		}
	}
	tc.empty()
}

// The limit of the whole head is net/http's own in HTTP/2: the connection goes on.
func TestHeadTooLargeOverHTTP2(t *testing.T) {
	t.Parallel()
	tc := serveApp(t, overHTTP2(newProbe().http()), func(s *config.Settings) { s.HTTP.LimitRequestHead = 8 << 10 })
	c := tc.frames()
	ask := func(fields int, want string) {
		t.Helper()
		var more []string
		for i := range fields {
			more = append(more, fmt.Sprintf("x-%d", i), strings.Repeat("x", 1000))
		}
		stream, err := c.open("/ok", more...)
		c.must(err)
		if status := c.answered(stream); status != want {
			t.Errorf("%d fields are answered with %s, want %s", fields, status, want)
		}
	}
	ask(11, "431")
	ask(5, "200")
	_ = c.Close()
	tc.empty()
}
