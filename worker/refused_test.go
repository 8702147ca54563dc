package worker

import (
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/handoff"
)

func TestRefusedShapes(t *testing.T) {
	const now = 3 * time.Hour // since the boot of the machine
	var q refusedShapes
	if q.wait("GET", "/boom", now) != 0 {
		t.Error("the zero value refuses")
	}
	q.set([]handoff.Refusal{{Shape: "GET /boom", Until: now + 1500*time.Millisecond}, {Shape: "GET /users/{n}", Until: now - time.Second}})
	for _, c := range []struct {
		method, path string
		want         time.Duration
	}{
		{"GET", "/boom", 1500 * time.Millisecond},
		{"POST", "/boom", 0},
		{"GET", "/boom/x", 0},
		{"GET", "/users/7", 0}, // over, although nobody said so
	} {
		if got := q.wait(c.method, c.path, now); got != c.want {
			t.Errorf("%s %s: %v, want %v", c.method, c.path, got, c.want)
		}
	}
	if got := retryAfter(1500 * time.Millisecond); got != "2" {
		t.Errorf("Retry-After %s, want the next whole second", got)
	}
	q.set(nil)
	if q.wait("GET", "/boom", now) != 0 {
		t.Error("an empty list refuses")
	}
}
