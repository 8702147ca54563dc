//go:build !linux

package worker

import "syscall"

// sendQueue is not known here: a blocked write counts as no progress.
func sendQueue(syscall.Conn) (int, bool) { return 0, false }
