package sys

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Bell makes an event counter (eventfd(2)), non-blocking and close-on-exec.
// Every [Ring] wakes everyone who polls it edge-triggered, as Go's poller does,
// in any number of processes; nobody needs to read it.
func Bell() (fd int, err error) {
	fd, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return -1, fmt.Errorf("cannot create an event descriptor: %w", err)
	}
	return fd, nil
}

// Ring wakes who listens to a [Bell].
func Ring(fd int) error {
	var one [8]byte
	binary.NativeEndian.PutUint64(one[:], 1)
	// EAGAIN: the counter is at its end after 2^64 rings.
	if _, err := unix.Write(fd, one[:]); err != nil && !errors.Is(err, unix.EAGAIN) {
		return fmt.Errorf("cannot write to event descriptor %d: %w", fd, err)
	}
	return nil
}
