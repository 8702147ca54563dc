package blackbox

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/webchasor/webchasor/internal/sys"
)

// pair is the same box as its writer and its reader have it.
func pair(t *testing.T) (writer, reader *Box) {
	t.Helper()
	fd, reader, err := Create("test")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reader.Close() })
	writer, err = Open(fd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = writer.Close() })
	if err := sys.CloseFD(fd); err != nil {
		t.Fatal(err)
	}
	return writer, reader
}

func TestLinesAreReadByTheOther(t *testing.T) {
	w, r := pair(t)
	if got := r.Lines(10); got != nil {
		t.Errorf("an empty box says %q", got)
	}
	for i := range 5 {
		fmt.Fprintf(w, "line %d\n", i)
	}
	if got, want := r.Lines(3), []string{"line 2", "line 3", "line 4"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := r.Lines(10); len(got) != 5 {
		t.Errorf("%q, want all five", got)
	}
}

func TestTheNewestLinesStay(t *testing.T) {
	w, r := pair(t)
	const n = 3 * Room / 40
	for i := range n {
		fmt.Fprintf(w, "%06d %s\n", i, strings.Repeat("x", i%50))
	}
	got := r.Lines(n)
	if len(got) < Room/60 {
		t.Fatalf("only %d lines", len(got))
	}
	for i, line := range got {
		at := n - len(got) + i
		if want := fmt.Sprintf("%06d %s", at, strings.Repeat("x", at%50)); line != want {
			t.Fatalf("line %d is %q, want %q", i, line, want)
		}
	}
	_, _ = w.Write([]byte(strings.Repeat("y", 2*Room) + "\nend\n"))
	if got := r.Lines(n); !slices.Equal(got, []string{"end"}) {
		t.Errorf("after a line that fills it: %.50q", got)
	}
}

// TestKilledInTheMiddle: whatever the moment, no line is shown that nobody wrote.
func TestKilledInTheMiddle(t *testing.T) {
	w, r := pair(t)
	for i := range 2 * Room / 20 {
		fmt.Fprintf(w, "%019d\n", i)
	}
	before := r.Lines(Room)
	// A writer that dies after it has copied a part.
	at := w.head.written.Load()
	w.head.claimed.Store(at + 500)
	copy(w.ring[at%Room:], strings.Repeat("####\n", 50))
	got := r.Lines(Room)
	if len(got) == 0 || len(got) < len(before)-30 || got[len(got)-1] != before[len(before)-1] {
		t.Errorf("%d lines of %d are left", len(got), len(before))
	}
	for _, line := range got {
		if len(line) != 19 || strings.Contains(line, "#") {
			t.Errorf("nobody wrote %q", line)
		}
	}
	w.head.claimed.Store(at + 2*Room)
	if got := r.Lines(Room); got != nil {
		t.Errorf("an impossible box says %d lines", len(got))
	}
}

func TestManyWriters(t *testing.T) {
	w, r := pair(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 200 {
				fmt.Fprintf(w, "%s\n", strings.Repeat(string(rune('a'+i)), 30+i))
			}
		})
	}
	wg.Wait()
	for _, line := range r.Lines(Room) {
		if len(line) != 30+int(line[0]-'a') || strings.Trim(line, line[:1]) != "" {
			t.Errorf("mixed up: %q", line)
		}
	}
}

func TestStrangersAreRefused(t *testing.T) {
	for name, length := range map[string]int64{"short": 10, "empty": int64(size)} {
		fd, err := sys.Memfd(name, length)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Open(fd); !errors.Is(err, errFormat) {
			t.Errorf("%s: %v", name, err)
		}
		_ = sys.CloseFD(fd)
	}
	_, b, err := Create("closed")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if err := b.Close(); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
}
