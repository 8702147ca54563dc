package sys

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// PidfdOpen returns a close-on-exec descriptor of process pid, which keeps
// meaning that process when the number is given to another (pidfd_open(2)).
func PidfdOpen(pid int) (fd int, err error) {
	fd, err = unix.PidfdOpen(pid, 0)
	if err != nil {
		return -1, fmt.Errorf("cannot hold process %d: %w", pid, err)
	}
	return fd, nil
}

// PidfdSignal sends a signal to the process behind fd; the error is
// os.ErrProcessDone when it has ended.
func PidfdSignal(fd int, sig syscall.Signal) error {
	err := unix.PidfdSendSignal(fd, sig, nil, 0)
	if errors.Is(err, unix.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}

// PidfdWait blocks until the process behind fd has ended, be it a child or
// not. It takes ownership of fd and costs a goroutine, no thread: a pidfd is
// readable once the process has ended, and Go's poller can wait for that.
func PidfdWait(fd int) error {
	if err := SetNonblock(fd); err != nil {
		return errors.Join(err, CloseFD(fd))
	}
	f := os.NewFile(uintptr(fd), "pidfd")
	defer f.Close()
	raw, err := f.SyscallConn()
	if err != nil {
		return fmt.Errorf("cannot wait for a process: %w", err)
	}
	var ended bool
	var failed error
	err = raw.Read(func(fd uintptr) bool {
		ended, failed = Readable(int(fd))
		return ended || failed != nil
	})
	return errors.Join(err, failed)
}
