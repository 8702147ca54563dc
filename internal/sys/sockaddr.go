package sys

import (
	"bytes"
	"net"
	"strconv"

	"golang.org/x/sys/unix"
)

// localAddr is the address that a socket is bound to.
func localAddr(fd int) (net.Addr, error) {
	a, err := unix.Getsockname(fd)
	if err != nil {
		return nil, err
	}
	return addrOf(a), nil
}

// addrOf is a as package net writes it.
func addrOf(a unix.Sockaddr) net.Addr {
	switch a := a.(type) {
	case *unix.SockaddrInet4:
		return tcpAddr(a.Addr[:], a.Port, 0)
	case *unix.SockaddrInet6:
		return tcpAddr(a.Addr[:], a.Port, a.ZoneId)
	case *unix.SockaddrUnix:
		return unixAddr(a.Name)
	}
	return unixAddr("")
}

func tcpAddr(ip []byte, port int, zone uint32) net.Addr {
	return &net.TCPAddr{IP: bytes.Clone(ip), Port: port, Zone: zoneName(zone)}
}

func unixAddr(name string) net.Addr { return &net.UnixAddr{Net: "unix", Name: name} }

// zoneName is the interface of a link-local address; others have none.
func zoneName(index uint32) string {
	if index == 0 {
		return ""
	}
	if i, err := net.InterfaceByIndex(int(index)); err == nil {
		return i.Name
	}
	return strconv.FormatUint(uint64(index), 10)
}
