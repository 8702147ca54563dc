//go:build !linux

package sys

import "errors"

// OpenImage is for Linux only: elsewhere nothing can be executed by descriptor.
func OpenImage(string) (fd int, err error) { return -1, errors.ErrUnsupported }

// KeepExe is for Linux only. It closes fd.
func KeepExe(fd int) (path string, err error) {
	return "", errors.Join(errors.ErrUnsupported, CloseFD(fd))
}
