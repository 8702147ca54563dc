package upstream

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/webchasor/webchasor/app/api/upstream/upstreamtest"
)

func listed(t *testing.T, r *Router) string {
	t.Helper()
	all, err := r.Discover(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, m := range all {
		fmt.Fprintf(&b, "%s@%s(%v) ", m.ID, m.Upstream, m.Raw != nil)
	}
	return strings.TrimSpace(b.String())
}

func TestDiscover(t *testing.T) {
	t.Parallel()
	a, b := startUpstream(t), startUpstream(t)
	c := quick(
		Upstream{Name: "a", BaseURL: a.URL(), Routes: []Route{{Match: "alone"}}},
		Upstream{Name: "b", BaseURL: b.URL(), Routes: []Route{{Match: "b/*", Rename: "test-*"}, {Match: "test-model-large"}, {Match: "any-*", Rename: "test-model"}}},
		Upstream{Name: "gone", BaseURL: nobody(t), Routes: []Route{{Match: "kept"}, {Match: "x*"}}},
	)
	r := newRouter(t, c)
	const want = "alone@a(false) b/model@b(true) b/model-large@b(true) kept@gone(false) test-model-large@b(true)"
	if got := listed(t, r); got != want {
		t.Errorf("the models are %s\nwant           %s", got, want)
	}
	if len(a.Requests()) != 0 {
		t.Error("an upstream whose models are all named was asked")
	}
	// They are kept, and an old list is better than a slow one.
	clock := time.Now().Add(time.Hour)
	r.now = func() time.Time { return clock }
	b.Answer(upstreamtest.Answer{Body: `{"data":[{"id":"test-new"},{"id":7},null]}`})
	if got := listed(t, r); got != want {
		t.Errorf("the models are %s", got)
	}
	eventually(t, "the new list", func() bool { return strings.Contains(listed(t, r), "b/new@b(true)") })
	if got := len(b.Requests()); got != 2 {
		t.Errorf("%d lists were fetched, want 2", got)
	}
}

// A list that cannot be had again stays the one that was had.
func TestDiscoverKeepsAGoodList(t *testing.T) {
	t.Parallel()
	a, b := startUpstream(t), startUpstream(t)
	r := newRouter(t, quick(Upstream{Name: "a", BaseURL: a.URL(), Routes: []Route{{Match: "a/*", Rename: "*"}}}, Upstream{Name: "b", BaseURL: b.URL(), Routes: []Route{{Match: "b/*", Rename: "*"}}}))
	a.Answer(upstreamtest.Answer{Body: `{"data":[{"id":"one"}]}`})
	b.Answer(upstreamtest.Answer{Body: `{"data":[{"id":"one"}]}`})
	if got := listed(t, r); got != "a/one@a(true) b/one@b(true)" {
		t.Fatalf("the models are %s", got)
	}
	a.Answer(upstreamtest.Answer{Status: 500})
	b.Answer(upstreamtest.Answer{Body: `{"data":[{"id":"two"}]}`})
	clock := time.Now().Add(time.Hour)
	r.now = func() time.Time { return clock }
	eventually(t, "the new list", func() bool { return listed(t, r) == "a/one@a(true) b/two@b(true)" })
}

func TestDiscoverEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	up := startUpstream(t)
	up.Answer(upstreamtest.Answer{StallAfter: -1})
	r := newRouter(t, quick(Upstream{BaseURL: up.URL(), Timeouts: Timeouts{FirstByte: time.Second}}))
	ctx, leave := leaving(t)
	leave()
	if _, err := r.Discover(ctx); !errors.Is(err, errLeft) {
		t.Errorf("the error is %v", err)
	}
	for _, text := range []string{`{"data":"x"}`, `<html>`} {
		up := startUpstream(t)
		up.Answer(upstreamtest.Answer{Body: text})
		r := newRouter(t, quick(Upstream{BaseURL: up.URL()}))
		if _, err := r.list(context.Background(), r.endpoints[0]); err == nil {
			t.Errorf("%s is taken for a list", text)
		}
	}
}
