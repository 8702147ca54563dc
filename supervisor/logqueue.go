package supervisor

import (
	"slices"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// logRoom is how many lines wait for a slow log reader before lines are lost;
// logFlush how long the end of the master waits for them.
const (
	logRoom  = 1024
	logFlush = time.Second
)

// logQueue stands between the loop and the log. A pipe whose reader has
// stopped (a pager, a stuck collector) would otherwise stop the loop with the
// next line, and with it every respawn and the stop itself. When there is no
// room lines are dropped and counted; the count is logged when the log moves again.
type logQueue struct {
	lines chan logLine
	lost  atomic.Uint64
	// complain is told the first error of every outage: a full disk, say.
	complain func(error)
	failing  bool // the goroutine's
}

type logLine struct {
	to     zapcore.Core
	entry  zapcore.Entry
	fields []zap.Field
	done   chan<- struct{} // instead of a line: everything before it is written
}

// newLogQueue starts the goroutine that writes. It lives as long as the process.
func newLogQueue(room int, complain func(error)) *logQueue {
	q := &logQueue{lines: make(chan logLine, room), complain: complain}
	go q.run()
	return q
}

func (q *logQueue) run() {
	for l := range q.lines {
		if l.done != nil {
			close(l.done)
			continue
		}
		if n := q.lost.Swap(0); n > 0 {
			e := zapcore.Entry{Level: zap.WarnLevel, Time: time.Now(), Message: "log lines lost: the log could not be written"}
			if !q.write(l.to, e, []zap.Field{zap.Uint64("lines", n)}) {
				q.lost.Add(n)
			}
		}
		if !q.write(l.to, l.entry, l.fields) {
			q.lost.Add(1)
		}
	}
}

func (q *logQueue) write(to zapcore.Core, e zapcore.Entry, fields []zap.Field) bool {
	err := to.Write(e, fields)
	if err != nil && !q.failing {
		q.complain(err)
	}
	q.failing = err != nil
	return err == nil
}

// wrap makes a core write through the queue.
func (q *logQueue) wrap(c zapcore.Core) zapcore.Core { return queuedCore{c, q} }

// flush waits until all that was logged is written, up to the limit.
func (q *logQueue) flush(limit time.Duration) {
	done := make(chan struct{})
	end := time.NewTimer(limit)
	defer end.Stop()
	select {
	case q.lines <- logLine{done: done}:
	case <-end.C:
		return
	}
	select {
	case <-done:
	case <-end.C:
	}
}

// queuedCore is a core that never blocks.
type queuedCore struct {
	zapcore.Core
	queue *logQueue
}

// With keeps the queue in front of the core with more fields.
func (c queuedCore) With(fields []zap.Field) zapcore.Core {
	return queuedCore{c.Core.With(fields), c.queue}
}

// Check adds this core and not the one behind it.
func (c queuedCore) Check(e zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return checked.AddCore(e, c)
	}
	return checked
}

// Write queues the line, or counts it as lost.
func (c queuedCore) Write(e zapcore.Entry, fields []zap.Field) error {
	select {
	case c.queue.lines <- logLine{to: c.Core, entry: e, fields: slices.Clone(fields)}:
	default:
		c.queue.lost.Add(1)
	}
	return nil
}
