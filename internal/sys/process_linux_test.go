package sys

import (
	"os"
	"os/exec"
	"testing"
)

func TestProcessStartNamesOneProcess(t *testing.T) {
	t.Parallel()
	mine, ok := ProcessStart(os.Getpid())
	if again, _ := ProcessStart(os.Getpid()); !ok || mine == 0 || again != mine {
		t.Errorf("this process: %d, then %d, %v", mine, again, ok)
	}
	cmd := exec.Command("/bin/sh", "-c", "read line")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	child, ok := ProcessStart(cmd.Process.Pid)
	if !ok || child < mine {
		t.Errorf("the child began at %d, %v, before its parent at %d", child, ok, mine)
	}
	// A zombie is no process any more: waiting for the pipe's end leaves one.
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	fd, err := PidfdOpen(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	if err := PidfdWait(fd); err != nil {
		t.Fatal(err)
	}
	if _, ok := ProcessStart(cmd.Process.Pid); ok {
		t.Error("a zombie counts as a process")
	}
	_, _ = in.Close(), cmd.Wait()
	if _, ok := ProcessStart(cmd.Process.Pid); ok {
		t.Error("a process that is gone counts")
	}
}
