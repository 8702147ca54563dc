package steer

import (
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/webchasor/webchasor/internal/sys"
)

// slots makes a group of n slot sockets on a free port.
func slots(t testing.TB, n int) (fds []int, bound string) {
	t.Helper()
	first, bound, err := sys.SlotGroupFirst("tcp", "127.0.0.1:0", 4096)
	if err != nil {
		t.Fatal(err)
	}
	fds = []int{first}
	for range n - 1 {
		fd, err := sys.SlotGroupNext(first, 4096)
		if err != nil {
			t.Fatal(err)
		}
		fds = append(fds, fd)
	}
	t.Cleanup(func() {
		for _, fd := range fds {
			_ = sys.CloseFD(fd)
		}
	})
	return fds, bound
}

func steer(t testing.TB, fd int, weights []uint32) {
	t.Helper()
	prog, err := Program(weights)
	if err != nil {
		t.Fatal(err)
	}
	if err := sys.AttachReuseportCBPF(fd, prog); err != nil {
		t.Fatal(err)
	}
}

// arrivals opens n connections, empties the queues and counts each slot's part.
func arrivals(t *testing.T, fds []int, address string, n int) []int {
	t.Helper()
	for range n {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		// A reset leaves no TIME_WAIT behind, so ports do not run out.
		_ = c.(*net.TCPConn).SetLinger(0)
		defer func() { _ = c.Close() }()
	}
	counts := make([]int, len(fds))
	for i, fd := range fds {
		for {
			conn, _, err := syscall.Accept4(fd, syscall.SOCK_CLOEXEC)
			if err == syscall.EAGAIN {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			counts[i]++
			_ = sys.CloseFD(conn)
		}
	}
	return counts
}

func TestKernelHitsTheWeights(t *testing.T) {
	const n = 2000
	many := make([]uint32, 40)
	for i := range many {
		many[i] = uint32(i % 4 * 100)
	}
	for _, weights := range [][]uint32{
		{0, 100, 300, 0, 100, 500},
		{0, 0, 1},
		many,
	} {
		fds, bound := slots(t, len(weights))
		steer(t, fds[0], weights)
		var sum float64
		for _, w := range weights {
			sum += float64(w)
		}
		total := 0
		for i, got := range arrivals(t, fds, bound, n) {
			total += got
			p := float64(weights[i]) / sum
			// Five sigma: three would fail one of these 46 comparisons in every eighth run.
			if margin := 5 * math.Sqrt(n*p*(1-p)); math.Abs(float64(got)-n*p) > margin {
				t.Errorf("%d slots: slot %d has %d of %d, want %.0f +- %.0f", len(weights), i, got, n, n*p, margin)
			}
		}
		if total != n {
			t.Errorf("%d of %d connections arrived", total, n)
		}
	}
}

// From one program to the next no connection goes by the hash or by the old weights.
func TestKernelChangesBetweenTwoConnections(t *testing.T) {
	fds, bound := slots(t, 5)
	want := make([]int, len(fds))
	var conns []net.Conn
	defer func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}()
	for i := range 200 {
		to := i * 3 % len(fds)
		weights := make([]uint32, len(fds))
		weights[to] = 1
		steer(t, fds[i%len(fds)], weights)
		c, err := net.Dial("tcp", bound)
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
		want[to]++
		if got, _, err := sys.QueueDepth(fds[to]); err != nil || got != want[to] {
			t.Fatalf("change %d: slot %d has %d waiting (%v), want %d", i, to, got, err, want[to])
		}
	}
}

// The largest group that a program of the default limits can steer is far above what anyone runs.
func TestKernelTakesTheProgramOf300Slots(t *testing.T) {
	fds, _ := slots(t, 1)
	weights := make([]uint32, 300)
	for i := range weights {
		weights[i] = uint32(i)
	}
	steer(t, fds[0], weights)
}

const unprivileged = "STEER_TEST_UNPRIVILEGED"

func TestKernelUnprivileged(t *testing.T) {
	if os.Getenv(unprivileged) != "" {
		if os.Geteuid() == 0 {
			t.Fatal("still root")
		}
		caps, err := os.ReadFile("/proc/self/status")
		if err != nil || !strings.Contains(string(caps), "CapEff:\t0000000000000000") {
			t.Fatalf("not without capabilities (%v)", err)
		}
		TestKernelHitsTheWeights(t)
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("every other test here is this one")
	}
	// By /proc, because the test binary lies where only root may look.
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestKernelUnprivileged$", "-test.v")
	cmd.Dir = "/"
	cmd.Env = []string{unprivileged + "=1"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "PASS: TestKernelUnprivileged") {
		t.Fatalf("%v\n%s", err, out)
	}
}

func BenchmarkReplace(b *testing.B) {
	for _, n := range []int{8, 40} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			fds, _ := slots(b, n)
			weights := make([]uint32, n)
			for i := range weights {
				weights[i] = uint32(i + 1)
			}
			prog, err := Program(weights)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if err := sys.AttachReuseportCBPF(fds[0], prog); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
