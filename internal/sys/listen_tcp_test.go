package sys

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
)

// adopt makes a net.Listener of a raw one, as a worker does.
func adopt(t *testing.T, fd int) net.Listener {
	t.Helper()
	dup, err := DupCloexec(fd)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(dup), "listener")
	defer func() { _ = f.Close() }()
	ln, err := net.FileListener(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return ln
}

// exchange proves that a connection to address arrives at ln.
func exchange(t *testing.T, ln net.Listener, network, address string) {
	t.Helper()
	c, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	s, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Write([]byte("hi"))
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(c); err != nil || string(got) != "hi" {
		t.Fatalf("got %q, %v", got, err)
	}
}

func TestListenTCP(t *testing.T) {
	cases := []struct {
		network, address string
		bound            string   // without the port
		reach            []string // hosts that must answer
		refuse           []string
	}{
		{"tcp", "127.0.0.1:0", "127.0.0.1", []string{"127.0.0.1"}, []string{"127.0.0.2", "::1"}},
		{"tcp", "localhost:0", "127.0.0.1", []string{"127.0.0.1"}, nil},
		{"tcp", ":0", "::", []string{"127.0.0.1", "::1"}, nil},
		{"tcp", "[::]:0", "::", []string{"127.0.0.1", "::1"}, nil},
		{"tcp", "0.0.0.0:0", "0.0.0.0", []string{"127.0.0.1"}, []string{"::1"}},
		{"tcp4", ":0", "0.0.0.0", []string{"127.0.0.1"}, []string{"::1"}},
		{"tcp6", ":0", "::", []string{"::1"}, []string{"127.0.0.1"}},
		{"tcp", "[::1]:0", "::1", []string{"::1"}, []string{"127.0.0.1"}},
	}
	for _, c := range cases {
		t.Run(c.network+" "+c.address, func(t *testing.T) {
			if !haveIPv6() && (strings.Contains(c.bound, ":") || c.network == "tcp6") {
				t.Skip("no IPv6 here")
			}
			fd, bound, err := ListenTCP(c.network, c.address, 16)
			if err != nil {
				t.Fatal(err)
			}
			closeAfter(t, fd)
			host, port, err := net.SplitHostPort(bound)
			if err != nil || host != c.bound || port == "0" {
				t.Fatalf("bound is %q, want %s and a port", bound, c.bound)
			}
			ln := adopt(t, fd)
			for _, h := range c.reach {
				exchange(t, ln, "tcp", net.JoinHostPort(h, port))
			}
			for _, h := range c.refuse {
				if c, err := net.Dial("tcp", net.JoinHostPort(h, port)); err == nil {
					_ = c.Close()
					t.Errorf("%s answers too", h)
				}
			}
		})
	}
}

func haveIPv6() bool {
	ln, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		return false
	}
	_ = ln.Close()
	return true
}

func TestListenTCPRefusesTakenAndBadAddresses(t *testing.T) {
	fd, bound, err := ListenTCP("tcp", "127.0.0.1:0", 16)
	if err != nil {
		t.Fatal(err)
	}
	closeAfter(t, fd)
	if _, _, err := ListenTCP("tcp", bound, 16); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("second listener: %v, want EADDRINUSE", err)
	} else if !strings.Contains(err.Error(), bound) {
		t.Errorf("the error does not name the address: %v", err)
	}
	for _, bad := range []string{"", "127.0.0.1", "127.0.0.1:99999", "127.0.0.1:-1", "[::1:80", "no such host:80", "192.0.2.1:0"} {
		if fd, _, err := ListenTCP("tcp", bad, 16); err == nil {
			_ = CloseFD(fd)
			t.Errorf("%q is accepted", bad)
		}
	}
	if _, _, err := ListenTCP("tcp4", "[::1]:0", 16); err == nil {
		t.Error("tcp4 accepts an IPv6 address")
	}
}

// The old server's closed connections must not block a restart.
func TestListenTCPWhileOldConnectionsLinger(t *testing.T) {
	fd, bound, err := ListenTCP("tcp", "127.0.0.1:0", 16)
	if err != nil {
		t.Fatal(err)
	}
	ln := adopt(t, fd)
	exchange(t, ln, "tcp", bound) // the server closes first: TIME_WAIT on its side
	_ = ln.Close()
	_ = CloseFD(fd)
	fd, _, err = ListenTCP("tcp", bound, 16)
	if err != nil {
		t.Fatal(err)
	}
	_ = CloseFD(fd)
}
