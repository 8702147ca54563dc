package sys

import (
	"os"
	"testing"
	"time"
)

func TestCPUTimeGrowsWithWork(t *testing.T) {
	t.Parallel()
	before, err := CPUTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(30 * time.Second)
	for now := before; now == before; {
		for i, sum := 0, 0; i < 1_000_000; i++ {
			sum += i * i
		}
		if now, err = CPUTime(os.Getpid()); err != nil || time.Now().After(deadline) {
			t.Fatalf("still %v after much work (%v)", now, err)
		}
	}
}

func TestParseTicks(t *testing.T) {
	t.Parallel()
	const line = "12 (a ) b) S 1 12 12 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 5 0 100 1000 10"
	if n, err := parseTicks([]byte(line)); err != nil || n != 300 {
		t.Errorf("%q: %d ticks (%v), want 300", line, n, err)
	}
	for _, bad := range []string{"", "12", "12 (x) S 1", "12 (x) S 1 12 12 0 -1 4194560 100 0 0 0 much more"} {
		if n, err := parseTicks([]byte(bad)); err == nil {
			t.Errorf("%q is accepted as %d", bad, n)
		}
	}
	if _, err := CPUTime(0); err == nil {
		t.Error("process 0 has a time")
	}
}
