package sys

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func init() {
	// Waits in accept on an inherited socket like an idle worker, says so,
	// and says how it ended.
	roles["acceptor"] = func() error {
		ln, err := net.FileListener(os.NewFile(3, "listener"))
		if err != nil {
			return err
		}
		fmt.Println("waiting")
		for {
			c, err := ln.Accept()
			if errors.Is(err, syscall.EINVAL) {
				fmt.Println("EINVAL")
				break
			}
			if err != nil {
				return err
			}
			fmt.Println("accepted")
			_ = c.Close()
		}
		// The socket is kept, as by a worker that drains slowly.
		_, err = io.Copy(io.Discard, os.Stdin)
		return errors.Join(err, ln.Close())
	}
	// Holds an inherited socket without accepting.
	roles["holder"] = func() error {
		fmt.Println("holding")
		_, err := io.Copy(io.Discard, os.Stdin)
		return err
	}
}

func TestListenersStayOutOfTheWay(t *testing.T) {
	tcp, _, err := ListenTCP("tcp", "127.0.0.1:0", 16)
	if err != nil {
		t.Fatal(err)
	}
	unix, _, err := ListenUnix(filepath.Join(t.TempDir(), "s"), 16)
	if err != nil {
		t.Fatal(err)
	}
	closeAfter(t, tcp, unix)
	for _, fd := range []int{tcp, unix} {
		wantCloexec(t, fd)
		wantNonblock(t, fd)
		// A worker's adoption must not flip the shared open file to blocking.
		_ = adopt(t, fd).Close()
		wantNonblock(t, fd)
	}
}

func TestCloseListenerEndsItForEveryProcess(t *testing.T) {
	fd, bound, err := ListenTCP("tcp", "127.0.0.1:0", 16)
	if err != nil {
		t.Fatal(err)
	}
	worker := startChild(t, "acceptor", fd)
	if got := worker.line(t); got != "waiting" {
		t.Fatalf("the worker says %q", got)
	}
	c, err := net.Dial("tcp", bound)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if got := worker.line(t); got != "accepted" {
		t.Fatalf("the worker says %q", got)
	}
	if err := CloseListener(fd); err != nil {
		t.Fatal(err)
	}
	if got := worker.line(t); got != "EINVAL" {
		t.Errorf("the worker's accept ends with %q", got)
	}
	if _, err := net.Dial("tcp", bound); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a new connection: %v, want refused", err)
	}
	// The port is free although the worker still holds the socket.
	again, _, err := ListenTCP("tcp", bound, 16)
	if err != nil {
		t.Fatal(err)
	}
	_ = CloseFD(again)
}

func TestCloseListenerResetsTheQueueOfTCP(t *testing.T) {
	fd, bound, err := ListenTCP("tcp", "127.0.0.1:0", 16)
	if err != nil {
		t.Fatal(err)
	}
	holder := startChild(t, "holder", fd)
	if got := holder.line(t); got != "holding" {
		t.Fatalf("the holder says %q", got)
	}
	c, err := net.Dial("tcp", bound)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := CloseListener(fd); err != nil {
		t.Fatal(err)
	}
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the queued connection: %v, want reset", err)
	}
}

func TestCloseListenerKeepsTheQueueOfUnix(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	fd, _, err := ListenUnix(path, 16)
	if err != nil {
		t.Fatal(err)
	}
	other, err := DupCloexec(fd)
	if err != nil {
		t.Fatal(err)
	}
	closeAfter(t, other)
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := CloseListener(fd); err != nil {
		t.Fatal(err)
	}
	if _, err := net.Dial("unix", path); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a new connection: %v, want refused", err)
	}
	// The other holder still gets the one that was queued, and then nothing, without an error.
	s, _, err := syscall.Accept4(other, syscall.SOCK_CLOEXEC)
	if err != nil {
		t.Fatalf("the queued connection: %v", err)
	}
	_ = CloseFD(s)
	if _, _, err := syscall.Accept4(other, syscall.SOCK_CLOEXEC); !errors.Is(err, syscall.EAGAIN) {
		t.Errorf("after the queue: %v, want EAGAIN", err)
	}
	if ready, err := Readable(other); !ready || err != nil {
		t.Errorf("readable is %v, %v: the comment at CloseListener is wrong", ready, err)
	}
}

func TestCloseListenerOfSomethingElse(t *testing.T) {
	if err := CloseListener(-1); !errors.Is(err, syscall.EBADF) {
		t.Errorf("got %v, want EBADF", err)
	}
}

func TestQueueDepthAndRelisten(t *testing.T) {
	fd, bound, err := ListenTCP("tcp", "127.0.0.1:0", 7)
	if err != nil {
		t.Fatal(err)
	}
	closeAfter(t, fd)
	want := func(depth, limit int) {
		t.Helper()
		d, l, err := QueueDepth(fd)
		if err != nil || d != depth || l != limit {
			t.Errorf("queue is %d of %d, %v; want %d of %d", d, l, err, depth, limit)
		}
	}
	want(0, 7)
	if ready, err := Readable(fd); ready || err != nil {
		t.Errorf("an empty queue is readable (%v)", err)
	}
	for range 3 {
		c, err := net.Dial("tcp", bound)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
	}
	want(3, 7)
	if ready, err := Readable(fd); !ready || err != nil {
		t.Errorf("a queue of three is not readable (%v)", err)
	}
	if err := Relisten(fd, 11); err != nil {
		t.Fatal(err)
	}
	want(3, 11)
}

func TestQueueDepthOfSomethingElse(t *testing.T) {
	unix, _, err := ListenUnix(filepath.Join(t.TempDir(), "s"), 16)
	if err != nil {
		t.Fatal(err)
	}
	closeAfter(t, unix)
	if _, _, err := QueueDepth(unix); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a Unix socket: %v, want ErrUnsupported", err)
	}
	client, _ := tcpPair(t)
	if err := WithFD(client, func(fd int) error {
		_, _, err := QueueDepth(fd)
		return err
	}); err == nil {
		t.Error("a connection has a queue depth")
	}
}

func TestListenOverflowsRise(t *testing.T) {
	before, err := ListenOverflows()
	if err != nil {
		t.Fatal(err)
	}
	fd, bound, err := ListenTCP("tcp", "127.0.0.1:0", 1)
	if err != nil {
		t.Fatal(err)
	}
	closeAfter(t, fd)
	// A limit of 1 holds two; handshakes beyond are dropped and repeated by the client.
	dialer := net.Dialer{Timeout: 50 * time.Millisecond}
	for range 6 {
		if c, err := dialer.Dial("tcp", bound); err == nil {
			defer func() { _ = c.Close() }()
		}
	}
	depth, limit, err := QueueDepth(fd)
	if err != nil || depth != limit+1 {
		t.Errorf("queue is %d of %d, %v; want one over", depth, limit, err)
	}
	after, err := ListenOverflows()
	if err != nil || after <= before {
		t.Errorf("the counter went from %d to %d, %v", before, after, err)
	}
}
