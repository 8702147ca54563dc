package transfer

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/sys"
)

const patience = 10 * time.Second

// pair is both ends of a transfer in this process.
func pair(t *testing.T) (*Sender, *Receiver, chan struct{}) {
	t.Helper()
	a, b, err := sys.ControlPair()
	if err != nil {
		t.Fatal(err)
	}
	changed := make(chan struct{}, 1024)
	s, err := NewSender(a, func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewReceiver(b)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(); r.Close() })
	return s, r, changed
}

// within polls for a state that nothing announces here.
func within(t *testing.T, what string, cond func() bool) {
	t.Helper()
	deadline, tick := time.After(patience), time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-deadline:
			t.Fatalf("never happened: %s", what)
		case <-tick.C:
		}
	}
}

// conns are n descriptors of unix stream connections and the clients' ends.
func conns(t *testing.T, n int) (fds []int, clients []net.Conn, records []Record) {
	t.Helper()
	for i := range n {
		a, b, err := sys.ControlPair()
		if err != nil {
			t.Fatal(err)
		}
		f := os.NewFile(uintptr(b), "client")
		c, err := net.FileConn(f)
		if err = errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		fds, clients = append(fds, a), append(clients, c)
		records = append(records, Record{Since: time.Duration(i+1) * time.Second, Spoke: i%2 == 0})
	}
	return fds, clients, records
}

// reaches says whether what is written to fd arrives at the client.
func reaches(t *testing.T, fd int, client net.Conn) {
	t.Helper()
	f := os.NewFile(uintptr(fd), "server")
	defer func() { _ = f.Close() }()
	if _, err := f.Write([]byte("!")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(client, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
}
