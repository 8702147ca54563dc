package sys

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// WriteAll writes data to the file behind fd, from its beginning on.
func WriteAll(fd int, data []byte) error {
	for at := 0; at < len(data); {
		n, err := unix.Pwrite(fd, data[at:], int64(at))
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("cannot write to descriptor %d: %w", fd, err)
		}
		at += max(n, 0)
	}
	return nil
}
