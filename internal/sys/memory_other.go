//go:build !linux

package sys

import (
	"errors"
	"fmt"
)

// Memory is known on Linux only.
func Memory(pid int) (pss, rss int64, err error) {
	return 0, 0, fmt.Errorf("cannot read the memory of process %d: %w", pid, errors.ErrUnsupported)
}
