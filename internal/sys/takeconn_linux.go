package sys

import "golang.org/x/sys/unix"

// keptOptions are those that Go changes, see newTCPConn of package net.
var keptOptions = [...]sockOption{
	{level: unix.IPPROTO_TCP, name: unix.TCP_NODELAY},
	{level: unix.SOL_SOCKET, name: unix.SO_KEEPALIVE},
	{level: unix.IPPROTO_TCP, name: unix.TCP_KEEPIDLE},
	{level: unix.IPPROTO_TCP, name: unix.TCP_KEEPINTVL},
	{level: unix.IPPROTO_TCP, name: unix.TCP_KEEPCNT},
}
