package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// errTurnedAway: nobody listens any more, or the connection was still in a queue when that was
// closed. The client may try elsewhere: nothing of its request was seen.
var errTurnedAway = errors.New("turned away")

// tlsCrowd are clients that come and stay over a stop.
type tlsCrowd struct {
	t      *testing.T
	addr   string
	config *tls.Config
	term   chan struct{} // closed when the stop begins
	wait   sync.WaitGroup

	answered, late atomic.Int64 // all, and after the stop began
}

// records watches what comes in: Go's client forgives a connection that ends without a goodbye.
type records struct {
	net.Conn
	head []byte
	skip int
	last byte // kind of the latest record
}

func (r *records) Read(p []byte) (int, error) {
	n, err := r.Conn.Read(p)
	for rest := p[:max(n, 0)]; len(rest) > 0; {
		if r.skip > 0 {
			some := min(r.skip, len(rest))
			r.skip -= some
			rest = rest[some:]
			continue
		}
		some := min(5-len(r.head), len(rest))
		r.head, rest = append(r.head, rest[:some]...), rest[some:]
		if len(r.head) == 5 { // RFC 5246, 6.2.1
			r.last, r.skip, r.head = r.head[0], int(r.head[3])<<8|int(r.head[4]), nil
		}
	}
	return n, err
}

// goodbye: the latest record is an alert.
func (r *records) goodbye() bool { return r.last == 21 }

// dial connects and shakes hands. A connection of before the stop has to be served, and so
// has one that has got the server's part of a handshake.
func (c *tlsCrowd) dial(ctx context.Context) (*tls.Conn, error) {
	var d net.Dialer
	wire, err := d.DialContext(ctx, "tcp", c.addr)
	if err != nil {
		if !errors.Is(err, syscall.ECONNREFUSED) && !errors.Is(err, syscall.ECONNRESET) {
			return nil, err
		}
		return nil, errTurnedAway
	}
	early, seen := !c.stopping(), false
	config := c.config.Clone()
	config.MaxVersion = tls.VersionTLS12 // 1.3 hides the kinds of records
	config.VerifyConnection = func(tls.ConnectionState) error { seen = true; return nil }
	_ = wire.SetDeadline(time.Now().Add(2 * testproc.Patience))
	conn := tls.Client(&records{Conn: wire}, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = wire.Close()
		if early || seen || errors.Is(err, os.ErrDeadlineExceeded) {
			return nil, fmt.Errorf("handshake (before the stop: %t, begun: %t): %w", early, seen, err)
		}
		return nil, errTurnedAway
	}
	return conn, nil
}

func (c *tlsCrowd) stopping() bool {
	select {
	case <-c.term:
		return true
	default:
		return false
	}
}

func (c *tlsCrowd) count() {
	c.answered.Add(1)
	if c.stopping() {
		c.late.Add(1)
	}
}

// http1 starts a client that makes n requests on each of its connections, with a pause before
// each, until it is turned away. Every connection has to end with a goodbye.
func (c *tlsCrowd) http1(n int, pause time.Duration) {
	c.wait.Go(func() {
		for {
			err := c.session(n, pause)
			if errors.Is(err, errTurnedAway) {
				return
			}
			if err != nil {
				c.t.Error(err)
				return
			}
		}
	})
}

// session is one connection.
func (c *tlsCrowd) session(n int, pause time.Duration) error {
	conn, err := c.dial(c.t.Context())
	if err != nil {
		return err
	}
	defer conn.Close()
	br := bufio.NewReader(conn)
	for range n {
		testproc.Pause(pause, nil)
		if _, err := io.WriteString(conn, testproc.Request("/pid")); err != nil {
			return fmt.Errorf("cannot send: %w", err)
		}
		resp, err := http.ReadResponse(br, nil)
		if err != nil {
			return fmt.Errorf("no answer: %w", err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d, %w", resp.StatusCode, err)
		}
		c.count()
		if resp.Close {
			_, err := br.ReadByte()
			if wire, ok := conn.NetConn().(*records); !errors.Is(err, io.EOF) || !ok || !wire.goodbye() {
				return fmt.Errorf("the connection ended without a goodbye: %w", err)
			}
			return nil
		}
	}
	return nil
}

// http2 starts clients that share a connection as long as it lasts.
func (c *tlsCrowd) http2(n int, pause time.Duration) {
	tr := &http.Transport{
		ForceAttemptHTTP2: true,
		DialTLSContext:    func(ctx context.Context, _, _ string) (net.Conn, error) { return c.dial(ctx) },
	}
	c.t.Cleanup(tr.CloseIdleConnections)
	client := &http.Client{Transport: tr, Timeout: 2 * testproc.Patience}
	for range n {
		c.wait.Go(func() {
			for {
				testproc.Pause(pause, nil)
				resp, err := client.Get("https://" + c.addr + "/pid")
				if errors.Is(err, errTurnedAway) {
					return
				}
				if err == nil {
					_, err = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
				}
				if err != nil || resp.StatusCode != http.StatusOK || resp.ProtoMajor != 2 {
					c.t.Errorf("%v, %v", resp, err)
					return
				}
				c.count()
			}
		})
	}
}

// TestTLSStopUnderLoad: no request that the server has seen is lost in a stop, and connections
// end as TLS wants it. Clients that stay are told by their next answer, or by GOAWAY.
func TestTLSStopUnderLoad(t *testing.T) {
	for name, kind := range map[string]string{"fasthttp": appFastHTTP, "nethttp": appNetHTTP, "http2": appNetHTTP} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newAuthority(t)
			p, addr := startTLS(t, a, testproc.Options{App: kind, Env: []string{"GRACEFUL_TIMEOUT=20"}})
			c := &tlsCrowd{t: t, addr: addr, config: a.client("a.test"), term: make(chan struct{})}
			if name == "http2" {
				c.config.NextProtos = []string{"h2"}
				for range 3 {
					c.http2(3, 3*time.Millisecond)
				}
			} else {
				for range 3 {
					c.http1(1, 3*time.Millisecond)
					c.http1(1000, 3*time.Millisecond)
					c.http1(1000, 100*time.Millisecond)
				}
			}
			testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool { return c.answered.Load() > 300 }, "the load goes")
			close(c.term)
			p.Signal(syscall.SIGTERM)
			c.wait.Wait()
			p.ExpectExit(0)
			t.Logf("%d requests, %d of them after the stop began", c.answered.Load(), c.late.Load())
		})
	}
}
