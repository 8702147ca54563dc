package sys

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestListenerName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	unixFD, _, err := ListenUnix(path, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer CloseFD(unixFD)
	if network, address, err := ListenerName(unixFD); network != "unix" || address != path || err != nil {
		t.Errorf("%s %s %v", network, address, err)
	}
	tcpFD, bound, err := ListenTCP("tcp", "127.0.0.1:0", 1)
	if err != nil {
		t.Fatal(err)
	}
	if network, address, err := ListenerName(tcpFD); network != "tcp" || address != bound || err != nil {
		t.Errorf("%s %s %v", network, address, err)
	}
	if err := CloseListener(tcpFD); err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if _, _, err := ListenerName(int(r.Fd())); !errors.Is(err, ErrNotListening) {
		t.Errorf("a pipe: %v", err)
	}
}
