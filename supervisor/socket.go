package supervisor

import (
	"errors"
	"fmt"
	"os/user"
	"strconv"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/identity"
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
	Spec    string // as configured when it was bound, without ?tls
	Address string // as bound
	Sharded bool
	FDs     []int `json:"-"` // by slot; exactly one if not sharded
	// Lent by whoever passed it to us: it is let go of at the end, never shut
	// down or unlinked.
	Lent bool `json:",omitempty"`
	// Stored counts the slots, from 0, that the service manager keeps duplicates of.
	Stored int `json:",omitempty"`
	// TLS is whether those who connect speak it. It is no part of Spec, so that an
	// upgrade may change it.
	TLS bool `json:"-"`
	// Inherited from a previous master, who serves on if this one fails.
	Inherited bool   `json:"-"`
	wanted    string // of an inherited one: as configured now
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
// sharded where the kernel can steer. A unix socket belongs to the workers' user,
// as Gunicorn's, unless it names another owner.
func listen(spec, accept string, backlog int, owner *identity.Identity) (socket, error) {
	b, err := config.ParseBind(spec)
	if err != nil {
		return socket{}, err
	}
	switch b.Network {
	case "unix":
		access, err := accessOf(b.Unix, owner)
		if err != nil {
			return socket{}, err
		}
		fd, bound, err := sys.ListenUnixFor(b.Address, backlog, access)
		return socket{Network: "unix", Spec: spec, Address: "unix:" + bound, FDs: []int{fd}}, err
	case "fd":
		return passed(spec, b.Address)
	}
	if accept != acceptShared {
		fd, bound, err := sys.SlotGroupFirst("tcp", b.Address, backlog)
		if err == nil || accept == acceptSharded || !errors.Is(err, errors.ErrUnsupported) {
			return socket{Network: "tcp", Spec: spec, Address: bound, Sharded: true, FDs: []int{fd}}, err
		}
	}
	fd, bound, err := sys.ListenTCP("tcp", b.Address, backlog)
	return socket{Network: "tcp", Spec: spec, Address: bound, FDs: []int{fd}}, err
}

// accessOf looks the names up.
func accessOf(f config.UnixFile, owner *identity.Identity) (a sys.Access, err error) {
	a = sys.Access{Mode: f.Mode, UID: -1, GID: -1}
	if owner != nil {
		a.UID, a.GID = int(owner.UID), int(owner.GID)
	}
	if f.Owner != "" {
		u, err := user.Lookup(f.Owner)
		if id, numeric := strconv.Atoi(f.Owner); numeric == nil {
			a.UID = id
		} else if err != nil {
			return a, fmt.Errorf("cannot find the owner of the socket: %w", err)
		} else if a.UID, err = strconv.Atoi(u.Uid); err != nil {
			return a, fmt.Errorf("cannot use the owner %s of the socket: %w", f.Owner, err)
		}
	}
	if f.Group != "" {
		g, err := user.LookupGroup(f.Group)
		if id, numeric := strconv.Atoi(f.Group); numeric == nil {
			a.GID = id
		} else if err != nil {
			return a, fmt.Errorf("cannot find the group of the socket: %w", err)
		} else if a.GID, err = strconv.Atoi(g.Gid); err != nil {
			return a, fmt.Errorf("cannot use the group %s of the socket: %w", f.Group, err)
		}
	}
	return a, nil
}

// each calls f with every descriptor of every socket.
func each(sockets []socket, f func(s *socket, slot, fd int)) {
	for i := range sockets {
		for slot, fd := range sockets[i].FDs {
			f(&sockets[i], slot, fd)
		}
	}
}
