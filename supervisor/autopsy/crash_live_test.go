package autopsy

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// crashEnv turns the test binary into a worker that dies as its value says.
const crashEnv = "AUTOPSY_TEST_CRASH"

func TestMain(m *testing.M) {
	if how := os.Getenv(crashEnv); how != "" {
		crashNow(how)
	}
	os.Exit(m.Run())
}

func crashNow(how string) {
	f := os.NewFile(3, "crash")
	if err := debug.SetCrashOutput(f, debug.CrashOptions{}); err != nil {
		os.Exit(99)
	}
	debug.SetTraceback("all")
	block := make(chan int)
	for range 10 {
		go func() { <-block }()
	}
	switch how {
	case "panic":
		panic("boom")
	case "nil":
		var p *int
		*p = 1 //nolint:govet // the point of it
	case "fatal":
		new(sync.Mutex).Unlock()
	case "exit":
		os.Exit(7)
	}
	_, _ = os.Stdout.WriteString("up\n")
	_, _ = io.Copy(io.Discard, os.Stdin)
	select {}
}

// The recorded tracebacks are Go 1.26's; this asks the Go at hand.
func TestRealCrashes(t *testing.T) {
	for _, tt := range []struct {
		how      string
		signal   syscall.Signal
		cause    Cause
		sentence string
		stacks   bool
	}{
		{"panic", 0, CausePanic, "panic: boom", true},
		{"nil", 0, CausePanic, "nil pointer", true},
		{"fatal", 0, CausePanic, "fatal error: sync: unlock of unlocked mutex", true},
		{"exit", 0, CauseExit, "exit status 7", false},
		{"wait", syscall.SIGKILL, CauseOutside, "SIGKILL", false},
		{"wait", syscall.SIGABRT, CauseOutside, "SIGABRT from outside", true},
		{"wait", syscall.SIGSEGV, CauseOutside, "SIGSEGV from outside", true},
	} {
		t.Run(tt.how+" "+tt.signal.String(), func(t *testing.T) {
			out, err := os.Create(filepath.Join(t.TempDir(), "crash"))
			if err != nil {
				t.Fatal(err)
			}
			defer out.Close()
			var stderr bytes.Buffer
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), crashEnv+"="+tt.how)
			cmd.ExtraFiles, cmd.Stderr = []*os.File{out}, &stderr
			in, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			defer in.Close()
			up, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if tt.signal != 0 {
				if _, err := io.ReadFull(up, make([]byte, len("up\n"))); err != nil {
					t.Errorf("it never got up: %v", err)
				}
				if err := cmd.Process.Signal(tt.signal); err != nil {
					t.Error(err)
				}
			}
			if exit := (*exec.ExitError)(nil); !errors.As(cmd.Wait(), &exit) {
				t.Fatal("it ended well")
			}
			text, err := os.ReadFile(out.Name())
			if err != nil {
				t.Fatal(err)
			}
			ws := cmd.ProcessState.Sys().(syscall.WaitStatus)
			e := Evidence{Code: ws.ExitStatus(), Ready: true, Crash: string(text), Stderr: strings.Split(stderr.String(), "\n")}
			if ws.Signaled() {
				e.Signal = SignalName(ws.Signal())
			}
			if v := Classify(e); v.Cause != tt.cause || !strings.Contains(v.Sentence, tt.sentence) {
				t.Errorf("got %s, %q\nstderr:\n%s", v.Cause, v.Sentence, stderr.String())
			}
			// Some of the ten may not have run yet, so they can be in two states.
			folded, stacks := 0, 0
			for _, s := range Group(e.Crash).Stacks {
				if strings.Contains(strings.Join(s.Frames, " "), "crashNow.func1") {
					folded, stacks = folded+s.Count, stacks+1
				}
			}
			if tt.stacks && (folded != 10 || stacks > 3) || !tt.stacks && folded != 0 {
				t.Errorf("%d goroutines folded into %d stacks\n%s", folded, stacks, text)
			}
		})
	}
}
