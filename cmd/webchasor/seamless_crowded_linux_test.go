package main

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/webchasor/webchasor/internal/testproc"
)

// TestACrowdedHandOff: descriptors on their way between processes count against the
// user's limit, all its processes together (ETOOMANYREFS, unix(7)), and another
// program of the workers' user has used it up. Nobody waits for that: connections are
// served where they are, move when there is room again, and are let go one
// announced answer each when there is none for long. Nothing is lost either way.
func TestACrowdedHandOff(t *testing.T) {
	t.Parallel()
	needRoot(t)
	const connections = 40
	user := 40000 + os.Getpid()%20000 // nobody else's number: the limit is shared by all of a user's processes
	name := strconv.Itoa(user)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := startWith(t, testproc.Options{
		App: appFastHTTP, Binary: "/bin/sh", Args: []string{"-c", `ulimit -n 512 && exec "$0" serve`, self},
		Env: []string{"WEB_USER=" + name, "WEB_GROUP=" + name, "WEB_WORKERS=1", "WORKER_CONNECTIONS=100", "KEEPALIVE=60", "GRACEFUL_TIMEOUT=30", raceToStderr},
	})
	clients := holdOpen(t, p.Up(), connections, 0)
	first := p.WaitWorkers(1)
	ask := func(want int, closing bool) {
		t.Helper()
		for _, c := range clients {
			if res := c.Get("/pid"); expectOK(t, res) != want || res.Closing != closing {
				t.Fatalf("worker %d answers, closing %v; want %d, %v", workerOf(res), res.Closing, want, closing)
			}
			if c.Connects > 1 {
				t.Fatal("a connection was made anew")
			}
		}
	}
	ask(first[0], false)

	free := fillTheWay(t, uintptr(user))
	mark := p.Log.Mark()
	p.Signal(syscall.SIGHUP)
	p.WaitLog(mark, func(l testproc.Line) bool {
		return strings.HasPrefix(l.Msg(), "connections cannot be handed over for the moment")
	}, "the kernel refuses")
	ask(first[0], false)
	free()
	moved := p.WaitLog(mark, testproc.Msg("connections handed over"), "the drain ends")
	if n := moved.Int("moved"); n != connections || moved.Int("failed") != 0 {
		t.Errorf("%d connections have moved: %s", n, moved.Text)
	}
	second := p.WaitReplaced(first, 1)
	ask(second[0], false)

	free = fillTheWay(t, uintptr(user))
	defer free()
	mark = p.Log.Mark()
	p.Signal(syscall.SIGHUP)
	stayed := p.WaitLog(mark, testproc.Msg("connections handed over"), "the worker gives up")
	if n := stayed.Int("moved"); n != 0 || stayed.Int("failed") != 0 {
		t.Errorf("%d connections have moved: %s", n, stayed.Text)
	}
	ask(second[0], true)
	third := p.WaitReplaced(second, 1)
	for _, c := range clients {
		if pid := expectOK(t, c.Get("/pid")); pid != third[0] {
			t.Errorf("worker %d answers, want %d", pid, third[0])
		}
	}
	wantNoLine(t, p, mark, testproc.Level("error"), "an error")
	hangUp(clients)
	p.Stop(0)
}

// fillTheWay has a user put more descriptors on their way than its workers may, until free.
func fillTheWay(t *testing.T, user uintptr) (free func()) {
	t.Helper()
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = null.Close() }()
	const messages, most = 8, 253 // SCM_MAX_FD
	fds := make([]int, most)
	for i := range fds {
		fds[i] = int(null.Fd()) // what counts is how often
	}
	asUser(t, user, func() {
		for range messages {
			if err := syscall.Sendmsg(pair[0], []byte("x"), syscall.UnixRights(fds...), nil, 0); err != nil {
				t.Errorf("cannot put descriptors on their way: %v", err)
			}
		}
	})
	return func() {
		_ = syscall.Close(pair[0])
		_ = syscall.Close(pair[1])
	}
}
