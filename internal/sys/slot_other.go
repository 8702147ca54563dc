//go:build !linux

package sys

import (
	"errors"
	"fmt"
)

// SlotGroupFirst works on Linux only; elsewhere all workers share one [ListenTCP] socket.
func SlotGroupFirst(_, address string, _ int) (fd int, bound string, err error) {
	return -1, "", fmt.Errorf("cannot give each worker a socket on %s: %w", address, errors.ErrUnsupported)
}

// SlotGroupNext works on Linux only.
func SlotGroupNext(first, _ int) (int, error) {
	return -1, fmt.Errorf("cannot add a socket beside descriptor %d: %w", first, errors.ErrUnsupported)
}
