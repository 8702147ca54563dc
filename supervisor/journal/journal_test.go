package journal

import (
	"testing"

	"github.com/webchasor/webchasor/internal/control"
)

func numbers(e control.Events) []uint64 {
	var all []uint64
	for _, one := range e.Events {
		all = append(all, one.Seq)
	}
	return all
}

func TestSince(t *testing.T) {
	t.Parallel()
	j := New()
	for range Room + 5 {
		j.Add(control.Event{Kind: control.KindReady})
	}
	for _, c := range []struct {
		since  uint64
		first  uint64
		count  int
		missed bool
	}{
		{0, 6, Room, true},
		{4, 6, Room, true},
		{5, 6, Room, false},
		{100, 101, Room + 5 - 100, false},
		{Room + 5, 0, 0, false},
		{Room + 500, 6, Room, true}, // from another life
	} {
		got, _ := j.Since(c.since)
		if len(got.Events) != c.count || got.Missed != c.missed || got.Seq != Room+5 {
			t.Errorf("since %d: %d events, missed %v, newest %d; want %d, %v", c.since, len(got.Events), got.Missed, got.Seq, c.count, c.missed)
		}
		if c.count > 0 && got.Events[0].Seq != c.first {
			t.Errorf("since %d begins with %d, want %d", c.since, got.Events[0].Seq, c.first)
		}
	}
}

func TestReadersAreWokenOnce(t *testing.T) {
	t.Parallel()
	j := New()
	_, changed := j.Since(0)
	select {
	case <-changed:
		t.Fatal("woken without an event")
	default:
	}
	seq := j.Add(control.Event{Text: "one"})
	<-changed
	got, changed := j.Since(0)
	if len(got.Events) != 1 || got.Events[0].Text != "one" || got.Events[0].Time.IsZero() || got.Seq != seq {
		t.Errorf("got %+v", got)
	}
	select {
	case <-changed:
		t.Error("woken twice for one event")
	default:
	}
}

func TestInheritedNumbersGrow(t *testing.T) {
	t.Parallel()
	old := New()
	for range 3 {
		old.Add(control.Event{Text: "old"})
	}
	left, _ := old.Since(0)

	next := New()
	next.Add(control.Event{Text: "began"})
	next.Inherit(left.Events)
	got, _ := next.Since(0)
	want := []uint64{1, 2, 3, 3 + Room + 1}
	if n := numbers(got); len(n) != 4 || n[2] != want[2] || n[3] != want[3] {
		t.Errorf("numbers %v, want %v", n, want)
	}
	if got.Missed {
		t.Error("nothing was forgotten, and missed is set")
	}
	// Whoever had seen all of the old master's, its last ones included, sees only what is new.
	late, _ := next.Since(3 + 5)
	if n := numbers(late); len(n) != 1 || n[0] != want[3] {
		t.Errorf("after the upgrade: %v", n)
	}
	// What has no number, or one that goes back, is not believed.
	next.Inherit([]control.Event{{Seq: 5}, {Seq: 5}, {Seq: 2}})
	if got, _ := next.Since(0); len(got.Events) != 1+4 {
		t.Errorf("kept %v", numbers(got))
	}
}
