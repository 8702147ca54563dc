package supervisor

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/sys"
)

// listening returns a socket and a second descriptor of it, as a worker has.
func listening(t *testing.T, spec string) (s socket, workers int) {
	t.Helper()
	s, err := listen(spec, acceptShared, 16, nil)
	if err != nil {
		t.Fatal(err)
	}
	if workers, err = sys.DupCloexec(s.FDs[0]); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sys.CloseFD(workers) })
	return s, workers
}

func answers(s socket) bool {
	network, address := s.Network, s.Address
	if network == "unix" {
		address = address[len("unix:"):]
	}
	c, err := net.Dial(network, address)
	if err == nil {
		c.Close()
	}
	return err == nil
}

func TestFailedUpgradeLeavesTheInheritedSockets(t *testing.T) {
	dir := t.TempDir()
	theirs, _ := listening(t, "unix:"+filepath.Join(dir, "theirs"))
	theirs.Inherited = true
	ours, _ := listening(t, "unix:"+filepath.Join(dir, "ours"))
	m := &master{log: zap.NewNop(), sockets: []socket{theirs, ours}}
	m.closePort()
	if !answers(theirs) {
		t.Error("the previous master's socket does not answer any more")
	}
	if answers(ours) {
		t.Error("our own socket still answers")
	}
	if _, err := os.Lstat(filepath.Join(dir, "ours")); !os.IsNotExist(err) {
		t.Errorf("our own path is left behind: %v", err)
	}
}

func TestStopEndsTheWaitForAnAddress(t *testing.T) {
	sock, _ := listening(t, "127.0.0.1:0")
	stops := make(chan os.Signal, 1)
	stops <- os.Interrupt
	m := &master{log: zap.NewNop(), signals: inbox{stops: stops}}
	if _, err := m.bind(sock.Address, acceptAuto, 16); err != errStopped {
		t.Errorf("bind of a used address ended with %v, want %v", err, errStopped)
	}
	_ = sys.CloseFD(sock.FDs[0])
}
