package worker

import (
	"os"

	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/logs"
)

// files are log files that the master has opened, because this worker runs as
// another user and may not. Who takes one sets its entry to nil: an entry says
// that the path is not for us to open.
type files map[handoff.File]*os.File

// filesOf pairs names and descriptors; one that did not arrive is left out.
func filesOf(names []handoff.File, fds []int) files {
	given := make(files, len(names))
	for i, fd := range fds {
		if i < len(names) {
			given[names[i]] = os.NewFile(uintptr(fd), string(names[i])+" file")
		}
	}
	return given
}

// sink is where lines for path go.
func (g files) sink(name handoff.File, path string, std *os.File) (*logs.Sink, error) {
	f, has := g[name]
	if !has {
		return logs.Open(path, std)
	}
	g[name] = nil
	return logs.Given(path, f, std)
}

// renewable is a log that can go on in another file.
type renewable interface {
	Reopen() error
	Replace(f *os.File) error
}

// renew moves a log to a fresh file. One that was given before waits for the
// next that is given: the master could not open it, and has said so.
func (g files) renew(name handoff.File, before files, log renewable) error {
	if f := g[name]; f != nil {
		g[name] = nil
		return log.Replace(f)
	}
	if _, was := before[name]; was {
		return nil
	}
	return log.Reopen()
}

// close closes what nobody took.
func (g files) close() {
	for _, f := range g {
		if f != nil {
			_ = f.Close()
		}
	}
}
