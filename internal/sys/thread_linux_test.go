package sys

import (
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
)

func TestParseThreadStat(t *testing.T) {
	tests := []struct {
		stat    string
		running bool
		ticks   int64
	}{
		{"7 (a) R 1 2 3 4 5 6 7 8 9 10 30 12 13", true, 42},
		{"7 (odd) name) R) S 1 2 3 4 5 6 7 8 9 10 30 12 13", false, 42},
		{"7 (a) R 1 2", false, 0},
		{"", false, 0},
	}
	for _, tt := range tests {
		if running, ticks := parseThreadStat([]byte(tt.stat)); running != tt.running || ticks != tt.ticks {
			t.Errorf("%q: %v, %d; want %v, %d", tt.stat, running, ticks, tt.running, tt.ticks)
		}
	}
}

func TestRunningThreadOfASpinningProcess(t *testing.T) {
	child := exec.Command("/bin/sh", "-c", "while :; do :; done")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = child.Process.Kill(); _ = child.Wait() })
	pid := child.Process.Pid
	// It may lose its core for a moment: any of many looks has to see it run.
	tid := 0
	for range 100_000 {
		if tid = RunningThread(pid); tid != 0 {
			break
		}
	}
	if tid != pid {
		t.Fatalf("running thread of process %d is %d", pid, tid)
	}
	if err := SignalThread(pid, tid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	state, _ := child.Process.Wait()
	if state == nil || state.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
		t.Errorf("the process ended as %v, want by SIGTERM", state)
	}
	if _, err := os.Stat("/proc/" + strconv.Itoa(pid)); err == nil {
		t.Error("the process is still there")
	}
}
