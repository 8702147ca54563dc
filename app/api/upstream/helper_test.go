package upstream

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/zap/zaptest"

	"github.com/webchasor/webchasor/app/api/upstream/upstreamtest"
)

const question = `{"model":"m","messages":[{"role":"user","content":"x"}]}`

func startUpstream(t *testing.T) *upstreamtest.Server {
	t.Helper()
	up, err := upstreamtest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(up.Close)
	return up
}

// quick is a configuration that loses no time, for the given upstreams.
func quick(upstreams ...Upstream) Config {
	return Config{Upstreams: upstreams, BackoffBase: time.Millisecond, BackoffMax: 2 * time.Millisecond}
}

func newRouter(t *testing.T, c Config) *Router {
	t.Helper()
	r, err := New(c, zaptest.NewLogger(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func chat(body string) Call { return Call{Path: "/chat/completions", Model: "m", Body: []byte(body)} }

func stream() Call {
	c := chat(`{"model":"m","stream":true}`)
	c.Stream = true
	return c
}

// ask returns the whole answer.
func ask(t *testing.T, r *Router, c Call) (*Reply, string) {
	t.Helper()
	reply, err := r.Do(t.Context(), c)
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	defer reply.Body.Close()
	all, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatalf("the answer broke: %v", err)
	}
	return reply, string(all)
}

// wantError asks for what must fail and returns how it failed.
func wantError(t *testing.T, r *Router, c Call, code string) *Error {
	t.Helper()
	reply, err := r.Do(t.Context(), c)
	if err == nil {
		defer reply.Body.Close()
		_, err = io.ReadAll(reply.Body)
	}
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Code != code {
		t.Fatalf("the error is %v, want code %s", err, code)
	}
	return e
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("never happened: " + what)
		}
	}
}

// nobody is the address of a port that refuses connections.
func nobody(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	return "http://" + l.Addr().String()
}

// deaf is the address of a port that takes connections into its queue and never
// says anything.
func deaf(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

var errLeft = errors.New("the client left")

func leaving(t *testing.T) (context.Context, func()) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	t.Cleanup(func() { cancel(nil) })
	return ctx, func() { cancel(errLeft) }
}

// startTLS also returns the path of the certificate.
func startTLS(t *testing.T) (*upstreamtest.Server, string) {
	t.Helper()
	up, err := upstreamtest.StartTLS()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(up.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, up.CertificatePEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	return up, ca
}
