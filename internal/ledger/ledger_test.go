package ledger

import (
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/sys"
)

// roleEnv makes the test binary play a worker.
const roleEnv = "LEDGER_TEST_ROLE"

func TestMain(m *testing.M) {
	if os.Getenv(roleEnv) == "" {
		os.Exit(m.Run())
	}
	l, err := Open(3)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	s, err := l.Slot(5)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	route := l.Router([]string{"/chat"}).Find([]byte("/chat"))
	for range 1000 {
		s.Request(route, 200, 10, time.Millisecond)
	}
	fmt.Println("counted")
	select {} // until it is killed
}

func create(t testing.TB) *Ledger {
	t.Helper()
	l, err := Create(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func slotOf(t testing.TB, l *Ledger, i int) *Slot {
	t.Helper()
	s, err := l.Slot(i)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// total adds up what a slot counted for a route and a class, -1 for all.
func total(s *Slot, route, class int) (l Latency) {
	s.Series(func(r, c int, s *Series) {
		if (route < 0 || r == route) && (class < 0 || c == class) {
			l.Add(s)
		}
	})
	return l
}

func TestNativeBucketsFollowTheFormat(t *testing.T) {
	for _, tc := range []struct {
		d    time.Duration
		want int
	}{
		{0, -1},
		{900, -1},
		{time.Microsecond, 0},
		{time.Second, -lowest*perOctave - 1},
		{time.Second + 1, -lowest * perOctave},
		{2 * time.Second, (1-lowest)*perOctave - 1},
		{time.Hour * 100, Native - 1},
		{math.MaxInt64, Native - 1},
	} {
		if got := nativeOf(tc.d); got != tc.want {
			t.Errorf("%v is in bucket %d, want %d", tc.d, got, tc.want)
		}
	}
	// Whatever the bucket, the value lies in it.
	for d := time.Microsecond; d < time.Hour; d += d/37 + 1 {
		i := nativeOf(d)
		if s := d.Seconds(); s > UpperBound(i) || s <= UpperBound(i-1) {
			t.Errorf("%v is in bucket %d, from %g to %g", d, i, UpperBound(i-1), UpperBound(i))
		}
	}
}

func TestClassicBucketsEndAtTheirBounds(t *testing.T) {
	if got := classicOf(0); got != 0 {
		t.Errorf("0 is in bucket %d", got)
	}
	for i, b := range bounds {
		if classicOf(b) != i || classicOf(b+1) != i+1 {
			t.Errorf("%v is in bucket %d, and one nanosecond more in %d", b, classicOf(b), classicOf(b+1))
		}
	}
	if !slices.IsSorted(Bounds()) {
		t.Error("bounds are not sorted")
	}
}

func TestCountsByRouteAndClass(t *testing.T) {
	l := create(t)
	l.AddRoutes([]string{"/", "/v1/*"})
	find := l.Router([]string{"/", "/v1/*", "/unheard-of"}).Find
	s := slotOf(t, l, 0)
	for path, want := range map[string]uint8{"/": 1, "/v1/x": 2, "/unheard-of": 0, "": 0, "/v": 0} {
		if got := find([]byte(path)); got != want {
			t.Errorf("%q is route %d, want %d", path, got, want)
		}
	}
	s.Request(1, 204, 7, 3*time.Millisecond)
	s.Request(2, 503, 5, time.Second)
	s.Request(2, 0, 0, 0)
	s.Request(200, 999, 0, time.Hour*1000)
	if got := total(s, -1, -1); got.Count != 4 || got.Zero != 1 {
		t.Errorf("%d requests, %d at once; want 4 and 1", got.Count, got.Zero)
	}
	if got := total(s, 2, 5); got.Count != 1 || got.Sum != time.Second || got.Classic[classicOf(time.Second)] != 1 {
		t.Errorf("route 2, 5xx: %d requests in %v", got.Count, got.Sum)
	}
	if got := s.Counts().BytesOut; got != 12 {
		t.Errorf("%d bytes out, want 12", got)
	}
}

func TestNilSlotCountsNothing(t *testing.T) {
	var s *Slot
	s.Request(0, 200, 1, 1)
	s.Timeout()
	s.Panic()
	s.Lost()
	s.Accepted()
	s.Taken()
	var r *Router
	if r.Find([]byte("/")) != 0 {
		t.Error("a nil router knows a route")
	}
}

// A worker that is killed while it counts leaves all it counted, and its
// successor and a new master go on from there.
func TestCountersOutliveProcessesAndMasters(t *testing.T) {
	l := create(t)
	l.AddRoutes([]string{"/other", "/chat"})
	for round := range 3 {
		fd, err := sys.DupCloexec(l.FD())
		if err != nil {
			t.Fatal(err)
		}
		file := os.NewFile(uintptr(fd), "ledger")
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), roleEnv+"=worker")
		cmd.ExtraFiles = []*os.File{file}
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Read(make([]byte, 16)); err != nil {
			t.Errorf("the worker did not count: %v", err)
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = file.Close()
		if got := total(slotOf(t, l, 5), 2, 2).Count; got != uint64(1000*(round+1)) {
			t.Fatalf("%d requests after %d workers", got, round+1)
		}
	}
	l.Died(slotOf(t, l, 5), "panic", 3)
	again, err := sys.DupCloexec(l.FD())
	if err != nil {
		t.Fatal(err)
	}
	next, err := Open(again)
	if err != nil {
		t.Fatal(err)
	}
	next.AddRoutes([]string{"/new", "/chat"})
	if got, want := next.Routes(), []string{Other, "/other", "/chat", "/new"}; !slices.Equal(got, want) {
		t.Errorf("routes %q, want %q", got, want)
	}
	c := slotOf(t, next, 5).Counts()
	if c.Lost != 3 || c.Deaths[slices.Index(next.Causes(), "panic")] != 1 {
		t.Errorf("counts after the hand-over: %+v", c)
	}
}

func TestNamesRunOut(t *testing.T) {
	l := create(t)
	for i := range 2 * MaxCauses {
		l.Died(slotOf(t, l, 0), fmt.Sprint("cause ", i), 0)
	}
	c := slotOf(t, l, 0).Counts()
	if len(l.Causes()) != MaxCauses || c.Deaths[0] != MaxCauses+1 || c.Deaths[MaxCauses-1] != 1 {
		t.Errorf("%d causes, %d under %q", len(l.Causes()), c.Deaths[0], Other)
	}
}

func TestOpenRefusesWhatItCannotRead(t *testing.T) {
	for _, n := range []int64{4096, int64(size)} {
		fd, err := sys.Memfd("not-a-ledger", n)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Open(fd); !errors.Is(err, ErrNotLedger) {
			t.Errorf("%d zero bytes: %v", n, err)
		}
		_ = sys.CloseFD(fd)
	}
}

// Reading touches no memory that nobody counted in.
func TestUnusedSeriesStayUnallocated(t *testing.T) {
	l := create(t)
	for i := range 64 {
		s := slotOf(t, l, i)
		s.Request(3, 200, 1, time.Millisecond)
		s.Counts()
		total(s, -1, -1)
	}
	n, err := sys.Allocated(l.FD())
	if err != nil {
		t.Fatal(err)
	}
	if limit := int64(headerPart + 64*4*pageSize*16); n > limit {
		t.Errorf("%d bytes allocated, want at most %d", n, limit)
	}
}

func TestQuantile(t *testing.T) {
	s := slotOf(t, create(t), 0)
	for i := range 1000 {
		s.Request(0, 200, 0, time.Duration(i+1)*time.Millisecond)
	}
	all := total(s, -1, -1)
	for q, want := range map[float64]float64{0: 0.001, 0.5: 0.5, 0.99: 0.99, 1: 1} {
		if got := all.Quantile(q).Seconds(); math.Abs(got/want-1) > 0.06 {
			t.Errorf("quantile %g is %g, want about %g", q, got, want)
		}
	}
	before := all
	s.Request(0, 200, 0, time.Hour)
	after := total(s, -1, -1)
	if d := after.Since(&before); d.Count != 1 || d.Quantile(0.5) < 50*time.Minute {
		t.Errorf("since: %d requests, median %v", d.Count, d.Quantile(0.5))
	}
}

func TestConcurrentWritersLoseNothing(t *testing.T) {
	s := slotOf(t, create(t), 1)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 5000 {
				s.Request(uint8(i%MaxRoutes), 100*(i%6), 1, time.Duration(i)*time.Microsecond)
			}
		})
	}
	wg.Wait()
	if got := total(s, -1, -1).Count; got != 20000 {
		t.Errorf("%d requests, want 20000", got)
	}
}

func TestSamplesAreARing(t *testing.T) {
	l := create(t)
	start := time.Unix(1_000_000, 0)
	for i := range Samples + 10 {
		l.Record(Sample{Time: start.Add(time.Duration(i) * time.Second), Requests: float64(i), Ready: i})
	}
	all := l.Recorded(time.Time{})
	if len(all) != Samples || all[0].Ready != 10 || all[Samples-1].Requests != Samples+9 {
		t.Errorf("%d samples from %v to %v", len(all), all[0], all[len(all)-1])
	}
	if some := l.Recorded(all[Samples-3].Time); len(some) != 2 {
		t.Errorf("%d samples since the third last, want 2", len(some))
	}
}

func BenchmarkRequest(b *testing.B) {
	s := slotOf(b, create(b), 0)
	for b.Loop() {
		s.Request(1, 200, 100, 3*time.Millisecond)
	}
}

func BenchmarkRead64Slots(b *testing.B) {
	l := create(b)
	for i := range 64 {
		for r := range 6 {
			slotOf(b, l, i).Request(uint8(r), 200, 100, 3*time.Millisecond)
		}
	}
	for b.Loop() {
		var sum Latency
		for i := range 64 {
			slotOf(b, l, i).Series(func(_, _ int, s *Series) { sum.Add(s) })
		}
	}
}
