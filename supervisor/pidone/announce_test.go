package pidone

import (
	"fmt"
	"os"
	"testing"
)

func TestLatestAnnouncementWins(t *testing.T) {
	a, err := newAnnouncements()
	if err != nil {
		t.Fatal(err)
	}
	w := os.NewFile(a.writer, "announce")
	defer w.Close()

	steps := []struct {
		written string
		want    int
	}{
		{"", 0},
		{"17\n", 17},
		{"18\n19\n", 19},
		{"2", 0},     // half a line
		{"0\n", 20},  // its other half
		{"x\n\n", 0}, // garbage names nobody
		{"-1\n0\n", 0},
	}
	for _, s := range steps {
		fmt.Fprint(w, s.written)
		if got := a.latest(); got != s.want {
			t.Errorf("after %q: %d, want %d", s.written, got, s.want)
		}
	}
}
