package worker

import (
	"encoding/json"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/sys"
)

// followLine takes the line out of an order: the last descriptor. On it the
// masters after ours name other heirs while we finish what we have. Its end means nothing.
func (c *core) followLine(o *order) {
	last := len(o.fds) - 1
	if !o.Line || last < 0 {
		return
	}
	fd := o.fds[last]
	o.fds = o.fds[:last]
	if c.line != nil { // a worker has one master that leaves
		_ = sys.CloseFD(fd)
		return
	}
	ch, err := sys.NewChannel(fd)
	if err != nil {
		_ = sys.CloseFD(fd)
		c.o.Logger.Warn("cannot follow the orders of later masters", zap.Error(err))
		return
	}
	c.line = ch
	c.helpers.Go(func() { c.readLine(ch) })
}

// readLine passes orders to drain on until the line ends or is closed.
func (c *core) readLine(ch *sys.Channel) {
	buf := make([]byte, orderSize)
	for {
		packet, fds, _, err := ch.RecvFDs(buf)
		if err != nil {
			return
		}
		o := order{fds: fds}
		if err := json.Unmarshal(packet, &o.Order); err != nil || o.Kind != handoff.OrderDrain || o.Reason != handoff.DrainUpgrade {
			c.o.Logger.Warn("unknown order from a later master", zap.String("kind", string(o.Kind)), zap.Error(err))
			o.closeRest()
			continue
		}
		select {
		case c.later <- o:
		case <-c.stop:
			o.closeRest()
			return
		}
	}
}
