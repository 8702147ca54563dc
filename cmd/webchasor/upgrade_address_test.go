package main

import (
	"net"
	"os"
	"testing"

	"github.com/webchasor/webchasor/internal/testproc"
)

// TestUpgradeWithAnotherSpelling changes who may connect to a unix socket, which
// is part of how its address is written, and accept: the upgrade keeps both
// sockets, applies the access and says that accept needs a restart.
func TestUpgradeWithAnotherSpelling(t *testing.T) {
	t.Parallel()
	config := func(access, accept string) string {
		return "server:\n  bind: \"127.0.0.1:0,unix:s" + access + "\"\n  accept: " + accept + "\n"
	}
	p := startUpgradable(t, testproc.Options{Config: config("", "sharded"), Env: []string{"BIND"}})
	addr := p.Up()
	p.WriteFile("webchasor.yaml", config("?mode=0600", "shared"))
	mark := p.Log.Mark()
	master := upgrade(t, p, p.PID())
	inherited := p.Log.Lines(mark, func(l testproc.Line) bool {
		yes, _ := l.Fields["inherited"].(bool)
		return yes && l.Msg() == testproc.MsgListening
	})
	if len(inherited) != 2 {
		t.Errorf("%d sockets were taken over, want 2", len(inherited))
	}
	wantLine(t, p, mark, testproc.Both(testproc.Level("warn"), testproc.Text("accept stays as it is", addr, "restart")), "accept needs a restart")
	info, err := os.Stat(p.Path("s"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket's mode: %v, %v", info, err)
	}
	testproc.Get(t, addr, "/pid")
	conn, err := net.Dial("unix", p.Path("s"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	stopOrphan(t, p, master)
}
