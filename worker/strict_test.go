package worker

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/webchasor/webchasor/internal/config"
)

// checkDenied checks an answer of the entrance.
func checkDenied(t *testing.T, c *client, status int) {
	t.Helper()
	r := c.want(status)
	if !strings.Contains(r.body, `"error"`) || r.Header.Get("Content-Type") != "application/json" || !r.Close {
		t.Errorf("body %q, headers %v, close %v", r.body, r.Header, r.Close)
	}
	c.closed()
}

// What is wrong behind a good request costs only itself, also when it arrives
// while the good one's handler runs.
func TestRefusedBehindGood(t *testing.T) {
	both(t, func(t *testing.T, p *probe, app App) {
		tc := serveApp(t, app, limited)
		for _, bad := range []string{"\n", "get / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost : x\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/2.0\r\n\r\n"} {
			status := 400
			if strings.Contains(bad, "2.0") {
				status = 505
			}
			c := tc.dial()
			c.send("GET /ok HTTP/1.1\r\nHost: x\r\n\r\nPOST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" + bad)
			c.want(200)
			c.want(200)
			checkDenied(t, c, status)

			if len(bad) < 4 {
				continue // net/http looks at nothing less behind a handler (Peek in conn.serve)
			}
			c = tc.dial()
			c.get("/stuck")
			wait(t, "the handler", p.entered)
			for i := range bad { // net/http reads the first of these while the handler runs
				c.send(bad[i : i+1])
			}
			p.release <- struct{}{}
			c.want(200)
			checkDenied(t, c, status)
		}
	})
}

func TestSizeLimits(t *testing.T) {
	both(t, func(t *testing.T, p *probe, app App) {
		tc := serveApp(t, app, func(s *config.Settings) {
			limited(s)
			s.HTTP.LimitRequestBody = 100 << 10
		})
		const host = "Host: x\r\n"
		for text, status := range map[string]int{
			"GET /" + strings.Repeat("x", 4081) + " HTTP/1.1\r\n" + host + "\r\n":                            414,
			"GET / HTTP/1.1\r\n" + host + strings.Repeat("a: b\r\n", 100) + "\r\n":                           431,
			"GET / HTTP/1.1\r\n" + host + "a: " + strings.Repeat("x", 8190):                                  431,
			"GET / HTTP/1.1\r\n" + host + strings.Repeat("a: "+strings.Repeat("x", 4000)+"\r\n", 5) + "\r\n": 431,
			"POST /body HTTP/1.1\r\n" + host + "Expect: 100-continue\r\nContent-Length: 102401\r\n\r\n":      413,
			"POST /body HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n19001\r\n":                 413,
		} {
			c := tc.dial()
			c.send(text)
			checkDenied(t, c, status)
		}
		c := tc.dial()
		c.send("GET /ok HTTP/1.1\r\n" + host + strings.Repeat("a: "+strings.Repeat("x", 8100)+"\r\n", 2) + "\r\n")
		c.want(200)
		c.send("POST /body HTTP/1.1\r\n" + host + "Content-Length: 102400\r\n\r\n" + strings.Repeat("x", 102400))
		c.want(200)
	})
}

// With net/http the handler has begun: it gets an error that it knows.
func TestTooLargeChunksAreKnownToTheHandler(t *testing.T) {
	got := make(chan error, 1)
	tc := serveApp(t, App{HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		got <- err
	})}, func(s *config.Settings) {
		limited(s)
		s.HTTP.LimitRequestBody = 1024
	})
	c := tc.dial()
	c.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n200\r\n" + strings.Repeat("x", 512) + "\r\n")
	c.send("201\r\n")
	checkDenied(t, c, 413)
	var large *http.MaxBytesError
	if err := wait(t, "the handler", got); !errors.As(err, &large) || large.Limit != 1024 {
		t.Errorf("the handler got %v", err)
	}
}

// A client that sends a little now and then does not hold its place.
func TestTrickles(t *testing.T) {
	both(t, func(t *testing.T, p *probe, app App) {
		tc := serveApp(t, app, func(s *config.Settings) {
			limited(s)
			s.HTTP.HeaderTimeout, s.HTTP.BodyTimeout = 200*time.Millisecond, 200*time.Millisecond
		})
		for _, text := range []string{"GET /ok HTTP/1.1\r\nHost: ", "POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 10000\r\n\r\n"} {
			c := tc.dial()
			c.send(text)
			stop := make(chan struct{})
			go func() {
				for {
					select {
					case <-stop:
						return
					case <-time.After(10 * time.Millisecond):
						_, _ = c.Write([]byte("x"))
					}
				}
			}()
			checkRefusal(t, c.want(408), "request_timeout")
			close(stop)
		}
		silent := tc.dial()
		silent.closed()
	})
}

// The time that a handler takes before it reads is not the client's.
func TestHandlerMayReadLate(t *testing.T) {
	tc := serveApp(t, App{HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-time.After(400 * time.Millisecond)
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(body)
	})}, func(s *config.Settings) {
		limited(s)
		s.HTTP.BodyTimeout = 200 * time.Millisecond
	})
	c := tc.dial()
	body := strings.Repeat("x", 10000)
	c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10000\r\n\r\n" + body[:5000])
	c.send(body[5000:])
	if r := c.want(200); r.body != body {
		t.Errorf("%d bytes", len(r.body))
	}
}

// Bodies that are only announced take no memory beyond the limit, and the place
// of one that is done is free again.
func TestAnnouncedBodiesAreCounted(t *testing.T) {
	p := newProbe()
	tc := serveApp(t, p.fast(), func(s *config.Settings) {
		limited(s)
		s.HTTP.LimitRequestMemory, s.HTTP.LimitRequestBody = 1<<20, 1<<20
	})
	const big = 600 << 10
	announce := func() *client {
		c := tc.dial()
		c.send("POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 614400\r\n\r\n")
		return c
	}
	first := announce()
	eventually(t, "it is counted", func() bool { return tc.t.entrance.bodies.used.Load() == big })
	second := announce()
	checkRefusal(t, second.want(503), "overloaded")
	second.closed()
	small := tc.dial()
	small.send("POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")
	small.want(200)
	first.send(strings.Repeat("x", big))
	first.want(200)
	eventually(t, "it is given back", func() bool { return tc.t.entrance.bodies.used.Load() == 0 })
	third := announce()
	eventually(t, "it is counted", func() bool { return tc.t.entrance.bodies.used.Load() == big })
	_ = third.Close()
	eventually(t, "it is given back", func() bool { return tc.t.entrance.bodies.used.Load() == 0 })
	// Chunks count as they are announced, and behind another request too.
	fourth := tc.dial()
	fourth.send("GET /ok HTTP/1.1\r\nHost: x\r\n\r\nPOST /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n96000\r\n")
	fourth.want(200)
	eventually(t, "it is counted", func() bool { return tc.t.entrance.bodies.used.Load() == big })
	fourth.send(strings.Repeat("x", big) + "\r\n0\r\n\r\n")
	fourth.want(200)
	eventually(t, "it is given back", func() bool { return tc.t.entrance.bodies.used.Load() == 0 })
}

// An application's own protocol is nobody's business, and a request for one that
// is answered as an ordinary request is followed by the next.
func TestUpgrades(t *testing.T) {
	echo := func(c net.Conn, r io.Reader) {
		b := make([]byte, 4)
		if _, err := io.ReadFull(r, b); err == nil {
			_, _ = c.Write(b)
		}
		_ = c.Close()
	}
	apps := map[string]App{
		"fasthttp": {FastHTTP: func(ctx *fasthttp.RequestCtx) {
			if string(ctx.Path()) == "/own" {
				ctx.SetStatusCode(fasthttp.StatusSwitchingProtocols)
				ctx.Hijack(func(c net.Conn) { echo(c, c) })
			}
		}},
		"http": {HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/own" {
				c, rw, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\n\r\n")
				echo(c, rw)
			}
		})},
	}
	for name, app := range apps {
		t.Run(name, func(t *testing.T) {
			tc := serveApp(t, app, limited)
			const ask = " HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: own\r\n\r\n"
			c := tc.dial()
			c.send("GET /other" + ask)
			c.want(200)
			c.send("GET /own" + ask)
			c.want(101)
			c.send("\x00\n\r:")
			b := make([]byte, 4)
			if _, err := io.ReadFull(c.r, b); err != nil || string(b) != "\x00\n\r:" {
				t.Errorf("%q, %v", b, err)
			}
			early := tc.dial()
			early.send("GET /other" + ask + "GET /other HTTP/1.1\r\nHost: x\r\n\r\n")
			early.want(200)
			checkDenied(t, early, 400)
		})
	}
}

func TestVariantsDoNotReachTheHandler(t *testing.T) {
	const text = "GET / HTTP/1.1\r\nHost: x\r\ncontent_length: 5\r\nTRANSFER_ENCODING: chunked\r\nX_Other: 1\r\n\r\n"
	var names []string
	apps := map[string]App{
		"fasthttp": {FastHTTP: func(ctx *fasthttp.RequestCtx) {
			for k := range ctx.Request.Header.All() {
				names = append(names, strings.ToLower(string(k)))
			}
		}},
		"http": {HTTP: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			names = append(names, "host")
			for k := range r.Header {
				names = append(names, strings.ToLower(k))
			}
		})},
	}
	for name, app := range apps {
		names = nil
		c := serveApp(t, app, limited).dial()
		c.send(text)
		c.want(200)
		if strings.Join(names, " ") != "host x_other" {
			t.Errorf("%s: the handler saw %q", name, names)
		}
	}
}

// Without strictness forms are the server's business; sizes are still ours.
func TestNotStrict(t *testing.T) {
	both(t, func(t *testing.T, p *probe, app App) {
		tc := serveApp(t, app, func(s *config.Settings) {
			limited(s)
			s.HTTP.Strict = false
		})
		c := tc.dial()
		c.send("GET /ok HTTP/1.1\r\nHost: x\r\nLong: a\r\n b\r\n\r\n")
		c.want(200)
		c = tc.dial()
		c.send("GET /ok HTTP/1.1\r\nHost: x\r\nA: " + strings.Repeat("x", 9000))
		checkDenied(t, c, 431)
	})
}
