package logs

import (
	"bytes"
	"os"
	"sync"
	"time"
)

// FlushInterval is how long an access log line may wait for others. It is also
// what a SIGKILL of the process can cost; the requests that were still running
// are in the scoreboard.
const FlushInterval = 20 * time.Millisecond

// batchSize is how many bytes wait at most before they are written.
const batchSize = 32 << 10

// Access writes access log lines. Its methods may be called at the same time.
//
// A line is written at once when none was for [FlushInterval], so a quiet
// service shows each request as it ends. Lines that come faster are gathered:
// a write(2) per line costs several times what composing it does.
type Access struct {
	sink   *Sink
	format AccessFormat

	mu      sync.Mutex // guards the fields below; never held during a write
	batch   []byte
	clock   stamp
	flushed time.Time // when the last flush began
	waiting bool      // the timer will flush
	timer   *time.Timer
	closed  bool

	// writing keeps batches in order. Whoever finds a full batch waits for
	// it: a sink that is stuck slows the requests down instead of eating
	// memory or lines.
	writing sync.Mutex
	spare   []byte // the other of the two batches, idle
	failing bool
	onError func(error)
}

// NewAccess returns an access log that writes to s. The caller keeps s, and
// closes it after [Access.Close].
func NewAccess(s *Sink, format AccessFormat) *Access {
	a := &Access{sink: s, format: format, onError: func(error) {}}
	// Flush looks at the timer, which may fire before it is in its field when the
	// process is held up in between: it finds the lock taken.
	a.mu.Lock()
	defer a.mu.Unlock()
	a.timer = time.AfterFunc(FlushInterval, func() { _ = a.Flush() })
	a.timer.Stop()
	return a
}

// OnError has report called with the first error of every outage of the sink,
// from whatever goroutine met it. Lines that the sink refuses are lost.
func (a *Access) OnError(report func(error)) {
	a.writing.Lock()
	defer a.writing.Unlock()
	a.onError = report
}

// Log writes a line about r, at once or within [FlushInterval]. It does not
// allocate, and blocks only while the sink does.
func (a *Access) Log(r Record) {
	a.mu.Lock()
	if a.closed {
		a.mu.Unlock()
		return
	}
	a.compose(&r)
	due := len(a.batch) >= batchSize
	if !due && !a.waiting {
		if since := time.Since(a.flushed); since >= FlushInterval {
			due = true
		} else {
			a.waiting = true
			a.timer.Reset(FlushInterval - since)
		}
	}
	a.mu.Unlock()
	if due {
		_ = a.Flush()
	}
}

// compose appends the line to the batch, short enough for the sink.
func (a *Access) compose(r *Record) {
	start := len(a.batch)
	a.append(r, false)
	if len(a.batch)-start <= pipeBuf {
		return
	}
	limit := a.sink.destination().maxLine
	for size := pipeBuf / 4; limit > 0 && len(a.batch)-start > limit; size /= 2 {
		a.batch = a.batch[:start]
		short := r.short(size)
		a.append(&short, true)
	}
}

func (a *Access) append(r *Record, truncated bool) {
	if a.format == AccessJSON {
		a.batch = r.appendJSON(a.batch, &a.clock, truncated)
	} else {
		a.batch = r.appendCombined(a.batch, &a.clock)
	}
}

// Flush writes what waits. Its error has gone to the [Access.OnError] function
// already if it is the first of an outage.
func (a *Access) Flush() error {
	a.writing.Lock()
	defer a.writing.Unlock()
	a.mu.Lock()
	batch := a.batch
	a.batch = a.spare
	a.flushed = time.Now()
	a.waiting = false
	a.timer.Stop()
	a.mu.Unlock()
	a.spare = batch[:0]
	if len(batch) == 0 {
		return nil
	}
	return a.note(a.write(batch))
}

// write hands the batch to the sink in pieces of whole lines, each as long as
// the sink keeps whole.
func (a *Access) write(batch []byte) error {
	limit := a.sink.destination().maxWrite
	for len(batch) > 0 {
		piece := batch
		if limit > 0 && len(batch) > limit {
			end := bytes.LastIndexByte(batch[:limit], '\n')
			if end < 0 {
				end = bytes.IndexByte(batch, '\n')
			}
			piece = batch[:end+1]
		}
		if _, err := a.sink.Write(piece); err != nil {
			return err
		}
		batch = batch[len(piece):]
	}
	return nil
}

func (a *Access) note(err error) error {
	if err != nil && !a.failing {
		a.onError(err)
	}
	a.failing = err != nil
	return err
}

// Reopen reopens the sink, see [Sink.Reopen]. Lines logged before the call are
// in the old file.
func (a *Access) Reopen() error {
	_ = a.Flush()
	return a.sink.Reopen()
}

// Replace is Reopen with a file that somebody else has opened, see [Sink.Replace].
func (a *Access) Replace(f *os.File) error {
	_ = a.Flush()
	return a.sink.Replace(f)
}

// Close writes what waits. Lines logged afterwards are dropped.
func (a *Access) Close() error {
	a.mu.Lock()
	a.closed = true
	a.mu.Unlock()
	return a.Flush()
}
