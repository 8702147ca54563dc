//go:build !linux

package sys

import "golang.org/x/sys/unix"

// options are the portable ones of newTCPConn of package net.
var options = [...]sockOption{
	{unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
	{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
}
