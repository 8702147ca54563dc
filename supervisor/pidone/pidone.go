// Package pidone is the small init process of a container: it stays PID 1, so
// that the master can be replaced by an upgrade without ending the container,
// and it reaps what is orphaned to it.
//
// The master says on a pipe which pid is the service now; the newest one said
// is followed. When the followed process ends, so does the container, with its
// exit status.
package pidone

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/webchasor/webchasor/internal/sys"
)

// Options say what to run.
type Options struct {
	Path    string   // executable
	Args    []string // argv, the program's name first
	Environ []string
	// Env names the variable that carries the announcement pipe's descriptor.
	Env string
	// Passed is how many descriptors, from 3, were passed to PID 1 for the master. It gets them
	// under the same numbers; LISTEN_PID stays as it is and names its parent.
	Passed int
	Stderr io.Writer
}

// firstFD is the first descriptor that is passed, SD_LISTEN_FDS_START of sd_listen_fds(3).
const firstFD = 3

// forwarded are the signals an operator or a container engine sends to PID 1
// and means for the master. PID 1 has no default actions in its namespace
// (pid_namespaces(7)), so what is not listed here has no effect.
var forwarded = []os.Signal{
	syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM,
	syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGTTIN, syscall.SIGTTOU, syscall.SIGWINCH,
}

// Run starts the master and follows it to its end; it returns the exit status
// for the container. It blocks. It must be called in PID 1 only: it reaps every
// child of the process, also those it did not start.
func Run(o Options) int {
	signals := make(chan os.Signal, 64)
	signal.Notify(signals, forwarded...)
	// SIGCHLD coalesces; one pending is enough, each reap takes all there are.
	children := make(chan os.Signal, 1)
	signal.Notify(children, syscall.SIGCHLD)

	news, err := newAnnouncements()
	if err != nil {
		return fail(o.Stderr, err)
	}
	pid, err := start(o, news.writer)
	if err != nil {
		return fail(o.Stderr, err)
	}
	i := initProcess{followed: pid, news: news}
	for {
		select {
		case s := <-signals:
			i.forward(s.(syscall.Signal))
		case <-children:
			if status, ended := i.reap(); ended {
				return status
			}
		}
	}
}

func fail(w io.Writer, err error) int {
	fmt.Fprintf(w, "init: %v\n", err)
	return 1
}

// start executes the master with what was passed to PID 1 and, behind it, the announcement
// pipe. PID 1 keeps no copy: a socket that the master lets go of must close.
func start(o Options, announce uintptr) (int, error) {
	files := []uintptr{0, 1, 2}
	for fd := firstFD; fd < firstFD+o.Passed; fd++ {
		if ours, err := sys.Cloexec(fd); ours || err != nil {
			return 0, fmt.Errorf("cannot pass on descriptor %d: nobody passed it; is LISTEN_FDS=%d right?", fd, o.Passed)
		}
		files = append(files, uintptr(fd))
	}
	pid, _, err := syscall.StartProcess(o.Path, o.Args, &syscall.ProcAttr{
		Env:   append(o.Environ, fmt.Sprintf("%s=%d", o.Env, len(files))),
		Files: append(files, announce),
	})
	if err != nil {
		return 0, fmt.Errorf("cannot start the master %s: %w", o.Path, err)
	}
	for _, fd := range files[firstFD:] {
		_ = syscall.Close(int(fd))
	}
	return pid, nil
}
