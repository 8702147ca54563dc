package logs

import (
	"os"
	"syscall"
	"unsafe"
)

// isTerminal asks for terminal attributes, which only terminals have (isatty(3)).
func isTerminal(f *os.File) bool {
	conn, err := f.SyscallConn()
	if err != nil {
		return false
	}
	answered := false
	err = conn.Control(func(fd uintptr) {
		var attributes syscall.Termios
		_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, fd, syscall.TCGETS, uintptr(unsafe.Pointer(&attributes)))
		answered = errno == 0
	})
	return err == nil && answered
}
