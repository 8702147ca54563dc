package sys

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// tcpListen is TCP_LISTEN of the kernel's tcp_states.h.
const tcpListen = 10

// QueueDepth returns how many connections wait on a listening TCP socket and
// how many may. The kernel reports them as unacked and sacked (tcp_get_info),
// and drops a handshake only once depth exceeds limit. Unix sockets have no such figure: [errors.ErrUnsupported].
func QueueDepth(fd int) (depth, limit int, err error) {
	info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	switch {
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ENOPROTOOPT):
		return 0, 0, fmt.Errorf("cannot read the queue of descriptor %d: %w", fd, errors.ErrUnsupported)
	case err != nil:
		return 0, 0, fmt.Errorf("cannot read the queue of descriptor %d: %w", fd, err)
	case info.State != tcpListen:
		return 0, 0, fmt.Errorf("cannot read the queue of descriptor %d: it is not listening", fd)
	}
	return int(info.Unacked), int(info.Sacked), nil
}

// ListenOverflows counts the connections that the kernel dropped because an
// accept queue was full, over all sockets of this network namespace.
func ListenOverflows() (uint64, error) {
	f, err := os.Open("/proc/self/net/netstat")
	if err != nil {
		return 0, fmt.Errorf("cannot count overflows: %w", err)
	}
	defer func() { _ = f.Close() }()
	n, err := netstatValue(f, "TcpExt:", "ListenOverflows")
	if err != nil {
		return 0, fmt.Errorf("cannot count overflows: %w", err)
	}
	return n, nil
}

// netstatValue finds a figure in the kernel's pairs of lines, names first, values below.
func netstatValue(r io.Reader, group, name string) (uint64, error) {
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, 1<<20)
	var names []string
	for sc.Scan() {
		fields := strings.Fields(sc.Text())
		if len(fields) == 0 || fields[0] != group {
			continue
		}
		if names == nil {
			names = fields
			continue
		}
		for i, n := range names {
			if n == name && i < len(fields) {
				return strconv.ParseUint(fields[i], 10, 64)
			}
		}
		break
	}
	if err := sc.Err(); err != nil {
		return 0, err
	}
	return 0, fmt.Errorf("netstat has no %s %s", group, name)
}
