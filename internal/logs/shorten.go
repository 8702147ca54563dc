package logs

import (
	"unicode/utf8"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// minValue is the number of bytes below which cutting values further is no use,
// maxKey is what a key may have.
const (
	minValue = 16
	maxKey   = 64
)

// cut returns at most size bytes of text, whole characters only, and shows by
// three dots that there was more.
func cut(text string, size int) string {
	if len(text) <= size {
		return text
	}
	end := size
	for end > 0 && end > size-utf8.UTFMax && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "..."
}

func shortEntry(e zapcore.Entry, size int) zapcore.Entry {
	e.Message = cut(e.Message, size)
	e.LoggerName = cut(e.LoggerName, size)
	e.Stack = cut(e.Stack, size)
	return e
}

// shortFields returns the fields with keys of at most maxKey bytes and every
// value of variable length as text of at most size bytes.
func shortFields(fields []zap.Field, size int) []zap.Field {
	short := make([]zap.Field, 0, len(fields)+1)
	for _, f := range fields {
		f.Key = cut(f.Key, maxKey)
		switch f.Type {
		case zapcore.StringType:
			f.String = cut(f.String, size)
			short = append(short, f)
		case zapcore.BinaryType, zapcore.ByteStringType, zapcore.ErrorType, zapcore.StringerType, zapcore.ReflectType,
			zapcore.ArrayMarshalerType, zapcore.ObjectMarshalerType, zapcore.InlineMarshalerType:
			for _, p := range render(f) {
				short = append(short, zap.String(cut(p.key, maxKey), cut(p.text, size)))
			}
		default:
			short = append(short, f)
		}
	}
	return short
}
