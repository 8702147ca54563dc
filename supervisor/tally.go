package supervisor

import (
	"time"

	"github.com/webchasor/webchasor/internal/control"
	"github.com/webchasor/webchasor/internal/ledger"
)

// tallyCount tallies, one every markEvery, are a quarter of an hour.
const tallyCount = 180

// tally is what the ledger had counted at one moment, over all slots: those of
// workers that are gone, and of the previous master's, too.
type tally struct {
	at       time.Time
	bytesOut uint64
	timeouts uint64
	panics   uint64
	lost     uint64
	byClass  [ledger.Classes]uint64
	deaths   [ledger.MaxCauses]uint64
	latency  *ledger.Latency // nil in a tally that is too old for it
}

// tally counts now.
func (m *master) tally(now time.Time) tally {
	t := tally{at: now, latency: &ledger.Latency{}}
	for _, slot := range m.ledger.Used() {
		n := slot.Counts()
		t.bytesOut += n.BytesOut
		t.timeouts += n.Timeouts
		t.panics += n.Panics
		t.lost += n.Lost
		for cause, k := range n.Deaths {
			t.deaths[cause] += k
		}
		slot.Series(func(_, class int, one *ledger.Series) {
			before := t.latency.Count
			t.latency.Add(one)
			t.byClass[class] += t.latency.Count - before
		})
	}
	return t
}

// since is what was counted after an earlier tally.
func (t *tally) since(before *tally) tally {
	d := *t
	d.bytesOut -= min(before.bytesOut, d.bytesOut)
	d.timeouts -= min(before.timeouts, d.timeouts)
	d.panics -= min(before.panics, d.panics)
	d.lost -= min(before.lost, d.lost)
	for i, n := range before.byClass {
		d.byClass[i] -= min(n, d.byClass[i])
	}
	return d
}

func (t *tally) requests() (sum uint64) {
	for _, n := range t.byClass {
		sum += n
	}
	return sum
}

// restarts are the deaths since before, by the names of their causes.
func (t *tally) restarts(causes []string, before *tally) map[string]uint64 {
	all := make(map[string]uint64)
	for i, cause := range causes {
		if n := t.deaths[i] - min(before.deaths[i], t.deaths[i]); n > 0 {
			all[cause] = n
		}
	}
	return all
}

// tallies are the latest, the oldest first. There is one from the start.
type tallies []tally

func (k tallies) due(now time.Time) bool {
	return len(k) == 0 || now.Sub(k[len(k)-1].at) >= markEvery
}

// add keeps a tally and forgets what is too old. Histograms are kept only for the
// percentiles' window, see [markCount].
func (k *tallies) add(t tally) {
	if len(*k) == tallyCount {
		*k = append((*k)[:0], (*k)[1:]...)
	}
	*k = append(*k, t)
	if old := len(*k) - markCount - 1; old >= 0 {
		(*k)[old].latency = nil
	}
}

// traffic is all that was served until t, and how lately.
func (k tallies) traffic(t *tally) control.Traffic {
	first := k[max(len(k)-markCount, 0)]
	late, over := t.since(&first), t.at.Sub(first.at)
	latency := t.latency.Since(first.latency)
	failed := late.byClass[0] + late.byClass[5]
	return control.Traffic{
		Requests: t.requests(), ByClass: t.byClass, BytesOut: t.bytesOut,
		Timeouts: t.timeouts, Panics: t.panics, Lost: t.lost,
		Rate: per(float64(late.requests()), over), Window: control.Sec(over), Recent: latency.Count,
		P50: control.Sec(latency.Quantile(0.5)), P95: control.Sec(latency.Quantile(0.95)), P99: control.Sec(latency.Quantile(0.99)),
		RecentErrors: failed, ErrorShare: share(failed, late.requests()),
	}
}

// recent is what happened in the time that is remembered.
func (k tallies) recent(t *tally, causes []string) control.Recently {
	first := &k[0]
	late := t.since(first)
	return control.Recently{
		Window: control.Sec(t.at.Sub(first.at)), Requests: late.requests(), ByClass: late.byClass,
		Timeouts: late.timeouts, Panics: late.panics, Lost: late.lost, Restarts: t.restarts(causes, first),
	}
}
