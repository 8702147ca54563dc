package logs

import (
	"io"
	"slices"

	"go.uber.org/zap"
	"go.uber.org/zap/buffer"
	"go.uber.org/zap/zapcore"
)

// encoder turns an entry and its fields into one line, newline included.
type encoder interface {
	encode(zapcore.Entry, []zap.Field) (*buffer.Buffer, error)
}

// core is the zapcore.Core behind every logger of the program. Unlike zap's own
// it keeps the logger's fields as they are until an entry is written, for three
// reasons: time, level and message come first in a line, an entry's field
// replaces the logger's of the same name instead of doubling the key, and a line
// that does not fit is encoded again with shorter values.
type core struct {
	zapcore.LevelEnabler
	sink    *Sink
	encoder encoder
	copy    io.Writer // nil for none
	fields  []zap.Field
}

// With returns a core whose entries have the further fields.
func (c *core) With(fields []zap.Field) zapcore.Core {
	more := *c
	more.fields = merge(c.fields, fields)
	return &more
}

// Check adds the core to an entry that is loud enough.
func (c *core) Check(e zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return checked.AddCore(e, c)
	}
	return checked
}

// Write encodes the entry and writes it, blocking as [Sink.Write] does.
func (c *core) Write(e zapcore.Entry, fields []zap.Field) error {
	line, err := c.line(e, merge(c.fields, fields), c.sink.destination().maxLine)
	if err != nil {
		return err
	}
	defer line.Free()
	if c.copy != nil {
		_, _ = c.copy.Write(line.Bytes())
	}
	_, err = c.sink.Write(line.Bytes())
	return err
}

// line encodes the entry within limit bytes; 0 is no limit. A longer one has its
// values cut ever shorter, and then its last fields dropped: those at the front
// say which process is speaking.
func (c *core) line(e zapcore.Entry, fields []zap.Field, limit int) (*buffer.Buffer, error) {
	line, err := c.encoder.encode(e, fields)
	if err != nil || limit == 0 || line.Len() <= limit {
		return line, err
	}
	for size, keep := limit/4, len(fields); err == nil && line.Len() > limit; {
		line.Free()
		short := shortFields(fields[:keep], size)
		line, err = c.encoder.encode(shortEntry(e, size), append(short, zap.Bool("truncated", true)))
		if size > minValue {
			size /= 2
		} else {
			keep /= 2
		}
	}
	return line, err
}

// Sync does nothing: entries are not buffered.
func (c *core) Sync() error { return nil }

// merge returns base followed by more, where a field of more takes the place of
// the one in base that has its key. Neither slice is written to.
func merge(base, more []zap.Field) []zap.Field {
	if len(more) == 0 {
		return base
	}
	merged := slices.Concat(base, more)[:len(base)]
	for _, field := range more {
		same := func(f zap.Field) bool { return f.Key == field.Key && f.Key != "" }
		if i := slices.IndexFunc(merged[:len(base)], same); i >= 0 {
			merged[i] = field
		} else {
			merged = append(merged, field)
		}
	}
	return merged
}
