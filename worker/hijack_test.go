package worker

import (
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/handoff"
)

// Hijacked connections leave tracking but count, as streams, until they are closed.
func TestHijack(t *testing.T) {
	echo := func(c net.Conn) {
		_, _ = io.Copy(c, c)
		_ = c.Close()
	}
	apps := map[string]App{
		"fasthttp": {FastHTTP: func(ctx *fasthttp.RequestCtx) {
			ctx.SetStatusCode(101)
			ctx.Hijack(echo)
		}},
		"http": {HTTP: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			c, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				panic(err)
			}
			_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\n\r\n")
			go echo(c)
		})},
	}
	for name, app := range apps {
		t.Run(name, func(t *testing.T) {
			tc := serveApp(t, app, func(s *config.Settings) {
				s.Timeout, s.Keepalive = 100*time.Millisecond, 100*time.Millisecond
				s.GracefulTimeout, s.StreamTimeout = 200*time.Millisecond, 500*time.Millisecond
			})
			c := tc.dial()
			c.get("/")
			for { // the head of the response
				line, err := c.r.ReadString('\n')
				if err != nil {
					t.Fatal(err)
				}
				if line == "\r\n" {
					break
				}
			}
			eventually(t, "the request's end", func() bool { return tc.board.Snapshot().InFlight == 0 })
			if n := tc.t.conns.count(); n != 1 {
				t.Errorf("%d connections", n)
			}
			if n := tc.board.Snapshot().Streams; n != 1 {
				t.Errorf("%d streams, want the hijacked connection", n)
			}
			time.AfterFunc(400*time.Millisecond, func() { _, _ = c.Write([]byte("x")) })
			if b, err := c.r.ReadByte(); err != nil || b != 'x' {
				t.Fatalf("%q, %v: the connection did not outlive the timeouts", b, err)
			}
			tc.order(handoff.DrainReload)
			c.closed()
			tc.exited()
			if n := tc.board.Snapshot().Streams; n != 0 {
				t.Errorf("%d streams at the end", n)
			}
		})
	}
}
