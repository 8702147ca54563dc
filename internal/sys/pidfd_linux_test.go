package sys

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

func TestPidfdSeesTheEndOfAProcess(t *testing.T) {
	child := exec.Command("/bin/sh", "-c", "exec sleep 60")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = child.Process.Kill(); _ = child.Wait() })

	fd, err := PidfdOpen(child.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	wait, err := DupCloexec(fd)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = CloseFD(fd) }()
	ended := make(chan error, 1)
	go func() { ended <- PidfdWait(wait) }()
	select {
	case err := <-ended:
		t.Fatalf("the process lives, but the wait ended: %v", err)
	default:
	}
	if err := PidfdSignal(fd, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	if err := PidfdSignal(fd, syscall.SIGTERM); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("signal to an ended process: %v, want os.ErrProcessDone", err)
	}
}
