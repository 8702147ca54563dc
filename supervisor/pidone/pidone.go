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
)

// Options say what to run.
type Options struct {
	Path    string   // executable
	Args    []string // argv, the program's name first
	Environ []string
	// Env names the variable that carries the announcement pipe's descriptor.
	Env    string
	Stderr io.Writer
}

// announceFD is the announcement pipe in the master.
const announceFD = 3

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

// start executes the master with the announcement pipe as descriptor 3.
func start(o Options, announce uintptr) (int, error) {
	pid, _, err := syscall.StartProcess(o.Path, o.Args, &syscall.ProcAttr{
		Env:   append(o.Environ, fmt.Sprintf("%s=%d", o.Env, announceFD)),
		Files: []uintptr{0, 1, 2, announce},
	})
	if err != nil {
		return 0, fmt.Errorf("cannot start the master %s: %w", o.Path, err)
	}
	return pid, nil
}
