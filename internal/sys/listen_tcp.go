package sys

import (
	"errors"
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// ListenTCP makes a listening socket outside Go's poller: non-blocking,
// close-on-exec, SO_REUSEADDR. The network is "tcp", "tcp4" or "tcp6". An
// empty host or [::] means IPv4 and IPv6, as in net.Listen; 0.0.0.0 means
// IPv4 only, as in Gunicorn. A host name is looked up, which may block; its first address is used.
// Bound is the numeric address with the real port. A taken address is syscall.EADDRINUSE.
func ListenTCP(network, address string, backlog int) (fd int, bound string, err error) {
	// An empty address would mean any port everywhere.
	if _, _, err := net.SplitHostPort(address); err != nil {
		return -1, "", fmt.Errorf("cannot listen on %q: %w", address, err)
	}
	addr, err := net.ResolveTCPAddr(network, address)
	if err != nil {
		return -1, "", fmt.Errorf("cannot listen on %s: %w", address, err)
	}
	if addr.IP == nil && network != "tcp4" {
		fd, bound, err = listenTCP(&net.TCPAddr{IP: net.IPv6unspecified, Port: addr.Port}, network == "tcp", backlog)
		noIPv6 := errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EADDRNOTAVAIL)
		if network == "tcp" && noIPv6 {
			// A kernel booted without IPv6, or with it switched off.
			fd, bound, err = listenTCP(&net.TCPAddr{IP: net.IPv4zero, Port: addr.Port}, false, backlog)
		}
	} else {
		dual := network == "tcp" && addr.IP.To4() == nil && addr.IP.IsUnspecified()
		fd, bound, err = listenTCP(addr, dual, backlog)
	}
	if err != nil {
		return -1, "", fmt.Errorf("cannot listen on %s: %w", address, err)
	}
	return fd, bound, nil
}

func listenTCP(addr *net.TCPAddr, dual bool, backlog int) (fd int, bound string, err error) {
	family, sa, err := tcpSockaddr(addr)
	if err != nil {
		return -1, "", err
	}
	fd, err = newSocket(family)
	if err != nil {
		return -1, "", fmt.Errorf("socket: %w", err)
	}
	defer func() {
		if err != nil {
			_ = CloseFD(fd)
			fd = -1
		}
	}()
	// A restart may bind while old connections are in TIME_WAIT; two listeners still collide.
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return fd, "", fmt.Errorf("SO_REUSEADDR: %w", err)
	}
	if family == unix.AF_INET6 {
		only := 1
		if dual {
			only = 0
		}
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, only); err != nil {
			return fd, "", fmt.Errorf("IPV6_V6ONLY: %w", err)
		}
	}
	if err := unix.Bind(fd, sa); err != nil {
		return fd, "", fmt.Errorf("bind: %w", err)
	}
	if err := unix.Listen(fd, backlog); err != nil {
		return fd, "", fmt.Errorf("listen: %w", err)
	}
	bound, err = boundTCP(fd)
	return fd, bound, err
}

func tcpSockaddr(addr *net.TCPAddr) (family int, sa unix.Sockaddr, err error) {
	if addr.IP == nil || addr.IP.To4() != nil {
		v4 := &unix.SockaddrInet4{Port: addr.Port}
		copy(v4.Addr[:], addr.IP.To4())
		return unix.AF_INET, v4, nil
	}
	v6 := &unix.SockaddrInet6{Port: addr.Port}
	copy(v6.Addr[:], addr.IP.To16())
	if addr.Zone != "" {
		ifi, err := net.InterfaceByName(addr.Zone)
		if err != nil {
			return 0, nil, fmt.Errorf("zone %q: %w", addr.Zone, err)
		}
		v6.ZoneId = uint32(ifi.Index)
	}
	return unix.AF_INET6, v6, nil
}

// boundTCP asks the kernel which address the socket has.
func boundTCP(fd int) (string, error) {
	a, err := localAddr(fd)
	if err != nil {
		return "", fmt.Errorf("getsockname: %w", err)
	}
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return "", fmt.Errorf("getsockname: unexpected kind of address %T", a)
	}
	return tcp.AddrPort().String(), nil
}
