package supervisor

import (
	"net"
	"os"
	"slices"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/webchasor/webchasor/internal/sys"
)

// leftBy is an orphan as the previous master tells of it. What is watched in its
// place is this process, which does not end.
func leftBy(t *testing.T, to, pid int) {
	t.Helper()
	fd, err := sys.PidfdOpen(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sys.CloseFD(fd) }()
	if err := bequeath(to, []legacy{{heirloom{Orphan: &orphanRecord{PID: pid, Budget: time.Hour}}, fd}}); err != nil {
		t.Fatal(err)
	}
}

func pidsOf(orphans []*orphan) (pids []int) {
	for _, o := range orphans {
		pids = append(pids, o.PID)
	}
	return pids
}

// A worker that the previous master started after this one had read which there
// are is found when that one is gone, and a next master hears of it.
func TestTheLastWorkersOfThePreviousMaster(t *testing.T) {
	to, from, err := sys.ControlPair()
	if err != nil {
		t.Fatal(err)
	}
	next, heir, err := sys.ControlPair()
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range []int{to, from, next, heir} {
		if err := sys.SetNonblock(fd); err != nil {
			t.Fatal(err)
		}
	}
	m := idleMaster()
	m.inherited.answer = os.NewFile(uintptr(from), estateName)
	t.Cleanup(func() {
		for _, o := range m.orphans {
			o.close()
		}
	})
	leftBy(t, to, 101)
	m.receiveLate()
	m.adoptOrphans()
	if got := pidsOf(m.orphans); !slices.Equal(got, []int{101}) {
		t.Fatalf("watching %v, want the one that was told of", got)
	}

	leftBy(t, to, 102)
	leftBy(t, to, 103)
	if err := m.answerEstate([]byte("unread"), nil); err != nil {
		t.Fatal(err)
	}
	if err := sys.CloseFD(to); err != nil {
		t.Fatal(err)
	}
	m.upgrading, m.baton.to = true, next
	defer func() { _ = sys.CloseFD(next) }()
	alone{}.apply(m)
	if got := pidsOf(m.orphans); !slices.Equal(got, []int{101, 102, 103}) {
		t.Errorf("watching %v, want the last ones too", got)
	}
	if m.inherited.answer != nil {
		t.Error("the way back to a master that is gone is still open")
	}
	later := &master{log: zap.NewNop(), inherited: estate{answer: os.NewFile(uintptr(heir), estateName)}}
	defer later.inherited.close()
	later.receiveLate()
	if got := pidsOf(later.inherited.orphans); !slices.Equal(got, []int{102, 103}) {
		t.Errorf("the next master hears of %v later", got)
	}
	alone{}.apply(m) // nothing more
}

// sharded is a group of n slots.
func sharded(t *testing.T, n int) socket {
	t.Helper()
	s, err := listen("127.0.0.1:0", acceptSharded, 16, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeAll(s.FDs) })
	if err := s.grow(n-1, 16); err != nil {
		t.Fatal(err)
	}
	return s
}

// The previous master may have told the kernel its own weights last. They are the
// kernel's until it is gone, then ours.
func TestWeightsAfterAnUpgrade(t *testing.T) {
	s := sharded(t, 2)
	arrives := func(slot int) {
		t.Helper()
		before, _, _ := sys.QueueDepth(s.FDs[slot])
		c, err := net.Dial("tcp", s.Address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		if now, _, err := sys.QueueDepth(s.FDs[slot]); now != before+1 || err != nil {
			t.Errorf("slot %d has %d waiting after %d, %v", slot, now, before, err)
		}
	}
	ours, theirs := []uint32{1, 0}, []uint32{0, 1}
	m, previous := idleMaster(), idleMaster()
	m.sockets, previous.sockets = []socket{s}, []socket{s}
	m.attach(ours)
	arrives(0)
	previous.attach(theirs)
	m.attach(ours) // they have not changed
	arrives(1)
	alone{}.apply(m)
	if !m.traffic.stale {
		t.Error("nobody looks at the weights again")
	}
	m.attach(ours)
	arrives(0)
}

// Weights that the kernel does not take are tried many times a second and told of
// now and then.
func TestRefusedWeightsAreToldNowAndThen(t *testing.T) {
	s := sharded(t, 2)
	core, logs := observer.New(zapcore.WarnLevel)
	m := idleMaster()
	m.log = zap.New(core)
	m.sockets = []socket{{Sharded: true, FDs: []int{-1, -1}}}
	refused := func(times, told int) {
		t.Helper()
		for range times {
			m.attach([]uint32{1, 2})
		}
		if n := logs.FilterMessageSnippet("cannot steer connections").Len(); n != told {
			t.Errorf("told %d times, want %d", n, told)
		}
		if m.traffic.attached != nil {
			t.Error("weights that were refused count as attached")
		}
	}
	refused(100, 1)
	m.traffic.refused = time.Now().Add(-steerWarnEvery)
	refused(100, 2)
	if err, _ := logs.All()[0].ContextMap()["error"].(string); err == "" {
		t.Error("it does not say why")
	}
	m.sockets = []socket{s}
	m.attach([]uint32{1, 2})
	if !slices.Equal(m.traffic.attached, []uint32{1, 2}) || logs.Len() != 2 {
		t.Errorf("once the kernel takes them: %v, told %d times", m.traffic.attached, logs.Len())
	}
}
