package testproc

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// deathLog is the log of worker 7's death with a request and two idle connections.
func deathLog(more ...string) *Log {
	log := &Log{done: make(chan struct{})}
	for _, text := range append([]string{
		`{"msg":"worker died","pid":7}`,
		`{"msg":"request lost","pid":7,"client":"127.0.0.1:1"}`,
		`{"msg":"idle connections lost","pid":7,"idle":2,"clients":"127.0.0.1:2 127.0.0.1:3"}`,
	}, more...) {
		log.add(text)
	}
	return log
}

func missed(client string, outcome Outcome, at time.Time) Miss {
	return Miss{Kind: Busy, Local: client, End: at, Owner: 7, Result: Result{Outcome: outcome, Err: errors.New("on purpose")}}
}

func TestExplain(t *testing.T) {
	now := time.Now()
	cases := map[string]struct {
		misses []Miss
		closes []Close
		want   Losses
		stray  int
	}{
		"all of them": {
			misses: []Miss{missed("127.0.0.1:1", Truncated, now), missed("127.0.0.1:2", ResetReused, now)},
			closes: []Close{{Local: "127.0.0.1:3", At: now, How: ClosedIdle}, {Local: "127.0.0.1:9", At: now, How: ClosedAnnounced}},
			want:   Losses{Deaths: 1, Recorded: 1, InFlight: 1, Unread: 1, Idle: 1},
		},
		"one record explains one failure": {
			misses: []Miss{missed("127.0.0.1:1", ResetReused, now), missed("127.0.0.1:1", ResetReused, now)},
			want:   Losses{Deaths: 1, Recorded: 1, InFlight: 1}, stray: 1,
		},
		"the same address long before":    {misses: []Miss{missed("127.0.0.1:2", ResetReused, now.Add(-time.Minute))}, want: Losses{Deaths: 1, Recorded: 1}, stray: 1},
		"another client of a dead worker": {misses: []Miss{missed("127.0.0.1:4", ResetReused, now)}, want: Losses{Deaths: 1, Recorded: 1}, stray: 1},
		"a death excuses no timeout":      {misses: []Miss{missed("127.0.0.1:1", Timeout, now)}, want: Losses{Deaths: 1, Recorded: 1}, stray: 1},
		"nor a refusal":                   {misses: []Miss{missed("", Refused, now)}, want: Losses{Deaths: 1, Recorded: 1}, stray: 1},
		"an idle connection that no table has": {
			closes: []Close{{Local: "127.0.0.1:5", At: now, How: ClosedIdle}},
			want:   Losses{Deaths: 1, Recorded: 1}, stray: 1,
		},
		"one fresh connection per death may be on its way into the table": {
			misses: []Miss{missed("127.0.0.1:6", ResetFresh, now), missed("127.0.0.1:7", ResetFresh, now)},
			want:   Losses{Deaths: 1, Recorded: 1, Arriving: 1}, stray: 1,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := Explain(deathLog(), MixReport{Misses: c.misses, Closes: c.closes})
			stray := len(got.Unexplained)
			got.Unexplained = nil
			if err != nil || stray != c.stray || got.String() != c.want.String() {
				t.Errorf("%v and %d unexplained, want %v and %d; %v", got, stray, c.want, c.stray, err)
			}
		})
	}
}

// TestExplainNeedsAllNames: a list that was cut explains anything, so it explains nothing.
func TestExplainNeedsAllNames(t *testing.T) {
	for _, text := range []string{
		`{"msg":"more requests lost; see the record","pid":7,"more":3}`,
		`{"msg":"idle connections lost","pid":8,"idle":200,"clients":"127.0.0.1:2"}`,
	} {
		if _, err := Explain(deathLog(text), MixReport{}); err == nil || !strings.Contains(err.Error(), "cannot be compared") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
