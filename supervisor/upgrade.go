package supervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/cloudflare/tableflip"
	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/control"
	"github.com/webchasor/webchasor/internal/ledger"
	"github.com/webchasor/webchasor/internal/systemd"
	"github.com/webchasor/webchasor/supervisor/fleet"
	"github.com/webchasor/webchasor/supervisor/pidfile"
)

// openUpgrader makes this process upgradable and, if a previous master started
// it, takes what that one handed over.
func (m *master) openUpgrader() error {
	upgrader, err := tableflip.New(tableflip.Options{
		// Its workers may boot for that long, write their stacks, and be killed.
		UpgradeTimeout: m.current.Settings.BootTimeout + 2*abortBudget,
	})
	if err != nil {
		return fmt.Errorf("cannot prepare for upgrades: %w", err)
	}
	m.upgrader = upgrader
	m.init = openInit()
	m.systemd = systemd.Open(upgrader.HasParent())
	owner := os.Getpid()
	if m.init != nil {
		owner = os.Getppid() // PID 1 hands on what it was started with
	}
	passed := systemd.Listen(owner)
	if !upgrader.HasParent() {
		m.manager.main = true
		m.activate(passed)
		return nil
	}
	// tableflip's own pipes arrive without FD_CLOEXEC.
	syscall.CloseOnExec(3)
	syscall.CloseOnExec(4)
	left, err := upgrader.File(estateName)
	if err != nil {
		return fmt.Errorf("cannot take over from the previous master: %w", err)
	}
	if left == nil {
		return errors.New("cannot take over from the previous master: it handed over no sockets; is it an older version?")
	}
	if m.inherited, err = receiveEstate(left); err != nil {
		return err
	}
	m.inherited.answer = left
	if m.inherited.init != nil {
		m.init = m.inherited.init
	}
	if fd := m.inherited.memo; fd != nil {
		m.inherited.memo = nil
		m.readMemo(*fd)
	}
	if fd := m.inherited.image; fd != nil {
		m.inherited.image = nil
		m.takeOrigin(*fd)
	}
	return vanished(&config.Resolved{File: m.promotion.file}, m.current)
}

// upgrade starts a new master from the image on disk. This one serves on until
// the new one says that all its workers are ready.
func (m *master) upgrade(waiting ...waiter) { m.promote("upgrade", m.binary, waiting) }

// promote starts a new master from a binary.
func (m *master) promote(order, binary string, waiting waiters) {
	if why := m.cannotPromote(); why != "" {
		m.log.Warn(order + " refused: " + why)
		waiting.send(refusal(order, why))
		return
	}
	m.beginPromotion(order, waiting)
	told, err := m.queueEstate()
	if err != nil {
		m.log.Error(order+" failed; this master serves on", zap.Error(err))
		m.endPromotion(control.OutcomeFailed, oneLine(err), 0)
		return
	}
	m.log.Info("upgrading", zap.String("binary", binary))
	m.upgrading = true
	m.step(fleet.Hold{On: true})
	os.Args[0] = binary // what tableflip executes; nobody else looks at it
	go func() {
		err := startUpgrade(m.upgrader)
		within(flushWait, told) // what it said comes before how it ended
		m.happenings <- upgraded{err}
	}()
}

// cannotPromote says why there can be no new master now; empty if there can.
func (m *master) cannotPromote() string {
	switch {
	case m.stopping:
		return "the service is stopping"
	case m.upgrading:
		return "upgrade in progress"
	case m.tx.phase != txIdle:
		return "reload in progress"
	case !m.serving:
		return "the workers are not all ready yet"
	}
	return ""
}

// predecessorWait is how long an upgrade waits for the master before this one
// to be gone. It left when we became ready; only its exit may still be under way.
const predecessorWait = 5 * time.Second

// startUpgrade blocks until the new master serves or has failed. tableflip
// refuses while the previous master's process exists, and learns of its end a
// moment later than anybody else.
func startUpgrade(u *tableflip.Upgrader) error {
	ctx, cancel := context.WithTimeout(context.Background(), predecessorWait)
	defer cancel()
	_ = u.WaitForParent(ctx)
	retry := time.NewTicker(10 * time.Millisecond)
	defer retry.Stop()
	for {
		err := u.Upgrade()
		if err == nil || err.Error() != "parent hasn't exited" {
			return err
		}
		select {
		case <-retry.C:
		case <-ctx.Done():
			return err
		}
	}
}

// upgraded: on success this master leaves at once. Its workers see the end of
// their lifeline and finish what they have, streams included, so the next
// upgrade need not wait for them.
func (m *master) upgraded(err error) {
	m.upgrading = false
	if err == nil {
		m.ledger.Ended(ledger.Upgrade, ledger.Done)
	} else {
		m.ledger.Ended(ledger.Upgrade, ledger.Undone)
	}
	if err != nil {
		if err := m.baton.takeBack(); err != nil {
			m.log.Warn("cannot take back what the upgrade did not take", zap.Error(err))
		}
		m.traffic.attached = nil // whatever the new master told the kernel
		m.step(fleet.Hold{})
		if m.stopping {
			m.log.Info("upgrade called off", zap.Error(err))
			m.endPromotion(control.OutcomeCalledOff, "the service is stopping", 0)
			return
		}
		m.log.Error("upgrade failed; this master serves on", zap.Error(err))
		m.endPromotion(control.OutcomeFailed, "the new master did not get ready ("+m.promotion.why(err)+"); its log says why, this master serves on", 0)
		return
	}
	if m.stopping {
		m.log.Warn("the stop came too late: the new master serves already; stop that one")
	}
	m.invitations()
	m.handMain()
	m.log.Info("upgraded: the new master serves, this one leaves")
	m.endPromotion(control.OutcomeDone, "", m.manager.heir)
	m.control.inherited = true // by the new one: its path stays
	m.dropPidfile()            // nothing, if the new master has taken it over
	m.end(exitOK)
}

// up: every slot has a ready worker for the first time. Only now does a
// previous master learn that it can go.
func (m *master) up() {
	m.serving = true
	m.endProgress()
	m.succeed()
	m.putLimits()
	m.tellNews()
	m.receiveLate()
	m.invite()
	m.introduceSelf()
	m.succeedControl()
	m.adoptOrphans()
	if err := m.writePidfile(); err != nil {
		m.log.Error("cannot write the pidfile; serving all the same", zap.Error(err))
	}
	if m.init != nil {
		announceTo(m.init)
	}
	if err := m.upgrader.Ready(); err != nil {
		m.log.Error("cannot tell the previous master that this one is ready", zap.Error(err))
	}
	m.succeedAdmin()
	m.awaitAlone()
	m.awaitMain()
	if m.upgrader.HasParent() {
		m.succeedPromotion()
	}
	m.tellReady()
	m.jot(control.KindUp, nil, fmt.Sprintf("all %d workers are ready", len(m.children)))
	m.log.Info("ready", zap.Int("workers", len(m.children)), zap.Uint64("generation", uint64(m.generation)))
}

// claimPidfile refuses to start beside a live instance. An upgraded master
// takes the file over only when it serves.
func (m *master) claimPidfile() (err error) {
	path := m.current.Settings.Pidfile
	if path == "" || m.upgrader.HasParent() {
		return nil
	}
	m.pidfile, err = pidfile.Acquire(path)
	return err
}

func (m *master) writePidfile() (err error) {
	path := m.current.Settings.Pidfile
	if path == "" || !m.upgrader.HasParent() {
		return nil
	}
	m.pidfile, err = pidfile.Acquire(path, os.Getppid())
	return err
}

// leave removes what only a stopped service no longer needs.
func (m *master) leave() {
	m.closePort()
	m.dropControl()
	m.dropPidfile()
}

func (m *master) dropPidfile() {
	if m.pidfile == nil {
		return
	}
	if err := m.pidfile.Remove(); err != nil {
		m.log.Warn("cannot remove the pidfile", zap.Error(err))
	}
}
