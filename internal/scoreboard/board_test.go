package scoreboard

import (
	"errors"
	"reflect"
	"testing"
	"unsafe"

	"github.com/webchasor/webchasor/internal/sys"
)

func TestMasterReadsWhatTheWorkerWrites(t *testing.T) {
	master, fd := newBoard(t, 10)
	worker := reopen(t, fd)

	want := Snapshot{Slot: 3, Generation: 7, Incarnation: 42}
	if got := master.Snapshot(); got != want {
		t.Errorf("before the worker: %+v, want %+v", got, want)
	}

	worker.SetPID(1234)
	worker.SetState(StateDraining)
	worker.Beat(99 * second)
	_, e := acquire(t, worker)
	e.Open("10.0.0.1:5", 1*second)
	e.Confirm()
	e.Begin(1, 2*second)
	e.Stream()
	_, _ = acquire(t, worker)
	totals := worker.Totals()
	totals.Request(200, 1000, second)
	totals.Request(204, 0, second)
	totals.Request(503, 50, second)
	totals.Request(0, 0, second)
	totals.Request(999, 0, -second)
	totals.Request(-200, 0, 0)
	totals.Timeout()
	totals.Panic()
	totals.Panic()
	totals.Lost()

	want.PID, want.State, want.Beat = 1234, StateDraining, 99*second
	want.Connections, want.Opened, want.InFlight, want.Streams = 2, 1, 1, 1
	want.Counters = Counters{ByClass: [6]uint64{0: 3, 2: 2, 5: 1}, BytesOut: 1050, Timeouts: 1, Panics: 2, Lost: 1}
	if got := master.Snapshot(); got != want {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	if n, m := totals.Requests(), want.Counters.Requests(); n != 6 || m != 6 {
		t.Errorf("requests are %d and %d, want 6", n, m)
	}
	if h := master.Histogram(); h.Count() != 6 || h.Sum() != 4*second {
		t.Errorf("histogram has %d requests, %v", h.Count(), h.Sum())
	}
}

func TestCreateRefusesImpossibleSizes(t *testing.T) {
	for _, n := range []int{-1, 0, MaxEntries + 1} {
		if _, _, err := Create(Options{Entries: n}); err == nil {
			t.Errorf("%d entries are accepted", n)
		}
	}
}

func TestOpenRefusesWhatIsNoBoard(t *testing.T) {
	board := func(change func(*header)) func(*testing.T) int {
		return func(t *testing.T) int {
			b, fd := newBoard(t, 2)
			change(b.head)
			return fd
		}
	}
	memfd := func(size int64) func(*testing.T) int {
		return func(t *testing.T) int {
			fd, err := sys.Memfd("test", size)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = sys.CloseFD(fd) })
			return fd
		}
	}
	cases := map[string]func(*testing.T) int{
		"empty":            memfd(0),
		"short":            memfd(tableAt - 1),
		"zeros":            memfd(tableAt + 256),
		"huge":             memfd(int64(boardSize(MaxEntries)) + 1),
		"magic":            board(func(h *header) { h.magic.Add(1) }),
		"no entries":       board(func(h *header) { h.entries.Store(0) }),
		"too few entries":  board(func(h *header) { h.entries.Store(1) }),
		"too many entries": board(func(h *header) { h.entries.Store(3) }),
		"absurd entries":   board(func(h *header) { h.entries.Store(1 << 63) }),
		"size":             board(func(h *header) { h.size.Add(256) }),
	}
	for name, make := range cases {
		t.Run(name, func(t *testing.T) {
			if b, err := Open(make(t)); !errors.Is(err, ErrNotBoard) {
				t.Errorf("got %v, %v; want ErrNotBoard", b, err)
			}
		})
	}
	if _, err := Open(-1); err == nil {
		t.Error("a bad descriptor is accepted")
	}
}

func TestOpenNamesAnUnknownVersion(t *testing.T) {
	b, fd := newBoard(t, 2)
	b.head.version.Store(Version + 1)
	// A later layout may mean something else by every other word.
	b.head.entries.Store(0)
	_, err := Open(fd)
	var unknown *VersionError
	if !errors.As(err, &unknown) || unknown.Got != Version+1 || unknown.Want != Version {
		t.Errorf("got %v, want a VersionError", err)
	}
}

func TestBoardSurvivesItsDescriptor(t *testing.T) {
	fd, b, err := Create(Options{Entries: 2})
	if err != nil {
		t.Fatal(err)
	}
	if err := sys.CloseFD(fd); err != nil {
		t.Fatal(err)
	}
	b.SetState(StateReady)
	if got := b.Snapshot().State; got != StateReady {
		t.Errorf("state is %v", got)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if err := b.Close(); err == nil {
		t.Error("a second Close is no error")
	}
}

func TestUntouchedEntriesCostNothing(t *testing.T) {
	master, fd := newBoard(t, 100_000) // 25 MB
	worker := reopen(t, fd)
	var used []int
	for range 10 {
		i, e := acquire(t, worker)
		e.Open("client", 0)
		e.Begin(uint64(i), 0)
		used = append(used, i)
	}
	// Connections come and go, and the master looks.
	for range 1000 {
		worker.Release(used[0])
		used = append(used[1:], 0)
		i, e := acquire(t, worker)
		e.Open("client", 0)
		used[len(used)-1] = i
		master.InFlight(0)
		master.Snapshot()
	}
	n, err := sys.Allocated(fd)
	if err != nil {
		t.Fatal(err)
	}
	if n > 16<<10 {
		t.Errorf("10 connections take %d bytes", n)
	}
}

// The layout is a contract between programs of different versions: whoever
// changes it has to change Version, and then this test.
func TestLayoutBelongsToItsVersion(t *testing.T) {
	var (
		h header
		r record
	)
	got := map[string]uintptr{
		"version":     Version,
		"beat":        unsafe.Offsetof(h.beat),
		"pid":         unsafe.Offsetof(h.pid),
		"connections": unsafe.Offsetof(h.connections),
		"classes":     unsafe.Offsetof(h.classes),
		"latency":     unsafe.Offsetof(h.latency),
		"buckets":     Buckets,
		"table":       tableAt,
		"method":      unsafe.Offsetof(r.method),
		"path":        unsafe.Offsetof(r.path),
		"client":      unsafe.Offsetof(r.client),
		"record":      recordSize,
	}
	want := map[string]uintptr{
		"version": 1, "pid": 64, "beat": 128, "connections": 192, "classes": 256, "latency": 384,
		"buckets": 528, "table": 8192, "method": 48, "path": 64, "client": 192, "record": 256,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

func TestStateNames(t *testing.T) {
	want := []string{"new", "booting", "ready", "draining", "gone", "unknown"}
	for i, name := range want {
		if got := State(i).String(); got != name {
			t.Errorf("state %d is %q, want %q", i, got, name)
		}
	}
}
