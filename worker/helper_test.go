package worker

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/scoreboard"
	"github.com/webchasor/webchasor/internal/sys"
)

// patience is how long a test waits for what must happen. It is far longer than
// any budget in the tests, so that a slow machine fails nothing.
const patience = 10 * time.Second

// testCore is a core in this process, with a real TCP listener.
type testCore struct {
	*core
	tb      testing.TB
	addr    string
	board   *scoreboard.Board
	logs    *observer.ObservedLogs
	reports chan handoff.Report
	orders  chan order
	gone    chan struct{}
	term    chan os.Signal
	aborted chan struct{}
	exit    chan int
}

// settings are short, so that tests are; tests change what they are about.
func settings() config.Settings {
	return config.Settings{
		Workers: 1, WorkerConnections: 50, Timeout: time.Minute, GracefulTimeout: 5 * time.Second,
		StreamTimeout: 10 * time.Second, Keepalive: time.Minute, HTTP: config.HTTP{Strict: true},
	}
}

func newTestCore(tb testing.TB, app App, change func(*config.Settings), more ...func(*coreOptions)) *testCore {
	tb.Helper()
	s := settings()
	change(&s)
	zc, observed := observer.New(zapcore.DebugLevel)
	tc := &testCore{
		tb: tb, logs: observed, board: newBoard(tb, s.WorkerConnections+8),
		reports: make(chan handoff.Report, 16), orders: make(chan order, 4),
		gone: make(chan struct{}), term: make(chan os.Signal, 1), aborted: make(chan struct{}, 1), exit: make(chan int, 1),
	}
	o := coreOptions{
		App: app, Settings: s, Board: tc.board, Logger: zap.New(zc), PID: os.Getpid(),
		Report: func(r handoff.Report) { tc.reports <- r }, Reopen: func(*order) {}, SetLevel: func(string) {},
		Abort: func() { tc.aborted <- struct{}{} }, Draining: make(chan struct{}),
	}
	for _, f := range more {
		f(&o)
	}
	if len(o.Listeners) == 0 {
		o.Listeners = []net.Listener{listen(tb)}
	}
	tc.addr = o.Listeners[0].Addr().String()
	var err error
	if tc.core, err = newCore(o); err != nil {
		tb.Fatal(err)
	}
	return tc
}

// serve starts a core and ends it with the test.
func serveApp(tb testing.TB, app App, change func(*config.Settings), more ...func(*coreOptions)) *testCore {
	tb.Helper()
	tc := newTestCore(tb, app, change, more...)
	go func() {
		tc.exit <- tc.run(inbox{orders: tc.orders, gone: tc.gone, term: tc.term})
	}()
	tc.expect(handoff.ReportReady)
	tb.Cleanup(func() {
		select {
		case tc.orders <- order{Order: handoff.Order{Kind: handoff.OrderQuit}}:
		default:
		}
		select {
		case <-tc.exit:
		case <-time.After(patience):
			tb.Error("the core did not end")
		}
		if tb.Failed() {
			for _, e := range tc.logs.All() {
				tb.Log(e.Level, e.Message, e.ContextMap())
			}
		}
	})
	return tc
}

func newBoard(tb testing.TB, entries int) *scoreboard.Board {
	tb.Helper()
	fd, board, err := scoreboard.Create(scoreboard.Options{Entries: entries})
	if err != nil {
		tb.Fatal(err)
	}
	if err := sys.CloseFD(fd); err != nil {
		tb.Fatal(err)
	}
	return board
}

func listen(tb testing.TB) *sys.Listener {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	own := another(tb, l)
	tb.Cleanup(func() { _ = own.Close() })
	return own
}

func listenUnix(tb testing.TB) *sys.Listener {
	tb.Helper()
	l, err := net.Listen("unix", filepath.Join(tb.TempDir(), "s"))
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	return another(tb, l)
}

// another is a listening socket as one more worker has it, which closes it.
func another(tb testing.TB, l net.Listener) *sys.Listener {
	tb.Helper()
	own, err := sys.NewListener(dupOf(tb, l))
	if err != nil {
		tb.Fatal(err)
	}
	return own
}

// expect waits for the next report, which must be of that kind.
func (tc *testCore) expect(kind handoff.ReportKind) handoff.Report {
	tc.tb.Helper()
	select {
	case r := <-tc.reports:
		if r.Kind != kind {
			tc.tb.Fatalf("report %+v, want %s", r, kind)
		}
		return r
	case <-time.After(patience):
		tc.tb.Fatalf("no report %q", kind)
	}
	return handoff.Report{}
}

// drain orders a drain.
func (tc *testCore) order(reason handoff.DrainReason) {
	tc.orders <- order{Order: handoff.Order{Kind: handoff.OrderDrain, Reason: reason}}
}

// exited waits for the core's end and checks the status.
func (tc *testCore) exited() {
	tc.tb.Helper()
	select {
	case code := <-tc.exit:
		tc.exit <- code // for the cleanup
		if code != handoff.ExitOK {
			tc.tb.Fatalf("exit status %d", code)
		}
	case <-time.After(patience):
		tc.tb.Fatal("the core did not end")
	}
}

// eventually polls for a state that nothing announces.
func eventually(tb testing.TB, what string, cond func() bool) {
	tb.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-deadline:
			tb.Fatalf("never happened: %s", what)
		case <-tick.C:
		}
	}
}

func wait[T any](tb testing.TB, what string, ch <-chan T) T {
	tb.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		tb.Fatalf("never happened: %s", what)
	}
	panic("unreachable")
}

// client is a raw HTTP/1 client on one connection.
type client struct {
	net.Conn
	tb testing.TB
	r  *bufio.Reader
}

func (tc *testCore) dial() *client {
	tc.tb.Helper()
	network := "tcp"
	if strings.HasPrefix(tc.addr, "/") {
		network = "unix"
	}
	c, err := net.DialTimeout(network, tc.addr, patience)
	if err != nil {
		tc.tb.Fatal(err)
	}
	tc.tb.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		tc.tb.Fatal(err)
	}
	return &client{Conn: c, tb: tc.tb, r: bufio.NewReader(c)}
}

func (c *client) send(text string) {
	c.tb.Helper()
	if _, err := c.Write([]byte(text)); err != nil {
		c.tb.Fatalf("send: %v", err)
	}
}

func (c *client) get(path string) {
	c.tb.Helper()
	c.send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n")
}

type reply struct {
	*http.Response
	body    string
	bodyErr error
}

// read reads one response completely.
func (c *client) read() reply {
	c.tb.Helper()
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.tb.Fatalf("read response: %v", err)
	}
	body, bodyErr := readAll(resp)
	return reply{resp, body, bodyErr}
}

func readAll(resp *http.Response) (string, error) {
	var b strings.Builder
	_, err := bufio.NewReader(resp.Body).WriteTo(&b)
	return b.String(), err
}

// want reads one response and checks its status.
func (c *client) want(status int) reply {
	c.tb.Helper()
	r := c.read()
	if r.StatusCode != status {
		c.tb.Fatalf("status %d, want %d; body %q", r.StatusCode, status, r.body)
	}
	return r
}

// upTo reads up to a line that ends in text.
func (c *client) upTo(text string) {
	c.tb.Helper()
	for line := ""; !strings.HasSuffix(line, text); {
		var err error
		if line, err = c.r.ReadString('\n'); err != nil {
			c.tb.Fatalf("no line %q: %v", text, err)
		}
	}
}

// closed reads until the server closes; nothing else may come.
func (c *client) closed() {
	c.tb.Helper()
	b, err := c.r.ReadByte()
	if err == nil {
		rest, _ := c.r.Peek(c.r.Buffered())
		c.tb.Fatalf("got %q, want the end of the connection", string(b)+string(rest))
	}
	if ne, ok := err.(net.Error); ok && ne.Timeout() {
		c.tb.Fatal("the connection stayed open")
	}
}

// logged reports how many lines have this message.
func (tc *testCore) logged(message string) int {
	return tc.logs.FilterMessage(message).Len()
}

// hammer sends requests on this one connection until stop.
func (c *client) hammer(stop <-chan struct{}) error {
	for {
		select {
		case <-stop:
			return nil
		default:
		}
		if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
			return err
		}
		if _, err := c.Write([]byte("POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")); err != nil {
			return err
		}
		resp, err := http.ReadResponse(c.r, nil)
		if err != nil {
			return err
		}
		body, err := readAll(resp)
		if err != nil || body != "hello" || resp.Close {
			return fmt.Errorf("got %q, %v, closing %v", body, err, resp.Close)
		}
	}
}
