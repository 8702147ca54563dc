package supervisor

import (
	"encoding/base64"
	"fmt"
	"maps"
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

// activate sorts what the service manager passed: the queues it kept while no
// master lived, and the sockets it opened itself, which are named fd://NAME.
func (m *master) activate(all []systemd.Passed) {
	if m.inherited.sockets == nil {
		m.inherited.sockets = make(map[string]*socket)
	}
	kept := make(map[string]map[int]int) // by spec and slot
	for _, p := range all {
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
		m.log.Warn("cannot use the sockets that the service manager kept; binding anew", zap.String("address", spec))
		closeAll(s.FDs)
		return
	}
	m.inherited.sockets[spec] = &s
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

// slotPrefix begins the name under which a slot's socket is stored.
const slotPrefix = "slot-"

// slotName names a stored socket. FDNAME= may not contain a colon, which most addresses do.
func slotName(spec string, slot int) string {
	return slotPrefix + strconv.Itoa(slot) + "-" + base64.RawURLEncoding.EncodeToString([]byte(spec))
}

// keptSlot reads such a name.
func keptSlot(name string) (spec string, slot int, ok bool) {
	rest, ok := strings.CutPrefix(name, slotPrefix)
	if !ok {
		return "", 0, false
	}
	number, encoded, _ := strings.Cut(rest, "-")
	slot, err := strconv.Atoi(number)
	if err != nil || slot < 0 {
		return "", 0, false
	}
	raw, err := base64.RawURLEncoding.DecodeString(encoded)
	return string(raw), slot, err == nil
}

// keepSockets stores the slots' sockets with the service manager, so that their
// queues survive this process. Unix and lent sockets need none: the
// path is bound anew, and the manager has its own.
func (m *master) keepSockets() {
	for i := range m.sockets {
		s := &m.sockets[i]
		for slot := s.Stored; s.Sharded && slot < len(s.FDs); slot++ {
			if err := m.systemd.Store(slotName(s.Spec, slot), s.FDs[slot]); err != nil {
				m.log.Warn("cannot store a socket with the service manager", zap.Error(err))
				return
			}
			s.Stored = slot + 1
		}
	}
}

// forget takes a socket's slots out of the manager's store.
func (m *master) forget(s *socket) {
	for slot := range s.Stored {
		if err := m.systemd.Forget(slotName(s.Spec, slot)); err != nil {
			m.log.Debug("cannot take a socket out of the service manager's store", zap.Error(err))
		}
	}
	s.Stored = 0
}
