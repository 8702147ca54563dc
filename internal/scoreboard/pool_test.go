package scoreboard

import (
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

func TestAcquireGivesEveryEntryOnce(t *testing.T) {
	b, _ := newBoard(t, 5)
	var got []int
	for range 5 {
		i, _ := acquire(t, b)
		got = append(got, i)
	}
	if !slices.Equal(got, []int{0, 1, 2, 3, 4}) {
		t.Errorf("got %v, want the lowest first", got)
	}
	if _, _, ok := b.Acquire(); ok {
		t.Error("a sixth of five entries")
	}
	b.Release(3)
	b.Release(1)
	b.Release(1) // once too often
	for _, want := range []int{1, 3} {
		if i, _ := acquire(t, b); i != want {
			t.Errorf("got %d, want %d", i, want)
		}
	}
	if _, _, ok := b.Acquire(); ok {
		t.Error("a second Release freed it twice")
	}
	if n := b.Snapshot().Connections; n != 5 {
		t.Errorf("%d connections, want 5", n)
	}
}

// Without a change of the tag, a slow pop could take the list's top for the
// one that it saw, although others took and gave back entries meanwhile.
func TestPoolNeverLooksTheSameTwice(t *testing.T) {
	b, _ := newBoard(t, 2)
	first, _ := acquire(t, b)
	acquire(t, b)
	seen := map[uint64]bool{}
	for range 100 {
		b.Release(first)
		if top := b.pool.top.Load(); seen[top] {
			t.Fatalf("the top is %#x again", top)
		} else {
			seen[top] = true
		}
		acquire(t, b)
	}
}

// Many goroutines: nobody ever gets an entry that somebody has, and the
// gauges return to zero.
func TestPoolUnderContention(t *testing.T) {
	const entries, workers, rounds = 16, 24, 3000
	b, _ := newBoard(t, entries)
	var (
		owners  [entries]atomic.Int32
		wg      sync.WaitGroup
		refused atomic.Int32
	)
	for w := range workers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(w)))
			for n := range rounds {
				i, e, ok := b.Acquire()
				if !ok {
					refused.Add(1)
					continue
				}
				if owners[i].Add(1) != 1 {
					t.Error("an entry has two owners")
				}
				e.Open("client", 0)
				id := uint64(w*rounds + n)
				for range rng.IntN(3) {
					e.Begin(id, 0)
					e.Describe("GET", "/path")
					if rng.IntN(2) == 0 {
						e.Stream()
					}
					e.MarkStuck(id)
					if rng.IntN(4) > 0 {
						e.End(0)
					}
				}
				owners[i].Add(-1)
				b.Release(i)
			}
		})
	}
	wg.Wait()
	s := b.Snapshot()
	if s.Connections != 0 || s.InFlight != 0 || s.Streams != 0 {
		t.Errorf("gauges are %d, %d, %d at the end", s.Connections, s.InFlight, s.Streams)
	}
	if n := b.head.touched.Load(); n > entries {
		t.Errorf("touched is %d", n)
	}
	t.Logf("%d of %d refused", refused.Load(), workers*rounds)
}

// One connection's owner, its stream, its watchdog and the master at once:
// what the master calls whole is whole.
func TestReaderMeetsWriters(t *testing.T) {
	worker, fd := newBoard(t, 1)
	master := reopen(t, fd)
	_, e := acquire(t, worker)
	e.Open("client", 0)
	var (
		wg   sync.WaitGroup
		stop atomic.Bool
	)
	wg.Go(func() {
		for id := uint64(0); !stop.Load(); id++ {
			e.Begin(id, 0)
			text := texts[id%uint64(len(texts))]
			e.Describe(text, text)
			e.End(0)
		}
	})
	wg.Go(func() {
		for id := uint64(0); !stop.Load(); id++ {
			e.MarkStuck(id)
			e.Progress(0, id)
		}
	})
	// Alone in its loop, to hit the few instructions of Begin.
	wg.Go(func() {
		for !stop.Load() {
			e.Stream()
		}
	})
	complete, torn := 0, 0
	for range 200_000 {
		for _, r := range master.InFlight(0) {
			want := texts[r.ID%uint64(len(texts))]
			switch {
			case r.Torn:
				torn++
			case r.Method == "" && r.Path == "":
				complete++ // not described yet
			case r.Method != want || r.Path != want || r.Client != "client":
				t.Errorf("request %d reads %q %q, want %q", r.ID, r.Method, r.Path, want)
			default:
				complete++
			}
		}
	}
	stop.Store(true)
	wg.Wait()
	if s := master.Snapshot(); s.InFlight != 0 || s.Streams != 0 {
		t.Errorf("gauges are %d and %d at the end", s.InFlight, s.Streams)
	}
	t.Logf("%d complete, %d torn", complete, torn)
}

// Of different lengths, so that mixing two shows.
var texts = []string{"AAAAAAAAAAAAAAAA", "BBBBBBBB", "CCCCCCCCCCCC", "D"}
