package supervisor

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/control"
	"github.com/webchasor/webchasor/internal/logs"
	"github.com/webchasor/webchasor/internal/machine"
	"github.com/webchasor/webchasor/internal/sys"
	"github.com/webchasor/webchasor/supervisor/fleet"
	"github.com/webchasor/webchasor/supervisor/journal"
)

// newMaster loads the configuration and opens the log; without either there is
// nothing to run and nowhere to say so.
func newMaster(o Options) (*master, error) {
	read, err := withCerts(o.Load)
	if err != nil {
		return nil, err
	}
	resolved := read.Resolved
	m := &master{
		name: o.Name, version: o.Version, load: o.Load, routes: o.Routes,
		fleet:      fleet.New(),
		children:   make(map[fleet.ID]*child),
		clock:      sys.NewClock(),
		current:    resolved,
		tls:        tlsDesk{loaded: read.certs},
		generation: 1,
		stderr:     o.Stderr,
		traffic:    traffic{adopted: make(map[int]fleet.ID), absent: make(map[int]time.Time)},
		happenings: make(chan happening, 256),
		clocked:    make(clocked),
		gone:       make(chan struct{}),
		journal:    journal.New(),
		lastDeaths: make(map[int]*control.Death),
		started:    time.Now(),
		binary:     os.Args[0],
		scales:     newScales(),
		facts:      machine.Read(),
		control:    controlSocket{fd: -1},
		logFiles:   make(logFiles),
	}
	if err := m.becomeReady(&resolved.Settings); err != nil {
		return nil, err
	}
	sys.SpareThreads(spareThreads)
	if m.image, err = SelfImage(); err != nil {
		return nil, err
	}
	if m.devNull, err = os.Open(os.DevNull); err != nil {
		return nil, fmt.Errorf("cannot open %s: %w", os.DevNull, err)
	}
	if err := m.openLog(o, &resolved.Settings); err != nil {
		return nil, err
	}
	m.widen()
	return m, nil
}

// openLog opens the log and keeps raw copies of the standard streams for the
// workers: a File's own descriptor may be swapped at a reopen.
func (m *master) openLog(o Options, s *config.Settings) (err error) {
	if m.stderrFD, err = sys.DupCloexec(syscall.Stderr); err != nil {
		return err
	}
	if m.stdoutFD, err = sys.DupCloexec(syscall.Stdout); err != nil {
		return err
	}
	if m.sink, err = logs.Open(s.LogFile, o.Stderr); err != nil {
		return err
	}
	level, err := logs.ParseLevel(s.LogLevel)
	if err != nil {
		return err
	}
	m.level = zap.NewAtomicLevelAt(level)
	m.patient = logs.New(m.sink, logs.Options{
		Format: logs.Format(s.LogFormat),
		Level:  m.level,
		Fields: []zap.Field{zap.Int("pid", os.Getpid()), zap.String("role", "master")},
	})
	beside := m.sink.ErrorOutput()
	m.lines = newLogQueue(logRoom, func(err error) {
		fmt.Fprintf(beside, "%s: %v; log lines are lost until it can be written again\n", o.Name, err)
	})
	m.log = m.patient.WithOptions(zap.WrapCore(m.lines.wrap))
	return nil
}

// close gives back what the process held. The listening sockets close with it.
func (m *master) close() {
	m.closeControl()
	m.closeAdmin()
	m.watcher.end()
	m.tls.watcher.end()
	m.endBurials()
	if m.launcher != nil {
		m.launcher.Close()
	}
	m.lines.flush(logFlush)
	_ = m.sink.Close()
}
