package supervisor

import (
	"slices"
	"testing"
)

func TestMemoryIsShared(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		workers int
		memory  int64
		want    int64
	}{
		{4, 0, 0}, // no limit, nothing to share
		{0, 1 << 30, 0},
		{1, 2 << 30, 2<<30 - (2<<30)/10},
		{4, 2 << 30, (2<<30 - (2<<30)/10) / 4},
		{4, 512 << 20, (512<<20 - reserveLeast) / 4},
		{33, 512 << 20, shareLeast},
		{2, 32 << 20, shareLeast}, // less than the reserve
	} {
		if got := shareOf(tt.workers, 1, tt.memory).memory; got != tt.want {
			t.Errorf("%d workers in %d MiB get %d, want %d", tt.workers, tt.memory>>20, got, tt.want)
		}
	}
}

// What the operator has set is neither divided nor told to anybody.
func TestTheOperatorsShareWins(t *testing.T) {
	t.Parallel()
	all := shareOf(2, 8, 1<<30)
	for _, tt := range []struct {
		environ, want []string
		text          string
	}{
		{nil, []string{"GOMAXPROCS=4", "GOMEMLIMIT=483183821"}, "GOMAXPROCS 4, GOMEMLIMIT 460 MiB"},
		{[]string{"GOMAXPROCS=3"}, []string{"GOMEMLIMIT=483183821"}, "GOMEMLIMIT 460 MiB"},
		{[]string{"GOMEMLIMIT=off", "GOMAXPROCS=3"}, nil, ""},
		{[]string{"GOMEMLIMIT=", "GOMAXPROCSX=3"}, []string{"GOMAXPROCS=4", "GOMEMLIMIT=483183821"}, "GOMAXPROCS 4, GOMEMLIMIT 460 MiB"},
	} {
		s := all.without(tt.environ)
		if got := s.environ(); !slices.Equal(got, tt.want) || s.text() != tt.text {
			t.Errorf("%q: %q %q, want %q %q", tt.environ, got, s.text(), tt.want, tt.text)
		}
	}
}
