package supervisor

import (
	"errors"
	"fmt"
	"strings"

	"github.com/webchasor/webchasor/internal/sys"
)

// Values of the accept setting.
const (
	acceptAuto    = "auto"
	acceptSharded = "sharded"
	acceptShared  = "shared"
)

// socket is one address the service listens on: one descriptor that all
// workers share, or, sharded, one per worker slot in an SO_REUSEPORT group.
//
// The master keeps the raw descriptors, never accepts on them, and closes none
// while the service lives: a slot's queue outlives its worker. A net.Listener
// here would wake the master for every connection, because Go's poller
// registers it without EPOLLEXCLUSIVE.
type socket struct {
	Network string // "tcp" or "unix"
	Spec    string // as configured
	Address string // as bound
	Sharded bool
	FDs     []int `json:"-"` // by slot; exactly one if not sharded
	// Inherited from a previous master, who serves on if this one fails.
	Inherited bool `json:"-"`
}

// fd is the descriptor that the worker of a slot accepts on.
func (s *socket) fd(slot int) int {
	if !s.Sharded {
		return s.FDs[0]
	}
	return s.FDs[slot]
}

// grow makes the sockets of all slots up to this one. The index in the kernel's
// group is the order of listen, so none is left out.
func (s *socket) grow(slot, backlog int) error {
	for s.Sharded && len(s.FDs) <= slot {
		fd, err := sys.SlotGroupNext(s.FDs[0], backlog)
		if err != nil {
			return fmt.Errorf("cannot make a socket on %s for slot %d: %w", s.Address, len(s.FDs), err)
		}
		s.FDs = append(s.FDs, fd)
	}
	return nil
}

// listen opens an address in the way that the accept setting asks for. Auto is
// sharded where the kernel can steer.
func listen(spec, accept string, backlog int) (socket, error) {
	if path, ok := strings.CutPrefix(spec, "unix:"); ok {
		fd, bound, err := sys.ListenUnix(path, backlog)
		return socket{Network: "unix", Spec: spec, Address: "unix:" + bound, FDs: []int{fd}}, err
	}
	if accept != acceptShared {
		fd, bound, err := sys.SlotGroupFirst("tcp", spec, backlog)
		if err == nil || accept == acceptSharded || !errors.Is(err, errors.ErrUnsupported) {
			return socket{Network: "tcp", Spec: spec, Address: bound, Sharded: true, FDs: []int{fd}}, err
		}
	}
	fd, bound, err := sys.ListenTCP("tcp", spec, backlog)
	return socket{Network: "tcp", Spec: spec, Address: bound, FDs: []int{fd}}, err
}

// each calls f with every descriptor of every socket.
func each(sockets []socket, f func(s *socket, slot, fd int)) {
	for i := range sockets {
		for slot, fd := range sockets[i].FDs {
			f(&sockets[i], slot, fd)
		}
	}
}
