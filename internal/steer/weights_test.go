package steer

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func open(slot, connections, capacity int) Load {
	return Load{Slot: slot, Connections: connections, Capacity: capacity, Open: true}
}

func TestWeights(t *testing.T) {
	closed := Load{Slot: 1, Connections: 0, Capacity: 100}
	adopted := Load{Slot: 2, Capacity: 100, Adopted: true}
	cases := []struct {
		name     string
		loads    []Load
		expected float64
		want     []float64 // shares
	}{
		{"nobody", nil, 5, nil},
		{"one", []Load{open(0, 7, 10)}, 5, []float64{1}},
		{"equal", []Load{open(0, 3, 10), open(1, 3, 10)}, 4, []float64{0.5, 0.5}},
		{"filled to one level", []Load{open(0, 0, 100), open(1, 4, 100)}, 8, []float64{0.75, 0.25}},
		{"above the level", []Load{open(0, 0, 100), open(1, 9, 100)}, 8, []float64{1, 0}},
		{"few: to the least", []Load{open(0, 5, 100), open(1, 6, 100), open(2, 7, 100)}, 0, []float64{1, 0, 0}},
		{"no guess is none expected", []Load{open(0, 5, 100), open(1, 6, 100)}, math.NaN(), []float64{1, 0}},
		{"an endless burst: by room", []Load{open(0, 50, 100), open(1, 75, 100)}, math.Inf(1), []float64{2. / 3, 1. / 3}},
		{"at most three equal shares", []Load{open(0, 0, 999), open(1, 99, 999), open(2, 99, 999), open(3, 99, 999), open(4, 99, 999), open(5, 99, 999)}, 60, []float64{.5, .1, .1, .1, .1, .1}},
		{"free capacity bounds", []Load{open(0, 0, 2), open(1, 0, 100)}, 10, []float64{0.2, 0.8}},
		{"a full slot", []Load{open(0, 0, 10), open(1, 10, 10)}, 30, []float64{1, 0}},
		{"overfull", []Load{open(0, 0, 10), open(1, 12, 10)}, 30, []float64{1, 0}},
		{"closed and adopted get nothing", []Load{open(0, 9, 10), closed, adopted}, 30, []float64{1, 0, 0}},
		{"all open ones full", []Load{open(0, 10, 10), closed, adopted, open(3, 12, 10)}, 3, []float64{0.5, 0, 0, 0.5}},
		{"only adopted ones", []Load{closed, adopted}, 3, []float64{0, 0, 1}},
		{"none", []Load{closed}, 3, []float64{0, 0}},
		{"a gap and another order", []Load{open(3, 0, 10), open(1, 0, 10)}, 3, []float64{0, .5, 0, .5}},
		{"a nonsensical count", []Load{open(0, -5, 10), open(1, 0, 10)}, 4, []float64{.5, .5}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := Weights(c.loads, c.expected)
			if len(got) != len(c.want) {
				t.Fatalf("got %v", got)
			}
			for i, want := range c.want {
				if share := float64(got[i]) / Total; math.Abs(share-want) > 1e-6 || (want == 0) != (got[i] == 0) {
					t.Errorf("slot %d has %.7f, want %.7f (%v)", i, share, want, got)
				}
			}
		})
	}
}

// randomLoads makes any state a service may be in.
func randomLoads(rng *rand.Rand) []Load {
	loads := make([]Load, 1+rng.IntN(64))
	scale := 1 + rng.IntN(3000)
	for i := range loads {
		loads[i] = Load{
			Slot: i, Connections: rng.IntN(scale), Capacity: 1 + rng.IntN(2*scale),
			Open: rng.IntN(4) > 0, Adopted: rng.IntN(8) == 0,
		}
	}
	rng.Shuffle(len(loads), func(i, j int) { loads[i], loads[j] = loads[j], loads[i] })
	return loads
}

func TestWeightsProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		loads := randomLoads(rng)
		expected := rng.ExpFloat64() * 300
		weights := Weights(loads, expected)
		roomy := func(l Load) bool { return l.Open && l.Connections < l.Capacity }
		var sum float64
		for _, w := range weights {
			sum += float64(w)
		}
		usable := slices.ContainsFunc(loads, func(l Load) bool { return l.Open || l.Adopted })
		if usable != (sum > 0) || usable && math.Abs(sum-Total) > float64(len(loads)) {
			t.Fatalf("the sum is %v of %v for %+v", sum, Total, loads)
		}
		if !slices.ContainsFunc(loads, roomy) {
			continue
		}
		for _, a := range loads {
			if !roomy(a) {
				if weights[a.Slot] != 0 {
					t.Fatalf("%+v weighs %d", a, weights[a.Slot])
				}
				continue
			}
			for _, b := range loads {
				// Less loaded with no less room is never worth less (but for rounding).
				if roomy(b) && a.Connections <= b.Connections && a.Capacity-a.Connections >= b.Capacity-b.Connections && weights[a.Slot]+1 < weights[b.Slot] {
					t.Fatalf("%+v weighs %d, %+v %d", a, weights[a.Slot], b, weights[b.Slot])
				}
			}
		}
		// One connection more never makes a slot more attractive.
		i := rng.IntN(len(loads))
		heavier := slices.Clone(loads)
		heavier[i].Connections++
		if roomy(heavier[i]) {
			if was, is := weights[loads[i].Slot], Weights(heavier, expected)[loads[i].Slot]; float64(is) > float64(was)*1.5+2 {
				t.Fatalf("%+v weighs %d, with one more %d", loads[i], was, is)
			}
		}
	}
}

func BenchmarkWeightsAndProgram(b *testing.B) {
	loads := make([]Load, 40)
	for i := range loads {
		loads[i] = open(i, 100+i%7, 1000)
	}
	for b.Loop() {
		if _, err := Program(Weights(loads, 50)); err != nil {
			b.Fatal(err)
		}
	}
}
