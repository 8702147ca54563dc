//go:build !linux

package sys

import (
	"errors"
	"syscall"
)

// PidfdOpen is not possible here.
func PidfdOpen(int) (fd int, err error) { return -1, errors.ErrUnsupported }

// PidfdSignal is not possible here.
func PidfdSignal(int, syscall.Signal) error { return errors.ErrUnsupported }

// PidfdWait is not possible here.
func PidfdWait(int) error { return errors.ErrUnsupported }
