package sys

import "golang.org/x/sys/unix"

// ended says whether the peer will send no more, also behind unread bytes: only
// POLLRDHUP tells (poll(2)).
func ended(fd int) bool {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
	n, err := unix.Poll(fds, 0)
	return err == nil && n > 0
}
