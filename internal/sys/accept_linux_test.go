package sys

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// What package net sets on every connection, ours have from their listener; and it
// stays when another process takes them.
func TestConnHasTheOptionsOfItsListener(t *testing.T) {
	t.Parallel()
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := listenerOf(t, plain)
	client, err := net.Dial("tcp", plain.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	s := accepted.(*Conn)
	same(t, s, [len(options)]int{1, 1, 15, 15, 9})

	want := [len(options)]int{0, 1, 77, 7, 3}
	err = WithFD(s, func(fd int) error {
		for i, o := range options {
			if err := unix.SetsockoptInt(fd, o.level, o.name, want[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := TakeConn(dupOf(t, s))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	same(t, c, want)
	if got, want := c.RemoteAddr().String(), client.LocalAddr().String(); got != want {
		t.Errorf("the client is %s, want %s", got, want)
	}
}

func same(t *testing.T, c *Conn, want [len(options)]int) {
	t.Helper()
	err := WithFD(c, func(fd int) error {
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("not close-on-exec: %v", err)
		}
		for i, o := range options {
			if got, err := unix.GetsockoptInt(fd, o.level, o.name); err != nil || got != want[i] {
				t.Errorf("option %d of level %d is %d, want %d, %v", o.name, o.level, got, want[i], err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
