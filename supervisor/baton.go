package supervisor

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/sys"
)

// baton is the socket pair between two masters: one for a master's whole
// life, so that an upgrade that fails leaves no descriptor behind. The estate
// goes one way; the invitations of the new master's workers come back.
type baton struct {
	to   int
	from *os.File // nil before the first upgrade; tableflip has a duplicate, which the new master inherits
}

// queueEstate writes the estate where a new master will find it. The messages
// wait in the kernel until they are read. told is closed when the new master
// has told all of its progress.
func (m *master) queueEstate() (told <-chan struct{}, err error) {
	if err := m.openBaton(); err != nil {
		return nil, err
	}
	var all []legacy
	each(m.sockets, func(s *socket, _, fd int) {
		all = append(all, legacy{heirloom{Socket: s}, fd})
	})
	if m.init != nil {
		all = append(all, legacy{heirloom{Init: true}, int(m.init.Fd())})
	}
	all = append(all, legacy{heirloom{Ledger: true}, m.ledger.FD()})
	all = append(all, m.permitsLegacy()...)
	if m.control.fd >= 0 {
		all = append(all, legacy{heirloom{Control: &m.control}, m.control.fd})
	}
	if m.admin.fd >= 0 {
		all = append(all, legacy{heirloom{Admin: m.admin}, m.admin.fd})
	}
	made, lent := m.futureOrphans()
	defer func() {
		for _, l := range made {
			_ = sys.CloseFD(l.fd)
		}
	}()
	memo, err := m.writeMemo()
	if err != nil {
		return nil, err
	}
	made = append(made, legacy{heirloom{Memo: true}, memo})
	far, told, err := m.openProgress()
	if err != nil {
		return nil, err
	}
	made = append(made, legacy{heirloom{Progress: true}, far})
	if image, err := sys.OpenImage(m.image); err == nil { // without it there is only no way back
		made = append(made, legacy{heirloom{Image: true}, image})
	}
	// What an orphan wrote follows it, so the lent ones come last.
	return told, bequeath(m.baton.to, append(append(all, made...), lent...))
}

func (m *master) openBaton() error {
	if m.baton.from != nil {
		return nil
	}
	ours, theirs, err := sys.ControlPair()
	if err != nil {
		return fmt.Errorf("cannot prepare the hand-over: %w", err)
	}
	// Non-blocking, so that nobody waits for a message that a dying new
	// master was faster to read, or never sent.
	if err := errors.Join(sys.SetNonblock(ours), sys.SetNonblock(theirs)); err != nil {
		return errors.Join(err, sys.CloseFD(ours), sys.CloseFD(theirs))
	}
	from := os.NewFile(uintptr(theirs), estateName)
	if err := m.upgrader.AddFile(estateName, from); err != nil {
		return errors.Join(fmt.Errorf("cannot hand over the sockets: %w", err), sys.CloseFD(ours), from.Close())
	}
	m.baton = baton{to: ours, from: from}
	return nil
}

// takeBack empties the socket after an upgrade that failed, both ways. The
// descriptors in the messages would keep sockets open, and the next new master
// would read the estate instead of its own.
func (b baton) takeBack() error {
	for {
		left, err := receiveEstate(b.from)
		left.close()
		if errors.Is(err, syscall.EAGAIN) {
			break
		}
		if err != nil {
			return err
		}
	}
	for {
		_, fds, err := sys.RecvFDs(b.to)
		closeAll(fds)
		if err != nil {
			if errors.Is(err, syscall.EAGAIN) {
				return nil
			}
			return err
		}
	}
}

// invitations reads what the new master sent: whom each of our workers may
// pass its connections to.
func (m *master) invitations() {
	for {
		packet, fds, err := sys.RecvFDs(m.baton.to)
		if err != nil {
			if !errors.Is(err, syscall.EAGAIN) {
				m.log.Warn("cannot read the new master's invitations; connections are closed instead of passed on", zap.Error(err))
			}
			return
		}
		m.passOn(packet, fds)
		closeAll(fds)
	}
}
