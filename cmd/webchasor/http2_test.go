package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// http2Client is net/http's, which takes HTTP/2 where it is offered, and sends again what a
// GOAWAY says was not begun, as the protocol wants it.
type http2Client struct {
	*http.Client
	addr   string
	before string // is said before TLS
	dials  atomic.Int32
}

func newHTTP2Client(t *testing.T, a *authority, addr string) *http2Client {
	t.Helper()
	c := &http2Client{addr: addr}
	tr := &http.Transport{
		TLSClientConfig: a.client("a.test"), ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			c.dials.Add(1)
			var d net.Dialer
			conn, err := d.DialContext(ctx, network, addr)
			if err == nil {
				_, err = io.WriteString(conn, c.before)
			}
			return conn, err
		},
	}
	t.Cleanup(tr.CloseIdleConnections)
	c.Client = &http.Client{Transport: tr, Timeout: testproc.Patience}
	return c
}

// get returns status and body of an answer in HTTP/2; err is of the body too.
func (c *http2Client) get(path string) (status int, body string, err error) {
	resp, err := c.Get("https://" + c.addr + path)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	if resp.ProtoMajor != 2 {
		return 0, "", errors.New("spoken was " + resp.Proto)
	}
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

func (c *http2Client) ok(t *testing.T, path string) (body string) {
	t.Helper()
	status, body, err := c.get(path)
	if status != 200 || err != nil {
		t.Errorf("%s: %d, %q, %v", path, status, body, err)
	}
	return body
}

// whole fails the test unless a stream of n events came to its end.
func (c *http2Client) whole(t *testing.T, n int, path string) {
	t.Helper()
	if body := c.ok(t, path); !strings.HasSuffix(body, fmt.Sprintf("data: %d\n\ndata: [DONE]\n\n", n-1)) {
		t.Errorf("%s ended with %q", path, body[max(0, len(body)-100):])
	}
}

// TestHTTP2ManyStreams: one connection carries many requests at a time. Each has its line in the
// access log, counts for max_requests, and sees the TLS it came by.
func TestHTTP2ManyStreams(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	p, addr := startTLS(t, a, testproc.Options{App: appNetHTTP, Env: []string{
		"WEB_WORKERS=1", "ACCESS_LOG=access.log", "MAX_REQUESTS=21", "MAX_REQUESTS_JITTER=0", "RECYCLE_INTERVAL=0",
	}})
	c := newHTTP2Client(t, a, addr)
	if tls := c.ok(t, "/tls"); tls != "true h2\n" {
		t.Errorf("the handler sees %q", tls)
	}
	old := p.WaitWorkers(1)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() { c.ok(t, fmt.Sprintf("/sleep?ms=300&touch=%d", i)) })
	}
	for i := range 20 { // all at a time
		begun(t, p, fmt.Sprint(i))
	}
	wg.Wait()
	if n := c.dials.Load(); n != 1 {
		t.Errorf("%d connections were made", n)
	}
	p.WaitReplaced(old, 1) // it was the 21st
	c.ok(t, "/pid")
	c.CloseIdleConnections()
	p.Stop(0)
	log, err := os.ReadFile(p.Path("access.log"))
	if n := bytes.Count(log, []byte(" HTTP/2.0\" 200 ")); n != 22 || err != nil {
		t.Errorf("%d lines of HTTP/2 in the access log, want 22: %s", n, log)
	}
}

// TestHTTP2OneHangs: a handler that hangs costs its own stream only.
func TestHTTP2OneHangs(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	p, addr := startTLS(t, a, testproc.Options{App: appNetHTTP, Env: []string{"WEB_WORKERS=1", "WORKER_TIMEOUT=1", "GRACEFUL_TIMEOUT=1", "STREAM_TIMEOUT=30"}})
	c := newHTTP2Client(t, a, addr)
	c.ok(t, "/pid")
	var wg sync.WaitGroup
	wg.Go(func() { c.whole(t, 30, "/stream?n=30&every=100") })
	wg.Go(func() {
		if status, body, err := c.get("/block"); status != 503 || !strings.Contains(body, "request_timeout") || err != nil {
			t.Errorf("the one that hangs: %d, %q, %v", status, body, err)
		}
	})
	wg.Wait()
	if n := c.dials.Load(); n != 1 {
		t.Errorf("%d connections were made", n)
	}
	c.CloseIdleConnections()
	p.Stop(0)
}

// TestHTTP2StreamOutlivesReload: a stream that is under way at a reload, and at the stop, arrives whole.
func TestHTTP2StreamOutlivesReload(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	p, addr := startTLS(t, a, testproc.Options{App: appNetHTTP, Env: []string{"WEB_WORKERS=1", "GRACEFUL_TIMEOUT=1", "STREAM_TIMEOUT=30"}})
	c := newHTTP2Client(t, a, addr)
	stream := func(touch string) (wait func()) {
		var wg sync.WaitGroup
		wg.Go(func() { c.whole(t, 30, "/stream?n=30&every=100&touch="+touch) })
		begun(t, p, touch)
		return wg.Wait
	}
	old := p.WaitWorkers(1)
	wait := stream("reload")
	mark := p.Log.Mark()
	p.Signal(syscall.SIGHUP)
	p.WaitLog(mark, testproc.Msg(msgReloaded), "the reload commits")
	c.ok(t, "/pid") // elsewhere
	wait()
	p.WaitPIDGone(old[0], testproc.Patience)
	wait = stream("stop")
	p.Signal(syscall.SIGTERM)
	wait()
	p.ExpectExit(0)
}

// TestHTTP2NobodyNotices: reloads, recycling and an upgrade under load. What a
// client sees of it is GOAWAY, and no request fails.
func TestHTTP2NobodyNotices(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	dir := t.TempDir()
	a.issue("a.test").put(t, dir, "a")
	p := startCopy(t, testproc.Options{App: appNetHTTP, Dir: dir, Env: []string{
		"BIND=127.0.0.1:0?tls", "TLS_CERT=a.crt", "TLS_KEY=a.key", "KEEPALIVE=30", "RECYCLE_INTERVAL=0", "MAX_REQUESTS=300",
	}})
	addr := p.Up()
	var done atomic.Int64
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for i := range 6 {
		c := newHTTP2Client(t, a, addr)
		for range 4 {
			wg.Go(func() {
				for testproc.Pause(time.Duration(1+2*i)*time.Millisecond, stop) {
					c.ok(t, "/pid")
					done.Add(1)
				}
			})
		}
	}
	more := func(n int64) {
		t.Helper()
		want := done.Load() + n
		testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool { return done.Load() >= want }, "the load goes on")
	}
	more(700)
	for range 2 {
		mark := p.Log.Mark()
		p.Signal(syscall.SIGHUP)
		p.WaitLog(mark, testproc.Msg(msgReloaded), "the reload commits")
		more(200)
	}
	mark := p.Log.Mark()
	p.Signal(syscall.SIGUSR2)
	p.WaitLog(mark, testproc.Msg("upgraded: the new master serves, this one leaves"), "the upgrade is done")
	more(300)
	close(stop)
	wg.Wait()
	wantNoLine(t, p, 0, testproc.Msg(testproc.MsgDied), "a worker died")
}

// TestHTTP2Goodbye: GOAWAY comes without an error, to an idle connection after keepalive, and
// to one that was just made when its worker leaves.
func TestHTTP2Goodbye(t *testing.T) {
	t.Parallel()
	for name, keepalive := range map[string]string{"keepalive": "1", "reload": "30"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAuthority(t)
			p, addr := startTLS(t, a, testproc.Options{App: appNetHTTP, Env: []string{"WEB_WORKERS=1", "KEEPALIVE=" + keepalive}})
			config := a.client("a.test")
			config.NextProtos = []string{"h2"}
			c, err := tls.Dial("tcp", addr, config)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_ = c.SetDeadline(time.Now().Add(testproc.Patience))
			fmt.Fprint(c, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
			for i, kind := 0, byte(0); kind != 7; i++ { // GOAWAY
				head := make([]byte, 9)
				if _, err := io.ReadFull(c, head); err != nil {
					t.Fatalf("no GOAWAY: %v", err)
				}
				body := make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
				if _, err := io.ReadFull(c, body); err != nil {
					t.Fatal(err)
				}
				if kind = head[3]; kind == 7 && !bytes.Equal(body[4:8], make([]byte, 4)) {
					t.Errorf("GOAWAY has an error: %x", body)
				}
				if i == 0 && name == "reload" {
					p.Signal(syscall.SIGHUP)
				}
			}
			if _, err := io.ReadAll(c); err != nil {
				t.Errorf("the connection ends with %v", err)
			}
			p.Stop(0)
		})
	}
}

// TestHTTP2BehindABalancer: what the PROXY header says before TLS is the client of every stream.
func TestHTTP2BehindABalancer(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	p, addr := startTLS(t, a, testproc.Options{App: appNetHTTP, Env: []string{"WEB_WORKERS=1", "PROXY_PROTOCOL=true", "ACCESS_LOG=access.log"}})
	c := newHTTP2Client(t, a, addr)
	c.before = "PROXY TCP4 203.0.113.9 192.0.2.80 1024 443\r\n"
	for range 3 {
		if remote := c.ok(t, "/remote"); remote != "203.0.113.9:1024\n" {
			t.Errorf("the handler sees %q", remote)
		}
	}
	if n := c.dials.Load(); n != 1 {
		t.Errorf("%d connections were made", n)
	}
	c.CloseIdleConnections()
	p.Stop(0)
	log, err := os.ReadFile(p.Path("access.log"))
	if n := bytes.Count(log, []byte("203.0.113.9 - ")); n != 3 || err != nil {
		t.Errorf("%d lines name the client, want 3: %s, %v", n, log, err)
	}
}

// TestHTTP2IsOffered: by net/http programs; fasthttp has no HTTP/2, and says so.
func TestHTTP2IsOffered(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]string{appFastHTTP: "http/1.1", appNetHTTP: "h2"} {
		a := newAuthority(t)
		dir := filepath.Join(t.TempDir(), kind)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		p, addr := startTLS(t, a, testproc.Options{App: kind, Dir: dir, Env: []string{"WEB_WORKERS=1"}})
		config := a.client("a.test")
		config.NextProtos = []string{"h2", "http/1.1"}
		c, err := tls.Dial("tcp", addr, config)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.ConnectionState().NegotiatedProtocol; got != want {
			t.Errorf("%s speaks %q, want %q", kind, got, want)
		}
		_ = c.Close()
		client := testproc.Client{Addr: addr, TLS: a.client("a.test")} // asks for nothing
		expectOK(t, client.Get("/pid"))
		client.Close()
		p.Stop(0)
	}
}
