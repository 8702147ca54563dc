package worker

import (
	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/sys"
)

// ended says that a door is no longer served.
type ended struct {
	door *door
	err  error
}

// serve lets the engine accept at a door.
func (c *core) serve(d *door) {
	c.helpers.Go(func() {
		err := c.engine.Serve(d)
		select {
		case c.served <- ended{d, err}:
		case <-c.stop:
		}
	})
}

// moverFor makes a mover for an order with targets; nil without.
func (c *core) moverFor(o *order) *mover {
	if len(o.fds) == 0 || o.Reason == handoff.DrainStop || o.Reason == handoff.DrainOrphan {
		return nil
	}
	return newMover(c.t, c.arrived, o.Targets, o.takeFDs())
}

// startMover makes m the one that idle connections leave to.
func (c *core) startMover(m *mover) {
	// When nobody takes them there must be time left to say goodbye.
	m.patience = min(takerWait, c.o.Settings.GracefulTimeout/5)
	c.t.leadBy(m)
	c.helpers.Go(func() { m.run(c.stop) })
}

// discard closes a mover that never ran.
func (m *mover) discard() {
	for _, at := range m.targets {
		at.Close()
	}
}

// shed hands some connections over; the worker goes on serving.
func (c *core) shed(o *order) {
	if c.life != lifeServing || o.Count < 1 || c.t.mover.Load() != nil {
		c.o.Logger.Debug("no connections to hand over now", zap.Int("count", o.Count))
		return
	}
	if m := c.moverFor(o); m != nil {
		m.count = o.Count
		c.startMover(m)
	}
}

// take lets another worker hand connections to this one.
func (c *core) take(o *order) {
	if c.life != lifeServing {
		return // the sender finds another one
	}
	for _, fd := range o.takeFDs() {
		k, err := newTaker(c.t, c.gate, c.arrived, fd)
		if err != nil {
			c.o.Logger.Error("cannot take connections over", zap.Error(err))
			continue
		}
		c.takers++
		go func() {
			k.run(c.closing)
			select {
			case c.took <- struct{}{}:
			case <-c.stop:
			}
		}()
	}
}

// adopt accepts on the sockets of another slot too.
func (c *core) adopt(o *order) {
	if c.life != lifeServing {
		return // the queue stays for somebody else
	}
	for i, fd := range o.takeFDs() {
		address := "adopted"
		if i < len(o.Listeners) {
			address = o.Listeners[i].Address
		}
		l, err := sys.NewListener(fd)
		if err != nil {
			c.o.Logger.Error("cannot accept on another worker's socket",
				zap.Int("slot", o.Slot), zap.String("address", address), zap.Error(err))
			continue
		}
		c.accepting++
		c.serve(c.gate.open(l, o.Slot, i < len(o.Listeners) && o.Listeners[i].TLS))
	}
	// A full service lends queues to and fro many times a second.
	c.o.Logger.Debug("accepting for another worker too", zap.Int("adopted", o.Slot))
}

// release ends that.
func (c *core) release(slot int) {
	if n := c.gate.release(slot); n > 0 {
		c.o.Logger.Debug("accepting for another worker no more", zap.Int("adopted", slot))
	}
}
