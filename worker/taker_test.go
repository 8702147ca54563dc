package worker

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/sys"
	"github.com/webchasor/webchasor/internal/transfer"
)

// giver is a worker that gives connections away to tc, which takes them as soon
// as it is served.
func giver(tb testing.TB, tc *testCore) *transfer.Sender {
	tb.Helper()
	changed := make(chan struct{}, 1)
	s, err := transfer.NewSender(path(tb, tc), func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Close)
	for s.Credits() == 0 {
		wait(tb, "a credit", changed)
	}
	return s
}

// loose are connections that no worker serves yet: our copies, and the clients.
func loose(tb testing.TB, n int) (fds []int, clients []net.Conn) {
	tb.Helper()
	l := listen(tb)
	for range n {
		far, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { _ = far.Close() })
		near, err := l.Accept()
		if err != nil {
			tb.Fatal(err)
		}
		err = sys.WithFD(near.(syscall.Conn), func(own int) error {
			fd, err := sys.DupCloexec(own)
			fds = append(fds, fd)
			return err
		})
		if err != nil {
			tb.Fatal(err)
		}
		_ = near.Close()
		if err := far.SetDeadline(time.Now().Add(patience)); err != nil {
			tb.Fatal(err)
		}
		clients = append(clients, far)
	}
	return fds, clients
}

// When the sender hears that its connections are taken, they are in the taker's
// table: whoever is killed then, the master can say which clients it had.
func TestInTheTableBeforeTaken(t *testing.T) {
	const rounds, each = 20, 5
	tc := serveApp(t, newProbe().fast(), func(s *config.Settings) { s.WorkerConnections = 2 * rounds * each })
	s := giver(t, tc)
	held := map[string]bool{}
	for range rounds {
		eventually(t, "credits", func() bool { return s.Credits() >= each })
		fds, clients := loose(t, each)
		if err := s.Offer(fds, make([]transfer.Record, each)); err != nil {
			t.Fatal(err)
		}
		n, err := s.Taken()
		names, _ := tc.board.Idle(2 * rounds * each)
		if n != each || err != nil {
			t.Fatalf("%d taken, %v", n, err)
		}
		for _, name := range names {
			held[name] = true
		}
		for i, c := range clients {
			if name := c.LocalAddr().String(); !held[name] {
				t.Errorf("%s was taken and is not in the table", name)
			}
			_ = sys.CloseFD(fds[i])
		}
	}
	eventually(t, "all are served", func() bool { return tc.t.conns.count() == rounds*each })
	if got := tc.board.Snapshot(); got.Opened != rounds*each || got.Connections != rounds*each {
		t.Errorf("%d connections, %d ever", got.Connections, got.Opened)
	}
}

// A taker that comes too late has nothing: no entry, no permit, nothing counted,
// and the client hears nothing of it.
func TestTakenTooLate(t *testing.T) {
	tc := newTestCore(t, newProbe().fast(), anything)
	send, receive, err := sys.ControlPair()
	if err != nil {
		t.Fatal(err)
	}
	k, err := newTaker(tc.t, tc.gate, tc.arrived, receive)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.promise(); err != nil {
		t.Fatal(err)
	}
	fds, clients := loose(t, 2)
	copies := make([]int, len(fds))
	for i, fd := range fds {
		if copies[i], err = sys.DupCloexec(fd); err != nil {
			t.Fatal(err)
		}
	}
	if err := sys.CloseFD(send); err != nil {
		t.Fatal(err)
	}
	if err := k.accept(transfer.Batch{FDs: copies, Records: make([]transfer.Record, 2)}); err == nil {
		t.Fatal("taken from nobody")
	}
	k.release(k.held)
	got := tc.board.Snapshot()
	if names, n := tc.board.Idle(9); n != 0 || got.Connections != 0 || got.Opened != 0 || k.taken != 0 {
		t.Errorf("%v in the table, %d connections, %d ever, %d taken", names, got.Connections, got.Opened, k.taken)
	}
	if n, p := tc.t.conns.count(), len(tc.gate.permits); n != 0 || p != 0 || tc.gate.promised.Load() != 0 {
		t.Errorf("%d connections, %d permits, %d of them promised", n, p, tc.gate.promised.Load())
	}
	reaches(t, fds, clients)
}

// What cannot be taken over stays with its worker, and what comes behind it.
func TestTakesTheFirstOnes(t *testing.T) {
	tc := serveApp(t, newProbe().fast(), anything)
	s := giver(t, tc)
	eventually(t, "credits", func() bool { return s.Credits() >= 3 })
	fds, clients := loose(t, 3)
	r, w, err := os.Pipe() // no connection
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	defer r.Close()
	if err := s.Offer([]int{fds[0], int(r.Fd()), fds[2]}, make([]transfer.Record, 3)); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Taken(); n != 1 || err != nil {
		t.Fatalf("%d taken, %v", n, err)
	}
	reaches(t, fds[1:], clients[1:])
	_ = sys.CloseFD(fds[0])
	served := &client{Conn: clients[0], tb: t, r: bufio.NewReader(clients[0])}
	served.get("/ok")
	served.want(200)
	eventually(t, "one connection", func() bool { return tc.t.conns.count() == 1 })
}

// reaches checks that the copies fds are still the whole way to the clients.
func reaches(tb testing.TB, fds []int, clients []net.Conn) {
	tb.Helper()
	for i, fd := range fds {
		f := os.NewFile(uintptr(fd), "server")
		_, err := f.WriteString("!")
		if err = errors.Join(err, f.Close()); err != nil {
			tb.Fatal(err)
		}
		if all, err := io.ReadAll(clients[i]); string(all) != "!" || err != nil {
			tb.Errorf("the client got %q, %v", all, err)
		}
	}
}
