package spread

import (
	"cmp"
	"slices"

	"github.com/webchasor/webchasor/supervisor/fleet"
)

// Move asks one worker to hand idle connections to another.
type Move struct {
	From, To fleet.ID
	Count    int
}

// Balancing is gentle: only a clear imbalance counts, and one round moves
// few connections, because each move costs both workers some work and a client
// that just becomes busy a moment.
const (
	tolerance = 1.06 // of the mean, before anything moves
	slack     = 2    // connections that are nothing to speak of
	roundMost = 128  // connections moved in one round, all together
)

// Balance proposes the moves of one round: from those that hold clearly more
// than the mean to those that hold less. New connections are steered to the
// empty ones anyway; this is for long-lived ones after a scale-up or a burst.
func Balance(healthy []Worker) []Move {
	if len(healthy) < 2 {
		return nil
	}
	total := 0
	for _, w := range healthy {
		total += w.Connections
	}
	mean := float64(total) / float64(len(healthy))
	sorted := slices.Clone(healthy)
	slices.SortFunc(sorted, func(a, b Worker) int {
		return cmp.Or(cmp.Compare(b.Connections, a.Connections), cmp.Compare(a.ID, b.ID))
	})
	fullest, emptiest := sorted[0], sorted[len(sorted)-1]
	if float64(fullest.Connections) <= mean*tolerance+slack && float64(emptiest.Connections) >= mean/tolerance-slack {
		return nil
	}
	var moves []Move
	left := roundMost
	for i, j := 0, len(sorted)-1; i < j && left > 0; {
		from, to := &sorted[i], &sorted[j]
		n := min(excess(*from, mean), lack(*to, mean), left)
		if n > 0 {
			moves = append(moves, Move{From: from.ID, To: to.ID, Count: n})
			from.Connections -= n
			to.Connections += n
			left -= n
		}
		if excess(*from, mean) <= 0 {
			i++
		}
		if lack(*to, mean) <= 0 {
			j--
		}
	}
	return moves
}

func excess(w Worker, mean float64) int { return w.Connections - int(mean+0.999) }

func lack(w Worker, mean float64) int { return min(int(mean)-w.Connections, w.free()) }
