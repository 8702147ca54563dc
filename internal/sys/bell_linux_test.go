package sys

import (
	"os"
	"testing"
	"time"
)

// Every ring reaches every listener, although nobody reads the counter.
func TestBellWakesAllListeners(t *testing.T) {
	t.Parallel()
	bell, err := Bell()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = CloseFD(bell) })
	var heard []chan struct{}
	for range 3 {
		dup, err := DupCloexec(bell)
		if err != nil {
			t.Fatal(err)
		}
		file := os.NewFile(uintptr(dup), "bell")
		t.Cleanup(func() { _ = file.Close() })
		raw, err := file.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		wakes := make(chan struct{}, 100)
		heard = append(heard, wakes)
		go func() {
			_ = raw.Read(func(uintptr) bool {
				wakes <- struct{}{}
				return false
			})
		}()
	}
	for round := range 3 {
		for i, wakes := range heard { // the first look comes without a ring
			select {
			case <-wakes:
			case <-time.After(30 * time.Second):
				t.Fatalf("round %d: listener %d heard nothing", round, i)
			}
		}
		if err := Ring(bell); err != nil {
			t.Fatal(err)
		}
	}
}
