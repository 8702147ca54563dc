package supervisor

import (
	"encoding/json"
	"fmt"
	"os"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/certs"
	"github.com/webchasor/webchasor/internal/control"
	"github.com/webchasor/webchasor/internal/sys"
)

// memo is what a new master should know of the past: it goes through shared
// memory, because a message between masters is too small for it.
type memo struct {
	Upgrades int                    // that the service has been through, this one included
	Order    string                 // "upgrade" or "rollback": why the new master is started
	Events   []control.Event        // the latest
	Deaths   map[int]*control.Death // the last abnormal one of every slot
	Version  string                 // of the master that leaves
	File     string                 // its configuration file; "" for none
	Tickets  certs.Tickets          // so that clients can resume their TLS sessions
}

// memoLimit bounds what is believed of a memo: a thousand events are some 300 KB.
const memoLimit = 8 << 20

// writeMemo returns a descriptor for the new master. The caller closes it.
func (m *master) writeMemo() (fd int, err error) {
	past, _ := m.journal.Since(0)
	text, err := json.Marshal(memo{
		Upgrades: m.promotion.count + 1, Order: m.promotion.order, Events: past.Events, Deaths: m.lastDeaths, Version: m.version,
		File: m.current.File, Tickets: m.tls.tickets,
	})
	if err != nil {
		return -1, fmt.Errorf("cannot encode what happened: %w", err)
	}
	fd, err = sys.MemfdLog("webchasor-memo")
	if err != nil {
		return -1, err
	}
	if err := sys.WriteAll(fd, text); err != nil {
		_ = sys.CloseFD(fd)
		return -1, err
	}
	return fd, nil
}

// readMemo takes fd, and what is written there. Without it only the past is missing.
func (m *master) readMemo(fd int) {
	defer func() { _ = sys.CloseFD(fd) }()
	size, err := sys.Size(fd)
	if err == nil && size > memoLimit {
		err = fmt.Errorf("it has %d bytes", size)
	}
	var text []byte
	if err == nil {
		text = make([]byte, size)
		_, err = sys.ReadAt(fd, text)
	}
	var past memo
	if err == nil {
		err = json.Unmarshal(text, &past)
	}
	if err != nil {
		m.log.Warn("cannot read what the previous master remembered; it begins anew", zap.Error(err))
		return
	}
	m.journal.Inherit(past.Events)
	for slot, d := range past.Deaths {
		if m.lastDeaths[slot] == nil && d != nil {
			m.lastDeaths[slot] = d
		}
	}
	m.tls.tickets = past.Tickets
	m.promotion.count, m.promotion.order = past.Upgrades, past.Order
	m.promotion.from, m.promotion.file = past.Version, past.File
}

// takeOrigin keeps the previous master's image, so that an upgrade can be
// undone also when the file was replaced.
func (m *master) takeOrigin(fd int) {
	path, err := sys.KeepExe(fd)
	if err != nil {
		m.log.Warn("cannot keep the previous program; there is no way back to it", zap.Error(err))
		return
	}
	m.promotion.origin = path
}

// succeedPromotion says that the upgrade which started this master has worked.
func (m *master) succeedPromotion() {
	p := &m.promotion
	if p.order == "" {
		p.order = "upgrade"
	}
	p.began = m.started
	m.endPromotion(control.OutcomeDone, fmt.Sprintf("from version %s to %s, master pid %d", orNone(p.from), m.version, os.Getpid()), os.Getpid())
}
