package permits

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/sys"
)

func newBoard(t *testing.T, l Limits) (Descriptors, *Board) {
	t.Helper()
	d, b, err := Create()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = b.Close(), d.Close() })
	b.Configure(l)
	return d, b
}

func sit(t *testing.T, b *Board, scope Scope) (Seat, *Place) {
	t.Helper()
	s, ok := b.Assign(scope)
	if !ok {
		t.Fatal("no row is free")
	}
	return s, b.Place(s)
}

// fill takes until nothing is left and returns how often it could.
func fill(p *Place, n Needs) (taken int) {
	for p.Take(n, Newcomer) == Taken {
		taken++
	}
	return taken
}

func TestHostCountsTogetherAloneApart(t *testing.T) {
	t.Parallel()
	for scope, want := range map[Scope]int{Host: 0, Alone: 3} {
		_, b := newBoard(t, Limits{API: 10, LLM: 3})
		_, one := sit(t, b, scope)
		_, two := sit(t, b, scope)
		if n := fill(one, one.Needs(true, "", "")); n != 3 {
			t.Errorf("scope %d: the first took %d, want 3", scope, n)
		}
		if n := fill(two, two.Needs(true, "", "")); n != want {
			t.Errorf("scope %d: the second took %d, want %d", scope, n, want)
		}
		if n := fill(two, two.Needs(false, "", "")); n != 7 {
			t.Errorf("scope %d: the second took %d without LLM, want 7", scope, n)
		}
	}
}

// A second mapping of the same memory, as a new master has it.
func TestBoardIsInherited(t *testing.T) {
	t.Parallel()
	d, b := newBoard(t, Limits{LLM: 4})
	seat, p := sit(t, b, Host)
	fill(p, p.Needs(true, "", ""))
	heir, err := Open(d)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = heir.Close() }()
	_, q := sit(t, heir, Host)
	if n := fill(q, q.Needs(true, "", "")); n != 0 {
		t.Errorf("the new generation took %d of 4 that are held by the old one", n)
	}
	if u := heir.Usage(); u.UsedLLM != 4 || u.LimitLLM != 4 || len(u.Rows) != 2 {
		t.Errorf("the heir sees %+v", u)
	}
	if n := heir.Free(seat); n != 4 {
		t.Errorf("%d requests' permits came back, want 4", n)
	}
	if n := heir.Free(seat); n != 0 {
		t.Errorf("freed again: %d", n)
	}
	if n := fill(q, q.Needs(true, "", "")); n != 4 {
		t.Errorf("took %d after the dead one's permits came back, want 4", n)
	}
}

func TestOpenRefusesOthers(t *testing.T) {
	t.Parallel()
	fd, err := sys.Memfd("other", 8192)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sys.CloseFD(fd) }()
	if _, err := Open(Descriptors{Memory: fd}); !errors.Is(err, ErrNotBoard) {
		t.Errorf("an empty file: %v", err)
	}
	d, b := newBoard(t, Limits{})
	b.head.version.Store(Version + 1)
	if _, err := Open(d); err == nil {
		t.Error("another layout was opened")
	} else if e, ok := errors.AsType[*VersionError](err); !ok || e.Got != Version+1 {
		t.Errorf("another layout: %v", err)
	}
}

// What one row leaves behind is not the next occupant's.
func TestSeatsAreClean(t *testing.T) {
	t.Parallel()
	for _, scope := range []Scope{Host, Alone} {
		_, b := newBoard(t, Limits{API: 5})
		for round := range 3 {
			seat, p := sit(t, b, scope)
			if seat.Row != 0 {
				t.Fatalf("round %d sits in row %d", round, seat.Row)
			}
			if n := fill(p, p.Needs(false, "", "")); n != 5 {
				t.Errorf("scope %d, round %d: took %d, want 5", scope, round, n)
			}
			p.Count(Admitted, 5)
			b.Free(seat)
		}
		if u := b.Usage(); u.UsedAPI != 0 || u.Admitted != 15 {
			t.Errorf("scope %d: %+v, want 15 admitted and nothing held", scope, u)
		}
	}
}

func TestNamedLimits(t *testing.T) {
	t.Parallel()
	_, b := newBoard(t, Limits{API: 100, PerKey: 2, Keys: map[string]int{"big": 5}, Models: map[string]int{"big": 1}})
	_, p := sit(t, b, Host)
	for _, c := range []struct {
		key, model string
		want       int
	}{{"big", "", 5}, {"small", "", 2}, {"other", "", 2}, {"", "big", 1}, {"", "any", 93 - 3}} {
		if n := fill(p, p.Needs(false, c.key, c.model)); n != c.want {
			t.Errorf("key %q, model %q: took %d, want %d", c.key, c.model, n, c.want)
		}
	}
	if id := p.Take(p.Needs(false, "small", ""), Newcomer); !p.IsKey(id) {
		t.Errorf("a key at its own limit is blocked by semaphore %d", id)
	}
}

// A changed limit holds at once, also for what is already held.
func TestLimitsChange(t *testing.T) {
	t.Parallel()
	_, b := newBoard(t, Limits{API: 8})
	_, p := sit(t, b, Host)
	n := p.Needs(false, "", "")
	fill(p, n)
	b.Configure(Limits{API: 3})
	for held := 8; held > 0; held-- {
		if p.Take(n, Newcomer) == Taken {
			t.Fatalf("took one with %d held and a limit of 3", held)
		}
		p.Put(n)
		if held-1 < 3 {
			break
		}
	}
	b.Configure(Limits{API: 5})
	if got := fill(p, n); got != 3 {
		t.Errorf("took %d with 2 held and a limit of 5, want 3", got)
	}
}

// An older request in another process goes first, unless that process does
// not answer its bell.
func TestElderGoesFirst(t *testing.T) {
	t.Parallel()
	_, b := newBoard(t, Limits{API: 1})
	_, holder := sit(t, b, Host)
	_, elder := sit(t, b, Host)
	_, young := sit(t, b, Host)
	n := holder.Needs(false, "", "")
	fill(holder, n)
	ticket := elder.Ticket()
	elder.Tell(Line{Oldest: ticket, Blocked: [2]uint64{API: ticket}, Waiting: 1})

	holder.Put(n)
	if holder.Next(0) {
		t.Error("the next is said to be the holder itself")
	}
	if !elder.Asked() || young.Asked() {
		t.Errorf("rung for the elder: %v, for the young: %v", elder.Asked(), young.Asked())
	}
	b.rows[elder.seat.Row].askedAt.Store(uint64(b.clock.Now() + time.Hour)) // it has all the time it needs
	if young.Take(n, Newcomer) == Taken {
		t.Error("a newcomer went past the elder, who was rung for")
	}
	elder.Answer()
	if elder.Take(n, ticket) != Taken {
		t.Error("the elder got nothing")
	}
	elder.Put(n)
	elder.Next(0)
	b.rows[elder.seat.Row].asked.Add(1) // and does not answer
	b.rows[elder.seat.Row].askedAt.Store(uint64(b.clock.Now() - 2*answerWithin))
	if young.Take(n, Newcomer) != Taken {
		t.Error("a stopped process holds up the others")
	}
}

// Clients that invent names share one limit when there is no more room.
func TestNamesWithoutRoomShareALimit(t *testing.T) {
	t.Parallel()
	_, b := newBoard(t, Limits{PerModel: 1})
	seat, p := sit(t, b, Host)
	taken := 0
	for i := range 2 * Semaphores {
		taken += fill(p, p.Needs(true, "", fmt.Sprint("model ", i)))
	}
	if want := overflow - firstNamed + 1; taken != want {
		t.Errorf("%d calls to invented models, want %d", taken, want)
	}
	if n := b.Free(seat); n != taken {
		t.Errorf("%d permits came back, want %d", n, taken)
	}
	_, q := sit(t, b, Host)
	if n := fill(q, q.Needs(true, "", "one more")); n != 1 {
		t.Errorf("took %d after all came back, want 1", n)
	}
}

// Names that nobody uses any more give way: a client that invents some does not
// take their own limits from all the others for good.
func TestIdleNamesGiveWay(t *testing.T) {
	t.Parallel()
	_, b := newBoard(t, Limits{PerModel: 2, Models: map[string]int{"own": 1}})
	_, p := sit(t, b, Host)
	_, alone := sit(t, b, Alone)
	busy, quiet := p.Needs(true, "", "busy"), alone.Needs(true, "", "quiet")
	if p.Take(busy, Newcomer) != Taken || alone.Take(quiet, Newcomer) != Taken {
		t.Fatal("nothing to take")
	}
	for i := range 2 * Semaphores {
		n := p.Needs(true, "", fmt.Sprint("invented ", i))
		if fill(p, n) != 2 {
			t.Fatalf("name %d does not have a limit of its own", i)
		}
		p.Put(n)
		p.Put(n)
	}
	for name, want := range map[string]int{"busy": 1, "new": 2, "own": 1} {
		if got := fill(p, p.Needs(true, "", name)); got != want {
			t.Errorf("took %d of %s, want %d", got, name, want)
		}
	}
	if got := fill(alone, alone.Needs(true, "", "quiet")); got != 1 {
		t.Errorf("took %d of a name that a worker counts for itself, want 1", got)
	}
	if forgotten := b.Configure(Limits{Models: map[string]int{"late": 3, "own": 4}}); len(forgotten) != 0 {
		t.Errorf("no room for %v", forgotten)
	}
	if got := fill(p, p.Needs(true, "", "late")); got != 3 {
		t.Errorf("took %d of a model that was configured late, want 3", got)
	}
}

// BenchmarkTakePut is what a request without contention pays.
func BenchmarkTakePut(b *testing.B) {
	for name, scope := range map[string]Scope{"alone": Alone, "host": Host} {
		b.Run(name, func(b *testing.B) {
			d, board, err := Create()
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _, _ = board.Close(), d.Close() }()
			board.Configure(Limits{API: 100, LLM: 20})
			var p *Place
			for range 9 {
				seat, _ := board.Assign(scope)
				p = board.Place(seat)
			}
			for b.Loop() {
				n := p.Needs(true, "", "")
				if p.Take(n, Newcomer) != Taken {
					b.Fatal("no permit")
				}
				p.Put(n)
				p.Next(0)
			}
		})
	}
}
