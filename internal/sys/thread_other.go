//go:build !linux

package sys

import (
	"errors"
	"syscall"
)

// RunningThread is not known here.
func RunningThread(int) int { return 0 }

// SignalThread is not possible here.
func SignalThread(int, int, syscall.Signal) error { return errors.ErrUnsupported }
