package supervisor

import (
	"errors"
	"os"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/logs"
	"github.com/webchasor/webchasor/internal/sys"
)

// logFiles are log files that are open for workers which run as another user.
// They get descriptors and open nothing: the files stay the master's user's, in
// directories that the workers may not even enter. One that is open once stays so
// when its disk is full or read-only, and workers can still be started.
type logFiles map[string]*os.File // by path

// get returns the open file at path.
func (l logFiles) get(path string) (*os.File, error) {
	if f := l[path]; f != nil {
		return f, nil
	}
	f, err := logs.OpenFile(path)
	if err != nil {
		return nil, err
	}
	l[path] = f
	return f, nil
}

// renew opens everything anew that is in use and closes the rest. What cannot be
// opened stays as it was.
func (l logFiles) renew(s *config.Settings) (err error) {
	for path, old := range l {
		if path == s.LogFile || path == s.AccessLog {
			fresh, failed := logs.OpenFile(path)
			if failed != nil {
				err = errors.Join(err, failed)
				continue
			}
			l[path] = fresh
		} else {
			delete(l, path)
		}
		_ = old.Close()
	}
	return err
}

// filesFor names the log files that a worker is given, with their descriptors: f
// gets them, and they stay ours. There are none while workers are the same user as we are.
func (m *master) filesFor(s *config.Settings, f func(names []handoff.File, fds ...int) error) error {
	if m.identity == nil {
		return f(nil)
	}
	var names []handoff.File
	var open []*os.File
	for _, want := range []struct {
		name handoff.File
		path string
	}{{handoff.FileLog, s.LogFile}, {handoff.FileAccess, s.AccessLog}} {
		if want.path == "" || want.path == "-" {
			continue
		}
		file, err := m.logFiles.get(want.path)
		if err != nil {
			return err
		}
		names, open = append(names, want.name), append(open, file)
	}
	return withFDs(open, nil, func(fds []int) error { return f(names, fds...) })
}

// withFDs calls f while all the files' descriptors are held.
func withFDs(open []*os.File, fds []int, f func([]int) error) error {
	if len(open) == 0 {
		return f(fds)
	}
	return sys.WithFD(open[0], func(fd int) error { return withFDs(open[1:], append(fds, fd), f) })
}

// reopen moves the master and every worker to new log files.
func (m *master) reopen() {
	if err := m.sink.Reopen(); err != nil {
		m.log.Error("cannot reopen the log; writing to the old file", zap.Error(err))
	}
	if err := m.logFiles.renew(&m.current.Settings); err != nil {
		m.log.Error("cannot reopen a log file; workers write to the old one", zap.Error(err))
	}
	for _, c := range m.children {
		err := m.filesFor(m.settingsOf(c.generation), func(names []handoff.File, fds ...int) error {
			return c.sendWith(handoff.Order{Kind: handoff.OrderReopen, Files: names}, fds...)
		})
		if err != nil {
			m.log.Warn("cannot tell worker to reopen its logs", c.fields(zap.Error(err))...)
		}
	}
}
