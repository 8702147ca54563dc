package sys

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// SlotGroupFirst makes the first of a service's slot sockets, as [ListenTCP]
// does, and opens its SO_REUSEPORT group for [SlotGroupNext]. A program is
// attached that sends every connection to the first socket, so that later
// members get nothing before [AttachReuseportCBPF] says so.
//
// The address is exclusive: a second instance gets EADDRINUSE, even of the
// same user, even when both start at the same instant. That is why
// SO_REUSEPORT is set only once the socket listens. Between bind and listen
// the kernel lets two SO_REUSEADDR sockets have one port, and listen, which
// checks again, lets both through if both have SO_REUSEPORT by then
// (inet_csk_listen_start and inet_csk_bind_conflict in net/ipv4/inet_connection_sock.c).
//
// A kernel that cannot steer answers [errors.ErrUnsupported]: use [ListenTCP].
func SlotGroupFirst(network, address string, backlog int) (fd int, bound string, err error) {
	fd, bound, err = ListenTCP(network, address, backlog)
	if err != nil {
		return -1, "", err
	}
	if err := openGroup(fd); err != nil {
		_ = CloseFD(fd)
		return -1, "", fmt.Errorf("cannot give each worker a socket on %s: %w", address, err)
	}
	return fd, bound, nil
}

// SlotGroupNext makes a further listening socket on the address of a group's
// member and returns its descriptor, like [SlotGroupFirst]'s non-blocking,
// close-on-exec and outside Go's poller. Its index in the group is the number
// of members before it, by the order of listen (reuseport_add_sock in
// net/core/sock_reuseport.c). Closing a member moves the last one into its
// place and resets its queue, so members are kept while the service lives.
//
// The process needs the user id that made the first socket; another gets
// EADDRINUSE (the kernel compares sk_uid).
func SlotGroupNext(first, backlog int) (int, error) {
	fd, err := bindBeside(first)
	if err != nil {
		return -1, fmt.Errorf("cannot add a socket beside descriptor %d: %w", first, err)
	}
	if err := unix.Listen(fd, backlog); err != nil {
		_ = CloseFD(fd)
		return -1, fmt.Errorf("cannot add a socket beside descriptor %d: listen: %w", first, err)
	}
	return fd, nil
}

// openGroup makes a group of one of a listening socket and steers it to index
// 0. A group comes to be when a second socket listens, and only then takes a
// program; so a helper joins and leaves. Connections hashed to the helper in
// between would be reset with it. It ignores their SYN instead, which the
// client repeats after a second.
func openGroup(fd int) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
		return fmt.Errorf("SO_REUSEPORT: %w", unsupported(err))
	}
	helper, err := bindBeside(fd)
	if err != nil {
		return err
	}
	defer func() { _ = CloseFD(helper) }()
	if err := deafen(helper); err != nil {
		return err
	}
	if err := unix.Listen(helper, 1); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	return AttachReuseportCBPF(fd, []BPFInstruction{{Op: unix.BPF_RET | unix.BPF_K}})
}

// deafen makes a socket drop every packet whose time to live is below 255, as
// that of nearly every client is, without an answer (ip(7), IP_MINTTL;
// tcp_v4_rcv, tcp_v6_rcv). A filter by SO_ATTACH_FILTER would do it
// for all, but there are kernels that refuse it to unprivileged users.
func deafen(fd int) error {
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MINTTL, 255); err != nil {
		return fmt.Errorf("IP_MINTTL: %w", unsupported(err))
	}
	domain, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	if err != nil {
		return fmt.Errorf("SO_DOMAIN: %w", err)
	}
	if domain != unix.AF_INET6 {
		return nil
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_MINHOPCOUNT, 255); err != nil {
		return fmt.Errorf("IPV6_MINHOPCOUNT: %w", unsupported(err))
	}
	return nil
}

// bindBeside makes a socket with the address, family and IPV6_V6ONLY of a member.
func bindBeside(member int) (fd int, err error) {
	sa, err := unix.Getsockname(member)
	if err != nil {
		return -1, fmt.Errorf("getsockname: %w", err)
	}
	family := unix.AF_INET
	if _, v6 := sa.(*unix.SockaddrInet6); v6 {
		family = unix.AF_INET6
	}
	fd, err = newSocket(family)
	if err != nil {
		return -1, fmt.Errorf("socket: %w", err)
	}
	defer func() {
		if err != nil {
			_ = CloseFD(fd)
			fd = -1
		}
	}()
	for _, option := range []int{unix.SO_REUSEADDR, unix.SO_REUSEPORT} {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, option, 1); err != nil {
			return fd, fmt.Errorf("socket option %d: %w", option, err)
		}
	}
	if family == unix.AF_INET6 {
		only, err := unix.GetsockoptInt(member, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY)
		if err != nil {
			return fd, fmt.Errorf("IPV6_V6ONLY: %w", err)
		}
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, only); err != nil {
			return fd, fmt.Errorf("IPV6_V6ONLY: %w", err)
		}
	}
	if err := unix.Bind(fd, sa); err != nil {
		return fd, fmt.Errorf("bind: %w", err)
	}
	return fd, nil
}
