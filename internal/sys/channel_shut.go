package sys

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// CloseRead refuses everything that the peer has not sent yet: its sends fail
// with EPIPE from now on. What it sent before is still received, and after it
// io.EOF. The kernel decides which of the two a message is under the lock of
// the receiving socket (unix_dgram_sendmsg), so both sides can know.
func (c *Channel) CloseRead() error {
	var shut error
	err := c.raw.Control(func(fd uintptr) { shut = unix.Shutdown(int(fd), unix.SHUT_RD) })
	if err = errors.Join(c.reason(err), shut); err != nil {
		return fmt.Errorf("cannot refuse further messages: %w", err)
	}
	return nil
}
