package cache

import (
	"context"
	"testing"
)

// late is a store of another process's doing: it stores the answer and lets its
// claim go between this one's look and this one's claim.
type late struct {
	store
	before func() // runs once, before the first claim
	let    int    // claims that were given back
}

func (l *late) claim(ctx context.Context, k Key) *claim {
	if l.before != nil {
		l.before()
		l.before = nil
	}
	won := l.store.claim(ctx, k)
	return &claim{func() {
		l.let++
		won.release()
	}}
}

// Who wins a claim only because its owner is through with it finds the answer and
// does not ask the upstream again.
func TestAnswerBeforeTheClaim(t *testing.T) {
	t.Parallel()
	c := newCache(t, Config{}, nil)
	k := keyOf(t, c, question)
	between := &late{store: c.store, before: func() { c.store.put(k, &Entry{ContentType: jsonType, Body: []byte(answer)}) }}
	c.store = between
	e, f := c.Find(t.Context(), k, func() {})
	if f != nil || string(e.Body) != answer {
		t.Fatalf("found %+v, and the duty %+v", e, f)
	}
	if between.let != 1 || len(c.flights) != 0 {
		t.Errorf("%d claims were given back, %d flights never landed; want 1, 0", between.let, len(c.flights))
	}
}

// The same between two requests of one process: the flight has landed between the
// second one's look and its boarding.
func TestAnswerBeforeBoarding(t *testing.T) {
	t.Parallel()
	c := newCache(t, Config{}, nil)
	k := keyOf(t, c, question)
	first := miss(t, c, k)
	looked := &looks{store: c.store, after: func() { fill(first, 200, jsonType, answer) }}
	c.store = looked
	e, f := c.Find(t.Context(), k, func() {})
	if f != nil || string(e.Body) != answer {
		t.Fatalf("found %+v, and the duty %+v", e, f)
	}
}

// looks is a store in which something happens after the first look.
type looks struct {
	store
	after func()
}

func (l *looks) get(ctx context.Context, k Key) *Entry {
	e := l.store.get(ctx, k)
	if after := l.after; after != nil {
		l.after = nil
		after()
	}
	return e
}
