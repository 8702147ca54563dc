package logs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/webchasor/webchasor/internal/sys"
)

// pipeBuf is PIPE_BUF on Linux: a write(2) of up to so many bytes to a pipe is
// atomic, a longer one may be mixed with those of other writers (pipe(7)).
const pipeBuf = 4096

// destination is an open file and what has to be known to write lines to it.
type destination struct {
	file     *os.File
	terminal bool
	maxLine  int // longest line that stays whole; 0 is no limit
	maxWrite int // longest write of several lines that stays whole; 0 is no limit
}

// examine learns what kind of file f is. A file that cannot be examined is
// treated like a socket: plain writes, gathered no further than a pipe's.
func examine(f *os.File) destination {
	d := destination{file: f, maxWrite: pipeBuf}
	info, err := f.Stat()
	if err != nil {
		return d
	}
	switch mode := info.Mode(); {
	case mode.IsRegular():
		// O_APPEND writes of any length are whole: the kernel holds the
		// inode's lock from finding the end to having written (write(2)).
		d.maxWrite = 0
	case mode&fs.ModeNamedPipe != 0:
		d.maxLine = pipeBuf
	case mode&fs.ModeCharDevice != 0:
		d.terminal = isTerminal(f)
	}
	return d
}

// openFile opens path for appending. O_NONBLOCK is without effect on regular
// files; opening a named pipe that nobody reads fails instead of hanging.
func openFile(path string) (*os.File, error) {
	const flags = os.O_APPEND | os.O_CREATE | os.O_WRONLY | syscall.O_NONBLOCK
	f, err := os.OpenFile(path, flags, 0o640)
	if err == nil {
		return f, nil
	}
	return nil, fmt.Errorf("cannot open log file %s: %w (%s)", path, cause(err), remedy(path, err))
}

// cause strips the operation and the path that the caller names already.
func cause(err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err
	}
	return err
}

func remedy(path string, err error) string {
	dir := filepath.Dir(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("create the directory %s first", dir)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Sprintf("user id %d must be allowed to write to it, or to create it in %s", os.Geteuid(), dir)
	case errors.Is(err, syscall.EISDIR):
		return "name a file in it"
	case errors.Is(err, syscall.ENXIO):
		return "it is a named pipe or socket that nobody reads; start its reader first"
	default:
		return "choose another path, or - for the standard stream"
	}
}

// duplicate returns a second descriptor of f's open file description, closed
// at exec. os.NewFile hands it to Go's poller if it is non-blocking now.
func duplicate(f *os.File) (*os.File, error) {
	conn, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	var fd int
	var dupErr error
	err = conn.Control(func(old uintptr) { fd, dupErr = sys.DupCloexec(int(old)) })
	if err := errors.Join(err, dupErr); err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}
