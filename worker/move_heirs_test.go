package worker

import (
	"testing"

	"github.com/webchasor/webchasor/internal/handoff"
)

// An upgraded-from master leaves right after its order. The heirs it named are
// the new master's, so its workers still have them.
func TestHeirsOutliveTheMaster(t *testing.T) {
	both(t, func(t *testing.T, p *probe, app App) {
		a, b := serveApp(t, app, anything), serveApp(t, app, anything)
		busy := a.dial()
		busy.get("/stuck")
		wait(t, "the handler", p.entered)
		a.drainTo(handoff.DrainUpgrade, b)
		close(a.gone)
		a.expect(handoff.ReportClosed) // it knows that it is an orphan
		close(p.release)
		if busy.want(200).Close {
			t.Error("Connection: close, although there are heirs")
		}
		a.exited()
		busy.get("/ok")
		busy.want(200)
	})
}

// With reloads in quick succession the heirs leave before a long response is
// done; the master names others.
func TestNewHeirsTakeTheirPlace(t *testing.T) {
	both(t, func(t *testing.T, p *probe, app App) {
		a, b, c := serveApp(t, app, anything), serveApp(t, app, anything), serveApp(t, app, anything)
		busy := a.dial()
		busy.get("/stuck")
		wait(t, "the handler", p.entered)
		a.drainTo(handoff.DrainReload, b)
		b.order(handoff.DrainReload)
		b.exited()
		a.drainTo(handoff.DrainReload, c)
		close(p.release)
		if busy.want(200).Close {
			t.Error("Connection: close, although there are heirs")
		}
		a.exited()
		busy.get("/ok")
		busy.want(200)
		if got := c.t.conns.count(); got != 1 {
			t.Errorf("%d connections at the new heir, want 1", got)
		}
	})
}
