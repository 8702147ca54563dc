package worker

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime/debug"
	"syscall"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/webchasor/webchasor/internal/blackbox"
	"github.com/webchasor/webchasor/internal/certs"
	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/ledger"
	"github.com/webchasor/webchasor/internal/logs"
	"github.com/webchasor/webchasor/internal/permits"
	"github.com/webchasor/webchasor/internal/scoreboard"
	"github.com/webchasor/webchasor/internal/sys"
)

// inheritance is what the master left us, taken over from its raw descriptors.
type inheritance struct {
	boot      handoff.Boot
	given     files // log files that the master opened for us
	channel   *sys.Channel
	board     *scoreboard.Board
	ledger    *ledger.Ledger // mapped, its descriptor closed
	slot      *ledger.Slot
	listeners []net.Listener
	permits   *permits.Place // nil: it has no seat
	level     zap.AtomicLevel
	logger    *zap.Logger
	sink      *logs.Sink
	access    *logs.Access    // nil when off
	material  *certs.Material // nil where no address speaks TLS
}

// takeOver reads the boot message and turns every inherited descriptor into
// something with an owner: a close-on-exec duplicate, with the original closed.
// Whatever the application starts must not hold a listening socket or the lifeline.
func takeOver() (in inheritance, err error) {
	syscall.CloseOnExec(handoff.FDControl)
	if in.channel, err = sys.NewChannel(handoff.FDControl); err != nil {
		return in, err
	}
	if in.boot, in.given, err = readBoot(in.channel); err != nil {
		return in, err
	}
	if err := sys.SetComm(in.boot.Name); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return in, err
	}
	if err := keepStacks(); err != nil {
		return in, err
	}
	if err := in.openLogs(); err != nil {
		return in, err
	}
	if in.board, err = scoreboard.Open(handoff.FDBoard); err != nil {
		return in, fmt.Errorf("cannot use the scoreboard at descriptor %d: %w", handoff.FDBoard, err)
	}
	if err := sys.CloseFD(handoff.FDBoard); err != nil {
		return in, err
	}
	if err := in.openLedger(); err != nil {
		return in, err
	}
	if err := in.openPermits(); err != nil {
		return in, err
	}
	if err := in.openTLS(); err != nil {
		return in, err
	}
	return in, in.openListeners()
}

// keepStacks makes the runtime write the stacks of all goroutines where the
// master finds them after our death, see debug.SetCrashOutput.
func keepStacks() error {
	debug.SetTraceback("all")
	f := os.NewFile(handoff.FDCrash, "crash output")
	if err := debug.SetCrashOutput(f, debug.CrashOptions{}); err != nil {
		return fmt.Errorf("cannot keep the stacks of a crash: %w", err)
	}
	return f.Close() // the runtime has its own duplicate
}

// openLogs makes the logger and the access log.
func (in *inheritance) openLogs() error {
	s := in.boot.Settings
	level, err := logs.ParseLevel(s.LogLevel)
	if err != nil {
		return err
	}
	in.level = zap.NewAtomicLevelAt(level)
	std := os.NewFile(handoff.FDLog, "stderr")
	in.sink, err = in.given.sink(handoff.FileLog, orDash(s.LogFile), std)
	if err = errors.Join(err, std.Close()); err != nil {
		return err
	}
	box, err := blackbox.Open(handoff.FDBox)
	if err = errors.Join(err, sys.CloseFD(handoff.FDBox)); err != nil {
		return err
	}
	in.logger = logs.New(in.sink, logs.Options{Format: logs.Format(s.LogFormat), Level: in.level, Copy: box, Fields: []zapcore.Field{
		zap.Int("pid", os.Getpid()), zap.String("role", "worker"),
		zap.Int("slot", in.boot.Slot), zap.Uint64("generation", in.boot.Generation),
	}})
	out := os.NewFile(handoff.FDAccess, "stdout")
	defer func() { _ = out.Close() }()
	if s.AccessLog == "" {
		return nil
	}
	sink, err := in.given.sink(handoff.FileAccess, s.AccessLog, out)
	if err != nil {
		return err
	}
	format := logs.Combined
	if s.AccessLogFormat == string(logs.AccessJSON) {
		format = logs.AccessJSON
	}
	in.access = logs.NewAccess(sink, format)
	in.access.OnError(func(err error) { in.logger.Error("access log lines are being lost", zap.Error(err)) })
	return nil
}

func orDash(path string) string {
	if path == "" {
		return "-"
	}
	return path
}

// openListeners takes the listening sockets into Go's poller.
func (in *inheritance) openListeners() error {
	for i, l := range in.boot.Listeners {
		ln, err := sys.NewListener(handoff.FDListener + i)
		if err != nil {
			return fmt.Errorf("cannot use the listening socket of %s: %w", l.Address, err)
		}
		in.listeners = append(in.listeners, ln)
	}
	return nil
}

// secure says which listeners speak TLS.
func (in *inheritance) secure() (tls []bool) {
	for _, l := range in.boot.Listeners {
		tls = append(tls, l.TLS)
	}
	return tls
}

// reopen goes on in new log files (SIGUSR1 of the master): those that the order
// brings, or what is at the path by now. What was given once is never opened here.
func (in *inheritance) reopen(o *order) {
	fresh := filesOf(o.Files, o.takeFDs())
	if err := fresh.renew(handoff.FileLog, in.given, in.sink); err != nil {
		in.logger.Error("cannot reopen the log", zap.Error(err))
	}
	if in.access != nil {
		if err := fresh.renew(handoff.FileAccess, in.given, in.access); err != nil {
			in.logger.Error("cannot reopen the access log", zap.Error(err))
		}
	}
	fresh.close()
}

func (in *inheritance) setLevel(name string) {
	level, err := logs.ParseLevel(name)
	if err != nil {
		in.logger.Error("log level stays as it is", zap.Error(err))
		return
	}
	in.level.SetLevel(level)
}
