package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"runtime/trace"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/webchasor/webchasor/internal/handoff"
	"github.com/webchasor/webchasor/internal/sys"
)

// inspectPatience is how long the master may take to read a piece.
const inspectPatience = 10 * time.Second

// maxStacks bounds the text of a dump, in bytes: 10,000 goroutines are about 6 MB.
const maxStacks = 32 << 20

// inspector answers the master's questions about the inside of this process,
// one at a time. It needs neither the lifecycle nor the application, so it
// also answers for a setup that hangs.
type inspector struct {
	log *zap.Logger

	mu    sync.Mutex
	busy  handoff.InspectionKind // "" while idle
	since time.Time
}

// obey answers in a goroutine of its own.
func (i *inspector) obey(o order) {
	fds := o.takeFDs()
	if len(fds) != 1 || o.Inspect == nil {
		for _, fd := range fds {
			_ = sys.CloseFD(fd)
		}
		return // the master finds out by the silence
	}
	ch, err := sys.NewChannel(fds[0])
	if err != nil {
		_ = sys.CloseFD(fds[0])
		i.log.Warn("cannot answer an inspection", zap.Error(err))
		return
	}
	go func() {
		defer func() { _ = ch.Close() }()
		a := &answer{ch: ch}
		_ = a.packet(handoff.TagBegun, nil) // a master that left needs no answer
		if err := i.inspect(a, *o.Inspect); err != nil {
			_ = a.packet(handoff.TagFailed, []byte(err.Error()))
			return
		}
		_ = a.packet(handoff.TagDone, nil)
	}()
}

// inspect writes what is asked for. An error tells why not, or why not all.
func (i *inspector) inspect(a *answer, what handoff.Inspection) (err error) {
	if err := i.begin(what.What); err != nil {
		return err
	}
	defer i.end()
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic while inspecting: %v\n%s", v, debug.Stack())
		}
	}()
	ctx, cancel := a.watched(min(what.For, handoff.MaxInspection))
	defer cancel()
	switch what.What {
	case handoff.InspectStacks:
		err = dumpStacks(a)
	case handoff.InspectCPU:
		if err := pprof.StartCPUProfile(a); err != nil {
			return fmt.Errorf("cannot start a CPU profile (does the application take one itself?): %w", err)
		}
		<-ctx.Done()
		pprof.StopCPUProfile()
	case handoff.InspectTrace:
		if err := trace.Start(a); err != nil {
			return fmt.Errorf("cannot start a trace (does the application take one itself?): %w", err)
		}
		<-ctx.Done()
		trace.Stop()
	case handoff.InspectHeap:
		runtime.GC() // the profile shows the heap as of the last collection
		err = pprof.Lookup("heap").WriteTo(a, 0)
	case handoff.InspectGoroutine:
		err = pprof.Lookup("goroutine").WriteTo(a, 0)
	default:
		return fmt.Errorf("this worker cannot show %q", what.What)
	}
	return errors.Join(err, a.failed())
}

// begin claims the inspector.
func (i *inspector) begin(what handoff.InspectionKind) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.busy != "" {
		return fmt.Errorf("another inspection (%s) of this worker is under way since %s; try again when it has ended",
			i.busy, time.Since(i.since).Round(time.Second))
	}
	i.busy, i.since = what, time.Now()
	return nil
}

func (i *inspector) end() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.busy = ""
}

// dumpStacks writes the stacks of all goroutines. The world stands still
// meanwhile, also goroutines that spin: the scheduler preempts them.
func dumpStacks(w io.Writer) error {
	size := min(max(64<<10, runtime.NumGoroutine()<<10), maxStacks)
	for {
		buf := make([]byte, size)
		n := runtime.Stack(buf, true)
		if n < size || size == maxStacks {
			_, err := w.Write(buf[:n])
			return err
		}
		size = min(2*size, maxStacks)
	}
}

// answer is the way back to the master, cut into packets.
type answer struct {
	ch  *sys.Channel
	mu  sync.Mutex // a trace is written by goroutines of the runtime
	err error      // the first
	buf []byte
}

// watched returns a context that ends after the time, or when the master has
// lost interest.
func (a *answer) watched(d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	go func() {
		// Nothing is ever sent this way: it is the end of the file, or our own Close.
		_, _ = a.ch.Recv(make([]byte, 16))
		cancel()
	}()
	return ctx, cancel
}

// Write sends p in pieces.
func (a *answer) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		piece := p[:min(len(p), handoff.MaxPiece)]
		if err := a.packet(handoff.TagData, piece); err != nil {
			return n, err
		}
		n += len(piece)
		p = p[len(piece):]
	}
	return n, nil
}

func (a *answer) packet(tag handoff.Tag, p []byte) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil {
		return a.err
	}
	a.buf = append(append(a.buf[:0], byte(tag)), p[:min(len(p), handoff.MaxPiece)]...)
	a.err = a.ch.SendWithin(a.buf, inspectPatience)
	return a.err
}

func (a *answer) failed() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.err
}
