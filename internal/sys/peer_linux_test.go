package sys

import (
	"net"
	"os"
	"path/filepath"
	"testing"
)

func TestPeerUID(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	uid, err := PeerUID(server.(*net.UnixConn))
	if err != nil || uid != os.Getuid() {
		t.Errorf("the peer is user %d (%v), want %d", uid, err, os.Getuid())
	}
	server.Close()
	if uid, err := PeerUID(server.(*net.UnixConn)); err == nil {
		t.Errorf("a closed connection has user %d", uid)
	}
}
