package sys

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Memfd makes an anonymous file of exactly size bytes, all zero, close-on-exec
// and sealed: nobody who holds it can change its length or its seals, so a
// mapping of it can never raise SIGBUS. The name is for /proc/PID/maps only.
func Memfd(name string, size int64) (fd int, err error) {
	fd, err = unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return -1, fmt.Errorf("cannot create memfd %q: %w", name, err)
	}
	if err := unix.Ftruncate(fd, size); err != nil {
		_ = CloseFD(fd)
		return -1, fmt.Errorf("cannot size memfd %q to %d bytes: %w", name, size, err)
	}
	const seals = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals); err != nil {
		_ = CloseFD(fd)
		return -1, fmt.Errorf("cannot seal memfd %q: %w", name, err)
	}
	return fd, nil
}

// MemfdLog makes an empty anonymous file that grows as it is written, close-on-exec
// and not sealed: for a child's crash output. Do not map it.
func MemfdLog(name string) (fd int, err error) {
	fd, err = unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return -1, fmt.Errorf("cannot create memfd %q: %w", name, err)
	}
	return fd, nil
}
