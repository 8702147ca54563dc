package worker

import (
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/certs"
	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/ledger"
	"github.com/webchasor/webchasor/internal/logs"
	"github.com/webchasor/webchasor/internal/scoreboard"
	"github.com/webchasor/webchasor/internal/sys"
)

// coreOptions are all that a worker works with, inherited or made for a test.
type coreOptions struct {
	App         App
	Settings    config.Settings
	Listeners   []net.Listener // the core closes them
	TLS         []bool         // which of them speak it
	Material    *certs.Material
	Board       *scoreboard.Board
	Ledger      *ledger.Slot   // nil counts nothing there
	Routes      *ledger.Router // nil knows none
	Logger      *zap.Logger
	Access      *logs.Access // nil when off
	Slot, PID   int
	MaxRequests uint64

	Report   func(handoff.Report) // must not block
	Reopen   func(*order)         // reopens the log files
	SetLevel func(string)
	Abort    func() // writes all stacks and ends the process

	Draining chan struct{} // closed by the core when a drain begins
}

// inbox is what can tell a worker to do something.
type inbox struct {
	orders <-chan order
	gone   <-chan struct{} // closed when the master is gone
	term   <-chan os.Signal
}

// core is a running worker: the goroutine in run is the lifecycle and owns
// every field that is not a pointer to something shared.
type core struct {
	o      coreOptions
	t      *tracker
	gate   *gate
	engine engine
	dog    *watchdog

	life      life
	reason    handoff.DrainReason
	quick     bool                 // a quick stop
	plan      atomic.Pointer[plan] // nil while serving
	accepting int                  // listeners that are still served
	takers    int                  // transfers to this worker that go on
	termed    bool                 // SIGTERM came once
	owesWord  bool                 // the master wants to hear that the queues are empty
	hurry     <-chan time.Time     // when an orphan has to leave the port

	served   chan ended    // a value per listener when its accepting ends
	took     chan struct{} // a value per transfer to this worker when it ends
	line     *sys.Channel  // to the masters after ours; nil without
	later    chan order    // what they order
	closing  chan struct{} // closed when nothing new is taken any more
	arrived  *arrivals
	hopeless chan []string // the requests that keep a drain from ending
	stop     chan struct{} // ends the helpers
	helpers  sync.WaitGroup
}

func newCore(o coreOptions) (*core, error) {
	c := &core{
		o: o, accepting: len(o.Listeners),
		served: make(chan ended, len(o.Listeners)), took: make(chan struct{}), later: make(chan order), closing: make(chan struct{}), hopeless: make(chan []string, 1), stop: make(chan struct{}),
	}
	watcher, err := newHangups(o.Logger)
	if err != nil {
		return nil, err
	}
	t := &tracker{
		clock: sys.NewClock(), board: o.Board, log: o.Logger, access: o.Access, proxy: o.Settings.Proxy,
		totals:  totals{o.Board.Totals(), o.Ledger, o.Routes},
		hangups: watcher, pid: o.PID, slot: o.Slot,
	}
	t.conns.removed = make(chan struct{}, 1)
	t.refused.clock = t.clock
	t.recycler.limit = o.MaxRequests
	t.recycler.due = func() { o.Report(handoff.Report{Kind: handoff.ReportRecycle}) }
	c.t = t
	c.gate = newGate(t, o.Listeners, o.TLS, o.Settings.WorkerConnections)
	c.arrived = newArrivals()
	c.engine, err = newEngine(t, o.App, o.Settings, c.arrived)
	if err == nil && o.Material != nil {
		c.gate.vault = &vault{protocols: protocolsOf(c.engine)}
		err = c.gate.vault.put(o.Material)
	}
	if err != nil {
		watcher.close()
		return nil, err
	}
	c.dog = &watchdog{
		noise: limiter{every: time.Second},
		t:     t, gate: c.gate, limits: limitsOf(o.Settings), tick: tickOf(o.Settings),
		phase: func(now time.Duration) phase { return c.plan.Load().at(now) },
		stuck: func(request string, age time.Duration) {
			o.Logger.Error("a timed out handler does not return: asking for another worker",
				zap.String("request", request), zap.Duration("age", age))
			o.Report(handoff.Report{Kind: handoff.ReportStuck, Request: request, Age: age})
		},
		hopeless: func(requests []string) { c.hopeless <- requests },
	}
	return c, nil
}

// run serves until the worker has left and returns its exit status.
func (c *core) run(in inbox) int {
	c.start()
	for c.life != lifeDone {
		select {
		case o := <-in.orders:
			c.obey(o)
		case <-in.gone:
			in.gone = nil
			c.obeyLast(in.orders)
			c.drain(handoff.DrainOrphan, nil)
		case o := <-c.later:
			c.obey(o)
		case <-in.term:
			c.terminate()
		case e := <-c.served:
			c.unaccepted(e)
		case <-c.took:
			c.takers--
		case <-c.t.conns.removed:
		case <-c.hurry:
			c.freePort()
		case requests := <-c.hopeless:
			c.abandon(requests)
		}
		c.settle()
	}
	c.end()
	return handoff.ExitOK
}

// terminate answers a SIGTERM to this very process. The master replaces it
// first, so that nobody is missed; a second one, or one without a master, does
// not wait for that.
func (c *core) terminate() {
	if c.life != lifeServing {
		return
	}
	if c.termed {
		c.drain(drainSignal, nil)
		return
	}
	c.termed = true
	c.o.Report(handoff.Report{Kind: handoff.ReportTerm})
}

// start lets the first connection in.
func (c *core) start() {
	now := c.t.clock.Now()
	c.dog.scanned.Store(int64(now))
	c.t.board.SetState(scoreboard.StateReady)
	c.t.board.Beat(now)
	c.helpers.Go(c.t.hangups.run)
	c.helpers.Go(func() { c.dog.run(c.stop) })
	c.helpers.Go(func() { c.beat(c.stop) })
	c.helpers.Go(func() { c.tidyUp(c.stop) })
	for _, d := range c.gate.doors() {
		c.serve(d)
	}
	c.helpers.Go(func() { _ = c.engine.Serve(c.arrived) })
	c.o.Report(handoff.Report{Kind: handoff.ReportReady})
	c.o.Logger.Info("worker ready")
}

// obeyLast obeys what the master ordered before it went away: an order to
// drain because of an upgrade is followed by the end of the file at once.
func (c *core) obeyLast(orders <-chan order) {
	for {
		select {
		case o := <-orders:
			c.obey(o)
		default:
			return
		}
	}
}

func (c *core) obey(o order) {
	switch o.Kind {
	case handoff.OrderDrain:
		c.followLine(&o)
		c.drain(o.Reason, c.moverFor(&o))
	case handoff.OrderShed:
		c.shed(&o)
	case handoff.OrderTake:
		c.take(&o)
	case handoff.OrderAdopt:
		c.adopt(&o)
	case handoff.OrderRelease:
		c.release(o.Slot)
	case handoff.OrderQuit:
		c.quit()
	case handoff.OrderRefuse:
		c.t.refused.set(o.Refuse)
	case handoff.OrderTLS:
		c.renew(&o)
	case handoff.OrderReopen:
		c.o.Reopen(&o)
	case handoff.OrderLogLevel:
		c.o.SetLevel(o.LogLevel)
	default:
		c.o.Logger.Warn("unknown order from the master", zap.String("kind", string(o.Kind)))
	}
	o.closeRest()
}

// end stops the helpers and lets the application close.
func (c *core) end() {
	c.t.board.SetState(scoreboard.StateGone)
	close(c.stop)
	if c.line != nil {
		_ = c.line.Close()
	}
	_ = c.arrived.Close()
	c.t.hangups.close()
	c.helpers.Wait()
	c.closeApp()
	c.o.Logger.Info("worker exits")
}
