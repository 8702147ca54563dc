package main

import (
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/creack/pty"

	"github.com/webchasor/webchasor/internal/testproc"
)

// terminal collects what a program writes to a terminal.
type terminal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (t *terminal) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(p)
}

func (t *terminal) shows(text string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Contains(t.text.String(), text)
}

// top in a real terminal of 80x24: it shows the workers and a request under
// way, sorts, changes panels, and leaves with q.
func TestTopInATerminal(t *testing.T) {
	t.Parallel()
	p := start(t)
	addr := p.Up()
	release := hold(t, p, addr)
	defer release()

	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "top", "--socket", socketOf(p), "--every", "200ms")
	cmd.Dir = p.Dir
	cmd.Env = []string{testproc.AppEnv + "=" + appFastHTTP, "TERM=xterm-256color", "PATH=" + os.Getenv("PATH"), "GORACE=atexit_sleep_ms=0"}
	master, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 80})
	if err != nil {
		t.Fatal(err)
	}
	screen, ended := &terminal{}, make(chan struct{})
	go func() {
		defer close(ended)
		buf := make([]byte, 4096)
		for {
			n, err := master.Read(buf)
			_, _ = screen.Write(buf[:n])
			if err != nil {
				return // EIO: the other end is closed
			}
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGKILL) // nothing, if it has ended
		_ = master.Close()
		<-ended
	})
	appears := func(what string) {
		t.Helper()
		testproc.Eventually(t, testproc.Patience, testproc.Every, func() bool { return screen.shows(what) }, "the screen shows "+what)
	}
	rows := uint16(24)
	press := func(key string) {
		t.Helper()
		if _, err := master.WriteString(key); err != nil {
			t.Fatal(err)
		}
		// Only differences are drawn, until the window changes its size.
		rows++
		if err := pty.Setsize(master, &pty.Winsize{Rows: rows, Cols: 80}); err != nil {
			t.Fatal(err)
		}
	}
	appears("workers 2 of 2 ready")
	appears("SLOT")
	appears("GET /wait")
	appears("sort (slot)")
	press("s")
	appears("busy")
	press("\t")
	appears("all 2 workers are ready")
	if _, err := master.WriteString("q"); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("top ended with %v", err)
	}
	release()
	p.Stop(0)
}
