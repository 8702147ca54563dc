package logs

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const writers = 8

// tally counts the lines of all writers by writer and number.
type tally map[[2]int]int

// read checks and counts every line of r.
func (y tally) read(t *testing.T, r io.Reader) {
	t.Helper()
	for lines := bufio.NewScanner(r); lines.Scan(); {
		id, n, err := parse(lines.Text())
		if err != nil {
			t.Fatalf("cannot read %q: %v", lines.Text(), err)
		}
		y[[2]int{id, n}]++
	}
}

// parse is exact about a line's start, end and the text between, so that a torn
// line or a mix of two does not pass; json.Unmarshal of all would be slow.
func parse(line string) (id, n int, err error) {
	_, fields, found := strings.Cut(line, `,"pid":`)
	if !found || !strings.HasPrefix(line, `{"time":"`) || strings.Count(line, "{") != 1 || !strings.HasSuffix(line, `"}`) {
		return 0, 0, errors.New("not the shape of a line")
	}
	first, rest, _ := strings.Cut(fields, ",")
	_, rest, _ = strings.Cut(rest, ":") // behind "n" or "slot"
	second, _, _ := strings.Cut(rest, ",")
	if id, err = strconv.Atoi(first); err != nil {
		return 0, 0, err
	}
	if n, err = strconv.Atoi(second); err != nil {
		return 0, 0, err
	}
	if !strings.Contains(line, `"`+childText(id)+`"`) {
		return 0, 0, errors.New("the text is not the writer's")
	}
	if n%100 == 0 {
		var object map[string]any
		err = json.Unmarshal([]byte(line), &object)
	}
	return id, n, err
}

func (y tally) check(t *testing.T) {
	t.Helper()
	if len(y) != writers*linesPerWriter {
		t.Errorf("%d different lines, want %d", len(y), writers*linesPerWriter)
	}
	for key, times := range y {
		if times != 1 {
			t.Fatalf("line %d of writer %d appears %d times", key[1], key[0], times)
		}
	}
}

func startAll(t *testing.T, kind, target string, stderr *os.File) []*process {
	t.Helper()
	all := make([]*process, writers)
	for id := range all {
		all[id] = start(t, kind, target, id, linesPerWriter, stderr)
	}
	return all
}

func finishAll(t *testing.T, all []*process) {
	t.Helper()
	for _, p := range all {
		p.wait(t)
	}
}

func TestProcessesShareAFile(t *testing.T) {
	for _, kind := range []string{"log", "access"} {
		t.Run(kind, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "lines.log")
			all := startAll(t, kind, path, os.Stderr)
			for _, p := range all {
				p.expect(t, "half")
				p.command(t, "go")
			}
			finishAll(t, all)
			seen := tally{}
			seen.readFile(t, path)
			seen.check(t)
		})
	}
}

func TestProcessesShareAPipe(t *testing.T) {
	for _, kind := range []string{"log", "access"} {
		t.Run(kind, func(t *testing.T) {
			read, write, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer read.Close()
			all := startAll(t, kind, "-", write)
			write.Close()
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				for _, p := range all {
					p.expect(t, "half")
					p.command(t, "go")
				}
			}()
			seen := tally{}
			seen.read(t, read)
			<-ended
			finishAll(t, all)
			seen.check(t)
		})
	}
}

// The way of logrotate: rename, tell every process, and take the old file away.
func TestProcessesReopen(t *testing.T) {
	for _, kind := range []string{"log", "access"} {
		t.Run(kind, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "lines.log")
			old := path + ".1"
			all := startAll(t, kind, path, os.Stderr)
			// Half of the writers run on in the old file while it is renamed.
			for i, p := range all {
				p.expect(t, "half")
				if i == writers/2 {
					if err := os.Rename(path, old); err != nil {
						t.Fatal(err)
					}
				}
			}
			for _, p := range all {
				p.command(t, "reopen")
			}
			for _, p := range all {
				p.expect(t, "reopened")
			}
			finishAll(t, all)
			seen := tally{}
			seen.readFile(t, old)
			for key := range seen {
				// An access log may hold what came before the pause.
				if key[1] > linesPerWriter/2 {
					t.Fatalf("line %d of writer %d is in the old file, written after it had reopened", key[1], key[0])
				}
			}
			if len(seen) == 0 {
				t.Error("nothing in the old file")
			}
			seen.readFile(t, path)
			seen.check(t)
		})
	}
}

func (y tally) readFile(t *testing.T, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	y.read(t, f)
}
