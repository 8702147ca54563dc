package supervisor

import (
	"bufio"
	"io"
	"strings"
	"sync"

	"github.com/webchasor/webchasor/supervisor/autopsy"
)

// keepWords is how many of a worker's last output lines are kept for its record.
const keepWords = 20

// lastWords keeps the newest lines of a worker's stdout and stderr. It is the
// one thing two goroutines share: the pump writes, the loop reads at death.
type lastWords struct {
	mu        sync.Mutex
	headlines []string // why the runtime says it crashes; never pushed out
	lines     []string
}

// pump reads whole lines until the pipe ends and passes each to emit, except
// for the goroutine dump of a crash: that is in the crash memory too, and its
// thousands of lines would bury the log. A line longer than 16 KiB is split.
// It blocks and runs in its own goroutine.
func (w *lastWords) pump(r io.Reader, emit func(line string)) {
	br := bufio.NewReaderSize(r, 16<<10)
	crashing, dumping := false, false
	for {
		chunk, _, err := br.ReadLine()
		if len(chunk) > 0 {
			line := string(chunk)
			headline := autopsy.IsHeadline(line)
			crashing = crashing || headline
			dumping = dumping || crashing && strings.HasPrefix(line, "goroutine ")
			if !dumping {
				w.add(line, headline)
				emit(line)
			}
		}
		if err != nil {
			return
		}
	}
}

func (w *lastWords) add(line string, headline bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if headline && len(w.headlines) < keepWords {
		w.headlines = append(w.headlines, line)
		return
	}
	if len(w.lines) == keepWords {
		w.lines = append(w.lines[:0], w.lines[1:]...)
	}
	w.lines = append(w.lines, line)
}

// Lines returns a copy, oldest first, the headlines of a crash last.
func (w *lastWords) Lines() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append(append([]string(nil), w.lines...), w.headlines...)
}
