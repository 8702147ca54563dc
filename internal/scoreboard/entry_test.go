package scoreboard

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// only returns the one request under way.
func only(t *testing.T, b *Board, now time.Duration) Request {
	t.Helper()
	list := b.InFlight(now)
	if len(list) != 1 {
		t.Fatalf("%d requests are under way, want 1: %+v", len(list), list)
	}
	return list[0]
}

func TestEntryTellsTheLifeOfAConnection(t *testing.T) {
	worker, fd := newBoard(t, 4)
	master := reopen(t, fd)
	index, e := acquire(t, worker)
	want := Request{Index: index, Client: "192.0.2.1:50000"}
	steps := []struct {
		name string
		do   func()
		want func()
		idle bool
	}{
		{name: "open", do: func() { e.Open("192.0.2.1:50000", 10*second) }, idle: true},
		{name: "begin", do: func() { e.Begin(77, 20*second) }, want: func() {
			want.ID, want.Age, want.Quiet = 77, 80*second, 80*second
		}},
		{name: "describe", do: func() { e.Describe("POST", "/v1/chat/completions") }, want: func() {
			want.Method, want.Path = "POST", "/v1/chat/completions"
		}},
		{name: "progress", do: func() { e.Progress(70*second, 4096) }, want: func() {
			want.Quiet, want.BytesOut = 30*second, 4096
		}},
		{name: "stream", do: func() { e.Stream(); e.Stream() }, want: func() { want.Streaming = true }},
		{name: "stuck", do: func() { e.MarkStuck(77) }, want: func() { want.Stuck = true }},
		{name: "rename", do: func() { e.Rename("198.51.100.200:1") }, want: func() { want.Client = "198.51.100.200:1" }},
		{name: "end", do: func() { e.End(80 * second) }, idle: true},
		{name: "next", do: func() { e.Begin(78, 90*second) }, want: func() {
			// Nothing of the last request shows through.
			want = Request{Index: index, Client: want.Client, ID: 78, Age: 10 * second, Quiet: 10 * second}
		}},
		{name: "same text", do: func() { e.DescribeBytes([]byte("POST"), []byte("/v1/chat/completions")) }, want: func() {
			want.Method, want.Path = "POST", "/v1/chat/completions"
		}},
		{name: "shorter text", do: func() { e.DescribeBytes([]byte("GET"), []byte("/v1")) }, want: func() {
			want.Method, want.Path = "GET", "/v1"
		}},
		{name: "next without end", do: func() { e.Stream(); e.Begin(79, 95*second) }, want: func() {
			want = Request{Index: index, Client: want.Client, ID: 79, Age: 5 * second, Quiet: 5 * second}
		}},
		{name: "release", do: func() { worker.Release(index) }, idle: true},
	}
	for _, s := range steps {
		s.do()
		if s.want != nil {
			s.want()
		}
		snap := master.Snapshot()
		if s.idle {
			if list := master.InFlight(100 * second); len(list) != 0 || snap.InFlight != 0 || snap.Streams != 0 {
				t.Errorf("%s: %d listed, gauges %d and %d; want none", s.name, len(list), snap.InFlight, snap.Streams)
			}
			continue
		}
		if got := only(t, master, 100*second); got != want {
			t.Errorf("%s: got %+v\nwant %+v", s.name, got, want)
		}
		streams := 0
		if want.Streaming {
			streams = 1
		}
		if snap.InFlight != 1 || snap.Streams != streams {
			t.Errorf("%s: gauges are %d and %d, want 1 and %d", s.name, snap.InFlight, snap.Streams, streams)
		}
	}
	if n := master.Snapshot().Connections; n != 0 {
		t.Errorf("%d connections are left", n)
	}
}

// TestIdleNamesWhoHasNoRequest: whoever loses a connection with a dead worker
// is in one of the two lists.
func TestIdleNamesWhoHasNoRequest(t *testing.T) {
	b, fd := newBoard(t, 8)
	master := reopen(t, fd)
	var last *Entry
	for _, client := range []string{"192.0.2.1:1", "192.0.2.2:2", "192.0.2.3:3", "192.0.2.4:4"} {
		_, last = acquire(t, b)
		last.Open(client, 0)
	}
	gone, e := acquire(t, b)
	e.Open("192.0.2.5:5", 0)
	b.Release(gone)
	last.Begin(1, 0)
	if got, all := master.Idle(2); all != 3 || !slices.Equal(got, []string{"192.0.2.1:1", "192.0.2.2:2"}) {
		t.Errorf("%v of %d, want the first two of three", got, all)
	}
	last.End(0)
	if got, all := master.Idle(9); all != 4 || len(got) != 4 || got[3] != "192.0.2.4:4" {
		t.Errorf("%v of %d, want all four", got, all)
	}
}

func TestMarkStuckHitsOnlyItsRequest(t *testing.T) {
	b, _ := newBoard(t, 1)
	_, e := acquire(t, b)
	e.Open("c", 0)
	if e.MarkStuck(0) {
		t.Error("an idle connection is stuck")
	}
	e.Begin(1, 0)
	if e.MarkStuck(2) {
		t.Error("another request is stuck")
	}
	if !e.MarkStuck(1) || !only(t, b, 0).Stuck {
		t.Error("the request is not stuck")
	}
	e.End(0)
	if e.MarkStuck(1) {
		t.Error("a request that ended is stuck")
	}
	e.Begin(2, 0)
	if e.MarkStuck(1) || only(t, b, 0).Stuck {
		t.Error("the next request is stuck")
	}
}

func TestStreamNeedsARequest(t *testing.T) {
	b, _ := newBoard(t, 1)
	_, e := acquire(t, b)
	e.Open("c", 0)
	e.Stream()
	if n := b.Snapshot().Streams; n != 0 {
		t.Errorf("%d streams on an idle connection", n)
	}
}

// A connection that the application took is no request, but it needs a stream's time.
func TestHijackedConnectionIsAStream(t *testing.T) {
	b, _ := newBoard(t, 1)
	index, e := acquire(t, b)
	for range 2 { // the entry is used again
		e.Open("c", 0)
		e.Begin(1, 0)
		e.Stream()
		e.Hijack(second)
		e.Hijack(second)
		if s := b.Snapshot(); s.InFlight != 0 || s.Streams != 1 || len(b.InFlight(second)) != 0 {
			t.Errorf("hijacked: %d in flight, %d streams", s.InFlight, s.Streams)
		}
		b.Release(index)
		if s := b.Snapshot(); s.InFlight != 0 || s.Streams != 0 {
			t.Errorf("released: %d in flight, %d streams", s.InFlight, s.Streams)
		}
		index, e = acquire(t, b)
	}
}

// An answer belongs to one request, and stays with it when its handler hangs.
func TestMarkAnswered(t *testing.T) {
	b, _ := newBoard(t, 1)
	_, e := acquire(t, b)
	e.Open("c", 0)
	for id, status := range map[uint64]int{1: 503, 2: 408} {
		e.Begin(id, 0)
		e.MarkAnswered(id+5, status)
		if got := only(t, b, 0).Answered; got != 0 {
			t.Errorf("another request's answer: %d", got)
		}
		e.MarkAnswered(id, status)
		e.MarkStuck(id)
		if got := only(t, b, 0); got.Answered != status || !got.Stuck {
			t.Errorf("answered with %d, want %d; stuck %v", got.Answered, status, got.Stuck)
		}
		e.End(0)
		e.MarkAnswered(id, status)
	}
}

func TestEntryText(t *testing.T) {
	long := strings.Repeat("0123456789", 20)
	cases := []struct{ method, path, client, wantMethod, wantPath, wantClient string }{
		{"", "", "", "", "", ""},
		{"GET", "/", "c", "GET", "/", "c"},
		{"OPTIONS8", "/1234567", "12345678", "OPTIONS8", "/1234567", "12345678"}, // whole words
		{long, long, long, long[:MethodLen], long[:PathLen], long[:ClientLen]},
		{"GET\n", "/\x1b[31m\x00\x7f", "a\tb", "GET?", "/?[31m??", "a?b"},
		{"GÉT", "/日本語", "\xff\xfe", "GÉT", "/日本語", "??"},
		{"GET", "/" + strings.Repeat("語", 50), "", "GET", "/" + strings.Repeat("語", 42) + "?", ""}, // cut within a letter
	}
	for _, c := range cases {
		b, _ := newBoard(t, 1)
		_, e := acquire(t, b)
		e.Open(c.client, 0)
		e.Begin(1, 0)
		e.Describe(c.method, c.path)
		got := only(t, b, 0)
		if got.Method != c.wantMethod || got.Path != c.wantPath || got.Client != c.wantClient {
			t.Errorf("%q %q %q reads %q %q %q", c.method, c.path, c.client, got.Method, got.Path, got.Client)
		}
		if got.Torn {
			t.Error("torn without a writer")
		}
	}
}

func TestInFlightIsSortedByAge(t *testing.T) {
	b, _ := newBoard(t, 8)
	starts := []time.Duration{5 * second, 1 * second, 9 * second, 1 * second, 200 * second}
	for i, start := range starts {
		_, e := acquire(t, b)
		e.Open("c", 0)
		e.Begin(uint64(i), start)
	}
	var ids []uint64
	for _, r := range b.InFlight(100 * second) {
		ids = append(ids, r.ID)
		if r.Age < 0 || r.Quiet < 0 {
			t.Errorf("request %d has age %v, quiet %v", r.ID, r.Age, r.Quiet)
		}
	}
	want := []uint64{1, 3, 0, 2, 4}
	for i := range want {
		if len(ids) != len(want) || ids[i] != want[i] {
			t.Fatalf("order is %v, want %v", ids, want)
		}
	}
}

// A writer that stops between two stores leaves an entry that says so.
func TestHalfWrittenEntries(t *testing.T) {
	b, _ := newBoard(t, 1)
	_, e := acquire(t, b)
	e.Open("client", 0)
	e.Begin(1, 0)
	e.Describe("GET", "/first")
	e.rec.control.Add(sequence) // as Describe does first
	pack(e.rec.path[:], []byte("/second"))
	got := only(t, b, second)
	if !got.Torn || got.ID != 1 || got.Client != "client" {
		t.Errorf("half a Describe reads %+v", got)
	}
	e.rec.control.Add(sequence)
	e.End(0)
	// Half a Begin is no request yet.
	e.rec.control.Store(e.rec.control.Load() + sequence)
	e.rec.id.Store(2)
	if list := b.InFlight(second); len(list) != 0 {
		t.Errorf("half a Begin reads %+v", list)
	}
}

func TestWhole(t *testing.T) {
	const even, odd = 2 * sequence, 3 * sequence
	cases := []struct {
		name          string
		before, after uint64
		want          bool
	}{
		{"untouched", even | entryActive, even | entryActive, true},
		{"marked meanwhile", even | entryActive, even | entryStuck | flagStreaming, true},
		{"writer at work", odd | entryActive, odd | entryActive, false},
		{"writer began", even | entryActive, odd | entryActive, false},
		{"writer ended", odd | entryActive, 2*even | entryActive, false},
		{"the next request", even | entryActive, 2*even | entryActive, false},
	}
	for _, c := range cases {
		if got := whole(c.before, c.after); got != c.want {
			t.Errorf("%s: got %v", c.name, got)
		}
	}
}

func BenchmarkRequest(b *testing.B) {
	board, _ := newBoard(b, 1000)
	_, e := acquire(b, board)
	e.Open("192.0.2.1:50000", 0)
	paths := []string{"/v1/chat/completions", "/v1/models"}
	bench := func(name string, step func(i uint64)) {
		b.Run(name, func(b *testing.B) {
			var i uint64
			for b.Loop() {
				i++
				step(i)
			}
		})
	}
	bench("same path", func(i uint64) {
		e.Begin(i, time.Duration(i))
		e.Describe("POST", paths[0])
		e.Progress(time.Duration(i), 100)
		e.End(time.Duration(i))
	})
	bench("other path", func(i uint64) {
		e.Begin(i, time.Duration(i))
		e.Describe("POST", paths[i&1])
		e.Progress(time.Duration(i), 100)
		e.End(time.Duration(i))
	})
	bench("Begin", func(i uint64) { e.Begin(i, time.Duration(i)) })
	bench("Describe", func(uint64) { e.Describe("POST", paths[0]) })
	bench("Progress", func(i uint64) { e.Progress(time.Duration(i), i) })
	bench("End", func(i uint64) { e.End(time.Duration(i)) })
	totals := board.Totals()
	bench("Totals.Request", func(i uint64) { totals.Request(200, 100, time.Duration(i)) })
}

func BenchmarkSnapshot(b *testing.B) {
	board, _ := newBoard(b, 1000)
	for b.Loop() {
		board.Snapshot()
	}
}

func BenchmarkInFlight1000(b *testing.B) {
	board, _ := newBoard(b, 1000)
	for range 1000 {
		_, e, _ := board.Acquire()
		e.Open("192.0.2.1:50000", 0)
	}
	for b.Loop() {
		board.InFlight(0)
	}
}
