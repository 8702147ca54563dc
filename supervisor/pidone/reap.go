package pidone

import "syscall"

// initProcess is the state of PID 1.
type initProcess struct {
	followed int // pid of the current master
	news     *announcements
}

// forward passes a signal to the current master. A master that is just gone is
// noticed by the reaping.
func (i *initProcess) forward(s syscall.Signal) {
	i.follow()
	_ = syscall.Kill(i.followed, s)
}

// follow takes in what masters announced since the last look.
func (i *initProcess) follow() {
	if pid := i.news.latest(); pid != 0 {
		i.followed = pid
	}
}

// reap collects every child that ended, orphans included. It returns the exit
// status when the followed master was among them and no successor has
// announced itself: a successor does so before its predecessor leaves.
func (i *initProcess) reap() (status int, ended bool) {
	for {
		var ws syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &ws, syscall.WNOHANG, nil)
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil || pid == 0:
			return status, ended
		}
		i.follow()
		if pid == i.followed {
			status, ended = exitStatus(ws), true
		}
	}
}

// exitStatus is the shell's convention: 128+n for a signal.
func exitStatus(ws syscall.WaitStatus) int {
	if ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return ws.ExitStatus()
}
