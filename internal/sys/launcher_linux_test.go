package sys

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// What a launcher starts can gain nothing, and nobody else is touched: neither the
// threads of this process nor what they start.
func TestLauncher(t *testing.T) {
	t.Parallel()
	l, err := NewLauncher()
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	status := func() string {
		out, err := exec.Command("/bin/grep", "NoNewPrivs", "/proc/self/status").CombinedOutput()
		if err != nil {
			t.Error(err)
		}
		return strings.Join(strings.Fields(string(out)), " ")
	}
	var inside string
	var mine sync.WaitGroup
	l.Do(func() {
		for range 4 { // threads that are made while the launcher works
			mine.Go(func() { _ = status() })
		}
		inside = status()
	})
	mine.Wait()
	if inside != "NoNewPrivs: 1" {
		t.Errorf("a program of the launcher has %q", inside)
	}
	if outside := status(); outside != "NoNewPrivs: 0" {
		t.Errorf("a program of another thread has %q", outside)
	}
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", os.Getpid()))
	limited := 0
	for _, path := range tasks {
		text, _ := os.ReadFile(path)
		if strings.Contains(string(text), "NoNewPrivs:\t1") {
			limited++
		}
	}
	if limited != 1 {
		t.Errorf("%d threads of this process are limited, want the launcher alone", limited)
	}
}
