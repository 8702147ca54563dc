package supervisor

import (
	"testing"

	"github.com/webchasor/webchasor/supervisor/autopsy"
	"github.com/webchasor/webchasor/supervisor/fleet"
)

func TestFailedBootIsToldInItsOwnWords(t *testing.T) {
	said := func(lines ...string) *child {
		c := &child{words: &lastWords{}}
		for _, l := range lines {
			c.words.add(l, false)
		}
		return c
	}
	ready := said("bye")
	ready.ready = ready.ready.Add(1)
	reported := said("worker: no DSN")
	reported.failed = "no DSN"
	cases := []struct {
		name     string
		c        *child
		sentence string
		want     string
	}{
		{"exit from main", said("connecting", "log: no DSN "), "exit status 1, before it was ready", "exit status 1, before it was ready: log: no DSN"},
		{"already in the sentence", said("panic: no DSN"), "panic: no DSN, before it was ready", "panic: no DSN, before it was ready"},
		{"its own report is better", reported, "failed to boot: no DSN", "failed to boot: no DSN"},
		{"silent", said(), "exit status 1", "exit status 1"},
		{"it had served", ready, "exit status 1", "exit status 1"},
	}
	for _, c := range cases {
		if got := epitaph(c.c, autopsy.Verdict{Sentence: c.sentence}); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestNotesAboutADeathKnowTheWorker(t *testing.T) {
	gone, alive := &child{id: 1, pid: 17}, &child{id: 2, pid: 18}
	m := &master{departed: gone, children: map[fleet.ID]*child{2: alive}}
	if m.known(1) != gone || m.known(2) != alive || m.known(3) != nil || m.known(0) != nil {
		t.Error("the wrong worker is named")
	}
}
