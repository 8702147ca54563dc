package supervisor

import (
	"errors"
	"net"
	"os"
	"testing"

	"github.com/webchasor/webchasor/internal/sys"
)

func TestEstateCarriesSocketsThatStillListen(t *testing.T) {
	fd, bound, err := sys.ListenTCP("tcp", "127.0.0.1:0", 16)
	if err != nil {
		t.Fatal(err)
	}
	to, from, err := sys.ControlPair()
	if err != nil {
		t.Fatal(err)
	}
	baton := os.NewFile(uintptr(from), estateName)
	defer baton.Close()

	left := socket{Network: "tcp", Spec: "127.0.0.1:0", Address: bound}
	if err := bequeath(to, []legacy{{heirloom{Socket: &left}, fd}}); err != nil {
		t.Fatal(err)
	}
	// The old master is gone before the new one reads: nothing may be lost.
	_, _ = sys.CloseFD(to), sys.CloseFD(fd)

	e, err := receiveEstate(baton)
	if err != nil {
		t.Fatal(err)
	}
	s, ok := e.take("127.0.0.1:0")
	if !ok || s.Address != bound {
		t.Fatalf("inherited %+v, %v; want the socket on %s", s, ok, bound)
	}
	defer func() { _ = sys.CloseFD(s.FDs[0]) }()
	if _, again := e.take("127.0.0.1:0"); again {
		t.Error("the same socket was inherited twice")
	}
	c, err := net.Dial("tcp", bound)
	if err != nil {
		t.Fatalf("the inherited socket does not listen: %v", err)
	}
	c.Close()
}

func TestEstateWithoutContentIsAnError(t *testing.T) {
	to, from, err := sys.ControlPair()
	if err != nil {
		t.Fatal(err)
	}
	_ = sys.CloseFD(to)
	baton := os.NewFile(uintptr(from), estateName)
	defer baton.Close()
	if _, err := receiveEstate(baton); err == nil {
		t.Error("an empty estate was accepted")
	}
}

func TestFailedUpgradeTakesItsSocketsBack(t *testing.T) {
	to, from, err := sys.ControlPair()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(sys.SetNonblock(from), sys.SetNonblock(to)); err != nil {
		t.Fatal(err)
	}
	b := baton{to: to, from: os.NewFile(uintptr(from), estateName)}
	defer func() { _ = sys.CloseFD(to); b.from.Close() }()
	if err := b.takeBack(); err != nil {
		t.Fatalf("nothing was left: %v", err)
	}
	sock, workers := listening(t, "127.0.0.1:0")
	if err := bequeath(b.to, []legacy{{heirloom{Socket: &sock}, sock.FDs[0]}}); err != nil {
		t.Fatal(err)
	}
	// While the message waits it is a holder of the socket like any other.
	_ = sys.CloseFD(sock.FDs[0])
	if err := b.takeBack(); err != nil {
		t.Fatal(err)
	}
	_ = sys.CloseFD(workers)
	if answers(sock) {
		t.Error("the hand-over still holds the listening socket")
	}
}
