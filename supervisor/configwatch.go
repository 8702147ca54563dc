package supervisor

import (
	"crypto/sha256"
	"fmt"
	"os"
	"slices"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/supervisor/watch"
)

// fileWatch is a watcher of some files, and which they are.
type fileWatch struct {
	*watch.Watcher
	paths []string
}

// changes is nil, which never fires, when nothing is watched.
func (w *fileWatch) changes() <-chan struct{} {
	if w == nil {
		return nil
	}
	return w.Changes()
}

func (w *fileWatch) end() {
	if w != nil {
		w.Close()
	}
}

// openWatch brings the watching in line with the configuration in force.
func (m *master) openWatch() {
	m.watcher = m.watchFiles(m.watcher, "watching the configuration", watched(m.current), m.current.Sums)
	m.openCertWatch()
}

// watchFiles returns a watcher of paths: old, if it is one, else a new one in
// its place, or nil for no paths. sums is the content in force.
func (m *master) watchFiles(old *fileWatch, what string, paths []string, sums map[string][sha256.Size]byte) *fileWatch {
	if old != nil && slices.Equal(paths, old.paths) {
		return old
	}
	old.end()
	if len(paths) == 0 {
		return nil
	}
	m.log.Info(what, zap.Strings("files", paths))
	return &fileWatch{paths: paths, Watcher: watch.New(paths, watch.Options{
		// An empty file is an error, so it can only be half written.
		IgnoreEmpty: true,
		Baseline:    digests(sums),
		Log:         func(warning string) { m.log.Warn(warning) },
	})}
}

// settled tells the watchers what has been read, so that an operator who edits
// a file and sends HUP gets one reload and not two.
func (m *master) settled(g generation) {
	if m.watcher != nil {
		m.watcher.Loaded(digests(g.Sums))
	}
	if m.tls.watcher != nil && g.certs != nil {
		m.tls.watcher.Loaded(digests(g.certs.Sums))
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

// vanished is the mistake that the file of old is gone. A master that takes over
// would run on something else as silently as one that reloads.
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

func digests(sums map[string][sha256.Size]byte) map[string]watch.Digest {
	all := make(map[string]watch.Digest, len(sums))
	for path, sum := range sums {
		all[path] = watch.Digest(sum)
	}
	return all
}
