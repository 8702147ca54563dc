//go:build !linux

package sys

import (
	"errors"
	"fmt"
)

// QueueDepth is known on Linux only.
func QueueDepth(fd int) (depth, limit int, err error) {
	return 0, 0, fmt.Errorf("cannot read the queue of descriptor %d: %w", fd, errors.ErrUnsupported)
}

// ListenOverflows is known on Linux only.
func ListenOverflows() (uint64, error) {
	return 0, fmt.Errorf("cannot count overflows: %w", errors.ErrUnsupported)
}
