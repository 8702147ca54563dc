package limit

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/permits"
)

// host is a board and the workers on it, each with a mapping of its own as
// processes have; only the address space is shared.
type host struct {
	t      *testing.T
	fds    permits.Descriptors
	master *permits.Board
}

func newHost(t *testing.T, l permits.Limits) *host {
	t.Helper()
	fds, board, err := permits.Create()
	if err != nil {
		t.Fatal(err)
	}
	// Not closed: the goroutines that listen to bells live as long as a worker.
	board.Configure(l)
	return &host{t, fds, board}
}

func (h *host) worker() (*Limiter, permits.Seat) {
	h.t.Helper()
	seat, ok := h.master.Assign(permits.Host)
	if !ok {
		h.t.Fatal("no seat")
	}
	board, err := permits.Open(h.fds)
	if err != nil {
		h.t.Fatal(err)
	}
	return New(Options{Place: board.Place(seat)}), seat
}

// TestHostPermitsGoRound: many requests at several workers, of whom one dies
// with all it has. The limit holds, and everybody else is served.
func TestHostPermitsGoRound(t *testing.T) {
	t.Parallel()
	const limit = 4
	h := newHost(t, permits.Limits{API: 100, LLM: limit, Queue: 1000, Patience: patience})
	dead, seat := h.worker()
	for range limit - 1 {
		if dead.Try(Want{LLM: true}) == nil {
			t.Fatal("no permit for the first worker")
		}
	}
	var under, most, served atomic.Int64
	var crowd sync.WaitGroup
	for w := range uint64(3) {
		l, _ := h.worker()
		for i := range uint64(20) {
			r := rand.New(rand.NewPCG(w, i))
			crowd.Go(func() {
				for range 5 {
					p, err := l.Acquire(t.Context(), Want{LLM: r.IntN(4) > 0}, never)
					if err != nil {
						t.Errorf("no permit: %v", err)
						return
					}
					llm := len(p.needs.IDs()) > 1
					if llm {
						raise(&most, under.Add(1))
					}
					<-time.After(time.Duration(r.IntN(3)) * time.Millisecond)
					if llm {
						under.Add(-1)
					}
					served.Add(1)
					p.Release()
					p.Release()
				}
			})
		}
	}
	eventually(t, "the others share what is left", func() bool { return served.Load() > 30 })
	if most.Load() > 1 {
		t.Errorf("%d at a time beside the %d of the first worker, limit %d", most.Load(), limit-1, limit)
	}
	if n := h.master.Free(seat); n != limit-1 {
		t.Errorf("%d permits of the dead worker came back, want %d", n, limit-1)
	}
	crowd.Wait()
	if most.Load() > limit {
		t.Errorf("%d at a time, limit %d", most.Load(), limit)
	}
	eventually(t, "nobody waits", func() bool { return h.master.Usage().Waiting == 0 })
	u := h.master.Usage()
	if u.UsedAPI != 0 || u.UsedLLM != 0 || u.Waiting != 0 || served.Load() != 300 {
		t.Errorf("%d served, left over: %+v", served.Load(), u)
	}
	if u.Admitted != 300+limit-1 || u.RefusedFull+u.RefusedSlow != 0 {
		t.Errorf("counted: %+v", u)
	}
}

// TestHostServesInOrder: first come first served, whatever worker they came to.
func TestHostServesInOrder(t *testing.T) {
	t.Parallel()
	h := newHost(t, permits.Limits{API: 1, Queue: 100, Patience: patience})
	var workers []*Limiter
	for range 3 {
		l, _ := h.worker()
		workers = append(workers, l)
	}
	held := workers[0].Try(Want{})
	order := make(chan int, 9)
	for i := range 9 {
		l := workers[i%3]
		go func() {
			p, err := l.Acquire(t.Context(), Want{}, never)
			if err != nil {
				t.Errorf("number %d: %v", i, err)
				order <- -1
				return
			}
			order <- i
			p.Release()
		}()
		eventually(t, "it waits", func() bool { return h.master.Usage().Waiting == i+1 })
	}
	held.Release()
	// Within a worker the order is strict. Among workers, one that is slow to
	// answer its bell, as on a busy machine, loses its turn.
	late, last := 0, map[int]int{0: -1, 1: -1, 2: -1}
	for want := range 9 {
		got := <-order
		if got != want {
			late++
		}
		if got < last[got%3] {
			t.Errorf("number %d was served after number %d of the same worker", got, last[got%3])
		}
		last[got%3] = got
	}
	t.Logf("%d of 9 not in turn", late)
}

// TestHostLimitIsHot: what the master writes holds at once.
func TestHostLimitIsHot(t *testing.T) {
	t.Parallel()
	limits := permits.Limits{API: 1, Queue: 10, Patience: patience}
	h := newHost(t, limits)
	l, _ := h.worker()
	if l.Try(Want{}) == nil {
		t.Fatal("no permit")
	}
	got := make(chan error, 1)
	go func() {
		_, err := l.Acquire(t.Context(), Want{}, never)
		got <- err
	}()
	eventually(t, "it waits", func() bool { return l.Load().Waiting == 1 })
	limits.API = 2
	h.master.Configure(limits)
	if err := <-got; err != nil {
		t.Errorf("after the limit was raised: %v", err)
	}
	limits.Queue, limits.FullStatus = 0, 429
	h.master.Configure(limits)
	_, err := l.Acquire(t.Context(), Want{}, never)
	if r, ok := err.(*Refusal); !ok || r.Status != 429 || r.Reason != ErrFull {
		t.Errorf("with no queue: %v", err)
	}
}
