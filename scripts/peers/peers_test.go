package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/webchasor/webchasor/internal/testproc"
)

func TestOptions(t *testing.T) {
	t.Parallel()
	env := map[string]string{"ROUNDS": "2", "PEERS": "nginx puma", "MEASURES": "kill"}
	getenv := func(key string) string { return env[key] }
	o, err := optionsFrom(getenv)
	if err != nil || o.rounds != 2 || o.workers != 4 || len(o.peers) != 2 || !o.measuring("kill") || o.measuring("stop") {
		t.Errorf("got %+v, %v", o, err)
	}
	if want := `ROUNDS=2 DURATION=4 WORKERS=4 CONNECTIONS=64 THREADS=1 PEERS="nginx puma" MEASURES="kill" scripts/bench-peers.sh`; o.String() != want {
		t.Errorf("got %s, want %s", o, want)
	}
	for key, bad := range map[string]string{"ROUNDS": "0", "DURATION": "x", "MEASURES": "speed"} {
		good := env[key]
		env[key] = bad
		if _, err := optionsFrom(getenv); err == nil {
			t.Errorf("%s=%s was taken", key, bad)
		}
		env[key] = good
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	got, err := choose(catalog(4), []string{"puma", "nginx"})
	if err != nil || len(got) != 2 || got[0].name != "nginx" || got[1].name != "puma" {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := choose(catalog(4), []string{"apache"}); err == nil || !strings.Contains(err.Error(), "there are: webchasor") {
		t.Errorf("an unknown peer: %v", err)
	}
}

// TestCommands makes every peer's command: their templates must render, and
// name the place where they are.
func TestCommands(t *testing.T) {
	t.Parallel()
	h := testproc.NewHost("test")
	t.Cleanup(h.Close)
	seen := map[string]bool{}
	for _, p := range catalog(4) {
		if seen[p.name] {
			t.Errorf("two peers are named %s", p.name)
		}
		seen[p.name] = true
		at := newPlace(h, p.workers, programs{ours: "ours", bare: "bare", prefork: "prefork"})
		c := p.command(at)
		if c.binary == "" || p.workers == 0 || p.note == "" {
			t.Errorf("%s: %+v, %+v", p.name, p, c)
		}
		for _, arg := range c.args {
			if strings.HasPrefix(arg, "cannot-render") {
				t.Errorf("%s: %s", p.name, arg)
			}
		}
		configs, _ := filepath.Glob(at.dir + "/*.c*f*g*")
		for _, name := range configs {
			if text, err := os.ReadFile(name); err != nil || strings.Contains(string(text), "{{") || !strings.Contains(string(text), at.address()) {
				t.Errorf("%s: %v\n%s", name, err, text)
			}
		}
	}
}

// TestKeptBy leaves out fresh connections, the victim's own, and other times.
func TestKeptBy(t *testing.T) {
	t.Parallel()
	const victim, other = 1, 2
	sample := func(start time.Duration, owner int, fresh, ok bool, elapsed time.Duration) testproc.Sample {
		return testproc.Sample{Start: start, Owner: owner, Fresh: fresh, OK: ok, Elapsed: elapsed}
	}
	r := testproc.MixReport{Samples: []testproc.Sample{
		sample(5, other, false, true, time.Millisecond),
		sample(5, other, false, true, 2*time.Second),
		sample(6, other, false, false, time.Millisecond),
		sample(5, victim, false, true, 3*time.Second),
		sample(5, other, true, true, 3*time.Second),
		sample(4, other, false, true, 3*time.Second),
		sample(7, other, false, true, 3*time.Second),
	}}
	if got, want := keptBy(r, victim, 5, 6), (tally{requests: 3, delayed: 1, failed: 1, longest: 2 * time.Second}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestSpread(t *testing.T) {
	t.Parallel()
	pick := func(f float64) float64 { return f }
	if got := spread([]float64{3, 1, 2}, "%.0f", pick); got != "2 (1...3)" {
		t.Errorf("got %s", got)
	}
	if got := spread([]float64{4}, "%.0f", pick); got != "4" {
		t.Errorf("got %s", got)
	}
}
