//go:build !linux

package sys

import (
	"errors"
	"time"
)

// CPUTime is for Linux only.
func CPUTime(int) (time.Duration, error) { return 0, errors.ErrUnsupported }
