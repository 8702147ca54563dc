package worker

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/sys"
	"github.com/webchasor/webchasor/internal/transfer"
)

// A hijacked connection is the application's: it stays while the others go.
func TestHijackedConnectionsStay(t *testing.T) {
	echo := func(c net.Conn, r io.Reader) {
		line, err := bufio.NewReader(r).ReadString('\n')
		if err == nil {
			_, _ = io.WriteString(c, "echo "+line)
		}
		_ = c.Close()
	}
	apps := map[string]App{
		"fasthttp": {FastHTTP: func(ctx *fasthttp.RequestCtx) {
			ctx.HijackSetNoResponse(true)
			ctx.Hijack(func(c net.Conn) {
				_, _ = io.WriteString(c, "hello\n")
				echo(c, c)
			})
		}},
		"http": {HTTP: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c, rw, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.WriteString(c, "hello\n")
			echo(c, rw)
		})},
	}
	for name, app := range apps {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := serveApp(t, app, anything), serveApp(t, app, anything)
			taken, idle := a.dial(), a.dial()
			taken.get("/")
			if line, err := taken.r.ReadString('\n'); line != "hello\n" {
				t.Fatal(line, err)
			}
			eventually(t, "both accepted", func() bool { return a.t.conns.count() == 2 })
			a.drainTo(handoff.DrainReload, b)
			eventually(t, "the other one has moved", func() bool { return b.t.conns.count() == 1 })
			taken.send("still here\n")
			if line, err := taken.r.ReadString('\n'); line != "echo still here\n" {
				t.Fatal(line, err)
			}
			a.exited()
			_ = idle.Close()
		})
	}
}

// HTTP/2 has a state in memory: its connections end where they are. Without TLS
// a response says that they do.
func TestHTTP2ConnectionsStay(t *testing.T) {
	app := overHTTP2(newProbe().http())
	a, b := serveApp(t, app, anything), serveApp(t, app, anything)
	c := a.http2Client()
	c.ok("/ok")
	plain := a.dial()
	eventually(t, "both accepted", func() bool { return a.t.conns.count() == 2 })
	a.drainTo(handoff.DrainReload, b)
	eventually(t, "the other one has moved", func() bool { return b.t.conns.count() == 1 })
	c.ok("/ok")
	if n := c.dials.Load(); n != 1 {
		t.Errorf("%d connections were made", n)
	}
	a.exited()
	_ = plain.Close()
}

// An HTTP/2 connection without a request is idle for net/http, and stays too.
func TestSilentHTTP2ConnectionStays(t *testing.T) {
	app := overHTTP2(newProbe().http())
	a, b := serveApp(t, app, anything), serveApp(t, app, anything)
	c := a.dial()
	c.send(preface)
	if _, err := c.r.Peek(9); err != nil {
		t.Fatal(err)
	}
	plain := a.dial()
	eventually(t, "both accepted", func() bool { return a.t.conns.count() == 2 })
	a.drainTo(handoff.DrainReload, b)
	eventually(t, "the other one has moved", func() bool { return b.t.conns.count() == 1 })
	moment(20 * time.Millisecond)
	if n := a.t.conns.count(); n != 1 {
		t.Errorf("%d connections are left", n)
	}
	_, _ = plain.Close(), c.Close()
	a.exited()
}

// A taker that is told too late that it may not have a connection leaves it alone.
func TestTakerThatIsTooLate(t *testing.T) {
	b, l := serveApp(t, newProbe().fast(), anything), listen(t)
	own := &testCore{tb: t, addr: l.Addr().String()}
	c := own.dial()
	kept, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = kept.Close() }()
	ch, err := sys.NewChannel(path(t, b))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ch.Close() }()
	if _, err := ch.Recv(make([]byte, 100)); err != nil { // its credits
		t.Fatal(err)
	}
	if err := ch.CloseRead(); err != nil {
		t.Fatal(err)
	}
	batch := append([]byte{transfer.Version, 'b', 0, 1}, make([]byte, 9)...)
	err = sys.WithFD(kept.(syscall.Conn), func(fd int) error { return ch.TrySendFDs(batch, fd) })
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the taker's end", func() bool { return b.logged("taking connections over ended") == 1 })
	c.get("/ok")
	if _, err := http.ReadRequest(bufio.NewReader(kept)); err != nil {
		t.Errorf("its owner cannot read: %v", err)
	}
	if n := b.t.conns.count(); n != 0 {
		t.Errorf("the taker has %d connections", n)
	}
	eventually(t, "the promised places are free", func() bool { return len(b.gate.permits) <= 1 })
}
