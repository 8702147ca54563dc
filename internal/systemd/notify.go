package systemd

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// sendWait bounds one message: a manager that does not read must not stop us.
const sendWait = 100 * time.Millisecond

// Service is the manager's side of one process. A nil Service is a process
// that nobody manages; all its methods do nothing.
type Service struct {
	address  *net.UnixAddr
	watchdog time.Duration
}

// Open reads the environment: NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. The
// variables stay, because an upgraded master needs them. heir says that this
// process follows the one that WATCHDOG_PID names.
func Open(heir bool) *Service {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return nil
	}
	// A leading @ is the abstract namespace for the net package too.
	s := &Service{address: &net.UnixAddr{Name: path, Net: "unixgram"}}
	pid := os.Getenv("WATCHDOG_PID")
	usec, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	if err == nil && usec > 0 && (heir || pid == "" || pid == strconv.Itoa(os.Getpid())) {
		s.watchdog = time.Duration(usec) * time.Microsecond
	}
	return s
}

// Watchdog is the longest silence that the manager bears; 0 is off. Half of it
// is the pace that sd_watchdog_enabled(3) recommends.
func (s *Service) Watchdog() time.Duration {
	if s == nil {
		return 0
	}
	return s.watchdog
}

// Notify sends assignments such as READY=1, in one message. It blocks for 0.1 s at the most.
func (s *Service) Notify(assignments ...string) error {
	return s.send(strings.Join(assignments, "\n"), nil)
}

// Store asks the manager to keep duplicates of the descriptors under one name,
// which comes back in LISTEN_FDNAMES. The caller keeps its own.
func (s *Service) Store(name string, fds ...int) error {
	return s.send("FDSTORE=1\nFDNAME="+name, fds)
}

// Forget gives up all that was stored under a name.
func (s *Service) Forget(name string) error {
	return s.send("FDSTOREREMOVE=1\nFDNAME="+name, nil)
}

// Barrier waits until the manager has handled every message before, at most for
// patience: a message of a process that is gone may be dropped. The manager
// closes the pipe's end when it gets there (sd_notify_barrier(3)).
func (s *Service) Barrier(patience time.Duration) error {
	if s == nil {
		return nil
	}
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("cannot make a pipe for the service manager: %w", err)
	}
	defer r.Close()
	err = s.send("BARRIER=1", []int{int(w.Fd())})
	if err = errors.Join(err, w.Close()); err != nil {
		return err
	}
	if err := r.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return fmt.Errorf("cannot wait for the service manager: %w", err)
	}
	if _, err = r.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("the service manager did not answer within %v", patience)
	}
	return nil
}

func (s *Service) send(text string, fds []int) error {
	if s == nil {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, s.address)
	if err != nil {
		return fmt.Errorf("cannot reach the service manager at %s: %w", s.address.Name, err)
	}
	defer conn.Close()
	if err := conn.SetWriteDeadline(time.Now().Add(sendWait)); err != nil {
		return fmt.Errorf("cannot reach the service manager: %w", err)
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return fmt.Errorf("cannot reach the service manager: %w", err)
	}
	// Not WriteMsgUnix: it refuses sockets that are connected.
	var sent error
	err = raw.Write(func(fd uintptr) bool {
		sent = syscall.Sendmsg(int(fd), []byte(text), rightsOf(fds), nil, 0)
		return !errors.Is(sent, syscall.EAGAIN)
	})
	if err = errors.Join(err, sent); err != nil {
		return fmt.Errorf("cannot tell the service manager %q: %w", text, err)
	}
	return nil
}

func rightsOf(fds []int) []byte {
	if len(fds) == 0 {
		return nil
	}
	return syscall.UnixRights(fds...)
}
