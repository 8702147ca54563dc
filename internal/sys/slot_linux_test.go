package sys

import (
	"errors"
	"net"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// group makes a service of n slot sockets on a free port of 127.0.0.1.
func group(t *testing.T, n int) (fds []int, bound string) {
	t.Helper()
	return groupOn(t, "tcp", "127.0.0.1:0", n)
}

func groupOn(t *testing.T, network, address string, n int) (fds []int, bound string) {
	t.Helper()
	first, bound, err := SlotGroupFirst(network, address, 1024)
	if err != nil {
		t.Fatal(err)
	}
	closeAfter(t, first)
	fds = []int{first}
	for range n - 1 {
		fd, err := SlotGroupNext(first, 1024)
		if err != nil {
			t.Fatal(err)
		}
		closeAfter(t, fd)
		fds = append(fds, fd)
	}
	return fds, bound
}

// connect opens n connections that last as long as the test.
func connect(t *testing.T, address string, n int) []net.Conn {
	t.Helper()
	conns := make([]net.Conn, n)
	for i := range conns {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		conns[i] = c
	}
	return conns
}

// queued is how many connections wait at each socket.
func queued(t *testing.T, fds []int) []int {
	t.Helper()
	depths := make([]int, len(fds))
	for i, fd := range fds {
		depth, _, err := QueueDepth(fd)
		if err != nil {
			t.Fatal(err)
		}
		depths[i] = depth
	}
	return depths
}

// steerTo sends every connection to one index.
func steerTo(t *testing.T, fd int, index uint32) {
	t.Helper()
	if err := AttachReuseportCBPF(fd, []BPFInstruction{{Op: syscall.BPF_RET | syscall.BPF_K, K: index}}); err != nil {
		t.Fatal(err)
	}
}

func TestSlotGroupAddresses(t *testing.T) {
	cases := []struct {
		network, address string
		reach            []string
		refuse           []string
	}{
		{"tcp", "127.0.0.1:0", []string{"127.0.0.1"}, []string{"127.0.0.2", "::1"}},
		{"tcp", "0.0.0.0:0", []string{"127.0.0.1"}, []string{"::1"}},
		{"tcp", ":0", []string{"127.0.0.1", "::1"}, nil},
		{"tcp", "[::1]:0", []string{"::1"}, []string{"127.0.0.1"}},
		{"tcp6", ":0", []string{"::1"}, []string{"127.0.0.1"}},
	}
	for _, c := range cases {
		t.Run(c.network+" "+c.address, func(t *testing.T) {
			if !haveIPv6() && !strings.Contains(c.address, ".") {
				t.Skip("no IPv6 here")
			}
			fds, bound := groupOn(t, c.network, c.address, 3)
			_, port, _ := net.SplitHostPort(bound)
			for i, fd := range fds {
				wantCloexec(t, fd)
				wantNonblock(t, fd)
				if got, err := boundTCP(fd); got != bound || err != nil {
					t.Errorf("member %d is bound to %s (%v), want %s", i, got, err, bound)
				}
				// Through every member, as the program is the group's.
				steerTo(t, fd, uint32(i))
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
			}
			for _, other := range []func(string, string, int) (int, string, error){SlotGroupFirst, ListenTCP} {
				if fd, _, err := other(c.network, bound, 16); !errors.Is(err, syscall.EADDRINUSE) {
					_ = CloseFD(fd)
					t.Errorf("a second instance: %v, want EADDRINUSE", err)
				}
			}
		})
	}
}

// A wildcard and one of its addresses are the same port too.
func TestSlotGroupRefusesAnOverlappingInstance(t *testing.T) {
	_, bound := groupOn(t, "tcp", ":0", 2)
	_, port, _ := net.SplitHostPort(bound)
	for _, host := range []string{"", "0.0.0.0", "127.0.0.1", "[::]", "[::1]"} {
		if host == "[::1]" && !haveIPv6() {
			continue
		}
		if fd, _, err := SlotGroupFirst("tcp", host+":"+port, 16); !errors.Is(err, syscall.EADDRINUSE) {
			_ = CloseFD(fd)
			t.Errorf("%s: %v, want EADDRINUSE", host, err)
		}
	}
}

// The other instance has bound the port before ours listens: it must still fail.
func TestSlotGroupRefusesAnInstanceBetweenBindAndListen(t *testing.T) {
	probe, bound, err := ListenTCP("tcp", "127.0.0.1:0", 1)
	if err != nil {
		t.Fatal(err)
	}
	_ = CloseFD(probe)
	addr, err := net.ResolveTCPAddr("tcp", bound)
	if err != nil {
		t.Fatal(err)
	}
	other, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	closeAfter(t, other)
	sa := &syscall.SockaddrInet4{Port: addr.Port, Addr: [4]byte{127, 0, 0, 1}}
	if err := errors.Join(syscall.SetsockoptInt(other, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1), syscall.Bind(other, sa)); err != nil {
		t.Fatal(err)
	}
	groupOn(t, "tcp", bound, 2)
	if err := syscall.Listen(other, 1); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("the other instance listens: %v, want EADDRINUSE", err)
	}
}

func TestSlotGroupsStartingAtOnceHaveOneWinner(t *testing.T) {
	for range 300 {
		probe, bound, err := ListenTCP("tcp", "127.0.0.1:0", 1)
		if err != nil {
			t.Fatal(err)
		}
		_ = CloseFD(probe)
		const instances = 4
		var wg sync.WaitGroup
		start := make(chan struct{})
		var fds [instances]int
		var errs [instances]error
		for i := range instances {
			wg.Go(func() {
				<-start
				fds[i], _, errs[i] = SlotGroupFirst("tcp", bound, 16)
			})
		}
		close(start)
		wg.Wait()
		winners := 0
		for i, err := range errs {
			switch {
			case err == nil:
				winners++
				_ = CloseFD(fds[i])
			case !errors.Is(err, syscall.EADDRINUSE):
				t.Error(err)
			}
		}
		// None is possible: two that listen at once can each see the other.
		if winners > 1 {
			t.Fatalf("%d instances have %s", winners, bound)
		}
	}
}

func TestSlotGroupNextOfAnotherUser(t *testing.T) {
	if syscall.Getuid() != 0 {
		t.Skip("needs root to be somebody else")
	}
	fds, _ := group(t, 1)
	got := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with its odd user id
		if _, _, errno := syscall.RawSyscall(syscall.SYS_SETFSUID, 65534, 0, 0); errno != 0 {
			got <- errno
			return
		}
		fd, err := SlotGroupNext(fds[0], 16)
		_ = CloseFD(fd)
		got <- err
	}()
	if err := within(t, "answer", got); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("got %v, want EADDRINUSE", err)
	}
}

func TestSlotGroupErrors(t *testing.T) {
	if _, err := SlotGroupNext(-1, 1); !errors.Is(err, syscall.EBADF) {
		t.Errorf("beside nothing: %v, want EBADF", err)
	}
	plain, bound, err := ListenTCP("tcp", "127.0.0.1:0", 1)
	if err != nil {
		t.Fatal(err)
	}
	closeAfter(t, plain)
	if _, err := SlotGroupNext(plain, 1); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("beside an exclusive socket: %v, want EADDRINUSE", err)
	}
	if _, _, err := SlotGroupFirst("tcp", bound, 1); err == nil || !strings.Contains(err.Error(), bound) {
		t.Errorf("the error does not name the address: %v", err)
	}
}
