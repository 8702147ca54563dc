package worker

import (
	"math"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/webchasor/webchasor/internal/sys"
)

// tidy gives memory back while the worker has little to do. Go collects when the
// heap has grown by as much as is in use, stacks included: a worker that holds
// thousands of quiet streams may keep what their beginnings left behind for
// many minutes, and what it once needed for longer than that.
//
// It costs a processor at most a fiftieth of its time, and nothing while the worker is busy.
type tidy struct {
	last look
	next time.Duration // earliest next time, sys.Monotonic
}

const (
	tidyEvery = 5 * time.Second
	tidyQuiet = 10      // little to do is a tenth of a processor
	tidyShare = 50      // of the time, see above
	tidyLeast = 4 << 20 // less is not worth it
	tidyPart  = 8       // nor is less than this part of what is in use
)

// look is what decides.
type look struct {
	at      time.Duration // sys.Monotonic
	cpu     time.Duration // used by the process, ever
	live    uint64        // bytes in use after the last collection
	garbage uint64        // bytes that a collection would give back, about
}

// due says whether to collect now.
func (t *tidy) due(now look) bool {
	before := t.last
	t.last = now
	over := now.at - before.at
	return before.at > 0 && now.at >= t.next && (now.cpu-before.cpu)*tidyQuiet < over &&
		now.garbage >= max(tidyLeast, now.live/tidyPart)
}

// done says what it cost.
func (t *tidy) done(after look) {
	t.next = after.at + tidyShare*(after.cpu-t.last.cpu)
	t.last = after
}

// tidyUp collects now and then until stop is closed.
func (c *core) tidyUp(stop <-chan struct{}) {
	ticker := time.NewTicker(tidyEvery)
	defer ticker.Stop()
	var t tidy
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
		}
		now, ok := c.look()
		if !ok {
			return
		}
		if t.due(now) {
			debug.FreeOSMemory()
			now, _ = c.look()
			t.done(now)
		}
	}
}

// look is not ok where the system does not tell, or where the operator wants no
// collections (GOGC=off).
func (c *core) look() (l look, ok bool) {
	sample := []metrics.Sample{
		{Name: "/gc/gogc:percent"},
		{Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
	}
	metrics.Read(sample)
	for _, s := range sample {
		if s.Value.Kind() != metrics.KindUint64 {
			return look{}, false
		}
	}
	cpu, err := sys.CPUTime(os.Getpid())
	if err != nil || sample[0].Value.Uint64() == math.MaxUint64 {
		return look{}, false
	}
	l = look{at: c.t.clock.Now(), cpu: cpu, live: sample[1].Value.Uint64()}
	objects, free := sample[2].Value.Uint64(), sample[3].Value.Uint64()
	l.garbage = objects - min(l.live, objects) + free
	return l, true
}
