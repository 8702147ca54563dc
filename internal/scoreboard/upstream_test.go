package scoreboard

import (
	"math"
	"testing"
	"time"
)

func TestUpstreamsAreSeen(t *testing.T) {
	t.Parallel()
	b, _ := newBoard(t, 1)
	if v := b.Upstreams(); v != [MaxUpstreams]UpstreamView{} {
		t.Errorf("without upstreams there are %+v", v)
	}
	first, last := b.Upstream(0), b.Upstream(MaxUpstreams-1)
	first.Active(2)
	first.Active(-1)
	last.Set(UpstreamEjected, time.Hour)
	all := b.Upstreams()
	if want := (UpstreamView{State: UpstreamHealthy, Active: 1}); all[0] != want {
		t.Errorf("the first is %+v, want %+v", all[0], want)
	}
	if want := (UpstreamView{State: UpstreamEjected, Until: time.Hour}); all[MaxUpstreams-1] != want {
		t.Errorf("the last is %+v, want %+v", all[MaxUpstreams-1], want)
	}
	// Whatever a worker that went mad has written, the reader gets something sane.
	first.words.state.Store(math.MaxUint64)
	first.words.until.Store(math.MaxUint64)
	first.words.active.Store(-5)
	if v := b.Upstreams()[0]; v.State > UpstreamProbing || v.Until < 0 || v.Active != 0 {
		t.Errorf("nonsense is shown as %+v", v)
	}
	var none *Upstream
	none.Set(UpstreamHealthy, 0)
	none.Active(1)
}
