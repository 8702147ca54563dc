package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

// outlasts is longer than the master lets a worker drain that has no stream:
// graceful_timeout and the margin in which it may still end its requests itself.
const outlasts = 200*time.Millisecond + 3*time.Second + time.Second

// TestLongLivedOutliveTheBudget: a reload meets what lives longer than
// graceful_timeout: server-sent events, a large download to a slow client, a connection that the
// application took over. Each has until stream_timeout, and comes to its own end.
func TestLongLivedOutliveTheBudget(t *testing.T) {
	for _, kind := range []string{appFastHTTP, appNetHTTP} {
		for name, live := range map[string]func(t *testing.T, addr string) (end func(until time.Time)){
			"events": liveEvents, "download": liveDownload, "hijacked": liveHijacked,
		} {
			t.Run(kind+"/"+name, func(t *testing.T) {
				t.Parallel()
				p := startWith(t, testproc.Options{App: kind, Env: []string{"WEB_WORKERS=1", "GRACEFUL_TIMEOUT=0.2", "STREAM_TIMEOUT=60"}})
				end := live(t, p.Up())
				old := p.WaitWorkers(1)
				mark := p.Log.Mark()
				p.Signal(syscall.SIGHUP)
				p.WaitLog(mark, testproc.Msg("draining worker"), "the reload's drain")
				end(time.Now().Add(outlasts))
				p.WaitReplaced(old, 1)
				wantNoLine(t, p, mark, testproc.Msg(testproc.MsgDied), "a worker died")
				p.Stop(0)
			})
		}
	}
}

func liveEvents(t *testing.T, addr string) func(time.Time) {
	client := &testproc.Client{Addr: addr}
	t.Cleanup(client.Close)
	const n = 60
	events := client.Stream(t, http.MethodGet, fmt.Sprintf("/stream?every=%d&n=%d", (outlasts/n).Milliseconds(), n), "")
	if got, _, err := events.Count(1); got != 1 || err != nil {
		t.Fatalf("the stream does not begin: %d events, %v", got, err)
	}
	return func(time.Time) {
		if got, last, err := events.Count(-1); got != n || last != "[DONE]" || err != nil {
			t.Errorf("%d of %d events, then %q and %v", got, n, last, err)
		}
	}
}

// liveDownload takes a little of the response now and then.
func liveDownload(t *testing.T, addr string) func(time.Time) {
	const mb = 32 // more than socket buffers grow to
	conn := dialTCP(t, addr)
	_ = conn.SetReadBuffer(64 << 10)
	if _, err := io.WriteString(conn, testproc.Request(fmt.Sprintf("/download?mb=%d", mb))); err != nil {
		t.Fatal(err)
	}
	total := 0
	read := func(n int64) error {
		got, err := io.CopyN(io.Discard, conn, n)
		total += int(got)
		return err
	}
	if err := read(1 << 10); err != nil {
		t.Fatalf("the download does not begin: %v", err)
	}
	return func(until time.Time) {
		for time.Now().Before(until) {
			if err := read(8 << 10); err != nil {
				t.Fatalf("after %d bytes: %v", total, err)
			}
			testproc.Pause(50*time.Millisecond, nil)
		}
		rest, err := io.Copy(io.Discard, conn) // in a drain the connection ends with the response
		if total += int(rest); err != nil || total < mb<<20 {
			t.Errorf("%d bytes of %d MiB and %v", total, mb, err)
		}
	}
}

// liveHijacked speaks the application's own protocol.
func liveHijacked(t *testing.T, addr string) func(time.Time) {
	conn := dialTCP(t, addr)
	if _, err := io.WriteString(conn, testproc.Request("/hijack")); err != nil {
		t.Fatal(err)
	}
	head := make([]byte, 0, 512)
	for b := make([]byte, 1); len(head) < 4 || string(head[len(head)-4:]) != "\r\n\r\n"; head = append(head, b[0]) {
		if _, err := conn.Read(b); err != nil {
			t.Fatalf("%q, then %v", head, err)
		}
	}
	return func(until time.Time) {
		for b := make([]byte, 1); time.Now().Before(until); {
			if _, err := conn.Write([]byte{'x'}); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(conn, b); err != nil || b[0] != 'x' {
				t.Fatalf("%q and %v", b, err)
			}
			testproc.Pause(50*time.Millisecond, nil)
		}
		if _, err := conn.Write([]byte{0}); err != nil {
			t.Fatal(err)
		}
		if rest, err := io.ReadAll(conn); len(rest) > 0 || err != nil {
			t.Errorf("after bye: %q and %v", rest, err)
		}
	}
}

func dialTCP(t *testing.T, addr string) *net.TCPConn {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, testproc.Patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(3 * testproc.Patience))
	return conn.(*net.TCPConn)
}
