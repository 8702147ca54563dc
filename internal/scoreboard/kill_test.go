package scoreboard

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/sys"
)

const writerEntries = 64

// writer fills the inherited board as fast as it can until it is killed.
func writer() error {
	b, err := Open(3)
	if err != nil {
		return err
	}
	b.SetPID(os.Getpid())
	b.SetState(StateReady)
	var entries []*Entry
	for range writerEntries {
		_, e, ok := b.Acquire()
		if !ok {
			return fmt.Errorf("no entry is free")
		}
		e.Open("client", 0)
		entries = append(entries, e)
	}
	totals := b.Totals()
	for id := uint64(0); ; id++ {
		e := entries[id%writerEntries]
		e.End(0) // the one of 64 requests ago
		e.Begin(id, time.Duration(id))
		text := texts[id%uint64(len(texts))]
		e.Describe(text, text)
		e.Progress(time.Duration(id), id)
		totals.Request(200, 1, time.Millisecond)
		b.Beat(sys.Monotonic())
	}
}

func TestBoardIsReadableAfterSIGKILL(t *testing.T) {
	deadline := time.Now().Add(30 * time.Second)
	tornSeen := 0
	for round := range 15 {
		fd, master, err := Create(Options{Entries: writerEntries, Slot: round})
		if err != nil {
			t.Fatal(err)
		}
		dup, err := sys.DupCloexec(fd)
		if err != nil {
			t.Fatal(err)
		}
		file := os.NewFile(uintptr(dup), "board")
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), roleEnv+"=writer")
		cmd.Stderr = os.Stderr
		cmd.ExtraFiles = []*os.File{file}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		_ = file.Close()
		// Kill it in the middle of its work, at a different point each round.
		for master.Totals().Requests() < uint64(1000+137*round) {
			if time.Now().After(deadline) {
				t.Fatal("the writer does not write")
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()

		s := master.Snapshot()
		if s.PID != cmd.Process.Pid || s.State != StateReady || s.Connections != writerEntries || s.Beat == 0 {
			t.Errorf("after the kill: %+v", s)
		}
		list := master.InFlight(sys.Monotonic())
		// One of them may have been between two requests.
		if len(list) < writerEntries-1 || len(list) > writerEntries {
			t.Errorf("%d requests were under way, want %d", len(list), writerEntries)
		}
		for _, r := range list {
			if r.Torn {
				tornSeen++
				continue
			}
			want := texts[r.ID%uint64(len(texts))]
			described := r.Method == want && r.Path == want
			if begun := r.Method == "" && r.Path == ""; !described && !begun {
				t.Errorf("request %d reads %q %q, want %q", r.ID, r.Method, r.Path, want)
			}
		}
		if d := len(list) - s.InFlight; d < -1 || d > 1 {
			t.Errorf("%d are listed, the gauge says %d", len(list), s.InFlight)
		}
		if h := master.Histogram(); h.Count() < 1000 {
			t.Errorf("the histogram has %d requests", h.Count())
		}
		_, _ = master.Close(), sys.CloseFD(fd)
	}
	t.Logf("%d torn entries in 15 kills", tornSeen)
}
