package worker

import (
	"syscall"
	"unsafe"

	"github.com/webchasor/webchasor/internal/sys"
)

// sendQueue returns how many bytes the peer has not acknowledged yet (SIOCOUTQ,
// tcp(7); the same number as TIOCOUTQ).
func sendQueue(s syscall.Conn) (int, bool) {
	var n int32
	err := sys.WithFD(s, func(fd int) error {
		_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), syscall.TIOCOUTQ, uintptr(unsafe.Pointer(&n)))
		if errno != 0 {
			return errno
		}
		return nil
	})
	return int(n), err == nil
}
