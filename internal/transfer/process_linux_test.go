package transfer

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/sys"
)

// The test binary plays the other process: roleEnv names what it does.
const roleEnv = "TRANSFER_TEST_ROLE"

func TestMain(m *testing.M) {
	role, known := map[string]func() error{"short": shortReceiver, "crowded": crowdedSender}[os.Getenv(roleEnv)]
	if !known {
		os.Exit(m.Run())
	}
	if err := role(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// play starts the test binary in a role, as uid if that is not 0.
func play(t *testing.T, role string, uid uint32, files ...*os.File) (says *bufio.Reader, in io.WriteCloser) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe") // its folder may be closed to the other user
	cmd.Env = append(os.Environ(), roleEnv+"="+role)
	cmd.ExtraFiles, cmd.Stderr = files, os.Stderr
	if uid != 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err = cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return bufio.NewReader(out), in
}

// limitFiles leaves this process room for so many more descriptors.
func limitFiles(more int) error {
	open, err := sys.OpenFiles()
	if err != nil {
		return err
	}
	limit := syscall.Rlimit{Cur: uint64(open + more), Max: uint64(open + more)}
	return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
}

// shortReceiver promises more than it has descriptors for.
func shortReceiver() error {
	r, err := NewReceiver(3)
	if err != nil {
		return err
	}
	if err := r.Grant(20); err != nil {
		return err
	}
	if err := limitFiles(5); err != nil {
		return err
	}
	b, err := r.Receive(time.Time{})
	if err != nil {
		return err
	}
	if err := r.Take(len(b.FDs), 0); err != nil {
		return err
	}
	fmt.Println(len(b.FDs))
	_, _ = io.Copy(io.Discard, os.Stdin) // holds them
	return nil
}

// A receiver at its limit says how many came; the others stay whole at the sender.
func TestReceiverAtItsLimit(t *testing.T) {
	a, b, err := sys.ControlPair()
	if err != nil {
		t.Fatal(err)
	}
	end := os.NewFile(uintptr(b), "receiver's end")
	says, _ := play(t, "short", 0, end)
	_ = end.Close()
	changed := make(chan struct{}, 16)
	s, err := NewSender(a, func() { changed <- struct{}{} })
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	within(t, "credits", func() bool { return s.Credits() == 20 })
	fds, clients, records := conns(t, 20)
	if err := s.Offer(fds, records); err != nil {
		t.Fatal(err)
	}
	n, err := s.Taken()
	if err != nil {
		t.Fatal(err)
	}
	line, err := says.ReadString('\n')
	if got, _ := strconv.Atoi(strings.TrimSpace(line)); err != nil || got != n || n == 0 || n >= 20 {
		t.Fatalf("taken %d, the receiver says %q, %v", n, line, err)
	}
	t.Logf("%d of 20 arrived", n)
	closeAll(fds[:n])
	for i := n; i < len(fds); i++ {
		reaches(t, fds[i], clients[i])
	}
	for _, c := range clients[:n] {
		_ = c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a taken connection: %v", err)
		}
	}
}

// crowdedSender fills what the user may have in flight, and then transfers.
func crowdedSender() error {
	limit := syscall.Rlimit{Cur: 1024, Max: 1024}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	side, far, err := sys.ControlPair()
	if err != nil {
		return err
	}
	ch, err := sys.NewChannel(side)
	if err != nil {
		return err
	}
	many := make([]int, sys.MaxFDs)
	for i := range many {
		many[i] = far
	}
	messages := 0
	for err = nil; err == nil; messages++ {
		err = ch.TrySendFDs([]byte("x"), many...)
	}
	if !sys.TooManyInFlight(err) {
		return fmt.Errorf("after %d messages: %w", messages, err)
	}
	a, b, err := sys.ControlPair()
	if err != nil {
		return err
	}
	s, err := NewSender(a, func() {})
	if err != nil {
		return err
	}
	r, err := NewReceiver(b)
	if err != nil {
		return err
	}
	if err := r.Grant(1); err != nil {
		return err
	}
	for s.Credits() == 0 {
		<-time.After(time.Millisecond)
	}
	if err := s.Offer([]int{0}, []Record{{}}); !errors.Is(err, ErrCrowded) || !s.Alive() || s.Credits() != 1 {
		return fmt.Errorf("while it is crowded: %w, alive %v, %d credits", err, s.Alive(), s.Credits())
	}
	for range messages - 1 {
		if _, fds, err := sys.RecvFDs(far); err == nil {
			closeAll(fds)
		}
	}
	if err := s.Offer([]int{0}, []Record{{}}); err != nil {
		return err
	}
	batch, err := r.Receive(time.Now().Add(patience))
	if err = errors.Join(err, r.Take(len(batch.FDs), 0)); err != nil {
		return err
	}
	if n, err := s.Taken(); n != 1 || err != nil {
		return fmt.Errorf("taken %d, %w", n, err)
	}
	fmt.Println("moved")
	return nil
}

// Too many descriptors in flight for an unprivileged user is not the receiver's end.
func TestTooManyInFlight(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can become another user, and root has no such limit")
	}
	says, _ := play(t, "crowded", 54321)
	if line, err := says.ReadString('\n'); line != "moved\n" {
		t.Fatal(line, err)
	}
}
