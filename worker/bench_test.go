package worker

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/webchasor/webchasor/internal/config"
)

// replay is a connection whose client sends one request at a time, for ever
// cheap: what is left is the cost of the server.
type replay struct {
	request []byte
	left    int
}

func (r *replay) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	r.left--
	return copy(p, r.request), nil
}
func (r *replay) Write(p []byte) (int, error)      { return len(p), nil }
func (r *replay) Close() error                     { return nil }
func (r *replay) CloseWrite() error                { return nil }
func (r *replay) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (r *replay) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (r *replay) SetDeadline(time.Time) error      { return nil }
func (r *replay) SetReadDeadline(time.Time) error  { return nil }
func (r *replay) SetWriteDeadline(time.Time) error { return nil }
func (r *replay) SyscallConn() (syscall.RawConn, error) {
	return nil, errors.ErrUnsupported
}

const benchRequest = "GET /health HTTP/1.1\r\nHost: localhost:8000\r\nUser-Agent: wrk\r\n\r\n"

func benchHandler(ctx *fasthttp.RequestCtx) {
	ctx.SetContentType("application/json")
	ctx.SetBodyString(`{"status":"healthy"}`)
}

func BenchmarkKeepAlive(b *testing.B) {
	b.Run("bare", func(b *testing.B) {
		srv := &fasthttp.Server{Handler: benchHandler}
		b.ReportAllocs()
		if err := srv.ServeConn(&replay{[]byte(benchRequest), b.N}); err != nil {
			b.Fatal(err)
		}
	})
	for name, settings := range map[string]func(*config.Settings){"worker": limited, "unchecked": func(*config.Settings) {}} {
		b.Run(name, func(b *testing.B) {
			c := newTestCore(b, App{FastHTTP: benchHandler}, settings).core
			srv := c.engine.(*fasthttp.Server)
			conn, ok := c.t.add(&replay{[]byte(benchRequest), b.N})
			if !ok {
				b.Fatal("no entry")
			}
			c.gate.permits <- struct{}{}
			b.ReportAllocs()
			b.ResetTimer()
			if err := srv.ServeConn(conn); err != nil {
				b.Fatal(err)
			}
			if got := c.t.totals.Requests(); got != uint64(b.N) {
				b.Fatalf("counted %d requests of %d", got, b.N)
			}
		})
	}
}
