package sys

import (
	"os"
	"testing"
)

// Whatever other tests leave idle counts too, so it is a lower bound.
func TestSpareThreads(t *testing.T) {
	const n = 40
	SpareThreads(n)
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	if len(tasks) <= n {
		t.Errorf("%d threads, want more than %d", len(tasks), n)
	}
}
