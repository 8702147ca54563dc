package worker

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/logs"
)

func TestTheClientIsTheLastStranger(t *testing.T) {
	proxies := networks(t, "10.0.0.0/8, 2001:db8::/32")
	for list, want := range map[string]string{
		"":                                     "invalid IP",
		"203.0.113.9":                          "203.0.113.9",
		"203.0.113.9, 10.0.0.1":                "203.0.113.9",
		"1.1.1.1, 203.0.113.9, 10.0.0.1":       "203.0.113.9", // 1.1.1.1 is what the stranger claims
		"10.0.0.2, 10.0.0.1":                   "10.0.0.2",
		"203.0.113.9:4711, 2001:db8::1":        "203.0.113.9",
		"[2001:db9::1]:443":                    "2001:db9::1",
		"[2001:db9::1]":                        "2001:db9::1",
		"::ffff:203.0.113.9":                   "203.0.113.9",
		"unknown":                              "invalid IP",
		"203.0.113.9, unknown, 10.0.0.1":       "10.0.0.1", // what is before a word we cannot read is nobody's
		"203.0.113.9, , 10.0.0.1":              "10.0.0.1",
		"203.0.113.9|10.0.0.1, 10.0.0.3":       "203.0.113.9", // two headers
		strings.Repeat("10.0.0.9, ", 50) + "x": "invalid IP",
	} {
		if got := clientIn(strings.Split(list, "|"), proxies); got.String() != want {
			t.Errorf("%q: %s, want %s", list, got, want)
		}
	}
	for value, want := range map[string]string{
		"": "", "https": "https", "HTTPS": "https", "http, https": "https", "https, http": "http", "ftp": "", "https,": "",
	} {
		if got := lastScheme(value); got != want {
			t.Errorf("%q: %q", value, got)
		}
	}
}

// One connection of a proxy carries requests of many clients.
func TestProxiesNameTheClientOfEachRequest(t *testing.T) {
	for name, app := range whoApps() {
		t.Run(name, func(t *testing.T) {
			list := networks(t, "127.0.0.1, 10.0.0.0/8")
			tc := serveApp(t, app, func(s *config.Settings) { s.Proxy.ForwardedIPs = list })
			c := tc.dial()
			peer := c.LocalAddr().String()
			ask := func(headers, want string) {
				t.Helper()
				c.send("GET / HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n")
				if got := c.want(200).body; !strings.HasPrefix(got, want+" ") {
					t.Errorf("%q: the handler saw %q, want %s", headers, got, want)
				}
			}
			ask("X-Forwarded-For: 203.0.113.9\r\n", "203.0.113.9:0")
			ask("", peer)
			ask("X-Forwarded-For: 203.0.113.9, 2001:db8::1\r\nX-Forwarded-For: 10.0.0.1\r\n", "[2001:db8::1]:0")
			ask("X-Forwarded-For: nobody\r\n", peer)
			c.send("GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-Proto: https\r\n\r\n")
			if got := c.want(200).body; got != peer+" https" {
				t.Errorf("the handler saw %q", got)
			}
			c.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			if got := c.want(200).body; strings.HasSuffix(got, "https") {
				t.Errorf("then the handler saw %q", got)
			}
		})
	}
}

// The log says who the client was.
func TestForwardedClientIsInTheAccessLog(t *testing.T) {
	list := networks(t, "127.0.0.1")
	for name, app := range whoApps() {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "access")
			sink, err := logs.Open(path, os.Stdout)
			if err != nil {
				t.Fatal(err)
			}
			access := logs.NewAccess(sink, logs.Combined)
			tc := serveApp(t, app, func(s *config.Settings) { s.Proxy.ForwardedIPs = list },
				func(o *coreOptions) { o.Access = access })
			c := tc.dial()
			for _, header := range []string{"X-Forwarded-For: 203.0.113.9\r\n", ""} {
				c.send("GET / HTTP/1.1\r\nHost: x\r\n" + header + "\r\n")
				c.want(200)
			}
			_ = c.Close()
			eventually(t, "the connection's end", func() bool { return tc.t.conns.count() == 0 })
			if err := access.Close(); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(string(text), "\n")
			if len(lines) < 2 || !strings.HasPrefix(lines[0], "203.0.113.9 ") || !strings.HasPrefix(lines[1], "127.0.0.1 ") {
				t.Errorf("the log has %q", lines)
			}
		})
	}
}
