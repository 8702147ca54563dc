// Command systemd checks webchasor's units against a real systemd: it runs as a
// service in a container that scripts/test-systemd.sh boots, does what an
// operator does, under load, and writes one line for each thing it saw.
package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/webchasor/webchasor/internal/testproc"
)

// Files of the container, and addresses.
const (
	configFile = "/etc/webchasor/webchasor.yaml"
	resultFile = "/result"
	unixPath   = "/run/webchasor/web.sock"
	address    = "127.0.0.1:8000"
	admin      = "127.0.0.1:9100"
)

// scene is one thing that an operator does. Scenes run in order and build on
// each other.
type scene struct {
	name string
	play func(*stage)
}

func scenes() []scene {
	return []scene{
		{"start returns when every worker serves", start},
		{"systemd-analyze security rates the unit OK", security},
		{"reload under load", reload},
		{"a rejected reload leaves it active", rejectedReload},
		{"upgrade under load", upgrade},
		{"the journal has whole lines", journal},
		{"a killed master's queues are answered, its counters go on", killedMaster},
		{"the watchdog replaces a stopped master", watchdog},
		{"a stop waits for a stream", stopWithStream},
		{"socket activation", activation},
		{"what the unit's comments say", comments},
	}
}

func main() {
	out, err := os.Create(resultFile)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	failed := playAll(io.MultiWriter(out, os.Stdout))
	if err := out.Close(); err != nil || failed > 0 {
		os.Exit(1)
	}
}

func playAll(out io.Writer) (failed int) {
	h := testproc.NewHost("systemd")
	defer h.Close()
	for _, sc := range scenes() {
		s := &stage{Host: h}
		whole := h.Do(func() { sc.play(s) })
		verdict := "ok"
		if !whole || h.Failed() {
			verdict = "FAILED"
			failed++
			h.Forgive()
		}
		fmt.Fprintf(out, "%-6s %s%s\n", verdict, sc.name, s.seen())
	}
	fmt.Fprintf(out, "%d of %d failed\n", failed, len(scenes()))
	return failed
}

// stage is what a scene acts on.
type stage struct {
	*testproc.Host
	notes []string
}

// saw adds a figure to the scene's line.
func (s *stage) saw(format string, args ...any) {
	s.notes = append(s.notes, fmt.Sprintf(format, args...))
}

func (s *stage) seen() string {
	if len(s.notes) == 0 {
		return ""
	}
	return ": " + strings.Join(s.notes, ", ")
}
