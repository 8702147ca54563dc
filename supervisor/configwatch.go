package supervisor

import (
	"fmt"
	"os"
	"slices"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/supervisor/watch"
)

// configWatch is the watcher of the configuration's files, and which they are.
type configWatch struct {
	*watch.Watcher
	paths []string
}

// changes is nil, which never fires, when nothing is watched.
func (m *master) changes() <-chan struct{} {
	if m.watcher == nil {
		return nil
	}
	return m.watcher.Changes()
}

// openWatch brings the watching in line with the configuration in force.
func (m *master) openWatch() {
	paths := watched(m.current)
	if m.watcher != nil {
		if slices.Equal(paths, m.watcher.paths) {
			return
		}
		m.watcher.Close()
		m.watcher = nil
	}
	if len(paths) == 0 {
		return
	}
	m.watcher = &configWatch{paths: paths, Watcher: watch.New(paths, watch.Options{
		// An empty configuration is an error, so it can only be half written.
		IgnoreEmpty: true,
		Baseline:    digests(m.current),
		Log:         func(warning string) { m.log.Warn(warning) },
	})}
	m.log.Info("watching the configuration", zap.Strings("files", paths))
}

// settled tells the watcher what has been read, so that an operator who edits
// the file and sends HUP gets one reload and not two.
func (m *master) settled(r *config.Resolved) {
	if m.watcher != nil {
		m.watcher.Loaded(digests(r))
	}
}

// reread reads the configuration for a reload. A file that was in force and is
// gone is a mistake: a search that finds none, or another one, would turn it
// into a silent change of everything.
func (m *master) reread() func() (*config.Resolved, error) {
	load, old := m.load, m.current
	return func() (*config.Resolved, error) {
		next, err := load()
		if err == nil {
			err = vanished(old, next)
		}
		// One that is in use may be on a disk that is full just now.
		if err == nil && next.Settings.AccessLog != old.Settings.AccessLog {
			err = tryAccessLog(&next.Settings)
		}
		return next, err
	}
}

func vanished(old, next *config.Resolved) error {
	if old.File == "" || next.File == old.File {
		return nil
	}
	if _, err := os.Stat(old.File); err == nil {
		return nil // one that is looked for earlier has been added
	}
	instead := "the defaults"
	if next.File != "" {
		instead = next.File
	}
	return fmt.Errorf("the configuration file %s is gone; write it again, or start anew to run with %s", old.File, instead)
}

func watched(r *config.Resolved) []string {
	if !r.Settings.Watch {
		return nil
	}
	var paths []string
	if r.File != "" {
		paths = append(paths, r.File)
	}
	return append(paths, r.EnvFiles...)
}

func digests(r *config.Resolved) map[string]watch.Digest {
	all := make(map[string]watch.Digest, len(r.Sums))
	for path, sum := range r.Sums {
		all[path] = watch.Digest(sum)
	}
	return all
}
