package spread

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/webchasor/webchasor/supervisor/fleet"
)

func w(id, slot, connections int) Worker {
	return Worker{ID: fleet.ID(id), Slot: slot, Connections: connections, Capacity: 1000}
}

func TestAdopt(t *testing.T) {
	only := func(slots ...int) func(int) bool {
		return func(s int) bool { return slices.Contains(slots, s) }
	}
	full := w(3, 2, 1000)
	tests := []struct {
		name       string
		slots      int
		needs      func(int) bool
		healthy    []Worker
		now        map[int]fleet.ID
		begin, end []Adoption
	}{
		{"everyone is at home", 2, only(), []Worker{w(1, 0, 0), w(2, 1, 0)}, nil, nil, nil},
		{"the least loaded takes it", 3, only(1), []Worker{w(1, 0, 9), w(3, 2, 4)}, nil, []Adoption{{1, 3}}, nil},
		{"two go to two", 4, only(1, 3), []Worker{w(1, 0, 9), w(3, 2, 4)}, nil, []Adoption{{1, 3}, {3, 1}}, nil},
		{"a full one adopts nothing", 3, only(1), []Worker{w(1, 0, 9), full}, nil, []Adoption{{1, 1}}, nil},
		{"a full one is helped by another", 3, only(2), []Worker{w(1, 0, 9), full}, nil, []Adoption{{2, 1}}, nil},
		{"an adoption lasts", 2, only(1), []Worker{w(1, 0, 0)}, map[int]fleet.ID{1: 1}, nil, nil},
		{"the need is over", 2, only(), []Worker{w(1, 0, 0), w(5, 1, 0)}, map[int]fleet.ID{1: 1}, nil, []Adoption{{1, 1}}},
		{"the adopter is gone", 3, only(1), []Worker{w(1, 0, 0)}, map[int]fleet.ID{1: 2}, []Adoption{{1, 1}}, nil},
		{"nobody is left", 2, only(0, 1), nil, map[int]fleet.ID{1: 1}, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			begin, end := Adopt(tt.slots, tt.needs, tt.healthy, tt.now)
			if !reflect.DeepEqual(begin, tt.begin) || !reflect.DeepEqual(end, tt.end) {
				t.Errorf("begin %v, end %v; want %v, %v", begin, end, tt.begin, tt.end)
			}
		})
	}
}

func TestHeirsBeginWithTheReplacement(t *testing.T) {
	healthy := []Worker{w(1, 0, 5), w(9, 1, 300), w(3, 2, 50), w(4, 3, 0)}
	got := Heirs(1, healthy)
	if len(got) != 3 || got[0].ID != 9 || got[1].ID != 4 || got[2].ID != 1 {
		t.Errorf("heirs of slot 1 are %v, want workers 9, 4, 1", got)
	}
	if got := Heirs(7, healthy); len(got) != 4 || got[0].ID != 4 {
		t.Errorf("heirs of a slot that is given up are %v, want all, the emptiest first", got)
	}
}

func TestBalanceMovesTowardsTheMean(t *testing.T) {
	moves := Balance([]Worker{w(1, 0, 30), w(2, 1, 30), w(3, 2, 0)})
	want := []Move{{From: 1, To: 3, Count: 10}, {From: 2, To: 3, Count: 10}}
	if !reflect.DeepEqual(moves, want) {
		t.Errorf("moves %v, want %v", moves, want)
	}
	if moves := Balance([]Worker{w(1, 0, 101), w(2, 1, 99)}); moves != nil {
		t.Errorf("a balance as good as this moved %v", moves)
	}
}

// TestBalanceConverges: rounds end, nobody is overfilled, and the end is balanced.
func TestBalanceConverges(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 1))
		var all []Worker
		for i := range 2 + r.IntN(30) {
			all = append(all, Worker{ID: fleet.ID(i + 1), Slot: i, Connections: r.IntN(900), Capacity: 1000})
		}
		rounds := 0
		for ; ; rounds++ {
			moves := Balance(all)
			if len(moves) == 0 {
				break
			}
			if rounds > 1000 {
				t.Fatalf("seed %d: no end", seed)
			}
			for _, m := range moves {
				from, to := &all[m.From-1], &all[m.To-1]
				from.Connections -= m.Count
				to.Connections += m.Count
				if m.Count <= 0 || from.Connections < 0 || to.Connections > to.Capacity {
					t.Fatalf("seed %d: %+v leaves %+v and %+v", seed, m, *from, *to)
				}
			}
		}
		least, most := all[0].Connections, all[0].Connections
		for _, w := range all {
			least, most = min(least, w.Connections), max(most, w.Connections)
		}
		if float64(most) > 1.15*float64(least)+6 {
			t.Errorf("seed %d: ends between %d and %d", seed, least, most)
		}
	}
}
