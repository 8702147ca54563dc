//go:build !linux

package sys

const recvFlags = 0
