package upstream

import (
	"math/rand/v2"
	"testing"
	"time"
)

func newHealth(rule Ejection) *health {
	return &health{rule: rule, tell: func(condition, time.Duration) {}}
}

// One step of a script: what is told, by a request with that pass, after a time.
type step struct {
	news  news
	pass  pass
	after time.Duration
	want  condition
}

func TestHealthTransitions(t *testing.T) {
	t.Parallel()
	rule := Ejection{Failures: 2, Time: 10 * time.Second, MaxTime: 35 * time.Second}
	down := []step{{news: failed, want: healthy}, {news: failed, want: ejected}}
	probe, forced := pass{probe: true}, pass{forced: true}
	for name, script := range map[string][]step{
		"not in a row": {{news: failed}, {news: succeeded}, {news: failed}, {news: alive}, {news: failed, want: ejected}},
		"abandoned":    {{news: failed}, {news: abandoned}, {news: asked}},
		"too early":    append(down, step{news: asked, after: 9 * time.Second, want: ejected}),
		"old news":     append(down, step{news: alive, want: ejected}, step{news: succeeded, want: ejected}, step{news: failed, want: ejected}),
		"fail open":    append(down, step{news: alive, pass: forced, want: healthy}),
		"probed well":  append(down, step{news: asked, after: 10 * time.Second, want: probing}, step{news: alive, pass: probe, want: healthy}),
		"others do not decide": append(down, step{news: asked, after: 10 * time.Second, want: probing},
			step{news: failed, want: probing}, step{news: alive, want: probing}, step{news: asked, want: probing}, step{news: succeeded, pass: probe, want: probing}),
		"probe abandoned": append(down, step{news: asked, after: 10 * time.Second, want: probing},
			step{news: abandoned, pass: probe, want: ejected}, step{news: asked, want: probing}),
		"grows": append(down, step{news: asked, after: 10 * time.Second, want: probing}, step{news: failed, pass: probe, want: ejected},
			step{news: asked, after: 19 * time.Second, want: ejected}, step{news: asked, after: time.Second, want: probing},
			step{news: failed, pass: probe, want: ejected},
			step{news: asked, after: 34 * time.Second, want: ejected}, step{news: asked, after: time.Second, want: probing}),
	} {
		h, now := newHealth(rule), time.Unix(0, 0)
		for i, s := range script {
			now = now.Add(s.after)
			h.next(s.news, s.pass, now)
			if h.state != s.want {
				t.Errorf("%s: after step %d it is %v, want %v", name, i, h.state, s.want)
				break
			}
		}
	}
}

// A quiet time forgives one ejection after the other.
func TestHealthForgives(t *testing.T) {
	t.Parallel()
	h, now := newHealth(Ejection{Failures: 1, Time: time.Second, MaxTime: time.Minute}), time.Unix(0, 0)
	for range 3 {
		h.next(failed, pass{}, now)
		now = h.until
		h.next(asked, pass{}, now)
		h.next(alive, pass{probe: true}, now)
	}
	if h.ejections != 3 {
		t.Fatalf("%d ejections are remembered, want 3", h.ejections)
	}
	for _, quiet := range []time.Duration{4 * time.Second, 2 * time.Second, time.Second} {
		h.next(succeeded, pass{}, now.Add(quiet-1))
		before := h.ejections
		now = now.Add(quiet)
		h.next(succeeded, pass{}, now)
		if h.ejections != before-1 {
			t.Errorf("%d ejections are remembered after a quiet %v, want %d", h.ejections, quiet, before-1)
		}
	}
}

// Whatever is reported in whatever order: there is at most one probe, and an
// upstream that answers again always comes back.
func TestHealthProperty(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		h, now := newHealth(Ejection{Failures: 1 + r.IntN(3), Time: time.Second, MaxTime: time.Minute}), time.Unix(0, 0)
		var out []pass
		for range 500 {
			now = now.Add(time.Duration(r.IntN(2000)) * time.Millisecond)
			if len(out) == 0 || r.IntN(2) == 0 {
				p, ok := h.ask(now)
				if !ok {
					p.forced = true
				}
				out = append(out, p)
			} else {
				i := r.IntN(len(out))
				h.report([]news{alive, succeeded, failed, abandoned}[r.IntN(4)], out[i], now)
				if !out[i].probe { // a probe that was alive may still fail
					out = append(out[:i], out[i+1:]...)
				} else if h.state != probing {
					out = append(out[:i], out[i+1:]...)
				}
			}
			probes := 0
			for _, p := range out {
				if p.probe {
					probes++
				}
			}
			if h.state == probing && probes == 0 {
				t.Fatalf("seed %d: it is probing and no probe is out", seed)
			}
		}
		for _, p := range out {
			h.report(abandoned, p, now)
		}
		now = now.Add(time.Hour)
		p, ok := h.ask(now)
		if !ok {
			t.Fatalf("seed %d: it never comes back from %v", seed, h.state)
		}
		h.report(alive, p, now)
		if h.state != healthy {
			t.Fatalf("seed %d: it answered and is %v", seed, h.state)
		}
	}
}
