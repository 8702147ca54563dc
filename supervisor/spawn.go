package supervisor

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/webchasor/webchasor/internal/blackbox"
	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/scoreboard"
	"github.com/webchasor/webchasor/internal/sys"
	"github.com/webchasor/webchasor/supervisor/fleet"
)

// spareEntries are scoreboard entries beyond worker_connections, for the
// moment in which a closed connection still holds its entry.
const spareEntries = 64

// noFD leaves a descriptor of a new process closed.
const noFD = ^uintptr(0)

// start creates a worker process for a slot. Everything that the worker needs
// is in place before it exists: its boot packet waits in the control channel.
func (m *master) start(a fleet.Spawn) (_ *child, err error) {
	settings := m.settingsOf(a.Generation)
	c := &child{
		id: a.ID, slot: a.Slot, generation: a.Generation, crash: -1,
		words: &lastWords{}, oomBefore: readOOM(), throttled: readThrottling(),
	}

	for i := range m.sockets {
		if err := m.sockets[i].grow(a.Slot, settings.Backlog); err != nil {
			return nil, err
		}
	}

	var undo cleanup
	defer func() {
		if err != nil {
			undo.run()
		}
	}()

	c.boardFD, c.board, err = scoreboard.Create(scoreboard.Options{
		Entries:     settings.WorkerConnections + spareEntries,
		Slot:        a.Slot,
		Generation:  uint64(a.Generation),
		Incarnation: uint64(a.ID),
	})
	if err != nil {
		return nil, fmt.Errorf("cannot create scoreboard: %w", err)
	}
	undo.add(func() { _, _ = c.board.Close(), sys.CloseFD(c.boardFD) })

	if c.crash, err = sys.MemfdLog("webchasor-crash"); err != nil {
		return nil, err
	}
	undo.add(func() { _ = sys.CloseFD(c.crash) })

	if c.boxFD, c.box, err = blackbox.Create("webchasor-log"); err != nil {
		return nil, err
	}
	undo.add(func() { _, _ = c.box.Close(), sys.CloseFD(c.boxFD) })

	ours, theirs, err := sys.ControlPair()
	if err != nil {
		return nil, err
	}
	defer func() { _ = sys.CloseFD(theirs) }()
	if c.control, err = sys.NewChannel(ours); err != nil {
		return nil, err
	}
	undo.add(func() { c.control.Close() })
	undo.add(func() { m.unseat(c) })
	if err := m.queueBoot(c, settings); err != nil {
		return nil, err
	}

	outR, outW, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("cannot create output pipe: %w", err)
	}
	defer outW.Close()
	undo.add(func() { outR.Close() })

	material := noFD
	if l := m.certsOf(c.generation); l != nil && m.speaksTLS() {
		fd, err := m.writeMaterial(l)
		if err != nil {
			return nil, err
		}
		defer func() { _ = sys.CloseFD(fd) }()
		material = uintptr(fd)
	}
	if err := m.exec(c, theirs, int(outW.Fd()), material); err != nil {
		return nil, err
	}
	m.seated(c)
	m.watchChild(c, outR)
	return c, nil
}

// queueBoot writes the boot packet into the channel.
func (m *master) queueBoot(c *child, s *config.Settings) error {
	boot := handoff.Boot{
		Name:        m.name,
		MasterPID:   os.Getpid(),
		Slot:        c.slot,
		Generation:  uint64(c.generation),
		Incarnation: uint64(c.id),
		MaxRequests: recycleAfter(s),
		Settings:    *s,
		Permits:     m.seat(c, s),
	}
	boot.Settings.Admin = config.Admin{} // the token is not for applications
	c.maxRequests = boot.MaxRequests
	if m.logLevel != "" {
		boot.Settings.LogLevel = m.logLevel
	}
	for _, l := range m.sockets {
		boot.Listeners = append(boot.Listeners, handoff.Listener{Network: l.Network, Address: l.Address, TLS: l.TLS})
		boot.TLS = boot.TLS || l.TLS
	}
	boot.Refuse, c.refuses = m.poison.list, m.poison.version
	return m.filesFor(s, func(names []handoff.File, fds ...int) error {
		boot.Files = names
		packet, err := json.Marshal(boot)
		if err != nil {
			return fmt.Errorf("cannot encode boot packet: %w", err)
		}
		if err := c.control.TrySendFDs(packet, fds...); err != nil {
			return fmt.Errorf("cannot queue boot packet: %w", err)
		}
		return nil
	})
}

// recycleAfter draws this incarnation's limit, so that workers that started
// together do not fall due together.
func recycleAfter(s *config.Settings) uint64 {
	if s.MaxRequests == 0 {
		return 0
	}
	return uint64(s.MaxRequests) + rand.Uint64N(uint64(s.MaxRequestsJitter)+1)
}

// exec starts the process. Raw descriptors and syscall.StartProcess, because
// os.StartProcess calls Fd(), which turns a listener blocking for every process
// that shares it (go.dev/issue/29277).
func (m *master) exec(c *child, control, output int, material uintptr) error {
	files := []uintptr{
		m.devNull.Fd(), uintptr(output), uintptr(output),
		handoff.FDControl:  uintptr(control),
		handoff.FDBoard:    uintptr(c.boardFD),
		handoff.FDCrash:    uintptr(c.crash),
		handoff.FDLog:      uintptr(m.stderrFD),
		handoff.FDAccess:   uintptr(m.stdoutFD),
		handoff.FDLedger:   uintptr(m.ledger.FD()),
		handoff.FDBox:      uintptr(c.boxFD),
		handoff.FDTLS:      material,
		handoff.FDListener: 0,
	}[:handoff.FDListener]
	m.permitsFiles(files)
	for i := range m.sockets {
		files = append(files, uintptr(m.sockets[i].fd(c.slot)))
	}
	settings := m.settingsOf(c.generation)
	title := fmt.Sprintf("%s: worker %d generation %d", m.name, c.slot, c.generation)
	given := append(m.shareFor(c.generation).environ(), m.identity.Environ()...)
	attr := &syscall.ProcAttr{
		Env:   workerEnviron(os.Environ(), withheld(m.current, settings), given),
		Files: files,
		// Its own process group: a Ctrl-C in the terminal is for the master alone.
		Sys: &syscall.SysProcAttr{Setpgid: true, Credential: m.identity.Credential()},
	}
	pid := 0
	err := m.launch(settings, func() (err error) {
		pid, _, err = syscall.StartProcess(m.image, []string{title}, attr)
		return err
	})
	if err != nil {
		return m.cannotExecute(err)
	}
	c.pid, c.started = pid, time.Now()
	// We have not waited for it, so the pid cannot have been reused: this
	// always finds our child, and on Linux holds it by pidfd from here on.
	c.proc, err = os.FindProcess(pid)
	if err != nil {
		return fmt.Errorf("cannot hold worker process %d: %w", pid, err)
	}
	return nil
}

// cleanup undoes half of a start.
type cleanup []func()

func (u *cleanup) add(f func()) { *u = append(*u, f) }

func (u cleanup) run() {
	for _, undo := range slices.Backward(u) {
		undo()
	}
}
