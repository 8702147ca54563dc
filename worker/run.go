package worker

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/scoreboard"
	"github.com/webchasor/webchasor/internal/sys"
)

// Options are what the program adds to what the master says.
type Options struct {
	App App
}

// Run is the whole life of a worker process: it takes over what the master
// left at the descriptors of package handoff, serves, and returns the process's
// exit status when the worker has left. It blocks until then. The process must
// not have used signals, GOMAXPROCS or those descriptors before.
func Run(o Options) int {
	term := catchSignals()
	in, err := takeOver()
	k := &control{ch: in.channel, log: in.logger}
	if k.log == nil {
		k.log = zap.NewNop()
	}
	if err != nil {
		return k.fail(handoff.ExitBoot, err)
	}
	in.board.SetPID(os.Getpid())
	in.board.SetState(scoreboard.StateBooting)
	in.board.Beat(sys.Monotonic())

	orders, gone := make(chan order, 8), make(chan struct{})
	go k.receive(orders, gone)
	box := inbox{orders: orders, gone: gone, term: term}
	code := serve(o.App, &in, k, box)
	if in.access != nil {
		if err := in.access.Close(); err != nil {
			in.logger.Error("cannot finish the access log", zap.Error(err))
		}
	}
	return code
}

// serve sets the application up and runs the core.
func serve(app App, in *inheritance, k *control, box inbox) int {
	draining := make(chan struct{})
	info := &Info{
		Slot: in.boot.Slot, Generation: in.boot.Generation, PID: os.Getpid(),
		Settings: in.boot.Settings, Logger: in.logger, Draining: draining, Permits: in.permits, Upstream: in.upstream,
	}
	if stopped, err := setUp(app, info, in, box); stopped {
		in.logger.Info("stopped while setting up")
		return handoff.ExitOK
	} else if err != nil {
		return k.fail(handoff.ExitLoad, err)
	}
	if info.FastHTTP != nil || info.HTTP != nil {
		app.FastHTTP, app.HTTP = info.FastHTTP, info.HTTP
	}
	c, err := newCore(coreOptions{
		App: app, Settings: in.boot.Settings, Listeners: in.listeners, TLS: in.secure(), Material: in.material, Board: in.board,
		Ledger: in.slot, Routes: in.ledger.Router(app.Routes),
		Logger: in.logger, Access: in.access, Slot: in.boot.Slot, PID: os.Getpid(), MaxRequests: in.boot.MaxRequests,
		Report: k.report, Reopen: in.reopen, SetLevel: in.setLevel, Abort: abortSelf, Draining: draining,
	})
	if err != nil {
		return k.fail(handoff.ExitBoot, err)
	}
	c.t.refused.set(in.boot.Refuse)
	return c.run(box)
}

// setUp runs the application's setup. It does not wait for it once the worker
// is told to leave: a hanging setup must not delay a stop.
func setUp(app App, info *Info, in *inheritance, box inbox) (stopped bool, err error) {
	if app.Setup == nil {
		return false, nil
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	done := make(chan error, 1)
	go func() { done <- guarded("setup", func() error { return app.Setup(ctx, info) }) }()
	for {
		select {
		case err := <-done:
			return false, err
		case o := <-box.orders:
			switch o.Kind {
			case handoff.OrderReopen:
				in.reopen(&o)
				continue
			case handoff.OrderTLS:
				if m := renewed(&o, in.logger); m != nil {
					in.material = m
				}
				continue
			case handoff.OrderLogLevel:
				in.setLevel(o.LogLevel)
				continue
			case handoff.OrderAdopt, handoff.OrderRelease, handoff.OrderTake, handoff.OrderShed, handoff.OrderRefuse:
				o.closeRest() // nothing else that comes with descriptors is for a worker that is not ready
				continue
			case handoff.OrderDrain, handoff.OrderQuit:
				o.closeRest()
			}
		case <-box.gone:
		case <-box.term:
		}
		cancel(ErrDraining)
		return true, nil
	}
}

// fail reports why the worker cannot serve. Standard error carries it too: the
// master quotes a worker's last words, and there may be no logger yet.
func (k *control) fail(code int, err error) int {
	fmt.Fprintf(os.Stderr, "worker: %v\n", err)
	k.log.Error("worker failed", zap.Int("exit", code), zap.Error(err))
	if k.ch != nil {
		k.report(handoff.Report{Kind: handoff.ReportFailed, Error: err.Error()})
	}
	return code
}

// catchSignals takes the signals that are the master's business from whoever
// sends them to the whole family, as `pkill -HUP` does. They are caught and
// dropped, not ignored: an ignored signal stays ignored in programs that the
// application starts. SIGABRT and SIGQUIT keep their default, which writes all
// stacks. The returned channel has SIGTERM.
func catchSignals() <-chan os.Signal {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP, syscall.SIGINT, syscall.SIGPIPE,
		syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGTTIN, syscall.SIGTTOU, syscall.SIGWINCH)
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	return term
}
