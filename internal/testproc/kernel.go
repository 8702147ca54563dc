package testproc

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// listenersOf calls f with the fields of every listening TCP socket's line in
// /proc/net/tcp (proc_net(5)).
func listenersOf(f func(fields []string)) error {
	const listen = "0A"
	for _, name := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		data, err := os.ReadFile(name)
		if err != nil && name == "/proc/net/tcp" { // there may be no IPv6
			return err
		}
		for line := range strings.Lines(string(data)) {
			if fields := strings.Fields(line); len(fields) > 9 && fields[3] == listen {
				f(fields)
			}
		}
	}
	return nil
}

// Queued is how many connections wait to be accepted on a TCP port, all its
// sockets together: the receive queue of a listening socket.
func Queued(addr string) (sum int) {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return 0
	}
	number, _ := strconv.Atoi(port)
	suffix := fmt.Sprintf(":%04X", number)
	_ = listenersOf(func(fields []string) {
		if strings.HasSuffix(fields[1], suffix) {
			_, rx, _ := strings.Cut(fields[4], ":")
			n, _ := strconv.ParseInt(rx, 16, 64)
			sum += int(n)
		}
	})
	return sum
}

// ListeningInodes are the inodes of all listening TCP sockets.
func ListeningInodes() (map[string]bool, error) {
	inodes := map[string]bool{}
	err := listenersOf(func(fields []string) { inodes[fields[9]] = true })
	return inodes, err
}

// VoluntarySwitches sums the voluntary context switches of all threads of the
// processes (proc_pid_status(5)): how often they have waited for something.
func VoluntarySwitches(pids ...int) (sum int) {
	for _, pid := range pids {
		threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
		for _, name := range threads {
			sum += NumberAfter(name, "voluntary_ctxt_switches:")
		}
	}
	return sum
}

// NumberAfter is the first number of the line of a file that begins with key,
// 0 without one.
func NumberAfter(file, key string) int {
	data, _ := os.ReadFile(file)
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, key); ok {
			if f := strings.Fields(rest); len(f) > 0 {
				n, _ := strconv.Atoi(f[0])
				return n
			}
		}
	}
	return 0
}
