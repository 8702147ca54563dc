package worker

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

// A worker gives memory back when that is worth it, is paid for, and does not
// stand in the way of requests.
func TestTidyWhenQuiet(t *testing.T) {
	t.Parallel()
	const mb = 1 << 20
	quiet, busy := 100*time.Millisecond, 600*time.Millisecond
	for _, tt := range []struct {
		what          string
		live, garbage uint64
		used, cost    time.Duration
		want          bool
	}{
		{"quiet, much garbage", 40 * mb, 20 * mb, quiet, 0, true},
		{"busy", 40 * mb, 20 * mb, busy, 0, false},
		{"little beside what is in use", 40 * mb, 4 * mb, quiet, 0, false},
		{"little", mb, 3 * mb, quiet, 0, false},
		{"the last one was dear", 40 * mb, 20 * mb, quiet, time.Second, false},
		{"the last one was cheap", 40 * mb, 20 * mb, quiet, 50 * time.Millisecond, true},
	} {
		start := look{at: time.Hour, cpu: time.Minute, live: 40 * mb}
		d := tidy{last: start}
		start.cpu += tt.cost
		d.done(start)
		next := look{at: start.at + tidyEvery, cpu: start.cpu + tt.used, live: tt.live, garbage: tt.garbage}
		if got := d.due(next); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.what, got, tt.want)
		}
	}
	if (&tidy{}).due(look{at: time.Hour, garbage: 1 << 30}) {
		t.Error("at the first look nobody knows whether the worker is busy")
	}
}

// What is called garbage is: a collection takes it away.
func TestGarbageIsSeen(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the processor time of a process is read on Linux only")
	}
	c := &core{t: &tracker{}}
	before := debug.SetGCPercent(100_000) // so that nobody else collects in between
	defer debug.SetGCPercent(before)
	debug.FreeOSMemory()
	const size = 64 << 20
	sink = make([]byte, size) //nolint:ineffassign // made to be thrown away
	sink = nil
	full, ok := c.look()
	if !ok || full.garbage < size/2 {
		t.Errorf("%d bytes of garbage, %v; want about %d", full.garbage, ok, size)
	}
	debug.FreeOSMemory()
	if after, _ := c.look(); after.garbage > full.garbage/2 {
		t.Errorf("%d bytes of garbage after a collection, %d before", after.garbage, full.garbage)
	}
	debug.SetGCPercent(-1)
	if _, ok := c.look(); ok {
		t.Error("it would collect though GOGC is off")
	}
}

// sink keeps the compiler from putting garbage on the stack.
var sink []byte
