// Package pidfile keeps the file that tells scripts and init systems which
// process is the master.
//
// A pid is a number, not a process: after a crash the kernel may have given
// the old master's number to a stranger. A live number is refused all the
// same, because taking over from a running master would be worse; the error
// says how to get on.
package pidfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// InUseError: another live process owns the file.
type InUseError struct {
	Path string
	PID  int
}

// Error names the process and the remedy.
func (e *InUseError) Error() string {
	return fmt.Sprintf("pidfile %s belongs to process %d, which is alive (stop it first, or remove the file if that process is something else)", e.Path, e.PID)
}

// File is a pidfile that names this process.
type File struct {
	path string
	pid  int
}

// Path is the absolute path of the file.
func (f *File) Path() string { return f.path }

// Acquire writes our pid to path. A file that names no live process (stale,
// empty, garbage) is replaced, and so is one that names us or one of the
// processes that we replace (the old master of an upgrade); a live one of
// anybody else gives an [InUseError] and is left as it is.
//
// The file appears whole: it is written beside its place, mode 0644, and
// renamed. A symbolic link at path is replaced, not followed. Two masters that
// start in the same instant are not told apart here, but by the address they
// both want to bind.
func Acquire(path string, replacing ...int) (*File, error) {
	return acquire(path, os.Getpid(), replacing, alive)
}

func acquire(path string, self int, replacing []int, alive func(pid int) bool) (*File, error) {
	abs, err := filepath.Abs(path) // Remove must find it even if we change directory
	if err != nil {
		return nil, fmt.Errorf("cannot use pidfile %s: %w", path, err)
	}
	owner, err := Read(abs)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, errNoPID):
	case err != nil:
		return nil, fmt.Errorf("cannot use pidfile %s: %w", abs, reason(err))
	case owner == self || slices.Contains(replacing, owner):
	case alive(owner):
		return nil, &InUseError{Path: abs, PID: owner}
	}
	if err := write(abs, self); err != nil {
		return nil, err
	}
	return &File{path: abs, pid: self}, nil
}

// Remove deletes the file if it still names us: after an upgrade it is the new
// master's. A file that is already gone is no error.
func (f *File) Remove() error {
	owner, err := Read(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, errNoPID), err == nil && owner != f.pid:
		return nil
	case err != nil:
		return fmt.Errorf("cannot remove pidfile %s: %w", f.path, reason(err))
	}
	if err := os.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot remove pidfile %s: %w", f.path, reason(err))
	}
	return nil
}

var errNoPID = errors.New("it does not hold a process id")

// maxFile is far more than a pid needs; the rest of a huge file is not read.
const maxFile = 64

// Read returns the pid that a file names, whether that process lives or not.
func Read(path string) (int, error) {
	i, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	if !i.Mode().IsRegular() { // reading a FIFO would block for ever
		return 0, errors.New("it is not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	buf := make([]byte, maxFile)
	n, err := f.Read(buf)
	if n == 0 && err != nil {
		return 0, errNoPID
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(buf[:n])))
	// 0 and negative numbers would address process groups in kill(2).
	if err != nil || pid <= 0 {
		return 0, errNoPID
	}
	return pid, nil
}

func write(path string, pid int) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("cannot write pidfile %s: %w (may this user write to the directory %s?)", path, reason(err), filepath.Dir(path))
	}
	_, err = f.WriteString(strconv.Itoa(pid) + "\n")
	if cerr := f.Chmod(0o644); err == nil {
		err = cerr
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("cannot write pidfile %s: %w", path, reason(err))
	}
	return nil
}

// alive asks kill(2) with signal 0.
func alive(pid int) bool { return exists(syscall.Kill(pid, 0)) }

// exists reads the answer. EPERM means that somebody else's process has that
// pid: alive.
func exists(err error) bool { return err == nil || errors.Is(err, syscall.EPERM) }

// reason drops the path from an error: ours names the file already, and a
// temporary name helps nobody.
func reason(err error) error {
	if p := (*os.PathError)(nil); errors.As(err, &p) {
		return p.Err
	}
	if l := (*os.LinkError)(nil); errors.As(err, &l) {
		return l.Err
	}
	return err
}
