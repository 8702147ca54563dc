package testproc

import (
	"fmt"
	"os"
	"runtime"
	"sync"
)

// Host is the [T] of a program that is no test: it lets a benchmark start,
// watch and clean up processes exactly as the tests do.
type Host struct {
	name string

	mu       sync.Mutex
	failed   bool
	cleanups []func()
}

// NewHost returns a host that names its temporary directories and messages so.
func NewHost(name string) *Host { return &Host{name: name} }

// Do runs f in a goroutine of its own, as [Host.Fatalf] needs, and then the
// cleanups that f added. It reports whether f came to its end.
func (h *Host) Do(f func()) (whole bool) {
	mark := h.Mark()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer h.CleanupTo(mark)
		f()
		whole = true
	}()
	<-done
	return whole
}

// Mark is the number of cleanups so far, for [Host.CleanupTo].
func (h *Host) Mark() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.cleanups)
}

// CleanupTo runs the cleanups that were added since a mark, last first.
func (h *Host) CleanupTo(mark int) {
	for {
		h.mu.Lock()
		if len(h.cleanups) <= mark {
			h.mu.Unlock()
			return
		}
		last := h.cleanups[len(h.cleanups)-1]
		h.cleanups = h.cleanups[:len(h.cleanups)-1]
		h.mu.Unlock()
		last()
	}
}

// Close runs all cleanups, also while Do is under way (after Ctrl-C).
func (h *Host) Close() { h.CleanupTo(0) }

// Helper does nothing.
func (h *Host) Helper() {}

// Name is the host's name.
func (h *Host) Name() string { return h.name }

// Logf writes a line to standard error.
func (h *Host) Logf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, h.name+": "+format+"\n", args...)
}

// Errorf writes a line and notes the failure.
func (h *Host) Errorf(format string, args ...any) {
	h.Logf(format, args...)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failed = true
}

// Fatalf does what Errorf does and ends the goroutine.
func (h *Host) Fatalf(format string, args ...any) {
	h.Errorf(format, args...)
	runtime.Goexit()
}

// Failed reports whether something failed since the last call of Forgive.
func (h *Host) Failed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.failed
}

// Forgive starts anew.
func (h *Host) Forgive() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failed = false
}

// TempDir makes a directory that the cleanup removes.
func (h *Host) TempDir() string {
	dir, err := os.MkdirTemp("", "webchasor-")
	if err != nil {
		h.Fatalf("cannot make a directory: %v", err)
	}
	h.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// Cleanup adds f to what is done at the end, last first.
func (h *Host) Cleanup(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cleanups = append(h.cleanups, f)
}
