// Package redistest runs a real redis-server for a test, on a unix socket in a
// directory of its own: no port can be taken by somebody else.
package redistest

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/webchasor/webchasor/internal/redis"
)

// T is what is needed of a testing.T.
type T interface {
	Helper()
	Cleanup(fn func())
	Skip(args ...any)
	Fatalf(format string, args ...any)
}

// patience is for a machine that is busy; a passing test never waits it out.
const patience = 30 * time.Second

// Server is a redis-server that belongs to one test.
type Server struct {
	URL string // for [redis.Open]

	t      T
	dir    string
	socket string
	cmd    *exec.Cmd
	exited chan struct{}
}

// Start runs a server until the test ends. It skips the test where no
// redis-server is installed.
func Start(t T) *Server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server is not installed: apt-get install redis-server runs this test")
	}
	// Not the test's own directory: its name is too long for a socket.
	dir, err := os.MkdirTemp("", "redis")
	if err != nil {
		t.Fatalf("cannot make a directory: %v", err)
	}
	s := &Server{t: t, dir: dir, socket: filepath.Join(dir, "s")}
	s.URL = "unix://" + s.socket
	t.Cleanup(func() {
		s.Stop()
		_ = os.RemoveAll(dir)
	})
	s.Restart()
	return s
}

// Restart starts a server that was stopped, without its data, and returns when it answers.
func (s *Server) Restart() {
	s.t.Helper()
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		s.t.Fatalf("cannot make redis-server's log: %v", err)
	}
	defer log.Close()
	s.cmd = exec.Command("redis-server", "--port", "0", "--unixsocket", s.socket, "--dir", s.dir, "--save", "", "--appendonly", "no")
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatalf("cannot start redis-server: %v", err)
	}
	exited := make(chan struct{})
	s.exited = exited
	go func(cmd *exec.Cmd) {
		_ = cmd.Wait() // how it ended is in its log
		close(exited)
	}(s.cmd)
	if err := s.answers(); err != nil {
		text, _ := os.ReadFile(log.Name())
		s.t.Fatalf("redis-server does not answer: %v\n%s", err, text)
	}
}

func (s *Server) answers() error {
	client, err := redis.Open(s.URL, time.Second)
	if err != nil {
		return err
	}
	defer client.Close()
	deadline := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if err = client.Ping(context.Background()).Err(); err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-s.exited:
			return errors.New("it has exited")
		case <-deadline:
			return err
		}
	}
}

// Stop kills the server, as its machine's end would.
func (s *Server) Stop() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Signal(syscall.SIGCONT)
	_ = s.cmd.Process.Kill()
	<-s.exited
	s.cmd = nil
}

// Freeze stops the server from answering, Thaw lets it go on.
func (s *Server) Freeze() { s.signal(syscall.SIGSTOP) }

// Thaw is the end of Freeze.
func (s *Server) Thaw() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig syscall.Signal) {
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatalf("cannot signal redis-server: %v", err)
	}
}
