package autopsy

import "syscall"

// signals are those that end a process by default, with their usual names.
// syscall has no function for the names and x/sys is not ours to import.
var signals = map[syscall.Signal]string{
	syscall.SIGABRT: "SIGABRT", syscall.SIGALRM: "SIGALRM", syscall.SIGBUS: "SIGBUS",
	syscall.SIGFPE: "SIGFPE", syscall.SIGHUP: "SIGHUP", syscall.SIGILL: "SIGILL",
	syscall.SIGINT: "SIGINT", syscall.SIGIO: "SIGIO", syscall.SIGKILL: "SIGKILL",
	syscall.SIGPIPE: "SIGPIPE", syscall.SIGPROF: "SIGPROF", syscall.SIGQUIT: "SIGQUIT",
	syscall.SIGSEGV: "SIGSEGV", syscall.SIGSYS: "SIGSYS", syscall.SIGTERM: "SIGTERM",
	syscall.SIGTRAP: "SIGTRAP", syscall.SIGUSR1: "SIGUSR1", syscall.SIGUSR2: "SIGUSR2",
	syscall.SIGVTALRM: "SIGVTALRM", syscall.SIGXCPU: "SIGXCPU", syscall.SIGXFSZ: "SIGXFSZ",
}

// SignalName is the name that manuals use, e.g. "SIGKILL"; an unknown number
// keeps Go's words, e.g. "signal 40".
func SignalName(s syscall.Signal) string {
	if name, ok := signals[s]; ok {
		return name
	}
	return s.String()
}

// canonical turns Go's words for a signal ("killed") into its name.
func canonical(words string) string {
	for s, name := range signals {
		if s.String() == words {
			return name
		}
	}
	return words
}
