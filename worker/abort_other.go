//go:build !linux

package worker

import (
	"os"
	"syscall"
)

// raiseAbort sends SIGABRT to the process: there is no portable way to name a thread.
func raiseAbort() error { return syscall.Kill(os.Getpid(), syscall.SIGABRT) }
