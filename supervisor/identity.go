package supervisor

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/identity"
	"github.com/webchasor/webchasor/internal/machine"
	"github.com/webchasor/webchasor/internal/sys"
)

// becomeReady is what must be done before the first file or socket is made: the
// umask is in force, and it is known as whom the workers run.
func (m *master) becomeReady(s *config.Settings) (err error) {
	if s.Privileges.Umask != "" {
		mask, err := strconv.ParseUint(s.Privileges.Umask, 8, 16)
		if err != nil {
			return fmt.Errorf("cannot use umask %s: %w", s.Privileges.Umask, err)
		}
		syscall.Umask(int(mask))
	}
	m.identity, err = identity.Resolve(s.Privileges.User, s.Privileges.Group)
	return err
}

// widen raises the limit of open files to what the workers need, if we may;
// where that is not enough the warnings of the start say so.
func (m *master) widen() {
	need := machine.FilesNeeded(m.current.Settings.WorkerConnections)
	if raised, err := sys.RaiseFileLimit(need); err != nil {
		m.log.Debug("cannot raise the limit of open files", zap.Uint64("needed", need), zap.Error(err))
	} else if raised {
		m.log.Info("raised the limit of open files (RLIMIT_NOFILE)", zap.Uint64("to", need))
	}
}

// launch runs f, which starts a worker, on a thread whose children have what
// the settings ask for.
func (m *master) launch(s *config.Settings, f func() error) (err error) {
	if !s.Privileges.NoNewPrivs {
		return f()
	}
	if m.launcher == nil {
		l, err := sys.NewLauncher()
		if err != nil {
			return err
		}
		m.launcher = l
	}
	m.launcher.Do(func() { err = f() })
	return err
}

// cannotExecute says what an operator can do about an image that does not start.
func (m *master) cannotExecute(err error) error {
	err = fmt.Errorf("cannot execute %s: %w", os.Args[0], err)
	switch {
	case m.identity == nil && errors.Is(err, syscall.EAGAIN):
		return fmt.Errorf("%w; the limit of processes (RLIMIT_NPROC, or pids.max of the cgroup) is reached", err)
	case m.identity == nil:
		return err
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%w; user %s must be allowed to read and execute that file", err, m.identity.Name)
	case errors.Is(err, syscall.EAGAIN):
		return fmt.Errorf("%w; user %s has as many processes as its limit (RLIMIT_NPROC) allows", err, m.identity.Name)
	case errors.Is(err, syscall.EPERM):
		return fmt.Errorf("%w; becoming user %s needs CAP_SETUID and CAP_SETGID", err, m.identity.Name)
	}
	return err
}
