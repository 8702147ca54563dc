package systemd

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// manager listens where NOTIFY_SOCKET points.
func manager(t *testing.T) *net.UnixConn {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return conn
}

// next is the manager's next message and the descriptors beside it.
func next(t *testing.T, conn *net.UnixConn) (string, []int) {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	text, rights := make([]byte, 4096), make([]byte, 4096)
	n, on, _, _, err := conn.ReadMsgUnix(text, rights)
	if err != nil {
		t.Fatal(err)
	}
	var fds []int
	messages, err := syscall.ParseSocketControlMessage(rights[:on])
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range messages {
		got, err := syscall.ParseUnixRights(&m)
		if err != nil {
			t.Fatal(err)
		}
		fds = append(fds, got...)
	}
	return string(text[:n]), fds
}

func TestNotify(t *testing.T) {
	conn := manager(t)
	if err := Open(false).Notify("READY=1", "STATUS=four workers"); err != nil {
		t.Fatal(err)
	}
	if text, _ := next(t, conn); text != "READY=1\nSTATUS=four workers" {
		t.Errorf("%q", text)
	}
}

func TestStoreCarriesTheDescriptor(t *testing.T) {
	conn := manager(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := Open(false).Store("queue", int(w.Fd())); err != nil {
		t.Fatal(err)
	}
	w.Close()
	text, fds := next(t, conn)
	if text != "FDSTORE=1\nFDNAME=queue" || len(fds) != 1 {
		t.Fatalf("%q with %d descriptors", text, len(fds))
	}
	kept := os.NewFile(uintptr(fds[0]), "kept")
	if _, err := kept.WriteString("x"); err != nil {
		t.Fatal(err)
	}
	kept.Close()
	if b, err := r.Read(make([]byte, 1)); b != 1 {
		t.Fatal(err)
	}
}

func TestBarrierWaitsForTheManager(t *testing.T) {
	conn := manager(t)
	done := make(chan error, 1)
	s := Open(false)
	go func() { done <- s.Barrier(20 * time.Second) }()
	text, fds := next(t, conn)
	if text != "BARRIER=1" || len(fds) != 1 {
		t.Fatalf("%q with %d descriptors", text, len(fds))
	}
	select {
	case err := <-done:
		t.Fatalf("it did not wait: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	syscall.Close(fds[0])
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestBarrierGivesUp(t *testing.T) {
	manager(t)
	if err := Open(false).Barrier(10 * time.Millisecond); err == nil || !strings.Contains(err.Error(), "did not answer") {
		t.Fatal(err)
	}
}

func TestNobodyManages(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	s := Open(false)
	if err := s.Notify("READY=1"); err != nil {
		t.Error(err)
	}
	if err := s.Barrier(time.Second); err != nil {
		t.Error(err)
	}
	if s.Watchdog() != 0 {
		t.Error("a watchdog without a manager")
	}
}

// A master that does not read must not stop us.
func TestFullQueue(t *testing.T) {
	manager(t)
	s := Open(false)
	for range 10_000 { // net.unix.max_dgram_qlen is 10 or 512
		if s.Notify("WATCHDOG=1") != nil {
			return
		}
	}
	t.Fatal("no queue is that long")
}

func TestWatchdog(t *testing.T) {
	manager(t)
	t.Setenv("WATCHDOG_USEC", "3000000")
	for _, tt := range []struct {
		pid  string
		heir bool
		want time.Duration
	}{
		{"", false, 3 * time.Second},
		{strconv.Itoa(os.Getpid()), false, 3 * time.Second},
		{"1", false, 0},
		{"1", true, 3 * time.Second},
	} {
		t.Setenv("WATCHDOG_PID", tt.pid)
		if got := Open(tt.heir).Watchdog(); got != tt.want {
			t.Errorf("pid %q, heir %t: %v", tt.pid, tt.heir, got)
		}
	}
}

func TestListen(t *testing.T) {
	t.Setenv("LISTEN_PID", "1")
	t.Setenv("LISTEN_FDS", "2")
	t.Setenv("LISTEN_FDNAMES", "a:b")
	if got := Listen(os.Getpid()); got != nil {
		t.Errorf("another process's descriptors: %v", got)
	}
	if _, ok := os.LookupEnv("LISTEN_FDS"); ok {
		t.Error("the variable is still there for those we start")
	}
}
