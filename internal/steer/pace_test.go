package steer

import (
	"math"
	"testing"
	"time"
)

func TestPacer(t *testing.T) {
	const ms = time.Millisecond
	var p Pacer
	steps := []struct {
		moved bool
		want  time.Duration
	}{
		{false, 20 * ms},
		// A pause between two waves is sampled as closely as they are.
		{false, 20 * ms},
		{false, 20 * ms},
		{true, 20 * ms},
		{false, 20 * ms},
		{false, 20 * ms},
		{false, 20 * ms},
		{false, 20 * ms},
		{false, 20 * ms},
		{false, 40 * ms},
		{false, 80 * ms},
		{false, 160 * ms},
		{false, 250 * ms},
		{false, 250 * ms},
		{true, 20 * ms},
		{false, 20 * ms},
	}
	for i, s := range steps {
		if got := p.Next(s.moved); got != s.want {
			t.Fatalf("step %d: %v, want %v", i, got, s.want)
		}
	}
}

func TestEstimator(t *testing.T) {
	const ms = time.Millisecond
	var e Estimator
	steps := []struct {
		total   uint64
		elapsed time.Duration
		want    float64 // expected in the next 20 ms
	}{
		{5000, 0, 0}, // the total so far says nothing about a rate
		{5000, 20 * ms, 0},
		{5010, 20 * ms, 10},
		{5110, 20 * ms, 100},
		{5110, 100 * ms, 50},
		{5110, 200 * ms, 12.5},
		{5210, 100 * ms, 20},
		{100, 100 * ms, 10}, // a lost count, no arrivals
		{200, 20 * ms, 100},
		{201, 20 * ms, 87.055}, // one arrival does not end a burst
		{900, 0, 87.055},       // no time, no rate
	}
	for i, s := range steps {
		e.Observe(s.total, s.elapsed)
		if got := e.Expect(20 * ms); math.Abs(got-s.want) > 0.01 {
			t.Fatalf("step %d: %.2f, want %.2f", i, got, s.want)
		}
	}
	if got := e.Expect(-ms); got != 0 {
		t.Errorf("a negative interval expects %v", got)
	}
}
