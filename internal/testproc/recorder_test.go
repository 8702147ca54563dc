package testproc

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
)

// recorder is a T that notes failures instead of having them.
type recorder struct {
	t        *testing.T
	mu       sync.Mutex
	text     string
	failed   bool
	cleanups []func()
}

func (r *recorder) note(failed bool, format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.text += fmt.Sprintf(format, args...) + "\n"
	r.failed = r.failed || failed
}

func (r *recorder) Helper()                      {}
func (r *recorder) Name() string                 { return r.t.Name() }
func (r *recorder) TempDir() string              { return r.t.TempDir() }
func (r *recorder) Cleanup(f func())             { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Logf(f string, args ...any)   { r.note(false, f, args...) }
func (r *recorder) Errorf(f string, args ...any) { r.note(true, f, args...) }
func (r *recorder) Fatalf(f string, args ...any) {
	r.note(true, f, args...)
	runtime.Goexit()
}

func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

// record runs a piece of a test, with its cleanups, and returns what it said.
func record(t *testing.T, piece func(T)) (failed bool, text string) {
	t.Helper()
	r := &recorder{t: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			for _, cleanup := range slices.Backward(r.cleanups) {
				cleanup()
			}
		}()
		piece(r)
	}()
	<-done
	return r.failed, r.text
}
