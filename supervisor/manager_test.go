package supervisor

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/ledger"
	"github.com/webchasor/webchasor/internal/permits"
	"github.com/webchasor/webchasor/internal/systemd"
)

// stuck is an event whose handling does not end until somebody lets go.
type stuck struct{ entered, release chan struct{} }

func (s stuck) apply(*master) { close(s.entered); <-s.release }

// enough ends the loop.
type enough struct{}

func (enough) apply(m *master) { m.end(exitOK) }

// TestHungLoopStarvesTheWatchdog: the manager is told that the master lives by the loop itself. In
// one that hangs nobody else does it, however well the process's other goroutines are.
func TestHungLoopStarvesTheWatchdog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", "100000")
	// heard reads messages until one has the line; false when none does in time.
	heard := func(line string, within time.Duration) bool {
		t.Helper()
		if err := conn.SetReadDeadline(time.Now().Add(within)); err != nil {
			t.Fatal(err)
		}
		for text := make([]byte, 4096); ; {
			n, err := conn.Read(text)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				return false
			} else if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(text[:n]), line) {
				return true
			}
		}
	}

	m := starting()
	m.systemd, m.gone = systemd.Open(false), make(chan struct{})
	m.manager.main = true
	if m.ledger, err = ledger.Create(time.Now()); err != nil {
		t.Fatal(err)
	}
	defer m.ledger.Close()
	if m.permits.fds, m.permits.board, err = permits.Create(); err != nil {
		t.Fatal(err)
	}
	go m.loop()
	const soon = 20 * time.Second
	const ping, mark = "WATCHDOG=1", "STATUS=all before is read"
	for range 2 {
		if !heard(ping, soon) {
			t.Fatal("a loop that turns does not feed the watchdog")
		}
	}
	s := stuck{make(chan struct{}), make(chan struct{})}
	m.happenings <- s
	<-s.entered
	if err := m.systemd.Notify(mark); err != nil || !heard(mark, soon) {
		t.Fatalf("the mark is not there: %v", err)
	}
	if heard(ping, 4*sampleEvery) {
		t.Error("a loop that hangs feeds the watchdog")
	}
	close(s.release)
	if !heard(ping, soon) {
		t.Error("a loop that turns again does not feed the watchdog")
	}
	m.happenings <- enough{}
	<-m.gone
}
