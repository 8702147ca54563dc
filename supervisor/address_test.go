package supervisor

import (
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func TestAddressKey(t *testing.T) {
	for _, same := range [][2]string{
		{":8000", "[::]:8000"},
		{":8000", ":08000"},
		{"[::1]:80", "[0:0:0:0:0:0:0:1]:80"},
		{"unix:/s", "unix:/s?mode=0660&group=web"},
		{"fd://web", "fd://web"},
	} {
		if a, b := addressKey(same[0]), addressKey(same[1]); a != b || a == "" {
			t.Errorf("%s and %s are %q and %q", same[0], same[1], a, b)
		}
	}
	for _, other := range [][2]string{{":8000", "0.0.0.0:8000"}, {":8000", ":8001"}, {"127.0.0.1:80", "[::1]:80"}, {"unix:/s", "unix:/t"}} {
		if a, b := addressKey(other[0]), addressKey(other[1]); a == b {
			t.Errorf("%s and %s are both %q", other[0], other[1], a)
		}
	}
	if addressKey(":0") != "" {
		t.Error("any port is like another")
	}
}

// TestUpgradeRecognisesAnAddress has the address of an inherited socket written
// in another way: it is taken over, and who may connect changes with it.
func TestUpgradeRecognisesAnAddress(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	sock, _ := listening(t, "unix:"+path)
	e := estate{sockets: map[string]*socket{sock.Spec: &sock}}
	s, ok := e.take("unix:" + path + "?mode=0600")
	if !ok || len(e.sockets) != 0 {
		t.Fatalf("%+v was not taken", sock)
	}
	m := &master{log: zap.NewNop()}
	m.reapplyAccess(&s)
	if info, err := os.Lstat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if !answers(s) {
		t.Error("it does not listen any more")
	}
	if _, again := e.take("unix:" + path); again {
		t.Error("it was taken twice")
	}
}

func TestAcceptNeedsARestart(t *testing.T) {
	for _, c := range []struct {
		socket socket
		accept string
		warns  int
	}{
		{socket{Network: "tcp", Sharded: true}, acceptShared, 1},
		{socket{Network: "tcp"}, acceptSharded, 1},
		{socket{Network: "tcp"}, acceptShared, 0},
		{socket{Network: "tcp", Sharded: true}, acceptSharded, 0},
		{socket{Network: "tcp"}, acceptAuto, 0},
		{socket{Network: "unix"}, acceptSharded, 0},
		{socket{Network: "tcp", Lent: true}, acceptSharded, 0},
	} {
		core, seen := observer.New(zap.WarnLevel)
		(&master{log: zap.New(core)}).keepsAccept(&c.socket, c.accept)
		if seen.Len() != c.warns {
			t.Errorf("%+v with accept %s: %d warnings, want %d", c.socket, c.accept, seen.Len(), c.warns)
		}
	}
}
