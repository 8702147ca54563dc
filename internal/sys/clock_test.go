package sys

import (
	"fmt"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

func init() {
	roles["clock"] = func() error {
		fmt.Println(int64(NewClock().Now()))
		return nil
	}
}

func TestClockReadsTheSameClockAsMonotonic(t *testing.T) {
	before := Monotonic()
	c := NewClock()
	slack := Monotonic() - before // the pairing cannot be worse than this
	for range 1000 {
		low := Monotonic()
		now := c.Now()
		high := Monotonic()
		if now < low-slack || now > high+slack {
			t.Fatalf("Now is %v, not between %v and %v (slack %v)", now, low, high, slack)
		}
	}
}

func TestClockIsComparableBetweenProcesses(t *testing.T) {
	low := Monotonic()
	var there int64
	if _, err := fmt.Sscan(startChild(t, "clock").line(t), &there); err != nil {
		t.Fatal(err)
	}
	high := Monotonic()
	// The child's own pairing error is far below a process start.
	if now := time.Duration(there); now < low || now > high {
		t.Errorf("the child's clock reads %v, not between %v and %v", now, low, high)
	}
}

func TestClockAt(t *testing.T) {
	c := NewClock()
	if got := c.At(c.base + time.Hour); !got.Equal(c.start.Add(time.Hour)) {
		t.Errorf("At is %v, want %v", got, c.start.Add(time.Hour))
	}
}

func TestClockDoesNotStep(t *testing.T) {
	c := NewClock()
	now := time.Now()
	want := c.Of(now)
	if back := c.At(want); !back.Equal(now) {
		t.Errorf("At of Of is %v, want %v", back, now)
	}
	for _, seconds := range []int64{3600, -3600} {
		if got := c.Of(testproc.StepClock(now, seconds)); got != want {
			t.Errorf("after a step by %d s it is %v, want %v", seconds, got, want)
		}
	}
}

func BenchmarkMonotonic(b *testing.B) {
	for b.Loop() {
		Monotonic()
	}
}

func BenchmarkClockNow(b *testing.B) {
	c := NewClock()
	for b.Loop() {
		c.Now()
	}
}
