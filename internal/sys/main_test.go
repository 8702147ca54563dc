package sys

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"
)

// The test binary plays the other process: roleEnv names what it does.
const roleEnv = "SYS_TEST_ROLE"

var roles = map[string]func() error{}

func TestMain(m *testing.M) {
	role := os.Getenv(roleEnv)
	if role == "" {
		os.Exit(m.Run())
	}
	if err := roles[role](); err != nil {
		fmt.Fprintln(os.Stderr, role+":", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// patience bounds every wait for something that must happen.
const patience = 10 * time.Second

// child is another process that inherits fds as 3, 4 and on. It lives until
// its stdin is closed, if its role waits for that.
type child struct {
	*exec.Cmd
	in  io.WriteCloser
	out io.ReadCloser
}

func startChild(t *testing.T, role string, fds ...int) *child {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleEnv+"="+role)
	cmd.Stderr = os.Stderr
	for _, fd := range fds {
		dup, err := DupCloexec(fd)
		if err != nil {
			t.Fatal(err)
		}
		f := os.NewFile(uintptr(dup), "inherited")
		defer func() { _ = f.Close() }()
		cmd.ExtraFiles = append(cmd.ExtraFiles, f)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &child{cmd, in, out}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return c
}

// line reads what the child says next.
func (c *child) line(t *testing.T) string {
	t.Helper()
	type result struct {
		s   string
		err error
	}
	got := make(chan result, 1)
	go func() {
		var s string
		_, err := fmt.Fscanln(c.out, &s)
		got <- result{s, err}
	}()
	select {
	case r := <-got:
		if r.err != nil {
			t.Fatalf("child: %v", r.err)
		}
		return r.s
	case <-time.After(patience):
		t.Fatal("child says nothing")
	}
	return ""
}

func closeAfter(t *testing.T, fds ...int) {
	t.Helper()
	t.Cleanup(func() {
		for _, fd := range fds {
			_ = CloseFD(fd)
		}
	})
}

func within[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("no %s within %v", what, patience)
	}
	panic("unreachable")
}
