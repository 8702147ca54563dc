package upstream

import (
	"runtime"
	"strings"
	"testing"

	"github.com/webchasor/webchasor/app/api/upstream/upstreamtest"
)

// The body of a request is not kept while its answer streams. Not parallel: it
// watches the collector.
func TestBodyIsLetGo(t *testing.T) {
	up := startUpstream(t)
	up.Answer(upstreamtest.Answer{StallAfter: 1})
	r := newRouter(t, quick(Upstream{BaseURL: up.URL()}))
	freed := make(chan struct{})
	reply, err := func() (*Reply, error) {
		body := []byte(`{"model":"m","stream":true,"x":"` + strings.Repeat("x", 1<<20) + `"}`)
		runtime.AddCleanup(&body[0], func(done chan struct{}) { close(done) }, freed)
		c := stream()
		c.Body = body
		return r.Do(t.Context(), c)
	}()
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	eventually(t, "the body is collected", func() bool {
		runtime.GC()
		select {
		case <-freed:
			return true
		default:
			return false
		}
	})
	if got := len(up.Last().Body); got < 1<<20 {
		t.Errorf("the upstream got %d bytes", got)
	}
}
