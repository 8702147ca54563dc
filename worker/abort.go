package worker

import (
	"runtime"
	"time"
)

// abortWait is how long the process waits for the signal it sent itself.
const abortWait = 5 * time.Second

// abortSelf ends the process with all stacks written. The runtime cannot show a
// goroutine that is running on another thread than the one which gets the
// signal, and a handler that spins is the one to see. So it is made to wait: with
// one processor, ours, and the signal taken by our own thread at once.
func abortSelf() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	runtime.GOMAXPROCS(1)
	if raiseAbort() == nil {
		<-time.After(abortWait)
	}
}
