package supervisor

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/scoreboard"
	"github.com/webchasor/webchasor/internal/sys"
	"github.com/webchasor/webchasor/supervisor/fleet"
)

// busyWorkers are boards with so many requests under way, the oldest named by their age's rank.
func busyWorkers(t testing.TB, workers, requests int) *master {
	t.Helper()
	m := &master{children: map[fleet.ID]*child{}, clock: sys.NewClock()}
	order := rand.New(rand.NewPCG(1, 2)).Perm(workers * requests)
	now := m.clock.Now()
	for w := range workers {
		fd, b, err := scoreboard.Create(scoreboard.Options{Entries: requests, Slot: w})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { b.Close(); _ = sys.CloseFD(fd) })
		for r := range requests {
			_, e, _ := b.Acquire()
			rank := order[w*requests+r]
			e.Open("192.0.2.1:1", now)
			e.Begin(uint64(r), now-time.Duration(len(order)-rank)*10*time.Microsecond)
			e.Describe("GET", fmt.Sprintf("/%d", rank))
		}
		m.children[fleet.ID(w+1)] = &child{id: fleet.ID(w + 1), slot: w, pid: w + 1, board: b}
	}
	return m
}

func TestTheOldestRequestsOfAll(t *testing.T) {
	m := busyWorkers(t, 3, 100)
	for _, limit := range []int{1, 7, 60, 150, 299, 300, 1000, 0} {
		got := m.requests(time.Now(), limit)
		want := limit
		if limit == 0 || limit > 300 {
			want = 300
		}
		if len(got.Requests) != want || got.Omitted != 300-want {
			t.Fatalf("limit %d: %d requests, %d omitted", limit, len(got.Requests), got.Omitted)
		}
		for i, r := range got.Requests {
			if r.Path != fmt.Sprintf("/%d", i) || r.Method != "GET" || r.State != "waiting" || r.PID == 0 {
				t.Fatalf("limit %d: number %d is %+v", limit, i, r)
			}
		}
	}
}

// A thousand requests in each of 64 workers, as a dashboard asks for them.
func BenchmarkRequests64Workers(b *testing.B) {
	m := busyWorkers(b, 64, 1000)
	for b.Loop() {
		m.requests(time.Now(), 60)
	}
}
