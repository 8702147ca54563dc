package worker

import (
	"os"
	"syscall"

	"github.com/webchasor/webchasor/internal/sys"
)

// raiseAbort sends SIGABRT to the calling thread, which has it before the
// call returns (tgkill(2), signal(7)).
func raiseAbort() error {
	return sys.SignalThread(os.Getpid(), syscall.Gettid(), syscall.SIGABRT)
}
