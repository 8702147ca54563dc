package limit

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var errGone = errors.New("the client is gone")

func never() {}

type class int

const (
	classAPI class = iota
	classChat
	classes
)

func want(c class) Want { return Want{LLM: c == classChat} }

func mustTry(t *testing.T, g *Limiter, c class) *Permit {
	t.Helper()
	p := g.Try(want(c))
	if p == nil {
		t.Fatalf("no permit of class %d although it is free: %+v", c, g.Load())
	}
	return p
}

// queued starts a request that has to wait and reports its name when admitted.
func queued(t *testing.T, g *Limiter, c class, name string, order chan<- string) {
	t.Helper()
	go func() {
		p, err := g.Acquire(t.Context(), want(c), never)
		if err != nil {
			order <- err.Error()
			return
		}
		order <- name
		p.Release()
	}()
	synctest.Wait()
}

func wantOrder(t *testing.T, order <-chan string, want ...string) {
	t.Helper()
	synctest.Wait()
	for _, w := range want {
		select {
		case got := <-order:
			if got != w {
				t.Errorf("admitted %q, want %q", got, w)
			}
		default:
			t.Fatalf("nothing was admitted, want %q", w)
		}
	}
	select {
	case got := <-order:
		t.Errorf("admitted %q, want nothing", got)
	default:
	}
}

func TestLimiterServesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Options{API: 1, LLM: 1, Queue: 10, Patience: time.Minute})
		held := mustTry(t, g, classChat)
		order := make(chan string, 10)
		queued(t, g, classAPI, "first", order)
		queued(t, g, classChat, "second", order)
		queued(t, g, classAPI, "third", order)
		wantOrder(t, order)
		held.Release()
		wantOrder(t, order, "first", "second", "third")
	})
}

// A chat request that waits for an LLM permit does not hold up the others.
func TestLimiterChatDoesNotBlockTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Options{API: 3, LLM: 1, Queue: 10, Patience: time.Minute})
		talking := mustTry(t, g, classChat)
		order := make(chan string, 10)
		queued(t, g, classChat, "chat", order)
		mustTry(t, g, classAPI).Release() // nobody who fits waits: no queue for it
		a, b := mustTry(t, g, classAPI), mustTry(t, g, classAPI)
		queued(t, g, classAPI, "api", order)
		a.Release()
		wantOrder(t, order, "api")
		talking.Release()
		wantOrder(t, order, "chat")
		b.Release()
		if got := g.Load(); got != (Load{}) {
			t.Errorf("left over: %+v", got)
		}
	})
}

func TestLimiterRefuses(t *testing.T) {
	tests := []struct {
		name     string
		room     int
		patience time.Duration
		waiting  int
		want     error
		after    time.Duration
	}{
		{"the queue is full", 2, time.Minute, 2, ErrFull, 0},
		{"no queue", 0, time.Minute, 0, ErrFull, 0},
		{"no patience", 5, 0, 0, ErrFull, 0},
		{"the patience ends", 5, 3 * time.Second, 1, ErrSlow, 3 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := New(Options{API: 1, LLM: 1, Queue: tt.room, Patience: tt.patience})
				held := mustTry(t, g, classAPI)
				order := make(chan string, 10)
				for range tt.waiting {
					queued(t, g, classAPI, "waited", order)
				}
				begin := time.Now()
				p, err := g.Acquire(t.Context(), Want{}, never)
				if p != nil || !errors.Is(err, tt.want) {
					t.Errorf("wait = %v, %v, want %v", p, err, tt.want)
				}
				if took := time.Since(begin); took != tt.after {
					t.Errorf("refused after %v, want %v", took, tt.after)
				}
				held.Release()
				synctest.Wait()
				if got := g.Load(); got != (Load{}) {
					t.Errorf("left over: %+v", got)
				}
			})
		})
	}
}

func TestLimiterUnlimited(t *testing.T) {
	g := New(Options{})
	for range 1000 {
		mustTry(t, g, classChat)
	}
}

// The end of its context frees a waiter's place at once.
func TestLimiterWaiterLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Options{API: 1, LLM: 1, Queue: 1, Patience: time.Minute})
		held := mustTry(t, g, classAPI)
		ctx, cancel := context.WithCancelCause(t.Context())
		left := make(chan error, 1)
		go func() {
			_, err := g.Acquire(ctx, Want{}, never)
			left <- err
		}()
		synctest.Wait()
		if got := g.Load().Waiting; got != 1 {
			t.Fatalf("%d wait, want 1", got)
		}
		begin := time.Now()
		cancel(errGone)
		if err := <-left; !errors.Is(err, errGone) {
			t.Errorf("the waiter left with %v, want the cause of its context", err)
		}
		if took := time.Since(begin); took != 0 {
			t.Errorf("it took %v", took)
		}
		order := make(chan string, 1)
		queued(t, g, classAPI, "next", order)
		held.Release()
		wantOrder(t, order, "next")
	})
}

func TestLimiterBeatsWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Options{API: 1, LLM: 1, Queue: 1, Patience: time.Second})
		mustTry(t, g, classAPI)
		beats := 0
		if _, err := g.Acquire(t.Context(), Want{}, func() { beats++ }); !errors.Is(err, ErrSlow) {
			t.Fatal(err)
		}
		if beats < 8 || beats > 10 {
			t.Errorf("%d beats in one second of waiting, want about %d", beats, time.Second/beatEvery)
		}
	})
}

func TestPermitReleasedTwiceCountsOnce(t *testing.T) {
	g := New(Options{API: 2, LLM: 2, Queue: 0, Patience: 0})
	p, q := mustTry(t, g, classChat), mustTry(t, g, classChat)
	p.Release()
	p.Release()
	if got := (Load{API: 1, LLM: 1}); g.Load() != got {
		t.Errorf("load = %+v, want %+v", g.Load(), got)
	}
	q.Release()
}

// Whatever a random crowd does, the limits hold and every permit comes back.
func TestLimiterProperty(t *testing.T) {
	for seed := range uint64(30) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 7))
			api, room := 1+r.IntN(6), r.IntN(30)
			llm := 1 + r.IntN(api)
			g := New(Options{API: api, LLM: llm, Queue: room, Patience: time.Duration(1+r.IntN(50)) * time.Millisecond})
			var crowd sync.WaitGroup
			var mu sync.Mutex
			var now, most [classes]int
			count := func(c class, d int) {
				mu.Lock()
				defer mu.Unlock()
				for k := classAPI; k <= c; k++ {
					now[k] += d
					most[k] = max(most[k], now[k])
				}
			}
			for range 300 {
				arrive := time.Duration(r.IntN(200)) * time.Millisecond
				hold := time.Duration(r.IntN(20)) * time.Millisecond
				abort := time.Duration(1+r.IntN(60)) * time.Millisecond
				c := class(r.IntN(int(classes)))
				crowd.Go(func() {
					<-time.After(arrive)
					ctx, cancel := context.WithTimeout(t.Context(), abort)
					defer cancel()
					p, err := g.Acquire(ctx, want(c), never)
					if err != nil {
						return
					}
					count(c, 1)
					select {
					case <-time.After(hold):
					case <-ctx.Done():
					}
					count(c, -1)
					p.Release()
				})
			}
			crowd.Wait()
			if got := g.Load(); got != (Load{}) {
				t.Errorf("seed %d: left over: %+v", seed, got)
			}
			if most[classAPI] > api || most[classChat] > llm {
				t.Errorf("seed %d: %v at once, limits %d and %d", seed, most, api, llm)
			}
			if most[classAPI] == 0 {
				t.Errorf("seed %d: nobody was admitted", seed)
			}
		})
	}
}
