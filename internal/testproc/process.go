package testproc

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Options says how to start the program.
type Options struct {
	// App is the value of AppEnv; it picks the application in TestMain.
	App string
	// Args are the arguments; nil is "serve".
	Args []string
	// Env is added to a small clean environment; later entries win, and
	// "KEY" without a value removes a default.
	Env []string
	// Config, if not empty, is written to webchasor.yaml in Dir and passed with -c.
	Config string
	// Dir is the working directory; "" is a fresh one.
	Dir string
	// Binary is the program; "" is the test binary.
	Binary string
	// Sys are further attributes of the process, such as namespaces.
	Sys *syscall.SysProcAttr
	// Files become the descriptors 3, 4, and so on.
	Files []*os.File
}

// Process is a running program: the process that was started and everything
// that descends from it. Its methods fail the test instead of returning errors.
type Process struct {
	// Dir is the working directory, kept as evidence when the test fails.
	Dir string
	// Log is the standard error, Out the standard output, of all processes.
	Log, Out *Log

	t    T
	cmd  *exec.Cmd
	gone chan struct{} // closed when the started process has been waited for

	mu      sync.Mutex
	orphans map[int]syscall.WaitStatus // reaped descendants that had lost their parent
}

// Start starts the program and returns at once. The test's cleanup kills what
// is left of it.
func Start(t T, o Options) *Process {
	t.Helper()
	p := &Process{t: t, Dir: o.Dir, gone: make(chan struct{}), orphans: map[int]syscall.WaitStatus{}}
	if p.Dir == "" {
		p.Dir = t.TempDir()
	}
	binary := o.Binary
	if binary == "" {
		self, err := os.Executable()
		if err != nil {
			t.Fatalf("cannot find the test binary: %v", err)
		}
		binary = self
	}
	args := o.Args
	if args == nil {
		args = []string{"serve"}
	}
	if o.Config != "" {
		p.WriteFile("webchasor.yaml", o.Config)
		args = append(append([]string{}, args...), "-c", p.Path("webchasor.yaml"))
	}
	stdout, out := p.stream("stdout.log")
	stderr, log := p.stream("stderr.log")
	p.Out, p.Log = out, log

	p.cmd = exec.Command(binary, args...)
	p.cmd.Dir = p.Dir
	p.cmd.Env = p.environment(o)
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.ExtraFiles = stdout, stderr, o.Files
	sys := syscall.SysProcAttr{}
	if o.Sys != nil {
		sys = *o.Sys
	}
	sys.Setsid = true
	p.cmd.SysProcAttr = &sys

	adoptOrphans()
	err := p.cmd.Start()
	_ = stdout.Close()
	_ = stderr.Close()
	if err != nil {
		t.Fatalf("cannot start %s: %v", binary, err)
	}
	stop := p.reapOrphans()
	go func() {
		_ = p.cmd.Wait()
		close(p.gone)
	}()
	t.Cleanup(func() {
		p.cleanup()
		stop()
	})
	return p
}

// stream opens a pipe for the program to write and starts collecting it. The
// write end is a plain file, so that exec.Cmd.Wait does not wait for workers
// that outlive the master.
func (p *Process) stream(name string) (*os.File, *Log) {
	p.t.Helper()
	keep, err := os.OpenFile(p.Path(name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		p.t.Fatalf("cannot keep the log: %v", err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		p.t.Fatalf("cannot make a pipe: %v", err)
	}
	log := collect(r, keep)
	p.t.Cleanup(func() {
		_ = r.Close()
		<-log.done
		_ = keep.Close()
	})
	return w, log
}

// environment is small and clean: what a test sees does not depend on who runs it.
func (p *Process) environment(o Options) []string {
	defaults := []string{
		AppEnv + "=" + o.App,
		"BIND=127.0.0.1:0",
		"WEB_WORKERS=2",
		"WATCH=false",
		"LOG_FORMAT=json",
		"STATE_DIRECTORY=" + p.Path("state"),
		// A report per process, in a file; and no second of sleep at each exit.
		"GORACE=atexit_sleep_ms=0 log_path=" + p.Path("race"),
	}
	for _, key := range []string{"PATH", "HOME", "TMPDIR", "GOCOVERDIR"} {
		if value, ok := os.LookupEnv(key); ok {
			defaults = append(defaults, key+"="+value)
		}
	}
	var env []string
	for _, pair := range append(defaults, o.Env...) {
		key, _, set := strings.Cut(pair, "=")
		kept := env[:0]
		for _, old := range env {
			if !strings.HasPrefix(old, key+"=") {
				kept = append(kept, old)
			}
		}
		env = kept
		if set {
			env = append(env, pair)
		}
	}
	return env
}

// Path joins names to the program's directory.
func (p *Process) Path(names ...string) string {
	return filepath.Join(append([]string{p.Dir}, names...)...)
}

// WriteFile replaces a file in the program's directory by renaming over it.
func (p *Process) WriteFile(name, text string) {
	p.t.Helper()
	temp := p.Path("." + name + ".new")
	if err := os.WriteFile(temp, []byte(text), 0o600); err != nil {
		p.t.Fatalf("cannot write %s: %v", name, err)
	}
	if err := os.Rename(temp, p.Path(name)); err != nil {
		p.t.Fatalf("cannot replace %s: %v", name, err)
	}
}

// PID is the process that Start created: the first master.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Exited reports whether the started process has ended.
func (p *Process) Exited() bool {
	select {
	case <-p.gone:
		return true
	default:
		return false
	}
}

// WaitExit waits for the started process to end and returns its status: the
// exit code, or -1 when a signal ended it. Unless descendants live on, all that
// the program wrote is in the logs then.
func (p *Process) WaitExit(within time.Duration) int {
	p.t.Helper()
	Eventually(p.t, within, Every, p.Exited, fmt.Sprintf("pid %d exits", p.PID()))
	Poll(Patience, Every, func() bool { return p.logsEnded() || len(p.Alive()) > 0 })
	return p.cmd.ProcessState.ExitCode()
}

// logsEnded reports whether both logs are complete.
func (p *Process) logsEnded() bool { return p.Log.ended() && p.Out.ended() }

// State returns the exit state of the started process; nil before it ended.
func (p *Process) State() *os.ProcessState {
	if !p.Exited() {
		return nil
	}
	return p.cmd.ProcessState
}
