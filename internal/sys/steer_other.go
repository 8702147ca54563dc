//go:build !linux

package sys

import (
	"errors"
	"fmt"
)

// AttachReuseportCBPF works on Linux only.
func AttachReuseportCBPF(fd int, _ []BPFInstruction) error {
	return fmt.Errorf("cannot attach the steering program to descriptor %d: %w", fd, errors.ErrUnsupported)
}

// DetachReuseport works on Linux only.
func DetachReuseport(fd int) error {
	return fmt.Errorf("cannot detach the steering program of descriptor %d: %w", fd, errors.ErrUnsupported)
}
