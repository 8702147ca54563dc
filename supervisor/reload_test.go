package supervisor

import (
	"errors"
	"testing"
	"time"

	"github.com/cloudflare/tableflip"
	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/supervisor/fleet"
	"github.com/webchasor/webchasor/supervisor/journal"
)

// idleMaster is a master without processes, sockets or a log.
func idleMaster() *master {
	resolved := &config.Resolved{}
	resolved.Settings.Workers = 1
	return &master{
		log: zap.NewNop(), fleet: fleet.New(), children: map[fleet.ID]*child{},
		current: resolved, generation: 1, happenings: make(chan happening, 1),
		upgrader: &tableflip.Upgrader{},
		load:     func() (*config.Resolved, error) { return resolved, nil },
		journal:  journal.New(),
	}
}

// starting is one whose first worker boots; nothing was really spawned.
func starting() *master {
	m := idleMaster()
	m.fleet.Step(time.Now(), fleet.Start{Generation: 1, Policy: fleet.Policy{Workers: 1, BootTimeout: time.Minute}})
	return m
}

func TestReloadIsRememberedUntilItCanRun(t *testing.T) {
	m := starting()
	m.reload("early")
	m.reload("early again")
	if m.tx.phase != txIdle || m.tx.again != "early again" {
		t.Fatalf("a reload during the start: %+v, want it remembered", m.tx)
	}
	m.resumeReload()
	if m.tx.phase != txIdle {
		t.Fatal("it began although no worker is ready")
	}

	m.serving, m.upgrading = true, true
	m.resumeReload()
	if m.tx.phase != txIdle || m.tx.again == "" {
		t.Fatalf("it began during an upgrade, or was forgotten: %+v", m.tx)
	}

	m.upgrading = false
	m.resumeReload()
	if m.tx.phase != txLoading || m.tx.again != "" {
		t.Fatalf("it did not begin: %+v", m.tx)
	}
	for range 100 {
		m.reload("storm")
	}
	if m.tx.phase != txLoading || m.tx.again != "storm" {
		t.Fatalf("a storm became %+v, want one more reload", m.tx)
	}
	(<-m.happenings).apply(m)
}

func TestReloadThatTheCoreRefusesEnds(t *testing.T) {
	m := idleMaster() // its fleet was never started and refuses everything
	m.serving = true
	m.startReload("SIGHUP", m.load, nil)
	h := <-m.happenings
	h.apply(m)
	if m.tx.phase != txIdle || m.tx.again != "SIGHUP" {
		t.Errorf("after the refusal: %+v, want it idle and remembered", m.tx)
	}
}

func TestReloadThatCannotBeReadEnds(t *testing.T) {
	m := starting()
	m.tx.phase = txLoading
	m.loaded(generation{}, errors.New("no such file"))
	if m.tx.phase != txIdle || m.generation != 1 {
		t.Errorf("after a bad file: %+v, generation %d", m.tx, m.generation)
	}
}

func TestParkCallsAReloadOff(t *testing.T) {
	m := starting()
	m.serving = true
	m.startReload("SIGHUP", m.load, nil)
	m.reload("another")
	m.callOffReload()
	(<-m.happenings).apply(m)
	if m.tx.phase != txIdle || m.tx.again != "" || m.generation != 1 {
		t.Errorf("after it was called off: %+v, generation %d", m.tx, m.generation)
	}
}

func TestParkedMasterReloads(t *testing.T) {
	m := starting()
	m.fleet.Step(time.Now(), fleet.Park{})
	if o := m.obstacle(); o != "" {
		t.Errorf("a fleet parked in its start waits for %q, but only a reload or TTIN brings it back", o)
	}
}
