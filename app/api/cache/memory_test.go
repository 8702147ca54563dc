package cache

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestHit(t *testing.T) {
	t.Parallel()
	c := newCache(t, Config{}, nil)
	plain, stream := keyOf(t, c, question), keyOf(t, c, `{"model":"m","temperature":0,"messages":[],"stream":true}`)
	fill(miss(t, c, plain), 200, jsonType, answer)
	fill(miss(t, c, stream), 200, sseType, events)
	for k, wanted := range map[Key]Entry{plain: {ContentType: jsonType, Body: []byte(answer)}, stream: {ContentType: sseType, Stream: true, Body: []byte(events)}} {
		e, f := c.Find(t.Context(), k, func() {})
		if f != nil || e.ContentType != wanted.ContentType || e.Stream != wanted.Stream || !bytes.Equal(e.Body, wanted.Body) {
			t.Fatalf("found %+v, want %+v", e, wanted)
		}
		if got := e.Age(e.Stored.Add(90 * time.Second)); got != 90 {
			t.Errorf("the age is %d", got)
		}
	}
}

// Only whole answers without errors are kept.
func TestWhatIsKept(t *testing.T) {
	t.Parallel()
	c := newCache(t, Config{MaxEntry: 1000}, nil)
	for i, tt := range []struct {
		status            int
		contentType, body string
		want              bool
	}{
		{200, jsonType, answer, true},
		{500, jsonType, answer, false},
		{201, jsonType, answer, false},
		{200, jsonType, `{"error":{"message":"x"}}`, false},
		{200, jsonType, `{"error":null}`, true},
		{200, jsonType, `{"id":`, false},
		{200, jsonType, ``, false},
		{200, jsonType, `"text"`, false},
		{200, sseType, events, true},
		{200, sseType, ": ping\r\n\r\ndata:{}\r\n\r\ndata:[DONE]\r\n\r\n", true},
		{200, sseType, "data: {}\n\n", false},
		{200, sseType, "data: {}\n\ndata: [DO", false},
		{200, sseType, "data: {}\n\ndata: [DONE]", false},
		{200, sseType, "data: {\"error\":{}}\n\ndata: [DONE]\n\n", false},
		{200, sseType, "data: [DONE]\n\ndata: {}\n\n", false},
		{200, sseType, "data: {\"a\n\ndata: [DONE]\n\n", false},
		{200, jsonType, `{"x":"` + strings.Repeat("x", 992) + `"}`, true},
		{200, jsonType, `{"x":"` + strings.Repeat("x", 993) + `"}`, false},
	} {
		k := keyOf(t, c, fmt.Sprintf(`{"seed":%d}`, i))
		fill(miss(t, c, k), tt.status, tt.contentType, tt.body)
		kept := ""
		if tt.want {
			kept = tt.body
		}
		want(t, c, k, kept)
	}
	// What was not said to be whole is not kept, whatever it looks like.
	k := keyOf(t, c, question)
	f := miss(t, c, k)
	f.Begin(200, jsonType)
	_, _ = f.Write([]byte(answer))
	f.Close()
	f.Done()
	want(t, c, k, "")
}

func TestBounds(t *testing.T) {
	t.Parallel()
	c := newCache(t, Config{MaxBytes: 100 << 10}, nil)
	body := `{"x":"` + strings.Repeat("x", 10<<10) + `"}`
	for i := range 100 {
		fill(miss(t, c, keyOf(t, c, fmt.Sprintf(`{"seed":%d}`, i))), 200, jsonType, body)
	}
	m, _ := c.store.(*memory)
	m.entries.CleanUp()
	if got := m.entries.WeightedSize(); got == 0 || got > 100<<10 {
		t.Errorf("%d bytes are kept, want at most %d", got, 100<<10)
	}
	if _, err := New(Config{TTL: -1}, nil); err == nil {
		t.Error("a negative TTL was taken")
	}
}

func TestTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCache(t, Config{TTL: time.Minute}, nil)
		defer c.Close()
		k := keyOf(t, c, question)
		fill(miss(t, c, k), 200, jsonType, answer)
		<-time.After(59 * time.Second)
		want(t, c, k, answer)
		<-time.After(3 * time.Second)
		want(t, c, k, "")
	})
}

// crowd finds k n times at once and counts who had to go.
func crowd(t *testing.T, n int, find func() (*Entry, *Fill), lead func(*Fill)) (hits, leads, alone int64) {
	t.Helper()
	var all sync.WaitGroup
	var h, l, a atomic.Int64
	for range n {
		all.Go(func() {
			e, f := find()
			switch {
			case e != nil:
				h.Add(1)
			case f.Wanted():
				l.Add(1)
				lead(f)
			default:
				a.Add(1)
			}
		})
	}
	all.Wait()
	return h.Load(), l.Load(), a.Load()
}

// A hundred equal requests at once ask the upstream once.
func TestSingleFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCache(t, Config{}, nil)
		defer c.Close()
		k := keyOf(t, c, question)
		hits, leads, alone := crowd(t, 100, func() (*Entry, *Fill) { return c.Find(t.Context(), k, func() {}) }, func(f *Fill) {
			<-time.After(10 * time.Second)
			fill(f, 200, jsonType, answer)
		})
		if hits != 99 || leads != 1 || alone != 0 {
			t.Errorf("%d hits, %d asked for all, %d for themselves; want 99, 1, 0", hits, leads, alone)
		}
	})
}

// Who has waited too long, or whose leader came to nothing, goes himself, and
// nobody waits one after the other.
func TestFollowersGoThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCache(t, Config{Wait: 5 * time.Second}, nil)
		defer c.Close()
		k := keyOf(t, c, question)
		begin := time.Now()
		_, leads, alone := crowd(t, 10, func() (*Entry, *Fill) { return c.Find(t.Context(), k, func() {}) }, func(f *Fill) {
			<-time.After(time.Minute)
			f.Close()
		})
		if leads != 1 || alone != 9 || time.Since(begin) != time.Minute {
			t.Errorf("%d asked for all, %d for themselves after %v; want 1, 9, 1m", leads, alone, time.Since(begin))
		}
		begin = time.Now()
		hits, leads, alone := crowd(t, 10, func() (*Entry, *Fill) { return c.Find(t.Context(), k, func() {}) }, func(f *Fill) {
			<-time.After(time.Second)
			fill(f, 500, jsonType, answer)
		})
		if hits+leads+alone != 10 || leads < 2 || alone == 0 || time.Since(begin) > 3*time.Second {
			t.Errorf("%d hits, %d asked for all, %d for themselves after %v", hits, leads, alone, time.Since(begin))
		}
		if len(c.flights) != 0 {
			t.Errorf("%d flights never landed", len(c.flights))
		}
	})
}

func TestFollowerLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCache(t, Config{}, nil)
		defer c.Close()
		k := keyOf(t, c, question)
		f := miss(t, c, k)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		if e, mine := c.Find(ctx, k, func() {}); e != nil || mine.Wanted() || time.Since(begin) != time.Second {
			t.Errorf("found %v after %v", e, time.Since(begin))
		}
		f.Close()
	})
}
