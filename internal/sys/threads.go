package sys

import (
	"runtime"
	"sync"
)

// SpareThreads makes the process have so many threads more than it uses now, idle.
// Go ends a program that needs a thread and cannot make one, as at the limit of
// processes (RLIMIT_NPROC, pids.max), and keeps idle ones for ever: with some in
// reserve it can get over such a time. Each costs some 50 KB of address space.
func SpareThreads(n int) {
	var here, gone sync.WaitGroup
	here.Add(n)
	for range n {
		gone.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread() // else the thread would end
			here.Done()
			here.Wait() // so that none serves two
		})
	}
	gone.Wait()
}
