package scoreboard

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/sys"
)

// The test binary plays the worker: roleEnv names what it does.
const roleEnv = "SCOREBOARD_TEST_ROLE"

func TestMain(m *testing.M) {
	switch role := os.Getenv(roleEnv); role {
	case "":
		os.Exit(m.Run())
	case "writer":
		if err := writer(); err != nil {
			fmt.Fprintln(os.Stderr, "writer:", err)
			os.Exit(1)
		}
	}
	os.Exit(0)
}

// newBoard makes a board that ends with the test, and its descriptor.
func newBoard(t testing.TB, entries int) (*Board, int) {
	t.Helper()
	fd, b, err := Create(Options{Entries: entries, Slot: 3, Generation: 7, Incarnation: 42})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = b.Close(), sys.CloseFD(fd) })
	return b, fd
}

// reopen maps the board once more, as the other process does.
func reopen(t testing.TB, fd int) *Board {
	t.Helper()
	b, err := Open(fd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func acquire(t testing.TB, b *Board) (int, *Entry) {
	t.Helper()
	i, e, ok := b.Acquire()
	if !ok {
		t.Fatal("no entry is free")
	}
	return i, e
}

const second = time.Second
