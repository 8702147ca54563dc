package worker

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/sys"
)

// orderSize bounds an order; only the boot packet is large.
const orderSize = 32 << 10

// order is what the master wants, with the descriptors that came beside it.
// Whoever uses one takes it out.
type order struct {
	handoff.Order
	fds []int
}

// takeFDs takes all descriptors out.
func (o *order) takeFDs() []int {
	fds := o.fds
	o.fds = nil
	return fds
}

// closeRest closes what nobody wanted.
func (o *order) closeRest() {
	for _, fd := range o.takeFDs() {
		_ = sys.CloseFD(fd)
	}
}

// control is the worker's end of the channel to the master.
type control struct {
	ch  *sys.Channel
	log *zap.Logger
}

// readBoot waits for the first packet, which the master queued before it
// started us.
func readBoot(ch *sys.Channel) (b handoff.Boot, given files, err error) {
	packet, fds, lost, err := ch.RecvFDs(make([]byte, sys.MaxPacket))
	if err != nil {
		return b, nil, fmt.Errorf("cannot read the boot message: %w", err)
	}
	if err := json.Unmarshal(packet, &b); err != nil {
		return b, nil, fmt.Errorf("cannot read the boot message: %w", err)
	}
	if lost {
		return b, nil, errors.New("cannot take the log files over: the limit of open files (RLIMIT_NOFILE) is reached")
	}
	return b, filesOf(b.Files, fds), nil
}

// report tells the master something. It never waits: a worker says a handful
// of things in its life, and a master that is stopped must not stop it too.
func (k *control) report(r handoff.Report) {
	packet, err := json.Marshal(r)
	if err == nil {
		err = k.ch.TrySend(packet)
	}
	if errors.Is(err, syscall.EPIPE) {
		return // an orphan: there is nobody to tell
	}
	if err != nil {
		k.log.Warn("cannot report to the master", zap.String("report", string(r.Kind)), zap.Error(err))
	}
}

// receive passes orders on until the master is gone, which closes gone, or the
// channel is closed here.
func (k *control) receive(orders chan<- order, gone chan<- struct{}) {
	buf := make([]byte, orderSize)
	inspector := &inspector{log: k.log}
	for {
		packet, fds, lost, err := k.ch.RecvFDs(buf)
		if errors.Is(err, os.ErrClosed) {
			return
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				k.log.Error("lost the channel to the master", zap.Error(err))
			}
			close(gone)
			return
		}
		o := order{fds: fds}
		if err := json.Unmarshal(packet, &o.Order); err != nil {
			k.log.Error("cannot read an order of the master", zap.Error(err))
			o.closeRest()
			continue
		}
		if lost {
			k.log.Warn("the limit of open files (RLIMIT_NOFILE) is reached: an order came without all of its descriptors",
				zap.String("order", string(o.Kind)), zap.Int("arrived", len(fds)))
		}
		switch o.Kind {
		case handoff.OrderInspect: // not a matter of the lifecycle, which may be what hangs
			inspector.obey(o)
			continue
		case handoff.OrderShare: // and this is none either
			obeyShare(k.log, o.Share)
			continue
		}
		orders <- o
	}
}
