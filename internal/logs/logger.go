package logs

import (
	"io"
	"os"

	"go.uber.org/zap"
	"go.uber.org/zap/buffer"
	"go.uber.org/zap/zapcore"
)

// Format is how log lines are written.
type Format string

// The formats of the program log.
const (
	Auto    Format = "auto"    // Console on a terminal, else JSON
	Console Format = "console" // for people
	JSON    Format = "json"    // one object per line
)

// Options shape a logger.
type Options struct {
	Format Format // "" is Auto
	Level  zap.AtomicLevel
	// Fields are on every line, in this order, right after the message. The
	// program's are pid, role, slot and generation.
	Fields []zap.Field
	// Copy gets every line too, before the sink, which may block or fail; nil
	// for none. Its own errors are nobody's business.
	Copy io.Writer
}

// New returns a logger that writes each entry to s as one line. The logger has
// no buffer: when a call returns, the kernel has the line.
func New(s *Sink, o Options) *zap.Logger {
	var enc encoder = newJSONEncoder()
	if o.Format == Console || o.Format != JSON && s.Terminal() {
		enc = consoleEncoder{pool: buffer.NewPool(), colour: s.Terminal() && os.Getenv("NO_COLOR") == ""}
	}
	c := &core{LevelEnabler: o.Level, sink: s, encoder: enc, copy: o.Copy}
	return zap.New(c.With(o.Fields), zap.ErrorOutput(zapcore.Lock(zapcore.AddSync(s.ErrorOutput()))))
}
