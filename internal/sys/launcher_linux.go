package sys

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// Launcher is a thread that can gain no rights by executing a program, and
// neither can what it starts (PR_SET_NO_NEW_PRIVS, prctl(2): the attribute
// belongs to the thread and is inherited across fork, clone and execve).
//
// The process's other threads stay as they are: they are never made from this
// one, because the runtime makes threads from a template where the caller is
// locked (runtime/proc.go, newm). Setting the attribute in the child instead
// would need every one of its threads (syscall.AllThreadsSyscall), which a
// program with cgo cannot do.
//
// It is one thread for the life of the process, not one for each start: where no
// process can be made, RLIMIT_NPROC, no thread can be made either, and a Go
// program ends when it cannot make one.
type Launcher struct {
	work chan func()
}

// NewLauncher starts the thread.
func NewLauncher() (*Launcher, error) {
	l := &Launcher{work: make(chan func())}
	ready := make(chan error, 1)
	go func() {
		// Never unlocked: the thread ends with the goroutine.
		runtime.LockOSThread()
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			ready <- fmt.Errorf("cannot give up new privileges: %w", err)
			return
		}
		ready <- nil
		for f := range l.work {
			f()
		}
	}()
	if err := <-ready; err != nil {
		return nil, err
	}
	return l, nil
}

// Do runs f on the thread and returns when it has ended. One goroutine calls it.
func (l *Launcher) Do(f func()) {
	done := make(chan struct{})
	l.work <- func() {
		defer close(done)
		f()
	}
	<-done
}

// Close ends the thread; there is no Do afterwards.
func (l *Launcher) Close() { close(l.work) }
