package sys

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Reasons why a path cannot be listened on.
var (
	// ErrSocketLive: another process accepts connections there.
	ErrSocketLive = errors.New("another process is listening there")
	// ErrNotSocket: something that is not a socket is in the way and is left alone.
	ErrNotSocket = errors.New("the path exists and is not a socket; remove it or choose another path")
)

// ListenUnix makes a listening stream socket at path, non-blocking and
// close-on-exec, outside Go's poller. A socket file that nobody accepts on
// any more, left by a killed process, is replaced; [ErrSocketLive] and
// [ErrNotSocket] say why not. The path is never removed at close: its owner
// does that. A name that begins with @ is in Linux's abstract namespace.
// Starting two instances on one stale path at the same instant is not arbitrated: the later one wins.
func ListenUnix(path string, backlog int) (fd int, bound string, err error) {
	return ListenUnixFor(path, backlog, Access{UID: -1, GID: -1})
}

// Access is who may connect to a unix socket. A Mode of 0 leaves it to the
// umask; a negative id leaves that owner.
type Access struct {
	Mode     os.FileMode
	UID, GID int
}

// ListenUnixFor is [ListenUnix] for a socket file with given access. It is set
// before anybody can connect.
func ListenUnixFor(path string, backlog int, a Access) (fd int, bound string, err error) {
	fd, err = listenUnix(path, backlog, a)
	if errors.Is(err, unix.EADDRINUSE) && path[0] != '@' {
		if err = removeStale(path); err == nil {
			fd, err = listenUnix(path, backlog, a)
		}
	}
	if err != nil {
		return -1, "", fmt.Errorf("cannot listen on unix:%s: %w", path, err)
	}
	return fd, path, nil
}

func listenUnix(path string, backlog int, a Access) (int, error) {
	// sun_path holds 108 bytes on Linux, 104 on darwin (unix(7)).
	if len(path) == 0 || len(path) >= len(unix.RawSockaddrUnix{}.Path) {
		return -1, fmt.Errorf("a socket path has 1 to %d bytes, this one %d", len(unix.RawSockaddrUnix{}.Path)-1, len(path))
	}
	fd, err := newSocket(unix.AF_UNIX)
	if err != nil {
		return -1, fmt.Errorf("socket: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		_ = CloseFD(fd)
		return -1, fmt.Errorf("bind: %w", err)
	}
	err = a.apply(path) // before listen(2): until then connect(2) is refused
	if err == nil {
		if err = unix.Listen(fd, backlog); err == nil {
			return fd, nil
		}
		err = fmt.Errorf("listen: %w", err)
	}
	if path[0] != '@' {
		err = errors.Join(err, os.Remove(path))
	}
	return -1, errors.Join(err, CloseFD(fd))
}

// SetAccess changes who may connect to the socket file at path, which is
// already listened on.
func SetAccess(path string, a Access) error { return a.apply(path) }

// apply follows no link: where others may write to the directory, the path need
// not be our socket any more.
func (a Access) apply(path string) error {
	if a.UID >= 0 || a.GID >= 0 {
		if err := os.Lchown(path, a.UID, a.GID); err != nil {
			return fmt.Errorf("cannot give the socket to its owner: %w", err)
		}
	}
	if a.Mode != 0 {
		if err := chmodSocket(path, a.Mode); err != nil {
			return fmt.Errorf("cannot set the socket's mode: %w", err)
		}
	}
	return nil
}

// removeStale removes the socket file at path if a connection to it is refused.
func removeStale(path string) error {
	before, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if before.Mode()&os.ModeSocket == 0 {
		return ErrNotSocket
	}
	if err := probeUnix(path); err != nil {
		return err
	}
	// Somebody may have replaced it since; then it is not ours to remove.
	after, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if !os.SameFile(before, after) {
		return ErrSocketLive
	}
	return os.Remove(path)
}

// probeUnix returns nil if nobody listens at path.
func probeUnix(path string) error {
	fd, err := newSocket(unix.AF_UNIX)
	if err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	defer func() { _ = CloseFD(fd) }()
	err = unix.Connect(fd, &unix.SockaddrUnix{Name: path})
	switch {
	case errors.Is(err, unix.ECONNREFUSED):
		return nil
	case err == nil, errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINPROGRESS):
		// EAGAIN is a live socket with a full queue (connect(2)).
		return ErrSocketLive
	}
	return fmt.Errorf("cannot tell whether the socket is in use: %w", err)
}

// chmodSocket changes the mode of a socket file and of nothing that it was
// replaced by. Before Linux 6.6 (fchmodat2(2)) no call can do both at once, so there
// only a link that was there before is seen.
func chmodSocket(path string, mode os.FileMode) error {
	err := unix.Fchmodat(unix.AT_FDCWD, path, uint32(mode.Perm()), unix.AT_SYMLINK_NOFOLLOW)
	if !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.ENOSYS) {
		return err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if info.Mode()&os.ModeSocket == 0 {
		return ErrNotSocket
	}
	return os.Chmod(path, mode)
}
