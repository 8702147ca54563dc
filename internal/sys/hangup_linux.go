package sys

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// HangupWatcher reports peers that closed their connection, or their half of
// it, or reset it, while nobody reads from it. It looks at the socket's state
// and not at its data, so it also sees the end of a connection behind pipelined bytes.
//
// Its epoll instance sits in Go's own poller: waiting costs a goroutine, no thread.
type HangupWatcher struct {
	file *os.File
	raw  syscall.RawConn
	over atomic.Bool // Close was called
}

// NewHangupWatcher makes one; a worker needs only one.
func NewHangupWatcher() (*HangupWatcher, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("cannot make a hang-up watcher: %w", err)
	}
	// O_NONBLOCK means nothing to an epoll descriptor, but os.NewFile
	// takes only a non-blocking one into Go's poller.
	if err := SetNonblock(fd); err != nil {
		return nil, errors.Join(err, CloseFD(fd))
	}
	file := os.NewFile(uintptr(fd), "hang-up watcher")
	raw, err := file.SyscallConn()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot make a hang-up watcher: %w", err), file.Close())
	}
	return &HangupWatcher{file: file, raw: raw}, nil
}

// Add watches fd until it is reported, removed or closed. The report carries
// token, the caller's own mark of this use of the descriptor: the number may
// be another connection's by the time of the report. A descriptor that is
// already known gets the new token and is armed again; a peer that is already
// gone is reported at once. Call it inside [WithFD].
func (h *HangupWatcher) Add(fd int, token uint64) error {
	ev := unix.EpollEvent{
		Events: unix.EPOLLRDHUP | unix.EPOLLONESHOT, // EPOLLHUP and EPOLLERR come unasked
		Fd:     int32(uint32(token)),
		Pad:    int32(uint32(token >> 32)),
	}
	err := h.control(unix.EPOLL_CTL_ADD, fd, &ev)
	if errors.Is(err, unix.EEXIST) {
		err = h.control(unix.EPOLL_CTL_MOD, fd, &ev)
	}
	if err != nil {
		return fmt.Errorf("cannot watch descriptor %d for a hang-up: %w", fd, err)
	}
	return nil
}

// Remove stops watching fd. A report that is already under way may still come.
// A descriptor that is not watched is not an error.
func (h *HangupWatcher) Remove(fd int) error {
	err := h.control(unix.EPOLL_CTL_DEL, fd, &unix.EpollEvent{})
	if err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("cannot stop watching descriptor %d: %w", fd, err)
	}
	return nil
}

// Run reports hang-ups until Close and then returns nil. The callback runs on
// this goroutine and must not block.
func (h *HangupWatcher) Run(report func(token uint64)) error {
	events := make([]unix.EpollEvent, 64)
	var failed error
	err := h.raw.Read(func(epfd uintptr) bool {
		for {
			n, err := unix.EpollWait(int(epfd), events, 0)
			switch {
			case errors.Is(err, unix.EINTR):
				continue
			case err != nil:
				failed = err
				return true
			case n == 0:
				return false // Go's poller wakes us at the next event
			}
			for _, ev := range events[:n] {
				report(uint64(uint32(ev.Fd)) | uint64(uint32(ev.Pad))<<32)
			}
		}
	})
	if err != nil && h.over.Load() {
		return nil // the poller's own error for a closed file has no public name
	}
	if err = errors.Join(err, failed); err != nil {
		return fmt.Errorf("cannot watch for hang-ups: %w", err)
	}
	return nil
}

// Close ends Run.
func (h *HangupWatcher) Close() error {
	h.over.Store(true)
	return h.file.Close()
}

func (h *HangupWatcher) control(op, fd int, ev *unix.EpollEvent) error {
	var inner error
	err := h.raw.Control(func(epfd uintptr) { inner = unix.EpollCtl(int(epfd), op, fd, ev) })
	return errors.Join(err, inner)
}
