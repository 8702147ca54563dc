package sys

import (
	"errors"
	"net"
	"slices"
	"syscall"
	"testing"
	"time"
)

func TestNewMembersGetNothingUntilSteered(t *testing.T) {
	first, bound := group(t, 1)
	connect(t, bound, 50)
	second, err := SlotGroupNext(first[0], 1024)
	if err != nil {
		t.Fatal(err)
	}
	closeAfter(t, second)
	connect(t, bound, 50)
	if got := queued(t, []int{first[0], second}); !slices.Equal(got, []int{100, 0}) {
		t.Errorf("queues are %v, want all in the first", got)
	}
}

func TestIndexIsTheOrderOfListen(t *testing.T) {
	fds, bound := group(t, 4)
	want := []int{0, 0, 0, 0}
	for _, i := range []int{2, 0, 3, 1} {
		steerTo(t, fds[0], uint32(i))
		connect(t, bound, 10+i)
		want[i] = 10 + i
		if got := queued(t, fds); !slices.Equal(got, want) {
			t.Fatalf("queues are %v, want %v", got, want)
		}
	}
}

func TestProgramOutlivesItsSocketAndTheLastTakesItsPlace(t *testing.T) {
	fds, bound := group(t, 3)
	steerTo(t, fds[1], 0)
	lost := connect(t, bound, 5)
	steerTo(t, fds[0], 0)
	if err := CloseFD(fds[0]); err != nil {
		t.Fatal(err)
	}
	fds[0] = -1
	connect(t, bound, 20)
	if got := queued(t, fds[1:]); !slices.Equal(got, []int{0, 20}) {
		t.Errorf("queues of the second and third are %v: the third should have index 0 now", got)
	}
	// Why a slot socket is never closed while the service lives.
	for _, c := range lost {
		if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("a connection queued in the closed socket: %v, want reset", err)
		}
	}
}

// Hashing over all members is what must not happen to parked slots.
func TestWithoutAValidIndexTheGroupHashes(t *testing.T) {
	hashed := func(what string, fds []int, bound string) {
		t.Helper()
		connect(t, bound, 200)
		for i, n := range queued(t, fds) {
			if n < 10 {
				t.Errorf("%s: member %d has %d of 200", what, i, n)
			}
		}
	}
	fds, bound := group(t, 4)
	steerTo(t, fds[0], 4)
	hashed("an index outside", fds, bound)

	fds, bound = group(t, 4)
	if err := DetachReuseport(fds[2]); err != nil {
		t.Fatal(err)
	}
	hashed("no program", fds, bound)
	if err := DetachReuseport(fds[0]); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("detaching twice: %v, want ENOENT", err)
	}
	steerTo(t, fds[0], 1)
	before := queued(t, fds)[1]
	connect(t, bound, 20)
	if got := queued(t, fds)[1]; got != before+20 {
		t.Errorf("steered again, %d of 20 arrive", got-before)
	}
}

func TestAttachRefuses(t *testing.T) {
	fds, _ := group(t, 1)
	ret := BPFInstruction{Op: syscall.BPF_RET | syscall.BPF_K}
	for _, prog := range [][]BPFInstruction{nil, make([]BPFInstruction, maxBPF+1)} {
		if err := AttachReuseportCBPF(fds[0], prog); err == nil {
			t.Errorf("a program of %d instructions is accepted", len(prog))
		}
	}
	// It must end in a return.
	if err := AttachReuseportCBPF(fds[0], []BPFInstruction{{Op: syscall.BPF_LD | syscall.BPF_IMM}}); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("a program without an end: %v, want EINVAL", err)
	}
	plain, _, err := ListenTCP("tcp", "127.0.0.1:0", 1)
	if err != nil {
		t.Fatal(err)
	}
	closeAfter(t, plain)
	if err := AttachReuseportCBPF(plain, []BPFInstruction{ret}); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("a socket in no group: %v, want EINVAL", err)
	}
}

// A client whose SYN meets openGroup's helper is late, not lost.
func TestADeafListenerDelaysAClient(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0", ":0"} {
		if !haveIPv6() && address[0] != '1' {
			continue
		}
		fds, bound := groupOn(t, "tcp", address, 2)
		_, port, _ := net.SplitHostPort(bound)
		hosts := []string{"127.0.0.1", "::1"}
		if host, _, _ := net.SplitHostPort(address); host != "" {
			hosts = []string{host}
		}
		if err := deafen(fds[1]); err != nil {
			t.Fatal(err)
		}
		for _, host := range hosts {
			delayed(t, fds, net.JoinHostPort(host, port))
		}
	}
}

// delayed connects while the deaf second member is chosen and then the first.
func delayed(t *testing.T, fds []int, address string) {
	t.Helper()
	before := queued(t, fds)
	steerTo(t, fds[0], 1)
	done := make(chan error, 1)
	go func() {
		c, err := net.DialTimeout("tcp", address, patience)
		if err == nil {
			err = c.Close()
		}
		done <- err
	}()
	// The SYN goes out at once; by its repetition after a second the helper is gone.
	select {
	case err := <-done:
		t.Fatalf("%s: the connection is not dropped: %v", address, err)
	case <-time.After(100 * time.Millisecond):
	}
	steerTo(t, fds[0], 0)
	if err := within(t, "connection", done); err != nil {
		t.Errorf("%s: the late client: %v", address, err)
	}
	if got := queued(t, fds); got[0] != before[0]+1 || got[1] != 0 {
		t.Errorf("%s: queues are %v", address, got)
	}
}

func BenchmarkAttach(b *testing.B) {
	fd, _, err := SlotGroupFirst("tcp", "127.0.0.1:0", 16)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = CloseFD(fd) }()
	prog := []BPFInstruction{{Op: syscall.BPF_RET | syscall.BPF_K}}
	for b.Loop() {
		if err := AttachReuseportCBPF(fd, prog); err != nil {
			b.Fatal(err)
		}
	}
}
