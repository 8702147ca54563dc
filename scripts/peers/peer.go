package main

import (
	"syscall"

	"github.com/webchasor/webchasor/internal/testproc"
)

// peer is one server of the comparison.
type peer struct {
	name string
	// workers is how many processes answer.
	workers int
	// needs are programs from the PATH; without one the peer is left out and named.
	needs []string
	// version prints the version, in the first line that is not empty.
	version []string
	// note says what a reader must know about how it is started.
	note string
	// command is how it is started at a place.
	command func(place) command
	// reload is the signal for a graceful reload, 0 where there is none.
	reload syscall.Signal
	// supervised: somebody replaces a worker that died.
	supervised bool
	// speedOnly: a variant of another peer, which the throughput, the boot and the
	// memory are of interest of.
	speedOnly bool
}

// command is one way to start a server.
type command struct {
	binary    string
	args, env []string
	announces bool // it chooses its port and says so in its log, as ours does
}

// place is where one start of a peer lives.
type place struct {
	dir     string // its own, empty
	port    int    // free, on 127.0.0.1
	workers int
	built   programs
}

// programs are the paths of what was built from this module.
type programs struct{ ours, bare, prefork string }

// server is a peer that runs.
type server struct {
	*testproc.Process
	peer peer
	addr string
}

// workerPIDs are the processes that the started one has made.
func (s *server) workerPIDs() (pids []int) {
	for _, proc := range s.Alive() {
		if proc.Parent == s.PID() {
			pids = append(pids, proc.PID)
		}
	}
	return pids
}

// answers reports whether the server gives a whole answer on a connection of its own.
func (s *server) answers() bool {
	client := testproc.Client{Addr: s.addr, Fresh: true, Timeout: patience}
	return client.Get("/pid").Outcome == testproc.OK
}
