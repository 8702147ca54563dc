package sys

import (
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

func TestListenerEnds(t *testing.T) {
	t.Parallel()
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := listenerOf(t, plain)
	if got, want := l.Addr().String(), plain.Addr().String(); got != want {
		t.Errorf("the address is %s, want %s", got, want)
	}
	accepted := make(chan error, 1)
	accept := func() { _, err := l.Accept(); accepted <- err }
	go accept()
	_ = l.SetDeadline(time.Unix(1, 0))
	if err := <-accepted; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a deadline ends Accept with %v", err)
	}
	_ = l.SetDeadline(time.Time{})
	go accept()
	_ = l.Close()
	if err := <-accepted; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Close ends Accept with %v", err)
	}
	if err := l.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a second Close: %v", err)
	}
	if c, err := net.Dial("tcp", plain.Addr().String()); err != nil { // the socket is still another's
		t.Error(err)
	} else {
		_ = c.Close()
	}
}

// Who shuts the socket down ends everybody's Accept, see [CloseListener].
func TestListenerIsShutDown(t *testing.T) {
	t.Parallel()
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := listenerOf(t, plain)
	if err := CloseListener(dupOf(t, plain.(syscall.Conn))); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Accept(); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("%v, want EINVAL", err)
	}
}

func TestListenerTakesNoOtherDescriptor(t *testing.T) {
	t.Parallel()
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := NewListener(dupOf(t, f)); !errors.Is(err, syscall.ENOTSOCK) {
		t.Errorf("%v, want ENOTSOCK", err)
	}
	if _, err := NewListener(-1); !errors.Is(err, syscall.EBADF) {
		t.Errorf("%v, want EBADF", err)
	}
	if _, err := TakeConn(dupOf(t, f)); !errors.Is(err, syscall.ENOTSOCK) {
		t.Errorf("%v, want ENOTSOCK", err)
	}
	if _, err := TakeConn(-1); !errors.Is(err, syscall.EBADF) {
		t.Errorf("%v, want EBADF", err)
	}
}
