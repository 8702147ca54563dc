package upstream

import (
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/webchasor/webchasor/app/api/upstream/upstreamtest"
)

// meter writes down what it is told.
type meter struct {
	mu   sync.Mutex
	told []string
}

func (m *meter) note(what string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.told = append(m.told, what)
}

// since returns and forgets what was told.
func (m *meter) since() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	told := m.told
	m.told = nil
	return told
}

func (m *meter) Retried()               { m.note("retried") }
func (m *meter) Began()                 { m.note("began") }
func (m *meter) Answered(time.Duration) { m.note("answered") }
func (m *meter) Limited()               { m.note("limited") }
func (m *meter) Healthy()               { m.note("healthy") }
func (m *meter) Probing()               { m.note("probing") }

func (m *meter) Ended(failed bool) {
	if failed {
		m.note("failed")
	} else {
		m.note("ended")
	}
}

func (m *meter) Ejected(d time.Duration, same bool) {
	if same {
		m.note("ejected still")
	} else {
		m.note("ejected for " + d.String())
	}
}

// Who watches an upstream is told of every attempt and every change, once and in order.
func TestMeter(t *testing.T) {
	t.Parallel()
	up := startUpstream(t)
	c := quick(Upstream{Name: "u", BaseURL: up.URL()})
	c.Ejection = Ejection{Failures: 2, Time: time.Minute}
	c.Retries = 1
	var m meter
	c.Meter = func(name string) Meter {
		if name != "u" {
			t.Errorf("a meter for %q", name)
		}
		return &m
	}
	r := newRouter(t, c)
	clock := time.Now()
	r.now = func() time.Time { return clock }
	expect := func(what string, want ...string) {
		t.Helper()
		if got := m.since(); !slices.Equal(got, want) {
			t.Errorf("%s: told %q, want %q", what, got, want)
		}
	}
	ask(t, r, chat(question))
	expect("an answer", "began", "answered", "ended")

	up.Answer(upstreamtest.Answer{Status: http.StatusTooManyRequests, Body: `{"error":{"message":"x"}}`})
	ask(t, r, chat(question))
	expect("too many, twice", "began", "ended", "limited", "answered", "retried", "began", "ended", "limited", "answered")

	up.Answer(upstreamtest.Answer{Status: http.StatusInternalServerError})
	ask(t, r, chat(question))
	expect("two failures", "began", "failed", "answered", "retried", "began", "failed", "ejected for 1m0s", "answered")

	// The client of the probe leaves: it is the same ejection.
	clock = clock.Add(time.Minute)
	ctx, leave := leaving(t)
	leave()
	if _, err := r.Do(ctx, chat(question)); err == nil {
		t.Error("an answer for a client that has left")
	}
	expect("a probe without news", "probing", "began", "ended", "ejected still")

	up.Answer(upstreamtest.Answer{})
	ask(t, r, chat(question))
	expect("it is back", "probing", "began", "healthy", "answered", "ended")
}
