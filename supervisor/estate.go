package supervisor

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/webchasor/webchasor/internal/sys"
)

// estateName is the one descriptor that tableflip carries for us: a packet
// socket in which everything else waits as SCM_RIGHTS messages. Listening
// sockets are not given to tableflip itself, because it wraps each in an
// os.File, and that puts them into the new master's poller, which would then
// wake for every connection.
const estateName = "estate"

// heirloom describes one descriptor in the estate. Exactly one field is set.
type heirloom struct {
	Socket  *socket        `json:",omitempty"` // the next slot's descriptor of this socket
	Init    bool           `json:",omitempty"` // the pipe to PID 1
	Ledger  bool           `json:",omitempty"` // the service's counters
	Orphan  *orphanRecord  `json:",omitempty"` // a worker that will outlive its master
	Control *controlSocket `json:",omitempty"` // where the control API is served
	Admin   *adminSocket   `json:",omitempty"` // where metrics and dashboard are served
	Memo    bool           `json:",omitempty"` // what happened so far
	Permits int            `json:",omitempty"` // a descriptor of the board of permits, counted from 1
	Image   bool           `json:",omitempty"` // the program that the leaving master runs
	// Progress is where the new master says how far it is.
	Progress bool `json:",omitempty"`
	// What an orphan wrote, by its pid; these follow the orphan.
	Board int `json:",omitempty"` // scoreboard
	Crash int `json:",omitempty"` // what the runtime writes in a crash
	Box   int `json:",omitempty"` // the last log lines
	Line  int `json:",omitempty"` // where it hears of other heirs
}

// will is one message in the estate: descriptors and what they are, in order.
// More says that another one follows.
type will struct {
	Items []heirloom
	More  bool
}

// legacy is an heirloom with its descriptor.
type legacy struct {
	heirloom
	fd int
}

// bequeath writes the estate: few and large messages, because the queue of a
// packet socket holds only net.unix.max_dgram_qlen (10) of them and nobody
// reads before the new master lives.
func bequeath(to int, all []legacy) error {
	for first := true; first || len(all) > 0; first = false {
		n := min(len(all), sys.MaxFDs)
		w := will{More: n < len(all)}
		fds := make([]int, 0, n)
		for _, l := range all[:n] {
			w.Items = append(w.Items, l.heirloom)
			fds = append(fds, l.fd)
		}
		all = all[n:]
		packet, err := json.Marshal(w)
		if err != nil {
			return fmt.Errorf("cannot encode the hand-over: %w", err)
		}
		if err := sys.SendFDs(to, packet, fds...); err != nil {
			return fmt.Errorf("cannot hand over to the new master: %w", err)
		}
	}
	return nil
}

// estate is what an upgraded-from master left.
type estate struct {
	sockets     map[string]*socket // by Spec
	init        *os.File
	orphans     []*orphan
	ledger      *int // its descriptor; nil if there was none
	control     *controlSocket
	admin       *adminSocket
	memo, image *int
	permits     []int    // the descriptors of the board of permits, in order
	answer      *os.File // the way back to that master; nil at a first start
	progress    *int     // where that master listens while this one boots
}

// receiveEstate reads what the previous master queued before it started us.
func receiveEstate(f *os.File) (estate, error) {
	e := estate{sockets: make(map[string]*socket)}
	return e, e.receive(f)
}

// receive reads one hand-over, which may be several messages.
func (e *estate) receive(f *os.File) error {
	for {
		var packet []byte
		var fds []int
		err := sys.WithFD(f, func(fd int) (err error) {
			packet, fds, err = sys.RecvFDs(fd)
			return err
		})
		if err != nil {
			return fmt.Errorf("cannot take over from the previous master: %w", err)
		}
		var w will
		if err := json.Unmarshal(packet, &w); err != nil {
			return fmt.Errorf("cannot understand what the previous master handed over: %w", err)
		}
		if len(fds) != len(w.Items) {
			return errors.New("cannot take over from the previous master: a descriptor is missing")
		}
		for i, item := range w.Items {
			e.accept(item, fds[i])
		}
		if !w.More {
			return nil
		}
	}
}

// accept files one descriptor. What this version has no use for is closed.
func (e *estate) accept(item heirloom, fd int) {
	switch {
	case item.Socket != nil:
		s := e.sockets[item.Socket.Spec]
		if s == nil {
			s = item.Socket
			s.Inherited = true
			e.sockets[s.Spec] = s
		}
		s.FDs = append(s.FDs, fd)
	case item.Init:
		e.init = os.NewFile(uintptr(fd), "init")
	case item.Ledger && e.ledger == nil:
		e.ledger = &fd
	case item.Control != nil && e.control == nil:
		e.control = item.Control
		e.control.fd = fd
		e.control.file, _ = os.Lstat(e.control.Path)
	case item.Admin != nil && e.admin == nil:
		e.admin = item.Admin
		e.admin.fd = fd
	case item.Memo && e.memo == nil:
		e.memo = &fd
	case item.Permits == len(e.permits)+1:
		e.permits = append(e.permits, fd)
	case item.Image && e.image == nil:
		e.image = &fd
	case item.Progress && e.progress == nil:
		e.progress = &fd
	case item.Orphan != nil:
		e.orphans = append(e.orphans, &orphan{
			orphanRecord: *item.Orphan, state: orphanDraining,
			keepsakes: keepsakes{pidfd: fd, boardFD: -1, crash: -1, boxFD: -1, line: -1},
		})
	case e.orphan(item.Board) != nil:
		e.orphan(item.Board).boardFD = fd
	case e.orphan(item.Crash) != nil:
		e.orphan(item.Crash).crash = fd
	case e.orphan(item.Box) != nil:
		e.orphan(item.Box).boxFD = fd
	case e.orphan(item.Line) != nil:
		e.orphan(item.Line).line = fd
	default:
		_ = sys.CloseFD(fd)
	}
}

// orphan finds one by its pid; nil for 0.
func (e *estate) orphan(pid int) *orphan {
	for _, o := range e.orphans {
		if o.PID == pid {
			return o
		}
	}
	return nil
}

// take returns the inherited socket for a bind setting, once.
func (e *estate) take(spec string) (socket, bool) {
	s, ok := e.sockets[spec]
	if !ok {
		key := addressKey(spec)
		for _, other := range e.sockets {
			if key != "" && addressKey(other.Spec) == key {
				s, ok = other, true
			}
		}
	}
	if !ok {
		return socket{}, false
	}
	delete(e.sockets, s.Spec)
	s.wanted = spec
	return *s, true
}

// close lets go of everything in the estate.
func (e *estate) close() {
	for _, s := range e.sockets {
		closeAll(s.FDs)
	}
	for _, o := range e.orphans {
		o.close()
	}
	closeAll(e.permits)
	if e.control != nil {
		_ = sys.CloseFD(e.control.fd)
	}
	if e.admin != nil {
		_ = sys.CloseFD(e.admin.fd)
	}
	for _, fd := range []*int{e.ledger, e.memo, e.image, e.progress} {
		if fd != nil {
			_ = sys.CloseFD(*fd)
		}
	}
	if e.init != nil {
		e.init.Close()
	}
	if e.answer != nil {
		e.answer.Close()
	}
}
