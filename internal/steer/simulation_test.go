package steer

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// service is a simulated one: arrivals at given times, loads sampled as Pacer
// says, each connection to a slot drawn by the weights of the last sample.
type service struct {
	held     []int // at the start
	arrivals int
	over     time.Duration
	even     bool          // arrivals at even distances, not at random
	first    time.Duration // until the first sample that sees arrivals; 0: at random within the fastest interval
	lag      time.Duration // how old a sample's loads are when the program takes effect
	weights  func([]Load, float64) []uint32
}

// run returns the connections of each slot in the end.
func (s service) run(seed uint64) []int {
	rng := rand.New(rand.NewPCG(seed, 1))
	held := slices.Clone(s.held)
	times := make([]time.Duration, s.arrivals)
	for i := range times {
		times[i] = time.Duration(rng.Int64N(int64(s.over)))
		if s.even {
			times[i] = s.over * time.Duration(i) / time.Duration(s.arrivals)
		}
	}
	slices.Sort(times)
	var pacer Pacer
	var guess Estimator
	var total, seen uint64
	guess.Observe(0, 0)
	weigh := s.weights
	if weigh == nil {
		weigh = Weights
	}
	sample := func() []uint32 {
		loads := make([]Load, len(held))
		for i, n := range held {
			loads[i] = Load{Slot: i, Connections: n, Capacity: 1000, Open: true}
		}
		return weigh(loads, guess.Expect(fastest))
	}
	weights := sample()
	type change struct {
		at      time.Duration
		weights []uint32
	}
	var pending []change
	last, next := time.Duration(0), s.first
	if next == 0 {
		next = time.Duration(rng.Int64N(int64(fastest)))
	}
	for _, now := range times {
		for next <= now {
			guess.Observe(total, next-last)
			pending = append(pending, change{next + s.lag, sample()})
			last = next
			next += pacer.Next(total != seen)
			seen = total
		}
		for len(pending) > 0 && pending[0].at <= now {
			weights, pending = pending[0].weights, pending[1:]
		}
		held[draw(rng, weights)]++
		total++
	}
	return held
}

// draw picks an index with the probability of its weight.
func draw(rng *rand.Rand, weights []uint32) int {
	var sum uint64
	for _, w := range weights {
		sum += uint64(w)
	}
	x := rng.Uint64N(sum)
	for i, w := range weights {
		if x < uint64(w) {
			return i
		}
		x -= uint64(w)
	}
	return -1
}

// toLeast is the obvious policy that this package is not.
func toLeast(loads []Load, _ float64) []uint32 {
	weights := make([]uint32, len(loads))
	least := slices.MinFunc(loads, func(a, b Load) int { return a.Connections - b.Connections })
	weights[least.Slot] = 1
	return weights
}

// alike ignores the loads, as the kernel's hash does.
func alike(loads []Load, _ float64) []uint32 {
	weights := make([]uint32, len(loads))
	for i := range weights {
		weights[i] = 1
	}
	return weights
}

func times(n, count int) []int { return slices.Repeat([]int{n}, count) }

func TestSimulation(t *testing.T) {
	const seeds = 200
	uneven := []int{20, 22, 19, 21, 23, 18, 20, 22, 21}
	newcomer := append(times(100, 8), 0)
	ratio := func(held []int) float64 { return float64(slices.Max(held)) / float64(max(1, slices.Min(held))) }
	spread := func(held []int) float64 { return float64(slices.Max(held) - slices.Min(held)) }
	cases := []struct {
		name    string
		s       service
		measure func([]int) float64
		median  float64 // of all seeds, at most
		worst   float64 // at most; for a policy that is not ours the median is at least this
	}{
		{"900 over 3 s", service{held: times(0, 9), arrivals: 900, over: 3 * time.Second}, ratio, 1.1, 1.15},
		{"900 over 3 s, loads 5 ms old", service{held: times(0, 9), arrivals: 900, over: 3 * time.Second, lag: 5 * time.Millisecond}, ratio, 1.1, 1.15},
		{"900 over 3 s, all alike", service{held: times(0, 9), arrivals: 900, over: 3 * time.Second, weights: alike}, ratio, 0, 1.3},
		{"900 within 50 ms", service{held: times(0, 9), arrivals: 900, over: 50 * time.Millisecond}, ratio, 1.3, 1.5},
		{"900 within 50 ms, unforeseen for 250 ms", service{held: times(0, 9), arrivals: 900, over: 50 * time.Millisecond, first: slowest}, ratio, 1.4, 2},
		{"900 within 50 ms on uneven loads", service{held: uneven, arrivals: 900, over: 50 * time.Millisecond}, ratio, 1.3, 1.5},
		{"900 within 50 ms beside a newcomer", service{held: newcomer, arrivals: 900, over: 50 * time.Millisecond}, ratio, 1.3, 1.5},
		{"900 within 50 ms, all to the least", service{held: times(0, 9), arrivals: 900, over: 50 * time.Millisecond, weights: toLeast}, ratio, 0, 4},
		{"80 streams over 2 s", service{held: times(0, 8), arrivals: 80, over: 2 * time.Second, even: true}, spread, 2, 2},
		{"80 streams over 2 s, at random", service{held: times(0, 8), arrivals: 80, over: 2 * time.Second}, spread, 2, 4},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			figures := make([]float64, seeds)
			for seed := range figures {
				figures[seed] = c.measure(c.s.run(uint64(seed)))
			}
			slices.Sort(figures)
			median, p99, worst := figures[seeds/2], figures[seeds*99/100], figures[seeds-1]
			t.Logf("median %.2f, 99%% %.2f, worst %.2f", median, p99, worst)
			if c.s.weights != nil {
				if median < c.worst {
					t.Errorf("the counterexample is at %.2f, not above %.2f: does the simulation measure anything?", median, c.worst)
				}
				return
			}
			if median > c.median || worst > c.worst {
				t.Errorf("median %.2f and worst %.2f, want %.2f and %.2f", median, worst, c.median, c.worst)
			}
		})
	}
}
