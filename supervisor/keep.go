package supervisor

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/config"
)

// The names under which the service manager keeps descriptors for us (FDSTORE=1 in
// sd_notify(3)) so that they outlive a killed master: the sockets with what waits in them, and
// the counters. Never the lifeline's writing end: workers must see that their master is gone.
const (
	slotPrefix  = "slot-"   // a slot's socket
	wholePrefix = "socket-" // one that all workers share
	ledgerName  = "ledger"
)

// encoded is an address in a name: FDNAME= may not contain a colon, which most addresses do.
func encoded(spec string) string { return base64.RawURLEncoding.EncodeToString([]byte(spec)) }

// decoded reads it. What is no address is a name that somebody gave a socket in a .socket
// unit, as in FileDescriptorName=socket-web.
func decoded(text string) (spec string, ok bool) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return "", false
	}
	_, err = config.ParseBind(string(raw))
	return string(raw), err == nil
}

// slotName names a slot's socket.
func slotName(spec string, slot int) string {
	return slotPrefix + strconv.Itoa(slot) + "-" + encoded(spec)
}

// keptSlot reads such a name.
func keptSlot(name string) (spec string, slot int, ok bool) {
	rest, ok := strings.CutPrefix(name, slotPrefix)
	if !ok {
		return "", 0, false
	}
	number, address, _ := strings.Cut(rest, "-")
	slot, err := strconv.Atoi(number)
	if err != nil || slot < 0 {
		return "", 0, false
	}
	spec, ok = decoded(address)
	return spec, slot, ok
}

// keptWhole reads the name of a socket that all workers share.
func keptWhole(name string) (spec string, ok bool) {
	address, ok := strings.CutPrefix(name, wholePrefix)
	if !ok {
		return "", false
	}
	return decoded(address)
}

// keptName is the name of one of the socket's descriptors.
func (s *socket) keptName(slot int) string {
	if s.Sharded {
		return slotName(s.Spec, slot)
	}
	return wholePrefix + encoded(s.Spec)
}

// keepRetry is the pause after a manager that did not take a socket. Each message may block
// the loop for a moment.
const keepRetry = 10 * time.Second

// keep stores what is not stored yet. Lent sockets need it not: the manager has its own.
func (m *master) keep(now time.Time) {
	if now.Before(m.manager.keepNext) {
		return
	}
	m.keepLedger()
	for i := range m.sockets {
		s := &m.sockets[i]
		for slot := s.Stored; !s.Lent && slot < len(s.FDs); slot++ {
			if err := m.systemd.Store(s.keptName(slot), s.FDs[slot]); err != nil {
				m.log.Warn("cannot store a socket with the service manager", zap.Error(err), zap.Duration("next_try", keepRetry))
				m.manager.keepNext = now.Add(keepRetry)
				return
			}
			s.Stored = slot + 1
		}
	}
}

// keepLedger stores the counters, unless the manager passed them to us.
func (m *master) keepLedger() {
	if m.manager.ledger {
		return
	}
	m.manager.ledger = true // one try: counters are not worth more
	// A master before this upgrade may have stored one with another layout; the manager
	// would keep both.
	m.forgetName(ledgerName)
	if err := m.systemd.Store(ledgerName, m.ledger.FD()); err != nil {
		m.log.Warn("cannot store the counters with the service manager", zap.Error(err))
	}
}

// forget takes a socket out of the manager's store.
func (m *master) forget(s *socket) {
	for slot := range s.Stored {
		m.forgetName(s.keptName(slot))
	}
	s.Stored = 0
}

// forgetLedger does so with the counters when the service is stopped. One that fails may be
// started again, and goes on counting.
func (m *master) forgetLedger() {
	if m.manager.main && m.stopping {
		m.forgetName(ledgerName)
	}
}

func (m *master) forgetName(name string) {
	if err := m.systemd.Forget(name); err != nil {
		m.log.Debug("cannot take a descriptor out of the service manager's store", zap.String("name", name), zap.Error(err))
	}
}
