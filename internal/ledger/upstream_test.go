package ledger

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// What is asked of an upstream is counted under its name in every slot, over
// the lives of workers, also by a master that has taken the memory over.
func TestUpstreams(t *testing.T) {
	l := create(t)
	if len(l.Upstreams()) != 0 || len(l.Asked()) != 0 {
		t.Errorf("without upstreams there are %v", l.Upstreams())
	}
	l.AddUpstreams([]string{"a", "b"})
	l.AddUpstreams([]string{"b", "c"})
	if got := l.Upstreams(); !slices.Equal(got, []string{Other, "a", "b", "c"}) {
		t.Fatalf("the upstreams are %q", got)
	}
	for i, name := range []string{"b", "b", "a", "nobody"} {
		number, u := l.Upstream(slotOf(t, l, i), name)
		if want := []int{2, 2, 1, 0}[i]; number != want {
			t.Errorf("%s has number %d, want %d", name, number, want)
		}
		u.Request()
		u.Request()
		u.Retry()
		u.Failed()
		u.Limited()
		u.Ejected()
		u.Answered(time.Second)
	}
	one := UpstreamCounts{Requests: 2, Failures: 1, Limited: 1, Retries: 1, Ejections: 1, Answers: 1, Waited: time.Second}
	two := UpstreamCounts{Requests: 4, Failures: 2, Limited: 2, Retries: 2, Ejections: 2, Answers: 2, Waited: 2 * time.Second}
	if got := l.Asked(); !slices.Equal(got, []UpstreamCounts{one, one, two, {}}) {
		t.Errorf("counted %+v", got)
	}
	var none *Upstream
	none.Request()
	none.Answered(1)
}

// Names beyond the room share one number, whoever asks.
func TestTooManyUpstreams(t *testing.T) {
	l := create(t)
	var names []string
	for i := range MaxUpstreams + 5 {
		names = append(names, fmt.Sprint("u", i))
	}
	l.AddUpstreams(names)
	for i, name := range names {
		want := i + 1
		if want >= MaxUpstreams {
			want = 0
		}
		if number, _ := l.Upstream(slotOf(t, l, 0), name); number != want {
			t.Errorf("%s has number %d, want %d", name, number, want)
		}
	}
}
