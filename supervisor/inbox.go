package supervisor

import (
	"errors"
	"os"
	"os/signal"
	"syscall"
)

// inbox holds the operator's signals until the loop reads them. signal.Notify
// drops what does not fit, so a stop has a channel of its own: a storm of
// reloads, of which one is enough, must not push it out.
type inbox struct {
	orders <-chan os.Signal
	stops  <-chan os.Signal
}

// catchSignals subscribes. It comes first in a master's life: until then
// every one of these ends the process and leaves its pidfile behind.
func catchSignals() inbox {
	orders, stops := make(chan os.Signal, 64), make(chan os.Signal, 16)
	signal.Notify(orders,
		syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2,
		syscall.SIGTTIN, syscall.SIGTTOU, syscall.SIGWINCH)
	signal.Notify(stops, syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT)
	// A log reader that went away must not take the service with it.
	signal.Ignore(syscall.SIGPIPE)
	return inbox{orders: orders, stops: stops}
}

// errStopped: the operator ended a master that had not started a worker yet.
var errStopped = errors.New("stopped before the first worker was started")
