//go:build !linux

package sys

import "errors"

// Bell is unsupported here: who waits has to look for itself.
func Bell() (fd int, err error) { return -1, errors.ErrUnsupported }

// Ring is unsupported here.
func Ring(int) error { return errors.ErrUnsupported }
