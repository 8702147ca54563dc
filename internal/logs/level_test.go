package logs

import (
	"strings"
	"testing"

	"go.uber.org/zap/zapcore"
)

func TestParseLevel(t *testing.T) {
	for name, want := range map[string]zapcore.Level{
		"debug": zapcore.DebugLevel, "INFO": zapcore.InfoLevel, " info ": zapcore.InfoLevel, "warn": zapcore.WarnLevel,
		"warning": zapcore.WarnLevel, "Error": zapcore.ErrorLevel, "critical": zapcore.ErrorLevel,
	} {
		if level, err := ParseLevel(name); err != nil || level != want {
			t.Errorf("ParseLevel(%q) = %v, %v, want %v", name, level, err, want)
		}
	}
	for _, name := range []string{"", "loud", "3"} {
		if _, err := ParseLevel(name); err == nil || !strings.Contains(err.Error(), "choose debug, info") {
			t.Errorf("ParseLevel(%q): error %v without the choice", name, err)
		}
	}
}
