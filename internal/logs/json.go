package logs

import (
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/buffer"
	"go.uber.org/zap/zapcore"
)

// jsonEncoder writes an entry as a JSON object: time, level and msg, then the
// fields in order. Durations are numbers of seconds.
type jsonEncoder struct{ object zapcore.Encoder }

func newJSONEncoder() jsonEncoder {
	// Without keys of its own zap's encoder writes nothing but fields, which
	// leaves the order to us; zap's puts the level before the time.
	return jsonEncoder{zapcore.NewJSONEncoder(zapcore.EncoderConfig{
		EncodeTime:     encodeTime,
		EncodeDuration: zapcore.SecondsDurationEncoder,
	})}
}

func (j jsonEncoder) encode(e zapcore.Entry, fields []zap.Field) (*buffer.Buffer, error) {
	all := make([]zap.Field, 0, len(fields)+5)
	all = append(all, zap.Time("time", e.Time), zap.String("level", e.Level.String()), zap.String("msg", e.Message))
	if e.LoggerName != "" {
		all = append(all, zap.String("logger", e.LoggerName))
	}
	all = append(all, fields...)
	if e.Stack != "" {
		all = append(all, zap.String("stacktrace", e.Stack))
	}
	return j.object.EncodeEntry(zapcore.Entry{}, all)
}

// timeLayout is RFC 3339 with milliseconds.
const timeLayout = "2006-01-02T15:04:05.000Z07:00"

func encodeTime(t time.Time, out zapcore.PrimitiveArrayEncoder) {
	out.AppendString(t.UTC().Format(timeLayout))
}
