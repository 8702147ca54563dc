package testproc

import (
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/webchasor/webchasor/internal/handoff"
)

// Session lists the program's processes, zombies included.
func (p *Process) Session() []Proc { return session(p.PID()) }

// Alive lists the program's processes that run (or are stopped).
func (p *Process) Alive() []Proc {
	return slices.DeleteFunc(p.Session(), func(proc Proc) bool { return proc.State == 'Z' || proc.State == 'X' })
}

// WorkerPIDs lists the live worker processes by pid, as /proc shows them. A
// worker that has been created but not yet executed is not listed.
func (p *Process) WorkerPIDs() []int { return p.byRole(true) }

// MasterPIDs lists the live processes that are not workers: one master, or
// two while an upgrade is under way.
func (p *Process) MasterPIDs() []int { return p.byRole(false) }

func (p *Process) byRole(worker bool) []int {
	var pids []int
	for _, proc := range p.Alive() {
		if isWorker, known := roleOf(proc.PID); known && isWorker == worker {
			pids = append(pids, proc.PID)
		}
	}
	slices.Sort(pids)
	return pids
}

// roleOf tells what a process is. One that is exiting has given its memory back
// before /proc calls it a zombie, and one that is being executed has none yet: their
// environment is empty, or ends in the middle (proc(5)), and they are not known. All that
// the program starts has AppEnv.
func roleOf(pid int) (worker, known bool) {
	environ, again := environOf(pid), environOf(pid)
	if !slices.Equal(environ, again) {
		return false, false
	}
	role, _ := lookup(environ, handoff.RoleEnv)
	_, known = lookup(environ, AppEnv)
	return role == handoff.RoleWorker, known
}

// Signal sends a signal to the started process.
func (p *Process) Signal(sig syscall.Signal) {
	p.t.Helper()
	if p.Exited() {
		p.t.Fatalf("cannot send %v: pid %d has exited", sig, p.PID())
	}
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Fatalf("cannot send %v to pid %d: %v", sig, p.PID(), err)
	}
}

// SignalPID sends a signal to one of the program's processes, and to no other:
// a pid outside the session fails the test.
func (p *Process) SignalPID(pid int, sig syscall.Signal) {
	p.t.Helper()
	proc, err := ReadProc(pid)
	if err != nil || proc.Session != p.PID() {
		p.t.Fatalf("cannot send %v: pid %d is not one of the program's (%v)", sig, pid, err)
	}
	if err := syscall.Kill(pid, sig); err != nil {
		p.t.Fatalf("cannot send %v to pid %d: %v", sig, pid, err)
	}
}

// Freeze stops one of the program's processes with SIGSTOP, and returns when it
// stands: only the thread that gets the signal tells the others, and until the
// kernel has let it run they go on, which takes long on a loaded machine.
func (p *Process) Freeze(pid int) {
	p.t.Helper()
	p.SignalPID(pid, syscall.SIGSTOP)
	Eventually(p.t, Patience, Every, func() bool { return stands(pid) }, "every thread is stopped")
}

// SignalAll sends a signal to every process of the program, as `pkill -SIG
// name` would.
func (p *Process) SignalAll(sig syscall.Signal) {
	for _, proc := range p.Alive() {
		_ = syscall.Kill(proc.PID, sig)
	}
}

// PIDGone reports whether a pid no longer exists, not even as a zombie.
func PIDGone(pid int) bool {
	return syscall.Kill(pid, 0) == syscall.ESRCH
}

// Stop asks the program to stop with SIGTERM, and checks the exit code and
// that nothing of it is left.
func (p *Process) Stop(code int) {
	p.t.Helper()
	p.Signal(syscall.SIGTERM)
	p.ExpectExit(code)
}

// ExpectExit waits for the end of the started process, and checks its exit
// code and that nothing of it is left.
func (p *Process) ExpectExit(code int) {
	p.t.Helper()
	if got := p.WaitExit(Patience); got != code {
		p.t.Errorf("pid %d: %v, want exit code %d", p.PID(), p.cmd.ProcessState, code)
	}
	p.ExpectEmpty()
}

// ExpectEmpty waits a moment for every process of the program to be gone.
func (p *Process) ExpectEmpty() {
	p.t.Helper()
	var left []Proc
	empty := Poll(2*time.Second, Every, func() bool {
		left = p.Alive()
		return len(left) == 0
	})
	if !empty {
		p.t.Errorf("left running after the end: %s", describe(left))
	}
}

// OrphanExit waits until a descendant that had lost its parent ends, and
// returns its exit code (-1 for a signal). An upgraded master is one.
func (p *Process) OrphanExit(pid int, within time.Duration) int {
	p.t.Helper()
	var status syscall.WaitStatus
	Eventually(p.t, within, Every, func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		var ok bool
		status, ok = p.orphans[pid]
		return ok
	}, fmt.Sprintf("pid %d, which lost its parent, exits", pid))
	return status.ExitStatus()
}

// reapOrphans collects descendants that became this process's children. It
// waits only for pids of its own session, so it steals nobody's status.
// The function it returns ends it after a last look.
func (p *Process) reapOrphans() (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	child := make(chan os.Signal, 1)
	signal.Notify(child, syscall.SIGCHLD)
	reap := func() {
		for _, proc := range p.Session() {
			if proc.State != 'Z' || proc.Parent != os.Getpid() || proc.PID == p.PID() {
				continue
			}
			var status syscall.WaitStatus
			if pid, err := syscall.Wait4(proc.PID, &status, syscall.WNOHANG, nil); err == nil && pid == proc.PID {
				p.mu.Lock()
				p.orphans[pid] = status
				p.mu.Unlock()
			}
		}
	}
	go func() {
		defer close(ended)
		defer signal.Stop(child)
		for {
			select {
			case <-child:
				reap()
			case <-done:
				reap()
				return
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

func describe(procs []Proc) string {
	var b []byte
	for _, proc := range procs {
		role, _ := Environ(proc.PID, handoff.RoleEnv)
		b = fmt.Appendf(b, "pid %d (%s, state %c, parent %d, role %q) ", proc.PID, proc.Comm, proc.State, proc.Parent, role)
	}
	return string(b)
}
