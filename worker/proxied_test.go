package worker

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/handoff"
)

// whoApps answer with the client's address and the scheme.
func whoApps() map[string]App {
	return map[string]App{
		"fasthttp": {FastHTTP: func(ctx *fasthttp.RequestCtx) {
			fmt.Fprintf(ctx, "%s %s", ctx.RemoteAddr(), ctx.URI().Scheme())
		}},
		"http": {HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, "%s %s", r.RemoteAddr, r.URL.Scheme)
		})},
	}
}

// networks parses like the settings do.
func networks(tb testing.TB, list string) (n config.Networks) {
	tb.Helper()
	r, err := config.Load(config.Input{Flags: map[string]string{"proxy_allow_ips": list}, CPUs: 1, Dir: "/"})
	if err != nil {
		tb.Fatal(err)
	}
	return r.Settings.Proxy.AllowIPs
}

func proxied4(tb testing.TB) func(*config.Settings) {
	list := networks(tb, "127.0.0.1")
	return func(s *config.Settings) { s.Proxy = config.Proxy{Protocol: true, AllowIPs: list} }
}

const (
	header1 = "PROXY TCP4 203.0.113.9 192.0.2.80 1024 443\r\n"
	header2 = "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xcb\x00\x71\x09\xc0\x00\x02\x50\x04\x00\x01\xbb"
	local2  = "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"
)

func TestBalancersNameTheirClients(t *testing.T) {
	for name, app := range whoApps() {
		t.Run(name, func(t *testing.T) {
			tc := serveApp(t, app, proxied4(t))
			for what, header := range map[string]string{"1": header1, "2": header2} {
				for _, piece := range []int{1000, 1} {
					c := tc.dial()
					all := header + "GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n"
					for rest := all; rest != ""; {
						n := min(piece, len(rest))
						c.send(rest[:n])
						rest = rest[n:]
					}
					for range 2 {
						if got := c.want(200).body; !strings.HasPrefix(got, "203.0.113.9:1024 ") {
							t.Errorf("version %s in pieces of %d: the handler saw %q", what, piece, got)
						}
					}
				}
			}
			c := tc.dial()
			c.send(local2)
			c.get("/")
			if got := c.want(200).body; !strings.HasPrefix(got, c.LocalAddr().String()) {
				t.Errorf("the balancer's own request: the handler saw %q", got)
			}
		})
	}
}

// A trusted peer that says nothing, or nonsense, is set up differently from us.
func TestBalancersAreNotGuessed(t *testing.T) {
	for name, app := range whoApps() {
		t.Run(name, func(t *testing.T) {
			tc := serveApp(t, app, proxied4(t))
			for text, problem := range map[string]string{
				"GET /ok HTTP/1.1\r\nHost: x\r\n\r\n":                                            "there is none",
				"PROXY TCP4 192.168.0.1 192.168.0.11 65iii 100000\r\nGET / HTTP/1.1\r\n\r\n":     "it is malformed",
				"PROXY TCP4 not-an-ip 192.168.0.11 56324 443\r\nGET / HTTP/1.1\r\n\r\n":          "it is malformed",
				"PROXY TCP4 192.168.0.1 192.16...\\r\\n" + strings.Repeat("x", 200) + "\r\n\r\n": "it is malformed",
			} {
				c := tc.dial()
				c.send(text)
				if r := c.want(400); !strings.Contains(r.body, problem) || !r.Close {
					t.Errorf("%.20q: %s", text, r.body)
				}
			}
		})
	}
}

func TestStrangersSpeakForThemselves(t *testing.T) {
	for name, app := range whoApps() {
		t.Run(name, func(t *testing.T) {
			list := networks(t, "192.0.2.0/24")
			tc := serveApp(t, app, func(s *config.Settings) {
				limited(s)
				s.Proxy = config.Proxy{Protocol: true, AllowIPs: list, ForwardedIPs: list}
			})
			c := tc.dial()
			c.send("GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\n\r\n")
			if got := c.want(200).body; !strings.HasPrefix(got, c.LocalAddr().String()) || strings.HasSuffix(got, "https") {
				t.Errorf("the handler saw %q", got)
			}
			c = tc.dial()
			c.send(header1 + "GET / HTTP/1.1\r\nHost: x\r\n\r\n") // no request
			c.want(400)
		})
	}
}

// The name goes with the connection, and so does a header that is not complete.
func TestProxiedConnectionsMove(t *testing.T) {
	for name, app := range whoApps() {
		for _, cut := range []int{0, 1, len(header1) / 2, len(header1) - 1, len(header1), len(header1) + 10, -1} {
			t.Run(fmt.Sprintf("%s after %d", name, cut), func(t *testing.T) {
				a := serveApp(t, app, proxied4(t))
				b := serveApp(t, app, anything) // the record decides, not its settings
				c := a.dial()
				all := header1 + "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
				if cut < 0 { // after a whole request
					c.send(all)
					c.want(200)
					cut, all = 0, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
				}
				c.send(all[:cut])
				eventually(t, "the connection", func() bool { return a.t.conns.count() == 1 })
				if cut < len(header1)+10 {
					a.drainTo(handoff.DrainReload, b)
					a.exited()
					eventually(t, "the arrival", func() bool { return b.t.conns.count() == 1 })
				}
				c.send(all[cut:])
				if got := c.want(200).body; !strings.HasPrefix(got, "203.0.113.9:1024 ") {
					t.Errorf("the handler saw %q", got)
				}
			})
		}
	}
}

func TestProxiedClientIsOnTheBoard(t *testing.T) {
	entered, finish := make(chan struct{}), make(chan struct{})
	tc := serveApp(t, App{FastHTTP: func(*fasthttp.RequestCtx) { entered <- struct{}{}; <-finish }}, proxied4(t))
	c := tc.dial()
	c.send(header2)
	c.get("/")
	wait(t, "the request", entered)
	if list := tc.board.InFlight(tc.t.clock.Now()); len(list) != 1 || list[0].Client != "203.0.113.9:1024" {
		t.Errorf("%+v", list)
	}
	close(finish)
	c.want(200)
}
