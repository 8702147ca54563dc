package sys

import (
	"errors"

	"golang.org/x/sys/unix"
)

// TooManyInFlight says whether a message was refused because this user has as
// many descriptors on their way between processes as one process may have open
// (ETOOMANYREFS, too_many_unix_fds in net/unix/garbage.c; not for root). It passes.
func TooManyInFlight(err error) bool { return errors.Is(err, unix.ETOOMANYREFS) }
