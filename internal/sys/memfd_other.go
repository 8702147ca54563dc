//go:build !linux

package sys

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Memfd makes an unlinked temporary file of exactly size bytes, all zero.
// Without memfd_create(2) there are no seals.
func Memfd(name string, size int64) (fd int, err error) {
	fd, err = MemfdLog(name)
	if err != nil {
		return -1, err
	}
	if err := unix.Ftruncate(fd, size); err != nil {
		_ = CloseFD(fd)
		return -1, fmt.Errorf("cannot size %q to %d bytes: %w", name, size, err)
	}
	return fd, nil
}

// MemfdLog makes an empty unlinked temporary file that grows as it is written.
func MemfdLog(name string) (fd int, err error) {
	f, err := os.CreateTemp("", "webchasor-*")
	if err != nil {
		return -1, fmt.Errorf("cannot create anonymous file %q: %w", name, err)
	}
	defer func() { _ = f.Close() }()
	if err := os.Remove(f.Name()); err != nil {
		return -1, fmt.Errorf("cannot unlink anonymous file %q: %w", name, err)
	}
	fd = -1
	err = WithFD(f, func(raw int) error {
		fd, err = DupCloexec(raw)
		return err
	})
	return fd, err
}
