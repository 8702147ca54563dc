package logs

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// pair is a field's key with its value as text.
type pair struct{ key, text string }

// render returns what the field adds to a line. That is one pair for all but
// inlined objects, and errors that have a longer form beside their message.
func render(f zap.Field) []pair {
	// The map encoder keeps values as they are and survives what a broken
	// Error or String method does.
	object := zapcore.NewMapObjectEncoder()
	f.AddTo(object)
	pairs := make([]pair, 0, len(object.Fields))
	for _, key := range slices.Sorted(maps.Keys(object.Fields)) {
		pairs = append(pairs, pair{key, text(object.Fields[key])})
	}
	return pairs
}

func text(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case []byte:
		return string(v)
	case time.Time:
		return v.UTC().Format(timeLayout)
	case fmt.Stringer:
		return v.String()
	case error:
		return v.Error()
	case []any, map[string]any:
		if encoded, err := json.Marshal(v); err == nil {
			return string(encoded)
		}
	}
	return fmt.Sprint(value)
}
