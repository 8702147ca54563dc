package sys

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Map maps the first size bytes of fd, shared and writable. The mapping
// outlives fd; the caller ends it with [Unmap] and touches it no more then.
//
// Reading beyond the end of a file that shrank raises SIGBUS, so map only
// what nobody can shrink: see [Memfd].
func Map(fd, size int) ([]byte, error) { return MapAt(fd, 0, size) }

// MapAt is [Map] for size bytes from offset, a multiple of the page size.
func MapAt(fd int, offset int64, size int) ([]byte, error) {
	mem, err := unix.Mmap(fd, offset, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("cannot map %d bytes of descriptor %d: %w", size, fd, err)
	}
	return mem, nil
}

// Unmap ends a mapping made by [Map].
func Unmap(mem []byte) error {
	if err := unix.Munmap(mem); err != nil {
		return fmt.Errorf("cannot unmap %d bytes: %w", len(mem), err)
	}
	return nil
}

// Size returns the length of the file behind fd in bytes.
func Size(fd int) (int64, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return 0, fmt.Errorf("cannot stat descriptor %d: %w", fd, err)
	}
	return st.Size, nil
}

// Allocated returns the bytes of memory or disk that the file behind fd
// really occupies; holes cost nothing.
func Allocated(fd int) (int64, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return 0, fmt.Errorf("cannot stat descriptor %d: %w", fd, err)
	}
	return st.Blocks * 512, nil
}
