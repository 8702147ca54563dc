//go:build linux && !race

package sys

import (
	"net"
	"unsafe"

	"golang.org/x/sys/unix"
)

// These calls never wait, so the scheduler need not know of them. Telling it costs
// more than it seems: the first ordinary system call after an idle moment wakes the
// runtime's monitor (entersyscall_sysmon in runtime/proc.go), a thread that sleeps
// 20 us and goes back to its futex. A worker is idle between two requests
// nearly always, and then paid two to three context switches for each of them.
//
// MSG_DONTWAIT (recv(2)) holds also where somebody has cleared the O_NONBLOCK
// that all holders of a socket share.

// receiveNow reads what is there.
func receiveNow(fd int, p []byte) (int, error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// sendNow writes what there is room for. A client that is gone is an error and no SIGPIPE.
func sendNow(fd int, p []byte) (int, error) {
	n, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// acceptNow takes a connection from the queue of a non-blocking listener, close-on-exec
// and non-blocking.
func acceptNow(listener int) (fd int, remote net.Addr, err error) {
	var from unix.RawSockaddrAny
	size := uint32(unix.SizeofSockaddrAny)
	n, _, errno := unix.RawSyscall6(unix.SYS_ACCEPT4, uintptr(listener), uintptr(unsafe.Pointer(&from)), uintptr(unsafe.Pointer(&size)), unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0, 0)
	if errno != 0 {
		return -1, nil, errno
	}
	return int(n), rawAddr(&from, size), nil
}

// rawAddr is an address as the kernel writes it.
func rawAddr(a *unix.RawSockaddrAny, size uint32) net.Addr {
	switch a.Addr.Family {
	case unix.AF_INET:
		in := (*unix.RawSockaddrInet4)(unsafe.Pointer(a))
		return tcpAddr(in.Addr[:], hostOrder(in.Port), 0)
	case unix.AF_INET6:
		in := (*unix.RawSockaddrInet6)(unsafe.Pointer(a))
		return tcpAddr(in.Addr[:], hostOrder(in.Port), in.Scope_id)
	}
	const path = unsafe.Offsetof(unix.RawSockaddrUnix{}.Path)
	if uintptr(size) <= path {
		return unixAddr("") // a client that has no name, unix(7)
	}
	un := (*unix.RawSockaddrUnix)(unsafe.Pointer(a))
	name := unsafe.Slice((*byte)(unsafe.Pointer(&un.Path)), len(un.Path))
	return unixAddr(unix.ByteSliceToString(name[:min(uintptr(size)-path, uintptr(len(name)))]))
}

// hostOrder turns a port as it is on the wire.
func hostOrder(port uint16) int {
	b := (*[2]byte)(unsafe.Pointer(&port))
	return int(b[0])<<8 | int(b[1])
}
