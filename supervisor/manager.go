package supervisor

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/scoreboard"
	"github.com/webchasor/webchasor/internal/sys"
)

// manager is what the service manager was told, and when.
type manager struct {
	// main: we are the unit's main process. Others are not listened to
	// (NotifyAccess=main), so an upgraded master is silent until it is named.
	main bool
	heir int // pid of the master that follows this one, once known

	ledger   bool // it has the counters
	keepNext time.Time

	pinged   time.Time
	reported time.Time
	status   string
	extended time.Time
	stopBy   time.Time // when a stop is over by our own rules
	progress uint64
}

// Paces of what is told again and again.
const (
	statusEvery = time.Second
	extendEvery = 2 * time.Second
	// extendBy is asked for each time, well beyond extendEvery.
	extendBy = 10 * time.Second
	// barrierWait is how long a leaving master waits for the manager to learn who follows it,
	// and mainTries how often: a manager that does not learn it takes the unit for dead.
	barrierWait = 2 * time.Second
	mainTries   = 3
)

// tellManager sends a message. One that cannot be sent changes nothing here.
func (m *master) tellManager(assignments ...string) {
	if !m.manager.main {
		return
	}
	if err := m.systemd.Notify(assignments...); err != nil {
		m.log.Warn("the service manager was not told", zap.Strings("what", assignments), zap.Error(err))
	}
}

// tellReady says that the service serves: at its start, and after every reload,
// also one that was rejected. systemd.service(5) wants READY=1 after RELOADING=1.
func (m *master) tellReady() {
	if !m.serving || m.stopping {
		return
	}
	m.manager.status = m.statusLine()
	m.tellManager("READY=1", "STATUS="+m.manager.status)
}

func (m *master) tellReloading() {
	if !m.serving {
		return
	}
	m.tellManager("RELOADING=1", fmt.Sprintf("MONOTONIC_USEC=%d", sys.Monotonic().Microseconds()), "STATUS=reloading")
}

func (m *master) tellStopping() {
	m.manager.stopBy = time.Now().Add(m.current.Settings.Plan().StopLimit())
	m.tellManager("STOPPING=1", "STATUS=stopping")
}

// statusLine is what `systemctl status` shows.
func (m *master) statusLine() string {
	view := m.fleet.View()
	return fmt.Sprintf("%d of %d workers ready, generation %d, %s", view.Ready, len(view.Slots), m.generation, m.version)
}

// keepManagerInformed tells the manager what has changed. It runs on the loop with every look at the
// workers, so the watchdog is fed exactly while the loop turns.
func (m *master) keepManagerInformed(now time.Time) {
	if m.systemd == nil || !m.manager.main {
		return
	}
	t := &m.manager
	if pace := m.systemd.Watchdog() / 2; pace > 0 && now.Sub(t.pinged) >= pace {
		t.pinged = now
		m.tellManager("WATCHDOG=1")
	}
	if m.stopping {
		m.extendStop(now)
		return
	}
	m.keep(now)
	if !m.serving {
		m.extendStart(now)
	}
	if now.Sub(t.reported) < statusEvery || !m.serving || m.tx.phase != txIdle {
		return
	}
	t.reported = now
	if line := m.statusLine(); line != t.status {
		t.status = line
		m.tellManager("STATUS=" + line)
	}
}

// extendStart asks for more time while workers boot within boot_timeout, which
// may be longer than TimeoutStartSec=. After it we end ourselves, or are ended.
func (m *master) extendStart(now time.Time) {
	if now.Before(m.started.Add(portWait + m.current.Settings.BootTimeout + abortBudget)) {
		m.extend(now, "STATUS=starting: "+m.statusLine())
	}
}

// extendStop asks for more time as long as a stop may last by our own rules:
// lame_duck, and then the deadlines of the drain, which also bound a request
// that is silent: an answer of an LLM that is awaited shows no progress. After
// that only while it gets on, as workers with older settings may. A loop that
// stands still asks for nothing, and ends by TimeoutStopSec=.
func (m *master) extendStop(now time.Time) {
	var done uint64
	for _, c := range m.children {
		done += progressOf(c.board)
	}
	for _, o := range m.orphans {
		done += o.progress()
	}
	left := len(m.children) + len(m.orphans)
	done += uint64(left) << 48 // one worker fewer is progress too
	if now.After(m.manager.stopBy) && done == m.manager.progress {
		return
	}
	m.manager.progress = done
	m.extend(now, fmt.Sprintf("STATUS=stopping: %d workers finish their requests", left))
}

// progressOf grows while a worker answers.
func progressOf(b *scoreboard.Board) uint64 {
	snap := b.Snapshot()
	done := snap.Counters.BytesOut + snap.Counters.Requests()
	for _, r := range b.InFlight(sys.Monotonic()) {
		done += r.BytesOut
	}
	return done
}

func (m *master) extend(now time.Time, status string) {
	if now.Sub(m.manager.extended) < extendEvery {
		return
	}
	m.manager.extended = now
	m.tellManager(fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", extendBy.Microseconds()), status)
}

// handMain names the master that follows as the unit's main process, and waits
// until that is understood: a message of a process that is gone may be dropped.
func (m *master) handMain() {
	if m.systemd == nil || m.manager.heir == 0 {
		return
	}
	var err error
	for range mainTries {
		err = m.systemd.Notify(fmt.Sprintf("MAINPID=%d", m.manager.heir))
		if err == nil {
			err = m.systemd.Barrier(barrierWait)
		}
		if err == nil {
			break
		}
		m.log.Warn("the service manager may not know the new master", zap.Int("new_master_pid", m.manager.heir), zap.Error(err))
	}
	m.manager.main = false
}

// awaitMain makes this master the main process when the previous one is gone.
func (m *master) awaitMain() {
	if m.systemd == nil || m.manager.main {
		return
	}
	go func() {
		_ = m.upgrader.WaitForParent(context.Background())
		m.happenings <- mainNow{}
	}()
}

// mainNow: the previous master is gone.
type mainNow struct{}

func (mainNow) apply(m *master) {
	m.manager.main = true
	m.tellReady()
}
