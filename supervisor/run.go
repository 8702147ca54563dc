package supervisor

import (
	"errors"
	"fmt"
	"io"
	"os"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/control"
	"github.com/webchasor/webchasor/supervisor/autopsy"
	"github.com/webchasor/webchasor/supervisor/fleet"
)

// Exit statuses of the master. Worker boot and load failures use
// handoff.ExitBoot and handoff.ExitLoad.
const (
	exitOK     = 0
	exitConfig = 1
)

// Options are what the front door knows.
type Options struct {
	Name    string // program name, for logs, ps and messages
	Version string
	// Load reads the configuration; it is called again at every reload.
	Load func() (*config.Resolved, error)
	// Routes are the paths that are counted apart, see worker.App.
	Routes []string
	// Stdout and Stderr are the process's own streams.
	Stdout, Stderr *os.File
}

// Run is the life of a master. It blocks until the service has stopped, or an
// upgrade has taken over, and returns the exit status.
func Run(o Options) int {
	signals := catchSignals()
	m, err := newMaster(o)
	if err != nil {
		complain(o.Stderr, o.Name, err)
		return exitConfig
	}
	defer m.close()
	m.signals = signals
	if err := m.open(); err != nil {
		m.leave()
		return m.failed(err)
	}
	m.announce()
	return m.loop()
}

// failed reports why there is nothing to run, once where the operator looks: in
// the log, and on the terminal if the log is somewhere else.
func (m *master) failed(err error) int {
	if errors.Is(err, errStopped) {
		m.log.Info("stopped", zap.String("detail", err.Error()))
		return exitOK
	}
	m.log.Error("cannot start", zap.Error(err))
	m.echo(fmt.Errorf("cannot start: %w", err))
	return exitConfig
}

// echo repeats a fatal error on stderr when the log goes to a file.
func (m *master) echo(err error) {
	if m.current.Settings.LogFile != "-" {
		complain(m.stderr, m.name, err)
	}
}

// complain writes every mistake for somebody at a terminal, before there is a log.
func complain(w io.Writer, name string, err error) {
	for _, e := range config.Errors(err) {
		fmt.Fprintf(w, "%s: %v\n", name, e)
	}
}

// open acquires what must exist before the first worker: descriptors handed
// over by a previous master, the pidfile, the sockets, the watcher.
func (m *master) open() error {
	if err := m.openUpgrader(); err != nil {
		return err
	}
	if err := tryAccessLog(&m.current.Settings); err != nil {
		return err
	}
	if err := m.openLedger(); err != nil {
		return err
	}
	if err := m.openPermits(); err != nil {
		return err
	}
	if err := m.claimPidfile(); err != nil {
		return err
	}
	if err := m.openSockets(); err != nil {
		return err
	}
	m.deaths = autopsy.NewStore(m.current.Settings.StateDir, autopsy.Limits{})
	m.undertaker, m.accountant = newUndertaker(undertakerRoom), newUndertaker(undertakerRoom)
	if err := m.openControl(); err != nil {
		return err
	}
	if err := m.openAdmin(); err != nil {
		return err
	}
	m.jot(control.KindStart, nil, fmt.Sprintf("%s %s starts, master pid %d", m.name, m.version, os.Getpid()))
	if !m.upgrader.HasParent() {
		m.serveControl()
		m.serveAdmin()
	}
	m.introduceCerts(nil)
	m.openWatch()
	return nil
}

// exit takes the core's word that no worker is left.
func (m *master) exit(a fleet.Exit) {
	m.final = &a
	if n := len(m.orphans); n > 0 {
		m.log.Info("waiting for workers of a previous master", zap.Int("workers", n))
	}
	m.exitWithoutOrphans()
}

// exitWithoutOrphans ends the master, but not before the workers of previous
// masters: as PID 1, or as a service's main process, we take everybody along.
func (m *master) exitWithoutOrphans() {
	if m.final == nil || len(m.orphans) > 0 {
		return
	}
	a := *m.final
	m.leave()
	if a.Code != exitOK {
		m.log.Error("giving up", zap.String("cause", a.Detail), zap.Int("exit_code", a.Code))
		m.echo(fmt.Errorf("giving up: %s", a.Detail))
	} else {
		m.log.Info("stopped")
	}
	m.end(a.Code)
}
