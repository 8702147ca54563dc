package logs

import (
	"fmt"
	"strings"

	"go.uber.org/zap/zapcore"
)

// ParseLevel reads a log level as operators write it: zap's names and
// Gunicorn's, in any case.
func ParseLevel(name string) (zapcore.Level, error) {
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "debug":
		return zapcore.DebugLevel, nil
	case "info":
		return zapcore.InfoLevel, nil
	case "warn", "warning":
		return zapcore.WarnLevel, nil
	case "error", "critical", "fatal":
		return zapcore.ErrorLevel, nil
	}
	return zapcore.InfoLevel, fmt.Errorf("cannot use log level %q: choose debug, info, warning or error", name)
}
