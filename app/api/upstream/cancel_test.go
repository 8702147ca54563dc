package upstream

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/webchasor/webchasor/app/api/upstream/upstreamtest"
)

// The client leaves: the upstream is cancelled, whatever it is at, and the
// caller gets the cause.
func TestCancel(t *testing.T) {
	t.Parallel()
	start := map[string]func(t *testing.T) (*upstreamtest.Server, Upstream){
		"HTTP/1.1": func(t *testing.T) (*upstreamtest.Server, Upstream) {
			t.Helper()
			up := startUpstream(t)
			return up, Upstream{BaseURL: up.URL()}
		},
		"HTTP/2": func(t *testing.T) (*upstreamtest.Server, Upstream) {
			t.Helper()
			up, ca := startTLS(t)
			return up, Upstream{BaseURL: up.URL(), CAFile: ca}
		},
	}
	for proto, begin := range start {
		t.Run(proto+", before the first byte", func(t *testing.T) {
			t.Parallel()
			up, u := begin(t)
			up.Answer(upstreamtest.Answer{StallAfter: -1})
			r := newRouter(t, quick(u))
			ctx, leave := leaving(t)
			failed := make(chan error, 1)
			go func() {
				reply, err := r.Do(ctx, stream())
				if err == nil {
					reply.Body.Close()
				}
				failed <- err
			}()
			eventually(t, "the question is there", func() bool { return up.Active() == 1 })
			leave()
			if err := <-failed; !errors.Is(err, errLeft) {
				t.Errorf("the error is %v", err)
			}
			eventually(t, "the upstream is free", func() bool { return up.Active() == 0 && len(up.Cancelled()) == 1 })
			if s := r.Status()[0]; s.Active != 0 || s.Failures != 0 {
				t.Errorf("the status is %+v", s)
			}
		})
		t.Run(proto+", in the middle", func(t *testing.T) {
			t.Parallel()
			up, u := begin(t)
			up.Answer(upstreamtest.Answer{StallAfter: 2})
			r := newRouter(t, quick(u))
			ctx, leave := leaving(t)
			reply, err := r.Do(ctx, stream())
			if err != nil {
				t.Fatal(err)
			}
			defer reply.Body.Close()
			events := NewEvents(reply.Body)
			if _, err := events.Next(); err != nil {
				t.Fatal(err)
			}
			leave()
			for err == nil {
				_, err = events.Next()
			}
			if !errors.Is(err, errLeft) {
				t.Errorf("the error is %v", err)
			}
			eventually(t, "the upstream is free", func() bool { return up.Active() == 0 && len(up.Cancelled()) == 1 })
			if s := r.Status()[0]; s.Active != 0 || s.Failures != 0 {
				t.Errorf("the status is %+v", s)
			}
		})
		t.Run(proto+", by closing during a read", func(t *testing.T) {
			t.Parallel()
			up, u := begin(t)
			up.Answer(upstreamtest.Answer{StallAfter: 1})
			r := newRouter(t, quick(u))
			reply, err := r.Do(t.Context(), stream())
			if err != nil {
				t.Fatal(err)
			}
			var reader sync.WaitGroup
			reader.Go(func() {
				if all, err := io.ReadAll(reply.Body); err == nil {
					t.Errorf("a closed stream ended well after %d bytes", len(all))
				}
			})
			reply.Body.Close()
			reader.Wait()
			reply.Body.Close()
			eventually(t, "the upstream is free", func() bool { return up.Active() == 0 && len(up.Cancelled()) == 1 })
		})
	}
}

// A client that leaves during the wait for a retry waits no longer.
func TestCancelBackoff(t *testing.T) {
	t.Parallel()
	up := startUpstream(t)
	up.Answer(upstreamtest.Answer{Status: 503, RetryAfter: "3600"})
	c := quick(Upstream{BaseURL: up.URL()})
	c.Retries, c.RetryWait = 1, 2*time.Hour
	ctx, leave := leaving(t)
	failed := make(chan error, 1)
	r := newRouter(t, c)
	go func() {
		_, err := r.Do(ctx, chat(question))
		failed <- err
	}()
	eventually(t, "it was refused", func() bool { return r.Status()[0].Limited == 1 })
	leave()
	if err := <-failed; !errors.Is(err, errLeft) {
		t.Errorf("the error is %v", err)
	}
}

// No wait begins that would outlast the context.
func TestDeadlineBoundsBackoff(t *testing.T) {
	t.Parallel()
	up := startUpstream(t)
	up.Answer(upstreamtest.Answer{Status: 503, RetryAfter: "7200"})
	c := quick(Upstream{BaseURL: up.URL()})
	c.Retries, c.RetryWait = 1, 3*time.Hour
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	reply, err := newRouter(t, c).Do(ctx, chat(question))
	if err != nil || reply.Status != 503 || len(up.Requests()) != 1 {
		t.Errorf("the reply is %+v, %v", reply, err)
	}
}

// Hundreds of clients that leave keep neither goroutines nor requests. Not
// parallel: it counts the goroutines of the whole program.
func TestCancelLeavesNothing(t *testing.T) {
	up := startUpstream(t)
	r := newRouter(t, quick(Upstream{BaseURL: up.URL()}))
	ask(t, r, chat(question))
	before := runtime.NumGoroutine()
	up.Script(func(q upstreamtest.Request) upstreamtest.Answer {
		return upstreamtest.Answer{StallAfter: q.N%3 - 1, TokenDelay: time.Hour}
	})
	for range 10 {
		ctx, leave := leaving(t)
		var crowd sync.WaitGroup
		for range 30 {
			crowd.Go(func() {
				reply, err := r.Do(ctx, stream())
				if err == nil {
					_, err = io.Copy(io.Discard, reply.Body)
					reply.Body.Close()
				}
				if !errors.Is(err, errLeft) {
					t.Errorf("the error is %v", err)
				}
			})
		}
		eventually(t, "all are there", func() bool { return up.Active() == 30 })
		leave()
		crowd.Wait()
		eventually(t, "the upstream is free", func() bool { return up.Active() == 0 })
	}
	r.Close()
	eventually(t, "the goroutines are gone", func() bool { return runtime.NumGoroutine() <= before })
	if s := r.Status()[0]; s.Active != 0 || s.Failures != 0 {
		t.Errorf("the status is %+v", s)
	}
}

// A kept connection that the upstream closes costs the next call nothing.
func TestStaleConnection(t *testing.T) {
	t.Parallel()
	up := startUpstream(t)
	r := newRouter(t, quick(Upstream{BaseURL: up.URL()}))
	for range 20 {
		ask(t, r, chat(question))
		up.CloseConnections()
	}
	if s := r.Status()[0]; s.Failures != 0 || s.Requests != 20 {
		t.Errorf("the status is %+v", s)
	}
}
