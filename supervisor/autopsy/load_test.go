package autopsy

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestRecordsAreListedAndFound(t *testing.T) {
	s := NewStore(t.TempDir(), Limits{})
	if list, err := s.List(0); err != nil || len(list) != 0 {
		t.Errorf("before the first death: %v, %v", list, err)
	}
	if _, _, err := s.Read(Newest); !errors.Is(err, ErrNoRecord) {
		t.Errorf("before the first death: %v", err)
	}
	var ids []string
	for i := range 3 {
		r := sample(t)
		r.Time, r.PID = r.Time.Add(time.Duration(i)*time.Second), 100+i
		r.InFlight[2].Flags = append(r.InFlight[2].Flags, FlagAnswered)
		if _, err := s.Write(r); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, r.ID())
	}
	if err := os.WriteFile(filepath.Join(s.Dir(), "20990101T000000.000Z-pid1-slot1-x.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, from := range []*Store{s, {dir: s.dir}} { // a later master finds them too
		for range 2 {
			list, err := from.List(0)
			if err != nil || len(list) != 3 || list[0].ID != ids[2] || list[2].ID != ids[0] {
				t.Fatalf("%v, %v", list, err)
			}
			d := list[0]
			if d.Cause != "timeout" || d.PID != 102 || d.Culprit != "GET /spin" || d.Lost != 2 || d.ExitCode != 2 || d.Uptime != 10804 {
				t.Errorf("in short: %+v", d)
			}
		}
	}
	if list, err := s.List(2); err != nil || len(list) != 1 {
		t.Errorf("two of them, one unreadable: %v, %v", list, err)
	}
	for name, want := range map[string]string{ids[1]: ids[1], "pid101": ids[1], "20261122T220800": ids[1]} {
		if r, text, err := s.Read(name); err != nil || r.ID() != want || len(text) == 0 {
			t.Errorf("%s: %v, %v", name, r.ID(), err)
		}
	}
	for _, name := range []string{"", "pid10", "nobody", "../../../etc/passwd", "."} {
		if _, _, err := s.Read(name); !errors.Is(err, ErrNoRecord) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, _, err := s.Read("pid1-slot1"); err == nil || errors.Is(err, ErrNoRecord) {
		t.Errorf("a broken record: %v", err)
	}
}
