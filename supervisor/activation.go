package supervisor

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/sys"
	"github.com/webchasor/webchasor/internal/systemd"
)

// fdScheme begins an address that is a descriptor we were started with.
const fdScheme = "fd://"

// activate sorts what the service manager passed: the queues and the counters it kept while no
// master lived, and the sockets it opened itself, which are named fd://NAME.
func (m *master) activate(all []systemd.Passed) {
	if m.inherited.sockets == nil {
		m.inherited.sockets = make(map[string]*socket)
	}
	kept := make(map[string]map[int]int) // by spec and slot
	for _, p := range all {
		if spec, ok := keptWhole(p.Name); ok {
			m.reviveOne(spec, p.FD)
			continue
		}
		if spec, slot, ok := keptSlot(p.Name); ok {
			if kept[spec] == nil {
				kept[spec] = make(map[int]int)
			}
			if old, twice := kept[spec][slot]; twice {
				_ = sys.CloseFD(old)
			}
			kept[spec][slot] = p.FD
			continue
		}
		network, address, err := sys.ListenerName(p.FD)
		if err != nil && p.Name == ledgerName && m.inherited.ledger == nil {
			m.inherited.ledger = &p.FD // looked at by openLedger
			m.manager.ledger = true
			continue
		}
		if err != nil {
			m.log.Warn("cannot use a descriptor of the service manager", zap.String("name", p.Name), zap.Error(err))
			_ = sys.CloseFD(p.FD)
			continue
		}
		s := lent(fdScheme+p.Name, network, address, p.FD)
		if _, taken := m.inherited.sockets[s.Spec]; taken { // names may repeat (sd_listen_fds(3))
			s.Spec = fdScheme + strconv.Itoa(p.FD)
		}
		m.inherited.sockets[s.Spec] = &s
	}
	for spec, slots := range kept {
		m.revive(spec, slots)
	}
}

// revive makes a socket of what a killed master had stored. Slots are the order
// of the kernel's group, so a gap makes them useless.
func (m *master) revive(spec string, slots map[int]int) {
	s := socket{Spec: spec, Network: "tcp", Sharded: true, Stored: len(slots)}
	whole := m.current.Settings.Accept != acceptShared
	for slot, at := range slices.Sorted(maps.Keys(slots)) {
		_, address, err := sys.ListenerName(slots[at])
		whole = whole && slot == at && err == nil
		s.Address = address
		s.FDs = append(s.FDs, slots[at])
	}
	if !whole {
		for slot := range slots {
			m.forgetName(slotName(spec, slot))
		}
		m.cannotRevive(&s)
		return
	}
	m.inherited.sockets[spec] = &s
}

// reviveOne does so with a socket that all workers share.
func (m *master) reviveOne(spec string, fd int) {
	if m.inherited.sockets[spec] != nil { // stored twice; the manager keeps both
		_ = sys.CloseFD(fd)
		return
	}
	network, address, err := sys.ListenerName(fd)
	s := socket{Spec: spec, Network: network, Address: address, Stored: 1, FDs: []int{fd}}
	usable := err == nil && m.current.Settings.Accept != acceptSharded
	if network == "unix" {
		s.Address = "unix:" + address
		usable = isSocket(address)
	}
	if !usable {
		m.forget(&s)
		m.cannotRevive(&s)
		return
	}
	m.inherited.sockets[spec] = &s
}

// isSocket: the path is there. Without it, as when RuntimeDirectory= was emptied, nobody
// can reach the socket that was bound to it.
func isSocket(path string) bool {
	file, err := os.Lstat(path)
	return err == nil && file.Mode()&os.ModeSocket != 0
}

// cannotRevive lets go of them. The manager has been told to do so too: as long as it
// holds them their port is in use.
func (m *master) cannotRevive(s *socket) {
	m.log.Warn("cannot use the sockets that the service manager kept; binding anew", zap.String("address", s.Spec))
	closeAll(s.FDs)
}

// specs are the addresses to listen on: the setting's, or, when nobody wrote it, what
// the service manager opened.
func (m *master) specs() []string {
	s := &m.current.Settings
	if m.current.Origins["bind"].Kind != config.FromDefault {
		return s.Bind
	}
	var opened []string
	for spec := range m.inherited.sockets {
		if strings.HasPrefix(spec, fdScheme) {
			opened = append(opened, spec)
		}
	}
	if len(opened) == 0 {
		return s.Bind
	}
	slices.Sort(opened)
	return opened
}

// passed takes a descriptor by number that a parent other than systemd left open, as
// Gunicorn's fd://3 does.
func passed(spec, name string) (socket, error) {
	fd, err := strconv.Atoi(name)
	if err != nil || fd < 3 {
		return socket{}, fmt.Errorf("nobody passed a descriptor named %s; check FileDescriptorName= in the .socket unit", name)
	}
	network, address, err := sys.ListenerName(fd)
	if err != nil {
		return socket{}, fmt.Errorf("cannot listen on a passed descriptor: %w", err)
	}
	syscall.CloseOnExec(fd)
	return lent(spec, network, address, fd), nil
}

func lent(spec, network, address string, fd int) socket {
	if network == "unix" {
		address = "unix:" + address
	}
	return socket{Network: network, Spec: spec, Address: address, FDs: []int{fd}, Lent: true}
}
