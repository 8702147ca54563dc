package sys

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// ReadAt fills buf from the beginning of the file behind fd, wherever its
// offset is, and returns how much there was.
func ReadAt(fd int, buf []byte) (int, error) {
	n := 0
	for n < len(buf) {
		got, err := unix.Pread(fd, buf[n:], int64(n))
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return n, fmt.Errorf("cannot read descriptor %d: %w", fd, err)
		}
		if got == 0 {
			break
		}
		n += got
	}
	return n, nil
}
