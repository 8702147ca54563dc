package supervisor

import (
	"fmt"

	"github.com/webchasor/webchasor/internal/config"
	"github.com/webchasor/webchasor/internal/logs"
)

// tryAccessLog opens the access log once, although only workers write to it: at
// a start or a reload the operator who named it is there to read why it cannot be used.
func tryAccessLog(s *config.Settings) error {
	if s.AccessLog == "" || s.AccessLog == "-" {
		return nil
	}
	file, err := logs.OpenFile(s.AccessLog)
	if err != nil {
		return fmt.Errorf("cannot use the access log: %w", err)
	}
	return file.Close()
}
