//go:build !linux

package sys

import "sync"

// HangupWatcher never reports anything here.
type HangupWatcher struct {
	once   sync.Once
	closed chan struct{}
}

// NewHangupWatcher makes one.
func NewHangupWatcher() (*HangupWatcher, error) {
	return &HangupWatcher{closed: make(chan struct{})}, nil
}

// Add does nothing.
func (h *HangupWatcher) Add(int, uint64) error { return nil }

// Remove does nothing.
func (h *HangupWatcher) Remove(int) error { return nil }

// Run waits for Close.
func (h *HangupWatcher) Run(func(token uint64)) error {
	<-h.closed
	return nil
}

// Close ends Run.
func (h *HangupWatcher) Close() error {
	h.once.Do(func() { close(h.closed) })
	return nil
}
