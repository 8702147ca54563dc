package sys

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

func init() {
	roles["comm"] = func() error {
		named := make(chan error)
		go func() {
			runtime.LockOSThread() // any thread but the first
			named <- SetComm("webchasor")
		}()
		if err := <-named; err != nil {
			return err
		}
		fmt.Println("named")
		_, err := io.Copy(io.Discard, os.Stdin)
		return err
	}
	// Removes its own file, as a deploy does, and starts itself again.
	roles["phoenix"] = func() error {
		exe, err := OpenSelfExe()
		if err != nil {
			return err
		}
		if err := os.Remove(os.Args[0]); err != nil {
			return err
		}
		path, err := ExecPath(exe)
		if err != nil {
			return err
		}
		// Many descriptors in an awkward order: the child's shuffle must not hit the image.
		files := []uintptr{0, 1, 2}
		for range 60 {
			files = append(files, 1, 0)
		}
		pid, err := syscall.ForkExec(path, []string{"phoenix"}, &syscall.ProcAttr{
			Env: []string{roleEnv + "=risen"}, Files: files,
		})
		if err != nil {
			return err
		}
		var status syscall.WaitStatus
		if _, err := syscall.Wait4(pid, &status, 0, nil); err != nil {
			return err
		}
		if status.ExitStatus() != 0 {
			return fmt.Errorf("the second life ended with %v", status)
		}
		return nil
	}
	roles["risen"] = func() error {
		fmt.Println("risen")
		return nil
	}
}

func TestSetCommNamesTheProcess(t *testing.T) {
	c := startChild(t, "comm")
	if got := c.line(t); got != "named" {
		t.Fatalf("the child says %q", got)
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", c.Process.Pid))
	if err != nil || string(text) != "webchasor\n" {
		t.Errorf("its name is %q, %v", text, err)
	}
}

func TestOpenSelfExe(t *testing.T) {
	fd, err := OpenSelfExe()
	if err != nil {
		t.Fatal(err)
	}
	closeAfter(t, fd)
	wantCloexec(t, fd)
	if fd < 256 {
		t.Errorf("the descriptor is %d: too low to survive the start of a child", fd)
	}
}

func TestExecAfterTheFileIsGone(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "copy")
	text, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(bin, text, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, limit := range []string{"unlimited", "300"} {
		t.Run("nofile "+limit, func(t *testing.T) {
			target := bin + limit
			if err := os.Link(bin, target); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command("sh", "-c", `ulimit -n "$LIMIT" 2>/dev/null; exec "$0"`, target)
			cmd.Env = append(os.Environ(), roleEnv+"=phoenix", "LIMIT="+limit)
			out, err := cmd.CombinedOutput()
			if err != nil || strings.TrimSpace(string(out)) != "risen" {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}
